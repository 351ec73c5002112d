//! Trees of YAML nodes that transformers change: owned, without aliases, with the tag and style of every scalar.
//!
//! kustomize changes documents as nodes and reads them as data only at the end, so whether `"1"` stays text after a
//! patch depends on tag and style. The rules for that are in [`Scalar::value`].

use std::collections::HashMap;
use std::sync::Arc;

use yaml::kyaml::{self, ScalarParts};
use yaml::{Kind, Limits, NodeRef, ScalarStyle, Value};

use crate::error::{Error, ErrorKind, Result};

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Scalar(Scalar),
    Map(Map),
    List(List),
}

/// A scalar: its raw text, what it is tagged with, and how it was written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: Arc<str>,
    pub(crate) tag: Tag,
    pub(crate) style: ScalarStyle,
    /// Which values of the resource are one and the same to kustomize; 0 for none. See [`crate::shares`].
    pub(crate) share: u32,
}

/// The tag of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tag {
    /// None: the text speaks for itself when it is written.
    None,
    /// What go-yaml gave the scalar when it was read, or a transformer when it was made: `!!str`, `!!int`, …
    Implied(&'static str),
    /// Written in the document.
    Written(Arc<str>),
    /// Of a key that is a map or a list, which no data can have: the key itself.
    Key(Arc<Node>),
}

/// Keys and values in the order of the document.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Map {
    pub(crate) entries: Vec<(Scalar, Node)>,
    pub(crate) flow: bool,
}

/// Items.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct List {
    pub(crate) items: Vec<Node>,
    pub(crate) flow: bool,
}

/// How much of a document may still be read.
pub(crate) struct ReadLimits {
    nodes: usize,
    depth: usize,
    /// Bytes of text that aliases may still bring in.
    aliased_bytes: usize,
    /// How many aliases lead here.
    aliases: usize,
}

/// What a node takes beside its text: its place among others, as a key's and a value's, while their list grows.
const NODE_BYTES: usize = size_of::<(Scalar, Node)>();

/// What a text takes that is shared by reference counts.
const TEXT_BYTES: usize = 32;

impl ReadLimits {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { nodes: limits.nodes, depth: limits.depth, aliased_bytes: limits.aliased_bytes, aliases: 0 }
    }

    /// Counts a text, those that aliases stand for against a limit of their own.
    fn text(&mut self, text: &str) -> Result<()> {
        budget::charge(TEXT_BYTES + text.len())?;
        if self.aliases > 0 {
            self.aliased_bytes = self.aliased_bytes.checked_sub(text.len()).ok_or_else(|| {
                Error::of(ErrorKind::Limit, "aliases expand to more bytes of text than are allowed")
            })?;
        }
        Ok(())
    }

    fn enter(&mut self) -> Result<()> {
        budget::charge(NODE_BYTES)?;
        let limit = |text: &str| Error::of(ErrorKind::Limit, text);
        self.nodes = self
            .nodes
            .checked_sub(1)
            .ok_or_else(|| limit("aliases expand to more nodes than are allowed"))?;
        self.depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| limit("the document nests too deep; does an anchor contain itself?"))?;
        Ok(())
    }
}

impl Scalar {
    /// A plain scalar without tag.
    pub(crate) fn untagged(text: &str) -> Self {
        budget::note(TEXT_BYTES + text.len());
        Self::uncharged(text)
    }

    /// The same where the text is charged already.
    fn uncharged(text: &str) -> Self {
        Self { text: text.into(), tag: Tag::None, style: ScalarStyle::Plain, share: 0 }
    }

    /// Text, whatever it looks like.
    pub(crate) fn text(text: &str) -> Self {
        Self { tag: Tag::Implied("!!str"), ..Self::untagged(text) }
    }

    /// A scalar of another type.
    pub(crate) fn tagged(text: &str, tag: &'static str) -> Self {
        Self { tag: Tag::Implied(tag), ..Self::untagged(text) }
    }

    /// The short tag, empty for none.
    pub(crate) fn tag(&self) -> &str {
        match &self.tag {
            Tag::None => "",
            Tag::Implied(tag) => tag,
            Tag::Written(tag) => tag.strip_prefix("tag:yaml.org,2002:").map_or(tag, short_tag),
            Tag::Key(key) => {
                if key.as_list().is_some() {
                    "!!seq"
                } else {
                    "!!map"
                }
            }
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.tag() == "!!null"
    }

    /// Whether kustomize takes it for text: tagged so, or untagged and nothing else.
    pub(crate) fn is_text(&self) -> bool {
        match &self.tag {
            Tag::None => self.style != ScalarStyle::Plain || kyaml::implied_tag(&self.text) == "!!str",
            _ => self.tag() == "!!str",
        }
    }

    /// What it is once written and read again.
    pub(crate) fn value(&self, flow: bool) -> Result<Value> {
        budget::charge(NODE_BYTES)?;
        let is_plain_text = matches!(self.tag, Tag::Implied("!!str"));
        if is_plain_text && (flow || self.style != ScalarStyle::Folded) {
            return Ok(Value::String(self.text.clone()));
        }
        budget::charge(self.text.len())?;
        let tag = self.written_tag();
        Ok(kyaml::scalar(ScalarParts { text: &self.text, tag, style: self.style, flow })?)
    }

    /// The tag the emitter writes: an implied one only if reading the text would not give it back.
    fn written_tag(&self) -> &str {
        match &self.tag {
            Tag::None | Tag::Key(_) => "",
            Tag::Written(tag) => tag,
            Tag::Implied("!!str") => "tag:yaml.org,2002:str",
            Tag::Implied(tag) if kyaml::implied_tag(&self.text) == *tag => "",
            Tag::Implied("!!int") => "tag:yaml.org,2002:int",
            Tag::Implied("!!bool") => "tag:yaml.org,2002:bool",
            Tag::Implied("!!float") => "tag:yaml.org,2002:float",
            Tag::Implied("!!null") => "tag:yaml.org,2002:null",
            Tag::Implied(_) => "tag:yaml.org,2002:timestamp",
        }
    }
}

fn short_tag(name: &str) -> &str {
    match name {
        "str" => "!!str",
        "int" => "!!int",
        "bool" => "!!bool",
        "float" => "!!float",
        "null" => "!!null",
        _ => name,
    }
}

/// Up to this many keys looking through all of them is quicker than a table.
const FEW: usize = 16;

impl Map {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(k, _)| &*k.text == key).map(|(_, v)| v)
    }

    /// The value of a key for changing.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|(k, _)| &*k.text == key).map(|(_, v)| v)
    }

    /// Sets a key; a value that was there hands its style on, as kyaml's setter does. Null takes the key out.
    ///
    /// A new key has no tag, here as there: one that looks like a number is one when the document is read again.
    pub(crate) fn set(&mut self, key: &str, value: Node) {
        if value.is_null() {
            self.remove(key);
        } else if let Some(old) = self.get_mut(key) {
            old.replace(value);
        } else {
            self.entries.push((Scalar::untagged(key), value));
        }
    }

    /// Sets keys one after the other, as [`Self::set`] does with texts.
    ///
    /// # Errors
    /// The budget is used up.
    pub(crate) fn set_all(&mut self, pairs: &[(&String, Scalar)]) -> Result<()> {
        if pairs.len().min(self.entries.len() + pairs.len()) <= FEW {
            budget::work(pairs.len() * self.entries.len())?;
            pairs.iter().for_each(|(key, value)| self.set(key, Node::Scalar(value.clone())));
            return Ok(());
        }
        let mut places: HashMap<Arc<str>, usize> = HashMap::new();
        for (at, (key, _)) in self.entries.iter().enumerate() {
            budget::charge(TEXT_BYTES)?;
            places.entry(key.text.clone()).or_insert(at);
        }
        for (key, value) in pairs {
            let value = Node::Scalar(value.clone());
            match places.get(key.as_str()) {
                Some(&at) => self.entries[at].1.replace(value),
                None => {
                    budget::charge(TEXT_BYTES)?;
                    let scalar = Scalar::untagged(key);
                    places.insert(scalar.text.clone(), self.entries.len());
                    self.entries.push((scalar, value));
                }
            }
        }
        Ok(())
    }

    /// Sets a key without looking at what was there.
    pub(crate) fn put(&mut self, key: &str, value: Node) {
        match self.get_mut(key) {
            Some(old) => *old = value,
            None => self.entries.push((Scalar::untagged(key), value)),
        }
    }

    /// Takes a key out.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Node> {
        let at = self.entries.iter().position(|(k, _)| &*k.text == key)?;
        Some(self.entries.remove(at).1)
    }

    /// The value of a key, made by `make` when it is missing.
    pub(crate) fn entry(&mut self, key: &str, make: impl FnOnce() -> Node) -> &mut Node {
        let at = match self.entries.iter().position(|(k, _)| &*k.text == key) {
            Some(at) => at,
            None => {
                self.entries.push((Scalar::untagged(key), make()));
                self.entries.len() - 1
            }
        };
        &mut self.entries[at].1
    }
}

impl Node {
    /// A plain scalar without tag.
    pub(crate) fn untagged(text: &str) -> Self {
        Self::Scalar(Scalar::untagged(text))
    }

    /// Text, whatever it looks like.
    pub(crate) fn text(text: &str) -> Self {
        Self::Scalar(Scalar::text(text))
    }

    /// An empty map.
    pub(crate) fn map() -> Self {
        Self::Map(Map::default())
    }

    /// Reads a node of a document, aliases and merge keys expanded.
    ///
    /// # Errors
    /// A limit is reached, which is also how an anchor that contains itself ends; the thread's budget is used up.
    pub(crate) fn read(from: NodeRef<'_, '_>, limits: &mut ReadLimits) -> Result<Self> {
        limits.enter()?;
        let through_alias = usize::from(from.kind() == Kind::Alias);
        limits.aliases += through_alias;
        let from = from.resolved();
        let node = match from.kind() {
            Kind::Scalar | Kind::Alias => read_scalar(from, limits).map(Self::Scalar),
            Kind::Sequence => Self::read_list(from, limits),
            Kind::Mapping => Self::read_map(from, limits),
        };
        limits.depth += 1;
        limits.aliases -= through_alias;
        node
    }

    // Loops instead of iterators, so that the deepest document fits the smallest stack even without optimisation.
    fn read_list(from: NodeRef<'_, '_>, limits: &mut ReadLimits) -> Result<Self> {
        let mut list = List { items: Vec::new(), flow: from.is_flow() };
        for item in from.children() {
            list.items.push(Self::read(item, limits)?);
        }
        Ok(Self::List(list))
    }

    fn read_map(from: NodeRef<'_, '_>, limits: &mut ReadLimits) -> Result<Self> {
        let mut map = Map { entries: Vec::new(), flow: from.is_flow() };
        for (key, value) in kyaml::entries(from)? {
            let key = read_key(key, limits)?;
            map.entries.push((key, Self::read(value, limits)?));
        }
        Ok(Self::Map(map))
    }

    /// Data as nodes: text is tagged as text, numbers are written as JSON writes them.
    pub(crate) fn from_value(value: &Value) -> Self {
        budget::note(NODE_BYTES);
        match value {
            Value::Null => Self::Scalar(Scalar::tagged("null", "!!null")),
            Value::Bool(b) => Self::Scalar(Scalar::tagged(if *b { "true" } else { "false" }, "!!bool")),
            Value::Int(n) => Self::Scalar(Scalar::tagged(&n.to_string(), "!!int")),
            Value::Uint(n) => Self::Scalar(Scalar::tagged(&n.to_string(), "!!int")),
            Value::Float(_) => number(yaml::v2::emit(value).trim_end()),
            Value::String(text) => Self::Scalar(marshalled(text)),
            Value::List(items) => {
                Self::List(List { items: items.iter().map(Self::from_value).collect(), flow: false })
            }
            Value::Map(map) => {
                let entries = map.iter().map(|(k, v)| (Scalar::text(k), Self::from_value(v))).collect();
                Self::Map(Map { entries, flow: false })
            }
        }
    }

    /// Data as nodes, as reading its JSON text would give them: braces, and every text in double quotes.
    pub(crate) fn from_json(value: &Value) -> Self {
        let mut node = Self::from_value(value);
        node.style_as_json(value);
        node
    }

    /// Writes what was made from `value` in the style of JSON.
    fn style_as_json(&mut self, value: &Value) {
        match (self, value) {
            (Self::Scalar(scalar), Value::String(_)) => scalar.style = ScalarStyle::DoubleQuoted,
            (node, Value::Float(_)) => *node = number(&yaml::json::to_string(value).unwrap_or_default()),
            (Self::List(list), Value::List(items)) => {
                list.flow = true;
                list.items.iter_mut().zip(items.iter()).for_each(|(node, item)| node.style_as_json(item));
            }
            (Self::Map(map), Value::Map(fields)) => {
                map.flow = true;
                for ((key, node), (_, field)) in map.entries.iter_mut().zip(fields.iter()) {
                    key.style = ScalarStyle::DoubleQuoted;
                    node.style_as_json(field);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    pub(crate) fn as_scalar(&self) -> Option<&Scalar> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The raw text of a scalar; empty for everything else.
    pub(crate) fn raw(&self) -> &str {
        self.as_scalar().map_or("", |scalar| &scalar.text)
    }

    /// The field of a map; `None` for everything that is no map.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.as_map_mut()?.get_mut(key)
    }

    /// The node at a path of field names.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    pub(crate) fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(Scalar::is_null)
    }

    pub(crate) fn is_empty_map(&self) -> bool {
        self.as_map().is_some_and(|map| map.entries.is_empty())
    }

    /// Null, an empty map or list, or a scalar without text.
    pub(crate) fn is_nil_or_empty(&self) -> bool {
        match self {
            Self::Scalar(scalar) => scalar.is_null() || scalar.text.is_empty(),
            Self::Map(map) => map.entries.is_empty(),
            Self::List(list) => list.items.is_empty(),
        }
    }

    /// What kyaml calls this kind in its messages.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "ScalarNode",
            Self::Map(_) => "MappingNode",
            Self::List(_) => "SequenceNode",
        }
    }

    /// What the node takes in memory beside texts that it shares with what it was copied from.
    pub(crate) fn weight(&self) -> usize {
        let inner: usize = match self {
            Self::Scalar(_) => 0,
            Self::List(list) => list.items.iter().map(Self::weight).sum(),
            Self::Map(map) => map.entries.iter().map(|(_, value)| value.weight()).sum(),
        };
        NODE_BYTES + inner
    }

    /// Puts a value in this place; the style of what was there stays, quotes on scalars and brackets on the others.
    pub(crate) fn replace(&mut self, mut value: Node) {
        match (&*self, &mut value) {
            (Self::Scalar(old), Self::Scalar(new)) => {
                new.style = old.style;
                new.share = old.share;
            }
            (Self::Scalar(_), Self::Map(Map { flow, .. }) | Self::List(List { flow, .. })) => *flow = false,
            (
                Self::Map(Map { flow: old, .. }) | Self::List(List { flow: old, .. }),
                Self::Map(Map { flow, .. }) | Self::List(List { flow, .. }),
            ) => *flow = *old,
            (_, Self::Scalar(new)) => new.style = ScalarStyle::Plain,
        }
        *self = value;
    }

    /// Writes an untagged text over a scalar, keeping its style.
    pub(crate) fn set_text(&mut self, text: &str) {
        self.replace(Self::untagged(text));
    }
}

fn number(text: &str) -> Node {
    Node::Scalar(Scalar::tagged(text, kyaml::implied_tag(text)))
}

/// A text in the style go-yaml v3 writes it.
fn marshalled(text: &str) -> Scalar {
    let is_text = !yaml::v2::emit(&text.into()).starts_with('"') || text.contains('\n');
    let style = match (text.contains('\n'), is_text) {
        (true, _) => ScalarStyle::Literal,
        (false, true) => ScalarStyle::Plain,
        (false, false) => ScalarStyle::DoubleQuoted,
    };
    Scalar { style, ..Scalar::text(text) }
}

fn read_scalar(from: NodeRef<'_, '_>, limits: &mut ReadLimits) -> Result<Scalar> {
    limits.text(from.value())?;
    let style = from.scalar_style();
    let tag = match from.tag() {
        "" | "!" if style == ScalarStyle::Plain => Tag::Implied(kyaml::implied_tag(from.value())),
        "" | "!" => Tag::Implied("!!str"),
        tag => Tag::Written(tag.into()),
    };
    Ok(Scalar { tag, style, ..Scalar::uncharged(from.value()) })
}

fn read_key(from: NodeRef<'_, '_>, limits: &mut ReadLimits) -> Result<Scalar> {
    let through_alias = usize::from(from.kind() == Kind::Alias);
    limits.aliases += through_alias;
    let from = from.resolved();
    let key = match from.kind() {
        Kind::Scalar | Kind::Alias => read_scalar(from, limits)?,
        Kind::Sequence | Kind::Mapping => {
            Scalar { tag: Tag::Key(Arc::new(Node::read(from, limits)?)), ..Scalar::uncharged("") }
        }
    };
    limits.aliases -= through_alias;
    Ok(key)
}

#[cfg(test)]
mod tests;
