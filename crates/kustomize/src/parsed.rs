//! Files that several builds share once they are parsed: a base is read for the first of its overlays only.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use recent::Recent;
use tree::PresentId;
use yaml::Value;

use crate::node::{Node, Scalar};
use crate::resource::Resource;
use crate::version::KustomizeVersion;

/// What a node takes beside its text, about.
const NODE_BYTES: u64 = 96;

/// Parsed files, by the id of their content, which the tree that asks has proven to hold itself. One of them may serve
/// any number of builds at once, over any trees, as long as they have the same [`crate::Limits::yaml`]. Keeps what was
/// used last, within a number of bytes.
pub struct Parsed {
    resources: Mutex<Recent<ResourcesKey, File<Arc<[Resource]>>>>,
    kustomizations: Mutex<Recent<PresentId, File<Value>>>,
}

/// What a file of resources holds depends on the version it is read for, too.
type ResourcesKey = (KustomizeVersion, PresentId);

/// A parsed file, and how long its text was.
#[derive(Clone)]
pub(crate) struct File<T> {
    pub(crate) content: T,
    pub(crate) bytes: usize,
    /// What a copy of it takes in memory.
    pub(crate) weight: usize,
}

impl Parsed {
    /// Nothing yet; at most `bytes` bytes of memory, about.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        // Kustomizations are small beside what they name.
        let generation = bytes / 2;
        Self {
            resources: Mutex::new(Recent::new(generation / 8 * 7)),
            kustomizations: Mutex::new(Recent::new(generation / 8)),
        }
    }

    pub(crate) fn resources(&self, id: &ResourcesKey) -> Option<File<Arc<[Resource]>>> {
        self.resources.lock().unwrap_or_else(PoisonError::into_inner).get(id)
    }

    pub(crate) fn put_resources(&self, id: ResourcesKey, content: &[Resource], bytes: usize) {
        let weight = content.iter().map(|resource| weight_of_node(&resource.node)).sum();
        let copy = content.iter().map(|resource| size_of::<Resource>() + resource.node.weight()).sum();
        let file = File { content: content.into(), bytes, weight: copy };
        self.resources.lock().unwrap_or_else(PoisonError::into_inner).put(id, file, weight);
    }

    pub(crate) fn kustomization(&self, id: &PresentId) -> Option<File<Value>> {
        self.kustomizations.lock().unwrap_or_else(PoisonError::into_inner).get(id)
    }

    pub(crate) fn put_kustomization(&self, id: PresentId, content: Value, bytes: usize) {
        let weight = weight_of_value(&content);
        let file = File { content, bytes, weight: 0 };
        self.kustomizations.lock().unwrap_or_else(PoisonError::into_inner).put(id, file, weight);
    }
}

impl fmt::Debug for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is kept changes no build.
        f.write_str("Parsed")
    }
}

/// What nodes take: not what their text did, since aliases may stand for any number of them.
fn weight_of_node(node: &Node) -> u64 {
    let inner: u64 = match node {
        Node::Scalar(scalar) => scalar.text.len() as u64,
        Node::List(list) => list.items.iter().map(weight_of_node).sum(),
        Node::Map(map) => {
            let entry =
                |(key, value): &(Scalar, Node)| NODE_BYTES + key.text.len() as u64 + weight_of_node(value);
            map.entries.iter().map(entry).sum()
        }
    };
    inner + NODE_BYTES
}

/// What a value takes, its shared parts as often as they are used.
fn weight_of_value(value: &Value) -> u64 {
    let inner: u64 = match value {
        Value::String(text) => text.len() as u64,
        Value::List(list) => list.iter().map(weight_of_value).sum(),
        Value::Map(map) => map.iter().map(|(key, value)| key.len() as u64 + weight_of_value(value)).sum(),
        _ => 0,
    };
    inner + NODE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_weigh_what_they_stand_for() {
        let weight = |text: &str| {
            let limits = yaml::Limits::default();
            let node = crate::reader::parse(text.as_bytes(), &limits).unwrap().unwrap();
            let value = yaml::v2::to_value(text.as_bytes(), &limits).unwrap();
            (weight_of_node(&node), weight_of_value(&value))
        };
        let (node, value) = weight("a: &a [x, x, x, x, x, x, x, x]\nb: [*a, *a, *a, *a, *a, *a, *a, *a]\n");
        assert!(node > 70 * NODE_BYTES && value > 70 * NODE_BYTES, "{node} {value}");
        assert_eq!(weight("abc"), (NODE_BYTES + 3, NODE_BYTES + 3));
    }
}
