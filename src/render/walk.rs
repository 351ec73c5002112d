//! A walk over the entries of a tree: in lexical order, entering only the folders it is told to, within a limit.

use std::sync::Arc;

use tree::{Kind, Named, Tree, TreePath};

use super::Stop;
use crate::error::{Error, Kind as ErrorKind, Result};

/// The most entries listed in one walk: ten times the files of the largest repositories of manifests, and still only
/// seconds of work.
const MAX_ENTRIES: usize = 1_000_000;

/// A walk. Folders wait on a stack of their own: a tree may be deeper than a thread's stack.
pub struct Walk<'a> {
    tree: &'a dyn Tree,
    stop: &'a Stop,
    open: Vec<(TreePath, Arc<[Named]>, usize)>,
    entries: usize,
}

impl<'a> Walk<'a> {
    /// A walk that begins nowhere yet: [`Walk::enter`] a folder first.
    #[must_use]
    pub fn new(tree: &'a dyn Tree, stop: &'a Stop) -> Self {
        Self { tree, stop, open: Vec::new(), entries: 0 }
    }

    /// The next entry, or `None` at the end. What it is not told to enter, it passes by.
    pub fn step(&mut self) -> Option<(TreePath, Kind)> {
        while let Some((folder, entries, next)) = self.open.last_mut() {
            if let Some(entry) = entries.get(*next) {
                *next += 1;
                return Some((folder.child(&entry.name), entry.kind));
            }
            self.open.pop();
        }
        None
    }

    /// Lists a folder, whose entries come next.
    ///
    /// # Errors
    /// When it cannot be listed, the walk has seen too many entries, or is to stop.
    pub fn enter(&mut self, folder: &TreePath) -> Result<Arc<[Named]>> {
        self.stop.check()?;
        let entries = self.tree.list(folder)?;
        self.entries += entries.len();
        if self.entries > MAX_ENTRIES {
            let message = format!("there are more than {MAX_ENTRIES} files and folders");
            return Err(Error::new(ErrorKind::OverBudget, message).help("begin at a folder further down"));
        }
        self.open.push((folder.clone(), Arc::clone(&entries), 0));
        Ok(entries)
    }
}
