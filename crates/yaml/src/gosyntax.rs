//! Values as Go's `%#v` prints them, for the messages of go-yaml that quote one.

use crate::error::Dialect;
use crate::node::{Kind, NodeRef};
use crate::number::{format_g, not_finite};
use crate::resolve::{self, Scalar};

/// Nesting and length at which a message stops growing; Go prints on.
const MAX_DEPTH: usize = 32;
const MAX_LENGTH: usize = 64 << 10;

/// A node as Go prints the value it decodes to.
pub(crate) fn node(node: NodeRef<'_, '_>, dialect: Dialect) -> String {
    let out = Printer { dialect, left: MAX_LENGTH }.node(node, MAX_DEPTH);
    // Only a top-level nil has no type in front.
    if out == "interface {}(nil)" { "<nil>".to_owned() } else { out }
}

struct Printer {
    dialect: Dialect,
    /// Bytes the message may still grow by, however its parts nest: aliases stand for any number of nodes.
    left: usize,
}

impl Printer {
    fn node(&mut self, node: NodeRef<'_, '_>, depth: usize) -> String {
        if depth == 0 || self.left == 0 {
            return "...".to_owned();
        }
        match node.kind() {
            Kind::Alias => node.target().map_or_else(String::new, |target| self.node(target, depth - 1)),
            Kind::Scalar => {
                let text = scalar(node, self.dialect);
                self.left = self.left.saturating_sub(text.len());
                text
            }
            Kind::Sequence => {
                let mut items = Vec::new();
                for item in node.children() {
                    items.push(self.node(item, depth - 1));
                    if self.left == 0 {
                        break;
                    }
                }
                format!("[]interface {{}}{{{}}}", items.join(", "))
            }
            Kind::Mapping => self.mapping(node, depth),
        }
    }

    fn mapping(&mut self, node: NodeRef<'_, '_>, depth: usize) -> String {
        let is_text =
            |(key, _): (NodeRef<'_, '_>, _)| matches!(resolve::node(key, self.dialect), Ok(Scalar::Str(_)));
        let text_keys = self.dialect == Dialect::V3 && node.pairs().all(is_text);
        let key_type = if text_keys { "string" } else { "interface {}" };
        let mut entries = Vec::new();
        for (key, value) in node.pairs() {
            let key = self.node(key, depth - 1);
            entries.push(format!("{key}:{}", self.node(value, depth - 1)));
            if self.left == 0 {
                break;
            }
        }
        entries.sort();
        format!("map[{key_type}]interface {{}}{{{}}}", entries.join(", "))
    }
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
