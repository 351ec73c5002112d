//! Values to the compact text of `encoding/json`. Without recursion, so that depth is no matter.

use std::fmt::Write as _;
use std::sync::Arc;

use budget::Exhausted;

use crate::bytes::find;
use crate::error::Error;
use crate::number::format_json;
use crate::value::Value;

/// A list or map under way.
enum Open<'v> {
    List(std::slice::Iter<'v, Value>),
    Map(std::vec::IntoIter<(&'v Arc<str>, &'v Value)>),
}

pub(super) fn write(value: &Value, out: &mut String) -> Result<(), Error> {
    let mut open: Vec<Open<'_>> = Vec::new();
    start(value, out, &mut open)?;
    while let Some(top) = open.last_mut() {
        // Brackets, commas and numbers; texts are charged where they are written.
        budget::charge(PIECE_BYTES)?;
        let first = matches!(out.as_bytes().last(), Some(b'[' | b'{'));
        match top {
            Open::List(items) => match items.next() {
                Some(item) => {
                    separate(first, out);
                    start(item, out, &mut open)?;
                }
                None => close(']', out, &mut open),
            },
            Open::Map(entries) => match entries.next() {
                Some((key, value)) => {
                    separate(first, out);
                    write_text(key, out)?;
                    out.push(':');
                    start(value, out, &mut open)?;
                }
                None => close('}', out, &mut open),
            },
        }
    }
    Ok(())
}

fn separate(first: bool, out: &mut String) {
    if !first {
        out.push(',');
    }
}

fn close(bracket: char, out: &mut String, open: &mut Vec<Open<'_>>) {
    out.push(bracket);
    open.pop();
}

fn start<'v>(value: &'v Value, out: &mut String, open: &mut Vec<Open<'v>>) -> Result<(), Error> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(n) => write!(out, "{n}").expect("writing to a String cannot fail"),
        Value::Uint(n) => write!(out, "{n}").expect("writing to a String cannot fail"),
        Value::Float(x) => {
            super::check_number(*x)?;
            out.push_str(&format_json(*x));
        }
        Value::String(text) => write_text(text, out)?,
        Value::List(list) => {
            out.push('[');
            open.push(Open::List(list.iter()));
        }
        Value::Map(map) => {
            out.push('{');
            let mut entries: Vec<_> = map.iter().collect();
            budget::charge(entries.len() * size_of::<(&Arc<str>, &Value)>())?;
            entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
            open.push(Open::Map(entries.into_iter()));
        }
    }
    Ok(())
}

/// Whether a byte does not stand for itself, or may begin a character that does not.
fn is_special(b: u8) -> bool {
    (b < 0x20) | (b == b'"') | (b == b'\\') | (b == b'<') | (b == b'>') | (b == b'&') | (b == 0xE2)
}

/// What a value that is no text takes in the output, about.
const PIECE_BYTES: usize = 8;

/// How much of a text is written between two looks at the budget.
const CHUNK: usize = 64 << 10;

/// A string with its quotes; cut off where the thread's budget is used up, which the budget remembers.
pub(crate) fn write_string(text: &str, out: &mut String) {
    let _ = write_text(text, out);
}

/// A string with its quotes.
fn write_text(text: &str, out: &mut String) -> Result<(), Exhausted> {
    out.push('"');
    let mut rest = text;
    while !rest.is_empty() {
        let (chunk, more) = rest.split_at(rest.floor_char_boundary(CHUNK));
        budget::charge(chunk.len())?;
        let before = out.len();
        write_escaped(chunk, out);
        budget::charge(out.len() - before - chunk.len())?;
        rest = more;
    }
    out.push('"');
    Ok(())
}

fn write_escaped(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut from = 0;
    let mut at = find(bytes, 0, is_special);
    while at < bytes.len() {
        let Some((escape, width)) = escape(&bytes[at..]) else {
            at = find(bytes, at + 1, is_special);
            continue;
        };
        out.push_str(&text[from..at]);
        match escape {
            Escape::Short(c) => out.extend(['\\', c]),
            Escape::Long(code) => write!(out, "\\u{code:04x}").expect("writing to a String cannot fail"),
        }
        from = at + width;
        at = find(bytes, from, is_special);
    }
    out.push_str(&text[from..]);
}

enum Escape {
    Short(char),
    Long(u32),
}

/// The escape of the character at the start of `rest` and its length in bytes.
fn escape(rest: &[u8]) -> Option<(Escape, usize)> {
    Some(match rest {
        [b @ (b'"' | b'\\'), ..] => (Escape::Short(char::from(*b)), 1),
        [b'\x08', ..] => (Escape::Short('b'), 1),
        [b'\x0C', ..] => (Escape::Short('f'), 1),
        [b'\n', ..] => (Escape::Short('n'), 1),
        [b'\r', ..] => (Escape::Short('r'), 1),
        [b'\t', ..] => (Escape::Short('t'), 1),
        [0xE2, 0x80, last @ (0xA8 | 0xA9), ..] => (Escape::Long(0x2000 + u32::from(*last) - 0x80), 3),
        [0xE2, ..] => return None,
        [b, ..] => (Escape::Long(u32::from(*b)), 1),
        [] => return None,
    })
}
