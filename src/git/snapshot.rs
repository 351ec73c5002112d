//! A commit as a [`Tree`], read straight from the object database: what a checkout on Linux would write, without one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use gix::ObjectId;
use tree::{ContentId, Error, Kind, MAX_LINK_TEXT, Named, PresentId, Tree, TreePath};

use crate::error;

use super::attributes::{MAX_RULES, Rules};
use super::convert::Conversion;
use super::objects::{Folder, Objects, Reason, content_id};

/// The deepest path that is looked at. Linux could not even name much deeper ones, and what walks a tree may recurse.
const MAX_DEPTH: usize = 512;

/// Larger files are no LFS pointers (git-lfs `docs/spec.md`: a pointer is below 1024 bytes).
const MAX_LFS_POINTER: usize = 1024;

/// How an LFS pointer begins (git-lfs `docs/spec.md`).
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// A commit as a tree.
///
/// Files that no attribute converts have the id of their blob; a converted file's id covers the blob and the
/// conversion, so that a changed `.gitattributes` changes the ids of just the files it converts otherwise.
pub struct Snapshot {
    objects: Arc<Objects>,
    root: ObjectId,
    /// The rules by the innermost folder that has a `.gitattributes`: within one commit that folder tells them all.
    rules: Mutex<HashMap<TreePath, Arc<Rules>>>,
}

/// What stands at a path, and the `.gitattributes` files that decide about it.
struct Found {
    kind: Kind,
    id: ObjectId,
    /// Depth of the folder and id of each `.gitattributes` above, outermost first.
    rules: Vec<(usize, ObjectId)>,
}

impl Snapshot {
    /// The tree of `commit`.
    ///
    /// # Errors
    /// [`error::Kind::Unavailable`] when the commit or its tree is not in the repository or cannot be read,
    /// [`error::Kind::Invalid`] when it is not a commit.
    pub fn open(objects: Arc<Objects>, commit: ObjectId) -> error::Result<Self> {
        let failed = |reason: Reason| error::Error::from(reason.at(&TreePath::root()));
        let root = objects.root_of(commit).map_err(failed)?;
        objects.folder(root).map_err(failed)?;
        Ok(Self { objects, root, rules: Mutex::default() })
    }

    /// Walks down to `path`.
    fn find(&self, path: &TreePath) -> Result<Option<Found>, Error> {
        let mut at = Found { kind: Kind::Folder, id: self.root, rules: Vec::new() };
        for (depth, name) in path.names().enumerate() {
            match at.kind {
                Kind::Folder => {}
                Kind::Submodule => return Err(Error::submodule(path)),
                _ => return Ok(None),
            }
            if depth == MAX_DEPTH {
                return Err(Error::refused(path, format!("it lies deeper than {MAX_DEPTH} folders")));
            }
            let folder = self.folder(path, at.id)?;
            at.rules.extend(rules_in(&folder).map(|id| (depth, id)));
            let Some((kind, id)) = folder.entry(name) else { return Ok(None) };
            (at.kind, at.id) = (kind, id);
        }
        Ok(Some(at))
    }

    /// What stands at `path`, which must be a `wanted`.
    fn existing(&self, path: &TreePath, wanted: Kind) -> Result<Found, Error> {
        match self.find(path)? {
            Some(found) if found.kind == wanted => Ok(found),
            Some(Found { kind: Kind::Submodule, .. }) => Err(Error::submodule(path)),
            Some(found) => Err(Error::wrong(path, wanted, found.kind)),
            None => Err(Error::NotFound(path.clone())),
        }
    }

    fn folder(&self, path: &TreePath, id: ObjectId) -> Result<Arc<Folder>, Error> {
        self.objects.folder(id).map_err(|reason| reason.at(path))
    }

    fn blob(&self, path: &TreePath, id: ObjectId) -> Result<Bytes, Error> {
        self.objects.blob(id).map_err(|reason| reason.at(path))
    }

    fn blob_size(&self, path: &TreePath, id: ObjectId) -> Result<u64, Error> {
        self.objects.blob_size(id).map_err(|reason| reason.at(path))
    }

    /// What a checkout would do to the file at `path`.
    fn conversion(&self, path: &TreePath, found: &Found) -> Result<Conversion, Error> {
        let Some((depth, _)) = found.rules.last() else { return Ok(Conversion::default()) };
        let folder = folder_at(path, *depth);
        let known = self.rules.lock().unwrap_or_else(PoisonError::into_inner).get(&folder).cloned();
        if let Some(rules) = known {
            return Ok(rules.conversion(path));
        }
        let rules = Arc::new(self.load_rules(path, &found.rules)?);
        let conversion = rules.conversion(path);
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).insert(folder, rules);
        Ok(conversion)
    }

    fn load_rules(&self, path: &TreePath, rules: &[(usize, ObjectId)]) -> Result<Rules, Error> {
        let load = |(depth, id): &(usize, ObjectId)| {
            let folder = folder_at(path, *depth);
            let file = folder.child(".gitattributes");
            if self.blob_size(&file, *id)? > MAX_RULES {
                return Err(Error::refused(&file, format!("it is larger than {MAX_RULES} bytes")));
            }
            Ok((folder, self.blob(&file, *id)?))
        };
        let files: Vec<_> = rules.iter().map(load).collect::<Result<_, _>>()?;
        Rules::new(files).map_err(|reason| reason.at(path))
    }

    /// The content of a file as a checkout would write it.
    fn content(&self, path: &TreePath, found: &Found) -> Result<Bytes, Error> {
        let content = self.blob(path, found.id)?;
        if is_lfs_pointer(&content) {
            return Err(Error::Elsewhere { path: path.clone(), what: "a git LFS pointer" });
        }
        let conversion = self.conversion(path, found)?;
        if conversion.is_none() {
            return Ok(content);
        }
        let converted = conversion.apply(found.id, &content).map_err(|reason| reason.at(path))?;
        Ok(Bytes::from(converted))
    }
}

impl Tree for Snapshot {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        Ok(self.find(path)?.map(|found| found.kind))
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error> {
        let Some(found) = self.find(path)? else { return Ok(None) };
        match found.kind {
            Kind::File => {
                let conversion = self.conversion(path, &found)?;
                Ok(Some(file_id(found.id, &conversion)))
            }
            Kind::Folder => Ok(Some(folder_id(path, &found))),
            Kind::Link | Kind::Submodule | Kind::Other => Ok(Some(content_id(found.id))),
        }
    }

    fn present_id(&self, path: &TreePath) -> Result<PresentId, Error> {
        let found = self.existing(path, Kind::File)?;
        let conversion = self.conversion(path, &found)?;
        self.objects.check_present(found.id).map_err(|reason| reason.at(path))?;
        Ok(PresentId::of_proven(file_id(found.id, &conversion)))
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        let found = self.existing(path, Kind::Folder)?;
        Ok(Arc::clone(&self.folder(path, found.id)?.names))
    }

    fn size(&self, path: &TreePath) -> Result<u64, Error> {
        let found = self.existing(path, Kind::File)?;
        match self.conversion(path, &found)?.is_none() {
            true => self.blob_size(path, found.id),
            false => Ok(self.content(path, &found)?.len() as u64),
        }
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, Error> {
        let found = self.existing(path, Kind::File)?;
        self.content(path, &found)
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, Error> {
        let found = self.existing(path, Kind::Link)?;
        if self.blob_size(path, found.id)? > MAX_LINK_TEXT as u64 {
            return Err(Error::link_too_long(path));
        }
        Ok(Arc::from(tree::name_from_bytes(&self.blob(path, found.id)?)))
    }
}

/// Whether a file's content is a git LFS pointer, which only stands for a content that is kept elsewhere.
#[must_use]
pub fn is_lfs_pointer(content: &[u8]) -> bool {
    content.len() < MAX_LFS_POINTER && content.starts_with(LFS_POINTER)
}

/// The `.gitattributes` of a folder. Git does not follow a link of that name.
fn rules_in(folder: &Folder) -> Option<ObjectId> {
    folder.entry(".gitattributes").filter(|(kind, _)| *kind == Kind::File).map(|(_, id)| id)
}

/// The folder above `path` at `depth`; the root is at 0.
fn folder_at(path: &TreePath, depth: usize) -> TreePath {
    path.names().take(depth).fold(TreePath::root(), |folder, name| folder.child(name))
}

fn file_id(blob: ObjectId, conversion: &Conversion) -> ContentId {
    match conversion.is_none() {
        true => content_id(blob),
        false => {
            let conversion = conversion.describe();
            ContentId::of_parts("converted git blob", [blob.as_slice(), conversion.as_bytes()])
        }
    }
}

/// The id of a folder covers the rules above it, which may convert what is beneath, by where it lies.
fn folder_id(path: &TreePath, found: &Found) -> ContentId {
    if found.rules.is_empty() {
        return content_id(found.id);
    }
    let depths: Vec<[u8; 8]> = found.rules.iter().map(|(depth, _)| (*depth as u64).to_be_bytes()).collect();
    let rules = found.rules.iter().zip(&depths).flat_map(|((_, id), depth)| [&depth[..], id.as_slice()]);
    let folder = [path.as_str().as_bytes(), found.id.as_slice()];
    ContentId::of_parts("git folder under attributes", folder.into_iter().chain(rules))
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
