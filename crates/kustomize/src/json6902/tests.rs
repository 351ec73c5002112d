//! Operations one by one, and what is said when they do not apply.

use super::*;
use crate::testing::value;

fn apply(document: &str, patch: &str) -> Result<String> {
    let patch = JsonPatch::parse(patch, &Limits::default())?;
    Ok(json::to_string(&patch.apply(value(document))?.0)?)
}

#[test]
fn every_operation() {
    for (patch, wanted) in [
        ("- {op: add, path: /b, value: 1}", r#"{"a":{"x":1},"b":1,"l":[1,2]}"#),
        ("- {op: add, path: /l/-, value: 3}", r#"{"a":{"x":1},"l":[1,2,3]}"#),
        ("- {op: add, path: /l/0, value: 0}", r#"{"a":{"x":1},"l":[0,1,2]}"#),
        ("- {op: add, path: /l/-1, value: 9}", r#"{"a":{"x":1},"l":[1,2,9]}"#),
        ("- {op: remove, path: /l/-1}", r#"{"a":{"x":1},"l":[1]}"#),
        ("- {op: remove, path: /a}", r#"{"l":[1,2]}"#),
        ("- {op: replace, path: /a/x, value: [yes]}", r#"{"a":{"x":[true]},"l":[1,2]}"#),
        ("- {op: replace, path: /new, value: 1}", r#"{"a":{"x":1},"l":[1,2],"new":1}"#),
        ("- {op: replace, path: '', value: {z: 1}}", r#"{"z":1}"#),
        ("- {op: move, from: /a/x, path: /l/0}", r#"{"a":{},"l":[1,1,2]}"#),
        ("- {op: copy, from: /l, path: /a/y~1z~0}", r#"{"a":{"x":1,"y/z~":[1,2]},"l":[1,2]}"#),
        ("- {op: copy, from: /none, path: /b}", r#"{"a":{"x":1},"b":null,"l":[1,2]}"#),
        ("- {op: test, path: /a, value: {x: 1.0}}", r#"{"a":{"x":1},"l":[1,2]}"#),
        ("- {op: test, path: /none}", r#"{"a":{"x":1},"l":[1,2]}"#),
    ] {
        assert_eq!(apply("{a: {x: 1}, l: [1, 2]}", patch).unwrap(), wanted, "{patch}");
    }
}

#[test]
fn what_does_not_apply_is_named() {
    for (patch, wanted) in [
        (
            "- {op: add, path: /none/x, value: 1}",
            "add operation does not apply: doc is missing path: \"/none/x\": missing value",
        ),
        (
            "- {op: add, path: /l/9, value: 1}",
            "error in add for path: '/l/9': Unable to access invalid index: 9: invalid index referenced",
        ),
        (
            "- {op: add, path: /l/x, value: 1}",
            "error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            "- {op: remove, path: /none}",
            "error in remove for path: '/none': Unable to remove nonexistent key: none: missing value",
        ),
        (
            "- {op: replace, path: /l/2, value: 1}",
            "replace operation does not apply: doc is missing key: /l/2: missing value",
        ),
        (
            "- {op: move, from: /none, path: /x}",
            "error in move for path: 'none': Unable to remove nonexistent key: none: missing value",
        ),
        (
            "- {op: move, from: /a, path: /none/x}",
            "move operation does not apply: doc is missing destination path: /none/x: missing value",
        ),
        (
            "- {op: copy, from: /a/x/y, path: /b}",
            "copy operation does not apply: doc is missing from path: /a/x/y: missing value",
        ),
        ("- {op: test, path: /a/x, value: 2}", "testing value /a/x failed: test failed"),
        (
            "- {op: test, path: /b/x, value: 2}",
            "test operation does not apply: is missing path: /b/x: missing value",
        ),
        ("- {op: frob, path: /a}", "Unexpected kind: frob"),
    ] {
        assert_eq!(apply("{a: {x: 1}, l: [1, 2]}", patch).unwrap_err().to_string(), wanted, "{patch}");
    }
}

#[test]
fn numbers_are_floats_afterwards() {
    assert_eq!(apply("{big: 1234567890123456789}", "[]").unwrap(), r#"{"big":1234567890123456800}"#);
}

#[test]
fn a_patch_is_a_list_of_objects() {
    for text in ["", "[1]", "{a: b}", "[{op: add}]", "- a"] {
        assert!(JsonPatch::parse(text, &Limits::default()).is_err(), "{text}");
    }
    assert!(JsonPatch::parse("# nothing", &Limits::default()).unwrap().is_empty());
}

#[test]
fn indices_cannot_overflow() {
    for at in ["-9223372036854775808", "9223372036854775807", "99999999999999999999"] {
        let patch = format!("- {{op: add, path: /l/{at}, value: 1}}");
        assert!(apply("{l: []}", &patch).is_err(), "{at}");
    }
}
