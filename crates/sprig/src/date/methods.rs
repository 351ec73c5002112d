//! The methods of a time that templates can call.

use gotmpl::{Function, IntType, Type, Value};

use super::duration::Duration;
use super::time::{Civil, TYPE, Time};
use super::zone::Zone;
use super::{given, show};
use crate::args::{Result, bytes, int};

const OTHER: &[Type] = &[Type::Named(TYPE)];
const BY: &[Type] = &[Type::Duration];

pub(crate) static METHODS: &[Function] = &[
    Function::new("String", &[], |_, args| Ok(Value::from(gotmpl::sprint_value(&args[0])))),
    Function::new("Format", &[Type::String], |machine, args| show(machine, bytes(args, 1), &given(&args[0]))),
    Function::new("Unix", &[], |_, args| Ok(Value::int64(given(&args[0]).seconds))),
    Function::new("UnixMilli", &[], |_, args| Ok(since_1970(args, 1_000))),
    Function::new("UnixMicro", &[], |_, args| Ok(since_1970(args, 1_000_000))),
    Function::new("UnixNano", &[], |_, args| Ok(since_1970(args, 1_000_000_000))),
    Function::new("Year", &[], |_, args| civil(args, |civil| civil.year)),
    Function::new("Day", &[], |_, args| civil(args, |civil| civil.day)),
    Function::new("Hour", &[], |_, args| civil(args, |civil| civil.hour)),
    Function::new("Minute", &[], |_, args| civil(args, |civil| civil.minute)),
    Function::new("Second", &[], |_, args| civil(args, |civil| civil.second)),
    Function::new("YearDay", &[], |_, args| civil(args, Civil::year_day)),
    Function::new("Nanosecond", &[], |_, args| Ok(Value::int(i64::from(given(&args[0]).nanos)))),
    Function::new("Month", &[], |_, args| Ok(Value::Int(IntType::Month, given(&args[0]).civil().month))),
    Function::new("Weekday", &[], |_, args| Ok(Value::Int(IntType::Weekday, given(&args[0]).weekday()))),
    Function::new("UTC", &[], |_, args| Ok(given(&args[0]).within(Zone::Utc).into())),
    Function::new("Local", &[], |_, args| Ok(given(&args[0]).within(Zone::Local).into())),
    Function::new("Location", &[], |_, args| Ok(Value::from(given(&args[0]).zone.to_string()))),
    Function::new("IsZero", &[], |_, args| Ok(Value::Bool(moment(&args[0]) == moment(&Time::ZERO.into())))),
    Function::new("Before", OTHER, |_, args| Ok(Value::Bool(moment(&args[0]) < moment(&args[1])))),
    Function::new("After", OTHER, |_, args| Ok(Value::Bool(moment(&args[0]) > moment(&args[1])))),
    Function::new("Equal", OTHER, |_, args| Ok(Value::Bool(moment(&args[0]) == moment(&args[1])))),
    Function::new("Compare", OTHER, |_, args| Ok(Value::int(moment(&args[0]).cmp(&moment(&args[1])) as i64))),
    Function::new("Sub", OTHER, |_, args| Ok(given(&args[0]).since(&given(&args[1])).into())),
    Function::new("Add", BY, |_, args| Ok(given(&args[0]).later(duration(&args[1])).into())),
    Function::new("Round", BY, |_, args| Ok(to_multiple(args, Duration::rounded_to).into())),
    Function::new("Truncate", BY, |_, args| Ok(to_multiple(args, Duration::truncated_to).into())),
    Function::new("GoString", &[], |_, args| Ok(Value::from(given(&args[0]).go_source()))),
    Function::new("AddDate", &[Type::Int, Type::Int, Type::Int], |_, args| Ok(add_date(args).into())),
];

fn moment(value: &Value) -> (i64, u32) {
    let time = given(value);
    (time.seconds, time.nanos)
}

/// A duration argument.
pub(super) fn duration(value: &Value) -> Duration {
    match value {
        Value::Int(_, nanos) => Duration(*nanos),
        _ => Duration::default(),
    }
}

/// The time to a multiple of a duration since the year 1; halves go up.
fn to_multiple(args: &[Value], round: fn(Duration, Duration) -> Duration) -> Time {
    let (time, unit) = (given(&args[0]), duration(&args[1]));
    if unit.0 <= 0 {
        return time;
    }
    let seconds = i128::from(time.seconds) - i128::from(Time::ZERO.seconds);
    let rest = (seconds * 1_000_000_000 + i128::from(time.nanos)).rem_euclid(i128::from(unit.0));
    let rest = Duration(i64::try_from(rest).unwrap_or(0));
    time.later(Duration(round(rest, unit).0 - rest.0))
}

fn since_1970(args: &[Value], per_second: i64) -> Value {
    let time = given(&args[0]);
    let nanos = i64::from(time.nanos) / (1_000_000_000 / per_second);
    Value::int64(time.seconds.wrapping_mul(per_second).wrapping_add(nanos))
}

fn civil(args: &[Value], part: fn(&Civil) -> i64) -> Result {
    Ok(Value::int(part(&given(&args[0]).civil())))
}

fn add_date(args: &[Value]) -> Time {
    // A million years each way is as far as a chart can want.
    let part = |at: usize| int(args, at).clamp(-365_000_000, 365_000_000);
    let time = given(&args[0]);
    let civil = time.civil();
    let moved =
        Civil { year: civil.year + part(1), month: civil.month + part(2), day: civil.day + part(3), ..civil };
    let offset = civil.seconds() - time.seconds;
    Time { seconds: moved.seconds() - offset, ..time }
}
