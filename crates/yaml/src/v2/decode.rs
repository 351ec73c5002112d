//! Node tree to JSON value by the rules of go-yaml v2 and `sigs.k8s.io/yaml`.
//!
//! Go decodes to maps with any key first and makes text of the keys afterwards; mistakes of the first step come
//! before those of the second. A key that JSON cannot have is therefore only reported at the end.

use std::sync::Arc;

use crate::error::{Dialect, Error};
use crate::expand::Expansion;
use crate::gosyntax;
use crate::intern::Keys;
use crate::json;
use crate::limits::Limits;
use crate::node::{Children, Kind, NodeRef};
use crate::number::format_g32;
use crate::resolve::{self, Scalar};
use crate::value::{Map, Value};

pub(super) fn decode(root: NodeRef<'_, '_>, limits: &Limits) -> Result<Value, Error> {
    let mut decoder = Decoder {
        expansion: Expansion::new(limits),
        frames: Vec::new(),
        maps: Vec::new(),
        keys: Keys::new(),
        depth: 0,
        bad_key: None,
        has_odd_float: false,
    };
    let value = decoder.run(root)?;
    if let Some(error) = decoder.bad_key {
        return Err(error);
    }
    if decoder.has_odd_float {
        json::check_finite(&value)?;
    }
    Ok(value)
}

struct Decoder<'d, 'a> {
    expansion: Expansion,
    frames: Vec<Frame<'d, 'a>>,
    /// The maps under construction, innermost last.
    maps: Vec<Map>,
    keys: Keys,
    depth: usize,
    bad_key: Option<Error>,
    has_odd_float: bool,
}

/// A node under way.
enum Frame<'d, 'a> {
    List(Vec<Value>, Children<'d, 'a>),
    /// The rest of a mapping, and the key that waits for its value.
    Map(Children<'d, 'a>, Option<Arc<str>>),
    /// The rest of a mapping whose entries go into the map around it.
    Merge(Children<'d, 'a>, Option<Arc<str>>),
    /// Maps still to be merged, the next one last.
    MergeList(Vec<NodeRef<'d, 'a>>),
    Alias,
    /// A list or map that stands as a key.
    InvalidKey(NodeRef<'d, 'a>),
}

impl<'d, 'a> Decoder<'d, 'a> {
    fn run(&mut self, root: NodeRef<'d, 'a>) -> Result<Value, Error> {
        let mut done = self.start(root)?;
        while let Some(frame) = self.frames.pop() {
            done = self.resume(frame, done)?;
        }
        Ok(done.unwrap_or_default())
    }

    /// Begins a node; answers its value if that is already known.
    fn start(&mut self, node: NodeRef<'d, 'a>) -> Result<Option<Value>, Error> {
        self.expansion.visit(node, self.depth)?;
        match node.kind() {
            Kind::Scalar => return self.scalar(node).map(Some),
            Kind::Alias => {
                let target = self.expansion.enter(node)?;
                self.frames.push(Frame::Alias);
                // The target of an alias is never an alias: those have no anchors.
                return self.start(target);
            }
            Kind::Sequence => self.frames.push(Frame::List(Vec::new(), node.children())),
            Kind::Mapping => {
                self.maps.push(Map::new());
                self.frames.push(Frame::Map(node.children(), None));
            }
        }
        self.depth += 1;
        Ok(None)
    }

    /// Goes on with a node after one of its parts is done.
    fn resume(&mut self, frame: Frame<'d, 'a>, done: Option<Value>) -> Result<Option<Value>, Error> {
        match frame {
            Frame::List(items, children) => self.resume_list(items, children, done),
            Frame::Map(children, key) => {
                self.insert(key, done);
                self.next_pair(children, false)
            }
            Frame::Merge(children, key) => {
                self.insert(key, done);
                self.next_pair(children, true)
            }
            Frame::MergeList(rest) => self.next_merge(rest),
            Frame::Alias => {
                self.expansion.leave();
                Ok(done)
            }
            Frame::InvalidKey(key) => {
                let text = format!("yaml: invalid map key: {}", gosyntax::node(key, Dialect::V2));
                Err(Error::new(text, Some(key.mark())))
            }
        }
    }

    fn resume_list(
        &mut self,
        mut items: Vec<Value>,
        mut children: Children<'d, 'a>,
        done: Option<Value>,
    ) -> Result<Option<Value>, Error> {
        items.extend(done);
        while let Some(child) = children.next() {
            if child.kind() == Kind::Scalar {
                self.expansion.visit(child, self.depth)?;
                items.push(self.scalar(child)?);
                continue;
            }
            self.frames.push(Frame::List(items, children));
            return self.start(child);
        }
        self.depth -= 1;
        Ok(Some(Value::List(Arc::new(items))))
    }

    fn insert(&mut self, key: Option<Arc<str>>, value: Option<Value>) {
        if let (Some(key), Some(map), Some(value)) = (key, self.maps.last_mut(), value) {
            map.insert(key, value);
        }
    }

    fn next_pair(&mut self, mut children: Children<'d, 'a>, merging: bool) -> Result<Option<Value>, Error> {
        while let (Some(key), Some(value)) = (children.next(), children.next()) {
            let rest = |key| if merging { Frame::Merge(children, key) } else { Frame::Map(children, key) };
            if is_merge(key) {
                self.frames.push(rest(None));
                return self.start_merge(value);
            }
            if key.resolved().kind() != Kind::Scalar {
                // Mistakes inside of the key come before the one that it is.
                self.frames.push(Frame::InvalidKey(key));
                return self.start(key);
            }
            let key = self.key(key, value)?;
            if value.kind() != Kind::Scalar {
                self.frames.push(rest(key));
                return self.start(value);
            }
            self.expansion.visit(value, self.depth)?;
            let value = self.scalar(value)?;
            self.insert(key, Some(value));
        }
        self.depth -= 1;
        if merging {
            return Ok(None);
        }
        Ok(self.maps.pop().map(|map| Value::Map(Arc::new(map))))
    }

    /// The text of a key; `None` for one that JSON cannot have, which is noted.
    fn key(&mut self, key: NodeRef<'d, 'a>, value: NodeRef<'d, 'a>) -> Result<Option<Arc<str>>, Error> {
        self.expansion.visit_key(key, self.depth)?;
        let node = key.resolved();
        Ok(match resolve_scalar(node)? {
            Scalar::Str(text) => Some(self.keys.share(&text)),
            Scalar::Timestamp(_) => Some(node.value().into()),
            Scalar::Int(n) => Some(n.to_string().into()),
            Scalar::Float(x) => Some(float_key(x).into()),
            Scalar::Bool(b) => Some(if b { "true" } else { "false" }.into()),
            Scalar::Null => self.note_bad_key("%!s(<nil>)", key, value),
            Scalar::Uint(_) => self.note_bad_key("uint64", key, value),
        })
    }

    fn note_bad_key(&mut self, kind: &str, key: NodeRef<'d, 'a>, value: NodeRef<'d, 'a>) -> Option<Arc<str>> {
        if self.bad_key.is_none() {
            let (shown, value) = (gosyntax::node(key, Dialect::V2), gosyntax::node(value, Dialect::V2));
            let text = format!("unsupported map key of type: {kind}, key: {shown}, value: {value}");
            self.bad_key = Some(Error::new(text, Some(key.mark())));
        }
        None
    }

    fn start_merge(&mut self, value: NodeRef<'d, 'a>) -> Result<Option<Value>, Error> {
        match value.kind() {
            Kind::Mapping => self.merge(value),
            Kind::Alias => self.merge_alias(value),
            Kind::Sequence => self.next_merge(value.children().collect()),
            Kind::Scalar => Err(want_map(value)),
        }
    }

    fn next_merge(&mut self, mut rest: Vec<NodeRef<'d, 'a>>) -> Result<Option<Value>, Error> {
        let Some(next) = rest.pop() else { return Ok(None) };
        self.frames.push(Frame::MergeList(rest));
        match next.kind() {
            Kind::Mapping => self.merge(next),
            Kind::Alias => self.merge_alias(next),
            _ => Err(want_map(next)),
        }
    }

    fn merge_alias(&mut self, alias: NodeRef<'d, 'a>) -> Result<Option<Value>, Error> {
        if alias.target().is_some_and(|target| target.kind() != Kind::Mapping) {
            return Err(want_map(alias));
        }
        self.expansion.visit(alias, self.depth)?;
        let target = self.expansion.enter(alias)?;
        self.frames.push(Frame::Alias);
        self.merge(target)
    }

    fn merge(&mut self, mapping: NodeRef<'d, 'a>) -> Result<Option<Value>, Error> {
        self.expansion.visit(mapping, self.depth)?;
        self.depth += 1;
        self.frames.push(Frame::Merge(mapping.children(), None));
        Ok(None)
    }

    fn scalar(&mut self, node: NodeRef<'d, 'a>) -> Result<Value, Error> {
        Ok(match resolve_scalar(node)? {
            Scalar::Null => Value::Null,
            Scalar::Bool(b) => Value::Bool(b),
            Scalar::Int(n) => Value::Int(n),
            Scalar::Uint(n) => Value::Uint(n),
            Scalar::Float(x) => {
                self.has_odd_float |= !x.is_finite();
                Value::Float(x)
            }
            // Untyped targets get a timestamp as it is written.
            Scalar::Timestamp(_) => Value::String(node.value().into()),
            Scalar::Str(text) => Value::String(text.into()),
        })
    }
}

fn resolve_scalar<'d>(node: NodeRef<'d, '_>) -> Result<Scalar<'d>, Error> {
    resolve::node(node, Dialect::V2).map_err(|text| Error::new(format!("yaml: {text}"), Some(node.mark())))
}

/// The text of a float key; Go uses 32 bits here.
fn float_key(x: f64) -> String {
    match format_g32(x).as_str() {
        "+Inf" => ".inf".to_owned(),
        "-Inf" => "-.inf".to_owned(),
        "NaN" => ".nan".to_owned(),
        text => text.to_owned(),
    }
}

/// A plain `<<`, or one with the merge tag.
fn is_merge(key: NodeRef<'_, '_>) -> bool {
    if key.kind() != Kind::Scalar || key.value() != "<<" {
        return false;
    }
    match key.tag() {
        "" => key.scalar_style() == crate::event::ScalarStyle::Plain,
        tag => tag == "!" || tag == "tag:yaml.org,2002:merge",
    }
}

fn want_map(node: NodeRef<'_, '_>) -> Error {
    Error::new("yaml: map merge requires map or sequence of maps as the value", Some(node.mark()))
}
