//! What a kustomization names elsewhere: asked for before it is built, and mounted beside the repository.

use std::collections::BTreeMap;

use tree::TreePath;

use super::failure::failed;
use super::{Settings, edited, reading};
use crate::error::{Place, Result};
use crate::render::{Job, on_stack};
use crate::request::KustomizeOptions;
use ::kustomize::{Mounted, wants};

/// Where the parts are mounted that lie elsewhere, by the entries that name them.
pub type Remotes = BTreeMap<String, Mounted>;

/// A part that lies elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The entry as it is written.
    pub entry: String,
    /// The entry as messages show it.
    pub shown: String,
    /// The address of a file of the web; it is tried before the repository.
    pub file: Option<String>,
    /// The URL of a repository, and the revision; empty is `HEAD`.
    pub repository: Option<(String, String)>,
    /// The line that names it.
    pub place: Place,
}

/// What building `folder` needs that is neither in the tree nor mounted.
///
/// # Errors
/// [`Kind::Invalid`](crate::error::Kind::Invalid) for an address that is never used, and a budget that is used up.
pub(in crate::render) fn missing(
    job: &Job,
    folder: &TreePath,
    settings: &Settings,
    options: &KustomizeOptions,
) -> Result<Vec<Want>> {
    let job = &edited(job, folder, &options.edits)?;
    let stop = || job.stop.check().is_err();
    let found = on_stack(|| wants(&*job.tree, folder, &reading(job, options, settings, &stop)))?;
    Ok(found.map_err(|error| failed(job, &error))?.into_iter().map(Want::from).collect())
}

impl From<::kustomize::Want> for Want {
    fn from(want: ::kustomize::Want) -> Self {
        let shown = want.shown();
        let ::kustomize::Want { entry, file, repository, kustomization, line } = want;
        let path = kustomization
            .strip_prefix(super::ROOT)
            .map_or(kustomization.as_str(), |path| path.trim_start_matches('/'));
        let place = Place { file: path.into(), line, column: 0, text: "".into() };
        let repository = repository.map(|address| (address.repository, address.reference));
        Self { entry, shown, file, repository, place }
    }
}
