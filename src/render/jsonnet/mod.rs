//! Jsonnet programs of a directory source (spec: argocd.md §3.6), evaluated by `rsjsonnet` in a worker process.
//!
//! A pure program can take all memory (`s + s`, again and again) or never end, and nothing inside an evaluator that is
//! not ours can bound that. So the binary starts itself again as a worker with a memory limit: it holds no secret and
//! opens no file; what it imports is read here, from the tree, and handed over.

mod child;
mod explain;
mod imports;
mod program;
mod wire;
mod worker;

use std::path::PathBuf;

use tree::TreePath;
use yaml::Value;

pub use worker::worked;

use self::child::Worker;
use self::imports::Imports;
use self::wire::{Answer, Failure, Order, Variable};
use super::{Job, document_limits, names_secret};
use crate::error::{Error, Kind, Place, Result};
use crate::request::{JsonnetOptions, JsonnetVar};

/// The data size a worker may use: several times what the largest published programs (kube-prometheus) need.
const MEMORY: u64 = 512 << 20;

/// How programs are evaluated.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The executable that becomes a worker by calling [`worked`] first: as a rule this very one.
    pub program: PathBuf,
    /// Its data size in bytes.
    pub memory: u64,
}

impl Default for Settings {
    fn default() -> Self {
        // Also after an upgrade has replaced the file.
        Self { program: PathBuf::from("/proc/self/exe"), memory: MEMORY }
    }
}

/// Evaluates the programs of one source, one after the other, in one worker that starts with the first.
pub(super) struct Evaluator<'a> {
    job: &'a Job,
    settings: &'a Settings,
    options: &'a JsonnetOptions,
    imports: Imports<'a>,
    worker: Option<Worker>,
}

impl<'a> Evaluator<'a> {
    /// For the programs in `folder`.
    ///
    /// # Errors
    /// When a library is no path in the tree.
    pub(super) fn new(
        job: &'a Job,
        settings: &'a Settings,
        folder: &TreePath,
        options: &'a JsonnetOptions,
    ) -> Result<Self> {
        let imports = Imports::new(job, folder, &options.libs)?;
        Ok(Self { job, settings, options, imports, worker: None })
    }

    /// The value of the program at `path`, whose text is `code`.
    ///
    /// # Errors
    /// What the program or one of its imports has wrong, with the place; a limit it ran into.
    pub(super) fn evaluate(&mut self, path: &TreePath, code: &[u8]) -> Result<Value> {
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start(self.settings, self.job)?,
        };
        let json = self.run(&mut worker, path, code).map_err(|error| error.at(file_only(path)))?;
        self.worker = Some(worker);
        yaml::json::from_str(&json, &document_limits(json.len())).map_err(|error| {
            Error::new(Kind::OverBudget, format!("the program's value: {error}")).at(file_only(path))
        })
    }

    fn run(&mut self, worker: &mut Worker, path: &TreePath, code: &[u8]) -> Result<String> {
        let order = Order::Evaluate {
            file: path.as_str().to_owned(),
            ext_vars: variables(&self.options.ext_vars),
            tlas: variables(&self.options.tlas),
        };
        let mut refusal = None;
        let mut answer = worker.ask(&order, code)?;
        loop {
            match answer {
                (Answer::Done, json) => {
                    return String::from_utf8(json)
                        .map_err(|_| Error::new(Kind::Internal, "the jsonnet worker sent no text"));
                }
                (Answer::Failed(failure), _) => return Err(explained(failure, refusal)),
                (Answer::Import { from, path }, _) => match self.imports.find(&from, &path) {
                    Ok((file, content)) => {
                        answer = worker.ask(&Order::Found { file: file.as_str().to_owned() }, &content)?;
                    }
                    Err(error) => {
                        refusal = Some(error);
                        answer = worker.ask(&Order::Refused, &[])?;
                    }
                },
            }
        }
    }
}

fn variables(variables: &[JsonnetVar]) -> Vec<Variable> {
    let copy =
        |from: &JsonnetVar| Variable { name: from.name.clone(), value: from.value.clone(), code: from.code };
    variables.iter().map(copy).collect()
}

/// The failure as an error with its place; an import's failure is the reason it was refused for.
fn explained(failure: Failure, refusal: Option<Error>) -> Error {
    let error = match refusal {
        Some(refusal) if failure.import => refusal,
        _ => Error::new(Kind::Invalid, format!("failed to evaluate jsonnet: {}", failure.message)),
    };
    let place = failure.spot.map(|spot| Place {
        file: spot.file.into(),
        line: spot.line,
        column: spot.column,
        text: if names_secret(&spot.text) { "".into() } else { spot.text.into() },
    });
    match place {
        Some(place) => error.at(place),
        None => error,
    }
}

fn file_only(path: &TreePath) -> Place {
    Place { file: path.as_str().into(), line: 0, column: 0, text: "".into() }
}
