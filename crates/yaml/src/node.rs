//! Documents as trees of nodes: style, tag, anchor and place of each, aliases pointing at their targets.
//!
//! The nodes of a document lie in one list in document order, each knowing where its subtree ends. A tree of any
//! depth is built, walked and dropped without recursion.

use std::borrow::Cow;
use std::collections::HashMap;

use budget::Charge;

use crate::error::{Dialect, Error, Mark};
use crate::event::{EventKind, Properties, Props, ScalarStyle};
use crate::input::Source;
use crate::limits::Limits;
use crate::parse::Parser;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A scalar, see [`NodeRef::value`] and [`NodeRef::scalar_style`].
    Scalar,
    /// A list, see [`NodeRef::children`].
    Sequence,
    /// Keys and values, see [`NodeRef::pairs`].
    Mapping,
    /// `*name`, see [`NodeRef::target`].
    Alias,
}

/// One document.
#[derive(Debug)]
pub struct Document<'a> {
    nodes: Vec<Node<'a>>,
    dialect: Dialect,
    /// What the nodes take, for as long as they are there.
    _memory: Charge,
}

/// What a node takes beside its text while the list of nodes grows.
const NODE_BYTES: usize = 2 * size_of::<Node<'_>>();
/// What a tag or an anchor takes beside its text.
const PROPERTIES_BYTES: usize = 2 * size_of::<Properties<'_>>();

#[derive(Debug)]
pub(crate) struct Node<'a> {
    /// The text of a scalar, the name of an alias.
    value: Cow<'a, str>,
    props: Props<'a>,
    shape: Shape,
    /// The index behind the last node of this subtree.
    end: u32,
    line: u32,
    column: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Scalar(ScalarStyle),
    Sequence { flow: bool },
    Mapping { flow: bool },
    Alias(u32),
}

/// A node of a [`Document`]. Cheap to copy.
#[derive(Clone, Copy)]
pub struct NodeRef<'d, 'a> {
    nodes: &'d [Node<'a>],
    index: u32,
}

impl<'a> Document<'a> {
    /// Reads the next document of a parser; `None` at the end of the stream.
    ///
    /// # Errors
    /// The text is not YAML, an alias names no anchor of this document, or a budget is used up.
    pub fn read(parser: &mut Parser<'a>, limits: &Limits) -> Result<Option<Self>, Error> {
        loop {
            match parser.next_event()?.kind {
                EventKind::StreamEnd => return Ok(None),
                EventKind::DocumentStart => break,
                _ => {}
            }
        }
        let mut builder = Builder {
            nodes: Vec::new(),
            open: Vec::new(),
            anchors: HashMap::new(),
            most: limits.nodes,
            memory: Charge::default(),
        };
        while builder.add(parser)? {}
        Ok(Some(Self { nodes: builder.nodes, dialect: parser.dialect(), _memory: builder.memory }))
    }

    /// Reads the first document of a source; `None` when it has none.
    ///
    /// # Errors
    /// As [`Document::read`].
    pub fn first(source: &'a Source<'a>, dialect: Dialect, limits: &Limits) -> Result<Option<Self>, Error> {
        Self::read(&mut Parser::new(source, dialect, limits), limits)
    }

    /// Reads all documents of a source.
    ///
    /// # Errors
    /// As [`Document::read`]; one bad document spoils all.
    pub fn all(source: &'a Source<'a>, dialect: Dialect, limits: &Limits) -> Result<Vec<Self>, Error> {
        let mut parser = Parser::new(source, dialect, limits);
        let mut documents = Vec::new();
        while let Some(document) = Self::read(&mut parser, limits)? {
            documents.push(document);
        }
        Ok(documents)
    }

    /// The node that is the whole document.
    pub fn root(&self) -> NodeRef<'_, 'a> {
        NodeRef { nodes: &self.nodes, index: 0 }
    }

    /// The dialect it was read as.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
}

/// A document under construction.
struct Builder<'a> {
    nodes: Vec<Node<'a>>,
    /// Collections not yet complete.
    open: Vec<u32>,
    anchors: HashMap<&'a str, u32>,
    most: usize,
    memory: Charge,
}

impl<'a> Builder<'a> {
    /// Takes one event; `false` at the end of the document.
    fn add(&mut self, parser: &mut Parser<'a>) -> Result<bool, Error> {
        let event = parser.next_event()?;
        match event.kind {
            EventKind::Scalar { value, style, props } => {
                self.push(Shape::Scalar(style), value, props, event.at)?;
            }
            EventKind::Alias(name) => self.push_alias(name, event.at)?,
            EventKind::SequenceStart { flow, props } => {
                self.open.push(self.nodes.len() as u32);
                self.push(Shape::Sequence { flow }, Cow::Borrowed(""), props, event.at)?;
            }
            EventKind::MappingStart { flow, props } => {
                self.open.push(self.nodes.len() as u32);
                self.push(Shape::Mapping { flow }, Cow::Borrowed(""), props, event.at)?;
            }
            EventKind::SequenceEnd | EventKind::MappingEnd => {
                let start = self.open.pop().expect("the parser ends only what it started");
                self.nodes[start as usize].end = self.nodes.len() as u32;
            }
            EventKind::DocumentStart => {}
            EventKind::DocumentEnd | EventKind::StreamEnd => return Ok(false),
        }
        Ok(true)
    }

    fn push_alias(&mut self, name: &'a str, at: Mark) -> Result<(), Error> {
        let Some(&target) = self.anchors.get(name) else {
            return Err(Error::new(format!("yaml: unknown anchor '{name}' referenced"), Some(at)));
        };
        self.push(Shape::Alias(target), Cow::Borrowed(name), None, at)
    }

    fn push(&mut self, shape: Shape, value: Cow<'a, str>, props: Props<'a>, at: Mark) -> Result<(), Error> {
        let index = self.nodes.len();
        if index >= self.most.min(u32::MAX as usize - 1) {
            return Err(Error::limit(format!("yaml: document has more than {} nodes", self.most), Some(at)));
        }
        if let Some(name) = props.as_ref().and_then(|p| p.anchor) {
            self.anchors.insert(name, index as u32);
        }
        self.memory.add(weight(&value, &props)).map_err(|why| Error::exhausted(why, at))?;
        self.nodes.push(Node {
            value,
            props,
            shape,
            end: index as u32 + 1,
            line: at.line,
            column: at.column,
        });
        Ok(())
    }
}

/// What a node takes: a text that had to be put together is its own.
fn weight(value: &Cow<'_, str>, props: &Props<'_>) -> usize {
    let text = if matches!(value, Cow::Owned(_)) { value.len() } else { 0 };
    let props = props.as_ref().map_or(0, |props| PROPERTIES_BYTES + props.tag.len());
    NODE_BYTES + text + props
}

impl<'d, 'a> NodeRef<'d, 'a> {
    fn node(self) -> &'d Node<'a> {
        &self.nodes[self.index as usize]
    }

    /// What it is.
    pub fn kind(self) -> Kind {
        match self.node().shape {
            Shape::Scalar(_) => Kind::Scalar,
            Shape::Sequence { .. } => Kind::Sequence,
            Shape::Mapping { .. } => Kind::Mapping,
            Shape::Alias(_) => Kind::Alias,
        }
    }

    /// The text of a scalar, the name of an alias, else empty.
    pub fn value(self) -> &'d str {
        &self.node().value
    }

    /// How a scalar is written; plain for everything else.
    pub fn scalar_style(self) -> ScalarStyle {
        match self.node().shape {
            Shape::Scalar(style) => style,
            _ => ScalarStyle::Plain,
        }
    }

    /// Whether a collection is written with brackets.
    pub fn is_flow(self) -> bool {
        matches!(self.node().shape, Shape::Sequence { flow: true } | Shape::Mapping { flow: true })
    }

    /// The tag as written with its handle resolved (`tag:yaml.org,2002:str`, `!local`, `!`); empty for none.
    pub fn tag(self) -> &'d str {
        self.node().props.as_ref().map_or("", |p| p.tag.as_ref())
    }

    /// The name after `&`.
    pub fn anchor(self) -> Option<&'a str> {
        self.node().props.as_ref().and_then(|p| p.anchor)
    }

    /// The line it starts on, from 1.
    pub fn line(self) -> u32 {
        self.node().line + 1
    }

    /// The column it starts on in characters, from 1.
    pub fn column(self) -> u32 {
        self.node().column + 1
    }

    /// The node an alias stands for.
    pub fn target(self) -> Option<Self> {
        match self.node().shape {
            Shape::Alias(index) => Some(Self { index, ..self }),
            _ => None,
        }
    }

    /// The nodes of a list; of a mapping, keys and values in turn.
    pub fn children(self) -> Children<'d, 'a> {
        Children { nodes: self.nodes, next: self.index + 1, end: self.node().end }
    }

    /// Keys and values of a mapping.
    pub fn pairs(self) -> impl Iterator<Item = (Self, Self)> + use<'d, 'a> {
        let mut children = self.children();
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    pub(crate) fn mark(self) -> Mark {
        Mark { pos: 0, line: self.node().line, column: self.node().column }
    }

    /// What an alias stands for, any other node itself.
    pub fn resolved(self) -> Self {
        self.target().unwrap_or(self)
    }

    /// How many nodes the whole document has.
    pub(crate) fn document_nodes(self) -> usize {
        self.nodes.len()
    }

    /// Two nodes of one document are the same if their indices are.
    pub(crate) fn index(self) -> u32 {
        self.index
    }
}

/// Iterates over the children of a node.
#[derive(Clone, Copy)]
pub struct Children<'d, 'a> {
    nodes: &'d [Node<'a>],
    next: u32,
    end: u32,
}

impl<'d, 'a> Iterator for Children<'d, 'a> {
    type Item = NodeRef<'d, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let node = NodeRef { nodes: self.nodes, index: self.next };
        self.next = node.node().end;
        Some(node)
    }
}
