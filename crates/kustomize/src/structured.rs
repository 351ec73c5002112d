//! Replacements inside texts that are documents themselves: JSON or YAML in a ConfigMap.

use yaml::{Limits, Value, json};

use crate::comments::Notes;
use crate::data;
use crate::error::Result;
use crate::growth::Growth;
use crate::node::Node;
use crate::paths::{Path, Request};
use crate::reader;
use crate::replacements::{self, FieldOptions};
use crate::version::Profile;
use crate::yaml3;

/// Puts a value into the document that stands at some way of the path; `false` when there is none.
pub(crate) fn set(root: &mut Node, path: &Path, change: Change<'_>, growth: &mut Growth) -> Result<bool> {
    for at in 1..path.0.len() {
        let (head, rest) = path.0.split_at(at);
        let head = Path(head.to_vec());
        let Ok(Some(Node::Scalar(scalar))) = head.get(root) else { continue };
        // The document is made and dropped; only its text stays.
        let done = budget::temporarily(|| change.rewritten(&scalar.text, rest, growth));
        budget::look()?;
        let Some(text) = done else { continue };
        budget::charge(text.len())?;
        let request = Request { path: &head, text: "", create: None };
        request.visit(root, &mut |node| {
            if let Node::Scalar(scalar) = node {
                scalar.text = text.as_str().into();
            }
            Ok(())
        })?;
        return Ok(true);
    }
    Ok(false)
}

/// What is put into a document.
#[derive(Clone, Copy)]
pub(crate) struct Change<'c> {
    pub(crate) value: &'c Node,
    pub(crate) options: Option<&'c FieldOptions>,
    pub(crate) profile: &'c Profile,
}

impl Change<'_> {
    fn rewritten(&self, text: &str, rest: &[String], growth: &mut Growth) -> Option<String> {
        let mut node = reader::parse(text.as_bytes(), &Limits::default()).ok()??;
        if node.as_scalar().is_some() {
            return None;
        }
        let path = Path(rest.to_vec());
        let creates = self.options.is_some_and(|options| options.create);
        let request = Request { path: &path, text: "", create: creates.then_some(self.value) };
        request.visit(&mut node, &mut |node| self.put(node, rest.len(), growth)).ok()?;
        if !text.trim_start().starts_with(['{', '[']) {
            let notes = Notes::read(text, &Limits::default());
            return Some(yaml3::emit_with(&node, &notes).trim().to_owned());
        }
        let value = data::of(&node, self.profile).ok()?;
        if text.contains('\n') && text.contains("  ") {
            Some(pretty(&value, 0))
        } else {
            json::to_string(&value).ok()
        }
    }

    fn put(&self, node: &mut Node, depth: usize, growth: &mut Growth) -> Result<()> {
        growth.node(self.value, depth)?;
        if self.profile.structured_text_has_options {
            replacements::set_value(node, self.value, self.options)?;
            return if self.value.as_scalar().is_some() { growth.node(node, depth) } else { Ok(()) };
        }
        match &mut *node {
            Node::Scalar(old) => old.text = self.value.raw().into(),
            _ => *node = self.value.clone(),
        }
        Ok(())
    }
}

/// JSON with two blanks per level, keys sorted.
fn pretty(value: &Value, indent: usize) -> String {
    let (outer, inner) = ("  ".repeat(indent), "  ".repeat(indent + 1));
    let lines = |items: Vec<String>, open: char, close: char| {
        // Deep documents have more indentation than text.
        let bytes: usize = items.iter().map(|item| item.len() + inner.len() + 2).sum();
        if budget::charge(2 * bytes).is_err() {
            return String::new();
        }
        format!("{open}\n{inner}{}\n{outer}{close}", items.join(&format!(",\n{inner}")))
    };
    match value {
        Value::Map(map) if !map.is_empty() => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            let key =
                |key: &std::sync::Arc<str>| json::to_string(&Value::String(key.clone())).unwrap_or_default();
            let items = entries.into_iter().map(|(k, v)| format!("{}: {}", key(k), pretty(v, indent + 1)));
            lines(items.collect(), '{', '}')
        }
        Value::List(list) if !list.is_empty() => {
            lines(list.iter().map(|item| pretty(item, indent + 1)).collect(), '[', ']')
        }
        other => json::to_string(other).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
