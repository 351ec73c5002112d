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
mod local;
mod manifests;
mod memo;
mod metadata;
mod name;
mod release;
mod schema;
mod values;
mod version;
mod wants;

pub use chart::{Chart, Content, Dependency, File, Maintainer, Metadata, Refusal};
pub use engine::{ErrorPlace, RenderError};
pub use load::{LoadError, load};
pub use manifests::{Document, Documents, Printing};
pub use name::release_name;
pub use release::{LookedAt, Output, Release};
pub use values::{FileReader, ValuesOptions};
pub use version::{Build, HelmVersion, Profile, Types};
pub use wants::{Want, wants};
