//! Dates and durations. The clock is the host's; the local zone is UTC, as engines have no environment.

mod duration;
mod durations;
mod layout;
mod methods;
mod read;
mod time;
mod zone;

use gotmpl::{Budget, Function, Machine, Type, Value};

use crate::args::{Result, bytes, fail, text, write_text};
pub(crate) use methods::METHODS;

use duration::Duration;
pub(crate) use durations::FUNCTIONS as DURATIONS;
pub(crate) use durations::duration_methods;
pub use durations::method;
use time::{Civil, Time};
use zone::Zone;

const ANY: &[Type] = &[Type::Any];
const TIME: Type = Type::Named(time::TYPE);
const MODIFY: &[Type] = &[Type::String, TIME];
const IN_ZONE: &[Type] = &[Type::String, Type::Any, Type::String];

/// The layout of an HTML date field.
const HTML: &[u8] = b"2006-01-02";

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("now", &[], |machine, _| Ok(now(machine, "now")?.into())),
    Function::new("date", &[Type::String, Type::Any], |machine, args| {
        let time = time_of(machine, "date", &args[1])?;
        show(machine, bytes(args, 0), &time.within(Zone::Local))
    }),
    Function::new("dateInZone", IN_ZONE, |machine, args| date_in_zone(machine, "dateInZone", args)),
    Function::new("date_in_zone", IN_ZONE, |machine, args| date_in_zone(machine, "date_in_zone", args)),
    Function::new("htmlDate", ANY, |machine, args| {
        let time = time_of(machine, "htmlDate", &args[0])?;
        show(machine, HTML, &time.within(Zone::Local))
    }),
    Function::new("htmlDateInZone", &[Type::Any, Type::String], |machine, args| {
        let time = time_of(machine, "htmlDateInZone", &args[0])?;
        show(machine, HTML, &time.within(Zone::named(&text(machine, args, 1)?)))
    }),
    Function::new("dateModify", MODIFY, modify),
    Function::new("date_modify", MODIFY, modify),
    Function::new("mustDateModify", MODIFY, must_modify),
    Function::new("must_date_modify", MODIFY, must_modify),
    Function::new("toDate", &[Type::String, Type::String], |machine, args| {
        Ok(read::read(machine.budget(), bytes(args, 0), bytes(args, 1))?.unwrap_or(Time::ZERO).into())
    }),
    Function::new("mustToDate", &[Type::String, Type::String], |machine, args| {
        read::read(machine.budget(), bytes(args, 0), bytes(args, 1))?.map(Value::from).or_else(fail)
    }),
    Function::new("unixEpoch", &[TIME], |_, args| Ok(Value::from(given(&args[0]).seconds.to_string()))),
    Function::new("ago", ANY, |machine, args| {
        let time = time_of(machine, "ago", &args[0])?;
        let since = now(machine, "ago")?.since(&time).rounded_to_seconds();
        Ok(Value::from(since.to_string()))
    }),
    Function::new("duration", ANY, |_, args| {
        let seconds = match &args[0] {
            Value::Str(text) => duration::seconds(std::str::from_utf8(text).unwrap_or_default()),
            Value::Int(gotmpl::IntType::Int64, seconds) => *seconds,
            _ => 0,
        };
        Ok(Value::from(Duration::from_seconds(seconds).to_string()))
    }),
    Function::new("durationRound", ANY, duration_round),
];

/// The year of a time in seconds since 1970, and the time by a layout, in UTC.
pub(crate) fn utc(seconds: i64, layout: &[u8]) -> (i64, Vec<u8>) {
    let time = Time { seconds, nanos: 0, zone: Zone::Utc };
    (time.civil().year, layout::formatted(&time, layout))
}

fn now(machine: &mut Machine<'_>, function: &'static str) -> Result<Time> {
    Ok(Time { seconds: machine.host.now(function)?, nanos: 0, zone: Zone::Local })
}

/// A time argument; another one is the zero time.
fn given(value: &Value) -> Time {
    match value {
        Value::Object(object) => object.as_any().downcast_ref::<Time>().cloned().unwrap_or(Time::ZERO),
        _ => Time::ZERO,
    }
}

/// A time, or an integer of seconds since 1970; everything else, also a float, is now.
fn time_of(machine: &mut Machine<'_>, function: &'static str, value: &Value) -> Result<Time> {
    match value {
        Value::Object(object) if object.as_any().is::<Time>() => Ok(given(value)),
        Value::Int(_, seconds) => Ok(Time { seconds: *seconds, nanos: 0, zone: Zone::Local }),
        _ => now(machine, function),
    }
}

fn show(machine: &mut Machine<'_>, layout: &[u8], time: &Time) -> Result {
    write_text(machine, |out| layout::format(time, layout, out))
}

fn date_in_zone(machine: &mut Machine<'_>, function: &'static str, args: &[Value]) -> Result {
    let time = time_of(machine, function, &args[1])?;
    show(machine, bytes(args, 0), &time.within(Zone::named(&text(machine, args, 2)?)))
}

/// A duration later; the same time when the text is no duration.
fn modify(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let time = given(&args[1]);
    Ok(Duration::parse(&text(machine, args, 0)?).map_or(time.clone(), |by| time.later(by)).into())
}

fn must_modify(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    match Duration::parse(&text(machine, args, 0)?) {
        Ok(by) => Ok(given(&args[1]).later(by).into()),
        Err(message) => fail(message),
    }
}

fn duration_round(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let duration = match &args[0] {
        Value::Str(_) => Duration::parse(&text(machine, args, 0)?).unwrap_or_default(),
        Value::Int(gotmpl::IntType::Int64, nanos) => Duration(*nanos),
        Value::Object(object) if object.as_any().is::<Time>() => {
            now(machine, "durationRound")?.since(&given(&args[0]))
        }
        _ => Duration::default(),
    };
    Ok(Value::from(duration.largest_unit()))
}

/// Whether a text is a time as JSON has it (RFC 3339).
///
/// # Errors
/// Go's text.
pub fn check_time(text: &str) -> std::result::Result<(), String> {
    let read = read::read(&Budget::unlimited(), b"2006-01-02T15:04:05Z07:00", text.as_bytes());
    read.map_err(|error| error.message)?.map(drop)
}

/// A `time.Time` from year, month and day, hour, minute and second, as clocks show them at an offset (seconds) from
/// UTC in a zone of that name.
#[must_use]
pub fn moment(
    [year, month, day]: [i64; 3],
    [hour, minute, second]: [i64; 3],
    nanos: u32,
    zone: (&str, i64),
) -> Value {
    let (name, offset) = zone;
    let seconds = Civil { year, month, day, hour, minute, second }.seconds() - offset;
    let zone = if name == "UTC" { Zone::Utc } else { Zone::Fixed(name.to_owned(), offset) };
    Time { seconds, nanos, zone }.into()
}
