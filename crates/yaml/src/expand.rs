//! The rule of go-yaml (v2 and v3) against alias bombs, and ours on size, depth and self-reference. What is visited
//! becomes a value, so it is charged here.

use crate::error::{Error, Mark};
use crate::limits::Limits;
use crate::node::{Kind, NodeRef};

/// Entries that merge keys may bring in, whatever the size of the document.
const MERGES: usize = 10_000;
/// And as many more for each of its nodes: real manifests merge a base a few times.
const MERGES_PER_NODE: usize = 100;

/// What a value takes beside its text: its place in a list or a map, and what a growing one leaves behind.
const VALUE_BYTES: usize = 96;

/// Counts the nodes a decoder visits.
pub(crate) struct Expansion {
    visited: usize,
    aliased_bytes: usize,
    through_alias: usize,
    merged: usize,
    /// Aliases we are inside of.
    active: Vec<u32>,
    limits: Limits,
}

impl Expansion {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            visited: 0,
            aliased_bytes: 0,
            through_alias: 0,
            merged: 0,
            active: Vec::new(),
            limits: *limits,
        }
    }

    /// Counts one node at a depth of open collections.
    pub(crate) fn visit(&mut self, node: NodeRef<'_, '_>, depth: usize) -> Result<(), Error> {
        self.count(1, !self.active.is_empty(), node)?;
        let text = if node.kind() == Kind::Scalar { node.value().len() } else { 0 };
        self.count_text(text, !self.active.is_empty(), node)?;
        if depth > self.limits.depth {
            let text = format!("yaml: line {}: exceeded max depth of {}", node.line(), self.limits.depth);
            return Err(Error::limit(text, Some(node.mark())));
        }
        Ok(())
    }

    /// Counts a key, which no alias is entered for.
    pub(crate) fn visit_key(&mut self, key: NodeRef<'_, '_>, depth: usize) -> Result<(), Error> {
        self.visit(key, depth)?;
        if key.kind() == Kind::Alias {
            self.count_text(key.resolved().value().len(), true, key)?;
        }
        Ok(())
    }

    /// Charges a value and its text. A few bytes of alias may stand for a long text again and again.
    fn count_text(&mut self, bytes: usize, through_alias: bool, at: NodeRef<'_, '_>) -> Result<(), Error> {
        budget::charge(VALUE_BYTES + bytes).map_err(|why| Error::exhausted(why, at.mark()))?;
        if !through_alias {
            return Ok(());
        }
        self.aliased_bytes = self.aliased_bytes.saturating_add(bytes);
        let most = self.limits.aliased_bytes;
        if self.aliased_bytes > most {
            let text = format!("yaml: aliases expand to more than {most} bytes");
            return Err(Error::limit(text, Some(at.mark())));
        }
        Ok(())
    }

    /// Counts entries that a merge key brings into a mapping of kyaml, which has no rule of its own against bombs.
    pub(crate) fn merge(&mut self, entries: usize, into: NodeRef<'_, '_>) -> Result<(), Error> {
        self.merged += entries;
        if self.merged > MERGES + MERGES_PER_NODE * into.document_nodes() {
            return Err(excessive(into.mark()));
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize, through_alias: bool, at: NodeRef<'_, '_>) -> Result<(), Error> {
        self.visited += nodes;
        self.through_alias += if through_alias { nodes } else { 0 };
        let bomb = self.through_alias > 100
            && self.visited > 1000
            && self.through_alias as f64 / self.visited as f64 > allowed_ratio(self.visited);
        if bomb {
            return Err(excessive(at.mark()));
        }
        if self.visited > self.limits.nodes {
            return Err(too_many(self.limits.nodes, at.mark()));
        }
        Ok(())
    }

    /// Goes into an alias and answers what it stands for.
    pub(crate) fn enter<'d, 'a>(&mut self, alias: NodeRef<'d, 'a>) -> Result<NodeRef<'d, 'a>, Error> {
        let inside = self.active.contains(&alias.index());
        match alias.target() {
            Some(target) if !inside => {
                self.active.push(alias.index());
                Ok(target)
            }
            _ => Err(Error::new(
                format!("yaml: anchor '{}' value contains itself", alias.value()),
                Some(alias.mark()),
            )),
        }
    }

    /// Comes out of the innermost alias.
    pub(crate) fn leave(&mut self) {
        self.active.pop();
    }
}

fn excessive(at: Mark) -> Error {
    Error::limit("yaml: document contains excessive aliasing", Some(at))
}

fn too_many(most: usize, at: Mark) -> Error {
    Error::limit(format!("yaml: document expands to more than {most} nodes"), Some(at))
}

/// 99 % of 400,000 nodes may come through aliases, 10 % of 4 million, and in between a straight line.
fn allowed_ratio(visited: usize) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let over = ((visited as f64 - LOW) / (HIGH - LOW)).clamp(0.0, 1.0);
    0.99 - 0.89 * over
}
