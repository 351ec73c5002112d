//! `namePrefix` and `nameSuffix`.

use std::sync::Arc;

use crate::error::Result;
use crate::fieldspec::{self, Create, FieldSpec};
use crate::id::ResId;
use crate::node::Node;
use crate::resmap::ResMap;

/// What is put on which side of a name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Affix<'t> {
    Prefix(&'t str),
    Suffix(&'t str),
}

impl Affix<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Prefix(text) | Self::Suffix(text) => text,
        }
    }

    fn around(&self, name: &str) -> String {
        match self {
            Self::Prefix(text) => format!("{text}{name}"),
            Self::Suffix(text) => format!("{name}{text}"),
        }
    }
}

/// Renames every resource that may be renamed.
pub(crate) fn transform(map: &mut ResMap, affix: Affix<'_>, specs: &[FieldSpec]) -> Result<()> {
    let shared: Arc<str> = affix.text().into();
    for resource in &mut map.list {
        budget::work(specs.len())?;
        let id = resource.original_id();
        if keeps_name(&id) {
            continue;
        }
        for spec in specs.iter().filter(|spec| spec.fits(&id.gvk)) {
            if spec.path == "metadata/name" && !affix.text().is_empty() {
                let history = &mut resource.history;
                match affix {
                    Affix::Prefix(_) => history.prefixes.push(shared.clone()),
                    Affix::Suffix(_) => history.suffixes.push(shared.clone()),
                }
                resource.clear_empty_annotations();
                resource.store_previous_id()?;
            }
            fieldspec::apply(resource, spec, Create::Never, &mut |node| {
                budget::charge(affix.text().len() + node.raw().len())?;
                let name = affix.around(node.raw());
                if matches!(node, Node::Scalar(_)) {
                    node.set_text(&name);
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

/// Kinds whose name has a meaning elsewhere.
fn keeps_name(id: &ResId) -> bool {
    match &*id.gvk.kind {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => &*id.gvk.group == "apiregistration.k8s.io",
        _ => false,
    }
}

#[cfg(test)]
mod tests;
