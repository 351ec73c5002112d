//! Plain scalars: borrowed from the text unless a line break has to be folded.

use std::borrow::Cow;

use crate::event::ScalarStyle;

use super::cursor::{CHUNK, break_len};
use super::{Scan, Scanner, TokenKind};

/// Line breaks between two lines of a flow scalar, before they are folded.
#[derive(Default)]
pub(super) struct Fold {
    first: String,
    rest: String,
}

impl Fold {
    /// One break is a space, more are one less; LS and PS stay.
    pub(super) fn write(&mut self, into: &mut String) {
        if !self.first.starts_with('\n') {
            into.push_str(&self.first);
            into.push_str(&self.rest);
        } else if self.rest.is_empty() {
            into.push(' ');
        } else {
            into.push_str(&self.rest);
        }
        self.first.clear();
        self.rest.clear();
    }

    pub(super) fn next_break(&mut self, first: bool) -> &mut String {
        if first { &mut self.first } else { &mut self.rest }
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn scan_plain(&mut self) -> Scan {
        let at = self.cursor.mark();
        let indent = self.indent + 1;
        let start = self.cursor.pos();
        let mut end = start;
        let mut folded: Option<String> = None;
        let mut fold = Fold::default();
        let mut broken = false;
        while !self.cursor.document_marker() && self.cursor.byte(0) != b'#' {
            let word = self.cursor.pos();
            self.skip_plain_word()?;
            if self.cursor.pos() > word {
                if broken {
                    let text = folded.get_or_insert_with(|| self.cursor.slice(start, end).to_owned());
                    fold.write(text);
                    text.push_str(self.cursor.slice(word, self.cursor.pos()));
                } else if let Some(text) = &mut folded {
                    text.push_str(self.cursor.slice(end, self.cursor.pos()));
                }
                broken = false;
                end = self.cursor.pos();
            }
            if !(self.cursor.is_blank(0) || self.cursor.break_len(0) > 0) {
                break;
            }
            broken = self.skip_plain_space(broken, indent, &mut fold, at)?;
            if self.flow_level == 0 && (self.cursor.column() as isize) < indent {
                break;
            }
        }
        self.key_allowed |= broken;
        let value = folded.map_or_else(|| Cow::Borrowed(self.cursor.slice(start, end)), Cow::Owned);
        self.push(TokenKind::Scalar(value, ScalarStyle::Plain), at);
        Ok(())
    }

    /// Passes characters up to a blank, a break, or what ends a plain scalar here.
    fn skip_plain_word(&mut self) -> Scan {
        loop {
            let start = self.cursor.pos();
            self.skip_plain_chunk(start + CHUNK);
            let passed = self.cursor.pos() - start;
            self.spent(budget::work(passed))?;
            if passed < CHUNK {
                return Ok(());
            }
        }
    }

    /// As far as `most`, where the text goes on that far.
    fn skip_plain_chunk(&mut self, most: usize) {
        let whole = self.cursor.bytes();
        let bytes = &whole[..most.min(whole.len())];
        let in_flow = self.flow_level > 0;
        let mut at = self.cursor.pos();
        let mut wide = 0;
        while let Some(&b) = bytes.get(at) {
            match PLAIN[b as usize] {
                Class::Ordinary => {}
                Class::Blank => break,
                Class::Colon if is_blankz(whole, at + 1) => break,
                Class::Flow if in_flow => break,
                Class::Wide if break_len(whole, at) > 0 => break,
                Class::Wide => wide += usize::from(b & 0xC0 == 0x80),
                Class::Colon | Class::Flow => {}
            }
            at += 1;
        }
        self.cursor.skip_to(at, wide);
    }

    /// Passes blanks and breaks; answers whether a break is among what has been passed since the last word.
    fn skip_plain_space(
        &mut self,
        mut broken: bool,
        indent: isize,
        fold: &mut Fold,
        at: crate::error::Mark,
    ) -> Scan<bool> {
        loop {
            if self.cursor.is_blank(0) {
                if broken && (self.cursor.column() as isize) < indent && self.cursor.byte(0) == b'\t' {
                    return Err(self.fault(Some(at), "found a tab character that violates indentation"));
                }
                self.cursor.skip(1);
            } else if self.cursor.break_len(0) > 0 {
                self.cursor.read_break(fold.next_break(!broken));
                broken = true;
            } else {
                return Ok(broken);
            }
            self.spent(budget::work(1))?;
        }
    }
}

fn is_blankz(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at), None | Some(b' ' | b'\t')) || break_len(bytes, at) > 0
}

/// How a byte matters inside a plain scalar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Ordinary,
    Blank,
    Colon,
    Flow,
    Wide,
}

const PLAIN: [Class; 256] = {
    let mut table = [Class::Ordinary; 256];
    let mut b = 0;
    while b < 256 {
        table[b] = match b as u8 {
            b' ' | b'\t' | b'\n' | b'\r' => Class::Blank,
            b':' => Class::Colon,
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => Class::Flow,
            0x80.. => Class::Wide,
            _ => Class::Ordinary,
        };
        b += 1;
    }
    table
};
