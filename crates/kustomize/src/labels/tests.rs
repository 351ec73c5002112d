//! Labels and annotations.

use super::*;
use crate::testing::{field, resources};

fn labelled(labels: &str, text: &str) -> Result<ResMap> {
    let mut map = resources(&format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p{labels}}}\n"));
    transform(
        &mut map,
        &BTreeMap::from([("a".into(), text.into())]),
        &[FieldSpec::new("metadata/labels", true)],
    )?;
    Ok(map)
}

#[test]
fn labels_are_text_whatever_they_look_like() {
    assert_eq!(field(&labelled("", "1").unwrap(), "metadata/labels"), r#"{"a":"1"}"#);
    assert_eq!(
        field(&labelled(", labels: {a: 2, b: 3}", "1").unwrap(), "metadata/labels"),
        r#"{"a":"1","b":3}"#
    );
    assert_eq!(field(&labelled(", labels: null", "1").unwrap(), "metadata/labels"), r#"{"a":"1"}"#);
}

#[test]
fn labels_that_are_no_map_are_an_error() {
    let error = labelled(", labels: text", "1").unwrap_err();
    assert!(
        error.to_string().contains("wrong node kind: expected MappingNode but got ScalarNode"),
        "{error}"
    );
}
