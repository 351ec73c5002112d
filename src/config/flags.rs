//! The table of settings: one row is a flag, its environment twin and its line in the settings file.

use std::collections::BTreeMap;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches};

use super::defaults;

/// One setting.
pub struct Flag {
    /// The name in the settings file; the flag is `--name`.
    pub name: &'static str,
    /// The environment twin: `MANIFESTD_NAME`.
    pub env: &'static str,
    /// What stands for the value in the help.
    pub value: &'static str,
    /// How often it may be given.
    pub kind: Kind,
    /// What holds where nobody says otherwise.
    pub default: Option<&'static str>,
    /// The heading in the help, and with it which commands have the flag.
    pub group: Group,
    /// What it does, one or two sentences.
    pub help: &'static str,
}

/// How often a setting may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Once.
    One,
    /// Any number of times; in the environment separated by spaces.
    Many,
    /// On or off; the bare flag is on.
    Switch,
}

/// What a setting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Listening and answering: `serve` alone.
    Server,
    /// Keeping results: `serve` alone.
    Cache,
    /// Reaching and keeping repositories: every command.
    Repositories,
    /// Who may be asked for what: `serve` alone.
    Policy,
    /// Rendering: every command.
    Rendering,
    /// Logs: every command.
    Logs,
}

impl Group {
    /// Whether commands other than `serve` have its flags too.
    #[must_use]
    pub fn is_local(self) -> bool {
        matches!(self, Self::Repositories | Self::Rendering | Self::Logs)
    }

    fn heading(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Cache => "Cache",
            Self::Repositories => "Repositories",
            Self::Policy => "Policy",
            Self::Rendering => "Rendering",
            Self::Logs => "Logs",
        }
    }
}

/// What was given for one setting, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The values, one unless the setting is [`Kind::Many`].
    pub values: Vec<String>,
    /// Where it was said, in the words of a mistake: `--listen`, `MANIFESTD_LISTEN`.
    pub from: String,
    /// Nobody said it: it is the default.
    pub is_default: bool,
}

/// Everything that was given, by the name of the setting.
pub type Values = BTreeMap<&'static str, Given>;

macro_rules! flag {
    ($group:ident, $kind:ident, $name:literal, $env:literal, $value:literal, $default:expr, $help:literal) => {
        Flag {
            name: $name,
            env: $env,
            value: $value,
            kind: Kind::$kind,
            default: $default,
            group: Group::$group,
            help: $help,
        }
    };
}

/// Every setting.
#[rustfmt::skip]
pub const FLAGS: &[Flag] = &[
    flag!(Server, One, "listen", "MANIFESTD_LISTEN", "ADDRESS", Some(defaults::LISTEN),
        "Where to listen for gRPC: an IP address and a port"),
    flag!(Server, One, "metrics-listen", "MANIFESTD_METRICS_LISTEN", "ADDRESS", Some(defaults::METRICS_LISTEN),
        "Where to serve /metrics, /healthz and /readyz over http; `off` serves none"),
    flag!(Server, One, "tls-certificate", "MANIFESTD_TLS_CERTIFICATE", "FILE", None,
        "Certificate chain of the server (PEM); needs --tls-key. Without it gRPC is not encrypted"),
    flag!(Server, One, "tls-key", "MANIFESTD_TLS_KEY", "FILE", None,
        "Private key of the server's certificate (PEM)"),
    flag!(Server, One, "client-ca", "MANIFESTD_CLIENT_CA", "FILE", None,
        "Serve only clients with a certificate of these authorities (PEM); needs --tls-certificate"),
    flag!(Server, One, "token-file", "MANIFESTD_TOKEN_FILE", "FILE", None,
        "Serve only calls with `authorization: Bearer <token>`, the token being the content of this file. \
         Health checks need none"),
    flag!(Server, Switch, "reflection", "MANIFESTD_REFLECTION", "true|false", Some("false"),
        "Offer gRPC reflection, so that tools such as grpcurl find the API"),
    flag!(Server, One, "drain-time", "MANIFESTD_DRAIN_TIME", "TIME", Some(defaults::DRAIN_TIME),
        "How long calls may take to finish after SIGTERM"),
    flag!(Server, One, "max-message-bytes", "MANIFESTD_MAX_MESSAGE_BYTES", "SIZE", Some(defaults::MAX_MESSAGE_BYTES),
        "Largest gRPC message, received or sent; larger results need RenderStream"),
    flag!(Server, One, "max-streams", "MANIFESTD_MAX_STREAMS", "NUMBER", Some(defaults::MAX_STREAMS),
        "Calls at once on one connection; further ones wait in the client"),
    flag!(Server, One, "max-connections", "MANIFESTD_MAX_CONNECTIONS", "NUMBER", Some(defaults::MAX_CONNECTIONS),
        "Connections at once; another one takes the place of the one that is idle the longest"),
    flag!(Server, One, "max-connections-per-peer", "MANIFESTD_MAX_CONNECTIONS_PER_PEER", "NUMBER",
        Some(defaults::MAX_CONNECTIONS_PER_PEER),
        "The same for one IP address"),
    flag!(Server, One, "request-memory-bytes", "MANIFESTD_REQUEST_MEMORY_BYTES", "SIZE",
        Some(defaults::REQUEST_MEMORY_BYTES),
        "Memory of all requests together while they are received and answered; further ones are refused. At least two          and a half times --max-message-bytes"),
    flag!(Server, One, "reply-memory-bytes", "MANIFESTD_REPLY_MEMORY_BYTES", "SIZE", Some(defaults::REPLY_MEMORY_BYTES),
        "Bytes of all replies being sent together; further ones wait"),
    flag!(Server, One, "memory-budget", "MANIFESTD_MEMORY_BUDGET", "SIZE", None,
        "Memory for this process and all workers together: it decides how many workers there may be \
         [default: three quarters of what the machine or the container has]"),

    flag!(Policy, Many, "allow-repo", "MANIFESTD_ALLOW_REPO", "GLOB", None,
        "Only repositories whose URL matches one of these globs, such as `https://github.com/my-org/**`; \
         may be given several times (in the environment separated by spaces). Without it every repository is allowed"),
    flag!(Policy, Switch, "allow-file", "MANIFESTD_ALLOW_FILE", "true|false", Some("false"),
        "Allow file:// URLs and local paths of this machine in requests"),

    flag!(Cache, One, "cache-max-bytes", "MANIFESTD_CACHE_MAX_BYTES", "SIZE", Some(defaults::CACHE_MAX_BYTES),
        "Bytes of rendered results to keep in memory"),
    flag!(Cache, One, "cache-expiration", "MANIFESTD_CACHE_EXPIRATION", "TIME", Some(defaults::CACHE_EXPIRATION),
        "How long a rendered result is kept"),
    flag!(Cache, One, "error-cache-expiration", "MANIFESTD_ERROR_CACHE_EXPIRATION", "TIME",
        Some(defaults::ERROR_CACHE_EXPIRATION),
        "How long an error that follows from the files alone is kept"),

    flag!(Repositories, One, "data-dir", "MANIFESTD_DATA_DIR", "FOLDER", None,
        "Where fetched repositories are kept [default: manifestd in XDG_CACHE_HOME or ~/.cache]"),
    flag!(Repositories, One, "data-max-bytes", "MANIFESTD_DATA_MAX_BYTES", "SIZE", Some(defaults::DATA_MAX_BYTES),
        "Bytes of fetched repositories to keep; the least recently used go first"),
    flag!(Repositories, One, "revision-cache-expiration", "MANIFESTD_REVISION_CACHE_EXPIRATION", "TIME",
        Some(defaults::REVISION_CACHE_EXPIRATION),
        "How long a listing of branches and tags is trusted"),
    flag!(Repositories, One, "fetch-timeout", "MANIFESTD_FETCH_TIMEOUT", "TIME", Some(defaults::FETCH_TIMEOUT),
        "How long one fetch may take"),
    flag!(Repositories, One, "max-history", "MANIFESTD_MAX_HISTORY", "COMMITS", Some(defaults::MAX_HISTORY),
        "How many commits of history are fetched to find a short commit id that no branch or tag has"),
    flag!(Repositories, One, "credentials-file", "MANIFESTD_CREDENTIALS_FILE", "FILE", None,
        "Credentials of repositories, by URL prefix (YAML; see the README)"),
    flag!(Repositories, One, "known-hosts", "MANIFESTD_KNOWN_HOSTS", "FILE", None,
        "Host keys of ssh servers, in known_hosts format [default: ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts]"),

    flag!(Repositories, One, "kustomize-remotes", "MANIFESTD_KUSTOMIZE_REMOTES", "on|off", Some(defaults::KUSTOMIZE_REMOTES),
        "Whether to fetch the repositories and files of the web that kustomizations name"),
    flag!(Repositories, Many, "kustomize-remote-host", "MANIFESTD_KUSTOMIZE_REMOTE_HOST", "GLOB",
        Some(defaults::KUSTOMIZE_REMOTE_HOSTS),
        "Hosts they may be on, besides those of the request's own sources; a port that is not the usual one belongs to \
         the name. May be given several times (in the environment separated by spaces). Only repositories of \
         --allow-repo, here as well"),

    flag!(Rendering, One, "parallelism-limit", "MANIFESTD_PARALLELISM_LIMIT", "NUMBER", None,
        "Renders at once [default: the number of cores]"),
    flag!(Rendering, One, "render-memory-bytes", "MANIFESTD_RENDER_MEMORY_BYTES", "SIZE",
        Some(defaults::RENDER_MEMORY_BYTES),
        "Memory for all renders together, reserved by the size of their inputs"),
    flag!(Rendering, One, "isolation", "MANIFESTD_ISOLATION", "process|none", Some(defaults::ISOLATION),
        "Where renders run: process (workers of this program's own, with limits and without files or network) or none \
         (this process; only Jsonnet programs have a worker)"),
    flag!(Rendering, One, "worker-memory-bytes", "MANIFESTD_WORKER_MEMORY_BYTES", "SIZE",
        Some(defaults::WORKER_MEMORY_BYTES),
        "Memory one worker may use, beside its stack; a render that needs more fails with RESOURCE_EXHAUSTED"),
    flag!(Rendering, One, "render-timeout", "MANIFESTD_RENDER_TIMEOUT", "TIME", Some(defaults::RENDER_TIMEOUT),
        "How long one render may take"),
    flag!(Rendering, One, "helm-engine", "MANIFESTD_HELM_ENGINE", "ENGINE", Some(defaults::HELM_ENGINE),
        "What renders charts: native (this process) or exec (the helm program)"),
    flag!(Rendering, One, "helm-version", "MANIFESTD_HELM_VERSION", "VERSION", Some(defaults::HELM_VERSION),
        "The version of helm that the native engine is equal to: 4.3.2, 4.3.1, 4.2.4, 4.2.1 or 3.21.4; a request may choose another"),
    flag!(Rendering, One, "kustomize-engine", "MANIFESTD_KUSTOMIZE_ENGINE", "ENGINE",
        Some(defaults::KUSTOMIZE_ENGINE),
        "What builds kustomizations: native (this process) or exec (the kustomize program)"),
    flag!(Rendering, One, "kustomize-version", "MANIFESTD_KUSTOMIZE_VERSION", "VERSION",
        Some(defaults::KUSTOMIZE_VERSION),
        "The version of kustomize that the native engine is equal to: 5.8.3 or 5.8.1; a request may choose another"),
    flag!(Rendering, One, "seed-key-file", "MANIFESTD_SEED_KEY_FILE", "FILE", None,
        "A secret that servers share, so that functions of chance such as randAlphaNum yield the same in each [default: \
         drawn at the start]"),
    flag!(Rendering, One, "helm-program", "MANIFESTD_HELM_PROGRAM", "PROGRAM", Some(defaults::HELM_PROGRAM),
        "The helm program: a name looked for in PATH, or a path"),
    flag!(Rendering, One, "kustomize-program", "MANIFESTD_KUSTOMIZE_PROGRAM", "PROGRAM",
        Some(defaults::KUSTOMIZE_PROGRAM),
        "The kustomize program: a name looked for in PATH, or a path"),

    flag!(Logs, One, "log-level", "MANIFESTD_LOG_LEVEL", "LEVEL", Some(defaults::LOG_LEVEL),
        "error, warn, info, debug or trace; also per module, such as `warn,manifestd::git=debug`"),
    flag!(Logs, One, "log-format", "MANIFESTD_LOG_FORMAT", "FORMAT", Some(defaults::LOG_FORMAT),
        "text, json, or auto: text on a terminal, else json"),
    flag!(Logs, One, "config", "MANIFESTD_CONFIG", "FILE", None,
        "Settings as YAML, `name: value` with the names of these flags. Flags win over the environment, the environment \
         over this file"),
];

/// The flags of one command as clap's arguments.
pub fn args(local: bool) -> impl Iterator<Item = Arg> {
    FLAGS.iter().filter(move |flag| !local || flag.group.is_local()).map(move |flag| arg(flag, local))
}

/// The flags about reaching and keeping repositories, for a command that has no others.
pub fn repository_args() -> impl Iterator<Item = Arg> {
    FLAGS.iter().filter(|flag| flag.group == Group::Repositories).map(|flag| arg(flag, true))
}

/// What clap found for the settings of this command.
#[must_use]
pub fn values(matches: &ArgMatches) -> Values {
    FLAGS.iter().filter_map(|flag| Some((flag.name, given(flag, matches)?))).collect()
}

fn arg(flag: &Flag, local: bool) -> Arg {
    let arg = Arg::new(flag.name)
        .long(flag.name)
        .env(flag.env)
        .value_name(flag.value)
        .help(flag.help)
        .help_heading(flag.group.heading())
        .hide_env_values(true);
    // Who runs a command sees what it does; who runs a server reads about it.
    let default = match flag.name {
        "log-level" if local => Some(defaults::LOCAL_LOG_LEVEL),
        "isolation" if local => Some(defaults::LOCAL_ISOLATION),
        "kustomize-remote-host" if local => Some(defaults::LOCAL_KUSTOMIZE_REMOTE_HOSTS),
        _ => flag.default,
    };
    let arg = if let Some(default) = default { arg.default_value(default) } else { arg };
    match flag.kind {
        Kind::One => arg,
        Kind::Many => arg.action(clap::ArgAction::Append),
        Kind::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
    }
}

fn given(flag: &Flag, matches: &ArgMatches) -> Option<Given> {
    let values = matches.try_get_many::<String>(flag.name).ok().flatten()?.cloned().collect();
    let source = matches.value_source(flag.name);
    let from = match source {
        Some(ValueSource::EnvVariable) => flag.env.to_owned(),
        _ => format!("--{}", flag.name),
    };
    Some(Given { values, from, is_default: source == Some(ValueSource::DefaultValue) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_flag_has_its_environment_twin_and_its_own_name() {
        for flag in FLAGS {
            let twin = format!("MANIFESTD_{}", flag.name.to_uppercase().replace('-', "_"));
            assert_eq!(flag.env, twin, "--{}", flag.name);
        }
        let names: BTreeSet<_> = FLAGS.iter().map(|flag| flag.name).collect();
        assert_eq!(names.len(), FLAGS.len());
    }
}
