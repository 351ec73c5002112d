//! Moves to a namespace.

use super::*;
use crate::testing::{field, resources};

fn moved(text: &str, unset_only: bool, subjects: Subjects) -> Result<ResMap> {
    let mut map = resources(text);
    let specs = vec![FieldSpec { kind: "Namespace".into(), ..FieldSpec::new("metadata/name", true) }];
    Namespace { namespace: "new".into(), unset_only, subjects, specs }.transform(&mut map)?;
    Ok(map)
}

fn namespace(text: &str, unset_only: bool) -> String {
    field(&moved(text, unset_only, Subjects::DefaultOnly).unwrap(), "metadata/namespace")
}

#[test]
fn everything_moves_that_may_have_a_namespace() {
    assert_eq!(namespace("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n", false), r#""new""#);
    assert_eq!(
        namespace("apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: a}\n", false),
        r#""new""#
    );
    assert_eq!(namespace("apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: a}\n", true), r#""a""#);
    assert_eq!(namespace("apiVersion: v1\nkind: Node\nmetadata: {name: n}\n", false), "");
    assert_eq!(namespace("apiVersion: x.org/v1\nkind: Node\nmetadata: {name: n}\n", false), r#""new""#);
}

#[test]
fn a_namespace_is_renamed() {
    let map =
        moved("apiVersion: v1\nkind: Namespace\nmetadata: {name: old}\n", false, Subjects::None).unwrap();
    assert_eq!(field(&map, "metadata/name"), r#""new""#);
}

#[test]
fn subjects_of_bindings() {
    let text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\nsubjects: [{kind: User, name: default}, {kind: ServiceAccount, name: s}]\n";
    for (subjects, wanted) in [
        (Subjects::None, r#"[{"kind":"User","name":"default"},{"kind":"ServiceAccount","name":"s"}]"#),
        (
            Subjects::DefaultOnly,
            r#"[{"kind":"User","name":"default","namespace":"new"},{"kind":"ServiceAccount","name":"s"}]"#,
        ),
        (
            Subjects::AllServiceAccounts,
            r#"[{"kind":"User","name":"default"},{"kind":"ServiceAccount","name":"s","namespace":"new"}]"#,
        ),
    ] {
        assert_eq!(field(&moved(text, false, subjects).unwrap(), "subjects"), wanted, "{subjects:?}");
    }
}

#[test]
fn two_resources_may_not_become_one() {
    let pod =
        |namespace| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: {namespace}}}\n");
    let error = moved(&format!("{}---\n{}", pod("a"), pod("b")), false, Subjects::None).unwrap_err();
    assert!(error.to_string().starts_with("namespace transformation produces ID conflict: [{"), "{error}");
}
