//! JSON text as Go's `encoding/json` writes it, and reading JSON text with the number rule of Kubernetes.

mod read;
mod write;

use crate::error::Error;
use crate::limits::Limits;
use crate::number::{format_json, not_finite};
use crate::value::Value;

/// Reads one JSON text (RFC 8259) with nothing but white space behind it.
///
/// Numbers become [`Value::Int`] when they are whole and fit, else [`Value::Float`]
/// (apimachinery `pkg/util/json`); the last of equal keys wins.
///
/// # Errors
/// Not JSON, a number beyond float range, nesting deeper than `limits.depth`, or more than `limits.nodes` values; line
/// and column are set. The thread's budget is used up.
pub fn from_str(text: &str, limits: &Limits) -> Result<Value, Error> {
    read::read(text, limits)
}

/// The compact text of `encoding/json`: keys sorted by bytes, `<`, `>`, `&`, U+2028 and U+2029 escaped.
///
/// # Errors
/// An infinite number or NaN: `json: unsupported value: +Inf`; the thread's budget is used up.
pub fn to_string(value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

/// Like [`to_string`], behind what `out` already holds.
///
/// # Errors
/// As [`to_string`].
pub fn write(value: &Value, out: &mut String) -> Result<(), Error> {
    write::write(value, out)
}

/// A text with its quotes and escapes, behind what `out` already holds.
pub fn write_string(text: &str, out: &mut String) {
    write::write_string(text, out);
}

/// The numbers a value has after Kubernetes read its JSON text: whole floats that fit become [`Value::Int`],
/// integers above `i64::MAX` become [`Value::Float`].
#[must_use]
pub fn as_kubernetes(mut value: Value) -> Value {
    let mut open = vec![&mut value];
    while let Some(value) = open.pop() {
        match value {
            Value::Uint(n) => *value = i64::try_from(*n).map_or(Value::Float(*n as f64), Value::Int),
            Value::Float(x) => {
                if let Some(n) = whole(*x) {
                    *value = Value::Int(n);
                }
            }
            Value::List(_) => open.extend(value.as_list_mut().into_iter().flatten()),
            Value::Map(_) => {
                open.extend(value.as_map_mut().into_iter().flat_map(|map| map.iter_mut().map(|(_, v)| v)));
            }
            _ => {}
        }
    }
    value
}

/// The integer that the JSON text of a float is, if it is one and fits `i64`. Beyond 2^53 that is not the float's own
/// value: the text has the shortest digits.
fn whole(x: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if x.fract() != 0.0 {
        return None;
    }
    if x.abs() < EXACT {
        return Some(x as i64);
    }
    format_json(x).parse().ok()
}

/// The first number that JSON cannot have, in the order in which `encoding/json` would come to it.
pub(crate) fn check_finite(value: &Value) -> Result<(), Error> {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        budget::work(1)?;
        match value {
            Value::Float(x) => check_number(*x)?,
            Value::List(list) => open.extend(list.iter().rev()),
            Value::Map(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_unstable_by(|a, b| b.0.cmp(a.0));
                open.extend(entries.into_iter().map(|(_, v)| v));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether the YAML reader finds the same text in the JSON of a value as is in the value itself.
///
/// # Errors
/// A number that JSON does not have.
pub(crate) fn survives_yaml(value: &Value) -> Result<bool, Error> {
    let mut survives = true;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        budget::work(1)?;
        match value {
            Value::Float(x) => survives &= x.is_finite(),
            Value::String(text) => survives &= text_survives(text),
            Value::List(list) => open.extend(list.iter()),
            Value::Map(map) => {
                survives &= map.keys().all(|key| key.len() <= SURE_KEY && text_survives(key));
                open.extend(map.iter().map(|(_, v)| v));
            }
            _ => {}
        }
    }
    if !survives {
        check_finite(value)?;
    }
    Ok(survives)
}

/// Bytes of a key that is a simple key in YAML even if every one of them is escaped (`\u0000`).
const SURE_KEY: usize = 1024 / 6 - 2;

/// No character that JSON leaves as it is and YAML refuses (DEL, C1, U+FFFE, U+FFFF) or folds (NEL).
fn text_survives(text: &str) -> bool {
    let suspect = |b: &u8| matches!(b, 0x7F | 0xC2 | 0xEF);
    let bad = |c: char| matches!(c, '\u{7F}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}');
    !text.as_bytes().iter().any(suspect) || !text.chars().any(bad)
}

fn check_number(x: f64) -> Result<(), Error> {
    match not_finite(x) {
        Some(name) => Err(Error::new(format!("json: unsupported value: {name}"), None)),
        None => Ok(()),
    }
}
