//! JSON into structs, in Go's words.

use super::*;
use crate::testing::{profile, value};
use crate::version::KustomizeVersion;

record! {
    /// A thing.
    Thing as "Thing" {
        name: String = "name",
        count: i64 = "count" in "Inner",
        list: Vec<String> = "list",
        sub: Option<Sub> = "sub",
        map: BTreeMap<String, String> = "map",
    }
}

record! {
    /// A part of it.
    Sub as "Sub" {
        on: bool = "on",
    }
}

#[test]
fn names_fit_in_any_case_and_null_is_nothing() {
    let thing: Thing =
        read(&value("{NAME: a, count: 3, List: [x, null], sub: null, map: {k: v}}"), true, profile())
            .unwrap();
    assert_eq!((thing.name.as_str(), thing.count, thing.sub), ("a", 3, None));
    assert_eq!(thing.list, ["x", ""]);
    assert_eq!(thing.map["k"], "v");
}

#[test]
fn the_first_mistake_is_told() {
    for (text, wanted) in [
        ("{zzz: 1, b: 2, list: {}}", "json: unknown field \"b\""),
        ("{zzz: 1}", "json: unknown field \"zzz\""),
        ("{name: 1}", "json: cannot unmarshal number into Go struct field Thing.name of type string"),
        ("{count: a}", "json: cannot unmarshal string into Go struct field Thing.Inner.count of type int64"),
        ("{list: {}}", "json: cannot unmarshal object into Go struct field Thing.list of type []string"),
        ("{sub: {'on': 1}}", "json: cannot unmarshal number into Go struct field Sub.sub.on of type bool"),
        ("{map: {k: yes}}", "json: cannot unmarshal bool into Go struct field Thing.map of type string"),
        ("[]", "json: cannot unmarshal array into Go value of type types.Thing"),
    ] {
        let profile = KustomizeVersion::V5_8_1.profile();
        assert_eq!(read::<Thing>(&value(text), true, profile).unwrap_err(), wanted, "{text}");
    }
}

#[test]
fn mistakes_are_told_with_their_place_since_5_8_3() {
    for (text, wanted) in [
        ("{zzz: 1}", "unknown field \"zzz\""),
        ("{NAME: 1}", "cannot unmarshal number into Go struct field Thing.NAME of type string"),
        ("{count: 1.5}", "cannot unmarshal number 1.5 into Go struct field Thing.count of type int64"),
        ("{list: [a, {}]}", "cannot unmarshal object into Thing.list.1 of type string"),
        ("{sub: {'on': 1}}", "cannot unmarshal number into Go struct field Thing.sub.on of type bool"),
        ("{map: {a/b~: yes}}", "cannot unmarshal bool into Go struct field Thing.map.a~1b~0 of type string"),
        ("{map: {'1': yes}}", "cannot unmarshal bool into Thing.map.1 of type string"),
        ("[]", "cannot unmarshal array into Go value of type types.Thing"),
    ] {
        let error = read_as::<Thing>("Thing", &value(text), true, profile()).unwrap_err();
        assert_eq!(error, format!("json: {wanted}"), "{text}");
    }
    let error = read::<Vec<Thing>>(&value("[{sub: []}]"), true, profile()).unwrap_err();
    assert_eq!(error, "json: cannot unmarshal array into Go struct field .0.sub of type types.Sub");
}

#[test]
fn plugins_are_read_leniently() {
    let thing: Thing = read(&value("{name: 1, zzz: 2, map: {a: true, b: 1.5}}"), false, profile()).unwrap();
    assert_eq!((thing.name.as_str(), thing.map["a"].as_str(), thing.map["b"].as_str()), ("1", "true", "1.5"));
}
