//! Literal and folded block scalars.

use std::borrow::Cow;

use crate::error::Mark;
use crate::event::ScalarStyle;

use super::cursor::line_end;
use super::{Scan, Scanner, TokenKind};

/// What happens to the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

/// The text of a block scalar under way.
#[derive(Default)]
struct Lines {
    text: String,
    /// The break of the last line, not yet known to be kept.
    pending: String,
    /// Breaks of the empty lines after it.
    empty: String,
}

impl<'a> Scanner<'a> {
    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Scan {
        let at = self.cursor.mark();
        self.cursor.skip(1);
        let (chomp, increment) = self.scan_block_header(at)?;
        let mut indent = match increment {
            0 => 0,
            n => usize::try_from(self.indent).unwrap_or(0) + n,
        };
        let mut lines = Lines::default();
        self.scan_empty_lines(&mut indent, &mut lines.empty, at)?;
        let mut more_indented = false;
        while self.cursor.column() == indent && !self.cursor.at_end() {
            let blank = self.cursor.is_blank(0);
            lines.join(!literal && !more_indented && !blank);
            more_indented = blank;
            let (end, wide) = line_end(self.cursor.bytes(), self.cursor.pos());
            self.spent(budget::work(end - self.cursor.pos()))?;
            lines.text.push_str(self.cursor.slice(self.cursor.pos(), end));
            self.cursor.skip_to(end, wide);
            self.cursor.read_break(&mut lines.pending);
            self.scan_empty_lines(&mut indent, &mut lines.empty, at)?;
        }
        let style = if literal { ScalarStyle::Literal } else { ScalarStyle::Folded };
        self.push(TokenKind::Scalar(Cow::Owned(lines.finish(chomp)), style), at);
        Ok(())
    }

    /// Chomping and indentation indicators in either order, then nothing but a comment.
    fn scan_block_header(&mut self, at: Mark) -> Scan<(Chomp, usize)> {
        let mut chomp = self.scan_chomp();
        let increment = match self.cursor.byte(0) {
            b'0' => return Err(self.fault(Some(at), "found an indentation indicator equal to 0")),
            digit @ b'1'..=b'9' => {
                self.cursor.skip(1);
                usize::from(digit - b'0')
            }
            _ => 0,
        };
        if chomp.is_none() && increment > 0 {
            chomp = self.scan_chomp();
        }
        let passed = self.cursor.skip_blanks();
        self.spent(passed)?;
        if self.cursor.byte(0) == b'#' {
            self.pass_comment()?;
        }
        if !self.cursor.is_breakz() {
            return Err(self.fault(Some(at), "did not find expected comment or line break"));
        }
        self.cursor.skip_break();
        Ok((chomp.unwrap_or(Chomp::Clip), increment))
    }

    fn scan_chomp(&mut self) -> Option<Chomp> {
        let chomp = match self.cursor.byte(0) {
            b'+' => Chomp::Keep,
            b'-' => Chomp::Strip,
            _ => return None,
        };
        self.cursor.skip(1);
        Some(chomp)
    }

    /// Passes indentation and empty lines; the first text decides an indentation that is not given (0).
    fn scan_empty_lines(&mut self, indent: &mut usize, breaks: &mut String, at: Mark) -> Scan {
        let mut deepest = 0;
        loop {
            while (*indent == 0 || self.cursor.column() < *indent) && self.cursor.byte(0) == b' ' {
                self.cursor.skip(1);
                self.spent(budget::work(1))?;
            }
            deepest = deepest.max(self.cursor.column());
            if (*indent == 0 || self.cursor.column() < *indent) && self.cursor.byte(0) == b'\t' {
                return Err(
                    self.fault(Some(at), "found a tab character where an indentation space is expected")
                );
            }
            if self.cursor.break_len(0) == 0 {
                break;
            }
            self.cursor.read_break(breaks);
            self.spent(budget::work(1))?;
        }
        if *indent == 0 {
            let least = usize::try_from(self.indent + 1).unwrap_or(0).max(1);
            *indent = deepest.max(least);
        }
        Ok(())
    }
}

impl Lines {
    /// Brings the breaks before a new line in; folding makes a space of a single one.
    fn join(&mut self, fold: bool) {
        if fold && self.pending.starts_with('\n') {
            if self.empty.is_empty() {
                self.text.push(' ');
            }
        } else {
            self.text.push_str(&self.pending);
        }
        self.text.push_str(&self.empty);
        self.pending.clear();
        self.empty.clear();
    }

    fn finish(mut self, chomp: Chomp) -> String {
        if chomp != Chomp::Strip {
            self.text.push_str(&self.pending);
        }
        if chomp == Chomp::Keep {
            self.text.push_str(&self.empty);
        }
        self.text
    }
}
