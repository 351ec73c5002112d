//! `kustomize edit set replicas`.

use std::collections::BTreeMap;

use yaml::Value;

use super::fields::Fields;
use super::invalid;
use crate::error::Result;
use crate::request::KustomizeReplica;

/// Sets numbers of replicas; those of the kustomization with other names stay. The list is sorted by name.
///
/// # Errors
/// A name that kustomize would not take.
pub(super) fn set(fields: &mut Fields, replicas: &[KustomizeReplica]) -> Result<()> {
    let mut all = BTreeMap::new();
    for KustomizeReplica { name, count } in replicas {
        if name.contains('=') {
            return Err(invalid(format!("the replicas of {name:?}: the name must not hold `=`")));
        }
        let mut entry = Fields::default();
        entry.set_text("name", name);
        entry.put("count", Value::Int(*count));
        all.insert(name.clone(), entry.into_value());
    }
    let Some(old) = fields.take_list("replicas") else { return Ok(()) };
    for entry in old {
        let name = entry.as_map().map(Fields::of).unwrap_or_default().text("name").to_owned();
        all.entry(name).or_insert(entry);
    }
    fields.put("replicas", all.into_values().collect::<Vec<_>>().into());
    Ok(())
}
