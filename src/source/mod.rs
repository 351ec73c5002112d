//! From a name to something pinned to a tree: `Origin → Pinned → Tree`.

use std::sync::Arc;

use crate::credentials::Credential;

/// A source whose revision is settled: the same `Pinned` always opens the same tree.
#[derive(Clone, Debug)]
pub struct Pinned {
    /// What it is, in normal form: the remote's normal URL, or the digest of a local folder. No secrets. In the key.
    pub identity: Arc<str>,
    /// The full commit id in hex, or the folder's digest. In the key; the revision of the answer.
    pub revision: Arc<str>,
    /// Who asks: the scope of the credential whose own listing of the remote succeeded. In the key.
    pub scope: Scope,
    /// How to open it; only `source` looks inside.
    pub(crate) access: Access,
}

/// An HMAC of a credential under the server's key: equal for equal credentials, tells nothing about them.
/// Anonymous is a scope like any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(pub [u8; 32]);

/// What is needed to open a pinned source.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    /// A commit of a remote.
    Git {
        /// The URL as given.
        url: Arc<str>,
        /// What the remote is opened with.
        credential: Arc<Credential>,
    },
    /// A folder as it is now.
    Folder(std::path::PathBuf),
}
