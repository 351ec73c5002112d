//! Generated resources: ConfigMaps and Secrets from literals, files and env files, and how they meet existing ones.

mod base64;
pub(crate) mod hash;
pub(crate) mod helm;
pub(crate) mod iam;
mod sources;

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::kustomization::{ConfigMapArgs, GeneratorOptions, SecretArgs};
use crate::loader::Loader;
use crate::namespace::wrong_kind;
use crate::node::{Map, Node, Scalar};
use crate::origin::ORIGIN;
use crate::resource::{Behavior, Resource, quoted};
use crate::version::Profile;

use sources::{Pair, Sources};

/// Makes a ConfigMap.
///
/// # Errors
/// It has no name; a source is wrong or repeats a key.
pub(crate) fn config_map(
    loader: &Loader<'_>,
    args: &ConfigMapArgs,
    global: Option<&GeneratorOptions>,
) -> Result<Resource> {
    let head =
        Head { kind: "ConfigMap", name: &args.name, namespace: &args.namespace, behavior: &args.behavior };
    let pairs = Sources { envs: &args.envs, literals: &args.literals, files: &args.files }.load(loader)?;
    let mut map = head.start()?;
    let (mut data, mut binary) = (Vec::new(), Vec::new());
    for pair in unique(pairs, &args.name)? {
        budget::charge(PAIR_BYTES + 2 * pair.value.len())?;
        match String::from_utf8(pair.value) {
            Ok(text) => data.push((pair.key, text)),
            Err(error) => binary.push((pair.key, base64::wrapped(error.as_bytes()))),
        }
    }
    for (field, entries) in [("data", data), ("binaryData", binary)] {
        if !entries.is_empty() {
            map.put(field, texts(entries));
        }
    }
    Ok(head.finish(map, args.options.as_ref(), global, loader.shared.profile()))
}

/// Makes a Secret.
///
/// # Errors
/// As [`config_map`].
pub(crate) fn secret(
    loader: &Loader<'_>,
    args: &SecretArgs,
    global: Option<&GeneratorOptions>,
) -> Result<Resource> {
    let head =
        Head { kind: "Secret", name: &args.name, namespace: &args.namespace, behavior: &args.behavior };
    let pairs = Sources { envs: &args.envs, literals: &args.literals, files: &args.files }.load(loader)?;
    let mut map = head.start()?;
    let kind = if args.r#type.is_empty() { "Opaque" } else { &args.r#type };
    map.put("type", Node::text(kind));
    let mut entries = Vec::new();
    for pair in unique(pairs, &args.name)? {
        // Twice in base64: as it is encoded, and as the text of the node.
        budget::charge(PAIR_BYTES + 3 * pair.value.len())?;
        entries.push((pair.key, base64::wrapped(&pair.value)));
    }
    map.put("data", texts(entries));
    Ok(head.finish(map, args.options.as_ref(), global, loader.shared.profile()))
}

/// What a pair takes beside its texts.
const PAIR_BYTES: usize = 2 * size_of::<(Scalar, Node)>();

/// What both kinds begin with.
struct Head<'a> {
    kind: &'static str,
    name: &'a str,
    namespace: &'a str,
    behavior: &'a str,
}

impl Head<'_> {
    fn start(&self) -> Result<Map> {
        if self.name.is_empty() {
            return Err(Error::new("a configmap must have a name"));
        }
        let mut metadata = Map::default();
        metadata.put("name", quoted(self.name));
        if !self.namespace.is_empty() {
            metadata.put("namespace", quoted(self.namespace));
        }
        let mut map = Map::default();
        map.put("apiVersion", Node::text("v1"));
        map.put("kind", Node::text(self.kind));
        map.put("metadata", Node::Map(metadata));
        Ok(map)
    }

    fn finish(
        &self,
        mut map: Map,
        local: Option<&GeneratorOptions>,
        global: Option<&GeneratorOptions>,
        profile: &'static Profile,
    ) -> Resource {
        let options = combined(local, global);
        if options.immutable {
            map.put("immutable", Node::Scalar(Scalar::tagged("true", "!!bool")));
        }
        let mut resource = Resource::new(Node::Map(map), profile);
        for (field, texts) in [("labels", &options.labels), ("annotations", &options.annotations)] {
            if !texts.is_empty() {
                resource.set_texts(field, texts);
            }
        }
        resource.history.behavior = Behavior::parse(self.behavior);
        resource.history.is_generated = true;
        resource.history.needs_hash = !options.disable_hash;
        resource
    }
}

/// Local options over global ones; a flag set in either is set.
fn combined(local: Option<&GeneratorOptions>, global: Option<&GeneratorOptions>) -> GeneratorOptions {
    let mut out = global.cloned().unwrap_or_default();
    if let Some(local) = local {
        out.labels.extend(local.labels.clone());
        out.annotations.extend(local.annotations.clone());
        out.disable_hash |= local.disable_hash;
        out.immutable |= local.immutable;
    }
    out
}

fn unique(pairs: Vec<Pair>, name: &str) -> Result<Vec<Pair>> {
    let mut seen = BTreeMap::new();
    for pair in &pairs {
        if seen.insert(&pair.key, ()).is_some() {
            let key = &pair.key;
            return Err(Error::new(format!("configmap {name} illegally repeats the key `{key}`")));
        }
    }
    drop(seen);
    Ok(pairs)
}

fn texts(entries: Vec<(String, String)>) -> Node {
    let entries =
        entries.into_iter().map(|(key, value)| (Scalar::untagged(&key), Node::text(&value))).collect();
    Node::Map(Map { entries, flow: false })
}

/// A generated resource in place of an existing one.
pub(crate) fn replaced(old: &Resource, mut new: Resource) -> Resource {
    for field in ["labels", "annotations"] {
        let mut both = old.texts(field);
        both.extend(new.texts(field));
        new.set_texts(field, &both);
    }
    new.set_name(old.name());
    new.set_namespace(old.namespace());
    new.inherit(old);
    new.history.needs_hash &= old.history.needs_hash;
    new.history.behavior = old.history.behavior;
    new
}

/// A generated resource over an existing one, data by data.
///
/// # Errors
/// A text of a Secret is none.
pub(crate) fn merged(old: &Resource, new: Resource) -> Result<Resource> {
    let encoded = if new.profile.merges_string_data && is_secret(&new) { encoded(old)? } else { Vec::new() };
    let mut out = replaced(old, new);
    if let Some(origin) = old.annotation(ORIGIN) {
        let mut annotations = out.texts("annotations");
        annotations.insert(ORIGIN.to_owned(), origin.to_owned());
        out.set_texts("annotations", &annotations);
    }
    let gone = Node::map();
    for field in ["data", "binaryData"] {
        let before =
            old.node.get(field).unwrap_or(&gone).as_map().map(|map| map.entries.clone()).unwrap_or_default();
        let Some(root) = out.node.as_map_mut() else { continue };
        let mut all: BTreeMap<String, Node> =
            before.into_iter().map(|(key, value)| (key.text.to_string(), Node::text(value.raw()))).collect();
        if field == "data" {
            all.extend(encoded.iter().cloned());
        }
        let now = root.get(field).and_then(Node::as_map).map(|map| map.entries.clone()).unwrap_or_default();
        all.extend(now.into_iter().map(|(key, value)| (key.text.to_string(), value)));
        if !all.is_empty() {
            let entries = all.into_iter().map(|(key, value)| (Scalar::untagged(&key), value)).collect();
            root.put(field, Node::Map(Map { entries, flow: false }));
        }
    }
    Ok(out)
}

fn is_secret(resource: &Resource) -> bool {
    resource.kind() == "Secret" && resource.group_and_version() == ("", "v1")
}

/// The texts of a Secret's `stringData` as its `data` holds them.
fn encoded(secret: &Resource) -> Result<Vec<(String, Node)>> {
    let texts = match secret.node.get("stringData") {
        None => return Ok(Vec::new()),
        Some(node) if node.is_null() => return Ok(Vec::new()),
        Some(Node::Map(map)) => map.entries.iter().map(|(key, value)| match value {
            Node::Scalar(text) => {
                let text = if text.is_null() { "" } else { &text.text };
                Ok((key.text.to_string(), Node::text(&base64::wrapped(text.as_bytes()))))
            }
            _ => Err(Error::new(format!("stringData value for key {:?} must be a scalar", key.text))),
        }),
        Some(other) => return Err(not_normalized(secret, wrong_kind("MappingNode", other))),
    };
    texts.collect::<Result<_>>().map_err(|error| not_normalized(secret, error))
}

fn not_normalized(secret: &Resource, error: Error) -> Error {
    error.under("read stringData").under(format!("failed to normalize stringData for {}", secret.id()))
}
