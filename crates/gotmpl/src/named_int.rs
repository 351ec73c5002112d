//! Go's named integer types with a `String` method: `time.Duration`, `time.Month` and `time.Weekday`.
//!
//! Their values count, compare and index as integers; printing shows what `String` says.

use std::fmt;

use crate::value::IntType;

/// `time.Month`, January first.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `time.Weekday`, Sunday first.
pub const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl IntType {
    /// Go's name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Duration => "time.Duration",
            Self::Month => "time.Month",
            Self::Weekday => "time.Weekday",
        }
    }

    /// Go's kind of the type.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Int | Self::Month | Self::Weekday => "int",
            Self::Int64 | Self::Duration => "int64",
        }
    }

    /// What the type's `String` method says of a value; `None` for the plain integers.
    #[must_use]
    pub fn string_method(self, value: i64) -> Option<String> {
        match self {
            Self::Int | Self::Int64 => None,
            Self::Duration => Some(DurationText(value).to_string()),
            Self::Month => Some(name_of("Month", &MONTHS, value, 1)),
            Self::Weekday => Some(name_of("Weekday", &WEEKDAYS, value, 0)),
        }
    }
}

fn name_of(of: &str, names: &[&str], value: i64, first: i64) -> String {
    let index = value.checked_sub(first).and_then(|index| usize::try_from(index).ok());
    let name = index.and_then(|index| names.get(index));
    name.map_or_else(|| format!("%!{of}({})", value.cast_unsigned()), ToString::to_string)
}

/// Nanoseconds as `time.Duration.String` shows them: `1h2m3.5s`.
#[derive(Clone, Copy, Debug)]
pub struct DurationText(pub i64);

impl fmt::Display for DurationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => write!(f, "{}µs", decimal(nanos, 3)),
            1_000_000..1_000_000_000 => write!(f, "{}ms", decimal(nanos, 6)),
            _ => long(f, nanos),
        }
    }
}

/// `nanos / 10^places` without zeros at the end.
fn decimal(nanos: u64, places: usize) -> String {
    let text = format!("{nanos:0width$}", width = places + 1);
    let (whole, fraction) = text.split_at(text.len() - places);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

fn long(f: &mut fmt::Formatter<'_>, nanos: u64) -> fmt::Result {
    const MINUTE: u64 = 60_000_000_000;
    let (minutes, rest) = (nanos / MINUTE, nanos % MINUTE);
    if minutes >= 60 {
        write!(f, "{}h", minutes / 60)?;
    }
    if minutes > 0 {
        write!(f, "{}m", minutes % 60)?;
    }
    write!(f, "{}s", decimal(rest, 9))
}
