//! Content ids: what two trees compare instead of contents.

use std::fmt;

/// The strong id of a file, a link or a folder. Ids of different schemes are never equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContentId {
    /// A git object id (SHA-1 with collision detection): blob or tree.
    Git([u8; 20]),
    /// SHA-256 of the content, for trees that do not come from git.
    Sha256([u8; 32]),
}

impl ContentId {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Git(id) => id,
            Self::Sha256(id) => id,
        }
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
