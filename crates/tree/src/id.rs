//! Content ids: what two trees compare instead of contents.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::Kind;

/// The strong id of a file, a link or a folder. Ids of different schemes are never equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContentId {
    /// A git object id (SHA-1 with collision detection): blob or tree.
    Git([u8; 20]),
    /// SHA-256 of the content, for trees that do not come from git.
    Sha256([u8; 32]),
}

/// The id of a file whose content was proven to be in the store of the tree that gave it: the content was read, or the
/// store was asked whether it holds it.
///
/// A [`ContentId`] is only a name. Whoever writes a git tree can name any object in it, also one of a repository he
/// cannot read. So what is shared between trees under the ids of contents takes this type as its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PresentId(ContentId);

impl PresentId {
    /// The id of a content that the caller has just read, or has just found in the store it reads from. Only for
    /// implementations of [`crate::Tree`]; a test of the workspace lists the files that may call it.
    #[must_use]
    pub fn of_proven(id: ContentId) -> Self {
        Self(id)
    }

    /// The id, without the proof.
    #[must_use]
    pub fn id(&self) -> ContentId {
        self.0
    }
}

impl ContentId {
    /// The SHA-256 id of a file with this content, or of a link with this text.
    #[must_use]
    pub fn of_content(content: &[u8]) -> Self {
        Self::Sha256(Sha256::digest(content).into())
    }

    /// The SHA-256 id of several parts under a name for what they mean. Other parts, another order, or another
    /// `meaning` give another id.
    #[must_use]
    pub fn of_parts<'a>(meaning: &str, parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        add(meaning.as_bytes());
        parts.into_iter().for_each(add);
        Self::Sha256(hash.finalize().into())
    }

    /// The SHA-256 id of a folder with these entries, which are sorted by name.
    #[must_use]
    pub fn of_folder<'a>(entries: impl IntoIterator<Item = (&'a str, Kind, ContentId)>) -> Self {
        let lines: Vec<Vec<u8>> = entries
            .into_iter()
            .map(|(name, kind, id)| [&[kind.tag(), id.scheme()], id.bytes(), name.as_bytes()].concat())
            .collect();
        Self::of_parts("folder", lines.iter().map(Vec::as_slice))
    }

    /// The id itself, without its scheme.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Git(id) => id,
            Self::Sha256(id) => id,
        }
    }

    /// A byte that tells the schemes apart where ids are hashed or stored.
    pub(crate) fn scheme(&self) -> u8 {
        match self {
            Self::Git(_) => 1,
            Self::Sha256(_) => 2,
        }
    }
}

impl Kind {
    /// A byte that tells the kinds apart where they are hashed or stored; the numbers never change.
    pub(crate) fn tag(self) -> u8 {
        match self {
            Self::File => 1,
            Self::Folder => 2,
            Self::Link => 3,
            Self::Submodule => 4,
            Self::Other => 5,
        }
    }

    /// The kind of a [`Kind::tag`].
    pub(crate) fn of_tag(tag: u8) -> Option<Self> {
        [Self::File, Self::Folder, Self::Link, Self::Submodule, Self::Other]
            .into_iter()
            .find(|kind| kind.tag() == tag)
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
