//! Nodes as go-yaml v3 writes them, styles kept: for messages that show a node, and for documents inside strings.

use yaml::{ScalarStyle, Value, kyaml};

use crate::comments::Notes;
use crate::node::{List, Map, Node, Scalar, Tag};

/// The text of a node with a line break at its end.
pub(crate) fn emit(node: &Node) -> String {
    emit_with(node, &Notes::default())
}

/// The text of a node with its comments.
pub(crate) fn emit_with(node: &Node, notes: &Notes) -> String {
    let mut writer = Writer { out: String::new(), path: Vec::new(), notes };
    if !notes.head.is_empty() {
        writer.out.push_str(&notes.head.join("\n"));
        writer.out.push_str("\n\n");
    }
    writer.block(node, 0);
    writer.end_line();
    if !notes.foot.is_empty() {
        writer.out.push('\n');
        writer.out.push_str(&notes.foot.join("\n"));
        writer.out.push('\n');
    }
    writer.out
}

struct Writer<'n> {
    out: String,
    /// Positions on the way to what is being written.
    path: Vec<usize>,
    notes: &'n Notes,
}

fn is_long(scalar: &Scalar) -> bool {
    scalar.style == ScalarStyle::Plain && scalar.text.contains('\n')
}

impl Writer<'_> {
    fn end_line(&mut self) {
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, columns: usize) {
        // Deep documents have more indentation than text; where the budget refuses it, the text is of no use any more.
        if budget::charge(columns).is_ok() {
            self.out.extend(std::iter::repeat_n(' ', columns));
        }
    }

    fn block(&mut self, node: &Node, indent: usize) {
        match node {
            Node::Map(map) if !map.flow && !map.entries.is_empty() => self.block_map(map, indent),
            Node::List(list) if !list.flow && !list.items.is_empty() => self.block_list(list, indent),
            Node::Scalar(scalar) if scalar.style == ScalarStyle::Folded => {
                let beside = self.beside();
                folded(scalar, &beside, indent, &mut self.out);
            }
            Node::Scalar(scalar) if scalar.style == ScalarStyle::Literal || is_long(scalar) => {
                let beside = self.beside();
                literal(scalar, &beside, indent, &mut self.out);
            }
            _ => flow(node, false, &mut self.out),
        }
    }

    fn block_map(&mut self, map: &Map, indent: usize) {
        for (at, (key, value)) in map.entries.iter().enumerate() {
            self.start(at, indent);
            scalar(key, false, &mut self.out);
            self.out.push(':');
            self.value(value, indent);
            self.finish(indent, at + 1 < map.entries.len());
        }
    }

    fn value(&mut self, value: &Node, indent: usize) {
        let inner = match value {
            Node::Map(inner) if !inner.flow && !inner.entries.is_empty() => Some(indent + 2),
            Node::List(inner) if !inner.flow && !inner.items.is_empty() => Some(indent),
            _ => None,
        };
        let is_absent = value.is_null() && value.raw().is_empty();
        if let Some(inner) = inner {
            let beside = self.beside();
            self.out.push_str(&beside);
            self.out.push('\n');
            self.indent(inner);
            self.block(value, inner);
            return;
        }
        if !is_absent {
            self.out.push(' ');
            self.block(value, indent + 2);
        }
        self.finish_line();
    }

    fn block_list(&mut self, list: &List, indent: usize) {
        for (at, item) in list.items.iter().enumerate() {
            self.start(at, indent);
            self.out.push_str("- ");
            self.block(item, indent + 2);
            self.finish_line();
            self.finish(indent, at + 1 < list.items.len());
        }
    }

    /// Begins an entry: the indentation, except for the first one, and the comments above.
    fn start(&mut self, at: usize, indent: usize) {
        if at > 0 {
            self.indent(indent);
        }
        self.path.push(at);
        let above = self.notes.get(&self.path).map_or(&[][..], |note| &note.above);
        for comment in above {
            self.out.push_str(comment);
            self.out.push('\n');
            self.indent(indent);
        }
    }

    /// Ends the line of a value with the comment beside it, unless the value has brought it along.
    fn finish_line(&mut self) {
        if !self.out.ends_with('\n') {
            let beside = self.beside();
            self.out.push_str(&beside);
            self.out.push('\n');
        }
    }

    fn beside(&self) -> String {
        let note = self.notes.get(&self.path).and_then(|note| note.beside.as_ref());
        note.map_or_else(String::new, |text| format!(" {text}"))
    }

    /// Ends an entry with the comments below, which a blank line sets off from what follows on this level.
    fn finish(&mut self, indent: usize, goes_on: bool) {
        self.end_line();
        let below = self.notes.get(&self.path).map_or(&[][..], |note| &note.below);
        for comment in below {
            self.indent(indent);
            self.out.push_str(comment);
            self.out.push('\n');
        }
        if goes_on && !below.is_empty() {
            self.out.push('\n');
        }
        self.path.pop();
    }
}

fn literal(scalar: &Scalar, beside: &str, indent: usize, out: &mut String) {
    header('|', &scalar.text, beside, out);
    if budget::charge(indented_bytes(&scalar.text, indent)).is_err() {
        return;
    }
    let indent = " ".repeat(indent.max(2));
    for line in scalar.text.lines() {
        if !line.is_empty() {
            out.push_str(&indent);
        }
        out.push_str(line);
        out.push('\n');
    }
}

/// What a text takes whose lines are indented.
fn indented_bytes(text: &str, indent: usize) -> usize {
    text.len() + text.lines().count() * indent.max(2)
}

/// Paragraphs on a line each, however long, with a blank line between them.
fn folded(scalar: &Scalar, beside: &str, indent: usize, out: &mut String) {
    header('>', &scalar.text, beside, out);
    if budget::charge(indented_bytes(&scalar.text, indent)).is_err() {
        return;
    }
    let indent = " ".repeat(indent.max(2));
    let mut after_text = false;
    for line in scalar.text.lines() {
        if after_text && !line.is_empty() && !line.starts_with(' ') {
            out.push('\n');
        }
        if !line.is_empty() {
            out.push_str(&indent);
        }
        after_text = !line.is_empty() && !line.starts_with(' ');
        out.push_str(line);
        out.push('\n');
    }
}

fn header(sign: char, text: &str, beside: &str, out: &mut String) {
    out.push(sign);
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    out.push_str(beside);
    out.push('\n');
}

/// A node on one line; `in_braces` when it lies in another such node.
fn flow(node: &Node, in_braces: bool, out: &mut String) {
    budget::note(size_of::<u64>());
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
    // Once for itself, once for finding out how it has to be written.
    budget::note(2 * scalar.text.len());
    if let Tag::Written(tag) = &scalar.tag {
        match tag.strip_prefix("tag:yaml.org,2002:") {
            Some(name) => out.push_str(&format!("!!{name} ")),
            None => out.push_str(&format!("{tag} ")),
        }
        let bare = Scalar { tag: Tag::None, ..scalar.clone() };
        return self::scalar(&bare, flow, out);
    }
    match scalar.style {
        ScalarStyle::SingleQuoted => {
            single_quoted(&scalar.text, out);
        }
        ScalarStyle::DoubleQuoted => out.push_str(&double_quoted(&scalar.text)),
        _ if scalar.is_text() && !in_flow(&scalar.text, flow) => text(&scalar.text, out),
        _ if scalar.is_text() => single_quoted(&scalar.text, out),
        _ => {
            // A text that does not fit its tag any more keeps it.
            let tag = scalar.tag();
            if !tag.is_empty() && kyaml::implied_tag(&scalar.text) != tag {
                out.push_str(tag);
                out.push(' ');
            }
            out.push_str(&scalar.text);
        }
    }
}

/// A text in the plainest style that reading gives back; long lines are not folded.
fn text(text: &str, out: &mut String) {
    let written = yaml::v2::emit(&Value::String(text.into()));
    match written.chars().next() {
        // Words that only YAML 1.1 takes for booleans stay bare.
        Some('"') if is_bare(text) => out.push_str(text),
        Some('"') => out.push_str(&double_quoted(text)),
        Some('\'') => single_quoted(text, out),
        Some('|') => out.push_str(written.trim_end()),
        _ => out.push_str(text),
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

#[cfg(test)]
mod tests;
