//! Which style go-yaml gives a text.

use crate::error::Dialect;
use crate::resolve::{self, Scalar};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    Plain,
    Single,
    Double,
    Literal,
}

/// How a text is written as a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(super) quotes: Quotes,
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
    /// For v3 a tab needs escapes on a single line only.
    tabs: bool,
    line_breaks: bool,
    /// A space or break at either end.
    padded: bool,
    trailing_space: bool,
    space_then_break: bool,
    break_then_space: bool,
}

impl Style {
    pub(crate) fn of(text: &str, dialect: Dialect) -> Self {
        let features = Features::of(text, dialect);
        let quotes = if text.contains('\n') {
            if features.literal_allowed() { Quotes::Literal } else { Quotes::Double }
        } else if !reads_as_text(text, dialect) {
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

impl Style {
    /// The style of a text that has a tag and so need not show what it is.
    pub(crate) fn tagged(text: &str) -> Self {
        let multiline = text.contains('\n');
        Self { quotes: if multiline { Quotes::Literal } else { Quotes::Plain }, multiline }
    }
}

/// Characters that are looked at between two looks at the budget.
const CHUNK: usize = 32 << 10;

impl Features {
    fn of(text: &str, dialect: Dialect) -> Self {
        let mut features = Self {
            indicators: text.starts_with("---") || text.starts_with("..."),
            padded: text.starts_with([' ', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']),
            ..Self::default()
        };
        let mut previous = None;
        let mut chars = text.chars().peekable();
        let mut unwatched = CHUNK;
        while let Some(c) = chars.next() {
            unwatched -= 1;
            if unwatched == 0 {
                unwatched = CHUNK;
                // Nothing is written any more; the budget remembers why.
                if budget::work(CHUNK).is_err() {
                    break;
                }
            }
            // Most of what is written is letters, which decide nothing.
            if c.is_ascii_alphanumeric() {
                previous = Some(c);
                continue;
            }
            let space_follows = chars.peek().is_none_or(|&next| next == ' ' || next == '\t');
            features.indicators |= is_indicator(c, previous, space_follows);
            let plain_tab = c == '\t' && dialect == Dialect::V3;
            features.tabs |= plain_tab;
            features.special |= !is_printable(c) && !plain_tab;
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
        !(self.break_then_space || self.space_then_break || self.special || self.tabs)
    }

    fn plain_allowed(&self) -> bool {
        self.single_allowed() && !(self.padded || self.line_breaks || self.indicators)
    }
}

/// Whether the text stays text without quotes; numbers with base 60 and v2's booleans are quoted for other readers.
fn reads_as_text(text: &str, dialect: Dialect) -> bool {
    let is_text = matches!(resolve::plain(text, dialect), Scalar::Str(_));
    let is_old_bool =
        || dialect == Dialect::V3 && matches!(resolve::plain(text, Dialect::V2), Scalar::Bool(_));
    is_text && !is_old_bool() && !is_base60(text)
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

pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What may stand unescaped: go-yaml leaves out tabs, controls, the byte order mark and everything beyond
/// the first plane.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{A0}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}')
}
