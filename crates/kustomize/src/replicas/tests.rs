//! Numbers of replicas.

use super::*;
use crate::testing::{field, read, resources};

fn specs() -> [FieldSpec; 1] {
    [FieldSpec { kind: "Deployment".into(), ..FieldSpec::new("spec/replicas", true) }]
}

#[test]
fn the_number_is_set_or_made() {
    for spec in ["{replicas: 1}", "{replicas: }", "{}"] {
        let text = format!("apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d}}\nspec: {spec}\n");
        let mut map = resources(&text);
        transform(&mut map, &read("{name: d, count: 3}"), &specs()).unwrap();
        assert_eq!(field(&map, "spec/replicas"), "3", "{spec}");
    }
}

#[test]
fn earlier_names_count_and_none_is_an_error() {
    let mut map = resources("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n");
    map.list[0].store_previous_id().unwrap();
    map.list[0].set_name("e");
    transform(&mut map, &read("{name: d, count: 3}"), &specs()).unwrap();
    transform(&mut map, &read("{name: e, count: 4}"), &specs()).unwrap();
    let error = transform(&mut map, &read("{name: f, count: 5}"), &specs()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "resource with name f does not match a config with the following GVK [Deployment.[noVer].[noGrp]]"
    );
}
