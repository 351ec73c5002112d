//! Resources as `kustomize build` reads them: go-yaml v3, aliases and merge keys expanded as kyaml does,
//! and the value the node has after it was written and read once more.
//!
//! Sources: kyaml 0.21.1 `yaml/rnode.go` (DeAnchor, MarshalJSON), go-yaml v3.0.4 `decode.go`.

mod decode;
mod fields;
mod lines;
mod refold;

use crate::error::{Dialect, Error};
use crate::event::ScalarStyle;
use crate::input::Source;
use crate::limits::Limits;
use crate::node::{Document, NodeRef};
use crate::resolve;
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

/// A scalar of a tree that is changed between reading and writing.
#[derive(Clone, Copy, Debug)]
pub struct ScalarParts<'t> {
    /// The text.
    pub text: &'t str,
    /// The tag as it is written with its handle resolved; empty when none is written.
    pub tag: &'t str,
    /// How the text is quoted.
    pub style: ScalarStyle,
    /// Whether brackets are around.
    pub flow: bool,
}

/// What a scalar is once it is written and read again, by the rules of [`to_value`].
///
/// # Errors
/// The tag and the text do not fit: `yaml: cannot decode …`.
pub fn scalar(parts: ScalarParts<'_>) -> Result<Value, Error> {
    decode::scalar_parts(parts)
}

/// The short tag (`!!int`, `!!str`, `!!null`, …) that go-yaml v3 gives a plain scalar.
#[must_use]
pub fn implied_tag(text: &str) -> &'static str {
    resolve::plain(text, Dialect::V3).tag()
}

/// The entries of a mapping once kyaml has merged what its `<<` names; its own entries win.
///
/// # Errors
/// A `<<` twice, or one that names no map.
pub fn entries<'d, 'a>(mapping: NodeRef<'d, 'a>) -> Result<Vec<(NodeRef<'d, 'a>, NodeRef<'d, 'a>)>, Error> {
    fields::of(mapping)
}
