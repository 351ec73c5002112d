//! From nodes to data: what a document holds once kustomize has written it as YAML 1.2 and read it back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use yaml::{ScalarStyle, Value, kyaml};

use crate::error::{Error, Result};
use crate::node::{Map, Node, Scalar, Tag};
use crate::version::Profile;

/// The data of a whole document.
///
/// # Errors
/// Two equal keys in one map, keys that JSON cannot have, tags that do not fit.
pub(crate) fn of(node: &Node, profile: &Profile) -> Result<Value> {
    Reader { profile, is_written: true }.value(node, false, true)
}

/// The data of a document that is not written first, so that an empty value in braces stays null.
///
/// # Errors
/// As [`of`].
pub(crate) fn as_read(node: &Node, profile: &Profile) -> Result<Value> {
    Reader { profile, is_written: false }.value(node, false, true)
}

struct Reader<'p> {
    profile: &'p Profile,
    /// Whether the document is written before it is read.
    is_written: bool,
}

impl Reader<'_> {
    fn value(&self, node: &Node, flow: bool, top: bool) -> Result<Value> {
        match node {
            Node::Scalar(scalar) => scalar.value(flow && self.is_written),
            Node::List(list) => {
                let flow = flow || list.flow;
                budget::charge(size_of::<Node>())?;
                let items = list.items.iter().map(|item| self.value(item, flow, false));
                Ok(items.collect::<Result<Vec<_>>>()?.into())
            }
            Node::Map(map) => self.map(map, flow || map.flow, top),
        }
    }

    fn map(&self, map: &Map, flow: bool, top: bool) -> Result<Value> {
        check_equal_keys(map)?;
        budget::charge(map.entries.len() * ENTRY_BYTES)?;
        let mut out = yaml::Map::with_capacity(map.entries.len());
        for (key, node) in &map.entries {
            if let Tag::Key(key) = &key.tag {
                return Err(Error::new(format!("yaml: invalid map key: {}", go_syntax(key, true))));
            }
            let text = match key.value(true)? {
                Value::String(text) if top || !is_time(key) => text,
                Value::Null if top => continue,
                _ if top => key.text.clone(),
                other => self.inner_key(&other)?,
            };
            out.insert(text, self.value(node, flow, false)?);
        }
        Ok(out.into())
    }

    /// A key below the top that is no text, in JSON.
    fn inner_key(&self, key: &Value) -> Result<Arc<str>> {
        match key {
            _ if !self.profile.has_json_v2 => {
                Err(Error::new("json: unsupported type: map[interface {}]interface {}"))
            }
            Value::String(time) => Ok(time.clone()),
            Value::Int(_) | Value::Uint(_) => Ok(yaml::v2::emit(key).trim_end().into()),
            _ => Err(Error::new("json: unsupported value: jsontext: object member name must be a string")),
        }
    }
}

/// Whether a key is a time, which is text once it is data.
fn is_time(key: &Scalar) -> bool {
    const TIME: &str = "!!timestamp";
    match &key.tag {
        Tag::None => key.style == ScalarStyle::Plain && kyaml::implied_tag(&key.text) == TIME,
        _ => key.tag() == TIME,
    }
}

/// What an entry of a map takes beside its key and value, the table of larger maps included.
const ENTRY_BYTES: usize = 96;

/// go-yaml finds equal keys when the written document is read again, so the lines are those of the written one.
fn check_equal_keys(map: &Map) -> Result<()> {
    let has_equal = match map.entries.len() {
        0 | 1 => false,
        n if n <= 8 => map
            .entries
            .iter()
            .enumerate()
            .any(|(i, (key, _))| map.entries[..i].iter().any(|(k, _)| k.text == key.text)),
        n => {
            let mut seen = HashMap::with_capacity(n);
            map.entries.iter().any(|(key, _)| seen.insert(&*key.text, ()).is_some())
        }
    };
    if has_equal { Err(Error::new(EQUAL_KEYS)) } else { Ok(()) }
}

/// Replaced by the message with lines where the whole document is at hand.
const EQUAL_KEYS: &str = "equal keys";

/// The message for a document that [`of`] refused, in go-yaml's words where it knows the lines.
pub(crate) fn explain(root: &Node, error: Error) -> Error {
    if error.to_string() != EQUAL_KEYS {
        return error;
    }
    let mut lines = Lines { line: 1, found: Vec::new() };
    lines.walk(root, false);
    Error::new(format!("yaml: unmarshal errors:{}", lines.found.concat()))
}

/// The message for a document that cannot be printed: what is known of its data, as Go prints it, comes first.
pub(crate) fn explain_output(root: &Node, error: Error) -> Error {
    let text = error.to_string();
    if text.starts_with("json: ") {
        error.under(go_document(root))
    } else if text.starts_with("yaml: ") {
        error.under("map[string]interface {}(nil)")
    } else {
        error
    }
}

/// Nesting and length at which a message stops growing; Go prints on.
const MAX_SHOWN_DEPTH: usize = 64;
const MAX_SHOWN: usize = 64 * 1024;

/// The data of a document as Go's `%#v` prints it: the keys at its top are text.
fn go_document(root: &Node) -> String {
    let Node::Map(map) = root else { return go_syntax(root, false) };
    let as_text = |(key, value): &(Scalar, Node)| (Scalar::text(&key.text), value.clone());
    let entries = map.entries.iter().map(as_text).collect();
    go_syntax(&Node::Map(Map { entries, flow: map.flow }), false)
}

/// The data of a node as Go's `%#v` prints it.
fn go_syntax(node: &Node, flow: bool) -> String {
    let mut out = String::new();
    write_go(&mut out, node, flow, MAX_SHOWN_DEPTH);
    out
}

fn write_go(out: &mut String, node: &Node, flow: bool, depth: usize) {
    if depth == 0 || out.len() > MAX_SHOWN {
        out.push_str("...");
        return;
    }
    match node {
        Node::Scalar(scalar) => match scalar.value(flow) {
            Ok(value) => out.push_str(&go_scalar(&value)),
            Err(_) => out.push_str(&format!("{:?}", scalar.text)),
        },
        Node::List(list) => {
            out.push_str("[]interface {}{");
            for (at, item) in list.items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write_go(out, item, flow || list.flow, depth - 1);
            }
            out.push('}');
        }
        Node::Map(map) => write_go_map(out, map, flow || map.flow, depth),
    }
}

fn write_go_map(out: &mut String, map: &Map, flow: bool, depth: usize) {
    let keys: Vec<_> = map.entries.iter().map(|(key, _)| key.value(true)).collect();
    let texts = keys.iter().all(|key| matches!(key, Ok(Value::String(_))));
    out.push_str(if texts { "map[string]interface {}{" } else { "map[interface {}]interface {}{" });
    let shown = keys.iter().map(|key| key.as_ref().map_or_else(|_| String::new(), go_scalar));
    let mut entries: Vec<_> = shown.zip(map.entries.iter().map(|(_, value)| value)).collect();
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (at, (key, value)) in entries.into_iter().enumerate() {
        out.push_str(if at > 0 { ", " } else { "" });
        out.push_str(&key);
        out.push(':');
        write_go(out, value, flow, depth - 1);
    }
    out.push('}');
}

fn go_scalar(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Float(x) if x.is_infinite() => if *x > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        Value::Float(x) if x.is_nan() => "NaN".to_owned(),
        other => yaml::v2::emit(other).trim_end().to_owned(),
    }
}

/// A message with more lines than this helps nobody; Go prints one for every pair of equal keys.
const MAX_MISTAKES: usize = 1_000;

/// The most bytes of the same key in it.
const MAX_MISTAKE_BYTES: usize = 1 << 20;

/// Counts the lines of a document as go-yaml's emitter lays it out.
struct Lines {
    line: usize,
    found: Vec<String>,
}

impl Lines {
    fn walk(&mut self, node: &Node, flow: bool) {
        match node {
            Node::Scalar(scalar) => {
                let block = matches!(scalar.style, ScalarStyle::Literal | ScalarStyle::Folded)
                    || scalar.text.contains('\n') && scalar.style == ScalarStyle::Plain;
                self.line += if block && !flow { scalar.text.lines().count() } else { 0 };
            }
            Node::List(list) => {
                let flow = flow || list.flow;
                for (at, item) in list.items.iter().enumerate() {
                    self.line += usize::from(at > 0 && !flow);
                    self.walk(item, flow);
                }
            }
            Node::Map(map) => self.walk_map(map, flow || map.flow),
        }
    }

    /// What is wrong with the keys of a map comes before what is wrong inside of it.
    fn walk_map(&mut self, map: &Map, flow: bool) {
        let first = self.found.len();
        let mut keys: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
        for (at, (key, value)) in map.entries.iter().enumerate() {
            self.line += usize::from(at > 0 && !flow);
            keys.entry(&key.text).or_default().push((at, self.line));
            let block = match value {
                Node::Map(map) => !map.flow && !map.entries.is_empty(),
                Node::List(list) => !list.flow && !list.items.is_empty(),
                Node::Scalar(_) => false,
            };
            self.line += usize::from(block && !flow);
            self.walk(value, flow);
        }
        let mut own = Vec::new();
        for (key, lines) in keys.into_iter().filter(|(_, lines)| lines.len() > 1) {
            let key = yaml::json::to_string(&Value::String(key.into())).unwrap_or_default();
            for (n, (at, before)) in lines.iter().enumerate() {
                let room = MAX_MISTAKES.saturating_sub(own.len()).min(MAX_MISTAKE_BYTES / key.len().max(1));
                let later = lines[n + 1..].iter().take(room);
                own.extend(later.map(|(_, line)| {
                    (*at, format!("\n  line {line}: mapping key {key} already defined at line {before}"))
                }));
            }
        }
        own.sort_by_key(|(at, _)| *at);
        self.found.splice(first..first, own.into_iter().map(|(_, text)| text));
    }
}
