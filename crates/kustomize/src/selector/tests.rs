//! Targets: whole-text expressions, Go's words for broken ones, names that were.

use super::*;
use crate::testing::{read, resources};

fn selects(selector: &str, resource: &str) -> bool {
    let selector: Selector = read(selector);
    selector.matcher().unwrap().selects(&resources(resource).list[0]).unwrap()
}

const POD: &str =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: web-1, labels: {a: b}, annotations: {note: o}}\n";

#[test]
fn every_field_has_to_fit_as_a_whole() {
    for (selector, wanted) in [
        ("{}", true),
        ("{kind: Pod, version: v1, name: 'web-.*'}", true),
        ("{name: web}", false),
        ("{name: 'web|web-1'}", true),
        ("{kind: Pod|Service}", true),
        ("{group: apps}", false),
        ("{namespace: default}", true),
        ("{namespace: other}", false),
        ("{labelSelector: 'a=b', annotationSelector: note}", true),
        ("{labelSelector: 'a!=b'}", false),
    ] {
        assert_eq!(selects(selector, POD), wanted, "{selector}");
    }
}

#[test]
fn earlier_names_count_too() {
    let mut map = resources(POD);
    map.list[0].store_previous_id().unwrap();
    map.list[0].set_name("new");
    let matcher = |text| read::<Selector>(text).matcher().unwrap();
    assert!(matcher("{name: new}").selects(&map.list[0]).unwrap());
    assert!(matcher("{name: web-1}").selects(&map.list[0]).unwrap());
    assert!(!matcher("{name: old}").selects(&map.list[0]).unwrap());
}

#[test]
fn broken_expressions_are_told_in_the_words_of_go() {
    for (text, wanted) in [
        ("(", "error parsing regexp: missing closing ): `^(?:()$`"),
        ("[a", "error parsing regexp: missing closing ]: `[a)$`"),
        ("*", "error parsing regexp: missing argument to repetition operator: `*`"),
    ] {
        let error = anchored(text).unwrap_err().to_string();
        assert!(error.starts_with(wanted.split('`').next().unwrap()), "{error}, not {wanted}");
    }
}

#[test]
fn braces_that_repeat_nothing_are_themselves() {
    assert!(compile("^a{b}$").unwrap().is_match("a{b}").unwrap());
    assert!(compile("^a{2}$").unwrap().is_match("aa").unwrap());
    assert!(compile("^a\\{2}$").unwrap().is_match("a{2}").unwrap());
}

#[test]
fn expressions_cannot_grow_without_bound() {
    assert!(compile("((a{1000}){1000}){1000}").is_err());
}
