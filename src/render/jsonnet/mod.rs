//! Jsonnet programs of a directory source (spec: argocd.md §3.6), evaluated by `rsjsonnet` in a worker process.
//!
//! A pure program can take all memory (`s + s`, again and again) or never end, and nothing inside an evaluator that is
//! not ours can bound that. So a worker evaluates it, whatever the rest of the source is rendered in: a process that
//! holds no secret, opens no file and asks the server for what is imported (`render/worker`).

mod explain;
mod imports;
mod program;

use std::rc::Rc;

use tree::TreePath;
use yaml::Value;

use self::imports::Imports;
use self::program::{Failure, Importer, Input, Source};
use super::worker::{self, JsonnetProgram, WorkerPool};
use super::{Job, document_limits, names_secret, on_stack};
use crate::error::{Error, Kind, Place, Result};
use crate::request::JsonnetOptions;

/// Where programs are evaluated.
#[derive(Clone, Debug)]
pub enum Evaluation {
    /// In workers of this pool.
    InWorker(WorkerPool),
    /// In this process, which is a worker.
    Here,
}

impl Default for Evaluation {
    fn default() -> Self {
        Self::InWorker(WorkerPool::default())
    }
}

/// Evaluates the programs of one source, one after the other.
pub(super) struct Evaluator<'a> {
    folder: TreePath,
    options: &'a JsonnetOptions,
    evaluation: &'a Evaluation,
    local: LocalEvaluator<'a>,
}

impl<'a> Evaluator<'a> {
    /// For the programs in `folder`.
    ///
    /// # Errors
    /// When a library is no path in the tree.
    pub(super) fn new(
        job: &'a Job,
        evaluation: &'a Evaluation,
        folder: &TreePath,
        options: &'a JsonnetOptions,
    ) -> Result<Self> {
        let local = LocalEvaluator::new(job, folder, options)?;
        Ok(Self { folder: folder.clone(), options, evaluation, local })
    }

    /// The value of the program at `path`, whose text is `code`.
    ///
    /// # Errors
    /// What the program or one of its imports has wrong, with the place; a limit it ran into.
    pub(super) fn evaluate(&mut self, path: &TreePath, code: &[u8]) -> Result<Value> {
        let json = match self.evaluation {
            Evaluation::Here => self.local.evaluate(path, code),
            Evaluation::InWorker(pool) => self.evaluate_in(pool, path, code),
        };
        let json = json.map_err(|error| error.at(file_only(path)))?;
        yaml::json::from_str(&json, &document_limits(json.len())).map_err(|error| {
            Error::new(Kind::OverBudget, format!("the program's value: {error}")).at(file_only(path))
        })
    }

    fn evaluate_in(&mut self, pool: &WorkerPool, path: &TreePath, code: &[u8]) -> Result<String> {
        let import_bytes = self.local.imports.left;
        let program =
            JsonnetProgram { folder: &self.folder, file: path, code, options: self.options, import_bytes };
        let (json, left) = worker::evaluate(self.local.job, pool, &program)?;
        self.local.imports.left = left;
        Ok(json)
    }
}

/// Evaluates programs in this process, which nothing bounds: for workers.
pub(super) struct LocalEvaluator<'a> {
    job: &'a Job,
    options: &'a JsonnetOptions,
    imports: Imports<'a>,
}

impl<'a> LocalEvaluator<'a> {
    /// For the programs in `folder`.
    ///
    /// # Errors
    /// When a library is no path in the tree.
    pub(super) fn new(job: &'a Job, folder: &TreePath, options: &'a JsonnetOptions) -> Result<Self> {
        Ok(Self { job, options, imports: Imports::new(job, folder, &options.libs)? })
    }

    /// The bytes that may still be imported.
    pub(super) fn import_bytes(&self) -> u64 {
        self.imports.left
    }

    /// From now on so many bytes may be imported.
    pub(super) fn set_import_bytes(&mut self, bytes: u64) {
        self.imports.left = bytes;
    }

    /// The value of the program at `path`, whose text is `code`, as JSON.
    ///
    /// # Errors
    /// What the program or one of its imports has wrong, with the place.
    pub(super) fn evaluate(&mut self, path: &TreePath, code: &[u8]) -> Result<String> {
        let most = self.job.budgets.output_bytes;
        let json = on_stack(|| {
            let input = Input {
                source: Source { file: Rc::from(path.as_str()), content: Rc::from(code) },
                ext_vars: &self.options.ext_vars,
                tlas: &self.options.tlas,
            };
            let mut importing = Importing { imports: &mut self.imports, refusal: None };
            let evaluated = program::evaluate(&input, &mut importing);
            evaluated.map_err(|failure| explained(failure, importing.refusal))
        })??;
        if json.len() as u64 > most {
            let message = format!("the program's value is larger than {most} bytes");
            return Err(Error::new(Kind::OverBudget, message).help("split the application"));
        }
        Ok(json)
    }
}

/// Imports for one program, and why the last one was refused.
struct Importing<'i, 'a> {
    imports: &'i mut Imports<'a>,
    refusal: Option<Error>,
}

impl Importer for Importing<'_, '_> {
    fn import(&mut self, from: &str, path: &str) -> Option<Source> {
        match self.imports.find(from, path) {
            Ok((file, content)) => {
                Some(Source { file: Rc::from(file.as_str()), content: Rc::from(&content[..]) })
            }
            Err(error) => {
                self.refusal = Some(error);
                None
            }
        }
    }
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
