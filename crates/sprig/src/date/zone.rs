//! Time zones: UTC, the local one (UTC as well), named ones from the bundled database, fixed offsets.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Where on earth a time is shown.
#[derive(Clone, Debug)]
pub(crate) enum Zone {
    /// `UTC`
    Utc,
    /// `Local`; it has UTC's offset and name.
    Local,
    /// A zone of the database.
    Named(TimeZone),
    /// An offset in seconds that a text named; the name may be empty.
    Fixed(String, i64),
}

impl Zone {
    /// Go's `time.LoadLocation`; what is unknown is UTC.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "" | "UTC" => Self::Utc,
            "Local" => Self::Local,
            // The database does not mind case, Go does.
            name => match TimeZoneDatabase::bundled().get(name) {
                Ok(zone) if zone.iana_name() == Some(name) => Self::Named(zone),
                _ => Self::Utc,
            },
        }
    }

    /// The offset in seconds and the abbreviation at a time in seconds since 1970.
    pub(crate) fn at(&self, seconds: i64) -> (i64, String) {
        match self {
            Self::Utc | Self::Local => (0, "UTC".to_owned()),
            Self::Fixed(name, offset) => (*offset, name.clone()),
            Self::Named(zone) => {
                let known = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let info = zone.to_offset_info(Timestamp::from_second(known).unwrap_or_default());
                (i64::from(info.offset().seconds()), info.abbreviation().to_owned())
            }
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utc => f.write_str("UTC"),
            Self::Local => f.write_str("Local"),
            Self::Fixed(name, _) => f.write_str(name),
            Self::Named(zone) => f.write_str(zone.iana_name().unwrap_or("UTC")),
        }
    }
}
