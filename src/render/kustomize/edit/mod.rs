//! The options that Argo CD writes into a kustomization with `kustomize edit` before it builds: here they make an edited
//! kustomization file, laid over the source, which stays as it is (spec: argocd.md §3.4).
//!
//! The rules are those of `kustomize edit` 5.8.1. What cannot be read is left alone, so that the build says what is
//! wrong with it.

mod components;
mod fields;
mod images;
mod labels;
mod patches;
mod replicas;

use std::sync::Arc;

use tree::{Kind as Entry, MemoryTree, Overlay, TreePath};
use yaml::{Limits, Value, v2};

use self::fields::Fields;
use crate::error::{Error, Kind, Result};
use crate::render::Job;
use crate::request::KustomizeEdits;

/// The names of a kustomization file.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The largest kustomization file that is edited, in bytes: one with a thousand patches is a tenth of it.
const MAX_BYTES: u64 = 16 << 20;

/// The job with the edited kustomization of `folder` laid over its tree; the same where nothing is to be edited.
///
/// # Errors
/// [`Kind::Invalid`] for what kustomize would not take, in its words; a tree that cannot answer.
pub(crate) fn edited(job: &Job, folder: &TreePath, edits: &KustomizeEdits) -> Result<Job> {
    if edits.is_empty() {
        return Ok(job.clone());
    }
    let Some((path, mut fields)) = read(job, folder)? else { return Ok(job.clone()) };
    Edit { job, folder, edits }.apply(&mut fields)?;
    let text = v2::marshal(&fields.into_value())
        .map_err(|error| Error::new(Kind::Invalid, format!("the edited kustomization: {error}")))?;
    let upper = MemoryTree::from_files([(path.as_str(), text)])?;
    let tree = Overlay::new(Arc::clone(&job.tree), Arc::new(upper));
    Ok(Job { tree: Arc::new(tree), ..job.clone() })
}

/// The kustomization file of a folder through its links, if there is just one and it can be read.
fn read(job: &Job, folder: &TreePath) -> Result<Option<(TreePath, Fields)>> {
    let mut found = Vec::new();
    for name in NAMES {
        let path = folder.child(name);
        if tree::kind_of(&*job.tree, &path)? == Some(Entry::File) {
            found.push(tree::resolve(&*job.tree, &path)?);
        }
    }
    let [path] = found.as_slice() else { return Ok(None) };
    if job.tree.size(path)? > MAX_BYTES {
        let message = format!("{path}: the kustomization is larger than {MAX_BYTES} bytes");
        return Err(Error::new(Kind::OverBudget, message));
    }
    let content = job.tree.read(path)?;
    let fields = match v2::to_value(&content, &Limits::default()) {
        Ok(Value::Null) => Fields::default(),
        Ok(Value::Map(map)) => Fields::of(&map),
        Ok(_) | Err(_) => return Ok(None),
    };
    Ok(Some((path.clone(), fields)))
}

/// One kustomization and what is to be changed in it.
struct Edit<'a> {
    job: &'a Job,
    folder: &'a TreePath,
    edits: &'a KustomizeEdits,
}

impl Edit<'_> {
    /// All changes, in the order in which Argo CD makes them.
    fn apply(&self, fields: &mut Fields) -> Result<()> {
        let edits = self.edits;
        fields.set_text("namePrefix", &edits.name_prefix);
        fields.set_text("nameSuffix", &edits.name_suffix);
        if !edits.images.is_empty() {
            images::set(fields, &edits.images)?;
        }
        if !edits.replicas.is_empty() {
            replicas::set(fields, &edits.replicas)?;
        }
        labels::add_labels(fields, edits)?;
        labels::add_annotations(fields, edits)?;
        fields.set_text("namespace", &edits.namespace);
        if !edits.patches.is_empty() {
            patches::append(fields, &edits.patches)?;
        }
        components::add(fields, self)
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, message)
}

#[cfg(test)]
mod tests;
