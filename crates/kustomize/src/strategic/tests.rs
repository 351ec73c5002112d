//! Merges of maps, values and lists by key, with the quirks kustomize has.

use super::*;
use crate::schema::Schemas;
use crate::testing::{node, shown};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n";

fn merged(dest: &str, patch: &str) -> Result<Option<String>> {
    let schema = Schemas::default().get().with_hints([None, None]);
    merge(&schema, node(dest), &node(patch))?.map(|node| shown(&node)).transpose()
}

/// The `spec` of a Pod after a patch of its `spec`.
fn spec(dest: &str, patch: &str) -> String {
    let both = [dest, patch].map(|spec| format!("{POD}spec: {spec}\n"));
    let text = merged(&both[0], &both[1]).unwrap().unwrap();
    let spec = text.split_once(r#""spec":"#).unwrap().1;
    spec.strip_suffix('}').unwrap().to_owned()
}

#[test]
fn maps_and_values() {
    for (dest, patch, wanted) in [
        ("{a: 1, b: 2}", "{b: 3, c: 4}", r#"{"a":1,"b":3,"c":4}"#),
        ("{a: 1}", "{a: null}", "{}"),
        ("{a: '1', b: 1}", "{a: 2, b: '3'}", r#"{"a":"2","b":"3"}"#),
        ("{a: {x: 1}}", "{a: {$patch: replace, y: 2}}", r#"{"a":{"y":2}}"#),
        ("{a: {x: 1}}", "{a: {$patch: delete}}", "{}"),
        ("{a: {x: 1}}", "{b: {c: null, d: 1}}", r#"{"a":{"x":1},"b":{"d":1}}"#),
        ("{a: ~, b: null}", "{c: 1}", r#"{"a":null,"b":null,"c":1}"#),
        ("{l: [1, 2]}", "{l: [3]}", r#"{"l":[3]}"#),
    ] {
        assert_eq!(spec(dest, patch), wanted, "{dest} with {patch}");
    }
}

#[test]
fn a_value_that_is_not_written_disappears() {
    assert_eq!(spec("\n  a:\n  b: 1", "{}"), r#"{"b":1}"#);
}

#[test]
fn lists_merge_by_their_key_with_the_patch_first() {
    let dest = "{containers: [{name: a, image: x}, {name: b, image: y}]}";
    for (patch, wanted) in [
        ("[{name: b, image: z}]", r#"[{"image":"z","name":"b"},{"image":"x","name":"a"}]"#),
        ("[{name: c}]", r#"[{"name":"c"},{"image":"x","name":"a"},{"image":"y","name":"b"}]"#),
        ("[{name: a, $patch: delete}]", r#"[{"image":"y","name":"b"}]"#),
        ("[{$patch: replace}, {name: c}]", r#"[{"name":"c"}]"#),
        ("[{name: a, $patch: delete}, {name: b, $patch: delete}]", "[]"),
    ] {
        let wanted = format!(r#"{{"containers":{wanted}}}"#);
        assert_eq!(spec(dest, &format!("{{containers: {patch}}}")), wanted, "{patch}");
    }
}

#[test]
fn a_patch_that_lacks_the_second_key_is_lost() {
    let dest = "{containers: [{name: a, ports: [{containerPort: 1, protocol: TCP}, {containerPort: 2}]}]}";
    let patch = "{containers: [{name: a, ports: [{containerPort: 1, name: x}]}]}";
    assert_eq!(
        spec(dest, patch),
        r#"{"containers":[{"name":"a","ports":[{"containerPort":1,"protocol":"TCP"},{"containerPort":2}]}]}"#
    );
}

#[test]
fn plain_values_come_once_with_the_patch_first() {
    let text = |list| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p, finalizers: {list}}}\n");
    assert_eq!(
        merged(&text("[a, b]"), &text("[c, a]")).unwrap().unwrap(),
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"finalizers":["c","a","b"],"name":"p"}}"#
    );
}

#[test]
fn the_root_can_be_deleted_but_not_replaced() {
    let dest = format!("{POD}spec: {{a: 1}}\n");
    assert_eq!(merged(&dest, &format!("{POD}$patch: delete\n")).unwrap(), None);
    let same = merged(&dest, &format!("{POD}spec: {{a: 2}}\n$patch: replace\n")).unwrap();
    assert_eq!(same, merged(&dest, POD).unwrap());
}

#[test]
fn kinds_of_nodes_have_to_agree() {
    let text = |spec| format!("{POD}spec: {spec}\n");
    let error = merged(&text("{a: {b: c}}"), &text("{a: text}")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "wrong node kind: expected MappingNode but got ScalarNode: node contents:\ntext\n"
    );
    let error = merged(&text("{a: {b: c}}"), &text("{a: {$patch: upsert}}")).unwrap_err();
    assert_eq!(error.to_string(), "unknown patch strategy 'upsert'");
}

#[test]
fn keys_of_the_patch_stay_as_they_are_written() {
    assert_eq!(spec("{a: {x: 1}}", "{a: {'5': y}}"), r#"{"a":{"5":"y","x":1}}"#);
}
