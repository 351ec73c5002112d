//! All integration tests of this crate in one binary.

#[cfg(test)]
#[path = "runner/cases.rs"]
mod cases;
#[cfg(test)]
#[path = "runner/helm.rs"]
mod helm;
#[cfg(test)]
#[path = "runner/hostile.rs"]
mod hostile;
#[cfg(test)]
#[path = "runner/kustomize.rs"]
mod kustomize;
#[cfg(test)]
#[path = "runner/laws.rs"]
mod laws;
#[cfg(test)]
#[path = "runner/shared.rs"]
mod shared;
