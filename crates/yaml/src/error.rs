//! What can go wrong while reading or writing: Go's text for the message, and the true place beside it.
//!
//! The scanner and the parser make a [`Fault`], which knows the marks; a dialect turns it into an
//! [`Error`] once, because go-yaml v2 and v3 count lines differently in their texts.

use std::fmt;

use budget::Exhausted;

/// Where something starts: byte offset, line and column, all counted from 0, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Byte offset into the decoded text.
    pub pos: u32,
    /// Line, from 0.
    pub line: u32,
    /// Column in characters, from 0.
    pub column: u32,
}

/// Which go-yaml a document is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// go.yaml.in/yaml/v2, as `sigs.k8s.io/yaml` uses it.
    V2,
    /// go.yaml.in/yaml/v3, as kyaml uses it.
    V3,
}

/// A failed read or write. `Display` is the text the Go libraries give, to the byte.
///
/// The line inside that text follows go-yaml's own counting, which is often one off and sometimes missing;
/// [`Error::line`] and [`Error::column`] are the real place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: Box<str>,
    line: Option<u32>,
    column: Option<u32>,
    limit: bool,
}

/// The layer that gave up; go-yaml adds one to the line of a scanner's fault only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Reader,
    Scanner,
    Parser,
}

/// A fault of the scanner or parser before a dialect gave it a text.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) layer: Layer,
    pub(crate) context: Option<Mark>,
    pub(crate) at: Mark,
    pub(crate) problem: String,
    /// One of our [`crate::Limits`] was reached; Go would have gone on.
    pub(crate) limit: bool,
}

impl Error {
    /// Go's text, as `Display` prints it.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line of the fault, from 1, where it is known.
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    /// The column of the fault in characters, from 1, where it is known.
    pub fn column(&self) -> Option<u32> {
        self.column
    }

    /// Whether a budget of [`crate::Limits`] was reached rather than the text being wrong.
    pub fn is_limit(&self) -> bool {
        self.limit
    }

    /// An error with a complete text, at a place if one is known.
    pub(crate) fn new(message: impl Into<String>, at: Option<Mark>) -> Self {
        Self {
            message: cut(message.into()),
            line: at.map(|m| m.line + 1),
            column: at.map(|m| m.column + 1),
            limit: false,
        }
    }

    /// An error because one of the limits of a read is reached.
    pub(crate) fn limit(message: impl Into<String>, at: Option<Mark>) -> Self {
        Self { limit: true, ..Self::new(message, at) }
    }

    /// The thread's budget is used up while something at `at` was read.
    pub(crate) fn exhausted(why: Exhausted, at: Mark) -> Self {
        Self::limit(format!("yaml: {why}"), Some(at))
    }

    /// The same error without line and column, for a text that the user never saw.
    pub(crate) fn without_place(self) -> Self {
        Self { line: None, column: None, ..self }
    }

    /// The same error with words in front of its text.
    #[must_use]
    pub fn prefixed(mut self, prefix: &str) -> Self {
        self.message = cut(format!("{prefix}{}", self.message));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Exhausted> for Error {
    fn from(why: Exhausted) -> Self {
        Self::limit(format!("yaml: {why}"), None)
    }
}

/// The longest message that is kept whole: longer ones quote a text nobody reads to its end.
const MAX_MESSAGE: usize = 256 << 10;

/// A message, cut where it is longer than anybody reads.
fn cut(mut message: String) -> Box<str> {
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        message.push('…');
    }
    message.into()
}

impl Fault {
    /// The thread's budget is used up at `at`.
    pub(crate) fn exhausted(why: Exhausted, at: Mark) -> Box<Self> {
        Box::new(Self { layer: Layer::Scanner, context: None, at, problem: why.to_string(), limit: true })
    }

    pub(crate) fn scanner(context: Option<Mark>, at: Mark, problem: &str) -> Self {
        Self { layer: Layer::Scanner, context, at, problem: problem.to_owned(), limit: false }
    }

    pub(crate) fn parser(context: Option<Mark>, at: Mark, problem: &str) -> Self {
        Self { layer: Layer::Parser, context, at, problem: problem.to_owned(), limit: false }
    }

    /// The text and place of this fault in a dialect (go-yaml v2 and v3, `decode.go:fail`).
    pub(crate) fn into_error(self, dialect: Dialect) -> Error {
        let line = match self.layer {
            Layer::Reader => 0,
            _ => self.reported_line(dialect),
        };
        let message = match line {
            0 => format!("yaml: {}", self.problem),
            n => format!("yaml: line {n}: {}", self.problem),
        };
        Error { limit: self.limit, ..Error::new(message, Some(self.at)) }
    }

    /// v2 looks at the problem first, v3 at the context; line 0 counts as unknown in both.
    fn reported_line(&self, dialect: Dialect) -> u32 {
        let context = self.context.map_or(0, |m| m.line);
        let step = u32::from(self.layer == Layer::Scanner);
        match dialect {
            Dialect::V2 if self.at.line != 0 => self.at.line + step,
            Dialect::V2 => context,
            Dialect::V3 if context != 0 => context + step,
            Dialect::V3 if self.at.line != 0 => self.at.line + step,
            Dialect::V3 => 0,
        }
    }
}
