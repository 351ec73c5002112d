//! What one render is given: a tree to read, options, budgets and a flag that says stop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tree::{Tree, TreePath};

use super::kustomize::Remotes;
use crate::error::{Error, Kind, Result};
use crate::request::Renderer;

/// One source to render. The trees are already recording. Cheap to clone; clones record to the same place.
#[derive(Clone)]
pub struct Job {
    /// The repository, or what else the source comes from.
    pub tree: Arc<dyn Tree>,
    /// The folder to render.
    pub path: TreePath,
    /// The files other sources lend, by ref name (without `$`).
    pub lent: BTreeMap<String, Lent>,
    /// Where in the tree the parts are mounted that lie elsewhere.
    pub remotes: Arc<Remotes>,
    /// What to render with.
    pub renderer: Renderer,
    /// The application's name; may be empty.
    pub name: String,
    /// The namespace; may be empty.
    pub namespace: String,
    /// The Kubernetes version, as asked for; looked at with [`Job::look_at_kube_version`].
    pub kube_version: Option<String>,
    /// The API versions, sorted, each once; looked at with [`Job::look_at_api_versions`].
    pub api_versions: Vec<String>,
    /// Where uses of inputs other than files are recorded.
    pub inputs: Arc<tree::Inputs>,
    /// What stands for chance and time.
    pub chance: Chance,
    /// What the render may use up.
    pub budgets: Budgets,
    /// Raised when nobody waits any more, or time is up.
    pub stop: Stop,
}

impl Job {
    /// The input fact that says the Kubernetes version was looked at.
    pub const KUBE_VERSION: &'static str = "kube version";
    /// The input fact that says the API versions were looked at.
    pub const API_VERSIONS: &'static str = "API versions";
    /// What the input facts begin with that say one API version was asked about.
    const API_VERSION: &'static str = "API version ";

    /// The Kubernetes version; that it was looked at is recorded.
    #[must_use]
    pub fn look_at_kube_version(&self) -> Option<&str> {
        let version = self.kube_version.as_deref();
        self.inputs.note(Self::KUBE_VERSION, Self::kube_version_value(version));
        version
    }

    /// The API versions; that they were looked at is recorded.
    #[must_use]
    pub fn look_at_api_versions(&self) -> &[String] {
        self.inputs.note(Self::API_VERSIONS, Self::api_versions_value(&self.api_versions));
        &self.api_versions
    }

    /// Records that it was asked whether there is this one API version.
    pub fn asked_about_api_version(&self, version: &str) {
        let name = format!("{}{version}", Self::API_VERSION);
        self.inputs.note(&name, Self::api_version_value(&self.api_versions, version));
    }

    /// The API version that an input fact of one is about.
    #[must_use]
    pub fn api_version_of(name: &str) -> Option<&str> {
        name.strip_prefix(Self::API_VERSION)
    }

    /// The value of the fact about one API version: whether it is among `versions`, which are sorted.
    #[must_use]
    pub fn api_version_value(versions: &[String], version: &str) -> Vec<u8> {
        let there = versions.binary_search_by(|other| other.as_str().cmp(version)).is_ok();
        vec![u8::from(there)]
    }

    /// The value of [`Job::KUBE_VERSION`] as a fact holds it; none is not empty.
    #[must_use]
    pub fn kube_version_value(version: Option<&str>) -> Vec<u8> {
        version.map_or_else(Vec::new, |version| format!("={version}").into_bytes())
    }

    /// The value of [`Job::API_VERSIONS`] as a fact holds it, of versions that are sorted, each once.
    #[must_use]
    pub fn api_versions_value(versions: &[String]) -> Vec<u8> {
        // Lengths, lest two versions and one with a separator in it look the same.
        let one = |version: &String| [&version.len().to_be_bytes(), version.as_bytes()].concat();
        versions.iter().flat_map(one).collect()
    }
}

/// A source that lends its files.
#[derive(Clone)]
pub struct Lent {
    /// Its tree.
    pub tree: Arc<dyn Tree>,
}

/// What stands for chance and time, so that a render can be repeated. Engines warn of results that depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chance {
    /// A digest of what is rendered, without what is recorded as facts: seeds are derived from it.
    pub of: [u8; 32],
    /// Seconds since 1970.
    pub now: i64,
}

/// What one render may use up.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Budgets {
    /// Wall clock of one render.
    pub time: Duration,
    /// Bytes of all manifest files of a directory source together.
    pub directory_bytes: u64,
    /// Bytes of the rendered manifests together.
    pub output_bytes: u64,
    /// Bytes of an exported chart or kustomization (`exec`).
    pub export_bytes: u64,
    /// Data size (`RLIMIT_DATA`) of a program (`exec`).
    pub program_bytes: u64,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            // Twice what the slowest chart of the public corpus takes with the helm program on a busy machine.
            time: Duration::from_secs(60),
            // Argo CD's stock limit is 10 MiB; ours leaves room for generated CRD folders.
            directory_bytes: 64 << 20,
            // The gRPC message limit: more could not be sent in one answer, and hardly ever is meant.
            output_bytes: 100 << 20,
            export_bytes: 256 << 20,
            program_bytes: 2 << 30,
        }
    }
}

/// Says when to give up: a flag others raise, and a deadline. Cheap to clone; looked at inside loops.
#[derive(Clone, Debug)]
pub struct Stop {
    raised: Arc<AtomicBool>,
    deadline: Instant,
}

impl Stop {
    /// Stops after `time` at the latest.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self { raised: Arc::new(AtomicBool::new(false)), deadline: Instant::now() + time }
    }

    /// The same flag with another deadline: `time` from now. Waiting for a permit is not part of a render's time.
    #[must_use]
    pub fn within(&self, time: Duration) -> Self {
        Self { raised: Arc::clone(&self.raised), deadline: Instant::now() + time }
    }

    /// Stops everything that looks at this flag.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for libraries that take one.
    #[must_use]
    pub fn flag(&self) -> &AtomicBool {
        &self.raised
    }

    /// The time left until the deadline.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Fails once the flag is raised or the deadline has passed.
    ///
    /// # Errors
    /// [`Kind::Cancelled`] or [`Kind::Deadline`].
    pub fn check(&self) -> Result<()> {
        if self.raised.load(Ordering::Relaxed) {
            return Err(Error::new(Kind::Cancelled, "rendering was stopped: nobody waits for it any more"));
        }
        if Instant::now() >= self.deadline {
            return Err(Error::new(Kind::Deadline, "rendering took longer than its time limit"));
        }
        Ok(())
    }
}
