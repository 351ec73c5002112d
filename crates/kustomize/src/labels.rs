//! `labels`, `commonLabels` and `commonAnnotations`: texts set at the places of field specs.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::fieldspec::{self, Create, FieldSpec};
use crate::namespace::wrong_kind;
use crate::node::Node;
use crate::resmap::ResMap;

/// Sets texts wherever a spec points.
///
/// # Errors
/// What is there is no map.
pub(crate) fn transform(
    map: &mut ResMap,
    texts: &BTreeMap<String, String>,
    specs: &[FieldSpec],
) -> Result<()> {
    if texts.is_empty() {
        return Ok(());
    }
    for resource in &mut map.list {
        for spec in specs {
            fieldspec::apply(resource, spec, Create::Map, &mut |node| set(node, texts))?;
        }
    }
    Ok(())
}

fn set(node: &mut Node, texts: &BTreeMap<String, String>) -> Result<()> {
    if node.is_null() {
        *node = Node::map();
    }
    let Node::Map(map) = node else { return Err(wrong_kind("MappingNode", node)) };
    for (key, text) in texts {
        map.set(key, Node::text(text));
    }
    Ok(())
}
