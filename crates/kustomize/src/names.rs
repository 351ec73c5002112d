//! `namePrefix` and `nameSuffix`.

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
    for resource in &mut map.list {
        let id = resource.original_id();
        if keeps_name(&id) {
            continue;
        }
        for spec in specs.iter().filter(|spec| spec.fits(&id.gvk)) {
            if spec.path == "metadata/name" && !affix.text().is_empty() {
                let history = &mut resource.history;
                match affix {
                    Affix::Prefix(text) => history.prefixes.push(text.into()),
                    Affix::Suffix(text) => history.suffixes.push(text.into()),
                }
                resource.clear_empty_annotations();
                resource.store_previous_id();
            }
            fieldspec::apply(resource, spec, Create::Never, &mut |node| {
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
