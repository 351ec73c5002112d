//! One scalar of go-yaml v2's output: which style it gets, and how that style is written.

use crate::error::Dialect;
use crate::resolve::{self, Scalar};

use super::emit::Emitter;

/// The column behind which a line is folded at the next space.
const WIDTH: usize = 80;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    Plain,
    Single,
    Double,
    Literal,
}

/// How a text is written as a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    quotes: Quotes,
    /// It holds a line break of any kind.
    pub(super) multiline: bool,
}

/// What decides which styles can carry a text.
#[derive(Default)]
struct Features {
    /// Would be read as something else without quotes.
    indicators: bool,
    /// Needs escapes.
    special: bool,
    line_breaks: bool,
    /// A space or break at either end.
    padded: bool,
    trailing_space: bool,
    space_then_break: bool,
    break_then_space: bool,
}

impl Style {
    pub(super) fn of(text: &str) -> Self {
        let features = Features::of(text);
        let quotes = if text.contains('\n') {
            if features.literal_allowed() { Quotes::Literal } else { Quotes::Double }
        } else if !reads_as_text(text) {
            Quotes::Double
        } else if features.plain_allowed() {
            Quotes::Plain
        } else if features.single_allowed() {
            Quotes::Single
        } else {
            Quotes::Double
        };
        Self { quotes, multiline: features.line_breaks }
    }
}

impl Features {
    fn of(text: &str) -> Self {
        let mut features = Self {
            indicators: text.starts_with("---") || text.starts_with("..."),
            padded: text.starts_with([' ', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']),
            ..Self::default()
        };
        let mut previous = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let space_follows = chars.peek().is_none_or(|&next| next == ' ' || next == '\t');
            features.indicators |= is_indicator(c, previous, space_follows);
            features.special |= !is_printable(c);
            let is_break = is_break(c);
            features.line_breaks |= is_break;
            features.space_then_break |= is_break && previous == Some(' ');
            features.break_then_space |= c == ' ' && previous.is_some_and(self::is_break);
            previous = Some(c);
        }
        features.trailing_space = previous == Some(' ');
        features.padded |= features.trailing_space || previous.is_some_and(is_break);
        features
    }

    fn literal_allowed(&self) -> bool {
        !(self.trailing_space || self.space_then_break || self.special)
    }

    fn single_allowed(&self) -> bool {
        !(self.break_then_space || self.space_then_break || self.special)
    }

    fn plain_allowed(&self) -> bool {
        self.single_allowed() && !(self.padded || self.line_breaks || self.indicators)
    }
}

/// Whether the text stays text without quotes; numbers with base 60 are quoted for other readers.
fn reads_as_text(text: &str) -> bool {
    matches!(resolve::plain(text, Dialect::V2), Scalar::Str(_)) && !is_base60(text)
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
fn is_base60(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let first_fits =
        first.starts_with(|c: char| c.is_ascii_digit()) && first.bytes().all(is_digit_or_underscore);
    let mut parts = parts.peekable();
    if !first_fits || parts.peek().is_none() {
        return false;
    }
    while let Some(part) = parts.next() {
        let part = match part.split_once('.') {
            Some((part, fraction))
                if parts.peek().is_none() && fraction.bytes().all(is_digit_or_underscore) =>
            {
                part
            }
            _ => part,
        };
        if !matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']) {
            return false;
        }
    }
    true
}

fn is_digit_or_underscore(b: u8) -> bool {
    b.is_ascii_digit() || b == b'_'
}

fn is_indicator(c: char, previous: Option<char>, space_follows: bool) -> bool {
    match (c, previous) {
        (
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`',
            None,
        ) => true,
        ('?' | '-', None) | (':', _) => space_follows,
        ('#', Some(before)) => before == ' ' || before == '\t' || is_break(before),
        _ => false,
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What may stand unescaped: go-yaml v2 leaves out tabs, controls, the byte order mark and everything beyond
/// the first plane.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{A0}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
}

impl Emitter<'_> {
    /// Writes a scalar whose further lines begin at `indent`; keys are not folded.
    pub(super) fn scalar(&mut self, text: &str, style: Style, indent: usize, fold: bool) {
        match style.quotes {
            Quotes::Plain => self.plain(text, indent, fold),
            Quotes::Single => self.single(text, indent, fold),
            Quotes::Double => self.double(text, indent, fold),
            Quotes::Literal => self.literal(text, indent),
        }
    }

    fn plain(&mut self, text: &str, indent: usize, fold: bool) {
        self.space();
        if !fold || self.column + text.len() <= WIDTH {
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
            let rest = &text.as_bytes()[at + c.len_utf8()..];
            let inside = quotes == Quotes::Plain || (at > 0 && !rest.is_empty());
            let may_fold = indent != NEVER && previous != Some(' ') && self.column > WIDTH;
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
            let rest = &text.as_bytes()[at + c.len_utf8()..];
            if all || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                self.escape(c);
            } else if c == ' ' && fold && !after_space && self.column > WIDTH && at > 0 && !rest.is_empty() {
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

/// Stands for an indentation where nothing may be folded.
const NEVER: usize = usize::MAX;
