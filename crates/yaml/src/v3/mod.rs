//! YAML as go-yaml v3 writes it with two columns per level: what helm's `toYamlPretty` prints.
//!
//! The caller walks its values and says what comes; nothing is read back, as v3 goes from Go's values straight
//! to text.
//!
//! ```
//! let mut out = yaml::v3::Emitter::new();
//! out.start_map();
//! out.key(b"sizes");
//! out.start_list();
//! out.float(1e6);
//! out.text(b"yes");
//! out.end();
//! out.end();
//! assert_eq!(out.finish(), "sizes:\n  - 1e+06\n  - \"yes\"\n");
//! ```

use std::borrow::Cow;

use data_encoding::BASE64;

use crate::error::Dialect;
use crate::number::{format_g, not_finite};
use crate::v2::sort;
use crate::write::{STEP, Style, Writer};

/// Lines of `!!binary` text have this many characters.
const BINARY_LINE: usize = 70;

/// Writes one document, piece by piece.
pub struct Emitter {
    writer: Writer,
    open: Vec<Collection>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Collection {
    List,
    Map,
}

/// The order in which v3 writes keys: positions in `keys`. Where the thread's budget is used up it is any order.
pub fn order(keys: &[&str]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    let less = |a: &usize, b: &usize| sort::stands_before(keys[*a], keys[*b], Dialect::V3);
    // The budget remembers, and nothing is made of what is written in a wrong order.
    let _ = sort::merge_sort(&mut order, |at| keys[*at].len(), less);
    order
}

impl Default for Emitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Emitter {
    /// Nothing written yet.
    pub fn new() -> Self {
        // v3 never folds.
        Self { writer: Writer::new(usize::MAX), open: Vec::new() }
    }

    /// The document, with a line break at its end; cut off where the thread's budget was used up.
    pub fn finish(self) -> String {
        self.writer.finish()
    }

    /// A list. Its items follow, then [`Self::end`]; one without items is the word `[]`.
    pub fn start_list(&mut self) {
        self.place();
        self.open.push(Collection::List);
    }

    /// A map. Its keys and values follow, then [`Self::end`]; one without keys is the word `{}`.
    pub fn start_map(&mut self) {
        self.place();
        self.open.push(Collection::Map);
    }

    /// Ends the innermost list or map.
    pub fn end(&mut self) {
        self.open.pop();
    }

    /// A key; its value follows. The caller brings keys in [`order`].
    pub fn key(&mut self, key: &[u8]) {
        let indent = self.indent();
        self.writer.write_indent(indent);
        let (tag, text) = tagged(key);
        self.writer.key(tag, &text, style(tag, &text), indent);
    }

    /// A word as it is: `null`, `true`, `[]`, an integer, a time.
    pub fn word(&mut self, word: &str) {
        self.place();
        self.writer.word(word);
    }

    /// A float: `1e+06`, `-0`, `.nan`.
    pub fn float(&mut self, x: f64) {
        match not_finite(x) {
            Some("NaN") => self.word(".nan"),
            Some("-Inf") => self.word("-.inf"),
            Some(_) => self.word(".inf"),
            None => self.word(&format_g(x)),
        }
    }

    /// A text; what is not UTF-8 becomes `!!binary`.
    pub fn text(&mut self, text: &[u8]) {
        self.place();
        let (tag, text) = tagged(text);
        self.writer.tag(tag);
        let indent = self.open.len() * STEP;
        self.writer.scalar(&text, style(tag, &text), indent.max(STEP), true);
    }

    /// The dash in front of an item of a list.
    fn place(&mut self) {
        if self.open.last() == Some(&Collection::List) {
            let indent = self.indent();
            self.writer.write_indent(indent);
            self.writer.indicator("-", true);
        }
    }

    /// The column of the innermost collection.
    fn indent(&self) -> usize {
        self.open.len().saturating_sub(1) * STEP
    }
}

fn tagged(text: &[u8]) -> (&'static str, Cow<'_, str>) {
    match std::str::from_utf8(text) {
        Ok(text) => ("", Cow::Borrowed(text)),
        Err(_) => ("!!binary", Cow::Owned(binary(text))),
    }
}

fn style(tag: &str, text: &str) -> Style {
    if tag.is_empty() { Style::of(text, Dialect::V3) } else { Style::tagged(text) }
}

/// Base64; in lines if one is not enough.
fn binary(bytes: &[u8]) -> String {
    let text = BASE64.encode(bytes);
    if text.len() < BINARY_LINE {
        return text;
    }
    let lines = text.as_bytes().chunks(BINARY_LINE);
    lines.map(|line| String::from_utf8_lossy(line).into_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &[u8]) -> String {
        let mut out = Emitter::new();
        out.text(text);
        out.finish()
    }

    #[test]
    fn texts() {
        assert_eq!(scalar(b"yes"), "\"yes\"\n");
        assert_eq!(scalar(b"1:30"), "\"1:30\"\n");
        assert_eq!(scalar(b"<<"), "<<\n");
        assert_eq!(scalar(b"a\tb"), "\"a\\tb\"\n");
        assert_eq!(scalar(b"a\n\tb\n"), "|\n  a\n  \tb\n");
        assert_eq!(scalar(b"\na"), "|2-\n\n  a\n");
        assert_eq!(scalar(b"a\x7f"), "\"a\\x7F\"\n");
        assert_eq!(scalar(&[0xff; 3]), "!!binary ////\n");
        assert_eq!(scalar("a b ".repeat(40).trim().as_bytes()).lines().count(), 1);
    }

    #[test]
    fn long_binary_has_lines() {
        let line = "/".repeat(70);
        assert_eq!(scalar(&[0xff; 60]), format!("!!binary |\n  {line}\n  {}\n", "/".repeat(10)));
    }

    #[test]
    fn letters_follow_digits_at_once() {
        let keys = ["a10", "a1b", "a2", "a01", "ab", "a-b"];
        let sorted: Vec<&str> = order(&keys).into_iter().map(|at| keys[at]).collect();
        assert_eq!(sorted, ["a-b", "a1b", "a01", "a2", "a10", "ab"]);
    }

    #[test]
    fn lists_stand_deeper_than_their_key() {
        let mut out = Emitter::new();
        out.start_list();
        out.start_map();
        out.key(b"a\nb");
        out.start_list();
        out.word("1");
        out.end();
        out.key(b"c");
        out.word("[]");
        out.end();
        out.start_list();
        out.text(b"x");
        assert_eq!(out.finish(), "- ? |-\n    a\n    b\n  : - 1\n  c: []\n- - x\n");
    }
}
