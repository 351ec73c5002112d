//! One resource under construction: its nodes, and what kustomize remembers about it between steps.

use std::collections::BTreeMap;
use std::sync::Arc;

use yaml::{ScalarStyle, Value};

use crate::data;
use crate::error::Result;
use crate::hints::Hints;
use crate::id::{Gvk, ResId};
use crate::node::{Map, Node, Scalar};
use crate::version::Profile;

/// A resource.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// The document; null once a patch has deleted it.
    pub(crate) node: Node,
    pub(crate) history: History,
    /// The version of kustomize it is built as.
    pub(crate) profile: &'static Profile,
    /// Schemas its comments held when it was read.
    pub(crate) hints: Option<Arc<Hints>>,
}

/// What kustomize keeps in annotations of its own while it builds.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Identities it had, oldest first.
    previous: Vec<Previous>,
    pub(crate) prefixes: Vec<Arc<str>>,
    pub(crate) suffixes: Vec<Arc<str>>,
    /// Names of the variables that are taken from it.
    pub(crate) vars: Vec<Arc<str>>,
    /// What the values that are one hold, by number.
    pub(crate) shares: Vec<Scalar>,
    /// Of a generated resource: how it meets one that is there.
    pub(crate) behavior: Behavior,
    pub(crate) is_generated: bool,
    pub(crate) needs_hash: bool,
    /// Of a patch: the target may take its name, or its kind.
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Previous {
    name: Arc<str>,
    namespace: Arc<str>,
    kind: Arc<str>,
}

/// How a generated resource meets one of the same identity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

impl Behavior {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

impl Resource {
    pub(crate) fn new(node: Node, profile: &'static Profile) -> Self {
        Self { node, history: History::default(), profile, hints: None }
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_gone(&self) -> bool {
        self.node.is_null() || self.node.is_empty_map()
    }

    pub(crate) fn gvk(&self) -> Gvk {
        let raw = |key: &str| self.node.get(key).map_or("", Node::raw);
        Gvk::new(raw("apiVersion"), raw("kind"))
    }

    /// The two parts of its apiVersion.
    pub(crate) fn group_and_version(&self) -> (&str, &str) {
        let text = self.node.get("apiVersion").map_or("", Node::raw);
        text.split_once('/').unwrap_or(("", text))
    }

    pub(crate) fn kind(&self) -> &str {
        self.node.get("kind").map_or("", Node::raw)
    }

    pub(crate) fn name(&self) -> &str {
        self.node.at(&["metadata", "name"]).map_or("", Node::raw)
    }

    pub(crate) fn namespace(&self) -> &str {
        self.node.at(&["metadata", "namespace"]).map_or("", Node::raw)
    }

    /// The identity it has now.
    pub(crate) fn id(&self) -> ResId {
        let text = |key: &str| shared_text(self.node.at(&["metadata", key]));
        ResId { gvk: self.gvk(), name: text("name"), namespace: text("namespace") }
    }

    /// The identity it had when it was read.
    pub(crate) fn original_id(&self) -> ResId {
        self.previous_ids().next().unwrap_or_else(|| self.id())
    }

    /// Identities it had before, oldest first. They carry the apiVersion it has now.
    pub(crate) fn previous_ids(&self) -> impl Iterator<Item = ResId> {
        let gvk = self.gvk();
        self.history.previous.iter().map(move |previous| ResId {
            gvk: Gvk { kind: previous.kind.clone(), ..gvk.clone() },
            name: previous.name.clone(),
            namespace: previous.namespace.clone(),
        })
    }

    /// Whether it is, or was, the resource of this identity.
    pub(crate) fn is_or_was(&self, id: &ResId) -> bool {
        self.has_any_id(|own| own.same(id, self.profile))
    }

    /// Whether it has, or had, an identity that fits.
    pub(crate) fn has_any_id(&self, fits: impl Fn(&ResId) -> bool) -> bool {
        fits(&self.id()) || self.previous_ids().any(|id| fits(&id))
    }

    /// Takes out the first `metadata.annotations` without any; kustomize does so before it notes something there.
    pub(crate) fn clear_empty_annotations(&mut self) {
        let is_empty = |node: &Node| match node {
            Node::Scalar(_) => true,
            Node::Map(map) => map.entries.is_empty(),
            Node::List(list) => list.items.is_empty(),
        };
        let Some(metadata) = self.node.get_mut("metadata").and_then(Node::as_map_mut) else { return };
        let mut entries = metadata.entries.iter();
        if let Some(at) = entries.position(|(key, value)| &*key.text == "annotations" && is_empty(value)) {
            metadata.entries.remove(at);
        }
    }

    /// Notes the present identity as one it had: its name, its namespace and its kind.
    ///
    /// # Errors
    /// The budget is used up.
    pub(crate) fn store_previous_id(&mut self) -> Result<()> {
        (0..3).for_each(|_| self.clear_empty_annotations());
        let id = self.id();
        budget::charge(2 * size_of::<Previous>() + id.namespace.len() + id.gvk.kind.len())?;
        let namespace = id.effective_namespace(self.profile).into();
        self.history.previous.push(Previous { name: id.name, namespace, kind: id.gvk.kind });
        Ok(())
    }

    /// Whether kustomize would have annotations of its own on it by now.
    pub(crate) fn has_history(&self) -> bool {
        let h = &self.history;
        !h.previous.is_empty() || !h.prefixes.is_empty() || !h.suffixes.is_empty() || h.is_generated
    }

    /// Those annotations, for messages that show the resource.
    pub(crate) fn history_annotations(&self) -> BTreeMap<String, String> {
        let h = &self.history;
        let csv = |items: &mut dyn Iterator<Item = &Arc<str>>| {
            items.map(ToString::to_string).collect::<Vec<_>>().join(",")
        };
        let lists = [
            ("previousKinds", csv(&mut h.previous.iter().map(|p| &p.kind))),
            ("previousNames", csv(&mut h.previous.iter().map(|p| &p.name))),
            ("previousNamespaces", csv(&mut h.previous.iter().map(|p| &p.namespace))),
            ("prefixes", csv(&mut h.prefixes.iter())),
            ("suffixes", csv(&mut h.suffixes.iter())),
        ];
        let lists = lists.into_iter().filter(|(_, text)| !text.is_empty());
        lists.map(|(key, text)| (format!("internal.config.kubernetes.io/{key}"), text)).collect()
    }

    /// Takes over what another remembers, for a resource that replaces it.
    pub(crate) fn inherit(&mut self, other: &Self) {
        self.history.previous.clone_from(&other.history.previous);
        self.history.prefixes.clone_from(&other.history.prefixes);
        self.history.suffixes.clone_from(&other.history.suffixes);
        self.history.vars.clone_from(&other.history.vars);
    }

    pub(crate) fn set_name(&mut self, name: &str) {
        set_untagged(self.metadata(), "name", name);
    }

    /// Writes the namespace; an empty one is taken out.
    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        if namespace.is_empty() {
            if let Some(metadata) = self.node.get_mut("metadata").and_then(Node::as_map_mut) {
                metadata.remove("namespace");
            }
            return;
        }
        set_untagged(self.metadata(), "namespace", namespace);
    }

    /// Writes the kind alone.
    pub(crate) fn set_kind(&mut self, kind: &str) {
        if let Some(map) = self.node.as_map_mut() {
            set_untagged(map, "kind", kind);
        }
    }

    /// Writes the apiVersion alone.
    pub(crate) fn set_api_version(&mut self, gvk: &Gvk) {
        if let Some(map) = self.node.as_map_mut() {
            set_untagged(map, "apiVersion", &gvk.api_version());
        }
    }

    /// `metadata.labels` or `metadata.annotations` as text.
    pub(crate) fn texts(&self, field: &str) -> BTreeMap<String, String> {
        let map = self.node.at(&["metadata", field]).and_then(Node::as_map);
        let entries = map.into_iter().flat_map(|map| &map.entries);
        entries.map(|(key, value)| (key.text.to_string(), value.raw().to_owned())).collect()
    }

    /// One of `metadata.annotations`.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.node.at(&["metadata", "annotations"])?.get(key).map(Node::raw)
    }

    /// Rewrites `metadata.labels` or `metadata.annotations` as sorted text; nothing in it takes the field out. A field
    /// that is written twice is not looked for here: the texts go over those of the next one, as in kustomize.
    pub(crate) fn set_texts(&mut self, field: &str, texts: &BTreeMap<String, String>) {
        let metadata = self.metadata();
        metadata.remove(field);
        if texts.is_empty() {
            return;
        }
        let block = metadata.entry(field, Node::map);
        if block.as_map().is_none() {
            *block = Node::map();
        }
        let Node::Map(block) = block else { return };
        if block.entries.is_empty() {
            let entries = texts.iter().map(|(key, value)| (Scalar::untagged(key), Node::text(value)));
            block.entries = entries.collect();
        } else {
            texts.iter().for_each(|(key, value)| block.set(key, Node::text(value)));
        }
    }

    /// What `metadata` holds where a field is written the second time.
    pub(crate) fn second_block(&self, field: &str) -> Option<&Node> {
        let metadata = self.node.get("metadata").and_then(Node::as_map)?;
        metadata.entries.iter().filter(|(key, _)| &*key.text == field).map(|(_, value)| value).nth(1)
    }

    /// `metadata`, made if it is missing.
    pub(crate) fn metadata(&mut self) -> &mut Map {
        if self.node.as_map().is_none() {
            self.node = Node::map();
        }
        let root = self.node.as_map_mut().expect("it was just made a map");
        let metadata = root.entry("metadata", Node::map);
        if metadata.as_map().is_none() {
            *metadata = Node::map();
        }
        metadata.as_map_mut().expect("it was just made a map")
    }

    /// The data of the document.
    pub(crate) fn value(&self) -> Result<Value> {
        data::of(&self.node, self.profile).map_err(|error| data::explain(&self.node, error))
    }

    /// The data with the annotations kustomize would have on it, for messages.
    pub(crate) fn shown(&self) -> Result<Value> {
        let mut copy = self.clone();
        let mut annotations = copy.texts("annotations");
        annotations.extend(self.history_annotations());
        copy.set_texts("annotations", &annotations);
        copy.value()
    }
}

/// The text of a scalar, shared with it; names may be long and there may be many of them.
fn shared_text(node: Option<&Node>) -> Arc<str> {
    node.and_then(Node::as_scalar).map_or_else(|| "".into(), |scalar| scalar.text.clone())
}

/// Writes a text without tag, in the style of what was there; a new text that YAML 1.1 would read as something else
/// is quoted.
fn set_untagged(map: &mut Map, key: &str, text: &str) {
    if let Some(old) = map.get_mut(key) {
        old.set_text(text);
        return;
    }
    map.entries.push((Scalar::text(key), quoted(text)));
}

/// A text without tag that keeps meaning text because of how it is written.
pub(crate) fn quoted(text: &str) -> Node {
    let is_text = !yaml::v2::emit(&text.into()).starts_with('"');
    let style = if is_text { ScalarStyle::Plain } else { ScalarStyle::DoubleQuoted };
    Node::Scalar(Scalar { style, ..Scalar::untagged(text) })
}
