//! A folder of a tree as a tree of its own: what lies outside does not exist for it.

use std::sync::Arc;

use bytes::Bytes;

use crate::{ContentId, Error, Kind, Named, PresentId, Tree, TreePath};

/// A folder of a tree as a tree. Links that leave the folder are out of bounds. Errors name the path in the whole
/// tree, which is the one users know.
#[derive(Clone)]
pub struct Subtree {
    tree: Arc<dyn Tree>,
    base: TreePath,
}

impl Subtree {
    /// The folder `base` of `tree`; `base` leads through no link (see [`resolve`](fn@crate::resolve)).
    ///
    /// # Errors
    /// When `base` is not a folder of `tree`.
    pub fn new(tree: Arc<dyn Tree>, base: TreePath) -> Result<Self, Error> {
        match tree.kind(&base)? {
            Some(Kind::Folder) => Ok(Self { tree, base }),
            Some(Kind::Submodule) => Err(Error::submodule(&base)),
            Some(found) => Err(Error::wrong(&base, Kind::Folder, found)),
            None => Err(Error::NotFound(base)),
        }
    }
}

impl Tree for Subtree {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        self.tree.kind(&self.base.append(path))
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error> {
        self.tree.id(&self.base.append(path))
    }

    fn present_id(&self, path: &TreePath) -> Result<PresentId, Error> {
        self.tree.present_id(&self.base.append(path))
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        self.tree.list(&self.base.append(path))
    }

    fn size(&self, path: &TreePath) -> Result<u64, Error> {
        self.tree.size(&self.base.append(path))
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, Error> {
        self.tree.read(&self.base.append(path))
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, Error> {
        self.tree.link(&self.base.append(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryTree, Mount, conformance, resolve};

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    #[test]
    fn conforms() {
        let whole = Arc::new(Mount::new(path("deep/down"), Arc::new(conformance::sample())));
        let part = Subtree::new(whole, path("deep/down")).unwrap();
        assert_eq!(conformance::violations(&part, &conformance::sample()), [""; 0]);
    }

    #[test]
    fn only_a_folder_can_be_a_tree() {
        let whole = Arc::new(MemoryTree::from_files([("a/b", "x")]).unwrap());
        assert!(Subtree::new(whole.clone(), path("a")).is_ok());
        let file = Subtree::new(whole.clone(), path("a/b")).err().unwrap();
        assert_eq!(file.to_string(), "a/b: is a file, not a folder");
        assert_eq!(Subtree::new(whole, path("c")).err().unwrap(), Error::NotFound(path("c")));
    }

    #[test]
    fn a_link_to_a_neighbour_is_out_of_bounds() {
        let mut builder = MemoryTree::builder();
        builder.link(path("a/link"), "../b").file(path("b"), "x");
        let whole: Arc<dyn Tree> = Arc::new(builder.build().unwrap());
        assert_eq!(resolve(&*whole, &path("a/link")).unwrap(), path("b"));
        let part = Subtree::new(whole, path("a")).unwrap();
        assert_eq!(resolve(&part, &path("link")), Err(Error::OutOfBounds { link: path("link") }));
    }
}
