//! The command line. Nothing else prints.

mod apps;
mod bench;
mod build;
mod commands;
mod flags;
mod options;
mod output;
mod place;
mod progress;
mod refs;
mod render;
mod report;
mod serve;
mod start;
mod template;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::config::Mistakes;
use crate::error::Error;

/// Why a command did not do what it was asked to.
enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// The settings are wrong.
    Settings(Mistakes),
    /// It failed on the way.
    Failed(Error),
    /// Something cannot be rendered, in the words of the program that a command stands for.
    Words(report::Words),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The result of a command.
type Done = Result<(), Failure>;

/// Does what the command line says.
#[must_use]
pub fn run() -> ExitCode {
    let first = std::env::args_os().nth(1);
    let matches = commands::command_for(first.as_deref()).get_matches();
    let done = match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches),
        Some(("render", matches)) => render::run(matches),
        Some(("refs", matches)) => refs::run(matches),
        Some(("apps", matches)) => apps::run(matches),
        Some(("template", matches)) => template::run(matches),
        Some(("build", matches)) => build::run(matches),
        Some(("completions", matches)) => completions(matches),
        Some(("bench", matches)) => bench::run(matches).map_err(Failure::Failed),
        _ => Err(Failure::Usage("no such command".into())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

fn completions(matches: &clap::ArgMatches) -> Done {
    let shell = matches.get_one::<clap_complete::Shell>("shell").copied();
    let shell = shell.ok_or_else(|| Failure::Usage("which shell?".into()))?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut commands::command(), "manifestd", &mut script);
    output::written(io::stdout().lock().write_all(&script))?;
    Ok(())
}

fn failed(failure: &Failure) -> ExitCode {
    let code = match failure {
        // Its exit code is that of every usage error.
        Failure::Usage(message) => commands::command().error(ErrorKind::ValueValidation, message).exit(),
        Failure::Settings(mistakes) => {
            mistakes.0.iter().for_each(|mistake| say(&format!("error: {mistake}\n")));
            report::USAGE
        }
        Failure::Words(failure) => {
            say(&if io::stderr().is_terminal() { failure.picture(start::colours()) } else { failure.text() });
            report::WORDS
        }
        Failure::Failed(error) if io::stderr().is_terminal() => {
            say(&report::picture(error, start::colours()));
            report::code(error.kind())
        }
        Failure::Failed(error) => {
            say(&format!("{}\n", report::line(error)));
            report::code(error.kind())
        }
    };
    ExitCode::from(code)
}

/// What Go says of a failure of the system.
fn go_words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// Writes to standard error; one that is gone hears nothing.
fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
