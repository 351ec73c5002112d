//! The flags of `manifestd build`: those of `kustomize build`, and a few of our own.

use std::time::Duration;

use clap::{Arg, Command};
use helm::HelmVersion;
use kustomize::KustomizeVersion;

use crate::cli::flags::{many, one, switch};
use crate::cli::{report, template};
use crate::config;

const EXAMPLES: &str = "\
Examples:
  The kustomization of this folder, as kustomize would print it:
    manifestd build
  An overlay whose files lie beside it, into a file:
    manifestd build overlays/prod --load-restrictor LoadRestrictionsNone -o prod.yaml
  One with charts that lie in its folder charts/:
    manifestd build overlays/prod --enable-helm
  One with bases in other repositories:
    manifestd build overlays/prod --kustomize-remotes on";

/// The command.
pub(in crate::cli) fn command() -> Command {
    Command::new("build")
        .about("Build a kustomization as `kustomize build` does, to the byte")
        .long_about(
            "Build a kustomization of this machine as `kustomize build` does: the same bytes on standard output, \
             kustomize's text on standard error. The kustomize program is not needed, nothing is executed, and nothing \
             is fetched unless --kustomize-remotes says so.",
        )
        .arg(Arg::new("folder").value_name("DIR").num_args(0..).help("The folder of the kustomization [default: .]"))
        .args(build_args())
        .args(helm_args().map(|arg| arg.help_heading("Charts")))
        .args(template::repeat_args().map(|arg| arg.help_heading("Charts")))
        .args(remote_args())
        .args(function_args().map(|arg| arg.hide(true)))
        .after_help(format!("{EXAMPLES}\n\n{}", report::EXIT_CODES))
}

fn build_args() -> impl Iterator<Item = Arg> {
    [
        one("load-restrictor", "WHICH", "LoadRestrictionsRootOnly, or LoadRestrictionsNone: files may lie outside of their kustomization's folder")
            .default_value("LoadRestrictionsRootOnly"),
        one("reorder", "ORDER", "legacy or none: the order of the output where sortOptions does not say. Deprecated by kustomize")
            .default_value("legacy"),
        switch("enable-managedby-label", "Put the label app.kubernetes.io/managed-by on everything. Deprecated by kustomize"),
        // What the program reads from the environment.
        Arg::new("managedby-label-variable").long("managedby-label-variable").env("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL").hide(true),
        one("kustomize-version", "VERSION", "The version of kustomize to be equal to: 5.8.3 or 5.8.1")
            .env("MANIFESTD_KUSTOMIZE_VERSION")
            .default_value("5.8.3")
            .value_parser(|text: &str| text.parse::<KustomizeVersion>()),
        one("output", "PATH", "Write to this file; to a folder, a file for each object").short('o').default_value("").hide_default_value(true),
        one("timeout", "TIME", "Give up after this long").default_value("10m").value_parser(parse_timeout),
        one("root", "FOLDER", "What the kustomization may read of, whatever the load restrictor says: links never lead out of it [default: the git work tree it is in, else /]"),
    ]
    .into_iter()
}

/// Reads `90s`, `3m` or `1h30m`.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    config::duration(text).ok_or_else(|| "it must be like 90s, 3m or 1h30m".to_owned())
}

fn helm_args() -> impl Iterator<Item = Arg> {
    [
        switch("enable-helm", "Render the charts of helmCharts, in process; they must lie in the tree"),
        one("helm-kube-version", "VERSION", "The Kubernetes version for charts that do not say one"),
        many(
            "helm-api-versions",
            "VERSION",
            "API versions for charts that do not say any; may be given several times",
        ),
        switch("helm-debug", "As kustomize's; charts come out the same"),
        one(
            "helm-command",
            "PROGRAM",
            "As kustomize's; only its default is accepted, since no program is run",
        )
        .default_value("helm"),
        one(
            "helm-version",
            "VERSION",
            "The version of helm to be equal to: 4.3.2, 4.3.1, 4.2.4, 4.2.1 or 3.21.4",
        )
        .env("MANIFESTD_HELM_VERSION")
        .default_value("4.3.2")
        .value_parser(|text: &str| text.parse::<HelmVersion>()),
    ]
    .into_iter()
}

/// How other repositories are reached, once they may be.
fn remote_args() -> impl Iterator<Item = Arg> {
    config::repository_args().map(|arg| match arg.get_id().as_str() {
        // Who looks at a folder should not contact anybody by it.
        "kustomize-remotes" => arg.default_value("off"),
        _ => arg,
    })
}

/// Flags that only matter to functions and plugins, which are refused by name where a kustomization asks for one, and
/// to errors of the program itself. They do nothing else here, but for plugins, which come with charts.
fn function_args() -> impl Iterator<Item = Arg> {
    const NOTHING: &str = "Accepted; no function or plugin is ever run";
    [
        switch("as-current-user", NOTHING),
        switch(
            "enable-alpha-plugins",
            "Enables the charts of helmCharts, as kustomize does; no plugin is ever run",
        ),
        switch("enable-exec", NOTHING),
        many("env", "NAME=VALUE", NOTHING).short('e'),
        many("mount", "STORAGE", NOTHING),
        switch("network", NOTHING),
        one("network-name", "NAME", NOTHING),
        switch("stack-trace", "Accepted; errors have no trace"),
    ]
    .into_iter()
}
