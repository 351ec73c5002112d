//! Paths inside a tree: relative, normalised, and unable to leave the root by construction.

use std::fmt;
use std::sync::Arc;

use crate::names;

/// A path relative to the root of a tree, `/` between names, without `.`, `..`, empty names or NUL.
///
/// The root itself is the empty path and prints as `.`. Names that are not UTF-8 are text as in [`crate::name_from_bytes`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreePath(Arc<str>);

/// Why a text is not a path inside a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The text begins with `/`.
    #[error("the path is absolute")]
    Absolute,
    /// More `..` than folders before them.
    #[error("the path leads out of the root")]
    Outside,
    /// A NUL byte, which no file system or git tree can hold in a name.
    #[error("the path holds a NUL byte")]
    Nul,
}

impl TreePath {
    /// The root of the tree.
    #[must_use]
    pub fn root() -> Self {
        Self(Arc::from(""))
    }

    /// Reads a relative path; `.` and `..` are taken out lexically.
    ///
    /// # Errors
    /// [`PathError`] when the text is absolute, holds NUL, or climbs above the root.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        Self::root().join(text)
    }

    /// The path that `text` names when read from the folder `self`.
    ///
    /// # Errors
    /// As [`TreePath::parse`].
    pub fn join(&self, text: &str) -> Result<Self, PathError> {
        if text.contains('\0') {
            return Err(PathError::Nul);
        }
        if text.starts_with('/') {
            return Err(PathError::Absolute);
        }
        let mut names: Vec<&str> = self.names().collect();
        for name in text.split('/') {
            match name {
                "" | "." => {}
                ".." => drop(names.pop().ok_or(PathError::Outside)?),
                name => names.push(name),
            }
        }
        Ok(Self(Arc::from(names.join("/"))))
    }

    /// The path of `name`, one entry of the folder `self`.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        debug_assert!(!name.is_empty() && !name.contains('/') && name != "." && name != "..");
        if self.is_root() { Self(Arc::from(name)) } else { Self(Arc::from(format!("{}/{name}", self.0))) }
    }

    /// The names from the root to the last one; none for the root.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// The folder that holds this path; `None` for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.rfind('/').unwrap_or(0);
        Some(Self(Arc::from(&self.0[..end])))
    }

    /// The last name; `None` for the root.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.names().next_back()
    }

    /// The text that leads from the folder `base` to `self`, or `None` when `self` is not `base` or beneath it.
    #[must_use]
    pub fn strip(&self, base: &Self) -> Option<&str> {
        if base.is_root() {
            return Some(&self.0);
        }
        let rest = self.0.strip_prefix(&*base.0)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }

    /// The path of `inner`, a path of a tree whose root is `self`.
    #[must_use]
    pub fn append(&self, inner: &Self) -> Self {
        match (self.is_root(), inner.is_root()) {
            (true, _) => inner.clone(),
            (_, true) => self.clone(),
            _ => Self(Arc::from(format!("{}/{}", self.0, inner.0))),
        }
    }

    /// The path as seen from the folder `base`, or `None` when it is not `base` or beneath it.
    #[must_use]
    pub fn beneath(&self, base: &Self) -> Option<Self> {
        self.strip(base).map(|rest| Self(Arc::from(rest)))
    }

    /// The folders above this path, nearest first, the root last.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.parent(), Self::parent)
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path as text; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() { f.write_str(".") } else { names::show(&self.0, f) }
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}
