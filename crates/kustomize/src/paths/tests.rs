//! Field paths: how they are split, what they find, what they make, and what does not fit.

use super::*;
use crate::testing::{node, shown};

fn parts(text: &str) -> Vec<String> {
    Path::parse(text).0
}

fn got(path: &str) -> Result<Option<String>> {
    let root = node("{a: {b.c: 1, l: [{n: x, v: 1}, {n: y, v: 2}, z]}, e: null}");
    Path::parse(path).get(&root)?.map(shown).transpose()
}

fn set(root: &str, path: &str, create: bool) -> Result<String> {
    let (mut root, new) = (node(root), Node::untagged("new"));
    let request = Request { path: &Path::parse(path), text: path, create: create.then_some(&new) };
    request.visit(&mut root, &mut |node| {
        *node = Node::untagged("new");
        Ok(())
    })?;
    shown(&root)
}

#[test]
fn paths_are_split_at_dots() {
    assert_eq!(parts("a.b\\.c.d"), ["a", "b.c", "d"]);
    assert_eq!(parts("a.[b.c].d"), ["a", "b.c", "d"]);
    assert_eq!(parts("a.[n=b.c].*.0"), ["a", "[n=b.c]", "*", "0"]);
    assert_eq!(parts(".a..b."), ["a", "b"]);
}

#[test]
fn sources_are_found() {
    for (path, wanted) in [
        ("a.[b.c]", Some("1")),
        ("a.l.[n=y].v", Some("2")),
        ("a.l.0.v", Some("1")),
        ("a.l.-", Some("\"z\"")),
        ("a.l.[=z]", Some("\"z\"")),
        ("a.l.9", None),
        ("a.none.x", None),
        ("e.x", None),
    ] {
        assert_eq!(got(path).unwrap().as_deref(), wanted, "{path}");
    }
}

#[test]
fn sources_that_do_not_fit_are_an_error() {
    for (path, wanted) in [
        ("a.*", "wildcard is not supported in PathGetter"),
        ("a.0", "wrong node kind: expected SequenceNode but got MappingNode"),
        ("a.l.x", "wrong node kind: expected MappingNode but got SequenceNode"),
        ("a.[n=x]", "wrong node kind: expected SequenceNode but got MappingNode"),
        ("a.l.0.v.x", "wrong node kind: expected MappingNode but got ScalarNode"),
    ] {
        let error = got(path).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{path}: {error}");
    }
}

#[test]
fn targets_are_found_or_made() {
    for (root, path, create, wanted) in [
        ("{a: {b: 1}}", "a.b", false, r#"{"a":{"b":"new"}}"#),
        ("{l: [{a: 1}, {a: 2}]}", "l.*.a", false, r#"{"l":[{"a":"new"},{"a":"new"}]}"#),
        (
            "{l: [{n: web, a: 1}, {n: my-web-2, a: 2}]}",
            "l.[n=web].a",
            false,
            r#"{"l":[{"a":"new","n":"web"},{"a":"new","n":"my-web-2"}]}"#,
        ),
        ("{l: [a, b]}", "l.[=b].ignored", false, r#"{"l":["a","new"]}"#),
        ("{}", "a.b", true, r#"{"a":{"b":"new"}}"#),
        ("{}", "l.[n=x].a", true, r#"{"l":[{"a":"new","n":"x"}]}"#),
        ("{l: [1]}", "l.1", true, r#"{"l":[1,"new"]}"#),
        ("{a: }", "a.b", true, r#"{"a":{"b":"new"}}"#),
        ("{}", "l.-", true, r#"{"l":{"-":"new"}}"#),
    ] {
        assert_eq!(set(root, path, create).unwrap(), wanted, "{root} {path}");
    }
}

#[test]
fn targets_that_are_missing_or_do_not_fit_are_an_error() {
    for (root, path, create, wanted) in [
        ("{}", "a.b", false, "unable to find field \"a.b\" in replacement target"),
        ("{l: [1]}", "l.[=2].x", false, "unable to find field \"l.[=2].x\" in replacement target"),
        (
            "{l: [1]}",
            "l.7",
            true,
            "unable to find or create field \"l.7\" in replacement target: index 7 specified but only 1 elements found",
        ),
        (
            "{a: text}",
            "a.b",
            true,
            "unable to find or create field \"a.b\" in replacement target: wrong node kind: expected MappingNode but got ScalarNode: node contents:\ntext\n",
        ),
        (
            "{l: [{a: 1}, text]}",
            "l.*.a",
            false,
            "unable to find field \"l.*.a\" in replacement target: wrong node kind: expected MappingNode but got ScalarNode: node contents:\ntext\n",
        ),
    ] {
        assert_eq!(set(root, path, create).unwrap_err().to_string(), wanted, "{root} {path}");
    }
}
