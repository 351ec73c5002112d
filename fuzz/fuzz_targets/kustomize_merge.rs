//! Any two documents merged strategically: nothing panics, the result can be read again.
//!
//! The first byte chooses kind and form, the rest is split at `\0`: the resource and the patch.

#![no_main]

use kustomize::Reorder;
use libfuzzer_sys::fuzz_target;

#[path = "support/kustomize.rs"]
mod support;

/// Kinds with merge keys of every sort, one without a schema, and none: the input says it itself.
const HEADS: [&str; 5] = [
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n",
    "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
    "apiVersion: example.org/v1\nkind: Own\nmetadata: {name: a}\n",
    "",
];

const FORMS: [&str; 3] = [
    "resources: [r.yaml]\npatches: [{path: p.yaml}]\n",
    "resources: [r.yaml]\npatches: [{path: p.yaml, target: {}, options: {allowNameChange: true, allowKindChange: true}}]\n",
    "resources: [r.yaml]\npatchesStrategicMerge: [p.yaml]\n",
];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, data)) = data.split_first() else { return };
    let [resource, patch] = support::parts(data);
    let head = HEADS[usize::from(choice) % HEADS.len()].as_bytes();
    let form = FORMS[usize::from(choice) / HEADS.len() % FORMS.len()];
    let (resource, patch) = ([head, resource].concat(), [head, patch].concat());
    let files = [
        ("app/kustomization.yaml", form.as_bytes()),
        ("app/r.yaml", resource.as_slice()),
        ("app/p.yaml", patch.as_slice()),
    ];
    support::run(&files, Reorder::None);
});
