//! Read-only, immutable trees of files: the only thing a renderer sees of a repository, an archive or a folder.
//!
//! A [`Tree`] answers for one path at a time and follows no link by itself; [`resolve`](fn@crate::resolve) follows
//! links and never leaves the root. A [`Recorder`] wraps a tree and notes every answer it gave as [`Reads`], which
//! can be checked against another tree: if they hold there, whatever was made of the first would come out the same.
//!
//! ```
//! use std::sync::Arc;
//! use manifestd_tree::{MemoryTree, Recorder, TreePath};
//!
//! let before = MemoryTree::from_files([("app/cm.yaml", "kind: ConfigMap\n"), ("README.md", "hello\n")])?;
//! let recorder = Recorder::new(Arc::new(before));
//! manifestd_tree::read(&recorder, &TreePath::parse("app/cm.yaml").unwrap())?;
//!
//! let after = MemoryTree::from_files([("app/cm.yaml", "kind: ConfigMap\n"), ("README.md", "bye\n")])?;
//! assert_eq!(recorder.reads().check(&after, &|_| None)?, None);
//! # Ok::<(), manifestd_tree::Error>(())
//! ```

pub mod conformance;
mod encode;
mod error;
mod id;
mod inputs;
mod links;
mod memory;
mod names;
mod overlay;
mod path;
mod reads;
mod recorder;
mod subtree;

use std::sync::Arc;

use bytes::Bytes;

pub use encode::DecodeError;
pub use error::Error;
pub use id::{ContentId, PresentId};
pub use inputs::Inputs;
pub use links::{kind_of, list, read, resolve, resolve_within};
pub use memory::{MemoryBuilder, MemoryTree};
pub use names::{name_from_bytes, name_to_bytes};
pub use overlay::{Mount, Overlay};
pub use path::{PathError, TreePath};
pub use reads::{Broken, Fact, Reads};
pub use recorder::Recorder;
pub use subtree::Subtree;

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
    /// Something that exists but cannot be read: a device, a socket.
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
/// No method follows a link, not even in the middle of a path: a path through a link, or through a file, is absent.
/// A submodule has a kind and an id; every other question about it, and any about a path inside, is
/// [`Error::Elsewhere`]. Every failure to read is an error and never looks like an absence.
pub trait Tree: Send + Sync {
    /// What stands at `path`, or `None` when nothing does. The root is a [`Kind::Folder`].
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error>;

    /// The strong id of what stands at `path`: for a file its content, for a link its text, for a folder everything
    /// beneath. Two equal ids mean equal content; trees that know their ids answer without reading contents.
    ///
    /// It is what the tree says, and proves nothing about what the tree can read: see [`Tree::present_id`].
    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error>;

    /// The id of the file at `path`, once its content is proven to be in this tree's own store; an error when it is
    /// not there, or not a file. What is shared between trees is looked up with this and nothing else.
    ///
    /// Reads the file, unless the tree has a cheaper proof.
    fn present_id(&self, path: &TreePath) -> Result<PresentId, Error> {
        self.read(path)?;
        let id = self.id(path)?.ok_or_else(|| Error::NotFound(path.clone()))?;
        Ok(PresentId::of_proven(id))
    }

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

/// The longest text of a link, in bytes (Linux allows one less in a path).
pub const MAX_LINK_TEXT: usize = 4096;
