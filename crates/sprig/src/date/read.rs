//! Reading a time by a layout (Go's `time.ParseInLocation` in the local zone), with Go's error texts.

use gotmpl::{Budget, CallError};

use super::layout::{self, Chunk, MONTHS, Offset, WEEKDAYS};
use super::time::{Civil, Time, days_before, days_in, is_leap};
use super::zone::Zone;
use crate::args;

/// Why a chunk cannot be read.
enum Wrong {
    /// The text does not look like it.
    Form,
    /// It does, but the number is too large.
    Range(&'static str),
}

type Read<T = ()> = Result<T, Wrong>;

/// What has been read so far.
#[derive(Default)]
struct Reader<'a> {
    rest: &'a [u8],
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    /// Whether `PM`, or `AM`, was said.
    pm: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone_name: String,
}

/// The longest form and the longest text of a time.
const MAX_READ: usize = 64 << 10;

/// How many bytes of a text errors quote.
const MAX_SHOWN: usize = 16 << 10;

/// Text in quotes as the package `time` quotes it: every byte beyond ASCII is escaped. Of a text that is very long only
/// the beginning is shown.
pub(super) fn quoted(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in &text[..text.len().min(MAX_SHOWN)] {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
            b' '..=b'\x7f' => out.push(char::from(*byte)),
            byte => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// The time that `value` says in the form of `format`; the inner error is Go's.
///
/// # Errors
/// The budget is used up.
pub(super) fn read(budget: &Budget<'_>, format: &[u8], value: &[u8]) -> args::Result<Result<Time, String>> {
    if format.len().max(value.len()) > MAX_READ {
        return Err(CallError::budget(format!("a time or its form is longer than {MAX_READ} bytes")));
    }
    budget.spend(16 * (format.len() + value.len()))?;
    Ok(read_by(format, value))
}

fn read_by(format: &[u8], value: &[u8]) -> Result<Time, String> {
    let mut reader = Reader { rest: value, ..Reader::default() };
    let of = quoted(value);
    let bad = |element: &[u8], at: &[u8]| {
        format!("parsing time {of} as {}: cannot parse {} as {}", quoted(format), quoted(at), quoted(element))
    };
    let mut rest = format;
    while let Some(layout::Next { before, chunk, element, behind }) = layout::next(rest) {
        reader.skip(before).map_err(|at| bad(before, at))?;
        let hold = reader.rest;
        reader.chunk(chunk, behind).map_err(|wrong| match wrong {
            Wrong::Form => bad(element, hold),
            Wrong::Range(what) => format!("parsing time {of}: {what} out of range"),
        })?;
        rest = behind;
    }
    reader.skip(rest).map_err(|at| bad(rest, at))?;
    if !reader.rest.is_empty() {
        return Err(format!("parsing time {of}: extra text: {}", quoted(reader.rest)));
    }
    reader.finish().map_err(|why| format!("parsing time {of}: {why}"))
}

fn trim_spaces(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| **byte == b' ').count()..]
}

fn is_digit(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_digit)
}

/// The number that the digits of `text` make.
fn number(text: &[u8]) -> Read<i64> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Wrong::Form)
}

impl<'a> Reader<'a> {
    /// Passes over literal text; a run of spaces stands for any run of spaces. The error is what does not fit.
    fn skip(&mut self, mut text: &[u8]) -> Result<(), &'a [u8]> {
        while let Some(byte) = text.first() {
            if *byte == b' ' {
                if self.rest.first().is_some_and(|byte| *byte != b' ') {
                    return Err(self.rest);
                }
                text = trim_spaces(text);
                self.rest = trim_spaces(self.rest);
                continue;
            }
            if self.rest.first() != Some(byte) {
                return Err(self.rest);
            }
            text = &text[1..];
            self.rest = &self.rest[1..];
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Wrong::Form)?;
        self.rest = rest;
        Ok(taken)
    }

    /// One or two digits; two when `fixed`.
    fn two(&mut self, fixed: bool) -> Read<i64> {
        match (is_digit(self.rest, 0), is_digit(self.rest, 1)) {
            (true, true) => number(self.take(2)?),
            (true, false) if !fixed => number(self.take(1)?),
            _ => Err(Wrong::Form),
        }
    }

    fn below(&mut self, limit: i64, fixed: bool, what: &'static str) -> Read<i64> {
        let number = self.two(fixed)?;
        if number < limit { Ok(number) } else { Err(Wrong::Range(what)) }
    }

    /// The place of the name, of which `length` bytes count, in `names`.
    fn name(&mut self, names: &[&str], length: Option<usize>) -> Read<i64> {
        let rest = self.rest;
        let cut = |name: &&str| length.unwrap_or(name.len());
        let fits = |name: &&str| {
            rest.get(..cut(name)).is_some_and(|text| text.eq_ignore_ascii_case(&name.as_bytes()[..cut(name)]))
        };
        let index = names.iter().position(fits).ok_or(Wrong::Form)?;
        self.take(cut(&names[index]))?;
        i64::try_from(index).map_err(|_| Wrong::Form)
    }

    fn skip_spaces(&mut self, most: usize) {
        let spaces = self.rest.iter().take(most).take_while(|byte| **byte == b' ').count();
        self.rest = &self.rest[spaces..];
    }

    fn chunk(&mut self, chunk: Chunk, behind: &[u8]) -> Read {
        match chunk {
            Chunk::LongMonth => self.month = Some(self.name(&MONTHS, None)? + 1),
            Chunk::Month => self.month = Some(self.name(&MONTHS, Some(3))? + 1),
            Chunk::NumMonth | Chunk::ZeroMonth => self.month = Some(self.month(chunk == Chunk::ZeroMonth)?),
            Chunk::LongWeekday => drop(self.name(&WEEKDAYS, None)?),
            Chunk::Weekday => drop(self.name(&WEEKDAYS, Some(3))?),
            Chunk::Day | Chunk::ZeroDay => self.day = Some(self.two(chunk == Chunk::ZeroDay)?),
            Chunk::UnderDay => {
                self.skip_spaces(1);
                self.day = Some(self.two(false)?);
            }
            Chunk::UnderYearDay => {
                self.skip_spaces(2);
                self.year_day = Some(self.three(false)?);
            }
            Chunk::ZeroYearDay => self.year_day = Some(self.three(true)?),
            Chunk::Hour => self.hour = self.below(24, false, "hour")?,
            Chunk::Hour12 | Chunk::ZeroHour12 => {
                self.hour = self.below(13, chunk == Chunk::ZeroHour12, "hour")?;
            }
            Chunk::Minute | Chunk::ZeroMinute => {
                self.minute = self.below(60, chunk == Chunk::ZeroMinute, "minute")?;
            }
            Chunk::Second | Chunk::ZeroSecond => self.second(chunk == Chunk::ZeroSecond, behind)?,
            Chunk::LongYear if !is_digit(self.rest, 0) => return Err(Wrong::Form),
            Chunk::LongYear => self.year = number(self.take(4)?)?,
            Chunk::Year => self.short_year()?,
            Chunk::UpperPm => self.half(b"PM", b"AM")?,
            Chunk::LowerPm => self.half(b"pm", b"am")?,
            Chunk::ZoneName => self.zone_name()?,
            Chunk::Offset(form) => self.offset(form)?,
            Chunk::Fraction(_, digits, false) => self.fraction(1 + digits)?,
            Chunk::Fraction(_, _, true) => self.any_fraction()?,
        }
        Ok(())
    }

    fn month(&mut self, fixed: bool) -> Read<i64> {
        let month = self.two(fixed)?;
        if (1..=12).contains(&month) { Ok(month) } else { Err(Wrong::Range("month")) }
    }

    fn three(&mut self, fixed: bool) -> Read<i64> {
        let digits = self.rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || (fixed && digits != 3) {
            return Err(Wrong::Form);
        }
        number(self.take(digits)?)
    }

    fn short_year(&mut self) -> Read {
        let year = number(self.take(2)?)?;
        self.year = year + if year >= 69 { 1_900 } else { 2_000 };
        Ok(())
    }

    /// A second may have a fraction even if the layout has none.
    fn second(&mut self, fixed: bool, behind: &[u8]) -> Read {
        self.second = self.below(60, fixed, "second")?;
        let next = layout::next(behind).map(|next| next.chunk);
        if matches!(next, Some(Chunk::Fraction(..))) { Ok(()) } else { self.any_fraction() }
    }

    fn half(&mut self, pm: &[u8], am: &[u8]) -> Read {
        self.pm = match self.take(2)? {
            half if half == pm => Some(true),
            half if half == am => Some(false),
            _ => return Err(Wrong::Form),
        };
        Ok(())
    }

    fn any_fraction(&mut self) -> Read {
        if !matches!(self.rest.first(), Some(b'.' | b',')) || !is_digit(self.rest, 1) {
            return Ok(());
        }
        let digits = self.rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.fraction(1 + digits)
    }

    fn fraction(&mut self, length: usize) -> Read {
        let text = self.take(length)?;
        if !matches!(text.first(), Some(b'.' | b',')) {
            return Err(Wrong::Form);
        }
        let digits = &text[1..length.min(10)];
        let scale = 10_i64.pow(9 - u32::try_from(digits.len()).unwrap_or(9));
        let nanos = if digits.is_empty() { 0 } else { number(digits)? * scale };
        self.nanos = u32::try_from(nanos).map_err(|_| Wrong::Range("fractional second"))?;
        Ok(())
    }

    fn offset(&mut self, form: Offset) -> Read {
        if form.iso && self.rest.first() == Some(&b'Z') {
            self.rest = &self.rest[1..];
            self.utc = true;
            return Ok(());
        }
        let colon = usize::from(form.colons);
        let parts = 1 + usize::from(form.minutes) + usize::from(form.seconds);
        let text = self.take(1 + 2 * parts + colon * (parts - 1))?;
        let starts = [1, 3 + colon, 5 + 2 * colon];
        let starts = &starts[..parts];
        if form.colons && starts[1..].iter().any(|at| text[at - 1] != b':') {
            return Err(Wrong::Form);
        }
        let mut numbers = [0; 3];
        let mut complete = Ok(());
        for (number, at) in numbers.iter_mut().zip(starts) {
            match (Reader { rest: &text[*at..at + 2], ..Reader::default() }).two(true) {
                Ok(read) => *number = read,
                Err(wrong) => {
                    complete = Err(wrong);
                    break;
                }
            }
        }
        let [hours, minutes, seconds] = numbers;
        for (number, most, what) in [
            (hours, 24, "time zone offset hour"),
            (minutes, 60, "time zone offset minute"),
            (seconds, 60, "time zone offset second"),
        ] {
            if number > most {
                return Err(Wrong::Range(what));
            }
        }
        // Go looks at the range of what it could read first.
        complete?;
        let offset = (hours * 60 + minutes) * 60 + seconds;
        self.offset = Some(match text[0] {
            b'+' => offset,
            b'-' => -offset,
            _ => return Err(Wrong::Form),
        });
        Ok(())
    }

    fn zone_name(&mut self) -> Read {
        if self.rest.starts_with(b"UTC") {
            self.rest = &self.rest[3..];
            self.utc = true;
            return Ok(());
        }
        let length = zone_length(self.rest).ok_or(Wrong::Form)?;
        self.zone_name = String::from_utf8_lossy(self.take(length)?).into_owned();
        Ok(())
    }

    fn finish(mut self) -> Result<Time, String> {
        match self.pm {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = self.month_and_day()?;
        if day < 1 || day > days_in(month, self.year) {
            return Err("day out of range".to_owned());
        }
        let Self { year, hour, minute, second, nanos, .. } = self;
        let seconds = Civil { year, month, day, hour, minute, second }.seconds();
        Ok(match (self.utc, self.offset) {
            (true, _) => Time { seconds, nanos, zone: Zone::Utc },
            (false, Some(offset)) => {
                let local = offset == 0 && matches!(&*self.zone_name, "" | "UTC");
                let zone = if local { Zone::Local } else { Zone::Fixed(self.zone_name, offset) };
                Time { seconds: seconds - offset, nanos, zone }
            }
            (false, None) if self.zone_name.is_empty() => Time { seconds, nanos, zone: Zone::Local },
            (false, None) => {
                // Only the hours that `GMT+3` names are known; they are not taken off the time.
                let hours = self.zone_name.strip_prefix("GMT").and_then(|hours| hours.parse::<i64>().ok());
                Time { seconds, nanos, zone: Zone::Fixed(self.zone_name, hours.unwrap_or(0) * 3_600) }
            }
        })
    }

    fn month_and_day(&self) -> Result<(i64, i64), String> {
        let Some(year_day) = self.year_day else {
            return Ok((self.month.unwrap_or(1), self.day.unwrap_or(1)));
        };
        let leap = is_leap(self.year);
        if year_day < 1 || year_day > 365 + i64::from(leap) {
            return Err("day-of-year out of range".to_owned());
        }
        let month = (1..=12).rfind(|month| days_before(*month, leap) < year_day).unwrap_or(1);
        let day = year_day - days_before(month, leap);
        if self.month.is_some_and(|said| said != month) {
            return Err("day-of-year does not match month".to_owned());
        }
        if self.day.is_some_and(|said| said != day) {
            return Err("day-of-year does not match day".to_owned());
        }
        Ok((month, day))
    }
}

/// The length of a zone's abbreviation: three letters, four or five that end in T, `GMT+3`, `+03`.
fn zone_length(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(hours) = text.strip_prefix(b"GMT") {
        return Some(3 + signed_hours(hours).unwrap_or(0));
    }
    if text.len() < 3 {
        return None;
    }
    if matches!(text[0], b'+' | b'-') {
        return signed_hours(text);
    }
    match text.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count() {
        3 => Some(3),
        4 if text[3] == b'T' || text.starts_with(b"WITA") => Some(4),
        5 if text[4] == b'T' => Some(5),
        _ => None,
    }
}

/// The length of a sign and hours below 24.
fn signed_hours(text: &[u8]) -> Option<usize> {
    text.first().filter(|byte| matches!(byte, b'+' | b'-'))?;
    let digits = text[1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours = number(&text[1..1 + digits]).ok()?;
    (hours <= 23).then_some(1 + digits)
}
