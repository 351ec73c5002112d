//! What the sources are told at the start.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Parts;
use crate::git::{Limits, Progress};

/// Settings of [`super::Sources`]. [`Settings::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where fetched objects are kept.
    pub data_dir: PathBuf,
    /// What they may take together, in bytes; more is evicted, least recently used first, but nothing in use.
    pub data_max_bytes: u64,
    /// How long a listing of a remote answers for it.
    pub revision_cache_expiration: Duration,
    /// Whether repositories and folders of this machine may be read.
    pub allow_local: bool,
    /// Patterns of remotes that may be contacted (gobwas, no separators); none allows all.
    pub allow_repos: Vec<String>,
    /// Where the parts may come from that kustomizations name elsewhere.
    pub parts: Parts,
    /// The credentials file.
    pub credentials_file: Option<PathBuf>,
    /// Files of `known_hosts` lines; those that do not exist are left out.
    pub known_hosts_files: Vec<PathBuf>,
    /// How many commits of history are looked at for an abbreviated commit id, and for a commit that the remote does
    /// not give by its id.
    pub max_history: u32,
    /// Conversations with one remote at a time.
    pub per_remote: usize,
    /// Limits of one conversation.
    pub limits: Limits,
    /// Where the progress of fetches is shown, if anywhere.
    pub progress: Option<Arc<dyn Progress>>,
}

impl Settings {
    /// The defaults, with the data in `data_dir`.
    #[must_use]
    pub fn new(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            // A few hundred repositories of ordinary size at depth 1.
            data_max_bytes: 20 << 30,
            // Argo CD's default interval of asking a repository.
            revision_cache_expiration: Duration::from_secs(180),
            allow_local: false,
            allow_repos: Vec::new(),
            parts: Parts::default(),
            credentials_file: None,
            known_hosts_files: Vec::new(),
            // Some years of a busy repository.
            max_history: 10_000,
            // What public hosts allow one client without slowing it down.
            per_remote: 4,
            limits: Limits::default(),
            progress: None,
        }
    }
}
