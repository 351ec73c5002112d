//! Any bytes as a JSON patch of any document: nothing panics, the result can be read again.
//!
//! The first byte chooses the form, the rest is split at `\0`: the body of the resource and the patch.

#![no_main]

use kustomize::Reorder;
use libfuzzer_sys::fuzz_target;

#[path = "support/kustomize.rs"]
mod support;

const HEAD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

const FORMS: [&str; 2] = [
    "resources: [r.yaml]\npatches: [{path: p.yaml, target: {}}]\n",
    "resources: [r.yaml]\npatchesJson6902: [{path: p.yaml, target: {name: a, version: v1, kind: ConfigMap}}]\n",
];

fuzz_target!(|data: &[u8]| {
    let Some((&choice, data)) = data.split_first() else { return };
    let [body, patch] = support::parts(data);
    let resource = [HEAD.as_bytes(), body].concat();
    let files = [
        ("app/kustomization.yaml", FORMS[usize::from(choice) % FORMS.len()].as_bytes()),
        ("app/r.yaml", resource.as_slice()),
        ("app/p.yaml", patch),
    ];
    support::run(&files, Reorder::None);
});
