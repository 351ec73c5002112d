//! A commit that is here, and its tree, which keeps it here.

use std::sync::Arc;

use bytes::Bytes;
use gix::ObjectId;
use tree::{ContentId, Kind, Named, PresentId, Tree, TreePath};

use crate::error::Result;

use super::snapshot::Snapshot;
use super::store::Generation;

/// A commit that is here, kept from being removed as long as this lives.
#[derive(Clone)]
pub struct Held {
    generation: Arc<Generation>,
    commit: ObjectId,
}

impl Held {
    pub(super) fn new(generation: Arc<Generation>, commit: ObjectId) -> Self {
        Self { generation, commit }
    }

    /// The tree of the commit. It keeps the commit here as long as it lives. Blocks for a moment.
    ///
    /// # Errors
    /// [`crate::error::Kind::Unavailable`] when it cannot be read.
    pub fn tree(&self) -> Result<Arc<dyn Tree>> {
        let snapshot = Snapshot::open(self.generation.objects().clone(), self.commit)?;
        Ok(Arc::new(Kept { snapshot, _generation: self.generation.clone() }))
    }
}

/// A tree with the generation it reads from.
struct Kept {
    snapshot: Snapshot,
    _generation: Arc<Generation>,
}

impl Tree for Kept {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, tree::Error> {
        self.snapshot.kind(path)
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, tree::Error> {
        self.snapshot.id(path)
    }

    fn present_id(&self, path: &TreePath) -> Result<PresentId, tree::Error> {
        self.snapshot.present_id(path)
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, tree::Error> {
        self.snapshot.list(path)
    }

    fn size(&self, path: &TreePath) -> Result<u64, tree::Error> {
        self.snapshot.size(path)
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, tree::Error> {
        self.snapshot.read(path)
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, tree::Error> {
        self.snapshot.link(path)
    }
}
