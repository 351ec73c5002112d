//! Known suffixes, recomputed from the documented form.

use super::*;
use crate::testing::resources;

fn suffix_of(text: &str) -> String {
    suffix(&resources(text).list[0]).unwrap()
}

fn config_map(name: &str, rest: &str) -> String {
    suffix_of(&format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {name}\n{rest}\n"))
}

#[test]
fn known_values() {
    assert_eq!(config_map("{name: x}", "data: {k: v}"), "bdg947hgcc");
    assert_eq!(config_map("{name: x}", ""), "6ct58987ht");
}

#[test]
fn only_the_data_counts() {
    let hash = config_map("{name: x}", "data: {k: v}");
    assert_eq!(config_map("{name: y, labels: {a: b}}", "immutable: true\ndata: {k: v}"), hash);
    assert_ne!(config_map("{name: x}", "data: {k: w}"), hash);
    assert_ne!(config_map("{name: x}", "data: {k: v}\nbinaryData: {b: AA==}"), hash);
}

#[test]
fn the_type_of_a_secret_counts() {
    let secret = |kind| {
        suffix_of(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: x}}\ntype: {kind}\ndata: {{a: Yg==}}\n"
        ))
    };
    assert_ne!(secret("Opaque"), secret("other"));
}

#[test]
fn only_resources_that_want_one_get_one() {
    let mut map = resources("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {k: v}\n");
    transform(&mut map).unwrap();
    assert_eq!(map.list[0].name(), "x");
    map.list[0].history.needs_hash = true;
    transform(&mut map).unwrap();
    assert_eq!(map.list[0].name(), "x-bdg947hgcc");
}
