//! The rules every [`Tree`] keeps, as one suite that runs over each implementation in its tests.
//!
//! An implementation is filled with the [`sample`] and compared with it:
//!
//! ```
//! let mine = manifestd_tree::conformance::sample();
//! assert!(manifestd_tree::conformance::violations(&mine, &manifestd_tree::conformance::sample()).is_empty());
//! ```

use crate::{Error, Kind, MemoryTree, Tree, TreePath};

/// Where the hard cases of the [`sample`] are: files, folders that only sort right bytewise, links of every sort.
const FILES: &[(&str, &str)] = &[
    ("README.md", "hello\n"),
    ("empty", ""),
    ("app/values.yaml", "a: 1\n"),
    ("app/templates/cm.yaml", "kind: ConfigMap\n"),
    ("app-x", "sorts before app/ in a git tree, after app by name\n"),
    ("app.x", "likewise\n"),
    ("app0", "sorts after app/\n"),
    ("a b/ü\u{301}/日本", "names are text\n"),
    ("..data/...", "dots are names\n"),
];

const LINKS: &[(&str, &str)] = &[
    ("link-to-file", "README.md"),
    ("app/link-up", "../README.md"),
    ("link-to-folder", "app"),
    ("link-to-nothing", "nowhere"),
    ("link-out", "../outside"),
    ("link-absolute", "/etc/passwd"),
    ("link-to-itself", "link-to-itself"),
];

const ABSENT: &[&str] = &[
    "none",
    "none/x",
    "app/none",
    "app/values.yaml/x",
    "README.md/x/y",
    "link-to-folder/values.yaml",
    "App",
    "app-",
    "link-to-file/x",
];

/// A tree that holds every case an implementation may get wrong. A tree that cannot hold empty folders or
/// submodules can hold this one.
#[must_use]
pub fn sample() -> MemoryTree {
    build(FILES, LINKS)
}

/// The [`sample`] in two trees that make it up when one is laid over the other.
#[must_use]
pub fn sample_in_two() -> (MemoryTree, MemoryTree) {
    let (files, links) = (FILES.split_at(3), LINKS.split_at(2));
    (build(files.0, links.0), build(files.1, links.1))
}

/// What `tree` does that a tree with the content of `reference` must not do; empty when it keeps every rule.
#[must_use]
pub fn violations(tree: &dyn Tree, reference: &dyn Tree) -> Vec<String> {
    let mut suite = Suite { tree, reference, found: Vec::new() };
    let mut folders = vec![TreePath::root()];
    while let Some(folder) = folders.pop() {
        suite.path(&folder);
        for entry in suite.reference.list(&folder).iter().flat_map(|names| names.iter()) {
            let path = folder.child(&entry.name);
            match entry.kind {
                Kind::Folder => folders.push(path),
                _ => suite.path(&path),
            }
        }
    }
    ABSENT.iter().filter_map(|text| TreePath::parse(text).ok()).for_each(|path| suite.path(&path));
    suite.found
}

struct Suite<'a> {
    tree: &'a dyn Tree,
    reference: &'a dyn Tree,
    found: Vec<String>,
}

impl Suite<'_> {
    /// Asks everything about `path`, twice: a tree never changes its mind.
    fn path(&mut self, path: &TreePath) {
        for _ in 0..2 {
            self.same(path, "kind", &self.tree.kind(path), &self.reference.kind(path));
            self.same(path, "list", &self.tree.list(path), &self.reference.list(path));
            self.same(path, "size", &self.tree.size(path), &self.reference.size(path));
            self.same(path, "read", &self.tree.read(path), &self.reference.read(path));
            self.same(path, "link", &self.tree.link(path), &self.reference.link(path));
        }
        self.id(path);
        self.sorted(path);
        self.inside(path);
    }

    fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        path: &TreePath,
        question: &str,
        got: &Result<T, Error>,
        wanted: &Result<T, Error>,
    ) {
        let same = match (got, wanted) {
            (Ok(got), Ok(wanted)) => got == wanted,
            (Err(got), Err(wanted)) => same_error(got, wanted),
            _ => false,
        };
        if !same {
            self.found.push(format!("{path}: {question} is {got:?}, not {wanted:?}"));
        }
    }

    /// What exists has an id that stays the same; what does not has none.
    fn id(&mut self, path: &TreePath) {
        let exists = self.reference.kind(path).map(|kind| kind.is_some());
        let ids = (self.tree.id(path), self.tree.id(path));
        self.same(path, "having an id", &ids.0.clone().map(|id| id.is_some()), &exists);
        self.same(path, "the id asked again", &ids.1, &ids.0);
        // The same id as without the proof, and only for what can be read.
        let present = self.tree.present_id(path).map(|present| Some(present.id()));
        let wanted = self.reference.read(path).and_then(|_| self.tree.id(path));
        self.same(path, "the id with its proof", &present, &wanted);
    }

    fn sorted(&mut self, path: &TreePath) {
        let names = self.tree.list(path).unwrap_or_default();
        if !names.is_sorted_by(|a, b| a.name.as_bytes() < b.name.as_bytes()) {
            self.found.push(format!("{path}: the names are not sorted, or one is there twice"));
        }
    }

    /// Nothing is inside what is not a folder.
    fn inside(&mut self, path: &TreePath) {
        let inner = path.child("inside");
        if !matches!(self.tree.kind(path), Ok(Some(Kind::Folder))) {
            self.same(path, "what is inside", &self.tree.kind(&inner), &self.reference.kind(&inner));
        }
    }
}

/// Whether two errors say the same, whatever path they name: a part of a tree names the path in the whole.
fn same_error(got: &Error, wanted: &Error) -> bool {
    match (got, wanted) {
        (Error::WrongKind { wanted: a, found: b, .. }, Error::WrongKind { wanted: c, found: d, .. }) => {
            (a, b) == (c, d)
        }
        _ => std::mem::discriminant(got) == std::mem::discriminant(wanted),
    }
}

fn build(files: &[(&str, &str)], links: &[(&str, &str)]) -> MemoryTree {
    let path = |text: &str| TreePath::parse(text).expect("the sample's paths are literals that parse");
    let mut builder = MemoryTree::builder();
    for (file, text) in files {
        builder.file(path(file), (*text).to_owned());
    }
    for (link, text) in links {
        builder.link(path(link), text);
    }
    builder.build().expect("the sample has no path that is both file and folder")
}
