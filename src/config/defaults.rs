//! What holds where nobody says otherwise, in the words of the flags, each with the reason for its number.

/// The service is reachable from this machine only: who opens it up decides about TLS and a token too.
pub(super) const LISTEN: &str = "127.0.0.1:8081";

/// Metrics name no repository and no secret, but who may see them is not ours to decide.
pub(super) const METRICS_LISTEN: &str = "127.0.0.1:8084";

/// Under the 30 seconds Kubernetes gives a pod between SIGTERM and SIGKILL.
pub(super) const DRAIN_TIME: &str = "25s";

/// About 400 stores of a repository the size of Kubernetes' own at depth 1; a quarter of a common node disk.
pub(super) const DATA_MAX_BYTES: &str = "20GiB";

/// How long Argo CD trusts a listing of refs; also how long a scope stays proven.
pub(super) const REVISION_CACHE_EXPIRATION: &str = "3m";

/// How long Argo CD keeps manifests. An entry never becomes wrong: this bounds only how long it is kept for nothing.
pub(super) const CACHE_EXPIRATION: &str = "24h";

/// Long enough to spare a failing application's every retry, short enough to wait for after a fix elsewhere.
pub(super) const ERROR_CACHE_EXPIRATION: &str = "1m";

/// 1,000 applications of 100 kB, and the process stays under 300 MB.
pub(super) const CACHE_MAX_BYTES: &str = "128MiB";

/// Four charts of the largest public size at once; reserved by input size, so small ones hardly count.
pub(super) const RENDER_MEMORY_BYTES: &str = "1GiB";

/// Requests come from strangers, whose files must not take the service with them.
pub(super) const ISOLATION: &str = "process";

/// Whoever runs a command chose the files himself, and starting workers would cost it more than they save.
pub(super) const LOCAL_ISOLATION: &str = "none";

/// Three times what the largest public charts and Jsonnet programs need.
pub(super) const WORKER_MEMORY_BYTES: &str = "768MiB";

/// Twice what the slowest chart of the public corpus takes with the helm program on a busy machine.
pub(super) const RENDER_TIMEOUT: &str = "60s";

/// A repository of 1 GB over a line of 100 Mbit/s.
pub(super) const FETCH_TIMEOUT: &str = "120s";

/// Commits to look through for a short id: some years of a busy repository.
pub(super) const MAX_HISTORY: &str = "10000";

/// Argo CD's limit, so that what it accepts is accepted here.
pub(super) const MAX_MESSAGE_BYTES: &str = "100MiB";

/// Replies being sent to slow readers: five of the largest, or ten thousand common ones.
pub(super) const REPLY_MEMORY_BYTES: &str = "512MiB";

/// Requests being received and answered: one of the largest, which is held three times while it is decoded, beside
/// thousands of usual ones.
pub(super) const REQUEST_MEMORY_BYTES: &str = "512MiB";

/// Three controllers with all their workers, several times over; a connection takes 100 kB.
pub(super) const MAX_CONNECTIONS: &str = "1024";

/// Behind a mesh or a proxy all clients are one peer; elsewhere no client has more than a few.
pub(super) const MAX_CONNECTIONS_PER_PEER: &str = "256";

/// Calls at once on one connection: five times Argo CD's default number of status and operation workers.
pub(super) const MAX_STREAMS: &str = "250";

/// Argo CD fetches what kustomizations name, and public kustomizations count on it.
pub(super) const KUSTOMIZE_REMOTES: &str = "on";

/// The public hosts that nearly all remote bases are on: none of them leads into the operator's own network, so what a
/// repository names there tells its authors nothing that they could not read themselves.
pub(super) const KUSTOMIZE_REMOTE_HOSTS: &str = "github.com *.githubusercontent.com gitlab.com bitbucket.org";

/// Whoever runs a command could fetch it himself.
pub(super) const LOCAL_KUSTOMIZE_REMOTE_HOSTS: &str = "*";

/// In this process: no program is needed, and it is many times as fast.
pub(super) const HELM_ENGINE: &str = "native";

/// In this process, for the same reasons.
pub(super) const KUSTOMIZE_ENGINE: &str = "native";

/// The newest version there is.
pub(super) const HELM_VERSION: &str = "4.3.2";

/// The newest version there is.
pub(super) const KUSTOMIZE_VERSION: &str = "5.8.3";

/// Looked for in `PATH` at the start.
pub(super) const HELM_PROGRAM: &str = "helm";

/// Looked for in `PATH` at the start.
pub(super) const KUSTOMIZE_PROGRAM: &str = "kustomize";

/// What an operator wants to know; one line per call.
pub(super) const LOG_LEVEL: &str = "info";

/// What a user of a command must know, in our own words: what libraries log is no part of what a command says.
pub(super) const LOCAL_LOG_LEVEL: &str = "off,manifestd=warn";

/// Text where a person reads, JSON where a machine does.
pub(super) const LOG_FORMAT: &str = "auto";
