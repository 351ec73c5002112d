//! The commands and their help.

use std::ffi::OsStr;

use clap::{Arg, ArgAction, Command, value_parser};

use super::output::Format;
use super::{build, options, report, template};
use crate::config;

const RENDER_EXAMPLES: &str = "\
Examples:
  The application in this folder, as committed:
    manifestd render .
  The same with the changes that are not committed yet:
    manifestd render . --worktree
  An application of a remote repository at a tag:
    manifestd render https://github.com/org/repo.git --revision v1.2.0 --path apps/web
  A chart with values, applied at once:
    manifestd render . --path charts/web --name web --namespace prod \\
        --helm-values values-prod.yaml --helm-set image.tag=1.2.3 | kubectl apply -f -
  A Jsonnet application with arguments:
    manifestd render . --path jsonnet --jsonnet-tla service=web --jsonnet-tla-code replicas=3";

const SERVE_EXAMPLES: &str = "\
Examples:
  On this machine only, as it is:
    manifestd serve
  For others, with TLS and a token:
    manifestd serve --listen [::]:8081 --tls-certificate tls.crt --tls-key tls.key --token-file token
  Settings from the environment or a file:
    MANIFESTD_LISTEN=127.0.0.1:9000 manifestd serve --config settings.yaml

SIGTERM and SIGINT let calls under way finish within --drain-time; a second signal ends at once.";

/// What makes the definition of a command.
type CommandDefinition = fn() -> Command;

/// The commands, by their names.
const COMMANDS: [(&str, CommandDefinition); 8] = [
    ("serve", serve),
    ("render", render),
    ("template", template::command),
    ("build", build::command),
    ("refs", refs),
    ("apps", apps),
    ("completions", completions),
    ("bench", super::bench::command),
];

/// The command line as a whole.
pub(super) fn command() -> Command {
    with_commands(COMMANDS.map(|(_, command)| command()))
}

/// The part of the command line that `first`, its first word, asks for. The flags of the other commands are many, and
/// making them takes longer than rendering a small chart.
pub(super) fn command_for(first: Option<&OsStr>) -> Command {
    match COMMANDS.into_iter().find(|(name, _)| first.is_some_and(|first| first == *name)) {
        Some((_, command)) => with_commands([command()]),
        // Help, a mistake, or nothing at all: whatever is said then names all commands.
        None => command(),
    }
}

fn with_commands(commands: impl IntoIterator<Item = Command>) -> Command {
    Command::new("manifestd")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Turns a git repository into Kubernetes manifests")
        .after_help(report::EXIT_CODES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(commands)
}

fn serve() -> Command {
    Command::new("serve")
        .about("Serve manifests over gRPC")
        .long_about("Serve manifests over gRPC (manifestd.v1), and metrics and health over http.")
        .args(config::args(false))
        .after_help(SERVE_EXAMPLES)
}

fn render() -> Command {
    Command::new("render")
        .about("Print the manifests of an application")
        .long_about(
            "Print the manifests of an application on standard output; warnings and errors go to standard error.\n\n\
             A local folder stands for the commit its repository's HEAD points to. With --worktree, or when it is in no \
             repository, its files are taken as they are.",
        )
        .arg(from())
        .arg(revision())
        .arg(tag_prefix())
        .arg(path())
        .arg(worktree())
        .args(render_args())
        .args(options::args())
        .args(config::args(true))
        .after_help(format!("{RENDER_EXAMPLES}\n\n{}", report::EXIT_CODES))
}

fn refs() -> Command {
    Command::new("refs")
        .about("List the branches and tags of a repository")
        .long_about(
            "List the refs of a repository, one `commit<tab>name` per line; HEAD's own name comes first.",
        )
        .arg(from())
        .args(config::args(true))
        .after_help(report::EXIT_CODES)
}

fn apps() -> Command {
    Command::new("apps")
        .about("List the folders of a repository that can be rendered")
        .long_about(
            "List the folders with a kustomization or a chart, one `folder<tab>renderer` per line. Any other folder can \
             be rendered as plain files.",
        )
        .arg(from())
        .arg(revision())
        .arg(tag_prefix())
        .arg(worktree())
        .args(config::args(true))
        .after_help(report::EXIT_CODES)
}

fn completions() -> Command {
    Command::new("completions")
        .about("Print a script that completes commands and flags in your shell")
        .arg(
            Arg::new("shell")
                .required(true)
                .value_parser(value_parser!(clap_complete::Shell))
                .help("The shell"),
        )
        .after_help("Example:\n  manifestd completions bash > /etc/bash_completion.d/manifestd")
}

fn render_args() -> [Arg; 6] {
    [
        Arg::new("output")
            .long("output")
            .short('o')
            .value_name("FORMAT")
            .value_parser(value_parser!(Format))
            .default_value("yaml")
            .help("How manifests are printed"),
        Arg::new("name").long("name").value_name("NAME").help("The application's name; the Helm release name"),
        Arg::new("namespace").long("namespace").short('n').value_name("NAME").help("The namespace they are for"),
        Arg::new("kube-version")
            .long("kube-version")
            .value_name("VERSION")
            .help("The Kubernetes version to render for, such as 1.33.0"),
        Arg::new("api-versions")
            .long("api-versions")
            .value_name("LIST")
            .value_delimiter(',')
            .action(ArgAction::Append)
            .help("API versions the cluster has, as group/version or group/version/Kind, with commas or several times"),
        Arg::new("warnings")
            .long("no-warnings")
            .action(ArgAction::SetFalse)
            .help("Keep warnings to yourself"),
    ]
}

fn from() -> Arg {
    Arg::new("from")
        .value_name("URL-OR-FOLDER")
        .required(true)
        .help("A repository's URL, or a folder of this machine")
}

fn revision() -> Arg {
    Arg::new("revision")
        .long("revision")
        .short('r')
        .value_name("REVISION")
        .conflicts_with("worktree")
        .help("Branch, tag, commit id, or a range of versions such as `1.2.*` [default: HEAD]")
}

fn tag_prefix() -> Arg {
    Arg::new("tag-prefix")
        .long("tag-prefix")
        .value_name("PREFIX")
        .conflicts_with("worktree")
        .help("What the tags of versions begin with, such as `app-`: --revision `1.*` then chooses among `app-1.0.0` and its kind")
}

fn path() -> Arg {
    Arg::new("path")
        .long("path")
        .short('p')
        .value_name("FOLDER")
        .help("The folder to render, relative to the root of the repository [default: the folder given]")
}

fn worktree() -> Arg {
    Arg::new("worktree")
        .long("worktree")
        .action(ArgAction::SetTrue)
        .help("Take local files as they are, committed or not")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_is_made_alone() {
        for (name, made) in COMMANDS {
            assert_eq!(made().get_name(), name);
            let alone = command_for(Some(OsStr::new(name)));
            assert_eq!(alone.get_subcommands().map(Command::get_name).collect::<Vec<_>>(), [name]);
        }
        for other in [None, Some("--help"), Some("help"), Some("templat")] {
            assert_eq!(command_for(other.map(OsStr::new)).get_subcommands().count(), COMMANDS.len());
        }
    }

    #[test]
    fn what_the_examples_say_can_be_said() {
        for (examples, command_name) in [(RENDER_EXAMPLES, "render"), (SERVE_EXAMPLES, "serve")] {
            let joined = examples.replace("\\\n", " ");
            let lines = joined.lines().filter_map(|line| Some((line, line.split_once("manifestd ")?.1)));
            let mut seen = 0;
            for (line, arguments) in lines.filter(|(line, _)| line.starts_with("    ")) {
                let arguments = arguments.split('|').next().unwrap_or_default().split_whitespace();
                let parsed = command().try_get_matches_from(["manifestd"].into_iter().chain(arguments));
                assert_eq!(parsed.unwrap().subcommand_name(), Some(command_name), "{line}");
                seen += 1;
            }
            assert!(seen >= 3);
        }
    }

    #[test]
    fn a_worktree_has_no_revision() {
        let parsed =
            command().try_get_matches_from(["manifestd", "render", ".", "--worktree", "--revision", "v1"]);
        assert_eq!(parsed.unwrap_err().exit_code(), i32::from(report::USAGE));
    }

    #[test]
    fn local_commands_have_no_server_flags() {
        let parsed = command().try_get_matches_from(["manifestd", "render", ".", "--listen", "a"]);
        assert!(parsed.is_err());
    }

    #[test]
    fn the_environment_is_read() {
        let with_settings =
            |sub: &&Command| !matches!(sub.get_name(), "completions" | "bench" | "template" | "build");
        for sub in command().get_subcommands().filter(with_settings) {
            let twins = sub.get_arguments().filter(|arg| arg.get_env().is_some()).count();
            assert!(twins > 5, "{}", sub.get_name());
        }
    }
}
