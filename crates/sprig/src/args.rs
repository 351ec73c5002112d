//! Taking arguments apart. The executor has checked their types, so a wrong one can only be a wrong row of a table:
//! it reads as the zero value, as Go's zero value would.

use std::borrow::Cow;

use gotmpl::{CallError, Machine, Map, MapType, TextBuffer, Value};

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
pub(crate) fn text<'v>(machine: &Machine<'_>, args: &'v [Value], at: usize) -> Result<Cow<'v, str>> {
    machine.budget().lossy(bytes(args, at))
}

/// The text that `write` writes.
pub(crate) fn write_text<'a>(machine: &Machine<'a>, write: impl FnOnce(&mut TextBuffer<'a>)) -> Result {
    let mut out = TextBuffer::new(machine.budget());
    write(&mut out);
    out.into_value()
}

/// The text with each character replaced by another.
pub(crate) fn map_text(machine: &Machine<'_>, args: &[Value], mut map: impl FnMut(char) -> char) -> Result {
    let whole = text(machine, args, 0)?;
    let mut out = TextBuffer::with_room(machine.budget(), whole.len());
    for c in whole.chars() {
        out.put_char(map(c));
    }
    out.into_value()
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

/// Go's panic for an unusable argument.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T> {
    Err(CallError::new(message))
}

/// Writes sprig's text of any value: strings as they are, the rest as `%v` prints it.
pub(crate) fn put_strval(value: &Value, out: &mut TextBuffer<'_>) {
    match value {
        Value::Str(text) | Value::Bytes(text) => out.put(text),
        value => gotmpl::print_value(value, out),
    }
}

/// sprig's text of any value.
pub(crate) fn strval<'v>(machine: &Machine<'_>, value: &'v Value) -> Result<Cow<'v, [u8]>> {
    match value {
        Value::Str(text) | Value::Bytes(text) => Ok(Cow::Borrowed(text)),
        value => {
            let mut out = TextBuffer::new(machine.budget());
            gotmpl::print_value(value, &mut out);
            out.into_bytes().map(Cow::Owned)
        }
    }
}

/// The elements of any kind of slice; `None` when it is none. Bytes become a list, whose memory is charged.
pub(crate) fn elements<'v>(machine: &Machine<'_>, value: &'v Value) -> Result<Option<Cow<'v, [Value]>>> {
    match value {
        Value::List(list) => Ok(Some(Cow::Borrowed(list))),
        Value::Bytes(bytes) => {
            machine.budget().spend_list(bytes.len())?;
            let numbers = bytes.iter().map(|byte| Value::Uint(gotmpl::UintType::Uint8, u64::from(*byte)));
            Ok(Some(Cow::Owned(numbers.collect())))
        }
        _ => Ok(None),
    }
}
