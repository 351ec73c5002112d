//! Nodes in the layout of go-yaml v3.

use super::*;
use crate::testing::node;

#[test]
fn layout_and_styles_are_kept() {
    for text in [
        "a: 1\nb: \"x\"\nc: 'y'\n",
        "a:\n- b: 1\n  c: 2\n- - d\n",
        "a: {b: c, d: [e, 1]}\n",
        "a: |\n  two\n  lines\nb: |-\n  one\n  two\n",
        "a: y\nb: null\nc:\n",
        "a: {}\nb: []\n",
        "{a: 'b:c', d: \"e\"}\n",
    ] {
        assert_eq!(emit(&node(text)), text);
    }
}

#[test]
fn texts_that_would_be_something_else_are_quoted() {
    let list = Node::List(List { items: ["1", "true", "~", "a", ""].map(Node::text).to_vec(), flow: false });
    assert_eq!(emit(&list), "- \"1\"\n- \"true\"\n- \"~\"\n- a\n- \"\"\n");
}
