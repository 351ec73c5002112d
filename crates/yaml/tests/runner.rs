//! All integration tests of this crate in one binary.

#[path = "runner/helm.rs"]
mod helm;
#[path = "runner/kustomize.rs"]
mod kustomize;
#[path = "runner/shared.rs"]
mod shared;
