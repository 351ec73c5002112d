//! Kustomizations in process: the native engine behind [`Engine::Native`](super::Engine).

mod charts;
mod failure;

use bytes::Bytes;
use tree::TreePath;

use super::documents::Printed;
use super::{Job, on_stack};
use crate::error::Result;
use crate::request::KustomizeOptions;
use ::kustomize::{Limits, LoadRestrictor, Options, Output};

pub(crate) use charts::{Charts, Found};

/// What paths in messages begin with: the root of the repository, as with the program.
const ROOT: &str = ".";

/// Builds the kustomization in `folder`, which leads through no link.
///
/// # Errors
/// Kustomize's text ([`Kind::Invalid`](crate::error::Kind::Invalid)); what is not in the repository, and what is never
/// run ([`Kind::Precondition`](crate::error::Kind::Precondition)); a budget that is used up; a tree that cannot answer.
pub(super) fn kustomize(job: &Job, folder: &TreePath, options: &KustomizeOptions) -> Result<Printed> {
    let output = on_stack(|| build(job, folder, options))??;
    let warnings = output.warnings().iter().map(|line| line.trim_start_matches("# Warning:").trim());
    let warnings = warnings.filter(|line| !line.is_empty()).map(str::to_owned).collect();
    Ok(Printed { documents: Bytes::from(output.text()), warnings })
}

fn build(job: &Job, folder: &TreePath, options: &KustomizeOptions) -> Result<Output> {
    let load_restrictor =
        if options.load_restrictions_none { LoadRestrictor::None } else { LoadRestrictor::RootOnly };
    let options = Options {
        load_restrictor,
        display_root: ROOT,
        limits: Limits { bytes: job.budgets.export_bytes, ..Limits::default() },
        stop: &|| job.stop.check().is_err(),
        ..Options::default()
    };
    ::kustomize::build(&*job.tree, folder, &options).map_err(|error| failure::failed(job, &error))
}
