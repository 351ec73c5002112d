//! The four styles, written.

use super::Writer;
use super::style::{Quotes, Style, is_break, is_printable};

impl Writer {
    /// Writes a scalar whose further lines begin at `indent`; keys are not folded.
    pub(crate) fn scalar(&mut self, text: &str, style: Style, indent: usize, fold: bool) {
        if !self.room(text.len()) {
            return;
        }
        match style.quotes {
            Quotes::Plain => self.plain(text, indent, fold),
            Quotes::Single => self.single(text, indent, fold),
            Quotes::Double => self.double(text, indent, fold),
            Quotes::Literal => self.literal(text, indent),
        }
    }

    fn plain(&mut self, text: &str, indent: usize, fold: bool) {
        self.space();
        if !fold || text.len() <= self.width.saturating_sub(self.column) {
            self.put_str(text);
        } else {
            self.folded(text, indent, Quotes::Plain);
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn single(&mut self, text: &str, indent: usize, fold: bool) {
        self.indicator("'", true);
        self.indention = false;
        self.folded(text, if fold { indent } else { NEVER }, Quotes::Single);
        self.indicator("'", false);
        self.indention = false;
    }

    /// Plain or single-quoted text, folded unless `indent` is [`NEVER`].
    fn folded(&mut self, text: &str, indent: usize, quotes: Quotes) {
        let mut previous = None;
        for (at, c) in text.char_indices() {
            if at % CHUNK == 0 && !self.room(0) {
                return;
            }
            let rest = &text.as_bytes()[at + c.len_utf8()..];
            let inside = quotes == Quotes::Plain || (at > 0 && !rest.is_empty());
            let may_fold = indent != NEVER && previous != Some(' ') && self.column > self.width;
            match c {
                ' ' if may_fold && inside && rest.first() != Some(&b' ') => self.write_indent(indent),
                ' ' => self.put(' '),
                _ if is_break(c) => {
                    self.out.push(c);
                    self.column = 0;
                    self.indention = true;
                }
                _ => {
                    if previous.is_some_and(is_break) && indent != NEVER {
                        self.write_indent(indent);
                    }
                    if c == '\'' && quotes == Quotes::Single {
                        self.put('\'');
                    }
                    self.put(c);
                    self.indention = false;
                }
            }
            previous = Some(c);
        }
    }

    fn double(&mut self, text: &str, indent: usize, fold: bool) {
        self.indicator("\"", true);
        self.indention = false;
        // A byte order mark at the start makes go-yaml escape every character.
        let all = text.starts_with('\u{FEFF}');
        let mut after_space = false;
        for (at, c) in text.char_indices() {
            if at % CHUNK == 0 && !self.room(0) {
                return;
            }
            let rest = &text.as_bytes()[at + c.len_utf8()..];
            if all || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                self.escape(c);
            } else if c == ' '
                && fold
                && !after_space
                && self.column > self.width
                && at > 0
                && !rest.is_empty()
            {
                self.write_indent(indent);
                if rest.first() == Some(&b' ') {
                    self.put('\\');
                }
            } else {
                self.put(c);
            }
            after_space = c == ' ' && !all;
        }
        self.indicator("\"", false);
        self.indention = false;
    }

    fn escape(&mut self, c: char) {
        self.put('\\');
        let short = match c {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0B' => 'v',
            '\x0C' => 'f',
            '\r' => 'r',
            '\x1B' => 'e',
            '"' | '\\' => c,
            '\u{85}' => 'N',
            '\u{A0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            '\0'..='\u{FF}' => return self.put_hex('x', u32::from(c), 2),
            '\0'..='\u{FFFF}' => return self.put_hex('u', u32::from(c), 4),
            _ => return self.put_hex('U', u32::from(c), 8),
        };
        self.put(short);
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.indicator("|", true);
        if text.starts_with(|c: char| c == ' ' || is_break(c)) {
            self.put('2');
        }
        self.chomping(text);
        self.line_break();
        self.indention = true;
        self.whitespace = true;
        let mut at_start = true;
        for line in text.split_inclusive(is_break) {
            let content = line.trim_end_matches(is_break);
            if at_start && !content.is_empty() {
                self.write_indent(indent);
            }
            self.put_str(line);
            self.indention = content.len() < line.len();
            at_start = self.indention;
            if self.indention {
                self.column = 0;
            }
        }
    }

    /// `-` without a final break, `+` with more than one or nothing else.
    fn chomping(&mut self, text: &str) {
        let mut ends = text.chars().rev();
        match (ends.next().is_some_and(is_break), ends.next()) {
            (false, _) => self.put('-'),
            (true, None) => self.put('+'),
            (true, Some(before)) if is_break(before) => self.put('+'),
            _ => {}
        }
    }
}

/// How much of a text is written between two looks at the budget; one that has a wide character in the way waits for the
/// next.
const CHUNK: usize = 4 << 10;

/// Stands for an indentation where nothing may be folded.
const NEVER: usize = usize::MAX;
