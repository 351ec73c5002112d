//! Why a tree could not answer.

use std::fmt;
use std::sync::Arc;

use crate::{Kind, TreePath};

/// Why a tree could not answer. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Nothing stands at the path.
    NotFound(TreePath),
    /// Something stands there, but not what was asked for.
    WrongKind {
        /// The path asked for.
        path: TreePath,
        /// What was wanted.
        wanted: Kind,
        /// What stands there.
        found: Kind,
    },
    /// A link leads out of the tree (or is absolute).
    OutOfBounds {
        /// The link.
        link: TreePath,
    },
    /// Links lead in a circle, or through more than [`crate::MAX_LINKS`] links.
    LinkLoop {
        /// The path whose resolution did not end.
        path: TreePath,
    },
    /// What is needed is part of the repository but kept elsewhere (a submodule, an LFS object).
    Elsewhere {
        /// The path read.
        path: TreePath,
        /// What it is, for the user: "a git submodule", "a git LFS pointer".
        what: &'static str,
    },
    /// What stands there is not read, today or tomorrow: a hostile name, an unknown encoding, a size over the limit.
    Refused {
        /// The path read.
        path: TreePath,
        /// Why, without host paths.
        reason: Arc<str>,
    },
    /// The store behind the tree failed; never an absence.
    Store {
        /// The path read.
        path: TreePath,
        /// What went wrong, without host paths.
        reason: Arc<str>,
    },
}

impl Error {
    /// `path` is a `found`, but a `wanted` was asked for.
    #[must_use]
    pub fn wrong(path: &TreePath, wanted: Kind, found: Kind) -> Self {
        Self::WrongKind { path: path.clone(), wanted, found }
    }

    /// `path` is a submodule, or lies in one.
    #[must_use]
    pub fn submodule(path: &TreePath) -> Self {
        Self::Elsewhere { path: path.clone(), what: "a git submodule" }
    }

    /// The store behind the tree failed at `path`.
    #[must_use]
    pub fn store(path: &TreePath, reason: impl Into<Arc<str>>) -> Self {
        Self::Store { path: path.clone(), reason: reason.into() }
    }

    /// What stands at `path` is not read.
    #[must_use]
    pub fn refused(path: &TreePath, reason: impl Into<Arc<str>>) -> Self {
        Self::Refused { path: path.clone(), reason: reason.into() }
    }

    /// The link at `path` holds more text than [`crate::MAX_LINK_TEXT`].
    #[must_use]
    pub fn link_too_long(path: &TreePath) -> Self {
        Self::refused(path, "the text of the symbolic link is longer than a path can be")
    }

    /// The same error of a tree that is mounted at `base`.
    pub(crate) fn under(mut self, base: &TreePath) -> Self {
        let path = match &mut self {
            Self::NotFound(path)
            | Self::WrongKind { path, .. }
            | Self::OutOfBounds { link: path }
            | Self::LinkLoop { path }
            | Self::Elsewhere { path, .. }
            | Self::Refused { path, .. }
            | Self::Store { path, .. } => path,
        };
        *path = base.append(path);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(path) => write!(f, "{path}: no such file or folder"),
            Self::WrongKind { path, wanted, found } => write!(f, "{path}: is a {found}, not a {wanted}"),
            Self::OutOfBounds { link } => write!(f, "{link}: the symbolic link leads out of the repository"),
            Self::LinkLoop { path } => write!(f, "{path}: symbolic links lead in a circle"),
            Self::Elsewhere { path, what } => {
                write!(f, "{path}: is {what}; its content is not in this repository and is not fetched")
            }
            Self::Refused { path, reason } => write!(f, "{path}: is not read: {reason}"),
            Self::Store { path, reason } => write!(f, "{path}: cannot be read: {reason}"),
        }
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Folder => "folder",
            Self::Link => "symbolic link",
            Self::Submodule => "git submodule",
            Self::Other => "special file",
        })
    }
}
