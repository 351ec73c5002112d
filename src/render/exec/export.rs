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
    /// What was written: folders as a whole, files, links.
    written: HashSet<TreePath>,
}

impl<'a> Export<'a> {
    pub(super) fn new(tree: &'a dyn Tree, area: impl Into<String>, stop: &'a Stop) -> Self {
        Self { tree, area: area.into(), stop, written: HashSet::new() }
    }

    /// Writes what `path` leads to, every link on the way, and all that is needed to follow them. Returns where it
    /// really stands.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when a link leaves the tree; what the tree and the room answer. What does not exist is
    /// written as nothing.
    pub(super) fn reach(&mut self, room: &mut Room, path: &TreePath) -> Result<TreePath> {
        let mut open = self.walk(room, &TreePath::root(), path.as_str())?;
        let real = tree::resolve(self.tree, path).map_err(out_of_bounds)?;
        self.note(&real)?;
        open.push(real.clone());
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

    /// Writes a link; returns the links its text leads through, and its end.
    fn link(&mut self, room: &mut Room, path: &TreePath) -> Result<Vec<TreePath>> {
        let end = tree::resolve(self.tree, path).map_err(out_of_bounds)?;
        let text: Arc<str> = self.tree.link(path)?;
        room.link(&self.area, path, &text)?;
        self.written.insert(path.clone());
        self.note(&end)?;
        let folder = path.parent().unwrap_or_else(TreePath::root);
        let mut open = self.walk(room, &folder, &text)?;
        open.push(end);
        Ok(open)
    }

    /// The links met on the way `text` leads from the folder `from`. Folders on the way are made, since `..` needs them.
    fn walk(&self, room: &mut Room, from: &TreePath, text: &str) -> Result<Vec<TreePath>> {
        let mut links = Vec::new();
        let mut at = from.clone();
        for name in text.split('/').filter(|name| !matches!(*name, "" | ".")) {
            if name == ".." {
                at = at.parent().unwrap_or_else(TreePath::root);
                continue;
            }
            let next = at.child(name);
            at = match self.tree.kind(&next)? {
                Some(tree::Kind::Link) => {
                    links.push(next.clone());
                    tree::resolve(self.tree, &next).map_err(out_of_bounds)?
                }
                Some(tree::Kind::Folder) => next,
                _ => break,
            };
            if self.tree.kind(&at)? == Some(tree::Kind::Folder) {
                room.make_folder(&self.area, &at)?;
            }
        }
        Ok(links)
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
