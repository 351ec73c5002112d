//! A place in the text that knows its line and column; the questions the scanner asks of single characters.
//!
//! The text holds no NUL (the reader refuses it), so a NUL from [`Cursor::byte`] means the end.

use budget::Exhausted;

use crate::bytes::find;
use crate::error::Mark;

/// Bytes that are passed between two looks at the budget.
pub(super) const CHUNK: usize = 64 << 10;

/// A position in the text.
pub(super) struct Cursor<'a> {
    text: &'a str,
    pos: usize,
    line: u32,
    line_start: usize,
    /// Continuation bytes passed on this line: bytes that are no column of their own.
    wide: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, pos: 0, line: 0, line_start: 0, wide: 0 }
    }

    pub(super) fn pos(&self) -> usize {
        self.pos
    }

    pub(super) fn line(&self) -> u32 {
        self.line
    }

    pub(super) fn column(&self) -> usize {
        self.pos - self.line_start - self.wide
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { pos: self.pos as u32, line: self.line, column: self.column() as u32 }
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        &self.text[from..to]
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The byte `ahead` of here, or 0 behind the end.
    #[inline]
    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.pos + ahead).copied().unwrap_or(0)
    }

    pub(super) fn at_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    /// Length in bytes of the line break `ahead` of here; 0 when there is none.
    #[inline]
    pub(super) fn break_len(&self, ahead: usize) -> usize {
        break_len(self.bytes(), self.pos + ahead)
    }

    #[inline]
    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t')
    }

    /// A blank, a line break or the end.
    #[inline]
    pub(super) fn is_blankz(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t' | 0) || self.break_len(ahead) > 0
    }

    /// A line break or the end.
    pub(super) fn is_breakz(&self) -> bool {
        self.byte(0) == 0 || self.break_len(0) > 0
    }

    /// `---` or `...` at the start of a line, with nothing but a blank behind it.
    pub(super) fn document_marker(&self) -> bool {
        self.column() == 0
            && matches!((self.byte(0), self.byte(1), self.byte(2)), (b'-', b'-', b'-') | (b'.', b'.', b'.'))
            && self.is_blankz(3)
    }

    /// Passes `n` bytes that are a character each.
    #[inline]
    pub(super) fn skip(&mut self, n: usize) {
        self.pos += n;
    }

    /// Passes to `pos` on the same line, counting the characters between.
    pub(super) fn skip_to(&mut self, pos: usize, wide: usize) {
        self.pos = pos;
        self.wide += wide;
    }

    /// Passes one whole character.
    pub(super) fn skip_char(&mut self) {
        let width = utf8_width(self.byte(0));
        self.skip_to(self.pos + width, width - 1);
    }

    /// Passes bytes that are a character each, as long as `is_part` says so.
    pub(super) fn skip_while(&mut self, is_part: impl Fn(u8) -> bool) -> Result<(), Exhausted> {
        loop {
            let rest = &self.bytes()[self.pos..];
            let chunk = &rest[..rest.len().min(CHUNK)];
            let passed = chunk.iter().take_while(|&&b| is_part(b)).count();
            self.pos += passed;
            budget::work(passed)?;
            if passed < CHUNK {
                return Ok(());
            }
        }
    }

    /// Passes blanks.
    pub(super) fn skip_blanks(&mut self) -> Result<(), Exhausted> {
        self.skip_while(|b| matches!(b, b' ' | b'\t'))
    }

    /// Passes everything up to the line break or the end.
    pub(super) fn skip_line_rest(&mut self) {
        let (end, wide) = line_end(self.bytes(), self.pos);
        self.skip_to(end, wide);
    }

    /// Passes the line break here, if there is one.
    pub(super) fn skip_break(&mut self) {
        let len = self.break_len(0);
        if len > 0 {
            self.pos += len;
            self.line += 1;
            self.line_start = self.pos;
            self.wide = 0;
        }
    }

    /// Passes the line break here and writes it as YAML reads it: LS and PS as they are, others as `\n`.
    pub(super) fn read_break(&mut self, into: &mut String) {
        match self.break_len(0) {
            0 => return,
            3 => into.push_str(self.slice(self.pos, self.pos + 3)),
            _ => into.push('\n'),
        }
        self.skip_break();
    }

    /// What go-yaml does at the end of the stream: an unfinished line counts as a line.
    pub(super) fn close_line(&mut self) {
        if self.column() != 0 {
            self.line += 1;
            self.line_start = self.pos;
            self.wide = 0;
        }
    }

    /// Whether more than `most` characters lie between `from` and here.
    pub(super) fn farther_than(&self, from: Mark, most: usize) -> bool {
        let from = from.pos as usize;
        self.pos - from > most && self.text[from..self.pos].chars().nth(most).is_some()
    }
}

/// Length in bytes of the line break at `at`: LF, CR, CRLF, NEL, LS or PS.
#[inline]
pub(super) fn break_len(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'\n') => 1,
        Some(b'\r') => 1 + usize::from(bytes.get(at + 1) == Some(&b'\n')),
        Some(0xC2) => 2 * usize::from(bytes.get(at + 1) == Some(&0x85)),
        Some(0xE2) => 3 * usize::from(matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xA8 | 0xA9]))),
        _ => 0,
    }
}

/// The end of the line that `from` is on, and the continuation bytes up to there.
pub(super) fn line_end(bytes: &[u8], from: usize) -> (usize, usize) {
    let is_odd = |b: u8| !(0x20..0x80).contains(&b);
    let mut at = find(bytes, from, is_odd);
    let mut wide = 0;
    while let Some(&b) = bytes.get(at) {
        if break_len(bytes, at) > 0 {
            break;
        }
        wide += usize::from(b & 0xC0 == 0x80);
        at = find(bytes, at + 1, is_odd);
    }
    (at, wide)
}

/// Bytes of the character that starts with `lead`.
pub(super) fn utf8_width(lead: u8) -> usize {
    match lead {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

/// Letters, digits, `_` and `-`: what anchors and tag handles are made of.
pub(super) fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}
