//! What the parser says about a document, in order; the node tree is built from it.

use std::borrow::Cow;

use crate::error::Mark;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarStyle {
    /// Without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// An event and where it starts.
#[derive(Debug)]
pub struct Event<'a> {
    /// What it is.
    pub kind: EventKind<'a>,
    /// Where it starts.
    pub at: Mark,
}

/// The kinds of events. Every start has its end.
#[derive(Debug)]
pub enum EventKind<'a> {
    /// Nothing follows.
    StreamEnd,
    /// A document begins.
    DocumentStart,
    /// A document is complete.
    DocumentEnd,
    /// `*name`
    Alias(&'a str),
    /// A scalar; the style of an absent node is plain.
    Scalar {
        /// The text, with escapes and folding done.
        value: Cow<'a, str>,
        /// How it is written.
        style: ScalarStyle,
        /// Tag and anchor, if any.
        props: Props<'a>,
    },
    /// `[` or the first `-`; `flow` tells which.
    SequenceStart {
        /// `[…]` rather than `-` lines.
        flow: bool,
        /// Tag and anchor, if any.
        props: Props<'a>,
    },
    /// The sequence is complete.
    SequenceEnd,
    /// `{` or the first key; keys and values follow in turn.
    MappingStart {
        /// `{…}` rather than lines.
        flow: bool,
        /// Tag and anchor, if any.
        props: Props<'a>,
    },
    /// The mapping is complete.
    MappingEnd,
}

/// Tag and anchor of a node; most nodes have neither.
pub type Props<'a> = Option<Box<Properties<'a>>>;

/// What stands before a node.
#[derive(Debug, Default)]
pub struct Properties<'a> {
    /// The whole tag with its handle resolved, or `!`; empty for none.
    pub tag: Cow<'a, str>,
    /// The name after `&`.
    pub anchor: Option<&'a str>,
}
