//! Go's `fmt.Sprint` and the verb `%v`: what a template prints of a value.

use std::fmt::Write;

use crate::budget::Budget;
use crate::float;
use crate::text::TextBuffer;
use crate::value::{Object, Value};

/// How deep printing goes into collections; a map may hold itself.
const MAX_DEPTH: usize = 1_000;

/// `fmt.Sprint(value)`, for values that are small whatever a chart says.
#[must_use]
pub fn sprint_value(value: &Value) -> Vec<u8> {
    let budget = Budget::unlimited();
    let mut out = TextBuffer::new(&budget);
    print_value(value, &mut out);
    out.into_bytes().unwrap_or_default()
}

/// Writes `fmt.Sprint(value)` to the end of `out`.
pub fn print_value(value: &Value, out: &mut TextBuffer<'_>) {
    print_nested(value, out, 0);
}

/// Writes what a template prints of a value in place: as `fmt.Sprint`, but a pointer stands for what it points to.
pub(crate) fn print_in_place(value: &Value, out: &mut TextBuffer<'_>) {
    match value {
        Value::Object(object) => print_made(&**object, out, |object| object.print_in_place()),
        value => print_value(value, out),
    }
}

fn print_nested(value: &Value, out: &mut TextBuffer<'_>, depth: usize) {
    if depth > MAX_DEPTH {
        out.put(b"...");
        return;
    }
    match value {
        Value::Nil => out.put(b"<nil>"),
        Value::Bool(value) => out.put(if *value { b"true" } else { b"false" }),
        Value::Int(of, value) => match of.string_method(*value) {
            Some(text) => out.put(text.as_bytes()),
            None => print_number(value, out),
        },
        Value::Uint(_, value) => print_number(value, out),
        Value::Float(value) => out.put(float::shortest(*value).as_bytes()),
        Value::Str(text) => out.put(text),
        Value::Bytes(bytes) => print_items(bytes.iter(), out, |byte, out| print_number(byte, out)),
        Value::List(list) => print_items(list.iter(), out, |item, out| print_nested(item, out, depth + 1)),
        Value::Map(map) => {
            out.put(b"map[");
            let mut first = true;
            map.each(|key, value| {
                out.put(if first { b"" } else { b" " });
                first = false;
                out.put(key);
                out.put_byte(b':');
                print_nested(value, out, depth + 1);
                !out.is_spent()
            });
            out.put_byte(b']');
        }
        Value::Object(object) => print_object(&**object, out),
    }
}

fn print_number(number: impl std::fmt::Display, out: &mut TextBuffer<'_>) {
    // What is wrong is said at the end of the text that is made.
    let _ = write!(out, "{number}");
}

/// Writes what an object prints.
pub(crate) fn print_object(object: &dyn Object, out: &mut TextBuffer<'_>) {
    print_made(object, out, |object| object.print());
}

/// What an object prints is made in one piece first.
fn print_made(object: &dyn Object, out: &mut TextBuffer<'_>, made: impl FnOnce(&dyn Object) -> String) {
    match out.budget().spend(object.size().saturating_mul(8)) {
        Ok(()) => out.put(made(object).as_bytes()),
        Err(error) => out.fail(error),
    }
}

fn print_items<'o, 'b, T>(
    items: impl Iterator<Item = T>,
    out: &'o mut TextBuffer<'b>,
    mut print: impl FnMut(T, &mut TextBuffer<'b>),
) {
    out.put_byte(b'[');
    for (index, item) in items.enumerate() {
        if out.is_spent() {
            return;
        }
        if index > 0 {
            out.put_byte(b' ');
        }
        print(item, out);
    }
    out.put_byte(b']');
}

/// Writes `fmt.Sprint(values…)`: a space between two operands when neither is a string.
pub fn sprint(values: &[Value], out: &mut TextBuffer<'_>) {
    let mut before_is_text = true;
    for (index, value) in values.iter().enumerate() {
        let is_text = matches!(value, Value::Str(_));
        if index > 0 && !is_text && !before_is_text {
            out.put_byte(b' ');
        }
        print_value(value, out);
        before_is_text = is_text;
    }
}

/// Writes `fmt.Sprintln(values…)`: always spaces, and a newline.
pub fn sprintln(values: &[Value], out: &mut TextBuffer<'_>) {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.put_byte(b' ');
        }
        print_value(value, out);
    }
    out.put_byte(b'\n');
}
