//! Schemas written in comments: `containers: # {"x-kubernetes-patch-merge-key": "name", …}` tells a strategic merge
//! how this one field merges.
//!
//! Source: kustomize 5.8.1 `kyaml/fieldmeta`. Fields below the items of lists are not looked at.

use std::collections::HashMap;

use yaml::{Limits, Value, json};

use crate::comments::{Note, Notes};
use crate::node::Node;

/// Schemas by the names on the way to their field.
pub(crate) type Hints = HashMap<Vec<String>, Value>;

/// The hints of a document that was read from this text; nearly always none.
pub(crate) fn read(text: &str, node: &Node, limits: &Limits) -> Hints {
    let mut hints = Hints::new();
    if text.contains("# {") || text.contains("#{") {
        let notes = Notes::read(text, limits);
        gather(node, &notes, &mut Place::default(), &mut hints);
    }
    hints
}

/// Where a node is, in positions and in names.
#[derive(Default)]
struct Place {
    positions: Vec<usize>,
    names: Vec<String>,
}

fn gather(node: &Node, notes: &Notes, place: &mut Place, out: &mut Hints) {
    for (at, (key, value)) in node.as_map().into_iter().flat_map(|map| &map.entries).enumerate() {
        place.positions.push(at);
        place.names.push(key.text.to_string());
        if let Some(hint) = notes.get(&place.positions).and_then(schema) {
            out.insert(place.names.clone(), hint);
        }
        gather(value, notes, place, out);
        place.positions.pop();
        place.names.pop();
    }
}

/// The comment beside an entry counts, or else the one above, if it is a JSON object with something in it.
fn schema(note: &Note) -> Option<Value> {
    let above = note.above.join("\n");
    let text = note.beside.as_deref().unwrap_or(&above);
    let value = json::from_str(text.trim_start_matches('#'), &Limits::default()).ok()?;
    value.as_map().is_some_and(|map| !map.is_empty()).then_some(value)
}
