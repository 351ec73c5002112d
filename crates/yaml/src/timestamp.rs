//! The timestamps go-yaml resolves, and the RFC 3339 text Go gives them.
//!
//! Accepted (go-yaml `resolve.go`, through `time.Parse`): `2006-1-2`, `2006-1-2 15:4:5.9`, and `T` or `t`
//! between date and time with a zone (`Z` or `±hh:mm`) behind.

use std::fmt;

/// A moment as written, with its own offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    /// Minutes east of UTC.
    offset: i32,
}

/// Reads a timestamp; `None` for any other text.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let mut rest = Rest(text.as_bytes());
    let year = rest.exact_digits(4)?;
    rest.byte(b"-")?;
    let month = rest.number(1, 12)?;
    rest.byte(b"-")?;
    let day = rest.number(1, 31)?;
    if day > days_in(month, year) {
        return None;
    }
    let date = Timestamp { year, month, day, hour: 0, minute: 0, second: 0, nanosecond: 0, offset: 0 };
    if rest.0.is_empty() {
        return Some(date);
    }
    let separator = rest.byte(b"Tt ")?;
    if separator == b' ' {
        // Go takes a space in its layout for any number of them.
        while rest.byte(b" ").is_some() {}
    }
    let time = rest.time(date)?;
    let time = if separator == b' ' { time } else { Timestamp { offset: rest.zone()?, ..time } };
    rest.0.is_empty().then_some(time)
}

/// What is left of the text.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn byte(&mut self, one_of: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        one_of.contains(&first).then(|| {
            self.0 = rest;
            first
        })
    }

    fn exact_digits(&mut self, n: usize) -> Option<u32> {
        let (head, rest) = self.0.split_at_checked(n)?;
        let value = decimal(head)?;
        self.0 = rest;
        Some(value)
    }

    /// One or two digits within bounds.
    fn number(&mut self, least: u32, most: u32) -> Option<u32> {
        let n = if self.0.get(1).is_some_and(u8::is_ascii_digit) { 2 } else { 1 };
        self.exact_digits(n).filter(|value| (least..=most).contains(value))
    }

    fn time(&mut self, date: Timestamp) -> Option<Timestamp> {
        let hour = self.number(0, 23)?;
        self.byte(b":")?;
        let minute = self.number(0, 59)?;
        self.byte(b":")?;
        let second = self.number(0, 59)?;
        Some(Timestamp { hour, minute, second, nanosecond: self.fraction(), ..date })
    }

    /// A point or comma and any number of digits, of which nine count.
    fn fraction(&mut self) -> u32 {
        let Some((b'.' | b',', digits)) = self.0.split_first() else { return 0 };
        let n = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        if n == 0 {
            return 0;
        }
        let kept = &digits[..n.min(9)];
        self.0 = &digits[n..];
        decimal(kept).unwrap_or(0) * 10_u32.pow(9 - kept.len() as u32)
    }

    fn zone(&mut self) -> Option<i32> {
        let sign = match self.byte(b"Z+-")? {
            b'Z' => return Some(0),
            b'-' => -1,
            _ => 1,
        };
        let hours = self.exact_digits(2).filter(|&h| h <= 24)?;
        self.byte(b":")?;
        let minutes = self.exact_digits(2).filter(|&m| m <= 60)?;
        Some(sign * (hours * 60 + minutes) as i32)
    }
}

fn decimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, b| b.is_ascii_digit().then(|| value * 10 + u32::from(b - b'0')))
}

fn days_in(month: u32, year: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Go's `time.RFC3339Nano`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, nanosecond, offset } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if *nanosecond != 0 {
            write!(f, ".{}", format!("{nanosecond:09}").trim_end_matches('0'))?;
        }
        if *offset == 0 {
            return f.write_str("Z");
        }
        let sign = if *offset < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_go_yaml() {
        let text = |s| parse(s).map(|t| t.to_string());
        let cases = [
            ("2001-01-01", "2001-01-01T00:00:00Z"),
            ("2020-1-2", "2020-01-02T00:00:00Z"),
            ("2001-12-14 21:59:43.10", "2001-12-14T21:59:43.1Z"),
            ("2001-12-14t21:59:43,5-05:00", "2001-12-14T21:59:43.5-05:00"),
            ("2001-12-14   1:2:3", "2001-12-14T01:02:03Z"),
            ("2024-02-29T1:2:3Z", "2024-02-29T01:02:03Z"),
            ("2024-01-01T00:00:00.1234567899Z", "2024-01-01T00:00:00.123456789Z"),
        ];
        for (from, to) in cases {
            assert_eq!(text(from).as_deref(), Some(to), "{from}");
        }
        let no = [
            "2023-02-29",
            "2024-13-01",
            "2024-1",
            "24-1-1",
            "2024-01-01x",
            "2024-01-01T00:00:00",
            "2024-01-01 1:2",
        ];
        for from in no {
            assert_eq!(text(from), None, "{from}");
        }
    }
}
