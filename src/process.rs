//! Run a program: the one builder that fixes environment, folder, input, limits, and the end of everything it started.
//!
//! A program is started by ourselves, executed again as launcher (`launch`): the limits are set in the new process
//! before it becomes the program. It never sees our environment, our descriptors or a shell; where the kernel can
//! (Landlock), it reaches no network and no files but its own room and the system's programs. It runs in a process group
//! of its own, which is killed whole when the call ends, for whatever reason: done, failed, over a limit, dropped.

mod confine;
mod launch;
mod program;
mod run;
mod walls;

use std::path::{Path, PathBuf};

use bytes::Bytes;

pub use confine::confines;
pub use launch::launched;
pub use program::Program;
pub use walls::{breaches, keep_descriptors, wall_in};

use crate::error::Result;

/// How often a running program's call looks at whether it should stop.
const GLANCE: std::time::Duration = std::time::Duration::from_millis(20);

/// Where nothing can be found: an empty search path would mean the working folder to some programs.
const NO_PATH: &str = "/dev/null";

/// One run of a program.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// What runs.
    pub program: &'a Program,
    /// What messages call it, for example `helm template .`: arguments may hold secrets and are not shown.
    pub title: &'a str,
    /// Its arguments, each on its own: no shell splits or expands them.
    pub arguments: Vec<String>,
    /// The private folder that holds all it needs; also its home and the place of its temporary files.
    pub room: &'a Path,
    /// The folder it works in, in its room.
    pub folder: &'a Path,
    /// Its environment, besides locale, time zone, home and an empty search path.
    pub environment: Vec<(&'static str, String)>,
    /// What it may use up.
    pub limits: Limits,
    /// Host paths that must not show in messages, each with what to show instead; the first that fits wins.
    pub hidden: Vec<(PathBuf, &'static str)>,
}

/// What a program may use up. Its time is limited by whoever says when to stop.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes on standard output.
    pub stdout_bytes: u64,
    /// Bytes on standard error.
    pub stderr_bytes: u64,
    /// Memory for data (`RLIMIT_DATA`).
    pub data_bytes: u64,
}

/// What a program that succeeded had to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Standard output.
    pub stdout: Bytes,
    /// Standard error, host paths hidden.
    pub stderr: String,
}

impl Call<'_> {
    /// Runs the program to its end; `stop` is asked again and again whether to go on.
    ///
    /// # Errors
    /// - [`Kind::Precondition`](crate::error::Kind::Precondition) when the program is not installed,
    /// - [`Kind::Invalid`](crate::error::Kind::Invalid) when an argument holds NUL, or the program fails: its standard
    ///   error is the message,
    /// - [`Kind::OverBudget`](crate::error::Kind::OverBudget) when an argument is longer than the system takes, or the
    ///   program says or needs more than its limits allow,
    /// - what `stop` answers.
    pub async fn run(&self, stop: impl Fn() -> Result<()>) -> Result<Output> {
        run::run(self, stop).await
    }

    /// The same for code that is not asynchronous; blocks its thread, which must not be one that drives a runtime.
    ///
    /// # Errors
    /// As [`Call::run`], and [`Kind::Unavailable`](crate::error::Kind::Unavailable) when there is no runtime and none
    /// can be started.
    pub fn run_blocking(&self, stop: impl Fn() -> Result<()>) -> Result<Output> {
        if let Ok(handle) = tokio::runtime::Handle::try_current() {
            return handle.block_on(self.run(stop));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| run::unavailable("start a runtime", &error))?.block_on(self.run(stop))
    }

    /// The text without host paths and without control characters other than line ends and tabs.
    fn hide(&self, text: &str) -> String {
        let hidden = self.hidden.iter().fold(text.to_owned(), |text, (path, instead)| {
            path.to_str().map_or(text.clone(), |path| text.replace(path, instead))
        });
        hidden.chars().filter(|char| !char.is_control() || matches!(char, '\n' | '\t')).collect()
    }
}
