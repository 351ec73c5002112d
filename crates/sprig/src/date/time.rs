//! A moment with a zone (Go's `time.Time`), and the calendar.

use std::rc::Rc;

use gotmpl::named_int::MONTHS;
use gotmpl::{Function, Object, Value};

use super::duration::Duration;
use super::read::quoted;
use super::zone::Zone;
use super::{layout, methods};

/// Go's name of the type.
pub(crate) const TYPE: &str = "time.Time";

/// A moment, shown in a zone.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    /// Seconds since 1970.
    pub(crate) seconds: i64,
    /// Nanoseconds within the second.
    pub(crate) nanos: u32,
    pub(crate) zone: Zone,
}

/// What calendar and clock show.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// From 1.
    pub(crate) month: i64,
    /// From 1.
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

const DAY: i64 = 86_400;

/// Days before each month of a common year.
const DAYS_BEFORE: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

pub(crate) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The days of a year before `month` (1 to 13).
pub(crate) fn days_before(month: i64, leap: bool) -> i64 {
    let index = usize::try_from(month - 1).unwrap_or(0).min(12);
    DAYS_BEFORE[index] + i64::from(leap && month > 2)
}

/// The days of `month`.
pub(crate) fn days_in(month: i64, year: i64) -> i64 {
    days_before(month + 1, is_leap(year)) - days_before(month, is_leap(year))
}

/// Days from 0000-03-01 to the first of March of `year`.
fn days_to_march(year: i64) -> i64 {
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400)
}

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

impl Civil {
    /// The moment in UTC. Days and times beyond their range count on.
    pub(crate) fn seconds(&self) -> i64 {
        // Years begin in March, so that the leap day is the last one.
        let months = self.month - 3;
        let (year, month) = (self.year + months.div_euclid(12), months.rem_euclid(12));
        let days = days_to_march(year) + (153 * month + 2) / 5 + self.day - 1 - EPOCH;
        days * DAY + self.hour * 3_600 + self.minute * 60 + self.second
    }

    /// What calendar and clock show in UTC.
    fn from_seconds(seconds: i64) -> Self {
        let (days, clock) = (seconds.div_euclid(DAY) + EPOCH, seconds.rem_euclid(DAY));
        // The estimate is at most one year off.
        let mut year = (days * 400).div_euclid(146_097);
        while days_to_march(year + 1) <= days {
            year += 1;
        }
        while days_to_march(year) > days {
            year -= 1;
        }
        let day = days - days_to_march(year);
        let month = (5 * day + 2) / 153;
        Self {
            year: year + month / 10,
            month: (month + 2) % 12 + 1,
            day: day - (153 * month + 2) / 5 + 1,
            hour: clock / 3_600,
            minute: clock / 60 % 60,
            second: clock % 60,
        }
    }

    /// The day of the year, from 1.
    pub(crate) fn year_day(&self) -> i64 {
        days_before(self.month, is_leap(self.year)) + self.day
    }
}

impl Time {
    /// The first second of the year 1: Go's zero value.
    pub(crate) const ZERO: Self = Self { seconds: -62_135_596_800, nanos: 0, zone: Zone::Utc };

    /// The same moment elsewhere.
    pub(crate) fn within(&self, zone: Zone) -> Self {
        Self { zone, ..self.clone() }
    }

    /// What calendar and clock show in its zone.
    pub(crate) fn civil(&self) -> Civil {
        Civil::from_seconds(self.seconds.saturating_add(self.zone.at(self.seconds).0))
    }

    /// From Sunday, 0.
    pub(crate) fn weekday(&self) -> i64 {
        let days = self.seconds.saturating_add(self.zone.at(self.seconds).0).div_euclid(DAY);
        (days + 4).rem_euclid(7)
    }

    /// A duration later.
    pub(crate) fn later(&self, by: Duration) -> Self {
        let nanos = i64::from(self.nanos) + by.0.rem_euclid(1_000_000_000);
        let seconds = by.0.div_euclid(1_000_000_000) + nanos / 1_000_000_000;
        Self {
            seconds: self.seconds.saturating_add(seconds),
            nanos: u32::try_from(nanos % 1_000_000_000).unwrap_or(0),
            zone: self.zone.clone(),
        }
    }

    /// The time as Go's source has it (`GoString`).
    pub(crate) fn go_source(&self) -> String {
        let Civil { year, month, day, hour, minute, second } = self.civil();
        let month = usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("");
        let zone = match &self.zone {
            Zone::Utc => "time.UTC".to_owned(),
            Zone::Local => "time.Local".to_owned(),
            zone => format!("time.Location({})", quoted(zone.to_string().as_bytes())),
        };
        format!("time.Date({year}, time.{month}, {day}, {hour}, {minute}, {second}, {}, {zone})", self.nanos)
    }

    /// The time from `earlier` to this, cut to what a duration can say.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let seconds = i128::from(self.seconds) - i128::from(earlier.seconds);
        let nanos = seconds * 1_000_000_000 + i128::from(self.nanos) - i128::from(earlier.nanos);
        let least = if nanos < 0 { i64::MIN } else { i64::MAX };
        Duration(i64::try_from(nanos).unwrap_or(least))
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Self {
        Self::Object(Rc::new(time))
    }
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        methods::METHODS.iter().find(|method| method.name == name)
    }

    fn print(&self) -> String {
        let text = layout::formatted(self, b"2006-01-02 15:04:05.999999999 -0700 MST");
        String::from_utf8_lossy(&text).into_owned()
    }

    fn is_stringer(&self) -> bool {
        true
    }

    fn go_string(&self) -> Option<String> {
        Some(self.go_source())
    }

    fn json(&self) -> Value {
        Value::from(layout::formatted(self, b"2006-01-02T15:04:05.999999999Z07:00"))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
