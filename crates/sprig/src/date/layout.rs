//! Go's layouts: how the reference time Mon Jan 2 15:04:05 MST 2006 is written says how a time is shown or read.

use gotmpl::{Budget, TextBuffer};

use super::time::{Civil, Time};

/// One thing a layout can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// `January`
    LongMonth,
    /// `Jan`
    Month,
    /// `1`
    NumMonth,
    /// `01`
    ZeroMonth,
    /// `Monday`
    LongWeekday,
    /// `Mon`
    Weekday,
    /// `2`
    Day,
    /// `_2`
    UnderDay,
    /// `02`
    ZeroDay,
    /// `__2`
    UnderYearDay,
    /// `002`
    ZeroYearDay,
    /// `15`
    Hour,
    /// `3`
    Hour12,
    /// `03`
    ZeroHour12,
    /// `4`
    Minute,
    /// `04`
    ZeroMinute,
    /// `5`
    Second,
    /// `05`
    ZeroSecond,
    /// `2006`
    LongYear,
    /// `06`
    Year,
    /// `PM`
    UpperPm,
    /// `pm`
    LowerPm,
    /// `MST`
    ZoneName,
    /// `-0700` and its relatives.
    Offset(Offset),
    /// `.000` and `.999`: the mark, how many digits, whether zeros at the end go.
    Fraction(u8, usize, bool),
}

/// How an offset from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// `Z` stands for no offset.
    pub(super) iso: bool,
    pub(super) colons: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

/// What `text` begins with, longest first where one begins like another.
const WORDS: [(&str, Chunk); 23] = [
    ("January", Chunk::LongMonth),
    ("Jan", Chunk::Month),
    ("Monday", Chunk::LongWeekday),
    ("Mon", Chunk::Weekday),
    ("MST", Chunk::ZoneName),
    ("01", Chunk::ZeroMonth),
    ("02", Chunk::ZeroDay),
    ("03", Chunk::ZeroHour12),
    ("04", Chunk::ZeroMinute),
    ("05", Chunk::ZeroSecond),
    ("06", Chunk::Year),
    ("002", Chunk::ZeroYearDay),
    ("15", Chunk::Hour),
    ("1", Chunk::NumMonth),
    ("2006", Chunk::LongYear),
    ("2", Chunk::Day),
    ("_2", Chunk::UnderDay),
    ("__2", Chunk::UnderYearDay),
    ("3", Chunk::Hour12),
    ("4", Chunk::Minute),
    ("5", Chunk::Second),
    ("PM", Chunk::UpperPm),
    ("pm", Chunk::LowerPm),
];

/// The forms of an offset behind `-` or `Z`: colons, minutes, seconds.
const OFFSETS: [(&str, bool, bool, bool); 5] = [
    ("070000", false, true, true),
    ("07:00:00", true, true, true),
    ("0700", false, true, false),
    ("07:00", true, true, false),
    ("07", false, false, false),
];

pub(super) use gotmpl::named_int::{MONTHS, WEEKDAYS};

/// The first chunk of a layout.
pub(super) struct Next<'a> {
    pub(super) before: &'a [u8],
    pub(super) chunk: Chunk,
    /// How the chunk is written.
    pub(super) element: &'a [u8],
    pub(super) behind: &'a [u8],
}

/// The first chunk of a layout, if it has one.
pub(super) fn next(layout: &[u8]) -> Option<Next<'_>> {
    (0..layout.len()).filter(|at| may_start(layout[*at])).find_map(|at| {
        let (chunk, length) = at_start(&layout[at..])?;
        let (before, rest) = layout.split_at(at);
        let (element, behind) = rest.split_at(length);
        Some(Next { before, chunk, element, behind })
    })
}

/// Whether a chunk may begin with this byte.
fn may_start(byte: u8) -> bool {
    matches!(byte, b'0'..=b'6' | b'J' | b'M' | b'P' | b'Z' | b'p' | b'_' | b'-' | b'.' | b',')
}

fn at_start(text: &[u8]) -> Option<(Chunk, usize)> {
    match text.first()? {
        // `_2006` is an underscore and a year.
        b'_' if text.starts_with(b"_2006") => None,
        sign @ (b'-' | b'Z') => {
            let (form, colons, minutes, seconds) =
                *OFFSETS.iter().find(|form| text[1..].starts_with(form.0.as_bytes()))?;
            let offset = Offset { iso: *sign == b'Z', colons, minutes, seconds };
            Some((Chunk::Offset(offset), 1 + form.len()))
        }
        b'.' | b',' => fraction(text),
        _ => word(text),
    }
}

fn word(text: &[u8]) -> Option<(Chunk, usize)> {
    let (word, chunk) = WORDS.iter().find(|(word, _)| text.starts_with(word.as_bytes()))?;
    let short_name = matches!(chunk, Chunk::Month | Chunk::Weekday);
    if short_name && text.get(3).is_some_and(u8::is_ascii_lowercase) {
        return None;
    }
    Some((*chunk, word.len()))
}

/// A mark and a run of one digit, 0 or 9, behind which no other digit stands.
fn fraction(text: &[u8]) -> Option<(Chunk, usize)> {
    let digit = *text.get(1).filter(|byte| matches!(byte, b'0' | b'9'))?;
    let digits = text[1..].iter().take_while(|byte| **byte == digit).count();
    if text.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((Chunk::Fraction(text[0], digits, digit == b'9'), 1 + digits))
}

/// How much of a layout is looked through between two looks at the stop flag.
const LOOKED_AT: usize = 64 << 10;

/// Writes `time.Format(layout)`.
pub(super) fn format(time: &Time, layout: &[u8], out: &mut TextBuffer<'_>) {
    let civil = time.civil();
    let mut rest = layout;
    while !rest.is_empty() && !out.is_spent() {
        // A chunk that the end of the window cuts would be another one; but for fractions they are short.
        let window = window(rest);
        match next(window) {
            Some(Next { before, chunk, element, .. }) => {
                out.put(before);
                out.put(shown(time, &civil, chunk).as_bytes());
                rest = &rest[before.len() + element.len()..];
            }
            None => {
                out.put(window);
                rest = &rest[window.len()..];
            }
        }
    }
}

/// `time.Format(layout)` of a layout that is ours, and short.
pub(super) fn formatted(time: &Time, layout: &[u8]) -> Vec<u8> {
    let budget = Budget::unlimited();
    let mut out = TextBuffer::new(&budget);
    format(time, layout, &mut out);
    out.into_bytes().unwrap_or_default()
}

/// The beginning of a layout up to a byte with which no chunk goes on.
fn window(layout: &[u8]) -> &[u8] {
    let Some(tail) = layout.get(LOOKED_AT..) else { return layout };
    let goes_on = |byte: &u8| may_start(*byte) || byte.is_ascii_alphanumeric() || *byte == b':';
    &layout[..LOOKED_AT + tail.iter().take_while(|byte| goes_on(byte)).count()]
}

fn name<const N: usize>(names: [&'static str; N], index: i64) -> &'static str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or("")
}

fn shown(time: &Time, civil: &Civil, chunk: Chunk) -> String {
    let Civil { year, month, day, hour, minute, second } = *civil;
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    match chunk {
        Chunk::LongMonth => name(MONTHS, month - 1).to_owned(),
        Chunk::Month => name(MONTHS, month - 1)[..3].to_owned(),
        Chunk::NumMonth => month.to_string(),
        Chunk::ZeroMonth => format!("{month:02}"),
        Chunk::LongWeekday => name(WEEKDAYS, time.weekday()).to_owned(),
        Chunk::Weekday => name(WEEKDAYS, time.weekday())[..3].to_owned(),
        Chunk::Day => day.to_string(),
        Chunk::UnderDay => format!("{day:2}"),
        Chunk::ZeroDay => format!("{day:02}"),
        Chunk::UnderYearDay => format!("{:3}", civil.year_day()),
        Chunk::ZeroYearDay => format!("{:03}", civil.year_day()),
        Chunk::Hour => format!("{hour:02}"),
        Chunk::Hour12 => hour12.to_string(),
        Chunk::ZeroHour12 => format!("{hour12:02}"),
        Chunk::Minute => minute.to_string(),
        Chunk::ZeroMinute => format!("{minute:02}"),
        Chunk::Second => second.to_string(),
        Chunk::ZeroSecond => format!("{second:02}"),
        Chunk::LongYear if year < 0 => format!("-{:04}", -year),
        Chunk::LongYear => format!("{year:04}"),
        Chunk::Year => format!("{:02}", year.abs() % 100),
        Chunk::UpperPm => if hour >= 12 { "PM" } else { "AM" }.to_owned(),
        Chunk::LowerPm => if hour >= 12 { "pm" } else { "am" }.to_owned(),
        Chunk::ZoneName => zone_name(time),
        Chunk::Offset(form) => offset(time.zone.at(time.seconds).0, form),
        Chunk::Fraction(mark, digits, trims) => fraction_of(time.nanos, char::from(mark), digits, trims),
    }
}

/// A zone without a name shows its offset.
fn zone_name(time: &Time) -> String {
    let (seconds, name) = time.zone.at(time.seconds);
    let numeric = Offset { iso: false, colons: false, minutes: true, seconds: false };
    if name.is_empty() { offset(seconds, numeric) } else { name }
}

fn offset(seconds: i64, form: Offset) -> String {
    if form.iso && seconds == 0 {
        return "Z".to_owned();
    }
    // The sign is that of the minutes: half a minute west is `+0000`.
    let minutes = seconds / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let colon = if form.colons { ":" } else { "" };
    let (minutes, seconds) = (minutes.abs(), seconds.abs());
    let mut out = format!("{sign}{:02}", minutes / 60);
    if form.minutes {
        out.push_str(&format!("{colon}{:02}", minutes % 60));
    }
    if form.seconds {
        out.push_str(&format!("{colon}{:02}", seconds % 60));
    }
    out
}

fn fraction_of(nanos: u32, mark: char, digits: usize, trims: bool) -> String {
    let text = format!("{nanos:09}");
    let kept = &text[..digits.min(9)];
    let kept = if trims { kept.trim_end_matches('0') } else { kept };
    if kept.is_empty() { String::new() } else { format!("{mark}{kept}") }
}
