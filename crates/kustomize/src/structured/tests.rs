//! Values inside documents that are texts.

use super::*;
use crate::testing::{node, read, shown};
use crate::version::KustomizeVersion;

fn set_in(text: &str, path: &str) -> Option<String> {
    set_with(text, path, None, KustomizeVersion::default())
}

fn set_with(
    text: &str,
    path: &str,
    options: Option<&FieldOptions>,
    version: KustomizeVersion,
) -> Option<String> {
    let mut root = node("{data: {t: x}}");
    *root.get_mut("data").unwrap().get_mut("t").unwrap() = Node::text(text);
    let change = Change { value: &Node::untagged("new"), options, profile: version.profile() };
    let found = set(&mut root, &Path::parse(path), change, &mut Growth::default()).unwrap();
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

#[test]
fn options_count_since_5_8_3() {
    let options: FieldOptions = read("{delimiter: ':', index: 1}");
    let set = |version| set_with(r#"{"image": "a:1"}"#, "data.t.image", Some(&options), version).unwrap();
    assert_eq!(set(KustomizeVersion::V5_8_1), r#""{\"image\":\"new\"}""#);
    assert_eq!(set(KustomizeVersion::V5_8_3), r#""{\"image\":\"a:new\"}""#);
}

#[test]
fn a_delimiter_for_a_map_leaves_the_text() {
    let options: FieldOptions = read("{delimiter: ':'}");
    let set = |version| set_with(r#"{"a": {"b": 1}}"#, "data.t.a", Some(&options), version);
    assert_eq!(set(KustomizeVersion::V5_8_1).unwrap(), r#""{\"a\":\"new\"}""#);
    assert_eq!(set(KustomizeVersion::V5_8_3), None);
}
