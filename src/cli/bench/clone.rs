//! `bench clone`: clone and first render of a large repository, against `git clone --bare --depth 1` of it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::repository::{Repository, app_folder, apps, finish, git};
use super::service::manifestd;
use super::stats::{Latencies, Millis};
use super::{failed, say};
use crate::error::Result;

/// Rounds, of which the median counts.
const ROUNDS: usize = 5;

/// Applications and files of each: over 50,000 objects.
const SHAPE: (usize, usize) = (5_000, 10);

/// Measures both in turn and prints every round and the ratio of the medians.
pub(super) fn run() -> Result<()> {
    let repository = Repository::serve(apps(SHAPE.0, SHAPE.1))?;
    say(&format!("a repository of {} objects", repository.objects()?))?;
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(by_git(&repository.url())?);
        ours.push(by_manifestd(&repository.url())?);
        let last = |all: &[Duration]| Millis(all.last().copied().unwrap_or_default()).to_string();
        say(&format!("git clone {}   manifestd render {}", last(&theirs), last(&ours)))?;
    }
    let (theirs, ours) = (Latencies::new(theirs).median(), Latencies::new(ours).median());
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    say(&format!("ratio of the medians: {ratio:.2} (wanted: at most 1.50)"))
}

fn by_git(url: &str) -> Result<Duration> {
    let folder = TempDir::new().map_err(|error| failed("making a temporary folder", &error))?;
    let begun = Instant::now();
    let arguments = ["clone", "--quiet", "--bare", "--depth", "1", url];
    finish(git().args(arguments).arg(folder.path().join("clone.git")))?;
    Ok(begun.elapsed())
}

fn by_manifestd(url: &str) -> Result<Duration> {
    let folder = TempDir::new().map_err(|error| failed("making a temporary folder", &error))?;
    let begun = Instant::now();
    finish(render(manifestd()?, url).arg("--data-dir").arg(folder.path()))?;
    Ok(begun.elapsed())
}

fn render(mut command: Command, url: &str) -> Command {
    command.args(["render", url, "--revision", "main", "--path", &app_folder(0), "--log-level=warn"]);
    command.stdin(Stdio::null());
    command
}
