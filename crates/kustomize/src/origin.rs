//! Where a resource comes from and what changed it: the annotations of `buildMetadata`.
//!
//! Source: kustomize 5.8.1 `api/resource/origin.go`.

use crate::address;
use crate::error::Result;
use crate::fieldspec::{self, Create, FieldSpec};
use crate::namespace::wrong_kind;
use crate::node::{List, Map, Node, Scalar};
use crate::reader;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::yaml3;

pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// What kustomize calls the root of a repository.
const NOT_CLONED: &str = "notCloned";

/// A place in a repository, and what is configured there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    path: String,
    repo: String,
    reference: String,
    configured_in: String,
    configured_by: Vec<(&'static str, String)>,
}

impl Origin {
    /// Something below this one, or in the repository that `path` is the address of.
    pub(crate) fn below(&self, path: &str) -> Self {
        let Ok(Some(address)) = address::parse(path) else {
            return Self { path: joined(&self.path, path), ..self.clone() };
        };
        let path = if address.folder.is_empty() { NOT_CLONED } else { &address.folder };
        Self {
            path: joined("", path),
            repo: address::shown(&address.repository),
            reference: address.reference,
            ..self.clone()
        }
    }

    /// A built-in generator or transformer of the kustomization file here.
    pub(crate) fn builtin(&self, file: &str, kind: &str) -> Self {
        let by = vec![("apiVersion", "builtin".to_owned()), ("kind", kind.to_owned())];
        self.configured(joined(&self.path, file), by)
    }

    /// What a resource describes that configures a generator or transformer.
    pub(crate) fn of_plugin(resource: &Resource) -> Option<Self> {
        let here = read(resource)?;
        let api_version = resource.gvk().api_version();
        let by = [
            ("apiVersion", api_version.as_str()),
            ("kind", resource.kind()),
            ("name", resource.name()),
            ("namespace", resource.namespace()),
        ];
        let by = by.iter().filter(|(_, text)| !text.is_empty());
        let by = by.map(|(key, text)| (*key, (*text).to_owned())).collect();
        Some(here.configured(here.path.clone(), by))
    }

    fn configured(&self, file: String, by: Vec<(&'static str, String)>) -> Self {
        Self {
            path: String::new(),
            repo: self.repo.clone(),
            reference: self.reference.clone(),
            configured_in: file,
            configured_by: by,
        }
    }

    fn node(&self) -> Node {
        let mut out = Map::default();
        let texts = [
            ("path", &self.path),
            ("repo", &self.repo),
            ("ref", &self.reference),
            ("configuredIn", &self.configured_in),
        ];
        for (key, text) in texts.iter().filter(|(_, text)| !text.is_empty()) {
            out.put(key, Node::from_value(&text.as_str().into()));
        }
        if !self.configured_by.is_empty() {
            let by = self.configured_by.iter();
            let entries = by.map(|(key, text)| (Scalar::text(key), Node::from_value(&text.as_str().into())));
            out.put("configuredBy", Node::Map(Map { entries: entries.collect(), flow: false }));
        }
        Node::Map(out)
    }

    /// Writes it on a resource that was read, among the first annotations there are.
    ///
    /// # Errors
    /// What is there is no map.
    pub(crate) fn add(&self, resource: &mut Resource) -> Result<()> {
        let text = yaml3::emit(&self.node());
        let spec = FieldSpec::new("metadata/annotations", true);
        fieldspec::apply_to_any(resource, &spec, Create::Map, &mut |node| match node {
            Node::Map(map) => {
                map.set(ORIGIN, Node::text(&text));
                Ok(())
            }
            other => Err(wrong_kind("MappingNode", other)),
        })
    }

    /// Writes it on a resource; all annotations become text.
    pub(crate) fn put(&self, resource: &mut Resource) {
        annotate(resource, ORIGIN, yaml3::emit(&self.node()));
    }

    /// Notes that this changed every resource; one that says nothing yet was made by it.
    pub(crate) fn transformed(&self, map: &mut ResMap) {
        for resource in &mut map.list {
            if budget::work(resource.annotation(TRANSFORMATIONS).map_or(1, str::len)).is_err() {
                // Whoever runs the next step is told.
                return;
            }
            if resource.annotation(ORIGIN).is_none() {
                self.put(resource);
                continue;
            }
            let before = resource.annotation(TRANSFORMATIONS).and_then(parse);
            let mut items = match before {
                Some(Node::List(list)) => list.items,
                _ => Vec::new(),
            };
            items.push(self.node());
            annotate(resource, TRANSFORMATIONS, yaml3::emit(&Node::List(List { items, flow: false })));
        }
    }
}

fn annotate(resource: &mut Resource, key: &str, text: String) {
    let mut annotations = resource.texts("annotations");
    annotations.insert(key.to_owned(), text);
    resource.set_texts("annotations", &annotations);
}

fn parse(text: &str) -> Option<Node> {
    reader::parse(text.as_bytes(), &yaml::Limits::default()).ok()?
}

/// The origin a resource says it has.
fn read(resource: &Resource) -> Option<Origin> {
    let node = parse(resource.annotation(ORIGIN)?)?;
    let text = |key: &str| node.get(key).map_or("", Node::raw).to_owned();
    Some(Origin { path: text("path"), repo: text("repo"), reference: text("ref"), ..Origin::default() })
}

/// Two paths, one after the other, without detours.
fn joined(base: &str, path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in base.split('/').chain(path.split('/')).filter(|name| !matches!(*name, "" | ".")) {
        if name == ".." && names.last().is_some_and(|last| *last != "..") {
            names.pop();
        } else {
            names.push(name);
        }
    }
    names.join("/")
}
