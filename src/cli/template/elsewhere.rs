//! Flags of `helm template` that are about a cluster, a registry or a program: those that change nothing for a local
//! chart are accepted, the others are refused with the reason.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches};
use helm::HelmVersion;

use super::helm_text;
use crate::cli::Failure;
use crate::cli::flags::{many, one, switch, text, texts};
use crate::error::{Error, Kind};

const HEADING: &str = "Accepted for helm's sake: without effect on a local chart";

const SWITCHES: [(&str, &str); 21] = [
    ("create-namespace", "Of installing"),
    ("force", "Of installing; deprecated"),
    ("force-replace", "Of installing"),
    ("force-conflicts", "Of installing"),
    ("server-side", "Of installing"),
    ("replace", "Of installing"),
    ("take-ownership", "Of installing"),
    ("atomic", "Of installing; deprecated"),
    ("rollback-on-failure", "Of installing"),
    ("wait-for-jobs", "Of installing"),
    ("disable-openapi-validation", "Of installing"),
    ("skip-crds", "Of installing: CRDs are printed with --include-crds only"),
    ("hide-notes", "Of installing; deprecated"),
    ("render-subchart-notes", "Of installing; deprecated"),
    ("enable-dns", "Names are not looked up: getHostByName gives nothing"),
    ("dependency-update", "Dependencies are not fetched: those that are missing fail"),
    ("devel", "Of charts in repositories"),
    ("insecure-skip-tls-verify", "Of charts in repositories"),
    ("plain-http", "Of charts in repositories"),
    ("pass-credentials", "Of charts in repositories"),
    ("kube-insecure-skip-tls-verify", "Of clusters"),
];

const VALUES: [(&str, &str); 24] = [
    ("description", "Of releases"),
    ("timeout", "Of installing"),
    ("version", "Of charts in repositories"),
    ("keyring", "Of charts in repositories"),
    ("username", "Of charts in repositories"),
    ("password", "Of charts in repositories"),
    ("cert-file", "Of charts in repositories"),
    ("key-file", "Of charts in repositories"),
    ("ca-file", "Of charts in repositories"),
    ("registry-config", "Of charts in repositories"),
    ("repository-cache", "Of charts in repositories"),
    ("repository-config", "Of charts in repositories"),
    ("content-cache", "Of charts in repositories"),
    ("color", "Of other commands"),
    ("colour", "Of other commands"),
    ("burst-limit", "Of clusters"),
    ("qps", "Of clusters"),
    ("kubeconfig", "Of clusters"),
    ("kube-apiserver", "Of clusters"),
    ("kube-as-user", "Of clusters"),
    ("kube-ca-file", "Of clusters"),
    ("kube-context", "Of clusters"),
    ("kube-tls-server-name", "Of clusters"),
    ("kube-token", "Of clusters"),
];

/// What is refused, and why.
const REFUSED: [(&str, &str); 5] = [
    ("post-renderer", "it runs a program, and nothing is ever executed here"),
    ("post-renderer-args", "it is for a program, and nothing is ever executed here"),
    (
        "repo",
        "charts are not fetched from repositories yet; download the chart and give its folder or archive",
    ),
    ("verify", "signatures of charts are not checked yet"),
    ("validate", "it asks a cluster, and none is ever asked here"),
];

/// What helm 4 says of flags that will go.
const DEPRECATED: [(&str, &str); 5] = [
    ("force", "use --force-replace instead"),
    ("atomic", "use --rollback-on-failure instead"),
    ("hide-notes", NO_EFFECT),
    ("render-subchart-notes", NO_EFFECT),
    ("validate", "use '--dry-run=server' instead"),
];

const NO_EFFECT: &str = "this flag has no effect for 'helm template' and will be removed in Helm 5";

/// Keys of labels that releases have for themselves.
const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

pub(super) fn args() -> impl Iterator<Item = Arg> {
    let switches = SWITCHES.into_iter().map(|(name, help)| switch(name, help));
    let values = VALUES.into_iter().map(|(name, help)| many(name, "VALUE", help));
    let refused = REFUSED.into_iter().filter(|(name, _)| !matches!(*name, "verify" | "validate"));
    let refused = refused.map(|(name, _)| many(name, "VALUE", "Refused: see the error"));
    let others = [
        switch("verify", "Refused: see the error"),
        switch("validate", "Refused: see the error"),
        many("kube-as-group", "VALUE", "Of clusters"),
        many("labels", "KEY=VALUE", "Of releases").short('l'),
        optional("dry-run", "unset", "client is what happens anyway; server is refused: no cluster is asked"),
        optional("wait", "watcher", "Of installing"),
    ];
    switches.chain(values).chain(refused).chain(others).map(|arg| arg.help_heading(HEADING))
}

/// A flag whose value may be left out.
fn optional(name: &'static str, missing: &'static str, help: &'static str) -> Arg {
    one(name, "VALUE", help).num_args(0..=1).require_equals(true).default_missing_value(missing)
}

/// Checks these flags as helm does; answers what helm says of them on standard error.
///
/// # Errors
/// A value helm refuses, and what cannot be done without a cluster, a registry or a program.
pub(super) fn check(matches: &ArgMatches, version: HelmVersion) -> Result<Vec<String>, Failure> {
    let is_helm_4 = version.profile().prints_error_blocks;
    let mut said: Vec<String> = check_wait(matches, is_helm_4)?.into_iter().collect();
    for (name, why) in DEPRECATED.into_iter().filter(|(name, _)| is_helm_4 && is_given(matches, name)) {
        said.push(format!("Flag --{name} has been deprecated, {why}"));
    }
    for (name, why) in REFUSED {
        if is_given(matches, name) {
            return Err(refused(format!("--{name} is refused: {why}")));
        }
    }
    check_labels(matches)?;
    let exclusive = ["force", "force-replace"].into_iter().find(|name| is_given(matches, name));
    if let Some(name) = exclusive.filter(|_| is_helm_4 && is_given(matches, "force-conflicts")) {
        return Err(helm_text(&format!(
            "if any flags in the group [{name} force-conflicts] are set none of the others can be; \
             [force-conflicts {name}] were all set"
        )));
    }
    said.extend(check_dry_run(matches, is_helm_4)?);
    Ok(said)
}

fn is_given(matches: &ArgMatches, name: &str) -> bool {
    matches.value_source(name) == Some(ValueSource::CommandLine)
}

fn refused(message: String) -> Failure {
    Failure::Failed(Error::new(Kind::Invalid, message))
}

fn warned(message: &str) -> String {
    format!("level=WARN msg={}", gotmpl::quote::quoted(message.as_bytes()))
}

fn check_wait(matches: &ArgMatches, is_helm_4: bool) -> Result<Option<String>, Failure> {
    let Some(value) = text(matches, "wait").filter(|_| is_helm_4) else { return Ok(None) };
    let instead = |instead: &str| {
        warned(&format!(
            "--wait={value} is deprecated (boolean value) and can be replaced with --wait={instead}"
        ))
    };
    match value {
        "watcher" | "hookOnly" | "legacy" => Ok(None),
        "true" => Ok(Some(instead("watcher"))),
        "false" => Ok(Some(instead("hookOnly"))),
        value => Err(helm_text(&format!(
            "invalid argument {value:?} for \"--wait\" flag: invalid wait input {value:?}. \
             Valid inputs are watcher, hookOnly, and legacy"
        ))),
    }
}

fn check_dry_run(matches: &ArgMatches, is_helm_4: bool) -> Result<Option<String>, Failure> {
    let Some(value) = text(matches, "dry-run") else { return Ok(None) };
    let invalid = |legal: &str| helm_text(&format!("invalid dry-run value ({value:?}). Must be {legal}"));
    match value {
        "server" => {
            Err(refused("--dry-run=server is refused: it asks a cluster, and none is ever asked here".into()))
        }
        _ if !is_helm_4 => Ok(None),
        "client" => Ok(None),
        "unset" => Ok(Some(warned("--dry-run is deprecated and should be replaced with '--dry-run=client'"))),
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Some(warned(&format!(
            "boolean '--dry-run={value}' flag is deprecated and must be replaced with '--dry-run=client'"
        )))),
        "none" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Err(invalid("\"server\" or \"client\"")),
        _ => Err(invalid("\"none\", \"server\", or \"client\"")),
    }
}

fn check_labels(matches: &ArgMatches) -> Result<(), Failure> {
    for line in texts(matches, "labels") {
        let pairs = if line.matches('=').count() == 1 {
            vec![line.trim_matches('"').to_owned()]
        } else {
            super::args::fields(&line).unwrap_or_default()
        };
        for pair in &pairs {
            if !pair.contains('=') {
                return Err(helm_text(&format!(
                    "invalid argument {line:?} for \"-l, --labels\" flag: {pair} must be formatted as key=value"
                )));
            }
        }
    }
    Ok(())
}

/// The labels that a release may not be given; helm says so when its values are known to be right.
pub(super) fn refused_labels(matches: &ArgMatches) -> Option<String> {
    let lines = texts(matches, "labels");
    let keys = lines.iter().flat_map(|line| line.split(',')).filter_map(|pair| pair.split('=').next());
    let refused = keys.into_iter().any(|key| SYSTEM_LABELS.contains(&key.trim_matches('"')));
    refused.then(|| {
        format!(
            "user supplied labels contains system reserved label name. System labels: [{}]",
            SYSTEM_LABELS.join(" ")
        )
    })
}
