//! Settings: flags, their environment twins and a file, read once, checked once, all mistakes reported together.
//! Nothing else reads the environment.

mod check;
mod defaults;
mod file;
mod flags;
mod memory;
mod units;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use check::{Environment, Mistakes};
pub use flags::{FLAGS, Flag, Given, Group, Kind, Values, args, repository_args, values};
pub use memory::MemoryPlan;
pub(crate) use units::duration;

use helm::HelmVersion;
use kustomize::KustomizeVersion;
use tracing_subscriber::filter::Targets;

use crate::credentials::Secret;
use crate::render::{Engine, Isolation};
use crate::telemetry::Format;

/// Everything that can be set, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Listening and answering.
    pub server: ServerSettings,
    /// Reaching and keeping repositories.
    pub repositories: RepositorySettings,
    /// Keeping results.
    pub cache: CacheSettings,
    /// Rendering.
    pub rendering: RenderingSettings,
    /// Logs.
    pub logs: LogSettings,
}

/// Listening and answering.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Where gRPC is served.
    pub listen: SocketAddr,
    /// Where metrics and health are served over http, if at all.
    pub metrics_listen: Option<SocketAddr>,
    /// TLS for gRPC; `None` is plaintext.
    pub tls: Option<TlsSettings>,
    /// The token calls must bear, if any.
    pub token: Option<Secret>,
    /// Whether gRPC reflection is offered.
    pub reflection: bool,
    /// How long calls may take to finish once the server is told to stop.
    pub drain_time: Duration,
    /// The largest message in bytes, received or sent.
    pub max_message_bytes: usize,
    /// Calls at once on one connection.
    pub max_streams: u32,
    /// Connections at once.
    pub max_connections: usize,
    /// Connections at once from one IP address.
    pub max_connections_per_peer: usize,
    /// Bytes of memory of all requests together.
    pub request_memory_bytes: u64,
    /// Bytes of all replies being sent together.
    pub reply_memory_bytes: u64,
}

/// TLS of the gRPC listener, the content of the files.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// Certificate chain, PEM.
    pub certificate: String,
    /// Private key, PEM.
    pub key: Secret,
    /// Authorities clients must have a certificate of, PEM; `None` serves every client.
    pub client_ca: Option<String>,
}

/// Reaching and keeping repositories.
#[derive(Clone, Debug)]
pub struct RepositorySettings {
    /// Where fetched repositories are kept.
    pub data_dir: PathBuf,
    /// How many bytes of them.
    pub data_max_bytes: u64,
    /// How long a listing of refs is trusted.
    pub revision_cache_expiration: Duration,
    /// How long one fetch may take.
    pub fetch_timeout: Duration,
    /// Commits of history fetched to find a short id.
    pub max_history: u32,
    /// The credentials file, if there is one.
    pub credentials_file: Option<PathBuf>,
    /// Files of known host keys: the one that was named, else the user's own and the system's.
    pub known_hosts: Vec<PathBuf>,
    /// Globs of allowed URLs; empty allows all.
    pub allow_repo: Vec<String>,
    /// Whether file:// URLs and local paths are allowed in requests.
    pub allow_file: bool,
    /// Whether what kustomizations name elsewhere is fetched.
    pub kustomize_remotes: bool,
    /// Globs of the hosts it may be on, besides the request's own.
    pub kustomize_remote_hosts: Vec<String>,
}

/// Keeping results.
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// Bytes of results in memory.
    pub max_bytes: u64,
    /// How long a result is kept.
    pub expiration: Duration,
    /// How long an error is kept.
    pub error_expiration: Duration,
}

/// Rendering.
#[derive(Clone, Debug)]
pub struct RenderingSettings {
    /// Renders at once, and workers.
    pub parallelism: usize,
    /// Renders more, for repositories that would wait for the long renders of others.
    pub extra_parallelism: usize,
    /// Where they run.
    pub isolation: Isolation,
    /// Bytes one worker may use, beside its stack.
    pub worker_memory_bytes: u64,
    /// How memory is divided between this process and workers; `None` where there are none.
    pub memory_plan: Option<MemoryPlan>,
    /// Memory for all of them together.
    pub memory_bytes: u64,
    /// How long one may take.
    pub timeout: Duration,
    /// What renders charts.
    pub helm_engine: Engine,
    /// The version of helm that the native engine is equal to.
    pub helm_version: HelmVersion,
    /// What builds kustomizations.
    pub kustomize_engine: Engine,
    /// The version of kustomize that the native engine is equal to.
    pub kustomize_version: KustomizeVersion,
    /// The secret that seeds of functions of chance are made with; `None` draws one.
    pub seed_key: Option<Secret>,
    /// The helm program, a name or a path.
    pub helm_program: PathBuf,
    /// The kustomize program, a name or a path.
    pub kustomize_program: PathBuf,
    /// Where programs are looked for: `PATH`.
    pub search: OsString,
}

/// Logs.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// A level, or levels per module.
    pub levels: Targets,
    /// How they look.
    pub format: Format,
    /// Whether colours are wanted on a terminal.
    pub colours: bool,
}
