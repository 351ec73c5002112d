//! A tree held in memory: archives, uploads and tests become one of these.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use crate::{ContentId, Error, Kind, MAX_LINK_TEXT, Named, PathError, PresentId, Tree, TreePath};

/// A tree held in memory. Its ids are SHA-256, known from the start.
///
/// ```
/// use manifestd_tree::{MemoryTree, Tree, TreePath};
///
/// let tree = MemoryTree::from_files([("app/cm.yaml", "kind: ConfigMap\n")])?;
/// assert_eq!(&tree.read(&TreePath::parse("app/cm.yaml").unwrap())?[..], b"kind: ConfigMap\n");
/// # Ok::<(), manifestd_tree::Error>(())
/// ```
#[derive(Debug)]
pub struct MemoryTree {
    nodes: HashMap<TreePath, Node>,
}

/// Collects what a [`MemoryTree`] will hold. A path given twice keeps what was given last.
#[derive(Debug, Default)]
pub struct MemoryBuilder {
    given: BTreeMap<TreePath, Content>,
}

#[derive(Debug)]
struct Node {
    id: ContentId,
    content: Content,
}

#[derive(Debug)]
enum Content {
    File(Bytes),
    Link(Arc<str>),
    Submodule(ContentId),
    Folder(Arc<[Named]>),
}

impl MemoryTree {
    /// A builder with nothing in it.
    #[must_use]
    pub fn builder() -> MemoryBuilder {
        MemoryBuilder::default()
    }

    /// A tree of plain files, each a path and its content.
    ///
    /// # Errors
    /// When a text is not a path inside the tree, or one path is both a file and a folder.
    pub fn from_files<'a, B: Into<Bytes>>(
        files: impl IntoIterator<Item = (&'a str, B)>,
    ) -> Result<Self, Error> {
        let mut builder = Self::builder();
        for (path, content) in files {
            builder.file(TreePath::parse(path).map_err(|why| bad_path(path, why))?, content);
        }
        builder.build()
    }

    /// What stands at `path`; an error inside a submodule.
    fn node(&self, path: &TreePath) -> Result<Option<&Node>, Error> {
        if let Some(node) = self.nodes.get(path) {
            return Ok(Some(node));
        }
        let nearest = path.ancestors().find_map(|folder| self.nodes.get(&folder));
        match nearest.map(|node| &node.content) {
            Some(Content::Submodule(_)) => Err(Error::submodule(path)),
            _ => Ok(None),
        }
    }

    fn existing(&self, path: &TreePath) -> Result<&Content, Error> {
        match self.node(path)? {
            Some(Node { content: Content::Submodule(_), .. }) => Err(Error::submodule(path)),
            Some(node) => Ok(&node.content),
            None => Err(Error::NotFound(path.clone())),
        }
    }
}

impl Tree for MemoryTree {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        Ok(self.node(path)?.map(|node| node.content.kind()))
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error> {
        Ok(self.node(path)?.map(|node| node.id))
    }

    fn present_id(&self, path: &TreePath) -> Result<PresentId, Error> {
        match self.node(path)? {
            // The id was made of the content that stands beside it.
            Some(Node { content: Content::File(_), id }) => Ok(PresentId::of_proven(*id)),
            Some(Node { content: Content::Submodule(_), .. }) => Err(Error::submodule(path)),
            Some(Node { content, .. }) => Err(Error::wrong(path, Kind::File, content.kind())),
            None => Err(Error::NotFound(path.clone())),
        }
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        match self.existing(path)? {
            Content::Folder(names) => Ok(Arc::clone(names)),
            other => Err(Error::wrong(path, Kind::Folder, other.kind())),
        }
    }

    fn size(&self, path: &TreePath) -> Result<u64, Error> {
        self.read(path).map(|content| content.len() as u64)
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, Error> {
        match self.existing(path)? {
            Content::File(content) => Ok(content.clone()),
            other => Err(Error::wrong(path, Kind::File, other.kind())),
        }
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, Error> {
        match self.existing(path)? {
            Content::Link(text) => Ok(Arc::clone(text)),
            other => Err(Error::wrong(path, Kind::Link, other.kind())),
        }
    }
}

impl MemoryBuilder {
    /// Adds a file.
    pub fn file(&mut self, path: TreePath, content: impl Into<Bytes>) -> &mut Self {
        self.add(path, Content::File(content.into()))
    }

    /// Adds a symbolic link that holds `text`.
    pub fn link(&mut self, path: TreePath, text: &str) -> &mut Self {
        self.add(path, Content::Link(Arc::from(text)))
    }

    /// Adds a submodule entry that names a commit.
    pub fn submodule(&mut self, path: TreePath, commit: [u8; 20]) -> &mut Self {
        self.add(path, Content::Submodule(ContentId::Git(commit)))
    }

    /// Adds a folder; only needed where nothing else stands in it.
    pub fn folder(&mut self, path: TreePath) -> &mut Self {
        self.add(path, Content::Folder(Arc::default()))
    }

    /// The tree of everything given.
    ///
    /// # Errors
    /// [`Error::WrongKind`] when a path is both a folder and something else; [`Error::Refused`] for a link text longer
    /// than [`MAX_LINK_TEXT`].
    pub fn build(&mut self) -> Result<MemoryTree, Error> {
        let given = std::mem::take(&mut self.given);
        let folders = folders(&given)?;
        let mut nodes: HashMap<TreePath, Node> = HashMap::with_capacity(given.len() + folders.len());
        for (path, content) in given {
            if let Some(id) = leaf_id(&path, &content)? {
                nodes.insert(path, Node { id, content });
            }
        }
        let mut deepest_first: Vec<_> = folders.into_iter().collect();
        deepest_first.sort_by_key(|(path, _)| std::cmp::Reverse(path.names().count()));
        for (path, entries) in deepest_first {
            let node = folder_node(&path, &entries, &nodes);
            nodes.insert(path, node);
        }
        Ok(MemoryTree { nodes })
    }

    fn add(&mut self, path: TreePath, content: Content) -> &mut Self {
        self.given.insert(path, content);
        self
    }
}

impl Content {
    fn kind(&self) -> Kind {
        match self {
            Self::File(_) => Kind::File,
            Self::Link(_) => Kind::Link,
            Self::Submodule(_) => Kind::Submodule,
            Self::Folder(_) => Kind::Folder,
        }
    }
}

/// The entries of one folder.
type Entries = BTreeMap<Arc<str>, Kind>;

/// Every folder that is given or stands above something given.
fn folders(given: &BTreeMap<TreePath, Content>) -> Result<BTreeMap<TreePath, Entries>, Error> {
    let mut folders = BTreeMap::from([(TreePath::root(), Entries::new())]);
    for (path, content) in given {
        if content.kind() == Kind::Folder {
            folders.entry(path.clone()).or_default();
        }
        enter(&mut folders, path, content.kind());
    }
    let both =
        given.iter().find(|(path, content)| content.kind() != Kind::Folder && folders.contains_key(*path));
    match both {
        Some((path, content)) => Err(Error::wrong(path, content.kind(), Kind::Folder)),
        None => Ok(folders),
    }
}

/// Enters `path` into its folder, that folder into the one above, and so on up to one that is already known.
fn enter(folders: &mut BTreeMap<TreePath, Entries>, path: &TreePath, mut kind: Kind) {
    let mut path = path.clone();
    while let (Some(parent), Some(name)) = (path.parent(), path.name()) {
        if folders.entry(parent.clone()).or_default().insert(Arc::from(name), kind).is_some() {
            return;
        }
        kind = Kind::Folder;
        path = parent;
    }
}

/// The id of what is not a folder.
fn leaf_id(path: &TreePath, content: &Content) -> Result<Option<ContentId>, Error> {
    match content {
        Content::File(content) => Ok(Some(ContentId::of_content(content))),
        Content::Link(text) if text.len() > MAX_LINK_TEXT => Err(Error::link_too_long(path)),
        Content::Link(text) => Ok(Some(ContentId::of_content(text.as_bytes()))),
        Content::Submodule(id) => Ok(Some(*id)),
        Content::Folder(_) => Ok(None),
    }
}

/// A folder, once everything in it has its node.
fn folder_node(path: &TreePath, entries: &Entries, nodes: &HashMap<TreePath, Node>) -> Node {
    let of = |name: &str| nodes.get(&path.child(name)).map(|node| node.id);
    let known = entries.iter().filter_map(|(name, kind)| Some((&**name, *kind, of(name)?)));
    let id = ContentId::of_folder(known);
    let names = entries.iter().map(|(name, kind)| Named { name: Arc::clone(name), kind: *kind }).collect();
    Node { id, content: Content::Folder(names) }
}

fn bad_path(text: &str, why: PathError) -> Error {
    Error::refused(&TreePath::root(), format!("{text:?}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    #[test]
    fn conforms() {
        let sample = conformance::sample();
        assert_eq!(conformance::violations(&sample, &conformance::sample()), [""; 0]);
    }

    #[test]
    fn a_path_cannot_be_file_and_folder() {
        let both = MemoryTree::from_files([("a", "x"), ("a/b", "y")]);
        assert_eq!(both.unwrap_err().to_string(), "a: is a folder, not a file");
    }

    #[test]
    fn folder_ids_follow_everything_beneath() {
        let id = |files: &[(&'static str, &'static str)]| {
            MemoryTree::from_files(files.iter().copied()).unwrap().id(&TreePath::root()).unwrap()
        };
        let one = id(&[("a/b/c", "x"), ("d", "y")]);
        assert_eq!(one, id(&[("d", "y"), ("a/b/c", "x")]));
        assert_ne!(one, id(&[("a/b/c", "z"), ("d", "y")]));
        assert_ne!(one, id(&[("a/b/e", "x"), ("d", "y")]));
    }

    #[test]
    fn an_impossible_path_is_refused() {
        assert!(MemoryTree::from_files([("../a", "x")]).is_err());
        assert!(MemoryTree::from_files([("/a", "x")]).is_err());
    }
}
