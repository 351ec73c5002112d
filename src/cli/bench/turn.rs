//! Cases in this one process, against a program run for each in turn: what `bench template` and `bench build` share.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use serde_json::Value;

use super::stats::{Latencies, Megabytes};
use super::{failed, say};
use crate::error::{Error, Kind, Result};
use crate::render::on_stack;

/// The deepest folder that is looked through for cases.
const MAX_DEPTH: usize = 20;

/// The program to compare with.
pub(super) struct Peer {
    /// Its name.
    pub(super) name: &'static str,
    /// What a case is called, in the plural.
    pub(super) unit: &'static str,
    /// How to get it.
    pub(super) get: &'static str,
}

/// What all cases took.
pub(super) struct Measured {
    pub(super) latencies: Latencies,
    pub(super) total: Duration,
    pub(super) failures: usize,
}

/// The flags of such a benchmark.
pub(super) fn args(help: &'static str) -> [Arg; 3] {
    [
        Arg::new("folder")
            .value_name("FOLDER")
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help(help),
        Arg::new("alone").long("alone").action(ArgAction::SetTrue).help("Do not run the program"),
        Arg::new("jobs")
            .long("jobs")
            .value_name("N")
            .value_parser(value_parser!(NonZeroUsize))
            .help("How many at a time are done in process [default: the number of processors]"),
    ]
}

/// The folder that the flags name.
pub(super) fn folder(matches: &ArgMatches) -> PathBuf {
    matches.get_one::<PathBuf>("folder").cloned().unwrap_or_default()
}

/// The cases that `cases.jsonl` in a folder lists, one a line; `None` without that file. `case` is given the folder
/// `input/` beside it.
///
/// # Errors
/// A line that is no JSON.
pub(super) fn listed<T>(folder: &Path, case: impl Fn(&Path, &Value) -> Option<T>) -> Result<Option<Vec<T>>> {
    let Ok(lines) = fs::read_to_string(folder.join("cases.jsonl")) else { return Ok(None) };
    let input = folder.join("input");
    let mut cases = Vec::new();
    for line in lines.lines() {
        let line = serde_json::from_str(line).map_err(|error| failed("reading cases.jsonl", &error))?;
        cases.extend(case(&input, &line));
    }
    Ok(Some(cases))
}

/// Goes through a folder and what lies beneath it, in order; `visit` says whether to look inside of what it is given.
///
/// # Errors
/// A folder that cannot be read, or what `visit` says.
pub(super) fn walk(folder: &Path, visit: &mut dyn FnMut(&Path) -> Result<bool>) -> Result<()> {
    walk_at(folder, 0, visit)
}

fn walk_at(folder: &Path, depth: usize, visit: &mut dyn FnMut(&Path) -> Result<bool>) -> Result<()> {
    if !visit(folder)? || depth >= MAX_DEPTH {
        return Ok(());
    }
    let entries = fs::read_dir(folder).map_err(|error| failed("reading the folder", &error))?;
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?).filter(|entry| entry.file_type().is_ok_and(|of| of.is_dir())))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders.iter().try_for_each(|folder| walk_at(folder, depth + 1, visit))
}

/// Measures both and prints what they took: first all cases in this process, as many at a time as it may; then the
/// program, for one case after the other. Each function says whether it could.
///
/// # Errors
/// When nothing can be printed, or no thread is to be had.
pub(super) fn compare<T: Sync>(
    peer: &Peer,
    matches: &ArgMatches,
    cases: &[T],
    ours: impl Fn(&T) -> bool + Sync,
    theirs: impl Fn(&T) -> bool,
) -> Result<()> {
    say(&format!("{} {}", cases.len(), peer.unit))?;
    // Whoever goes first would wait for the disk, and whoever comes second would not.
    read_all(&folder(matches));
    let jobs = matches.get_one::<NonZeroUsize>("jobs").copied().map_or_else(processors, NonZeroUsize::get);
    let ours = measure_together(cases, jobs, ours)?;
    say(&ours.line(&format!("{jobs} at a time"), peer.unit))?;
    let peak = peak_memory().map_or_else(|| "unknown".to_owned(), |peak| peak.to_string());
    say(&format!("peak memory       {peak}"))?;
    if matches.get_flag("alone") {
        return Ok(());
    }
    let name = peer.name;
    if Command::new(name).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return say(&format!("{name}: not installed: {} to compare with it", peer.get));
    }
    let theirs = measure(cases, theirs);
    say(&theirs.line(&format!("{name} program"), peer.unit))?;
    let ratio = ours.rate() / theirs.rate();
    let unit = peer.unit;
    say(&format!(
        "ratio of the {unit} per second: {ratio:.1}, {jobs} at a time against one after the other (wanted: at least 20)"
    ))
}

/// Reads every file beneath a folder, so that the system has them in memory. What cannot be read is left to the cases.
fn read_all(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => read_all(&entry.path()),
            Ok(kind) if kind.is_file() => drop(fs::read(entry.path())),
            _ => {}
        }
    }
}

/// The bytes of the files beneath a folder. What cannot be read is left to the cases.
pub(super) fn bytes_beneath(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => bytes_beneath(&entry.path()),
        Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |file| file.len()),
        _ => 0,
    });
    bytes.sum()
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Does each case once, one after the other.
fn measure<T>(cases: &[T], run: impl Fn(&T) -> bool) -> Measured {
    let begun = Instant::now();
    let each: Vec<_> = cases.iter().map(|case| timed(case, &run)).collect();
    Measured::new(each, begun.elapsed())
}

/// Does each case once, `jobs` at a time.
///
/// # Errors
/// When no thread is to be had, or a case broke its thread off.
pub(super) fn measure_together<T: Sync>(
    cases: &[T],
    jobs: usize,
    run: impl Fn(&T) -> bool + Sync,
) -> Result<Measured> {
    let (begun, next) = (Instant::now(), AtomicUsize::new(0));
    let some = || {
        let one = || cases.get(next.fetch_add(1, Ordering::Relaxed)).map(|case| timed(case, &run));
        std::iter::from_fn(one).collect::<Vec<_>>()
    };
    let each = thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(|| on_stack(some))).collect();
        let broken = |_| Err(Error::new(Kind::Internal, "a thread broke off"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(broken)).collect::<Result<Vec<_>>>()
    })?;
    Ok(Measured::new(each.concat(), begun.elapsed()))
}

/// How long a case took, and whether it could be done.
fn timed<T>(case: &T, run: impl Fn(&T) -> bool) -> (Duration, bool) {
    let begun = Instant::now();
    let could = run(case);
    (begun.elapsed(), could)
}

impl Measured {
    fn new(each: Vec<(Duration, bool)>, total: Duration) -> Self {
        let failures = each.iter().filter(|(_, could)| !could).count();
        Self { latencies: Latencies::new(each.into_iter().map(|(took, _)| took).collect()), total, failures }
    }

    fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a number for people to read")]
        let count = self.latencies.count() as f64;
        count / self.total.as_secs_f64().max(f64::EPSILON)
    }

    fn line(&self, who: &str, unit: &str) -> String {
        let (rate, failures) = (self.rate(), self.failures);
        format!("{who:<17} {rate:.1} {unit}/s, {}, {failures} failed", self.latencies)
    }
}

/// The most memory this process had so far.
fn peak_memory() -> Option<Megabytes> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(Megabytes(kilobytes * 1024))
}
