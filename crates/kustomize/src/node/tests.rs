//! Nodes: keys and styles of what is set.

use yaml::Limits;

use super::*;
use crate::{data, reader};

fn node(text: &str) -> Node {
    reader::parse(text.as_bytes(), &Limits::default()).unwrap().unwrap()
}

fn json(node: &Node) -> Result<String> {
    Ok(yaml::json::to_string(&data::of(node, crate::testing::profile())?)?)
}

#[test]
fn new_keys_are_written_without_tag_and_may_turn_into_numbers() {
    let mut map = node("{a: {b: 1}}");
    map.get_mut("a").unwrap().as_map_mut().unwrap().set("c", Node::text("2"));
    assert_eq!(json(&map).unwrap(), r#"{"a":{"b":1,"c":"2"}}"#);
    map.get_mut("a").unwrap().as_map_mut().unwrap().set("3", Node::text("2"));
    assert_eq!(json(&map).unwrap(), r#"{"a":{"3":"2","b":1,"c":"2"}}"#);
    let older = crate::KustomizeVersion::V5_8_1.profile();
    let error = data::of(&map, older).unwrap_err();
    assert_eq!(error.to_string(), "json: unsupported type: map[interface {}]interface {}");
}

#[test]
fn keys_that_are_there_keep_how_they_were_written() {
    let mut map = node("{a: {'3': 1}}");
    map.get_mut("a").unwrap().as_map_mut().unwrap().set("3", Node::text("2"));
    assert_eq!(json(&map).unwrap(), r#"{"a":{"3":"2"}}"#);
}

#[test]
fn a_new_value_takes_over_the_style_of_the_old_one() {
    let mut map = node("{quoted: '1', plain: 1, text: a}");
    for key in ["quoted", "plain", "text"] {
        map.as_map_mut().unwrap().set(key, Node::untagged("5"));
    }
    assert_eq!(json(&map).unwrap(), r#"{"plain":5,"quoted":"5","text":5}"#);
}

#[test]
fn null_takes_a_key_out_and_put_does_not_care() {
    let mut map = node("{a: 1, b: 2}");
    let fields = map.as_map_mut().unwrap();
    fields.set("a", Node::Scalar(Scalar::tagged("null", "!!null")));
    fields.put("b", Node::Scalar(Scalar::tagged("null", "!!null")));
    assert_eq!(json(&map).unwrap(), r#"{"b":null}"#);
}

#[test]
fn tags_and_styles_decide_what_a_scalar_is() {
    for (text, wanted) in [
        ("0644", "420"),
        ("'0644'", "\"0644\""),
        ("!!str 5", "\"5\""),
        ("!!int '5'", "5"),
        ("!!float 3", "3"),
        ("!own 5", "\"5\""),
        ("yes", "\"yes\""),
        ("~", "null"),
        ("2001-01-01", "\"2001-01-01T00:00:00Z\""),
        ("!!binary aGk=", "\"hi\""),
    ] {
        assert_eq!(json(&node(text)).unwrap(), wanted, "{text}");
    }
    assert!(json(&node("!!bool 'yes'")).is_err());
}

#[test]
fn an_empty_value_is_null_in_block_style_and_text_in_flow_style() {
    assert_eq!(
        json(&node("a:\nb: {c: }\nd: [{e: }]\n")).unwrap(),
        r#"{"a":null,"b":{"c":""},"d":[{"e":""}]}"#
    );
}

#[test]
fn aliases_are_copies_and_merges_are_flat() {
    let read = node("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n");
    assert_eq!(json(&read).unwrap(), r#"{"a":{"x":1,"y":2},"b":{"x":1,"y":3},"c":{"x":1,"y":2}}"#);
}

#[test]
fn aliases_cannot_grow_beyond_the_budget() {
    let mut text = String::from("a0: &a0 [x, x]\n");
    for level in 1..12 {
        let below = level - 1;
        text.push_str(&format!("a{level}: &a{level} [*a{below}, *a{below}]\n"));
    }
    let limits = Limits { nodes: 1_000, ..Limits::default() };
    let error = reader::parse(text.as_bytes(), &limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn data_becomes_nodes_and_data_again() {
    let text = r#"{"a":[1,1.5,-0.5,true,null,"yes","5","two\nlines","x"],"b":{"1":{}}}"#;
    let value = yaml::json::from_str(text, &Limits::default()).unwrap();
    assert_eq!(json(&Node::from_value(&value)).unwrap(), text);
    assert_eq!(json(&Node::from_json(&value)).unwrap(), text);
}
