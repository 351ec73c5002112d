//! What the emitters of go-yaml v2 and v3 have in common: lines, indentation, indicators and scalars.

mod scalar;
mod style;

use std::fmt::Write as _;

use budget::Exhausted;

pub(crate) use style::Style;

/// Columns per level.
pub(crate) const STEP: usize = 2;
/// A key longer than this many bytes is written with `?`.
const SIMPLE_KEY: usize = 128;

/// The text so far and what the next piece needs to know about its end.
pub(crate) struct Writer {
    out: String,
    /// The column behind which a line is folded at the next space.
    width: usize,
    /// In characters.
    column: usize,
    /// The last thing written is white space.
    whitespace: bool,
    /// Only indentation and indicators so far on this line.
    pub(crate) indention: bool,
    /// How much of the text is charged.
    charged: usize,
    /// The thread's budget is used up: nothing more is written.
    refused: Option<Exhausted>,
}

impl Writer {
    /// Nothing written; folds behind column `width`.
    pub(crate) fn new(width: usize) -> Self {
        Self {
            out: String::new(),
            width,
            column: 0,
            whitespace: true,
            indention: true,
            charged: 0,
            refused: None,
        }
    }

    /// Charges what was written since the last time.
    ///
    /// # Errors
    /// The thread's budget is used up, now or before.
    pub(crate) fn check(&mut self) -> Result<(), Exhausted> {
        if self.room(0) { Ok(()) } else { Err(self.refused.unwrap_or(Exhausted::Stopped)) }
    }

    /// Charges what was written and `more` that is about to be; `false` when that may not be.
    fn room(&mut self, more: usize) -> bool {
        if self.refused.is_some() {
            return false;
        }
        let wanted = (self.out.len() + more).saturating_sub(self.charged);
        match budget::charge(wanted) {
            Ok(()) => self.charged += wanted,
            Err(refused) => self.refused = Some(refused),
        }
        self.refused.is_none()
    }

    /// The text, with a line break at its end.
    pub(crate) fn finish(mut self) -> String {
        self.write_indent(0);
        self.out
    }

    /// A key of a map at column `indent`, and what stands before its value. `tag` stands before the key.
    pub(crate) fn key(&mut self, tag: &str, key: &str, style: Style, indent: usize) {
        if !style.multiline && tag.len() + key.len() <= SIMPLE_KEY {
            self.tag(tag);
            self.scalar(key, style, indent + STEP, false);
            self.indicator(":", false);
            self.indention = false;
            return;
        }
        self.indicator("?", true);
        self.tag(tag);
        self.scalar(key, style, indent + STEP, true);
        self.write_indent(indent);
        self.indicator(":", true);
    }

    /// A tag, unless it is empty.
    pub(crate) fn tag(&mut self, tag: &str) {
        if !tag.is_empty() {
            self.word(tag);
        }
    }

    /// A plain word that is never folded.
    pub(crate) fn word(&mut self, word: &str) {
        self.space();
        self.put_str(word);
        self.whitespace = false;
        self.indention = false;
    }

    /// `-`, `?` and `:`, with a space in front where one is needed.
    pub(crate) fn indicator(&mut self, indicator: &str, spaced: bool) {
        if spaced {
            self.space();
        }
        self.put_str(indicator);
        self.whitespace = false;
    }

    fn space(&mut self) {
        if !self.whitespace {
            self.put(' ');
        }
    }

    /// Goes to column `indent`, on a new line unless only indentation is on this one.
    pub(crate) fn write_indent(&mut self, indent: usize) {
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        let missing = indent.saturating_sub(self.column);
        if self.room(missing) {
            self.out.extend(std::iter::repeat_n(' ', missing));
        }
        self.column += missing;
        self.whitespace = true;
        self.indention = true;
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_str(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn put_hex(&mut self, letter: char, value: u32, digits: usize) {
        write!(self.out, "{letter}{value:0digits$X}").expect("writing to a String cannot fail");
        self.column += 1 + digits;
    }
}
