//! Resources as `kustomize build` reads them: go-yaml v3, aliases and merge keys expanded as kyaml does,
//! and the value the node has after it was written and read once more.
//!
//! Sources: kyaml 0.21.1 `yaml/rnode.go` (DeAnchor, MarshalJSON), go-yaml v3.0.4 `decode.go`.

mod decode;
mod fields;
mod lines;
mod refold;

use crate::error::{Dialect, Error};
use crate::input::Source;
use crate::limits::Limits;
use crate::node::{Document, NodeRef};
use crate::value::Value;

/// The first document as the JSON value that kustomize writes, before any transformation. Empty input is null.
///
/// Numbers, booleans and null follow go-yaml v3; timestamps become RFC 3339 text; an absent value inside a flow
/// collection becomes `""`. Keys of the document itself become text, all other keys have to be text.
///
/// # Errors
/// Go's text: not YAML, two equal keys (`yaml: unmarshal errors:\n  line …`), keys or numbers that JSON does not
/// have, merge keys without a map, or a budget of `limits` is used up. The lines of `unmarshal errors` are
/// those of the document as kustomize writes it, comments not counted.
pub fn to_value(bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    let source = Source::new(bytes, limits)?;
    match Document::first(&source, Dialect::V3, limits)? {
        Some(document) => node_to_value(document.root(), limits),
        None => Ok(Value::Null),
    }
}

/// The root of a v3 document as JSON value, by the rules of [`to_value`].
///
/// # Errors
/// As [`to_value`].
pub fn node_to_value(root: NodeRef<'_, '_>, limits: &Limits) -> Result<Value, Error> {
    decode::decode(root, limits)
}
