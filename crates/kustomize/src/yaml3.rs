//! Nodes as go-yaml v3 writes them, styles kept: for messages that show a node, and for documents inside strings.

use yaml::{ScalarStyle, Value, kyaml};

use crate::node::{List, Map, Node, Scalar};

/// The text of a node with a line break at its end.
pub(crate) fn emit(node: &Node) -> String {
    let mut out = String::new();
    block(node, 0, &mut out);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

fn block(node: &Node, indent: usize, out: &mut String) {
    match node {
        Node::Map(map) if !map.flow && !map.entries.is_empty() => block_map(map, indent, out),
        Node::List(list) if !list.flow && !list.items.is_empty() => block_list(list, indent, out),
        Node::Scalar(scalar) if scalar.style == ScalarStyle::Literal || is_long(scalar) => {
            literal(scalar, indent, out);
        }
        _ => flow(node, false, out),
    }
}

fn is_long(scalar: &Scalar) -> bool {
    scalar.style == ScalarStyle::Plain && scalar.text.contains('\n')
}

fn block_map(map: &Map, indent: usize, out: &mut String) {
    for (at, (key, value)) in map.entries.iter().enumerate() {
        if at > 0 {
            out.push_str(&" ".repeat(indent));
        }
        scalar(key, false, out);
        out.push(':');
        match value {
            Node::Map(inner) if !inner.flow && !inner.entries.is_empty() => {
                out.push('\n');
                out.push_str(&" ".repeat(indent + 2));
                block(value, indent + 2, out);
            }
            Node::List(inner) if !inner.flow && !inner.items.is_empty() => {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                block(value, indent, out);
            }
            Node::Scalar(inner) if inner.is_null() && inner.text.is_empty() => {}
            _ => {
                out.push(' ');
                block(value, indent + 2, out);
            }
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
}

fn block_list(list: &List, indent: usize, out: &mut String) {
    for (at, item) in list.items.iter().enumerate() {
        if at > 0 {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str("- ");
        block(item, indent + 2, out);
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
}

fn literal(text: &Scalar, indent: usize, out: &mut String) {
    let text = &*text.text;
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    out.push('\n');
    let indent = " ".repeat(indent.max(2));
    for line in text.lines() {
        if !line.is_empty() {
            out.push_str(&indent);
        }
        out.push_str(line);
        out.push('\n');
    }
}

/// A node on one line; `in_braces` when it lies in another such node.
fn flow(node: &Node, in_braces: bool, out: &mut String) {
    match node {
        Node::Scalar(inner) => scalar(inner, in_braces, out),
        Node::Map(map) => {
            out.push('{');
            for (at, (key, value)) in map.entries.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                scalar(key, true, out);
                out.push_str(": ");
                flow(value, true, out);
            }
            out.push('}');
        }
        Node::List(list) => {
            out.push('[');
            for (at, item) in list.items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                flow(item, true, out);
            }
            out.push(']');
        }
    }
}

fn scalar(scalar: &Scalar, flow: bool, out: &mut String) {
    match scalar.style {
        ScalarStyle::SingleQuoted => {
            single_quoted(&scalar.text, out);
        }
        ScalarStyle::DoubleQuoted => out.push_str(&double_quoted(&scalar.text)),
        _ if scalar.is_text() && !in_flow(&scalar.text, flow) => {
            let text = yaml::v2::emit(&Value::String(scalar.text.clone()));
            // Words that only YAML 1.1 takes for booleans stay bare.
            let is_word = text.starts_with('"') && is_bare(&scalar.text);
            out.push_str(if is_word { &scalar.text } else { text.trim_end() });
        }
        _ if scalar.is_text() => single_quoted(&scalar.text, out),
        _ => out.push_str(&scalar.text),
    }
}

/// Whether a text that could stand bare in a block cannot in braces.
fn in_flow(text: &str, flow: bool) -> bool {
    flow && text.contains([',', '?', '[', ']', '{', '}', ':']) && !text.contains(|c: char| c.is_control())
}

/// Whether a text is a plain word that reading gives back as text.
fn is_bare(text: &str) -> bool {
    kyaml::implied_tag(text) == "!!str" && text.chars().all(|c| c.is_ascii_alphabetic())
}

fn single_quoted(text: &str, out: &mut String) {
    out.push('\'');
    out.push_str(&text.replace('\'', "''"));
    out.push('\'');
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
