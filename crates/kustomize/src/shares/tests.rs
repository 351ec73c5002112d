//! Labels at several places are one value until a JSON patch.

use std::collections::BTreeMap;

use super::*;
use crate::fieldspec::FieldSpec;
use crate::labels;
use crate::resmap::ResMap;
use crate::testing::{field, resources};

fn labelled() -> ResMap {
    let mut map = resources("apiVersion: v1\nkind: A\nmetadata: {name: x}\nspec: {own: {a: 2}}\n");
    let specs = [
        FieldSpec::new("metadata/labels", true),
        FieldSpec::new("spec/sel", true),
        FieldSpec::new("spec/own", true),
    ];
    labels::transform(&mut map, &BTreeMap::from([("a".into(), "1".into())]), &specs).unwrap();
    map
}

fn put(map: &mut ResMap, path: &[&str], text: &str) {
    let place = path.iter().try_fold(&mut map.list[0].node, |node, name| node.get_mut(name));
    place.unwrap().set_text(text);
    settle(&mut map.list[0]).unwrap();
}

#[test]
fn a_change_at_one_place_is_a_change_at_all() {
    for path in [["metadata", "labels", "a"], ["spec", "sel", "a"]] {
        let mut map = labelled();
        put(&mut map, &path, "new");
        assert_eq!(field(&map, "metadata/labels/a"), r#""new""#);
        assert_eq!(field(&map, "spec/sel/a"), r#""new""#);
        assert_eq!(field(&map, "spec/own/a"), r#""1""#, "what was there is its own");
    }
}

#[test]
fn it_stays_one_value_after_a_change() {
    let mut map = labelled();
    put(&mut map, &["metadata", "labels", "a"], "new");
    put(&mut map, &["spec", "sel", "a"], "newer");
    assert_eq!(field(&map, "metadata/labels/a"), r#""newer""#);
}

#[test]
fn values_that_leave_share_nothing() {
    let mut map = labelled();
    let mut copy = map.list[0].node.at(&["metadata", "labels"]).unwrap().clone();
    forget(&mut copy);
    map.list[0].metadata().put("labels", copy);
    put(&mut map, &["metadata", "labels", "a"], "new");
    assert_eq!(field(&map, "spec/sel/a"), r#""1""#);
}
