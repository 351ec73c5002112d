//! `namespace`: moves every resource that has a namespace, and the subjects of role bindings.

use std::collections::HashMap;
use std::sync::Arc;

use yaml::json;

use crate::error::{Error, Result};
use crate::fieldspec::{self, Create, FieldSpec};
use crate::generators::helm;
use crate::id::Gvk;
use crate::node::{Node, Scalar};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::yaml3;

/// Which subjects of role bindings are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`.
    #[default]
    DefaultOnly,
    /// Every service account.
    AllServiceAccounts,
    /// None.
    None,
}

/// What to do.
#[derive(Clone, Debug)]
pub(crate) struct Namespace {
    pub(crate) namespace: String,
    /// Leave a namespace that is there.
    pub(crate) unset_only: bool,
    pub(crate) subjects: Subjects,
    pub(crate) specs: Vec<FieldSpec>,
}

impl Namespace {
    /// Moves the resources.
    ///
    /// # Errors
    /// Two resources become the same.
    pub(crate) fn transform(&self, map: &mut ResMap) -> Result<()> {
        let mut moved = false;
        for resource in &mut map.list {
            let by_helm = resource.annotation(helm::GENERATED) == Some("true");
            if resource.is_gone() || by_helm {
                continue;
            }
            if self.namespace.is_empty() {
                let id = resource.id().to_string();
                return Err(Error::new(format!("Invalid Input: namespace is blank for resource {id:?}")));
            }
            resource.store_previous_id()?;
            self.apply(resource)?;
            moved = true;
        }
        if moved { check_conflicts(map) } else { Ok(()) }
    }

    pub(crate) fn apply(&self, resource: &mut Resource) -> Result<()> {
        let gvk = resource.gvk();
        if !gvk.is_cluster_scoped(resource.profile) {
            let metadata = resource.metadata();
            self.set(metadata.entry("namespace", || Node::Scalar(Scalar::untagged(""))))?;
        }
        if matches!(&*gvk.kind, "RoleBinding" | "ClusterRoleBinding") {
            self.move_subjects(resource)?;
        }
        for spec in &self.specs {
            let is_namespace = spec.kind == "Namespace" && spec.path == "metadata/name";
            if is_handled(spec) || is_namespace && !gvk.group.is_empty() {
                continue;
            }
            fieldspec::apply(resource, spec, Create::Scalar, &mut |node| match node {
                Node::Scalar(_) => self.set(node),
                _ => Err(wrong_kind("ScalarNode", node)),
            })
            .map_err(|error| error.under("namespace field specs must target scalar nodes"))?;
        }
        Ok(())
    }

    fn set(&self, node: &mut Node) -> Result<()> {
        if !self.unset_only || node.raw().is_empty() {
            budget::charge(self.namespace.len())?;
            node.replace(Node::text(&self.namespace));
        }
        Ok(())
    }

    fn move_subjects(&self, resource: &mut Resource) -> Result<()> {
        if self.subjects == Subjects::None {
            return Ok(());
        }
        let Some(Node::List(subjects)) = resource.node.get_mut("subjects") else { return Ok(()) };
        for subject in subjects.items.iter_mut().filter_map(Node::as_map_mut) {
            let raw = |key: &str| subject.get(key).map_or("", Node::raw);
            let wanted = match self.subjects {
                Subjects::DefaultOnly => raw("name") == "default",
                _ => raw("kind") == "ServiceAccount",
            };
            if wanted {
                self.set(subject.entry("namespace", || Node::Scalar(Scalar::untagged(""))))?;
            }
        }
        Ok(())
    }
}

/// Places that are handled whatever the configuration says.
fn is_handled(spec: &FieldSpec) -> bool {
    let is_binding = matches!(spec.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
    spec.path == "metadata/namespace" || is_binding && spec.path == "subjects/namespace"
}

/// `wrong node kind`, with the node.
pub(crate) fn wrong_kind(wanted: &str, node: &Node) -> Error {
    let (found, text) = (node.kind_name(), yaml3::emit(node));
    Error::new(format!("wrong node kind: expected {wanted} but got {found}: node contents:\n{text}"))
}

/// What an identity takes in the table of all.
const ID_BYTES: usize = 2 * size_of::<Identity>();

/// What tells resources apart.
type Identity = (Gvk, Arc<str>, String);

/// The resources of the first identity that several have.
fn first_conflict<'s, 'm>(
    map: &ResMap,
    seen: &'s HashMap<Identity, Vec<&'m Resource>>,
) -> Result<Option<&'s Vec<&'m Resource>>> {
    for resource in &map.list {
        let id = resource.id();
        budget::work(id.name.len() + 2 * id.namespace.len())?;
        let namespace = id.effective_namespace(resource.profile).to_owned();
        if let Some(same) = seen.get(&(id.gvk, id.name, namespace)).filter(|same| same.len() > 1) {
            return Ok(Some(same));
        }
    }
    Ok(None)
}

fn check_conflicts(map: &ResMap) -> Result<()> {
    let mut seen: HashMap<Identity, Vec<&Resource>> = HashMap::new();
    for resource in &map.list {
        let id = resource.id();
        budget::charge(ID_BYTES + id.name.len() + 2 * id.namespace.len())?;
        let namespace = id.effective_namespace(resource.profile).to_owned();
        seen.entry((id.gvk, id.name, namespace)).or_default().push(resource);
    }
    let Some(first) = first_conflict(map, &seen)? else { return Ok(()) };
    let texts: Result<Vec<_>> =
        first.iter().map(|resource| Ok(json::to_string(&resource.shown()?)?)).collect();
    Err(Error::new(format!("namespace transformation produces ID conflict: [{}]", texts?.join(" "))))
}

#[cfg(test)]
mod tests;
