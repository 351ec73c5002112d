//! Helm charts to manifests, in process: the bytes of `helm template`.
//!
//! One road: [`load`] a chart from a tree, [`Release::render`] it with values, [`Output::print`] it.
//!
//! ```
//! use manifestd_helm::{HelmVersion, MessageLog, Printing, Release, ValuesOptions, load};
//! use tree::{MemoryTree, TreePath};
//!
//! let tree = MemoryTree::from_files([
//!     ("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
//!     ("web/templates/a.yaml", "kind: ConfigMap\nname: {{ .Release.Name }}-{{ .Values.colour | upper }}\n"),
//! ])?;
//! let version = HelmVersion::default();
//! let log = MessageLog::new(version.profile());
//! let chart = load(&tree, &TreePath::parse("web")?, version.profile(), &log)?;
//! let values = ValuesOptions { set: vec!["colour=red".to_owned()], ..ValuesOptions::default() };
//! let release = Release {
//!     version,
//!     name: "shop",
//!     namespace: "default",
//!     is_upgrade: false,
//!     kube_version: None,
//!     api_versions: &[],
//!     values: &values,
//!     skip_schema_validation: false,
//!     seed: [0; 32],
//!     now: 0,
//!     limits: gotmpl::Limits::default(),
//!     stop: &|| false,
//!     raw: false,
//! };
//! let output = release.render(&tree, &chart, &mut |name| Err(format!("{name}: no files here")), &log)?;
//! let printed = output.print(true, Printing { no_hooks: false, skip_tests: false });
//! assert_eq!(printed, b"---\n# Source: web/templates/a.yaml\nkind: ConfigMap\nname: shop-RED\n");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: testkit::allocation::Jemalloc = testkit::allocation::Jemalloc;

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
mod message;
mod metadata;
mod name;
mod release;
mod schema;
mod size;
mod spread;
mod values;
mod version;
mod wants;

pub use chart::{Chart, Content, Dependency, File, Maintainer, Metadata, Refusal};
pub use engine::{ErrorPlace, FailedRelease, RenderError};
pub use load::{LoadError, load};
pub use manifests::{Document, Documents, Printing};
pub use message::{Event, Level, LogBase, Message, MessageLog};
pub use name::release_name;
pub use release::{LookedAt, Output, Release};
pub use values::{FileReader, ValuesOptions};
pub use version::{Build, Client, HelmVersion, Profile, Types};
pub use wants::{Want, wants};

/// Gives up everything that is kept of texts between renders, as a process does that goes over to another's charts.
pub fn forget() {
    engine::forget_parsed();
    schema::forget_compiled();
}
