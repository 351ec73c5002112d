//! YAML as `sigs.k8s.io/yaml` reads and writes it, over go-yaml v2.

mod decode;
mod emit;
pub(crate) mod sort;

use crate::error::{Dialect, Error};
use crate::input::Source;
use crate::json;
use crate::limits::Limits;
use crate::node::{Document, NodeRef};
use crate::value::Value;

/// The first document as JSON value: `sigs.k8s.io/yaml` 1.6 `YAMLToJSON`. Empty input is null.
///
/// Map keys become text (`1`, `true`, `2.5`), merge keys are applied where they stand, aliases are expanded,
/// the last of equal keys wins. Integers above `i64::MAX` stay [`Value::Uint`] and floats stay floats;
/// see [`crate::json::as_kubernetes`] for the numbers after another trip through JSON.
///
/// # Errors
/// Go's text without the prefix `error converting YAML to JSON: `: not YAML, a key or a number that JSON does not
/// have, or a budget of `limits` is used up.
pub fn to_value(bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    let source = Source::new(bytes, limits)?;
    match Document::first(&source, Dialect::V2, limits)? {
        Some(document) => node_to_value(document.root(), limits),
        None => Ok(Value::Null),
    }
}

/// A node of a document as JSON value, by the rules of [`to_value`].
///
/// # Errors
/// As [`to_value`].
pub fn node_to_value(node: NodeRef<'_, '_>, limits: &Limits) -> Result<Value, Error> {
    decode::decode(node, limits)
}

/// A value as go-yaml v2's `Marshal` writes it, with a line break at the end: block style, keys in natural order,
/// lists not indented under their key, folded behind column 80. Floats are written as floats (`1e+06`).
///
/// Meant for small values: where the thread's budget is used up, which the budget remembers, nothing is written.
pub fn emit(value: &Value) -> String {
    emit::emit(value, emit::Floats::Native).unwrap_or_default()
}

/// A value as `sigs.k8s.io/yaml`'s `Marshal` writes it: through JSON text, which go-yaml v2 reads and writes again.
///
/// On the way whole floats become integers (`1e6` is written `1000000`), NEL becomes a space, and
/// text with DEL or other controls of Latin-1 cannot be written at all.
///
/// # Errors
/// `json: unsupported value: …` for infinite numbers and NaN; `yaml: control characters are not allowed`;
/// keys longer than 1,024 characters; the thread's budget is used up.
pub fn marshal(value: &Value) -> Result<String, Error> {
    if json::survives_yaml(value)? {
        let text = emit::emit(value, emit::Floats::ThroughJson)?;
        budget::look()?;
        return Ok(text);
    }
    let text = json::to_string(value)?;
    let limits =
        Limits { bytes: usize::MAX, depth: usize::MAX, nodes: usize::MAX, aliased_bytes: usize::MAX };
    // A place in the JSON between would mislead.
    let value = to_value(text.as_bytes(), &limits).map_err(Error::without_place)?;
    Ok(emit::emit(&value, emit::Floats::Native)?)
}
