//! Group, version, kind and identity of a resource, as kustomize compares and prints them.

use std::fmt;
use std::sync::Arc;

use crate::schema;
use crate::version::Profile;

/// Group, version and kind; an empty part matches anything where this selects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Gvk {
    pub(crate) group: Arc<str>,
    pub(crate) version: Arc<str>,
    pub(crate) kind: Arc<str>,
}

/// A resource's identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResId {
    pub(crate) gvk: Gvk,
    pub(crate) name: Arc<str>,
    /// As written, empty when absent.
    pub(crate) namespace: Arc<str>,
}

/// The namespace of what has none.
pub(crate) const CLUSTER: &str = "_non_namespaceable_";
const DEFAULT: &str = "default";

impl Gvk {
    pub(crate) fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether each part that `selector` names is the same here.
    pub(crate) fn is_selected(&self, selector: &Gvk) -> bool {
        let fits = |wanted: &str, have: &str| wanted.is_empty() || wanted == have;
        fits(&selector.group, &self.group)
            && fits(&selector.version, &self.version)
            && fits(&selector.kind, &self.kind)
    }

    pub(crate) fn is_cluster_scoped(&self, profile: &Profile) -> bool {
        schema::is_cluster_scoped(self, profile)
    }

    /// The text kinds of equal rank are ordered by.
    pub(crate) fn sort_text(&self) -> String {
        let or =
            |text: &str, none: &'static str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
        format!("{}_{}_{}", or(&self.group, "~G"), or(&self.version, "~V"), or(&self.kind, "~K"))
    }
}

impl ResId {
    /// The namespace that counts: none for kinds that have none, `default` where it is not written.
    pub(crate) fn effective_namespace(&self, profile: &Profile) -> &str {
        if self.gvk.is_cluster_scoped(profile) {
            CLUSTER
        } else if self.namespace.is_empty() {
            DEFAULT
        } else {
            &self.namespace
        }
    }

    /// Whether both name the same resource.
    pub(crate) fn same(&self, other: &ResId, profile: &Profile) -> bool {
        self.name == other.name
            && self.gvk == other.gvk
            && self.effective_namespace(profile) == other.effective_namespace(profile)
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or =
            |text: &'_ Arc<str>, none: &'static str| if text.is_empty() { none.into() } else { text.clone() };
        let (kind, version) = (or(&self.kind, "[noKind]"), or(&self.version, "[noVer]"));
        write!(f, "{kind}.{version}.{}", or(&self.group, "[noGrp]"))
    }
}

impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { "[noName]" } else { &self.name };
        let namespace = if self.namespace.is_empty() { "[noNs]" } else { &self.namespace };
        write!(f, "{}/{name}.{namespace}", self.gvk)
    }
}

#[cfg(test)]
mod tests;
