//! From kustomize's failures to ours: kind and advice.

use ::kustomize::ErrorKind;

use crate::error::{Error, Kind};
use crate::render::Job;

/// What to do about a part that lies elsewhere.
const COPY: &str = "copy what it names into the repository, or add it as a source of its own";

/// What to do about what is never run.
const REWRITE: &str = "write it with the fields and plugins that are built into kustomize";

/// A kustomization that could not be built.
pub(super) fn failed(job: &Job, error: &::kustomize::Error) -> Error {
    let of = |kind| Error::new(kind, error.to_string());
    if let Some(failed) = error.tree() {
        return of(Error::from(failed.clone()).kind());
    }
    match error.kind() {
        ErrorKind::Invalid | ErrorKind::Malformed | ErrorKind::Address | ErrorKind::Tree => of(Kind::Invalid),
        ErrorKind::Refused => of(Kind::Precondition).help(REWRITE),
        ErrorKind::Remote => of(Kind::Precondition).help(COPY),
        // Whoever stopped it knows why.
        ErrorKind::Limit => job.stop.check().err().unwrap_or_else(|| of(Kind::OverBudget)),
    }
}
