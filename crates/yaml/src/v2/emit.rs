//! Values to YAML text, to the byte as go-yaml v2 writes it: block style, two columns, lists not indented
//! under their key, folding behind column 80.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::number::{format_g, format_json, not_finite};
use crate::value::{Map, Value};

use super::scalar::Style;
use super::sort;

/// Columns per level.
const STEP: usize = 2;
/// A key longer than this many bytes is written with `?`.
const SIMPLE_KEY: usize = 128;

/// How floats are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Floats {
    /// As they are: `1e+06`.
    Native,
    /// As the YAML reader finds them in JSON text: `1000000`.
    ThroughJson,
}

pub(super) fn emit(value: &Value, floats: Floats) -> String {
    let mut emitter = Emitter {
        out: String::new(),
        column: 0,
        whitespace: true,
        indention: true,
        floats,
        open: Vec::new(),
    };
    emitter.node(value, None, Context::Root);
    while let Some(frame) = emitter.open.pop() {
        emitter.resume(frame);
    }
    emitter.write_indent(0);
    emitter.out
}

/// The text so far and what the next piece needs to know about its end.
pub(super) struct Emitter<'v> {
    pub(super) out: String,
    /// In characters.
    pub(super) column: usize,
    /// The last thing written is white space.
    pub(super) whitespace: bool,
    /// Only indentation and indicators so far on this line.
    pub(super) indention: bool,
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
    fn resume(&mut self, frame: Frame<'v>) {
        match frame {
            Frame::List(mut items, indent) => {
                let Some(item) = items.next() else { return };
                self.open.push(Frame::List(items, indent));
                self.write_indent(indent);
                self.indicator("-", true);
                self.node(item, Some(indent), Context::Item);
            }
            Frame::Map(mut entries, indent) => {
                let Some((key, value)) = entries.next() else { return };
                self.open.push(Frame::Map(entries, indent));
                self.write_indent(indent);
                self.key(key, indent);
                self.node(value, Some(indent), Context::Value);
            }
        }
    }

    /// A node in a collection at `parent`, or the root.
    fn node(&mut self, value: &'v Value, parent: Option<usize>, context: Context) {
        let inner = parent.map_or(0, |p| p + STEP);
        match value {
            Value::List(list) if list.is_empty() => self.word("[]"),
            Value::Map(map) if map.is_empty() => self.word("{}"),
            Value::List(list) => {
                // Under `key:` the dash stands below the key, under `?` and `-` it is indented.
                let flush = context == Context::Value && !self.indention;
                self.open.push(Frame::List(list.iter(), if flush { parent.unwrap_or(0) } else { inner }));
            }
            Value::Map(map) => self.open.push(Frame::Map(sorted(map).into_iter(), inner)),
            Value::Null => self.word("null"),
            Value::Bool(b) => self.word(if *b { "true" } else { "false" }),
            Value::Int(n) => self.word(&n.to_string()),
            Value::Uint(n) => self.word(&n.to_string()),
            Value::Float(x) => self.word(&float(*x, self.floats)),
            Value::String(text) => {
                let style = Style::of(text);
                self.scalar(text, style, parent.map_or(STEP, |p| p + STEP), true);
            }
        }
    }

    fn key(&mut self, key: &str, indent: usize) {
        let style = Style::of(key);
        if !style.multiline && key.len() <= SIMPLE_KEY {
            self.scalar(key, style, indent + STEP, false);
            self.indicator(":", false);
            self.indention = false;
            return;
        }
        self.indicator("?", true);
        self.scalar(key, style, indent + STEP, true);
        self.write_indent(indent);
        self.indicator(":", true);
    }

    /// A plain word that is never folded.
    fn word(&mut self, word: &str) {
        self.space();
        self.put_str(word);
        self.whitespace = false;
        self.indention = false;
    }

    /// `-`, `?` and `:`, with a space in front where one is needed.
    pub(super) fn indicator(&mut self, indicator: &str, spaced: bool) {
        if spaced {
            self.space();
        }
        self.put_str(indicator);
        self.whitespace = false;
    }

    pub(super) fn space(&mut self) {
        if !self.whitespace {
            self.put(' ');
        }
    }

    /// Goes to column `indent`, on a new line unless only indentation is on this one.
    pub(super) fn write_indent(&mut self, indent: usize) {
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    pub(super) fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    pub(super) fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    pub(super) fn put_str(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    pub(super) fn put_hex(&mut self, letter: char, value: u32, digits: usize) {
        write!(self.out, "{letter}{value:0digits$X}").expect("writing to a String cannot fail");
        self.column += 1 + digits;
    }
}

fn sorted(map: &Map) -> Vec<(&Arc<str>, &Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    sort::merge_sort(&mut entries, |a, b| sort::less(a.0, b.0));
    entries
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
