//! Go's `fmt.Sprint` and the verb `%v`: what a template prints of a value.

use crate::float;
use crate::value::Value;

/// How deep printing goes into collections; a map may hold itself.
const MAX_DEPTH: usize = 1_000;

/// `fmt.Sprint(value)`.
#[must_use]
pub fn sprint_value(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    print_value(value, &mut out);
    out
}

/// Writes `fmt.Sprint(value)` to the end of `out`.
pub fn print_value(value: &Value, out: &mut Vec<u8>) {
    print_nested(value, out, 0);
}

/// Writes what a template prints of a value in place: as `fmt.Sprint`, but a pointer stands for what it points to.
pub(crate) fn print_in_place(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Object(object) => out.extend_from_slice(object.print_in_place().as_bytes()),
        value => print_value(value, out),
    }
}

fn print_nested(value: &Value, out: &mut Vec<u8>, depth: usize) {
    if depth > MAX_DEPTH {
        out.extend_from_slice(b"...");
        return;
    }
    match value {
        Value::Nil => out.extend_from_slice(b"<nil>"),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Int(of, value) => {
            let text = of.string_method(*value).unwrap_or_else(|| value.to_string());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Uint(_, value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Float(value) => out.extend_from_slice(float::shortest(*value).as_bytes()),
        Value::Str(text) => out.extend_from_slice(text),
        Value::Bytes(bytes) => print_items(bytes.iter(), out, |byte, out| {
            out.extend_from_slice(byte.to_string().as_bytes());
        }),
        Value::List(list) => print_items(list.iter(), out, |item, out| print_nested(item, out, depth + 1)),
        Value::Map(map) => {
            out.extend_from_slice(b"map");
            print_items(map.entries().iter(), out, |(key, value), out| {
                out.extend_from_slice(key);
                out.push(b':');
                print_nested(value, out, depth + 1);
            });
        }
        Value::Object(object) => out.extend_from_slice(object.print().as_bytes()),
    }
}

fn print_items<T>(items: impl Iterator<Item = T>, out: &mut Vec<u8>, mut print: impl FnMut(T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        print(item, out);
    }
    out.push(b']');
}

/// `fmt.Sprint(values…)`: a space between two operands when neither is a string.
#[must_use]
pub fn sprint(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut before_is_text = true;
    for (index, value) in values.iter().enumerate() {
        let is_text = matches!(value, Value::Str(_));
        if index > 0 && !is_text && !before_is_text {
            out.push(b' ');
        }
        print_value(value, &mut out);
        before_is_text = is_text;
    }
    out
}

/// `fmt.Sprintln(values…)`: always spaces, and a newline.
#[must_use]
pub fn sprintln(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        print_value(value, &mut out);
    }
    out.push(b'\n');
    out
}
