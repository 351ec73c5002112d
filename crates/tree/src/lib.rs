//! Read-only, immutable trees of files: the only thing a renderer sees of a repository, an archive or a folder.
//!
//! A [`Tree`] answers for one path at a time and follows no link by itself; [`resolve`](fn@crate::resolve) follows
//! links and never leaves the root. A `Recorder` wraps a tree and notes every answer it gave.

mod error;
mod id;
mod path;

use std::sync::Arc;

use bytes::Bytes;

pub use error::Error;
pub use id::ContentId;
pub use path::{PathError, TreePath};

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file, executable or not.
    File,
    /// A folder.
    Folder,
    /// A symbolic link; its text is read with [`Tree::link`].
    Link,
    /// A git submodule entry: it names a commit of another repository, nothing of it is here.
    Submodule,
    /// Something that exists but cannot be read: a device, a socket, a name that is not UTF-8.
    Other,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name, without any folder.
    pub name: Arc<str>,
    /// What the name stands for; links are not followed.
    pub kind: Kind,
}

/// A read-only, immutable tree of files.
///
/// No method follows a link, not even in the middle of a path: a path through a link is absent. Every failure to
/// read is an error and never looks like an absence.
pub trait Tree: Send + Sync {
    /// What stands at `path`, or `None` when nothing does. The root is a [`Kind::Folder`].
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error>;

    /// The strong id of what stands at `path`: for a file its content, for a link its text, for a folder everything
    /// beneath. Two equal ids mean equal content; trees that know their ids answer without reading contents.
    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error>;

    /// The entries of the folder at `path`, sorted by name bytewise; an error when it is not a folder.
    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, Error>;

    /// The size of the file at `path` in bytes, without reading it where the tree can.
    fn size(&self, path: &TreePath) -> Result<u64, Error>;

    /// The whole content of the file at `path`; an error when it is not a file.
    fn read(&self, path: &TreePath) -> Result<Bytes, Error>;

    /// The text of the link at `path`; an error when it is not a link.
    fn link(&self, path: &TreePath) -> Result<Arc<str>, Error>;
}

/// The most links one path may lead through (Linux allows as many).
pub const MAX_LINKS: usize = 40;

mod inputs;

pub use inputs::Inputs;
