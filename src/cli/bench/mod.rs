//! `manifestd bench`: speed and memory of this machine's manifestd, as ratios against a peer measured in turn in the
//! same run. All but `template`, `build` and `start` need the `git` program: it makes and serves the repositories, and is the peer of `clone`.

mod build;
mod clone;
mod commit;
mod first;
mod isolation;
mod load;
mod peer;
mod repository;
mod service;
mod siege;
mod start;
mod stats;
mod template;
mod turn;
mod warm;

use std::io::{self, Write};

use clap::{Arg, ArgMatches, Command};

use crate::error::{Error, Kind, Result};

/// The command with its parts.
pub(super) fn command() -> Command {
    Command::new("bench")
        .about("Measure speed and memory on this machine")
        .subcommand_required(true)
        .subcommand(
            Command::new("warm").about("Answers from memory, against a bare gRPC server").arg(seconds()),
        )
        .subcommand(Command::new("first").about("The first render of an application of 50 files"))
        .subcommand(Command::new("commit").about("A commit that does not touch the application, among 1,000"))
        .subcommand(
            Command::new("isolation").about("Renders in workers, against renders in the server's process"),
        )
        .subcommand(
            Command::new("clone").about("Clone and first render of 50,000 objects, against the git program"),
        )
        .subcommand(template::command())
        .subcommand(build::command())
        .subcommand(siege::command())
        .subcommand(start::command())
        .subcommand(peer::command())
}

/// Runs what the command line asked for. Starts a runtime of its own, so it must not be called inside one.
///
/// # Errors
/// When the `git` program is missing, or a server does not come up or does not answer.
pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    match matches.subcommand() {
        Some((template::NAME, matches)) => return template::run(matches),
        Some((build::NAME, matches)) => return build::run(matches),
        Some((start::NAME, matches)) => return start::run(matches),
        _ => {}
    }
    let runtime = tokio::runtime::Runtime::new().map_err(|error| failed("starting a runtime", &error))?;
    runtime.block_on(async {
        match matches.subcommand() {
            Some(("warm", matches)) => warm::run(seconds_of(matches)).await,
            Some(("first", _)) => first::run().await,
            Some(("commit", _)) => commit::run().await,
            Some(("isolation", _)) => isolation::run().await,
            Some(("clone", _)) => clone::run(),
            Some((siege::NAME, matches)) => siege::run(matches).await,
            Some((peer::NAME, matches)) => peer::run(matches).await,
            _ => Err(Error::new(Kind::Invalid, "unknown benchmark").help("see `manifestd bench --help`")),
        }
    })
}

fn seconds() -> Arg {
    let help = "How long each server is measured per round; there are three rounds";
    Arg::new("seconds")
        .long("seconds")
        .default_value("3")
        .value_parser(clap::value_parser!(u64).range(1..))
        .help(help)
}

fn seconds_of(matches: &ArgMatches) -> std::time::Duration {
    std::time::Duration::from_secs(matches.get_one("seconds").copied().unwrap_or(3))
}

/// Prints one line of the report at once, since the next may take a while.
fn say(line: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| failed("printing", &error))
}

fn failed(doing: &str, error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Unavailable, format!("{doing}: {error}"))
}
