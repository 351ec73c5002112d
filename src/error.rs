//! The one error type of the service: what happened, of which kind, and where. Made anywhere, turned into a gRPC
//! code in one place (`api/status.rs`) and into an exit code and a picture in another (`cli/report.rs`).

use std::fmt;
use std::sync::Arc;

/// What kind of failure it is; decides the gRPC code, the exit code, and whether the failure may be cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request or the files it names are wrong: the same inputs always fail.
    Invalid,
    /// A repository, revision or path that does not exist.
    NotFound,
    /// The remote refused the credentials, or the caller has none.
    Unauthenticated,
    /// The caller is known but may not.
    Denied,
    /// The outside world failed: a server that is down, a full disk. Trying again may help.
    Unavailable,
    /// A time limit ran out.
    Deadline,
    /// The caller went away.
    Cancelled,
    /// Too much work at once: try again later.
    Busy,
    /// The inputs want more than the budget allows: the same inputs always fail.
    OverBudget,
    /// The inputs are fine but need something that is not here (a program, a submodule's content).
    Precondition,
    /// A broken promise of ours.
    Internal,
}

/// Where in a file of the tree something is wrong. Lines and columns count from 1; 0 means unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the root of the repository.
    pub file: Arc<str>,
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
    /// The text of that line, for the picture; empty when unknown.
    pub text: Arc<str>,
}

/// A failure. Cheap to clone, since one result can serve many waiters.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    message: String,
    place: Option<Place>,
    help: Option<String>,
}

/// The result of everything that can fail in the service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of `kind`; `message` says what happened in one line, without host paths or secrets.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), place: None, help: None }))
    }

    /// The same failure with its place, unless it has one: the innermost place wins.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.change(|inner| inner.place = inner.place.take().or(Some(place)));
        self
    }

    /// The same failure with what the user can do about it, unless it already says.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.change(|inner| inner.help = inner.help.take().or(Some(help.into())));
        self
    }

    /// The same failure, its message begun with what was being done: `context: message`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.change(|inner| inner.message = format!("{context}: {}", inner.message));
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What happened, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where, if it is known.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// What to do about it, if we know.
    #[must_use]
    pub fn advice(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    fn change(&mut self, change: impl FnOnce(&mut Inner)) {
        change(Arc::make_mut(&mut self.0));
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.place {
            Some(place) if place.line > 0 && place.column > 0 => {
                write!(f, "{}:{}:{}: {}", place.file, place.line, place.column, self.0.message)
            }
            Some(place) if place.line > 0 => write!(f, "{}:{}: {}", place.file, place.line, self.0.message),
            Some(place) => write!(f, "{}: {}", place.file, self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {}

impl From<tree::Error> for Error {
    fn from(error: tree::Error) -> Self {
        let kind = match &error {
            tree::Error::NotFound(_) => Kind::NotFound,
            tree::Error::WrongKind { .. }
            | tree::Error::OutOfBounds { .. }
            | tree::Error::LinkLoop { .. }
            | tree::Error::Refused { .. } => Kind::Invalid,
            tree::Error::Elsewhere { .. } => Kind::Precondition,
            tree::Error::Store { .. } => Kind::Unavailable,
        };
        Self::new(kind, error.to_string())
    }
}
