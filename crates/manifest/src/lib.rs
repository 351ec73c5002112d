//! One Kubernetes object and lists of them: from the text a renderer yields to objects that know who they are.
//!
//! [`split`] cuts a stream into documents, [`yaml_document`] reads them, [`flatten`] opens lists and checks that each
//! object is one, [`Tracking`] marks them as an application's.
//!
//! ```
//! use manifestd_manifest as manifest;
//!
//! let stream = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n# nothing\n";
//! let limits = yaml::Limits::default();
//! let mut objects = Vec::new();
//! for document in manifest::split(stream) {
//!     for value in manifest::yaml_document(document?.text, &limits)? {
//!         objects.extend(manifest::flatten(value)?);
//!     }
//! }
//! assert_eq!(objects[0].kind(), "ConfigMap");
//! assert_eq!(objects[0].json()?, r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod flatten;
mod object;
mod read;
mod split;
mod track;

pub use flatten::flatten;
pub use object::{Object, ObjectError};
pub use read::{object_end, yaml_document};
pub use split::{BadSeparator, Document, Documents, split};
pub use track::{Method, TrackError, Tracking};
