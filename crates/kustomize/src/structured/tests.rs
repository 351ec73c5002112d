//! Values inside documents that are texts.

use super::*;
use crate::testing::{node, shown};

fn set_in(text: &str, path: &str) -> Option<String> {
    let mut root = node("{data: {t: x}}");
    *root.get_mut("data").unwrap().get_mut("t").unwrap() = Node::text(text);
    let found =
        set(&mut root, &Path::parse(path), &Node::untagged("new"), false, &mut Growth::default()).unwrap();
    let text = shown(root.at(&["data", "t"]).unwrap()).unwrap();
    found.then_some(text)
}

#[test]
fn json_stays_json_and_yaml_yaml() {
    assert_eq!(
        set_in(r#"{"b": 1, "a": {"x": "old"}}"#, "data.t.a.x").unwrap(),
        r#""{\"a\":{\"x\":\"new\"},\"b\":1}""#
    );
    assert_eq!(set_in("b: 1\na:\n  x: old\n", "data.t.a.x").unwrap(), r#""b: 1\na:\n  x: new""#);
}

#[test]
fn plain_texts_and_missing_fields_are_left() {
    assert_eq!(set_in("only words", "data.t.a"), None);
    assert_eq!(set_in(r#"{"a": 1}"#, "data.t.b.c"), None);
    assert_eq!(set_in(r#"{"a": 1}"#, "data.t"), None);
}
