//! Taking arguments apart. The executor has checked their types, so a wrong one can only be a wrong row of a table:
//! it reads as the zero value, as Go's zero value would.

use std::borrow::Cow;

use gotmpl::{CallError, List, ListType, Map, MapType, Value};

/// What every function yields.
pub(crate) type Result<T = Value> = std::result::Result<T, CallError>;

/// The bytes of a `string` argument.
pub(crate) fn bytes(args: &[Value], at: usize) -> &[u8] {
    match args.get(at) {
        Some(Value::Str(text) | Value::Bytes(text)) => text,
        _ => &[],
    }
}

/// A `string` argument as text; invalid UTF-8 is replaced.
pub(crate) fn text(args: &[Value], at: usize) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes(args, at))
}

/// An `int` argument.
pub(crate) fn int(args: &[Value], at: usize) -> i64 {
    match args.get(at) {
        Some(Value::Int(_, value)) => *value,
        Some(Value::Uint(_, value)) => i64::try_from(*value).unwrap_or(i64::MAX),
        _ => 0,
    }
}

/// A `bool` argument.
pub(crate) fn truth(args: &[Value], at: usize) -> bool {
    matches!(args.get(at), Some(Value::Bool(true)))
}

/// A `map[string]interface {}` argument.
pub(crate) fn map(args: &[Value], at: usize) -> Map {
    match args.get(at) {
        Some(Value::Map(map)) => map.clone(),
        _ => Map::nil(MapType::Any),
    }
}

/// `[]interface {}`
pub(crate) fn list(items: Vec<Value>) -> Result {
    Ok(Value::List(List::new(ListType::Any, items)))
}

/// Go's panic for an unusable argument.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(CallError::new(message))
}

/// sprig's text of any value: strings as they are, the rest as `%v` prints it.
pub(crate) fn strval(value: &Value) -> Vec<u8> {
    match value {
        Value::Str(text) | Value::Bytes(text) => text.to_vec(),
        value => gotmpl::sprint_value(value),
    }
}

/// The elements of any kind of slice; `None` when it is none.
pub(crate) fn elements(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::List(list) => Some(list.to_vec()),
        Value::Bytes(bytes) => {
            Some(bytes.iter().map(|byte| Value::Uint(gotmpl::UintType::Uint8, u64::from(*byte))).collect())
        }
        _ => None,
    }
}
