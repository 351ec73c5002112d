//! `labels`, `commonLabels` and `commonAnnotations`: texts set at the places of field specs.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::fieldspec::{self, Create, FieldSpec};
use crate::namespace::wrong_kind;
use crate::node::{Node, Scalar};
use crate::resmap::ResMap;
use crate::shares;

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
    let scalars: Vec<Scalar> = texts.values().map(|text| Scalar::text(text)).collect();
    for resource in &mut map.list {
        budget::charge(scalars.len() * size_of::<(&String, Scalar)>())?;
        let values: Vec<_> = match specs {
            [_] => scalars.clone(),
            _ => shares::values(resource, &scalars),
        };
        let pairs: Vec<_> = texts.keys().zip(values).collect();
        for spec in specs {
            fieldspec::apply(resource, spec, Create::Map, &mut |node| set(node, &pairs))?;
        }
        shares::settle(resource)?;
    }
    Ok(())
}

fn set(node: &mut Node, pairs: &[(&String, Scalar)]) -> Result<()> {
    if node.is_null() {
        *node = Node::map();
    }
    let Node::Map(map) = node else { return Err(wrong_kind("MappingNode", node)) };
    budget::charge(pairs.len() * size_of::<(Scalar, Node)>())?;
    map.set_all(pairs)
}

#[cfg(test)]
mod tests;
