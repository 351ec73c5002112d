//! `replicas`.

use crate::error::{Error, Result};
use crate::fieldspec::{self, Create, FieldSpec};
use crate::kustomization::Replica;
use crate::node::{Node, Scalar};
use crate::resmap::ResMap;

/// Sets the number of replicas of the resources that have, or had, the name.
///
/// # Errors
/// No resource of the kinds that have replicas has it.
pub(crate) fn transform(map: &mut ResMap, replica: &Replica, specs: &[FieldSpec]) -> Result<()> {
    let mut found = false;
    for spec in specs {
        let gvk = spec.gvk();
        budget::work(map.list.len())?;
        let named = |id: &crate::id::ResId| *id.name == *replica.name && id.gvk.is_selected(&gvk);
        for resource in map.list.iter_mut().filter(|resource| resource.has_any_id(named)) {
            found = true;
            budget::work(1)?;
            fieldspec::apply(resource, spec, Create::Scalar, &mut |node| {
                node.replace(Node::Scalar(Scalar::tagged(&replica.count.to_string(), "!!int")));
                Ok(())
            })?;
        }
    }
    if found {
        return Ok(());
    }
    let kinds: Vec<_> = specs.iter().map(|spec| spec.gvk().to_string()).collect();
    let (name, kinds) = (&replica.name, kinds.join(" "));
    Err(Error::new(format!(
        "resource with name {name} does not match a config with the following GVK [{kinds}]"
    )))
}

#[cfg(test)]
mod tests;
