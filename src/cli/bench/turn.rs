//! Cases in this one process, against a program run for each in turn: what `bench template` and `bench build` share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, value_parser};

use super::say;
use super::stats::{Latencies, Megabytes};
use crate::error::Result;
use crate::render::on_stack;

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
pub(super) fn args(help: &'static str) -> [Arg; 2] {
    [
        Arg::new("folder")
            .value_name("FOLDER")
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help(help),
        Arg::new("alone").long("alone").action(ArgAction::SetTrue).help("Do not run the program"),
    ]
}

/// The folder that the flags name.
pub(super) fn folder(matches: &ArgMatches) -> PathBuf {
    matches.get_one::<PathBuf>("folder").cloned().unwrap_or_default()
}

/// Measures both in turn and prints what they took; each function says whether it could.
///
/// # Errors
/// When nothing can be printed.
pub(super) fn compare<T: Sync>(
    peer: &Peer,
    folder: &Path,
    cases: &[T],
    ours: impl Fn(&T) -> bool + Send,
    theirs: Option<impl Fn(&T) -> bool>,
) -> Result<()> {
    say(&format!("{} {}", cases.len(), peer.unit))?;
    // Whoever goes first would wait for the disk, and whoever comes second would not.
    read_all(folder);
    let ours = on_stack(|| measure(cases, ours))?;
    say(&ours.line("in process", peer.unit))?;
    let peak = peak_memory().map_or_else(|| "unknown".to_owned(), |peak| peak.to_string());
    say(&format!("peak memory       {peak}"))?;
    let Some(theirs) = theirs else { return Ok(()) };
    let name = peer.name;
    if Command::new(name).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return say(&format!("{name}: not installed: {} to compare with it", peer.get));
    }
    let theirs = measure(cases, theirs);
    say(&theirs.line(&format!("{name} program"), peer.unit))?;
    let ratio = ours.rate() / theirs.rate();
    say(&format!("ratio of the {} per second: {ratio:.1} (wanted: at least 20)", peer.unit))
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

/// Does each case once, in order.
pub(super) fn measure<T>(cases: &[T], run: impl Fn(&T) -> bool) -> Measured {
    let begun = Instant::now();
    let mut failures = 0;
    let each = cases.iter().map(|case| {
        let begun = Instant::now();
        failures += usize::from(!run(case));
        begun.elapsed()
    });
    let latencies = Latencies::new(each.collect());
    Measured { latencies, total: begun.elapsed(), failures }
}

impl Measured {
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
