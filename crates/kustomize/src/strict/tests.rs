//! JSON into structs, in Go's words.

use super::*;
use crate::testing::value;

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
        read(&value("{NAME: a, count: 3, List: [x, null], sub: null, map: {k: v}}"), true).unwrap();
    assert_eq!((thing.name.as_str(), thing.count, thing.sub), ("a", 3, None));
    assert_eq!(thing.list, ["x", ""]);
    assert_eq!(thing.map["k"], "v");
}

#[test]
fn the_first_mistake_is_told() {
    for (text, wanted) in [
        ("{zzz: 1}", "json: unknown field \"zzz\""),
        ("{name: 1}", "json: cannot unmarshal number into Go struct field Thing.name of type string"),
        ("{count: a}", "json: cannot unmarshal string into Go struct field Thing.Inner.count of type int64"),
        ("{list: {}}", "json: cannot unmarshal object into Go struct field Thing.list of type []string"),
        ("{sub: {'on': 1}}", "json: cannot unmarshal number into Go struct field Sub.sub.on of type bool"),
        ("{map: {k: yes}}", "json: cannot unmarshal bool into Go struct field Thing.map of type string"),
        ("[]", "json: cannot unmarshal array into Go value of type types.Thing"),
    ] {
        assert_eq!(read::<Thing>(&value(text), true).unwrap_err(), wanted, "{text}");
    }
}

#[test]
fn plugins_are_read_leniently() {
    let thing: Thing = read(&value("{name: 1, zzz: 2, map: {a: true, b: 1.5}}"), false).unwrap();
    assert_eq!((thing.name.as_str(), thing.map["a"].as_str(), thing.map["b"].as_str()), ("1", "true", "1.5"));
}
