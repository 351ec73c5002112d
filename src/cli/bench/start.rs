//! `bench start`: what one case costs from the start of a process to its last byte, for this program and for helm or
//! kustomize in turn, on the smallest charts and kustomizations of some folders: there the start is most of it.

use std::io::Read;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::{Arg, ArgMatches, value_parser};

use super::build::{KUSTOMIZE, Kustomization, kustomizations};
use super::stats::{Latencies, Millis};
use super::template::{Chart, HELM, charts};
use super::{failed, say};
use crate::error::{Error, Kind, Result};

/// The name of the command.
pub(super) const NAME: &str = "start";

/// How often each case is run by each program.
const ROUNDS: usize = 5;

/// How many times as fast as helm, and as kustomize, a start is wanted to be.
const WANTED: [f64; 2] = [5.0, 2.0];

/// The command.
pub(super) fn command() -> clap::Command {
    clap::Command::new(NAME)
        .about("One process from its start to its last byte, against the helm and kustomize programs in turn")
        .args([
            Arg::new("folders")
                .value_name("FOLDER")
                .required(true)
                .num_args(1..)
                .value_parser(value_parser!(PathBuf))
                .help("Folders that hold charts or kustomizations, however deep, or cases.jsonl with input/"),
            Arg::new("count")
                .long("count")
                .value_name("N")
                .default_value("50")
                .value_parser(value_parser!(NonZeroUsize))
                .help("How many of the smallest of each kind are taken"),
            program("helm", "The helm program"),
            program("kustomize", "The kustomize program"),
        ])
}

fn program(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("PROGRAM")
        .default_value(name)
        .value_parser(value_parser!(PathBuf))
        .help(help)
}

/// Measures and prints both kinds, as far as the folders hold them and the programs are there.
///
/// # Errors
/// When a folder cannot be read, or none holds a case.
pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned().unwrap_or_default();
    let count = matches.get_one::<NonZeroUsize>("count").map_or(50, |count| count.get());
    let folders: Vec<&PathBuf> = matches.get_many("folders").into_iter().flatten().collect();
    let ours = std::env::current_exe().map_err(|error| failed("finding this program", &error))?;
    let charts = found(&folders, charts)?;
    let kustomizations = found(&folders, kustomizations)?;
    if charts.is_empty() && kustomizations.is_empty() {
        return Err(Error::new(Kind::NotFound, "the folders hold neither charts nor kustomizations"));
    }
    let cases =
        smallest(&charts, Chart::input_bytes).into_iter().map(|case| Box::new(case.clone()) as Box<dyn Case>);
    Contest { unit: HELM.unit, ours: &ours, theirs: &path("helm"), wanted: WANTED[0], count }.hold(cases)?;
    let cases = smallest(&kustomizations, Kustomization::input_bytes);
    let cases = cases.into_iter().map(|case| Box::new(case.clone()) as Box<dyn Case>);
    Contest { unit: KUSTOMIZE.unit, ours: &ours, theirs: &path("kustomize"), wanted: WANTED[1], count }
        .hold(cases)
}

/// What all folders hold of one kind; a folder may hold none.
fn found<T>(folders: &[&PathBuf], find: impl Fn(&Path) -> Result<Vec<T>>) -> Result<Vec<T>> {
    let mut all = Vec::new();
    for folder in folders {
        match find(folder) {
            Ok(cases) => all.extend(cases),
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// All cases, the smallest first.
fn smallest<T>(cases: &[T], bytes: impl Fn(&T) -> u64) -> Vec<&T> {
    let mut cases: Vec<_> = cases.iter().map(|case| (bytes(case), case)).collect();
    cases.sort_by_key(|(bytes, _)| *bytes);
    cases.into_iter().map(|(_, case)| case).collect()
}

/// Something that two programs with the same flags can do.
trait Case {
    /// The command line.
    fn command(&self, program: &Path) -> Command;
}

impl Case for Chart {
    fn command(&self, program: &Path) -> Command {
        Chart::command(self, program)
    }
}

impl Case for Kustomization {
    fn command(&self, program: &Path) -> Command {
        Kustomization::command(self, program)
    }
}

/// Two programs that do the same cases.
struct Contest<'a> {
    unit: &'static str,
    ours: &'a Path,
    theirs: &'a Path,
    /// How many times as fast we want to be.
    wanted: f64,
    /// The most cases.
    count: usize,
}

impl Contest<'_> {
    fn hold(&self, cases: impl Iterator<Item = Box<dyn Case>>) -> Result<()> {
        if Command::new(self.theirs)
            .arg("version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_err()
        {
            return say(&format!(
                "{}: there is no such program, nothing to compare with",
                self.theirs.display()
            ));
        }
        // The first run of each also brings its files into memory.
        let both = cases.filter_map(|case| {
            let ours = timed(case.command(self.ours))?;
            let theirs = timed(case.command(self.theirs))?;
            Some((case, ours.output == theirs.output))
        });
        let cases: Vec<_> = both.take(self.count).collect();
        let same = cases.iter().filter(|(_, same)| *same).count();
        say(&format!("{} {}, {same} with the same output, {ROUNDS} rounds in turn", cases.len(), self.unit))?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for (case, _) in (0..ROUNDS).flat_map(|_| &cases) {
            ours.extend(timed(case.command(self.ours)).map(|run| run.took));
            theirs.extend(timed(case.command(self.theirs)).map(|run| run.took));
        }
        self.report(ours, theirs)
    }

    fn report(&self, ours: Vec<Duration>, theirs: Vec<Duration>) -> Result<()> {
        let whole: [Duration; 2] = [ours.iter().sum(), theirs.iter().sum()];
        let [ours, theirs] = [ours, theirs].map(Latencies::new);
        say(&format!("manifestd         {ours}, all {}", Millis(whole[0])))?;
        say(&format!("{:<17} {theirs}, all {}", self.theirs.display(), Millis(whole[1])))?;
        let median = ratio(ours.median(), theirs.median());
        let all = ratio(whole[0], whole[1]);
        let wanted = self.wanted;
        say(&format!(
            "times as fast: {median:.1} by the medians, {all:.1} by all of it (wanted: at least {wanted})"
        ))
    }
}

fn ratio(ours: Duration, theirs: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64().max(f64::EPSILON)
}

/// A run of a program.
struct TimedRun {
    took: Duration,
    output: Vec<u8>,
}

/// Runs a program until its output ends and it is gone; `None` when it fails.
fn timed(mut command: Command) -> Option<TimedRun> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut output = Vec::new();
    let read = child.stdout.take()?.read_to_end(&mut output);
    let success = child.wait().ok()?.success();
    let took = begun.elapsed();
    read.ok()?;
    success.then_some(TimedRun { took, output })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_come_first() {
        assert_eq!(smallest(&["ccc", "a", "bb"], |text| text.len() as u64), [&"a", &"bb", &"ccc"]);
    }

    #[test]
    fn a_run_is_its_output_and_whether_it_worked() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        let run = timed(shell("echo out; echo err >&2")).unwrap();
        assert_eq!(run.output, b"out\n");
        assert!(run.took > Duration::ZERO);
        assert!(timed(shell("exit 3")).is_none());
        assert!(timed(Command::new("/there/is/no/such/program")).is_none());
    }

    #[test]
    fn how_many_times_as_fast() {
        assert!((ratio(Duration::from_millis(10), Duration::from_millis(55)) - 5.5).abs() < 1e-9);
    }
}
