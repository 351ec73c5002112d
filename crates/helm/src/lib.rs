//! Helm charts to manifests, in process: the bytes of `helm template`.

mod chart;
mod version;

pub use chart::{Chart, Content, Dependency, File, Maintainer, Metadata};
pub use version::{HelmVersion, Profile};
