//! Values to YAML text, to the byte as go-yaml v2 writes it: block style, two columns, lists not indented
//! under their key, folding behind column 80.

use std::sync::Arc;

use budget::Exhausted;

use crate::error::Dialect;
use crate::number::{format_g, format_json, not_finite};
use crate::value::{Map, Value};
use crate::write::{STEP, Style, Writer};

use super::sort;

/// The column behind which a line is folded at the next space.
const WIDTH: usize = 80;

/// How floats are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Floats {
    /// As they are: `1e+06`.
    Native,
    /// As the YAML reader finds them in JSON text: `1000000`.
    ThroughJson,
}

/// # Errors
/// The thread's budget is used up.
pub(super) fn emit(value: &Value, floats: Floats) -> Result<String, Exhausted> {
    let mut emitter = Emitter { writer: Writer::new(WIDTH), floats, open: Vec::new() };
    emitter.node(value, None, Context::Root)?;
    while let Some(frame) = emitter.open.pop() {
        emitter.resume(frame)?;
        emitter.writer.check()?;
    }
    Ok(emitter.writer.finish())
}

struct Emitter<'v> {
    writer: Writer,
    floats: Floats,
    open: Vec<Frame<'v>>,
}

/// A collection under way, and its column.
enum Frame<'v> {
    List(std::slice::Iter<'v, Value>, usize),
    Map(std::vec::IntoIter<(&'v Arc<str>, &'v Value)>, usize),
}

/// What a node belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Root,
    Item,
    Value,
}

impl<'v> Emitter<'v> {
    fn resume(&mut self, frame: Frame<'v>) -> Result<(), Exhausted> {
        match frame {
            Frame::List(mut items, indent) => {
                let Some(item) = items.next() else { return Ok(()) };
                self.open.push(Frame::List(items, indent));
                self.writer.write_indent(indent);
                self.writer.indicator("-", true);
                self.node(item, Some(indent), Context::Item)
            }
            Frame::Map(mut entries, indent) => {
                let Some((key, value)) = entries.next() else { return Ok(()) };
                self.open.push(Frame::Map(entries, indent));
                self.writer.write_indent(indent);
                self.writer.key("", key, Style::of(key, Dialect::V2), indent);
                self.node(value, Some(indent), Context::Value)
            }
        }
    }

    /// A node in a collection at `parent`, or the root.
    fn node(&mut self, value: &'v Value, parent: Option<usize>, context: Context) -> Result<(), Exhausted> {
        let inner = parent.map_or(0, |p| p + STEP);
        match value {
            Value::List(list) if list.is_empty() => self.writer.word("[]"),
            Value::Map(map) if map.is_empty() => self.writer.word("{}"),
            Value::List(list) => {
                // Under `key:` the dash stands below the key, under `?` and `-` it is indented.
                let flush = context == Context::Value && !self.writer.indention;
                self.open.push(Frame::List(list.iter(), if flush { parent.unwrap_or(0) } else { inner }));
            }
            Value::Map(map) => self.open.push(Frame::Map(sorted(map)?.into_iter(), inner)),
            Value::Null => self.writer.word("null"),
            Value::Bool(b) => self.writer.word(if *b { "true" } else { "false" }),
            Value::Int(n) => self.writer.word(&n.to_string()),
            Value::Uint(n) => self.writer.word(&n.to_string()),
            Value::Float(x) => self.writer.word(&float(*x, self.floats)),
            Value::String(text) => {
                let style = Style::of(text, Dialect::V2);
                self.writer.scalar(text, style, parent.map_or(STEP, |p| p + STEP), true);
            }
        }
        Ok(())
    }
}

fn sorted(map: &Map) -> Result<Vec<(&Arc<str>, &Value)>, Exhausted> {
    let mut entries: Vec<_> = map.iter().collect();
    sort::merge_sort(&mut entries, |entry| entry.0.len(), |a, b| sort::less(a.0, b.0))?;
    Ok(entries)
}

fn float(x: f64, floats: Floats) -> String {
    match not_finite(x) {
        Some("NaN") => ".nan".to_owned(),
        Some("-Inf") => "-.inf".to_owned(),
        Some(_) => ".inf".to_owned(),
        None if floats == Floats::Native => format_g(x),
        None => through_json(x),
    }
}

/// What the YAML reader makes of the JSON text of a float, written again.
fn through_json(x: f64) -> String {
    let text = format_json(x);
    let whole = !text.contains(['.', 'e']);
    match text.as_str() {
        "-0" => "0".to_owned(),
        _ if whole && (text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok()) => text,
        _ => format_g(x),
    }
}
