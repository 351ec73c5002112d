//! Values from one resource in others.

use super::*;
use crate::testing::{field, read, resources};

const TEXT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: dst}\ndata: {image: 'a:1', n: '7', empty: {}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: src}\ndata: {v: x/y, m: {k: l}}\n";

fn replaced(replacement: &str) -> Result<ResMap> {
    let mut map = resources(TEXT);
    transform(&mut map, &[read::<Replacement>(replacement)])?;
    Ok(map)
}

#[test]
fn whole_values_and_parts() {
    for (source, target, wanted) in [
        ("sourceValue: new", "", r#""new""#),
        ("source: {name: src, fieldPath: data.v}", "", r#""x/y""#),
        ("source: {name: src, fieldPath: data.v, options: {delimiter: /, index: 1}}", "", r#""y""#),
        ("source: {name: src}", "", r#""src""#),
        ("sourceValue: new", "options: {delimiter: ':', index: 1}", r#""a:new""#),
        ("sourceValue: new", "options: {delimiter: ':', index: -1}", r#""new:a:1""#),
        ("sourceValue: new", "options: {delimiter: ':', index: 9}", r#""a:1:new""#),
    ] {
        let text =
            format!("{source}\ntargets: [{{select: {{name: dst}}, fieldPaths: [data.image], {target}}}]\n");
        assert_eq!(field(&replaced(&text).unwrap(), "data/image"), wanted, "{text}");
    }
}

#[test]
fn what_was_there_decides_the_type_and_new_fields_have_none() {
    let text = "sourceValue: '5'\ntargets: [{select: {name: dst}, fieldPaths: [data.image, data.new], options: {create: true}}]\n";
    let map = replaced(text).unwrap();
    assert_eq!(field(&map, "data/image"), r#""5""#);
    assert_eq!(field(&map, "data/new"), "5");
}

#[test]
fn rejected_resources_are_left_alone() {
    let text = "sourceValue: new\ntargets: [{select: {kind: ConfigMap}, reject: [{name: d.*}], fieldPaths: [data.v]}]\n";
    assert_eq!(field(&replaced(text).unwrap(), "data/image"), r#""a:1""#);
}

#[test]
fn mistakes() {
    for (text, wanted) in [
        ("{}", "replacements must specify a source and at least one target"),
        (
            "{sourceValue: a, source: {name: src}, targets: [{select: {}}]}",
            "value and resource selectors are mutually exclusive",
        ),
        ("{sourceValue: a, targets: [{}]}", "target must specify resources to select"),
        (
            "{source: {name: none, fieldPath: data.v}, targets: [{select: {}}]}",
            "nothing selected by [noKind].[noVer].[noGrp]/none.[noNs]:data.v",
        ),
        (
            "{source: {kind: ConfigMap}, targets: [{select: {}}]}",
            "multiple matches for selector ConfigMap.[noVer].[noGrp]/[noName].[noNs]",
        ),
        (
            "{source: {name: dst, fieldPath: data.empty}, targets: [{select: {}}]}",
            "fieldPath `data.empty` is missing for replacement source [noKind].[noVer].[noGrp]/dst.[noNs]",
        ),
        (
            "{source: {name: src, fieldPath: data.m, options: {delimiter: x}}, targets: [{select: {}}]}",
            "delimiter option can only be used with scalar nodes",
        ),
        (
            "{source: {name: src, fieldPath: data.v, options: {delimiter: /, index: 5}}, targets: [{select: {}}]}",
            "options.index 5 is out of bounds for value x/y",
        ),
    ] {
        assert_eq!(replaced(text).unwrap_err().to_string(), wanted, "{text}");
    }
}
