//! The order of the output: as accumulated, or the legacy order by kind.
//!
//! Source: kustomize 5.8.1 `api/internal/builtins/SortOrderTransformer.go`.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::id::{Gvk, ResId};
use crate::kustomization::SortOptions;
use crate::resmap::ResMap;
use crate::resource::Resource;

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Kinds by rank.
struct Ranks(HashMap<String, i64>);

impl Ranks {
    fn new<'k>(first: impl ExactSizeIterator<Item = &'k str>, last: impl Iterator<Item = &'k str>) -> Self {
        let len = first.len() as i64;
        let mut ranks: HashMap<_, _> =
            first.enumerate().map(|(at, kind)| (kind.to_owned(), at as i64 - len)).collect();
        ranks.extend(last.enumerate().map(|(at, kind)| (kind.to_owned(), at as i64 + 1)));
        Self(ranks)
    }

    fn legacy() -> Self {
        Self::new(FIRST.into_iter(), LAST.into_iter())
    }

    fn of(&self, kind: &str) -> i64 {
        self.0.get(kind).copied().unwrap_or(0)
    }
}

/// The order in which kinds are processed where kustomize sorts them.
pub(crate) fn gvk_key(gvk: &Gvk) -> (i64, String) {
    (Ranks::legacy().of(&gvk.kind), gvk.sort_text())
}

/// Sorts by what the kustomization says, or else by `legacy`.
///
/// # Errors
/// The options do not fit together.
pub(crate) fn transform(map: &mut ResMap, options: Option<&SortOptions>, legacy: bool) -> Result<()> {
    let ranks = match options {
        None if legacy => Ranks::legacy(),
        None => return Ok(()),
        Some(options) => match options.order.as_str() {
            "legacy" => options.legacy.as_ref().map_or_else(Ranks::legacy, |custom| {
                Ranks::new(custom.first.iter().map(String::as_str), custom.last.iter().map(String::as_str))
            }),
            "fifo" if options.legacy.is_some() => {
                return Err(Error::new(
                    "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
                ));
            }
            "fifo" => return Ok(()),
            _ => return Err(Error::new("the field 'sortOptions.order' must be one of [fifo, legacy]")),
        },
    };
    let weight = |resource: &Resource| KEY_BYTES + 2 * resource.name().len() + resource.namespace().len();
    budget::charge(map.list.iter().map(weight).sum())?;
    map.list.sort_by_cached_key(|resource| Key::of(&resource.id(), &ranks));
    Ok(())
}

/// What a key takes beside its names.
const KEY_BYTES: usize = 2 * size_of::<Key>();

#[derive(PartialEq, Eq)]
struct Key {
    rank: i64,
    is_namespace: bool,
    has_group: bool,
    kind: String,
    rest: String,
}

impl Key {
    fn of(id: &ResId, ranks: &Ranks) -> Self {
        let namespace = if id.namespace.is_empty() { "~X" } else { &id.namespace };
        Self {
            rank: ranks.of(&id.gvk.kind),
            is_namespace: &*id.gvk.kind == "Namespace",
            has_group: !id.gvk.group.is_empty(),
            rest: format!("{}|{namespace}|{}", id.gvk, id.name),
            kind: id.gvk.sort_text(),
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        let kinds = self.kind.cmp(&other.kind);
        let reversed = self.is_namespace && other.is_namespace && self.has_group != other.has_group;
        let kinds = if reversed { kinds.reverse() } else { kinds };
        self.rank.cmp(&other.rank).then(kinds).then_with(|| self.rest.cmp(&other.rest))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests;
