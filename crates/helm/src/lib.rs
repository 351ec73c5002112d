//! Helm charts to manifests, in process: the bytes of `helm template`.
//!
//! One road: [`load`] a chart from a tree, [`Release::render`] it with values, [`Output::print`] it.

mod archive;
mod capabilities;
mod chart;
mod engine;
mod ignore;
mod instance;
mod load;
mod manifests;
mod memo;
mod metadata;
mod name;
mod release;
mod schema;
mod values;
mod version;

pub use chart::{Chart, Content, Dependency, File, Maintainer, Metadata};
pub use engine::{ErrorPlace, RenderError};
pub use load::{LoadError, load};
pub use manifests::{Document, Documents, Printing};
pub use name::release_name;
pub use release::{LookedAt, Output, Release};
pub use values::{FileReader, ValuesOptions};
pub use version::{Build, HelmVersion, Profile, Types};
