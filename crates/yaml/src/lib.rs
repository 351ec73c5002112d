//! YAML as Go sees it: read, resolve, emit. No YAML crate underneath, no recursion, no panics.
//!
//! Three layers, each usable alone: [`Parser`] gives events, [`Document`] a tree of nodes with style and place,
//! and [`v2`] (`sigs.k8s.io/yaml`) and [`kyaml`] (kustomize) turn documents into [`Value`]s by the rules of the Go
//! libraries; [`json`] is their JSON text, [`v2::marshal`] their YAML;
//! [`v3`] writes what go-yaml v3 writes. Every read takes [`Limits`]; every [`Error`] prints Go's text and knows the real line and column.
//!
//! ```
//! use yaml::{Limits, json, v2};
//!
//! let value = v2::to_value(b"on: yes\nport: 0x50\n", &Limits::default())?;
//! assert_eq!(json::to_string(&value)?, r#"{"port":80,"true":true}"#);
//!
//! let error = v2::to_value(b"a: 1\nb: [\n", &Limits::default()).unwrap_err();
//! assert_eq!(error.to_string(), "yaml: line 2: did not find expected node content");
//! assert_eq!((error.line(), error.column()), (Some(3), Some(1)));
//! # Ok::<(), yaml::Error>(())
//! ```
//!
//! # Known differences from Go
//!
//! - Nesting ends at [`Limits::depth`] (1,000) instead of 10,000; sizes and expansions have budgets.
//! - Sets of keys whose natural order is not transitive (`a2`, `a10`, `a1b`) come out in one order, in Go in any.
//! - The lines in `yaml: unmarshal errors` of [`kyaml`] do not count comments; the place of the error is right.
//! - v3 keeps anchors from one document of a stream to the next; here each document has its own.
//! - A byte order mark in the middle of a stream is text; go-yaml drops a character when one follows the first.

mod base64;
mod bytes;
mod error;
mod event;
mod expand;
mod gosyntax;
mod input;
mod intern;
mod limits;
mod node;
mod number;
mod parse;
mod resolve;
mod scan;
mod timestamp;
mod value;
mod write;

pub mod json;
pub mod kyaml;
pub mod v2;
pub mod v3;

pub use error::{Dialect, Error, Mark};
pub use event::{Event, EventKind, Properties, Props, ScalarStyle};
pub use input::Source;
pub use limits::Limits;
pub use node::{Children, Document, Kind, NodeRef};
pub use parse::{Comment, Parser};
pub use value::{Map, Value};
