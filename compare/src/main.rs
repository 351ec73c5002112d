//! Random comparison with the helm and kustomize programs: charts and kustomizations are changed at random, both programs
//! run on each, and what comes out differently is made as small as it gets and written to a folder.
//!
//! `arguments` → `corpus` (inputs to begin with) → `mutate` (one random change after the other) → `run` (both programs) →
//! `known` (differences that are meant) → `shrink` → `report`. Everything is decided by the seed and the number of the
//! run, so that a run can be repeated alone.

mod arguments;
mod corpus;
mod difference;
mod input;
mod known;
mod mutate;
mod random;
mod report;
mod run;
mod search;
mod shrink;

use std::process::ExitCode;

use arguments::Arguments;

/// What the exit code is when something differs that nobody knows of.
const DIFFERS: u8 = 1;

/// What it is for a wrong command line, or where nothing can be compared.
const WRONG: u8 = 2;

#[expect(clippy::print_stderr, clippy::print_stdout, reason = "a program for the command line")]
fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(mistake) => {
            eprintln!("{mistake}\n\n{}", arguments::USAGE);
            return ExitCode::from(WRONG);
        }
    };
    if !run::is_there(&arguments.program) {
        println!("skipped: there is no program {}", arguments.program.display());
        return ExitCode::SUCCESS;
    }
    match search::search(&arguments) {
        Ok(summary) => {
            println!("{summary}");
            if summary.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) }
        }
        Err(mistake) => {
            eprintln!("{mistake}");
            ExitCode::from(WRONG)
        }
    }
}
