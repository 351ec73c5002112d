//! Why a kustomization could not be built.

use std::fmt;

/// A failed build. `Display` is kustomize's own text where it has one, without its `Error: ` in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
    kind: ErrorKind,
    tree: Option<tree::Error>,
    warnings: Vec<String>,
}

/// What sort of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The kustomization or what it names is wrong.
    Invalid,
    /// A resource file is not YAML; kustomize reports those without trying the path as a folder.
    Malformed,
    /// The entry asks for something that is never done here: running programs, containers, remote charts.
    Refused,
    /// The address of a repository or of a file of the web that is never used: an option in disguise, a repository of
    /// the machine itself.
    Address,
    /// A part in another repository or on the web that is not in the tree.
    Remote,
    /// A budget of [`crate::Limits`] is used up, or the caller asked to stop.
    Limit,
    /// The tree could not answer for another reason than an absence.
    Tree,
}

/// What everything in this crate answers.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of the input.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::of(ErrorKind::Invalid, message)
    }

    /// An error of a certain sort, also for functions of the caller such as [`crate::HelmRenderer::render`].
    pub fn of(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { message: cut(message.into()), kind, tree: None, warnings: Vec::new() }
    }

    /// What the tree could not answer, also for functions of the caller.
    #[must_use]
    pub fn of_tree(error: &tree::Error) -> Self {
        Self { tree: Some(error.clone()), ..Self::of(ErrorKind::Tree, error.to_string()) }
    }

    /// The same error in other words.
    pub(crate) fn saying(self, message: String) -> Self {
        Self { message: cut(message), ..self }
    }

    /// What the tree could not answer, where that is why ([`ErrorKind::Tree`]).
    #[must_use]
    pub fn tree(&self) -> Option<&tree::Error> {
        self.tree.as_ref()
    }

    /// What kustomize said on standard error before it failed, a line each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The same error, of a build that has warned of these before.
    pub(crate) fn after(mut self, warnings: Vec<String>) -> Self {
        self.warnings = warnings;
        self
    }

    /// What sort of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same error with `prefix: ` in front of its text.
    #[must_use]
    pub(crate) fn under(mut self, prefix: impl fmt::Display) -> Self {
        self.message = cut(format!("{prefix}: {}", self.message));
        self
    }

    /// Whether another reading of the same entry may be tried after this.
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self.kind, ErrorKind::Invalid | ErrorKind::Malformed)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The longest message that is kept whole: longer ones quote a text nobody reads to its end.
const MAX_MESSAGE: usize = 256 << 10;

fn cut(mut message: String) -> String {
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        message.push('…');
    }
    message
}

impl From<budget::Exhausted> for Error {
    fn from(why: budget::Exhausted) -> Self {
        match why {
            budget::Exhausted::Stopped => Self::of(ErrorKind::Limit, "the build was stopped"),
            why => Self::of(ErrorKind::Limit, why.to_string()),
        }
    }
}

impl From<yaml::Error> for Error {
    fn from(error: yaml::Error) -> Self {
        let kind = if error.is_limit() { ErrorKind::Limit } else { ErrorKind::Invalid };
        Self::of(kind, error.to_string())
    }
}
