//! Node tree to JSON value by the rules of go-yaml v3, over the entries that kyaml leaves in a mapping.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Dialect, Error};
use crate::event::ScalarStyle;
use crate::expand::Expansion;
use crate::gosyntax;
use crate::intern::Keys;
use crate::json;
use crate::limits::Limits;
use crate::node::{Children, Kind, NodeRef};
use crate::resolve::{self, Scalar};
use crate::value::{Map, Value};

use super::fields::{self, Field};
use super::{lines, refold};

pub(super) fn decode(root: NodeRef<'_, '_>, limits: &Limits) -> Result<Value, Error> {
    let mut decoder = Decoder {
        root,
        expansion: Expansion::new(limits),
        frames: Vec::new(),
        maps: Vec::new(),
        keys: Keys::new(),
        depth: 0,
        mistakes: Vec::new(),
        bad_key: None,
        has_odd_float: false,
    };
    let value = decoder.run()?;
    if let Some(error) = decoder.type_error().or(decoder.bad_key) {
        return Err(error);
    }
    if decoder.has_odd_float {
        json::check_finite(&value)?;
    }
    Ok(value)
}

struct Decoder<'d, 'a> {
    root: NodeRef<'d, 'a>,
    expansion: Expansion,
    frames: Vec<Frame<'d, 'a>>,
    /// The maps under construction, innermost last.
    maps: Vec<Map>,
    keys: Keys,
    depth: usize,
    /// What go-yaml collects and reports together, with the node each is about.
    mistakes: Vec<(Mistake<'d, 'a>, NodeRef<'d, 'a>)>,
    bad_key: Option<Error>,
    has_odd_float: bool,
}

/// What go-yaml finds wrong with a key and goes on.
enum Mistake<'d, 'a> {
    /// It is a list or a map.
    NoText,
    /// It is equal to an earlier one.
    EqualTo(NodeRef<'d, 'a>),
}

/// A node under way.
enum Frame<'d, 'a> {
    /// Items so far, the others, and whether brackets are around.
    List(Vec<Value>, Children<'d, 'a>, bool),
    Map(Mapping<'d, 'a>),
    /// Maps still to be merged into the one around, the next one last.
    MergeList(Vec<NodeRef<'d, 'a>>, bool),
    Alias,
    /// A list or map that stands as a key.
    InvalidKey(NodeRef<'d, 'a>),
}

/// A mapping under way.
struct Mapping<'d, 'a> {
    rest: std::vec::IntoIter<Field<'d, 'a>>,
    /// The key that waits for its value.
    key: Option<Arc<str>>,
    /// The value of a `<<` that kyaml left to go-yaml, which merges last.
    merge: Option<NodeRef<'d, 'a>>,
    /// Brackets are around.
    flow: bool,
    /// The document itself, whose keys become text.
    top: bool,
    /// Entries only fill gaps of the map around.
    filling: bool,
}

impl<'d, 'a> Decoder<'d, 'a> {
    fn run(&mut self) -> Result<Value, Error> {
        let mut done = self.start(self.root, false)?;
        while let Some(frame) = self.frames.pop() {
            done = self.resume(frame, done)?;
        }
        Ok(done.unwrap_or_default())
    }

    /// Begins a node; answers its value if that is already known.
    fn start(&mut self, node: NodeRef<'d, 'a>, flow: bool) -> Result<Option<Value>, Error> {
        self.expansion.visit(node, self.depth)?;
        let flow = flow || node.is_flow();
        match node.kind() {
            Kind::Scalar => return self.scalar(node, flow).map(Some),
            Kind::Alias => {
                let target = self.expansion.enter(node)?;
                self.frames.push(Frame::Alias);
                return self.start(target, flow);
            }
            Kind::Sequence => self.frames.push(Frame::List(Vec::new(), node.children(), flow)),
            Kind::Mapping => return self.start_mapping(node, flow),
        }
        self.depth += 1;
        Ok(None)
    }

    fn start_mapping(&mut self, node: NodeRef<'d, 'a>, flow: bool) -> Result<Option<Value>, Error> {
        let fields = fields::of(node)?;
        self.expansion.merge(fields.len().saturating_sub(node.pairs().count()), node)?;
        if self.has_equal_keys(&fields) {
            return Ok(None);
        }
        let top = node.index() == self.root.index();
        if !top {
            self.check_keys(&fields);
        }
        self.maps.push(Map::with_capacity(fields.len()));
        self.push_mapping(fields, flow, top, false);
        Ok(None)
    }

    fn push_mapping(&mut self, fields: Vec<Field<'d, 'a>>, flow: bool, top: bool, filling: bool) {
        let merge = fields.iter().rev().find(|(key, _)| fields::is_merge(*key)).map(|(_, value)| *value);
        self.frames.push(Frame::Map(Mapping {
            rest: fields.into_iter(),
            key: None,
            merge,
            flow,
            top,
            filling,
        }));
        self.depth += 1;
    }

    /// Goes on with a node after one of its parts is done.
    fn resume(&mut self, frame: Frame<'d, 'a>, done: Option<Value>) -> Result<Option<Value>, Error> {
        match frame {
            Frame::List(mut items, mut rest, flow) => {
                items.extend(done);
                let Some(next) = rest.next() else {
                    self.depth -= 1;
                    return Ok(Some(items.into()));
                };
                self.frames.push(Frame::List(items, rest, flow));
                self.start(next, flow)
            }
            Frame::Map(mut mapping) => {
                self.insert(&mut mapping, done);
                self.next_field(mapping)
            }
            Frame::MergeList(rest, flow) => self.next_source(rest, flow),
            Frame::Alias => {
                self.expansion.leave();
                Ok(done)
            }
            Frame::InvalidKey(key) => {
                let text = format!("yaml: invalid map key: {}", gosyntax::node(key, Dialect::V3));
                Err(Error::new(text, Some(key.mark())))
            }
        }
    }

    fn insert(&mut self, mapping: &mut Mapping<'d, 'a>, value: Option<Value>) {
        if let (Some(key), Some(map), Some(value)) = (mapping.key.take(), self.maps.last_mut(), value)
            && !(mapping.filling && map.contains_key(&key))
        {
            map.insert(key, value);
        }
    }

    fn next_field(&mut self, mut mapping: Mapping<'d, 'a>) -> Result<Option<Value>, Error> {
        let Some((key, value)) = mapping.rest.find(|(key, _)| !fields::is_merge(*key)) else {
            return self.end_mapping(mapping);
        };
        let flow = mapping.flow;
        if key.resolved().kind() != Kind::Scalar {
            let top = mapping.top;
            self.frames.push(Frame::Map(mapping));
            if top {
                self.mistakes.push((Mistake::NoText, key));
                return Ok(None);
            }
            self.frames.push(Frame::InvalidKey(key));
            return self.start(key, flow);
        }
        self.expansion.visit_key(key, self.depth)?;
        mapping.key = self.key_text(key.resolved(), &mapping)?;
        self.frames.push(Frame::Map(mapping));
        self.start(value, flow)
    }

    fn end_mapping(&mut self, mut mapping: Mapping<'d, 'a>) -> Result<Option<Value>, Error> {
        if let Some(value) = mapping.merge.take() {
            let sources = fields::merge_sources(value)?;
            let flow = mapping.flow;
            self.frames.push(Frame::Map(mapping));
            return self.next_source(sources, flow);
        }
        self.depth -= 1;
        if mapping.filling {
            return Ok(None);
        }
        Ok(self.maps.pop().map(Value::from))
    }

    fn next_source(&mut self, mut rest: Vec<NodeRef<'d, 'a>>, flow: bool) -> Result<Option<Value>, Error> {
        let Some(source) = rest.pop() else { return Ok(None) };
        self.expansion.visit(source, self.depth)?;
        self.frames.push(Frame::MergeList(rest, flow));
        let fields = fields::of(source)?;
        self.expansion.merge(fields.len(), source)?;
        if !self.has_equal_keys(&fields) {
            self.push_mapping(fields, flow || source.is_flow(), false, true);
        }
        Ok(None)
    }

    /// Notes every pair of equal keys; a mapping that has one is left out.
    fn has_equal_keys(&mut self, fields: &[Field<'d, 'a>]) -> bool {
        let mut seen: HashMap<(Kind, &'d str), Vec<NodeRef<'d, 'a>>> = HashMap::with_capacity(fields.len());
        let before = self.mistakes.len();
        for (key, _) in fields {
            let equals = seen.entry((key.kind(), key.value())).or_default();
            if self.mistakes.len() < MAX_MISTAKES {
                self.mistakes.extend(equals.iter().map(|first| (Mistake::EqualTo(*first), *key)));
            }
            equals.push(*key);
        }
        self.mistakes.len() > before
    }

    /// Go has no JSON for maps with a key that is no text.
    fn check_keys(&mut self, fields: &[Field<'d, 'a>]) {
        let odd = fields.iter().find(|(key, _)| !fields::is_merge(*key) && !is_text_key(key.resolved()));
        if let (Some((key, _)), None) = (odd, &self.bad_key) {
            let text = "json: unsupported type: map[interface {}]interface {}";
            self.bad_key = Some(Error::new(text, Some(key.mark())));
        }
    }

    /// The text of a scalar key; the document's own null key has none and is left out.
    fn key_text(
        &mut self,
        key: NodeRef<'d, 'a>,
        mapping: &Mapping<'d, 'a>,
    ) -> Result<Option<Arc<str>>, Error> {
        Ok(match resolve_scalar(key)? {
            Scalar::Null if mapping.top && !key.value().is_empty() => None,
            Scalar::Str(text) => Some(self.keys.share(&text)),
            _ => Some(self.keys.share(key.value())),
        })
    }

    fn scalar(&mut self, node: NodeRef<'d, 'a>, flow: bool) -> Result<Value, Error> {
        Ok(match resolve_scalar(node)? {
            // Written between brackets an absent value becomes `''`.
            Scalar::Null if flow && node.value().is_empty() && is_untagged(node) => "".into(),
            Scalar::Null => Value::Null,
            Scalar::Bool(b) => Value::Bool(b),
            Scalar::Int(n) => Value::Int(n),
            Scalar::Uint(n) => Value::Uint(n),
            Scalar::Float(x) => {
                self.has_odd_float |= !x.is_finite();
                Value::Float(x)
            }
            Scalar::Timestamp(moment) => moment.to_string().into(),
            Scalar::Str(text) if !flow && node.scalar_style() == ScalarStyle::Folded => {
                refold::refold(&text).map_or_else(|| Value::String(text.into()), Value::from)
            }
            Scalar::Str(text) => Value::String(text.into()),
        })
    }

    fn type_error(&self) -> Option<Error> {
        let (_, first) = self.mistakes.first()?;
        let named = self.mistakes.iter().flat_map(|(mistake, node)| match mistake {
            Mistake::EqualTo(other) => vec![*node, *other],
            Mistake::NoText => vec![*node],
        });
        let lines = match lines::rewritten(self.root, named) {
            Ok(lines) => lines,
            Err(why) => return Some(why.into()),
        };
        let line_of = |node: &NodeRef<'_, '_>| lines.get(&node.index()).copied().unwrap_or(1);
        let mut text = "yaml: unmarshal errors:".to_owned();
        for (mistake, node) in &self.mistakes {
            text.push_str(&format!("\n  line {}: ", line_of(node)));
            match mistake {
                Mistake::NoText => {
                    text.push_str(&format!("cannot unmarshal {} into string", kind_tag(*node)))
                }
                Mistake::EqualTo(other) => {
                    let (key, line) = (gosyntax::quote(node.value()), line_of(other));
                    text.push_str(&format!("mapping key {key} already defined at line {line}"));
                }
            }
        }
        Some(Error::new(text, Some(first.mark())))
    }
}

/// A scalar that is no node of a document.
pub(super) fn scalar_parts(parts: super::ScalarParts<'_>) -> Result<Value, Error> {
    let found = resolve::parts(parts.text, parts.tag, parts.style, Dialect::V3)
        .map_err(|text| Error::new(format!("yaml: {text}"), None))?;
    let untagged = matches!(parts.tag, "" | "!") && parts.style == ScalarStyle::Plain;
    Ok(match found {
        Scalar::Null if parts.flow && parts.text.is_empty() && untagged => "".into(),
        Scalar::Null => Value::Null,
        Scalar::Bool(b) => Value::Bool(b),
        Scalar::Int(n) => Value::Int(n),
        Scalar::Uint(n) => Value::Uint(n),
        Scalar::Float(x) => Value::Float(x),
        Scalar::Timestamp(moment) => moment.to_string().into(),
        Scalar::Str(text) if !parts.flow && parts.style == ScalarStyle::Folded => {
            refold::refold(&text).map_or_else(|| Value::String(text.into()), Value::from)
        }
        Scalar::Str(text) => Value::String(text.into()),
    })
}

/// A message with more lines than this helps nobody; Go prints them all.
const MAX_MISTAKES: usize = 100;

fn resolve_scalar<'d>(node: NodeRef<'d, '_>) -> Result<Scalar<'d>, Error> {
    resolve::node(node, Dialect::V3).map_err(|text| Error::new(format!("yaml: {text}"), Some(node.mark())))
}

fn is_untagged(node: NodeRef<'_, '_>) -> bool {
    matches!(node.tag(), "" | "!") && node.scalar_style() == ScalarStyle::Plain
}

/// Whether a key is text; an absent key is written `''`.
fn is_text_key(key: NodeRef<'_, '_>) -> bool {
    if key.kind() != Kind::Scalar {
        return false;
    }
    let known = matches!(resolve::shorten(key.tag()).as_ref(), "" | "!" | "!!str");
    let absent = key.value().is_empty() && is_untagged(key);
    absent || known && matches!(resolve::node(key, Dialect::V3), Ok(Scalar::Str(_)))
}

fn kind_tag(node: NodeRef<'_, '_>) -> &'static str {
    if node.resolved().kind() == Kind::Sequence { "!!seq" } else { "!!map" }
}
