//! How much patches and replacements may copy: a handful of steps that copy something into itself would double a
//! document each time, or nest it ever deeper. What they copy is charged to the build as well: there may be many of them.

use yaml::Value;

use crate::error::{Error, ErrorKind, Result};
use crate::node::Node;

/// What one patch, or the replacements of one kustomization, may still copy.
pub(crate) struct Growth {
    bytes: usize,
}

/// Bytes; real ones copy a few kilobytes.
const MOST: usize = 16 << 20;

/// The depth that documents may have when they are read.
const DEEPEST: usize = 1_000;

/// What a value costs besides its text.
const NODE: usize = 32;

impl Default for Growth {
    fn default() -> Self {
        Self { bytes: MOST }
    }
}

impl Growth {
    /// What has been copied, in bytes.
    pub(crate) fn copied(&self) -> usize {
        MOST - self.bytes
    }

    /// Counts a value that is put `depth` names deep.
    ///
    /// # Errors
    /// It is too much, or too deep.
    pub(crate) fn value(&mut self, value: &Value, depth: usize) -> Result<()> {
        match value {
            Value::String(text) => self.take(text.len(), depth),
            Value::List(items) => {
                self.take(0, depth)?;
                items.iter().try_for_each(|item| self.value(item, depth + 1))
            }
            Value::Map(map) => {
                self.take(0, depth)?;
                map.iter().try_for_each(|(key, item)| {
                    self.take(key.len(), depth)?;
                    self.value(item, depth + 1)
                })
            }
            _ => self.take(0, depth),
        }
    }

    /// Counts a node that is put `depth` names deep.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub(crate) fn node(&mut self, node: &Node, depth: usize) -> Result<()> {
        match node {
            Node::Scalar(scalar) => self.take(scalar.text.len(), depth),
            Node::List(list) => {
                self.take(0, depth)?;
                list.items.iter().try_for_each(|item| self.node(item, depth + 1))
            }
            Node::Map(map) => {
                self.take(0, depth)?;
                map.entries.iter().try_for_each(|(key, item)| {
                    self.take(key.text.len(), depth)?;
                    self.node(item, depth + 1)
                })
            }
        }
    }

    fn take(&mut self, bytes: usize, depth: usize) -> Result<()> {
        if depth > DEEPEST {
            let text = format!("a patch or replacement nests a document more than {DEEPEST} deep");
            return Err(Error::of(ErrorKind::Limit, text));
        }
        budget::charge(bytes.saturating_add(NODE))?;
        self.bytes = self.bytes.checked_sub(bytes.saturating_add(NODE)).ok_or_else(|| {
            Error::of(ErrorKind::Limit, format!("a patch or replacements copy more than {MOST} bytes"))
        })?;
        Ok(())
    }
}
