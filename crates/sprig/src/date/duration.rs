//! Durations in nanoseconds: read, printed (`1h2m3.5s`), rounded, as Go's `time.Duration`.

use std::fmt;

use gotmpl::named_int::DurationText;

use super::read::quoted;

/// Nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Duration(pub(crate) i64);

pub(crate) const SECOND: i64 = 1_000_000_000;
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The largest units of `durationRound`, in seconds.
const LARGE_UNITS: [(&str, u64); 6] =
    [("y", 31_536_000), ("mo", 2_592_000), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// The largest magnitude of a duration, reached by negative ones only.
const LIMIT: u64 = 1 << 63;

impl Duration {
    /// So many seconds; like Go, what does not fit wraps around.
    pub(crate) fn from_seconds(seconds: i64) -> Self {
        Self(seconds.wrapping_mul(SECOND))
    }

    /// Reads `1h15m30.5s`, `-1.5h`, `0`. The error is Go's.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("time: invalid duration {}", quoted(text.as_bytes()));
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total = 0_u64;
        while !rest.is_empty() {
            let (term, behind) = Self::term(text, rest)?;
            total = total.checked_add(term).filter(|total| *total <= LIMIT).ok_or_else(invalid)?;
            rest = behind;
        }
        match (negative, total) {
            (true, total) => Ok(Self((total as i64).wrapping_neg())),
            (false, LIMIT) => Err(invalid()),
            (false, total) => Ok(Self(total as i64)),
        }
    }

    /// A number and its unit at the beginning of `rest`: its nanoseconds, and what is behind it.
    fn term<'a>(whole: &str, rest: &'a str) -> Result<(u64, &'a str), String> {
        let shown = || quoted(whole.as_bytes());
        let invalid = || format!("time: invalid duration {}", shown());
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (integer, behind) = rest.split_at(digits(rest));
        let number = if integer.is_empty() { Some(0) } else { integer.parse().ok() };
        let number = number.filter(|number: &u64| *number <= LIMIT).ok_or_else(invalid)?;
        let (fraction, behind) = match behind.strip_prefix('.') {
            Some(behind) => behind.split_at(digits(behind)),
            None => ("", behind),
        };
        if integer.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let end = behind.bytes().take_while(|byte| *byte != b'.' && !byte.is_ascii_digit()).count();
        let (name, behind) = behind.split_at(end);
        if name.is_empty() {
            return Err(format!("time: missing unit in duration {}", shown()));
        }
        let Some((_, unit)) = UNITS.iter().find(|(known, _)| *known == name) else {
            return Err(format!("time: unknown unit {} in duration {}", quoted(name.as_bytes()), shown()));
        };
        let nanos = number.checked_mul(*unit).filter(|nanos| *nanos <= LIMIT).ok_or_else(invalid)?;
        Ok((nanos.checked_add(part(fraction, *unit)).ok_or_else(invalid)?, behind))
    }

    /// To the nearest second, halves away from zero.
    pub(crate) fn rounded_to_seconds(self) -> Self {
        let half = if self.0 < 0 { -SECOND / 2 } else { SECOND / 2 };
        Self(self.0.saturating_add(half) / SECOND * SECOND)
    }

    /// To the nearest multiple of `unit`, halves away from zero; a unit that is not positive changes nothing.
    pub(crate) fn rounded_to(self, unit: Self) -> Self {
        if unit.0 <= 0 {
            return self;
        }
        let rest = self.0 % unit.0;
        let is_less_than_half = rest.unsigned_abs() < (unit.0 - rest.abs()).unsigned_abs();
        let down = self.0 - rest;
        if is_less_than_half {
            return Self(down);
        }
        Self(if self.0 < 0 { down.saturating_sub(unit.0) } else { down.saturating_add(unit.0) })
    }

    /// Toward zero to a multiple of `unit`; a unit that is not positive changes nothing.
    pub(crate) fn truncated_to(self, unit: Self) -> Self {
        if unit.0 <= 0 { self } else { Self(self.0 - self.0 % unit.0) }
    }

    /// The number of units of so many nanoseconds, as Go's `Seconds`, `Minutes` and `Hours` divide.
    pub(crate) fn count_of(self, unit: i64) -> f64 {
        (self.0 / unit) as f64 + (self.0 % unit) as f64 / unit as f64
    }

    /// The number of the largest unit that it is longer than: `3mo`, `1y`, `0s`. The sign is not shown.
    pub(crate) fn largest_unit(self) -> String {
        let nanos = self.0.unsigned_abs();
        let fits = |(_, seconds): &&(&str, u64)| nanos > seconds * SECOND.unsigned_abs();
        match LARGE_UNITS.iter().find(fits) {
            Some((name, seconds)) => format!("{}{name}", nanos / (seconds * SECOND.unsigned_abs())),
            None => "0s".to_owned(),
        }
    }
}

/// The decimals `digits` of a `unit`, in nanoseconds.
fn part(digits: &str, unit: u64) -> u64 {
    let kept = &digits[..digits.len().min(18)];
    let value: u64 = kept.parse().unwrap_or(0);
    let scale = 10_f64.powi(i32::try_from(kept.len()).unwrap_or(0));
    (value as f64 * (unit as f64 / scale)) as u64
}

/// `strconv.ParseInt` in base 10, what does not fit cut to the range, what is no number 0.
pub(crate) fn seconds(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        DurationText(self.0).fmt(f)
    }
}
