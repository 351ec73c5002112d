//! From a tree and options to manifests: one engine call. Runs on the blocking pool, under the budgets of its job.

mod body;
pub mod detect;
pub mod directory;
mod documents;
mod environment;
pub mod exec;
mod finish;
pub mod helm;
mod job;
pub mod jsonnet;
pub mod kustomize;
mod memory;
mod order;
mod output;
mod release;
mod stack;
mod values;
pub mod walk;
pub mod worker;

use tree::{Tree, TreePath};
use yaml::Limits;

pub use body::Body;
pub use documents::Printed;
pub use job::{Budgets, Chance, Job, Lent, Stop};
pub use kustomize::{Mounted, Remotes, Want};
pub(crate) use memory::engine_budget;
use memory::within_budget;
pub use order::{OrderOrigin, RenderOrder, RenderOutcome, SourceOrder};
pub(crate) use stack::on_stack;

use self::detect::Type;
use crate::error::{Error, Kind, Result};
use crate::request::{Manifests, Renderer};

/// What renders charts, or kustomizations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// This process.
    #[default]
    Native,
    /// The program of that name.
    Exec,
}

/// Where engines run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// In worker processes: see [`worker`].
    Process,
    /// In this process, all but Jsonnet programs.
    #[default]
    None,
}

/// What to do about a dependency of a chart that is not there.
const VENDOR: &str =
    "run `helm dependency build` and commit the folder charts/: dependencies are not fetched at render time";

/// What renders, as configured.
#[derive(Clone, Debug, Default)]
pub struct Engines {
    /// Where Jsonnet programs are evaluated.
    pub jsonnet: jsonnet::Evaluation,
    /// What renders charts.
    pub helm: Engine,
    /// How [`Engine::Native`] renders them.
    pub native_helm: helm::Settings,
    /// What builds kustomizations.
    pub kustomize: Engine,
    /// What [`Engine::Native`] builds them with.
    pub native_kustomize: kustomize::Settings,
    /// The programs of [`Engine::Exec`].
    pub exec: exec::Settings,
}

/// Renders one source: its manifests in order. Their `source` is left 0.
///
/// # Errors
/// What is wrong with the job's folder or files; a budget or the time that ran out.
pub fn render(job: &Job, engines: &Engines) -> Result<Manifests> {
    within_budget(&job.stop, || render_within_budget(job, engines))
}

fn render_within_budget(job: &Job, engines: &Engines) -> Result<Manifests> {
    let folder = folder(&*job.tree, &job.path)?;
    let renderer = match &job.renderer {
        Renderer::Detect => detect::renderer(&*job.tree, &folder)?,
        chosen => chosen.clone(),
    };
    match &renderer {
        Renderer::Directory(options) => {
            Ok(directory::render(job, &folder, options, engines)?.finish(Type::Directory.name()))
        }
        Renderer::Helm(options) => {
            let printed = match engines.helm {
                Engine::Native => helm::helm(job, &folder, &engines.native_helm, options)?,
                Engine::Exec => exec::helm(job, &folder, &engines.exec, options)?,
            };
            Ok(documents::output(job, &folder, &printed)?.finish(Type::Helm.name()))
        }
        Renderer::Kustomize(options) => {
            let edited = kustomize::edited(job, &folder, &options.edits)?;
            let printed = match engines.kustomize {
                Engine::Native => kustomize::kustomize(&edited, &folder, engines, options)?,
                Engine::Exec => exec::kustomize(&edited, &folder, &engines.exec, options)?,
            };
            Ok(documents::output(job, &folder, &printed)?.finish(Type::Kustomize.name()))
        }
        Renderer::Detect => Err(Error::new(Kind::Internal, "no renderer was detected")),
    }
}

/// What rendering needs that is neither in the trees nor mounted; a second call after mounting may need more.
///
/// # Errors
/// An address that is never used, and a budget that is used up. What else is wrong is left for [`render`] to say.
pub fn wants(job: &Job, engines: &Engines) -> Result<Vec<Want>> {
    within_budget(&job.stop, || wants_within_budget(job, engines))
}

fn wants_within_budget(job: &Job, engines: &Engines) -> Result<Vec<Want>> {
    let Ok(folder) = folder(&*job.tree, &job.path) else { return Ok(Vec::new()) };
    let renderer = match &job.renderer {
        Renderer::Detect => detect::renderer(&*job.tree, &folder)?,
        chosen => chosen.clone(),
    };
    match (&renderer, engines.kustomize) {
        (Renderer::Kustomize(options), Engine::Native) => {
            kustomize::missing(job, &folder, &engines.native_kustomize, options)
        }
        // The program fetches nothing: its scan refuses what lies elsewhere.
        _ => Ok(Vec::new()),
    }
}

/// The budgets of one document of `bytes` bytes. Nodes bound the memory of the values, aliases counted as often as they
/// are used: four million are more than a document within the size budget usually has, and about 200 MB.
fn document_limits(bytes: usize) -> Limits {
    Limits { bytes, nodes: 4_000_000, ..Limits::default() }
}

/// Whether a line speaks of something that must not be shown.
fn names_secret(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["password", "secret", "token"].iter().any(|word| line.contains(word))
}

/// The folder that a job's path leads to (spec: argocd.md §3.9).
fn folder(tree: &dyn Tree, path: &TreePath) -> Result<TreePath> {
    let real = tree::resolve(tree, path)?;
    let (kind, message) = match tree.kind(&real)? {
        Some(tree::Kind::Folder) => return Ok(real),
        // Listing it says what it is.
        Some(tree::Kind::Submodule) => return tree.list(&real).map(|_| real).map_err(Error::from),
        Some(_) => (Kind::Invalid, "app path is not a directory"),
        None => (Kind::NotFound, "app path does not exist"),
    };
    Err(Error::new(kind, format!("{path}: {message}")))
}
