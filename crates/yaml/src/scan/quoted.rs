//! Single- and double-quoted scalars: borrowed when they are one line without escapes.

use std::borrow::Cow;

use crate::error::Mark;
use crate::event::ScalarStyle;

use super::cursor::{CHUNK, break_len};
use super::plain::Fold;
use super::{Scan, Scanner, TokenKind};

/// A quoted scalar under way.
struct Quoted {
    at: Mark,
    single: bool,
    text: String,
    fold: Fold,
}

impl<'a> Scanner<'a> {
    pub(super) fn scan_quoted(&mut self, single: bool) -> Scan {
        let at = self.cursor.mark();
        self.cursor.skip(1);
        let start = self.cursor.pos();
        self.skip_quoted_run(single)?;
        let quote = if single { b'\'' } else { b'"' };
        let run = self.cursor.slice(start, self.cursor.pos());
        let value = if self.cursor.byte(0) == quote && !(single && self.cursor.byte(1) == b'\'') {
            Cow::Borrowed(run)
        } else {
            // Blanks before a line break are not part of the text: read them again.
            let kept = run.trim_end_matches([' ', '\t']).len();
            let back = run.len() - kept;
            self.cursor.skip_to(self.cursor.pos() - back, 0);
            let text = String::from(&run[..kept]);
            Cow::Owned(self.scan_quoted_rest(Quoted { at, single, text, fold: Fold::default() })?)
        };
        self.cursor.skip(1);
        let style = if single { ScalarStyle::SingleQuoted } else { ScalarStyle::DoubleQuoted };
        self.push(TokenKind::Scalar(value, style), at);
        Ok(())
    }

    /// Passes everything that stands for itself on this line.
    fn skip_quoted_run(&mut self, single: bool) -> Scan {
        loop {
            let start = self.cursor.pos();
            self.skip_quoted_chunk(single, start + CHUNK);
            let passed = self.cursor.pos() - start;
            self.spent(budget::work(passed))?;
            if passed < CHUNK {
                return Ok(());
            }
        }
    }

    /// As far as `most`, where the text goes on that far.
    fn skip_quoted_chunk(&mut self, single: bool, most: usize) {
        let whole = self.cursor.bytes();
        let bytes = &whole[..most.min(whole.len())];
        let mut at = self.cursor.pos();
        let mut wide = 0;
        while let Some(&b) = bytes.get(at) {
            match b {
                b'\n' | b'\r' => break,
                b'\'' if single => break,
                b'"' | b'\\' if !single => break,
                0x80.. => {
                    if break_len(whole, at) > 0 {
                        break;
                    }
                    wide += usize::from(b & 0xC0 == 0x80);
                }
                _ => {}
            }
            at += 1;
        }
        self.cursor.skip_to(at, wide);
    }

    /// Up to the closing quote, with escapes and folding.
    fn scan_quoted_rest(&mut self, mut quoted: Quoted) -> Scan<String> {
        loop {
            if self.cursor.document_marker() {
                return Err(self.fault(Some(quoted.at), "found unexpected document indicator"));
            }
            if self.cursor.at_end() {
                return Err(self.fault(Some(quoted.at), "found unexpected end of stream"));
            }
            let joined = self.scan_quoted_word(&mut quoted)?;
            let quote = if quoted.single { b'\'' } else { b'"' };
            if self.cursor.byte(0) == quote {
                return Ok(quoted.text);
            }
            self.scan_quoted_space(&mut quoted, joined)?;
        }
    }

    /// Up to a blank, a break or the quote; answers whether it ended at an escaped line break.
    fn scan_quoted_word(&mut self, quoted: &mut Quoted) -> Scan<bool> {
        while !self.cursor.is_blankz(0) {
            self.spent(budget::work(1))?;
            match self.cursor.byte(0) {
                b'\'' if quoted.single && self.cursor.byte(1) == b'\'' => {
                    quoted.text.push('\'');
                    self.cursor.skip(2);
                }
                b'\'' if quoted.single => break,
                b'"' if !quoted.single => break,
                b'\\' if !quoted.single && self.cursor.break_len(1) > 0 => {
                    self.cursor.skip(1);
                    self.cursor.skip_break();
                    return Ok(true);
                }
                b'\\' if !quoted.single => self.scan_escape(quoted)?,
                _ => {
                    let from = self.cursor.pos();
                    self.cursor.skip_char();
                    quoted.text.push_str(self.cursor.slice(from, self.cursor.pos()));
                }
            }
        }
        Ok(false)
    }

    /// Blanks between words stand for themselves, blanks around breaks are dropped.
    fn scan_quoted_space(&mut self, quoted: &mut Quoted, joined: bool) -> Scan {
        let from = self.cursor.pos();
        let mut broken = joined;
        let mut blanks_end = from;
        loop {
            self.spent(budget::work(1))?;
            if self.cursor.is_blank(0) {
                self.cursor.skip(1);
                blanks_end = self.cursor.pos();
            } else if self.cursor.break_len(0) > 0 {
                self.cursor.read_break(quoted.fold.next_break(!broken));
                broken = true;
            } else {
                break;
            }
        }
        if broken {
            quoted.fold.write(&mut quoted.text);
        } else {
            quoted.text.push_str(self.cursor.slice(from, blanks_end));
        }
        Ok(())
    }

    fn scan_escape(&mut self, quoted: &mut Quoted) -> Scan {
        let digits = match self.cursor.byte(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            other => {
                let Some(c) = simple_escape(other) else {
                    return Err(self.fault(Some(quoted.at), "found unknown escape character"));
                };
                quoted.text.push(c);
                self.cursor.skip(2);
                return Ok(());
            }
        };
        self.cursor.skip(2);
        let mut value = 0_u32;
        for ahead in 0..digits {
            let Some(digit) = char::from(self.cursor.byte(ahead)).to_digit(16) else {
                return Err(self.fault(Some(quoted.at), "did not find expected hexdecimal number"));
            };
            value = (value << 4) | digit;
        }
        let Some(c) = char::from_u32(value) else {
            return Err(self.fault(Some(quoted.at), "found invalid Unicode character escape code"));
        };
        quoted.text.push(c);
        self.cursor.skip(digits);
        Ok(())
    }
}

fn simple_escape(b: u8) -> Option<char> {
    Some(match b {
        b'0' => '\0',
        b'a' => '\x07',
        b'b' => '\x08',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\x0B',
        b'f' => '\x0C',
        b'r' => '\r',
        b'e' => '\x1B',
        b' ' | b'"' | b'\'' | b'\\' => char::from(b),
        b'N' => '\u{85}',
        b'_' => '\u{A0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}
