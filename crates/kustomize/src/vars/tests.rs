//! Variables in texts.

use super::*;
use crate::testing::{field, read, resources};

fn replaced(text: &str) -> String {
    let mut map = resources(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata: {{v: {text}, name: web, n: 8080}}\n"
    ));
    let var = |name: &str, path: &str| {
        read::<Var>(&format!(
            "{{name: {name}, objref: {{apiVersion: v1, kind: ConfigMap, name: x}}, fieldref: {{fieldPath: {path}}}}}"
        ))
    };
    let mut all = Vec::new();
    add(&mut all, &mut map, &[var("NAME", "data.name"), var("PORT", "data.n")]).unwrap();
    transform(&mut map, &all, &[FieldSpec::new("data/v", false)]).unwrap();
    field(&map, "data/v")
}

#[test]
fn references_become_values() {
    for (text, wanted) in [
        ("'at $(NAME):$(PORT)'", r#""at web:8080""#),
        ("$(PORT)", "8080"),
        ("$(NONE)", r#""$(NONE)""#),
        ("$$(NAME)", r#""$(NAME)""#),
        ("$NAME", r#""$NAME""#),
        ("'$(NAME'", r#""$(NAME""#),
        ("['$(NAME)', b]", r#"["web","b"]"#),
        ("{k: $(NAME)}", r#"{"k":"web"}"#),
    ] {
        assert_eq!(replaced(text), wanted, "{text}");
    }
}

#[test]
fn names_are_given_once() {
    let var: Var = read("{name: A, objref: {apiVersion: v1, kind: ConfigMap, name: x}}");
    let mut all = vec![var.clone()];
    assert_eq!(merge(&mut all, &[var]).unwrap_err().to_string(), "var 'A' already encountered");
}
