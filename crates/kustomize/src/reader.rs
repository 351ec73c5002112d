//! From the bytes of a resource file to resources: documents split, lists taken apart, names checked.

use std::collections::VecDeque;
use std::sync::Arc;

use yaml::{Dialect, Document, Limits, Source, Value};

use crate::data;
use crate::error::{Error, ErrorKind, Result};
use crate::hints;
use crate::node::{Node, ReadLimits};
use crate::resource::Resource;
use crate::version::Profile;

/// The resources of a file, in order.
///
/// # Errors
/// [`ErrorKind::Malformed`] when it is not YAML; a document without kind or name.
pub(crate) fn resources(bytes: &[u8], limits: &Limits, profile: &'static Profile) -> Result<Vec<Resource>> {
    let found = documents(bytes, limits, profile)?;
    found.iter().try_for_each(|resource| check(&resource.node))?;
    inline_lists(found)
}

/// The documents of a file that hold something; a lone `List` is taken apart.
fn documents(bytes: &[u8], limits: &Limits, profile: &'static Profile) -> Result<Vec<Resource>> {
    if std::str::from_utf8(bytes).is_err() {
        // The reader knows what is wrong with the bytes, and where.
        parse(bytes, limits)?;
    }
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let chunks = split(&text)?;
    let alone = chunks.len() == 1;
    let mut found = Vec::new();
    for (at, chunk) in chunks.iter().enumerate() {
        let whole = if at + 1 < chunks.len() { format!("{chunk}\n") } else { (*chunk).to_owned() };
        let Some(node) = parse(whole.as_bytes(), limits)? else { continue };
        match node {
            node if node.is_null() => {}
            node if alone && is_plain_list(&node) => {
                found.extend(items(node).into_iter().map(|node| Resource::new(node, profile)));
            }
            node => {
                let hints = hints::read(&whole, &node, limits);
                let hints = Some(hints).filter(|hints| !hints.is_empty()).map(Arc::new);
                found.push(Resource { hints, ..Resource::new(node, profile) });
            }
        }
    }
    Ok(found)
}

/// The first document of a text as nodes.
pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Option<Node>> {
    let malformed = |error: yaml::Error| {
        let kind = if error.is_limit() { ErrorKind::Limit } else { ErrorKind::Malformed };
        Error::of(kind, error.to_string())
    };
    let source = Source::new(bytes, limits).map_err(malformed)?;
    let Some(document) = Document::first(&source, Dialect::V3, limits).map_err(malformed)? else {
        return Ok(None);
    };
    let mut limits = ReadLimits::new(limits);
    Node::read(document.root(), &mut limits).map(Some)
}

/// Chunks between lines that begin with `---`.
fn split(text: &str) -> Result<Vec<&str>> {
    let mut chunks = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(found) = text[from..].find("\n---") {
        let at = from + found;
        let Some(end) = text[at + 4..].find('\n').map(|n| at + 4 + n) else { break };
        let rest = text[at + 4..end].trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            let line = text[at..end].trim();
            return Err(Error::new(format!("invalid document separator: {line}")));
        }
        chunks.push(&text[start..at]);
        (start, from) = (end + 1, end + 1);
    }
    chunks.push(&text[start..]);
    Ok(chunks)
}

fn is_plain_list(node: &Node) -> bool {
    matches!(node.get("kind").map_or("", Node::raw), "List" | "ResourceList")
        && node.get("items").is_some_and(|items| items.as_list().is_some())
}

fn items(node: Node) -> Vec<Node> {
    let Node::Map(mut map) = node else { return Vec::new() };
    match map.remove("items") {
        Some(Node::List(list)) => list.items,
        _ => Vec::new(),
    }
}

/// Puts the items of `FooList` documents behind everything else.
fn inline_lists(found: Vec<Resource>) -> Result<Vec<Resource>> {
    let mut queue = VecDeque::from(found);
    let mut out = Vec::with_capacity(queue.len());
    while let Some(resource) = queue.pop_front() {
        let node = &resource.node;
        let kind = node.get("kind").map_or("", Node::raw);
        if !kind.ends_with("List") || node.get("items").is_none() {
            out.push(resource);
            continue;
        }
        let value = data::as_read(node, resource.profile).map_err(|error| data::explain(node, error))?;
        match value.get("items") {
            Some(Value::List(items)) => {
                for item in items.iter() {
                    let item = Node::from_json(item);
                    check(&item)?;
                    queue.push_back(Resource::new(item, resource.profile));
                }
            }
            None | Some(Value::Null) => {}
            Some(other) => {
                let found = go_type(other);
                return Err(Error::new(format!("expected array in {kind}/items, but found {found}")));
            }
        }
    }
    Ok(out)
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Map(_) => "map[string]interface {}",
        Value::String(_) => "string",
        Value::Bool(_) => "bool",
        Value::Float(_) => "float64",
        _ => "int",
    }
}

/// A document has to have a kind and, unless it is a list, a name.
pub(crate) fn check(node: &Node) -> Result<()> {
    let has_meta = ["apiVersion", "kind", "metadata"].iter().any(|field| node.get(field).is_some());
    if !has_meta {
        return Err(Error::new("missing Resource metadata"));
    }
    let kind = text(node.get("kind"));
    if kind.is_empty() {
        return Err(Error::new(format!("missing kind in object {}", go_meta(node))));
    }
    let has_name = !text(node.at(&["metadata", "name"])).is_empty();
    if !has_name && !kind.ends_with("List") {
        return Err(Error::new(format!("missing metadata.name in object {}", go_meta(node))));
    }
    Ok(())
}

/// A null is no name.
fn text(node: Option<&Node>) -> &str {
    node.filter(|node| !node.is_null()).map_or("", Node::raw)
}

/// Metadata as Go prints the struct.
fn go_meta(node: &Node) -> String {
    let raw = |path: &[&str]| text(node.at(path));
    let map = |field: &str| {
        let entries = node.at(&["metadata", field]).and_then(Node::as_map).map(|map| &map.entries);
        let mut texts: Vec<_> =
            entries.into_iter().flatten().map(|(k, v)| format!("{}:{}", k.text, v.raw())).collect();
        texts.sort_unstable();
        texts.join(" ")
    };
    format!(
        "{{{{{} {}}} {{{{{} {}}} map[{}] map[{}]}}}}",
        raw(&["apiVersion"]),
        raw(&["kind"]),
        raw(&["metadata", "name"]),
        raw(&["metadata", "namespace"]),
        map("labels"),
        map("annotations"),
    )
}
