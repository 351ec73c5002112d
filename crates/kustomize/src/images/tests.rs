//! How an image is taken apart and put together.

use super::*;
use crate::testing::{field, profile, read, resources};
use crate::version::KustomizeVersion;

fn changed(image: &str, change: &str) -> String {
    let mut map = resources(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{image: '{image}'}}]}}\n"
    ));
    transform(&mut map, &read::<Image>(change), &[], profile()).unwrap();
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
    transform(&mut map, &read("{name: a, newTag: '2'}"), &[], profile()).unwrap();
    assert_eq!(field(&map, "spec/containers"), r#"[{"image":"a"}]"#);
}

#[test]
fn suffixes_come_twice_where_a_field_spec_points_too() {
    let mut map =
        resources("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: a:1}]}\n");
    let specs = [FieldSpec::new("spec/containers[]/image", false)];
    transform(&mut map, &read("{name: a, tagSuffix: -s}"), &specs, profile()).unwrap();
    assert_eq!(field(&map, "spec/containers"), r#"[{"image":"a:1-s-s"}]"#);
}

#[test]
fn a_plain_name_matches_what_its_expression_would() {
    let names = ["nginx", "a.b/c", "re.io/x_y-z", "a"];
    let images = [
        "nginx",
        "nginx:1",
        "nginx:",
        "nginx@sha256:ab",
        "nginx:1@sha256:",
        "nginx@md5:1",
        "nginx:1:2",
        "nginx2",
        "xnginx",
        "a.b/c",
        "aXb/c:{t}",
        "a\nb/c",
        "a:é",
        "re.io/x_y-z:v1.0-rc_1",
        "",
        "a@sha256:1@sha256:2",
        "a@multihash+base58:Qm",
        "a:1@a.b_c-d+e:{}",
        "a@a..b:1",
        "a@:1",
        "a@-a:1",
        "a@md5",
        "a@é:1",
    ];
    for version in KustomizeVersion::ALL {
        for name in names {
            // A group without meaning, so that the name is compiled.
            let (plain, expression) = (of(name, version), format!("(?:{name})"));
            let expression = of(&expression, version);
            assert!(matches!(plain, Name::Dotted { .. }) && matches!(expression, Name::Expression(_)));
            for image in images {
                let both = [&plain, &expression].map(|name| name.is_of(image).unwrap());
                assert_eq!(both[0], both[1], "{version} {name} {image:?}");
            }
        }
    }
}

fn of(name: &str, version: KustomizeVersion) -> Name<'_> {
    Name::of(name, version.profile()).unwrap().unwrap()
}

#[test]
fn digests_of_any_algorithm_match_since_5_8_3() {
    let matches = |version| of("a", version).is_of("a@sha512:ab").unwrap();
    assert!(!matches(KustomizeVersion::V5_8_1) && matches(KustomizeVersion::V5_8_3));
}

#[test]
fn names_that_are_no_expression_match_nothing_since_5_8_3() {
    for name in ["[", "(", "a)"] {
        assert!(Name::of(name, KustomizeVersion::V5_8_1.profile()).is_err(), "{name}");
        assert!(Name::of(name, KustomizeVersion::V5_8_3.profile()).unwrap().is_none(), "{name}");
    }
}
