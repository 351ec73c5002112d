//! How an image is taken apart and put together.

use super::*;
use crate::testing::{field, read, resources};

fn changed(image: &str, change: &str) -> String {
    let mut map = resources(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{image: '{image}'}}]}}\n"
    ));
    transform(&mut map, &read::<Image>(change), &[]).unwrap();
    let text = field(&map, "spec/containers");
    text.strip_prefix(r#"[{"image":""#).unwrap().strip_suffix(r#""}]"#).unwrap().to_owned()
}

#[test]
fn names_tags_and_digests() {
    for (image, change, wanted) in [
        ("a", "{name: a, newTag: '2'}", "a:2"),
        ("a:1", "{name: a, newTag: '2'}", "a:2"),
        ("a@sha256:x", "{name: a, newTag: '2'}", "a:2"),
        ("a:1", "{name: a, digest: 'sha256:y'}", "a@sha256:y"),
        ("a:1", "{name: a, newTag: '2', digest: 'sha256:y'}", "a:2@sha256:y"),
        ("a:1", "{name: a, newName: b/c}", "b/c:1"),
        ("a:1@sha256:x", "{name: a, newName: b}", "b:1@sha256:x"),
        ("a:1@sha256:x", "{name: a, tagSuffix: -s}", "a:1-s"),
        ("a:1", "{name: a, newTag: '2', tagSuffix: -s}", "a:2"),
        ("host:5000/a:1", "{name: 'host:5000/a', newTag: '2'}", "host:5000/a:2"),
        ("ab:1", "{name: a, newTag: '2'}", "ab:1"),
        ("x/a:1", "{name: a, newTag: '2'}", "x/a:1"),
        ("abc:1", "{name: 'a.c', newTag: '2'}", "abc:2"),
        ("a:{TAG}", "{name: a, newTag: '2'}", "a:2"),
    ] {
        assert_eq!(changed(image, change), wanted, "{image} with {change}");
    }
}

#[test]
fn definitions_of_kinds_are_left_alone() {
    let mut map = resources(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: c}\nspec: {containers: [{image: a}]}\n",
    );
    transform(&mut map, &read("{name: a, newTag: '2'}"), &[]).unwrap();
    assert_eq!(field(&map, "spec/containers"), r#"[{"image":"a"}]"#);
}

#[test]
fn suffixes_come_twice_where_a_field_spec_points_too() {
    let mut map =
        resources("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: a:1}]}\n");
    let specs = [FieldSpec::new("spec/containers[]/image", false)];
    transform(&mut map, &read("{name: a, tagSuffix: -s}"), &specs).unwrap();
    assert_eq!(field(&map, "spec/containers"), r#"[{"image":"a:1-s-s"}]"#);
}
