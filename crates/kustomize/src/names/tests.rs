//! Prefixes and suffixes.

use super::*;
use crate::testing::{field, resources};

fn renamed(kind: &str, name: &str, affix: Affix<'_>) -> String {
    let mut map = resources(&format!("{kind}\nmetadata: {{name: {name}}}\n"));
    transform(&mut map, affix, &[FieldSpec::new("metadata/name", false)]).unwrap();
    field(&map, "metadata/name")
}

#[test]
fn names_get_it_and_keep_their_style() {
    let kind = "apiVersion: v1\nkind: ConfigMap";
    assert_eq!(renamed(kind, "a", Affix::Prefix("p-")), r#""p-a""#);
    assert_eq!(renamed(kind, "a", Affix::Suffix("-s")), r#""a-s""#);
    assert_eq!(renamed(kind, "e5", Affix::Prefix("1")), "100000");
    assert_eq!(renamed(kind, "'e5'", Affix::Prefix("1")), r#""1e5""#);
}

#[test]
fn some_kinds_keep_their_names() {
    for kind in [
        "apiVersion: v1\nkind: Namespace",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition",
        "apiVersion: apiregistration.k8s.io/v1\nkind: APIService",
    ] {
        assert_eq!(renamed(kind, "a", Affix::Prefix("p-")), r#""a""#, "{kind}");
    }
}

#[test]
fn earlier_names_are_remembered() {
    let mut map = resources("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    transform(&mut map, Affix::Prefix("p-"), &[FieldSpec::new("metadata/name", false)]).unwrap();
    assert_eq!(&*map.list[0].original_id().name, "a");
    assert_eq!(&*map.list[0].id().name, "p-a");
}
