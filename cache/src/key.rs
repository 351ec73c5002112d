//! What an entry is found by: the kind of thing it holds and a strong digest of everything it depends on.

use std::fmt;

/// What an entry holds. The numbers are part of the entry's outer form and are never given to another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// What a request came to: the name of a body, or an error. One look finds either.
    Answer = 1,
    /// Encoded manifests, found by their own digest, so that equal results are held once.
    Body = 2,
    /// The facts earlier results of a request depended on.
    Facts = 3,
    /// The refs a remote listed.
    Refs = 4,
}

impl Kind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Answer, Self::Body, Self::Facts, Self::Refs];

    /// The name for metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Body => "body",
            Self::Facts => "facts",
            Self::Refs => "refs",
        }
    }

    pub(crate) fn position(self) -> usize {
        usize::from(self as u8) - 1
    }
}

/// The key of one entry. Two kinds never share an entry, even under the same digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    kind: Kind,
    digest: [u8; 32],
}

impl Key {
    /// The key of the `kind` that depends on exactly what went into `digest`.
    #[must_use]
    pub fn new(kind: Kind, digest: [u8; 32]) -> Self {
        Self { kind, digest }
    }

    /// What the entry holds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The digest of what the entry depends on.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind.name())?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
