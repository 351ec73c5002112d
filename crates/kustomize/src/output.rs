//! From finished resources to the text that is printed.

use std::collections::BTreeMap;

use yaml::v2;

use crate::data;
use crate::error::Result;
use crate::fieldspec::FieldSpec;
use crate::labels;
use crate::namespace::wrong_kind;
use crate::origin::{ORIGIN, TRANSFORMATIONS};
use crate::reader;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::version::KustomizeVersion;

const INTERNAL: [&str; 16] = [
    "previousKinds",
    "previousNames",
    "previousNamespaces",
    "prefixes",
    "suffixes",
    "refBy",
    "generatorBehavior",
    "needsHashSuffix",
    "allowNameChange",
    "allowKindChange",
    "path",
    "index",
    "seqindent",
    "id",
    "annotations-migration-resource-id",
    "helm-generated",
];
const OTHERS: [&str; 3] = ["config.kubernetes.io/path", "config.kubernetes.io/index", "config.k8s.io/id"];

/// What of a resource's history is printed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) origin: bool,
    pub(crate) transformations: bool,
}

/// Forgets resources that are only for the build.
///
/// # Errors
/// A patch has left a resource without kind or name, or two with the same.
pub(crate) fn drop_local(map: &mut ResMap) -> Result<()> {
    for resource in &map.list {
        if !resource.kind().is_empty() && !resource.name().is_empty() {
            reader::check(&resource.node)?;
            continue;
        }
        let mut shown = resource.clone();
        let mut annotations = shown.texts("annotations");
        annotations.extend(resource.history_annotations());
        shown.set_texts("annotations", &annotations);
        reader::check(&shown.node)?;
    }
    map.list.retain(|resource| !is_local(resource));
    map.check_unique()
}

fn is_local(resource: &Resource) -> bool {
    resource.annotation("config.kubernetes.io/local-config").is_some_and(|value| value != "false")
}

/// The label that names the program.
///
/// # Errors
/// Labels that are there are no map.
pub(crate) fn add_managed_by(map: &mut ResMap, version: KustomizeVersion) -> Result<()> {
    let label = ("app.kubernetes.io/managed-by".to_owned(), format!("kustomize-v{version}"));
    labels::transform(map, &BTreeMap::from([label]), &[FieldSpec::new("metadata/labels", true)])
}

/// The documents, each with a line break at its end.
///
/// # Errors
/// A document has equal keys or something JSON cannot hold.
pub(crate) fn documents(map: &mut ResMap, shown: Shown) -> Result<Vec<String>> {
    map.list.iter_mut().map(|resource| document(resource, shown)).collect()
}

fn document(resource: &mut Resource, shown: Shown) -> Result<String> {
    if !resource.texts("annotations").is_empty() || resource.has_history() {
        remove_annotations(resource, is_internal)?;
    }
    if !shown.origin {
        let done = remove_annotations(resource, |key| key == ORIGIN);
        done.map_err(|error| error.under("failed to clean up origin tracking annotations"))?;
    }
    if !shown.transformations {
        let done = remove_annotations(resource, |key| key == TRANSFORMATIONS);
        done.map_err(|error| error.under("failed to clean up transformer annotations"))?;
    }
    let done = resource.value().and_then(|value| Ok(v2::marshal(&value)?));
    done.map_err(|error| data::explain_output(&resource.node, error))
}

/// Takes annotations out. All that are left become text, and a second block of them takes those of the first.
fn remove_annotations(resource: &mut Resource, is_removed: impl Fn(&str) -> bool) -> Result<()> {
    if resource.node.at(&["metadata", "annotations"]).is_none() {
        return Ok(());
    }
    let mut annotations = resource.texts("annotations");
    annotations.retain(|key, _| !is_removed(key));
    match resource.second_block("annotations") {
        Some(other) if other.as_map().is_none() && !other.is_null() && !annotations.is_empty() => {
            return Err(wrong_kind("MappingNode", other));
        }
        _ => {}
    }
    resource.set_texts("annotations", &annotations);
    Ok(())
}

fn is_internal(key: &str) -> bool {
    let internal = key.strip_prefix("internal.config.kubernetes.io/");
    internal.is_some_and(|name| INTERNAL.contains(&name)) || OTHERS.contains(&key)
}
