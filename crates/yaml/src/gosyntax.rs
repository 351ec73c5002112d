//! Values as Go's `%#v` prints them, for the messages of go-yaml that quote one.

use crate::error::Dialect;
use crate::node::{Kind, NodeRef};
use crate::number::{format_g, not_finite};
use crate::resolve::{self, Scalar};

/// Nesting and length at which a message stops growing; Go prints on.
const MAX_DEPTH: usize = 32;
const MAX_LENGTH: usize = 4096;

/// A node as Go prints the value it decodes to.
pub(crate) fn node(node: NodeRef<'_, '_>, dialect: Dialect) -> String {
    let mut out = String::new();
    write_node(&mut out, node, dialect, MAX_DEPTH);
    // Only a top-level nil has no type in front.
    if out == "interface {}(nil)" { "<nil>".to_owned() } else { out }
}

fn write_node(out: &mut String, node: NodeRef<'_, '_>, dialect: Dialect, depth: usize) {
    if depth == 0 || out.len() > MAX_LENGTH {
        out.push_str("...");
        return;
    }
    match node.kind() {
        Kind::Alias => {
            node.target().into_iter().for_each(|target| write_node(out, target, dialect, depth - 1));
        }
        Kind::Scalar => out.push_str(&scalar(node, dialect)),
        Kind::Sequence => {
            let items = node.children().map(|item| nested(item, dialect, depth)).collect::<Vec<_>>();
            out.push_str(&format!("[]interface {{}}{{{}}}", items.join(", ")));
        }
        Kind::Mapping => write_mapping(out, node, dialect, depth),
    }
}

fn write_mapping(out: &mut String, node: NodeRef<'_, '_>, dialect: Dialect, depth: usize) {
    let text_keys = dialect == Dialect::V3
        && node.pairs().all(|(key, _)| matches!(resolve::node(key, dialect), Ok(Scalar::Str(_))));
    let key_type = if text_keys { "string" } else { "interface {}" };
    let mut entries: Vec<String> = node
        .pairs()
        .map(|(key, value)| format!("{}:{}", nested(key, dialect, depth), nested(value, dialect, depth)))
        .collect();
    entries.sort();
    out.push_str(&format!("map[{key_type}]interface {{}}{{{}}}", entries.join(", ")));
}

fn nested(node: NodeRef<'_, '_>, dialect: Dialect, depth: usize) -> String {
    let mut out = String::new();
    write_node(&mut out, node, dialect, depth - 1);
    out
}

fn scalar(node: NodeRef<'_, '_>, dialect: Dialect) -> String {
    match resolve::node(node, dialect) {
        Ok(Scalar::Null) => "interface {}(nil)".to_owned(),
        Ok(Scalar::Bool(b)) => b.to_string(),
        Ok(Scalar::Int(n)) => n.to_string(),
        Ok(Scalar::Uint(n)) => format!("{n:#x}"),
        Ok(Scalar::Float(x)) => not_finite(x).map_or_else(|| format_g(x), str::to_owned),
        Ok(Scalar::Str(text)) => quote(&text),
        Ok(Scalar::Timestamp(_)) | Err(_) => quote(node.value()),
    }
}

/// `strconv.Quote` for what appears in manifests.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0B' => out.push_str("\\v"),
            '\x0C' => out.push_str("\\f"),
            '\0'..' ' | '\x7F' => out.push_str(&format!("\\x{:02x}", c as u32)),
            '\u{80}'..='\u{A0}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}' => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}
