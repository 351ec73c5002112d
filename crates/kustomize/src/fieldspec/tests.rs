//! Paths through maps and lists, what is made on the way, and merged lists of specs.

use super::*;
use crate::testing::{resources, shown};

fn set(path: &str, create: Create, text: &str) -> Result<String> {
    let mut map = resources(&format!("apiVersion: v1\nkind: A\nmetadata: {{name: x}}\n{text}\n"));
    let spec = FieldSpec::new(path, create != Create::Never);
    apply(&mut map.list[0], &spec, create, &mut |node| {
        *node = Node::text("set");
        Ok(())
    })?;
    map.list[0].node.as_map_mut().unwrap().entries.drain(..3);
    shown(&map.list[0].node)
}

#[test]
fn paths_lead_through_lists() {
    let text = "spec: {l: [{a: 1}, {b: 2}, {a: 3}]}";
    for path in ["spec/l/a", "spec/l[]/a"] {
        assert_eq!(
            set(path, Create::Never, text).unwrap(),
            r#"{"spec":{"l":[{"a":"set"},{"b":2},{"a":"set"}]}}"#
        );
    }
}

#[test]
fn missing_fields_are_made_only_when_asked_and_lists_never() {
    assert_eq!(set("a/b", Create::Scalar, "").unwrap(), r#"{"a":{"b":"set"}}"#);
    assert_eq!(set("a/b", Create::Never, "").unwrap(), "{}");
    assert_eq!(set("a[]/b", Create::Scalar, "").unwrap(), "{}");
    assert_eq!(set("a/b", Create::Scalar, "a:").unwrap(), r#"{"a":{"b":"set"}}"#);
}

#[test]
fn a_text_on_the_way_is_an_error_that_says_where() {
    assert_eq!(
        set("a/b", Create::Never, "a: text").unwrap_err().to_string(),
        "considering field 'a/b' of object A.v1.[noGrp]/x.[noNs]: expected sequence or mapping node"
    );
    assert_eq!(
        set("a/b/c", Create::Never, "a: [{b: text}]").unwrap_err().to_string(),
        "considering field 'a/b/c' of object A.v1.[noGrp]/x.[noNs]: visit traversal on path: [b c]: expected sequence or mapping node"
    );
}

#[test]
fn escaped_slashes_are_part_of_a_name() {
    assert_eq!(split_path("metadata/annotations/a.b\\/c"), ["metadata", "annotations", "a.b/c"]);
    assert_eq!(split_path("/a//b/"), ["a", "b"]);
}

#[test]
fn specs_fit_what_they_name() {
    let spec = FieldSpec { group: "apps".into(), kind: "Deployment".into(), ..FieldSpec::new("a", false) };
    assert!(spec.fits(&Gvk::new("apps/v1", "Deployment")));
    assert!(!spec.fits(&Gvk::new("v1", "Deployment")));
    assert!(!spec.fits(&Gvk::new("apps/v1", "ReplicaSet")));
}

#[test]
fn equal_places_are_merged_and_must_agree() {
    let mut specs = vec![FieldSpec { kind: "A".into(), ..FieldSpec::new("a", true) }];
    merge(&mut specs, &[FieldSpec::new("a", true), FieldSpec::new("b", true)]).unwrap();
    assert_eq!(specs.len(), 2, "a place of any kind is covered by the one of kind A");
    let error = merge(&mut specs, &[FieldSpec::new("b", false)]).unwrap_err();
    assert_eq!(error.to_string(), "conflicting fieldspecs");
}
