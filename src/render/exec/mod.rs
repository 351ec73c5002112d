//! Helm and Kustomize through their own programs: what they need of the tree is written into a private folder, and the
//! program runs there under limits. Chosen by configuration; the reference the native engines are compared with.

mod export;
mod helm;
mod kustomize;
mod plugins;
mod room;
mod scan;
mod schema;
#[cfg(test)]
pub(super) mod testing;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use bytes::Bytes;

pub use helm::helm;
pub use kustomize::kustomize;
pub use room::sweep;

use self::room::Room;
use super::Job;
use crate::error::Result;
use crate::process::{Call, Limits, Program};

/// How to get helm.
pub const GET_HELM: &str = "install helm 4 (https://helm.sh/docs/intro/install/) and start the server with it in its PATH or configured";

/// How to get kustomize.
pub const GET_KUSTOMIZE: &str = "install kustomize 5 (https://kubectl.docs.kubernetes.io/installation/kustomize/) \
                                 and start the server with it in its PATH or configured";

/// What a program may say on standard error.
const STDERR_BYTES: u64 = 1 << 20;

/// The programs, and where they work.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The helm program.
    pub helm: Program,
    /// The kustomize program.
    pub kustomize: Program,
    /// The folder private folders are made in; nobody else uses it.
    pub scratch: PathBuf,
}

impl Settings {
    /// Looks for the programs: `helm` and `kustomize` are paths, or names to look for in `search` (a `PATH`).
    #[must_use]
    pub fn find(helm: &Path, kustomize: &Path, search: &OsStr, scratch: PathBuf) -> Self {
        Self {
            helm: Program::find("helm", helm, search, GET_HELM),
            kustomize: Program::find("kustomize", kustomize, search, GET_KUSTOMIZE),
            scratch,
        }
    }
}

impl Default for Settings {
    /// Neither program, and nowhere to work.
    fn default() -> Self {
        Self::find(Path::new("helm"), Path::new("kustomize"), OsStr::new(""), PathBuf::new())
    }
}

/// A program about to run in a room.
struct Run<'a> {
    program: &'a Program,
    title: &'a str,
    arguments: Vec<String>,
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl Run<'_> {
    /// Runs it to its end: standard output and standard error.
    fn run(self, job: &Job, room: &Room) -> Result<(Bytes, String)> {
        let call = Call {
            program: self.program,
            title: self.title,
            arguments: self.arguments,
            room: room.path(),
            folder: &self.folder,
            environment: self.environment,
            limits: Limits {
                // The program's YAML is longer than our JSON by its indentation.
                stdout_bytes: job.budgets.output_bytes.saturating_mul(2),
                stderr_bytes: STDERR_BYTES,
                data_bytes: job.budgets.program_bytes,
            },
            hidden: vec![
                (room.inline_values(), "<inline values>"),
                (room.source(), "."),
                (room.path().to_owned(), "<temporary folder>"),
            ],
        };
        let output = call.run_blocking(|| job.stop.check())?;
        Ok((output.stdout, output.stderr))
    }
}
