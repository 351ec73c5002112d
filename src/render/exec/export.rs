//! Parts of a tree written to a room, each where it stands in the tree, so that relative paths and links mean there what
//! they mean in the repository. Links stay links; what they lead to is written too.

use std::collections::HashSet;
use std::sync::Arc;

use tree::{Named, Tree, TreePath};

use super::room::Room;
use crate::error::{Error, Kind, Result};
use crate::render::Stop;

/// Writes one tree to one area of a room.
pub(super) struct Export<'a> {
    pub(super) tree: &'a dyn Tree,
    pub(super) area: String,
    pub(super) stop: &'a Stop,
    /// What was written with all beneath or behind it.
    written: HashSet<TreePath>,
    /// The links that were written, perhaps without what they lead to.
    links: HashSet<TreePath>,
}

impl<'a> Export<'a> {
    pub(super) fn new(tree: &'a dyn Tree, area: impl Into<String>, stop: &'a Stop) -> Self {
        Self { tree, area: area.into(), stop, written: HashSet::new(), links: HashSet::new() }
    }

    /// Writes what `path` leads to, every link on the way, and all that is needed to follow them. Returns where it
    /// really stands.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when a link leaves the tree; what the tree and the room answer. What does not exist is
    /// written as nothing.
    pub(super) fn reach(&mut self, room: &mut Room, path: &TreePath) -> Result<TreePath> {
        let real = tree::resolve(self.tree, path).map_err(out_of_bounds)?;
        self.note(&real)?;
        self.way(room, &TreePath::root(), path.as_str())?;
        let mut open = vec![real.clone()];
        while let Some(next) = open.pop() {
            self.stop.check()?;
            open.extend(self.one(room, &next)?);
        }
        Ok(real)
    }

    /// Records the one fact that stands for everything at and beneath a path.
    fn note(&self, path: &TreePath) -> Result<()> {
        self.tree.id(path)?;
        Ok(())
    }

    /// Writes what stands at a path that leads through no link, if it is not written yet; returns what else is needed.
    fn one(&mut self, room: &mut Room, path: &TreePath) -> Result<Vec<TreePath>> {
        if self.written.contains(path) {
            return Ok(Vec::new());
        }
        match self.tree.kind(path)? {
            None => return Ok(Vec::new()),
            Some(tree::Kind::Folder) => {
                let names = self.tree.list(path)?;
                room.make_folder(&self.area, path)?;
                self.written.insert(path.clone());
                return self.folder(room, path, &names);
            }
            Some(tree::Kind::Link) => return self.link(room, path),
            Some(_) => self.file(room, path)?,
        }
        self.written.insert(path.clone());
        Ok(Vec::new())
    }

    /// Writes the entries of a folder, all but folders and links: those are returned.
    fn folder(&mut self, room: &mut Room, path: &TreePath, names: &[Named]) -> Result<Vec<TreePath>> {
        let mut open = Vec::new();
        for entry in names {
            let child = path.child(&entry.name);
            match entry.kind {
                tree::Kind::Folder | tree::Kind::Link => open.push(child),
                _ => self.file(room, &child)?,
            }
        }
        Ok(open)
    }

    fn file(&self, room: &mut Room, path: &TreePath) -> Result<()> {
        self.stop.check()?;
        room.afford(path, self.tree.size(path)?)?;
        room.write(&self.area, path, &self.tree.read(path)?)?;
        Ok(())
    }

    /// Writes a link; returns its end, which is needed too.
    fn link(&mut self, room: &mut Room, path: &TreePath) -> Result<Vec<TreePath>> {
        let end = tree::resolve(self.tree, path).map_err(out_of_bounds)?;
        self.written.insert(path.clone());
        self.note(&end)?;
        self.way(room, &TreePath::root(), path.as_str())?;
        Ok(vec![end])
    }

    /// Writes the links that are met on the way from the folder `from` along `text`, the last name included, and on
    /// their ways. Folders met are made, since `..` needs them.
    fn way(&mut self, room: &mut Room, from: &TreePath, text: &str) -> Result<()> {
        let mut open = vec![(from.clone(), Arc::from(text))];
        while let Some((from, text)) = open.pop() {
            open.extend(self.walk(room, &from, &text)?);
        }
        Ok(())
    }

    /// One way; returns the ways of the links on it that were not written before.
    fn walk(&mut self, room: &mut Room, from: &TreePath, text: &str) -> Result<Vec<(TreePath, Arc<str>)>> {
        let mut ways = Vec::new();
        let mut at = from.clone();
        for name in text.split('/').filter(|name| !matches!(*name, "" | ".")) {
            let next = if name == ".." { at.parent().unwrap_or_else(TreePath::root) } else { at.child(name) };
            at = match self.tree.kind(&next)? {
                Some(tree::Kind::Link) => {
                    ways.extend(self.bare_link(room, &next)?.map(|text| (at, text)));
                    tree::resolve(self.tree, &next).map_err(out_of_bounds)?
                }
                _ => next,
            };
            if self.tree.kind(&at)? == Some(tree::Kind::Folder) {
                room.make_folder(&self.area, &at)?;
            }
        }
        Ok(ways)
    }

    /// Writes a link without what it leads to, unless it is written; returns its text if it was not.
    fn bare_link(&mut self, room: &mut Room, path: &TreePath) -> Result<Option<Arc<str>>> {
        if !self.links.insert(path.clone()) {
            return Ok(None);
        }
        let text = self.tree.link(path)?;
        room.link(&self.area, path, &text)?;
        Ok(Some(text))
    }
}

/// The failure to follow a link, in the words Argo CD has for links that leave the repository.
pub(super) fn out_of_bounds(error: tree::Error) -> Error {
    match &error {
        tree::Error::OutOfBounds { link } => {
            Error::new(Kind::Invalid, format!("the repository contains out-of-bounds symlinks. file: {link}"))
                .help("let the link lead to a file of the repository")
        }
        _ => error.into(),
    }
}
