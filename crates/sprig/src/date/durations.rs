//! Durations as values: what helm 4.3 added to sprig, and the methods of `time.Duration`.
//!
//! Source: helm 4.3 `pkg/engine/funcs.go`. Numbers mean seconds, and so do texts that are numbers; what cannot be read
//! is 0 for all but `mustToDuration`.

use gotmpl::{Function, IntType, Type, Value, float, number};

use super::duration::{Duration, SECOND};
use super::methods::duration;
use super::read::quoted;
use crate::args::fail;
use crate::numbers::without_separators;

const ANY: &[Type] = &[Type::Any];
const TWO: &[Type] = &[Type::Any, Type::Any];
const BY: &[Type] = &[Type::Duration];

const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// The functions of helm 4.3.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("mustToDuration", ANY, |_, args| read(&args[0]).map(Value::from).or_else(fail)),
    Function::new("durationSeconds", ANY, |_, args| Ok(Value::Float(read_or_zero(args).count_of(SECOND)))),
    Function::new("durationMinutes", ANY, |_, args| Ok(Value::Float(read_or_zero(args).count_of(MINUTE)))),
    Function::new("durationHours", ANY, |_, args| Ok(Value::Float(read_or_zero(args).count_of(HOUR)))),
    Function::new("durationDays", ANY, |_, args| Ok(Value::Float(read_or_zero(args).count_of(HOUR) / 24.0))),
    Function::new("durationWeeks", ANY, |_, args| {
        Ok(Value::Float(read_or_zero(args).count_of(HOUR) / 24.0 / 7.0))
    }),
    Function::new("durationMilliseconds", ANY, |_, args| Ok(Value::int64(read_or_zero(args).0 / 1_000_000))),
    Function::new("durationMicroseconds", ANY, |_, args| Ok(Value::int64(read_or_zero(args).0 / 1_000))),
    Function::new("durationNanoseconds", ANY, |_, args| Ok(Value::int64(read_or_zero(args).0))),
    Function::new("durationRoundTo", TWO, |_, args| Ok(to_multiple(args, Duration::rounded_to))),
    Function::new("durationTruncateTo", TWO, |_, args| Ok(to_multiple(args, Duration::truncated_to))),
];

static METHODS: &[Function] = &[
    Function::new("String", &[], |_, args| Ok(Value::from(duration(&args[0]).to_string()))),
    Function::new("Seconds", &[], |_, args| Ok(Value::Float(duration(&args[0]).count_of(SECOND)))),
    Function::new("Minutes", &[], |_, args| Ok(Value::Float(duration(&args[0]).count_of(MINUTE)))),
    Function::new("Hours", &[], |_, args| Ok(Value::Float(duration(&args[0]).count_of(HOUR)))),
    Function::new("Milliseconds", &[], |_, args| Ok(Value::int64(duration(&args[0]).0 / 1_000_000))),
    Function::new("Microseconds", &[], |_, args| Ok(Value::int64(duration(&args[0]).0 / 1_000))),
    Function::new("Nanoseconds", &[], |_, args| Ok(Value::int64(duration(&args[0]).0))),
    Function::new("Round", BY, |_, args| Ok(duration(&args[0]).rounded_to(duration(&args[1])).into())),
    Function::new("Truncate", BY, |_, args| Ok(duration(&args[0]).truncated_to(duration(&args[1])).into())),
    Function::new("Abs", &[], |_, args| Ok(Duration(duration(&args[0]).0.saturating_abs()).into())),
];

/// `time.Month` and `time.Weekday`.
static NAMES: &[Function] =
    &[Function::new("String", &[], |_, args| Ok(Value::from(gotmpl::sprint_value(&args[0]))))];

/// Every method of a value of a named integer type.
pub(crate) fn duration_methods() -> impl Iterator<Item = &'static Function> {
    METHODS.iter().chain(NAMES)
}

/// The method `name` of a value of a named integer type.
#[must_use]
pub fn method(receiver: &Value, name: &str) -> Option<&'static Function> {
    let methods = match receiver {
        Value::Int(IntType::Duration, _) => METHODS,
        Value::Int(IntType::Month | IntType::Weekday, _) => NAMES,
        _ => return None,
    };
    methods.iter().find(|method| method.name == name)
}

impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        Self::Int(IntType::Duration, duration.0)
    }
}

fn to_multiple(args: &[Value], round: fn(Duration, Duration) -> Duration) -> Value {
    let Ok(given) = read(&args[0]) else { return Duration::default().into() };
    read(&args[1]).map_or(given, |unit| round(given, unit)).into()
}

fn read_or_zero(args: &[Value]) -> Duration {
    read(&args[0]).unwrap_or_default()
}

/// Helm's `asDuration`.
fn read(value: &Value) -> std::result::Result<Duration, String> {
    match value {
        Value::Int(IntType::Duration, nanos) => Ok(Duration(*nanos)),
        Value::Str(text) => read_text(&text.lossy()),
        Value::Nil => Err("invalid duration".to_owned()),
        Value::Int(_, seconds) => seconds.checked_mul(SECOND).map(Duration).ok_or_else(|| overflow(seconds)),
        Value::Uint(_, seconds) => {
            let nanos = i64::try_from(*seconds).ok().and_then(|seconds| seconds.checked_mul(SECOND));
            nanos.map(Duration).ok_or_else(|| overflow(seconds))
        }
        Value::Float(seconds) => from_seconds(*seconds),
        other => Err(format!("unsupported duration type {}", other.type_name())),
    }
}

fn overflow(seconds: impl std::fmt::Display) -> String {
    format!("duration seconds overflow: {seconds}")
}

fn read_text(text: &str) -> std::result::Result<Duration, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err("empty duration".to_owned());
    }
    if let Ok(duration) = Duration::parse(trimmed) {
        return Ok(duration);
    }
    match number::parse_float(&without_separators(trimmed)) {
        Some(seconds) => from_seconds(seconds),
        None => Err(format!("could not parse duration {}", quoted(text.as_bytes()))),
    }
}

fn from_seconds(seconds: f64) -> std::result::Result<Duration, String> {
    /// Go's `math.MaxInt64` as a float: one more than the largest duration.
    const LIMIT: f64 = 9_223_372_036_854_775_807.0;
    if !seconds.is_finite() {
        return Err(format!("invalid duration seconds: {}", float::shortest(seconds)));
    }
    if seconds.abs() > LIMIT / 1e9 {
        return Err(overflow(float::shortest(seconds)));
    }
    let nanos = seconds * 1e9;
    // What does not fit becomes the smallest integer on amd64.
    Ok(Duration(if nanos >= LIMIT { i64::MIN } else { nanos as i64 }))
}
