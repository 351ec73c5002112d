//! One tree over another, and a tree mounted at a path: how fetched parts join the tree they are needed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::{ContentId, Error, Kind, Named, PresentId, Tree, TreePath};

/// One tree laid over another: where both have something the upper one wins; two folders are merged.
#[derive(Clone)]
pub struct Overlay {
    upper: Arc<dyn Tree>,
    lower: Arc<dyn Tree>,
}

/// A tree that holds only another tree, mounted at a path. Laid over a tree with [`Overlay`] it adds a part to it.
#[derive(Clone)]
pub struct Mount {
    at: TreePath,
    tree: Arc<dyn Tree>,
}

/// Who answers for a path of an overlay.
enum Side<'a> {
    One(&'a dyn Tree),
    Both,
}

impl Overlay {
    /// `upper` over `lower`.
    #[must_use]
    pub fn new(lower: Arc<dyn Tree>, upper: Arc<dyn Tree>) -> Self {
        Self { upper, lower }
    }

    /// `lower` with `part` mounted at `at`.
    #[must_use]
    pub fn mounted(lower: Arc<dyn Tree>, at: TreePath, part: Arc<dyn Tree>) -> Self {
        Self::new(lower, Arc::new(Mount::new(at, part)))
    }

    /// Walks down while both trees have a folder; below that one tree answers alone.
    fn side(&self, path: &TreePath) -> Result<Side<'_>, Error> {
        let mut at = TreePath::root();
        for name in path.names() {
            at = at.child(name);
            // The lower tree is asked only where it counts: it may be an overlay itself, and so on.
            let Some(upper) = self.upper.kind(&at)? else { return Ok(Side::One(&*self.lower)) };
            if upper != Kind::Folder || self.lower.kind(&at)? != Some(Kind::Folder) {
                return Ok(Side::One(&*self.upper));
            }
        }
        Ok(Side::Both)
    }

    fn merged(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        let lower = self.lower.list(path)?;
        let upper = self.upper.list(path)?;
        let all: BTreeMap<&str, &Named> =
            lower.iter().chain(upper.iter()).map(|entry| (&*entry.name, entry)).collect();
        Ok(all.into_values().cloned().collect())
    }
}

impl Tree for Overlay {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        match self.side(path)? {
            Side::One(tree) => tree.kind(path),
            Side::Both => Ok(Some(Kind::Folder)),
        }
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error> {
        match self.side(path)? {
            Side::One(tree) => tree.id(path),
            Side::Both => {
                let ids = [required_id(&*self.upper, path)?, required_id(&*self.lower, path)?];
                Ok(Some(ContentId::of_parts("overlay", ids.iter().map(ContentId::bytes))))
            }
        }
    }

    fn present_id(&self, path: &TreePath) -> Result<PresentId, Error> {
        match self.side(path)? {
            Side::One(tree) => tree.present_id(path),
            Side::Both => Err(Error::wrong(path, Kind::File, Kind::Folder)),
        }
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        match self.side(path)? {
            Side::One(tree) => tree.list(path),
            Side::Both => self.merged(path),
        }
    }

    fn size(&self, path: &TreePath) -> Result<u64, Error> {
        match self.side(path)? {
            Side::One(tree) => tree.size(path),
            Side::Both => Err(Error::wrong(path, Kind::File, Kind::Folder)),
        }
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, Error> {
        match self.side(path)? {
            Side::One(tree) => tree.read(path),
            Side::Both => Err(Error::wrong(path, Kind::File, Kind::Folder)),
        }
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, Error> {
        match self.side(path)? {
            Side::One(tree) => tree.link(path),
            Side::Both => Err(Error::wrong(path, Kind::Link, Kind::Folder)),
        }
    }
}

/// Where a path lies, seen from a mount.
enum Place<'a> {
    /// In the mounted tree, at this path of it.
    Inside(TreePath),
    /// A folder on the way to the mount; the next name leads there.
    Above(&'a str),
    /// Neither: nothing is there.
    Beside,
}

impl Mount {
    /// `tree` mounted at `at`.
    #[must_use]
    pub fn new(at: TreePath, tree: Arc<dyn Tree>) -> Self {
        Self { at, tree }
    }

    fn place(&self, path: &TreePath) -> Place<'_> {
        if let Some(inside) = path.beneath(&self.at) {
            return Place::Inside(inside);
        }
        match self.at.strip(path) {
            Some(rest) => Place::Above(rest.split('/').next().unwrap_or(rest)),
            None => Place::Beside,
        }
    }

    /// Asks the mounted tree; elsewhere there is at most a folder, which is not what was wanted.
    fn inside<T>(
        &self,
        path: &TreePath,
        wanted: Kind,
        ask: impl FnOnce(&TreePath) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self.place(path) {
            Place::Inside(inside) => ask(&inside).map_err(|error| error.under(&self.at)),
            Place::Above(_) => Err(Error::wrong(path, wanted, Kind::Folder)),
            Place::Beside => Err(Error::NotFound(path.clone())),
        }
    }
}

impl Tree for Mount {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        match self.place(path) {
            Place::Inside(inside) => self.tree.kind(&inside).map_err(|error| error.under(&self.at)),
            Place::Above(_) => Ok(Some(Kind::Folder)),
            Place::Beside => Ok(None),
        }
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error> {
        match self.place(path) {
            Place::Inside(inside) => self.tree.id(&inside).map_err(|error| error.under(&self.at)),
            Place::Above(_) => {
                let id = required_id(&*self.tree, &TreePath::root())?;
                let rest = self.at.strip(path).unwrap_or_default();
                Ok(Some(ContentId::of_parts("mount", [rest.as_bytes(), id.bytes()])))
            }
            Place::Beside => Ok(None),
        }
    }

    fn present_id(&self, path: &TreePath) -> Result<PresentId, Error> {
        self.inside(path, Kind::File, |inside| self.tree.present_id(inside))
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        match self.place(path) {
            Place::Above(name) => Ok(Arc::from([Named { name: Arc::from(name), kind: Kind::Folder }])),
            _ => self.inside(path, Kind::Folder, |inside| self.tree.list(inside)),
        }
    }

    fn size(&self, path: &TreePath) -> Result<u64, Error> {
        self.inside(path, Kind::File, |inside| self.tree.size(inside))
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, Error> {
        self.inside(path, Kind::File, |inside| self.tree.read(inside))
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, Error> {
        self.inside(path, Kind::Link, |inside| self.tree.link(inside))
    }
}

/// The id of something that is known to exist.
fn required_id(tree: &dyn Tree, path: &TreePath) -> Result<ContentId, Error> {
    tree.id(path)?.ok_or_else(|| Error::NotFound(path.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryTree, conformance};

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn files(files: &[(&'static str, &'static str)]) -> Arc<dyn Tree> {
        Arc::new(MemoryTree::from_files(files.iter().copied()).unwrap())
    }

    #[test]
    fn conforms() {
        let (one, two) = conformance::sample_in_two();
        let over = Overlay::new(Arc::new(one), Arc::new(two));
        assert_eq!(conformance::violations(&over, &conformance::sample()), [""; 0]);
    }

    #[test]
    fn a_mount_conforms() {
        let root = Mount::new(TreePath::root(), Arc::new(conformance::sample()));
        assert_eq!(conformance::violations(&root, &conformance::sample()), [""; 0]);
        let deep = Mount::new(path("x/y"), files(&[("a/b", "1")]));
        assert_eq!(conformance::violations(&deep, &*files(&[("x/y/a/b", "1")])), [""; 0]);
    }

    #[test]
    fn the_upper_tree_wins() {
        let over = Overlay::new(
            files(&[("a", "low"), ("b/c", "low"), ("d", "low")]),
            files(&[("a", "up"), ("d/e", "up")]),
        );
        assert_eq!(&over.read(&path("a")).unwrap()[..], b"up");
        assert_eq!(&over.read(&path("b/c")).unwrap()[..], b"low");
        assert_eq!(over.kind(&path("d")).unwrap(), Some(Kind::Folder));
        assert_eq!(&over.read(&path("d/e")).unwrap()[..], b"up");
    }

    #[test]
    fn an_upper_file_hides_a_lower_folder() {
        let over = Overlay::new(files(&[("a/b", "low")]), files(&[("a", "up")]));
        assert_eq!(over.kind(&path("a/b")).unwrap(), None);
        assert_eq!(over.read(&path("a/b")), Err(Error::NotFound(path("a/b"))));
    }

    #[test]
    fn a_mounted_part_joins_the_tree() {
        let over = Overlay::mounted(
            files(&[("app/Chart.yaml", "c")]),
            path("app/charts/db"),
            files(&[("Chart.yaml", "d")]),
        );
        assert_eq!(&over.read(&path("app/charts/db/Chart.yaml")).unwrap()[..], b"d");
        let names: Vec<_> = over.list(&path("app")).unwrap().iter().map(|e| e.name.to_string()).collect();
        assert_eq!(names, ["Chart.yaml", "charts"]);
        let error = over.read(&path("app/charts/db/none")).unwrap_err();
        assert_eq!(error.to_string(), "app/charts/db/none: no such file or folder");
    }

    #[test]
    fn ids_follow_both_trees() {
        let id = |low: &'static str, up: &'static str| {
            Overlay::new(files(&[("a", low)]), files(&[("b", up)])).id(&TreePath::root()).unwrap()
        };
        assert_eq!(id("1", "2"), id("1", "2"));
        assert_ne!(id("1", "2"), id("3", "2"));
        assert_ne!(id("1", "2"), id("1", "3"));
    }
}
