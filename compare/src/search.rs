//! The comparison as a whole: run after run, side by side, and what was found.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use crate::arguments::Arguments;
use crate::corpus::{self, Found};
use crate::difference::{self, Difference, Kind};
use crate::input::Input;
use crate::known;
use crate::mutate::mutate;
use crate::random::Chance;
use crate::report::{self, Finding};
use crate::run::{Outcome, Runner};
use crate::shrink::shrink;

/// What was done and found.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    compared: u64,
    /// Inputs that are too large, or that theirs does not make the same of twice.
    left_out: u64,
    both_done: u64,
    both_failed: u64,
    known: BTreeMap<&'static str, u64>,
    /// How often each difference was met, and the run it was met in first.
    found: BTreeMap<(Kind, String), (u64, u64)>,
    mistake: Option<String>,
}

impl Summary {
    /// Whether nothing differs but what is meant to.
    pub(crate) fn is_clean(&self) -> bool {
        self.found.is_empty()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { compared, left_out, both_done, both_failed, known, found, .. } = self;
        writeln!(
            f,
            "{compared} compared: {both_done} done by both, {both_failed} failed in both; {left_out} left out"
        )?;
        for (reason, count) in known {
            writeln!(f, "known, {count} times: {reason}")?;
        }
        for ((kind, shape), (count, run)) in found {
            writeln!(f, "{kind:?}, {count} times, first in run {run}: {shape}")?;
        }
        write!(f, "{} differences that nobody knows of", found.len())
    }
}

/// What all jobs share.
struct Search<'a> {
    arguments: &'a Arguments,
    bases: Vec<Found>,
    next: AtomicU64,
    begun: Instant,
    summary: Mutex<Summary>,
}

/// Compares as much as the arguments say.
///
/// # Errors
/// In words, when there is nothing to compare, or a program cannot be run.
pub(crate) fn search(arguments: &Arguments) -> Result<Summary, String> {
    let bases = corpus::find(arguments.engine, &arguments.corpus)?;
    let search = Search {
        arguments,
        bases,
        next: AtomicU64::new(0),
        begun: Instant::now(),
        summary: Mutex::default(),
    };
    thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| search.work());
        }
    });
    let summary = search.summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.mistake.clone().map_or(Ok(summary), Err)
}

impl Search<'_> {
    /// Takes one run after the other until there is an end.
    fn work(&self) {
        let done = tempfile::tempdir().map_err(|error| error.to_string()).and_then(|place| {
            let runner = Runner::new(place.path().to_owned(), self.arguments);
            let mut bases = HashMap::new();
            while let Some(run) = self.next_run() {
                self.compare(&runner, &mut bases, run)?;
            }
            Ok(())
        });
        if let Err(mistake) = done {
            self.note(|summary| summary.mistake = Some(mistake));
        }
    }

    fn next_run(&self) -> Option<u64> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let in_time = self.arguments.time.is_none_or(|time| self.begun.elapsed() < time);
        let goes_on =
            self.with(|summary| summary.found.len() < self.arguments.most && summary.mistake.is_none());
        (number < self.arguments.runs && in_time && goes_on).then_some(self.arguments.first + number)
    }

    fn compare(
        &self,
        runner: &Runner,
        bases: &mut HashMap<usize, Option<Input>>,
        run: u64,
    ) -> Result<(), String> {
        let mut chance = Chance::of_run(self.arguments.seed, run);
        let base = chance.below(self.bases.len());
        let base = bases.entry(base).or_insert_with(|| self.bases[base].read(self.arguments.engine));
        let Some(mut input) = base.clone() else {
            self.note(|summary| summary.left_out += 1);
            return Ok(());
        };
        mutate(&mut input, &mut chance);
        let (ours, theirs) = runner.both(&input)?;
        let Some(difference) = difference::compare(&ours, &theirs, self.arguments.texts) else {
            self.note(|summary| {
                summary.compared += 1;
                match ours {
                    Outcome::Done(_) => summary.both_done += 1,
                    _ => summary.both_failed += 1,
                }
            });
            return Ok(());
        };
        // A program that does not agree with itself cannot be agreed with.
        if runner.theirs_again(&input)? != theirs {
            self.note(|summary| summary.left_out += 1);
            return Ok(());
        }
        self.note(|summary| summary.compared += 1);
        match known::find(&input, difference.kind, &ours, &theirs) {
            Some(known) => self.note(|summary| *summary.known.entry(known.reason).or_default() += 1),
            None if self.is_new(&difference, run) => self.found(runner, input, &difference, run)?,
            None => {}
        }
        Ok(())
    }

    /// Counts a difference; whether it is the first of its kind.
    fn is_new(&self, difference: &Difference, run: u64) -> bool {
        self.with(|summary| {
            let key = (difference.kind, difference.shape.clone());
            let (count, _) = summary.found.entry(key).or_insert((0, run));
            *count += 1;
            *count == 1
        })
    }

    fn found(&self, runner: &Runner, input: Input, difference: &Difference, run: u64) -> Result<(), String> {
        let small = shrink(runner, input, difference)?;
        let (ours, theirs) = runner.both(&small)?;
        let seed = self.arguments.seed;
        let finding = Finding { input: &small, difference, ours: &ours, theirs: &theirs, seed, run };
        let place: PathBuf = self.arguments.out.join(format!("{:?}-{seed}-{run}", difference.kind));
        report::write(&finding, &place).map_err(|error| format!("{}: {error}", place.display()))
    }

    fn note(&self, change: impl FnOnce(&mut Summary)) {
        self.with(change);
    }

    fn with<T>(&self, look: impl FnOnce(&mut Summary) -> T) -> T {
        look(&mut self.summary.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
