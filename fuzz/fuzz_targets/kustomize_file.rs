//! Any bytes as kustomizations, resources and patches: nothing panics, every build is the same twice.
//!
//! The input is split at `\0`: the kustomization, its resources `r.yaml`, a patch `p.yaml`, the kustomization of the
//! base `base`, and the file `f`, which is also the resources of the base.

#![no_main]

use kustomize::Reorder;
use libfuzzer_sys::fuzz_target;

#[path = "support/kustomize.rs"]
mod support;

fuzz_target!(|data: &[u8]| {
    let [kustomization, resources, patch, base, file] = support::parts(data);
    let files = [
        ("app/kustomization.yaml", kustomization),
        ("app/r.yaml", resources),
        ("app/p.yaml", patch),
        ("app/f", file),
        ("base/kustomization.yaml", base),
        ("base/f", file),
    ];
    support::run(&files, Reorder::Legacy);
});
