//! Which parts of a large schema are compiled before the whole.
//!
//! `boon` looks through everything that one compilation has come upon so far, for each schema it comes upon: the time
//! grows with the square of their number. What was compiled before is found at once, so a large schema is compiled in
//! pieces, the innermost first. The outcome is that of the whole; a piece that fails is left to it.

use std::fmt::Write;

use serde_json::{Map, Value};

/// About how many schemas are compiled together.
const PIECE: usize = 48;

/// Keywords of every draft whose values are schemas by name.
const NAMED: &[&str] = &["properties", "patternProperties"];

/// Keywords of every draft whose values are lists of schemas.
const LISTS: &[&str] = &["allOf", "anyOf", "oneOf"];

/// Keywords of every draft whose values are schemas.
const SINGLE: &[&str] = &["additionalProperties", "items", "not"];

/// The fragments of a schema's URL that name its pieces, in the order they are to be compiled. None for a small one.
pub(super) fn pieces(schema: &Value) -> Vec<String> {
    let mut pieces = Vec::new();
    let older = schema["$schema"].as_str().is_some_and(|draft| draft.contains("/draft-0"));
    cut(schema, "", if older { "definitions" } else { "$defs" }, &mut pieces);
    pieces
}

/// Cuts pieces out of a schema until few enough schemas are left in it; answers how many. The parser has bounded how deep
/// schemas nest.
fn cut(schema: &Value, fragment: &str, definitions: &str, pieces: &mut Vec<String>) -> usize {
    let Value::Object(keywords) = schema else { return 1 };
    let mut left = 1;
    for (name, inner) in inside(keywords, definitions) {
        let inner_fragment = format!("{fragment}{name}");
        let inner_left = cut(inner, &inner_fragment, definitions, pieces);
        if left + inner_left > PIECE {
            pieces.push(inner_fragment);
        } else {
            left += inner_left;
        }
    }
    left
}

/// The schemas directly inside of one, each with the end of its fragment.
fn inside<'s>(keywords: &'s Map<String, Value>, definitions: &str) -> Vec<(String, &'s Value)> {
    let mut inside = Vec::new();
    for (keyword, value) in keywords {
        let name = escaped(keyword);
        match value {
            Value::Object(schemas) if NAMED.contains(&keyword.as_str()) || keyword == definitions => {
                inside.extend(
                    schemas.iter().map(|(key, schema)| (format!("/{name}/{}", escaped(key)), schema)),
                );
            }
            Value::Array(schemas) if LISTS.contains(&keyword.as_str()) => {
                let numbered = schemas.iter().enumerate();
                inside.extend(numbered.map(|(index, schema)| (format!("/{name}/{index}"), schema)));
            }
            Value::Object(_) if SINGLE.contains(&keyword.as_str()) => {
                inside.push((format!("/{name}"), value));
            }
            _ => {}
        }
    }
    inside
}

/// A part of a JSON pointer as a URL's fragment has it.
fn escaped(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for byte in part.bytes() {
        match byte {
            b'~' => escaped.push_str("~0"),
            b'/' => escaped.push_str("~1"),
            byte if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) => escaped.push(char::from(byte)),
            byte => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn small_schemas_are_one_piece() {
        assert!(pieces(&json!({"properties": {"a": {"items": {"not": {}}}, "b": true}})).is_empty());
        assert!(pieces(&json!(false)).is_empty());
    }

    #[test]
    fn inner_pieces_come_before_outer_ones() {
        let many = |count: usize| (0..count).map(|i| (format!("p{i}"), json!({}))).collect::<Map<_, _>>();
        let schema = json!({
            "properties": {"a/b~ c": {"properties": many(PIECE)}, "d": {"oneOf": [{}, {"items": {}}]}},
            "definitions": many(2),
        });
        let last = PIECE - 1;
        let inner = format!("/properties/a~1b~0%20c/properties/p{last}");
        assert_eq!(pieces(&schema), [&inner, "/properties/a~1b~0%20c"]);
        let wide =
            pieces(&json!({"$schema": "http://json-schema.org/draft-07/schema#", "definitions": many(100)}));
        assert_eq!((wide.len(), wide[0].as_str()), (100 + 1 - PIECE, "/definitions/p47"));
    }
}
