//! A base that several overlays share is read and parsed once.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has to fail")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use manifestd_kustomize::{Options, Parsed, build};
use tree::{ContentId, Error, Kind, MemoryTree, Named, PresentId, Tree, TreePath};

/// Counts how often each file is read.
struct Counting {
    tree: MemoryTree,
    reads: Mutex<BTreeMap<String, usize>>,
}

impl Tree for Counting {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        self.tree.kind(path)
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error> {
        self.tree.id(path)
    }

    fn present_id(&self, path: &TreePath) -> Result<PresentId, Error> {
        self.tree.present_id(path)
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        self.tree.list(path)
    }

    fn size(&self, path: &TreePath) -> Result<u64, Error> {
        self.tree.size(path)
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, Error> {
        *self.reads.lock().unwrap().entry(path.to_string()).or_default() += 1;
        self.tree.read(path)
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, Error> {
        self.tree.link(path)
    }
}

const OVERLAYS: usize = 20;

/// Overlays over one base whose config map holds `text`.
fn overlays(text: &str) -> Counting {
    let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\ndata: {{a: '{text}'}}\n");
    let mut builder = MemoryTree::builder();
    let mut add = |path: &str, text: String| {
        builder.file(TreePath::parse(path).unwrap(), text);
    };
    add("base/kustomization.yaml", "resources: [cm.yaml]\n".to_owned());
    add("base/cm.yaml", map);
    for number in 0..OVERLAYS {
        let text = format!("resources: [../base]\nnamePrefix: o{number}-\n");
        add(&format!("o{number}/kustomization.yaml"), text);
    }
    Counting { tree: builder.build().unwrap(), reads: Mutex::default() }
}

fn built(tree: &Counting, number: usize, parsed: Option<&Parsed>) -> String {
    let options = Options { parsed, ..Options::default() };
    build(tree, &TreePath::parse(&format!("o{number}")).unwrap(), &options).unwrap().text()
}

#[test]
fn a_base_is_read_once_for_all_of_its_overlays() {
    let (tree, fresh) = (overlays("1"), overlays("1"));
    let parsed = Parsed::new(1 << 20);
    for number in 0..OVERLAYS {
        assert_eq!(built(&tree, number, Some(&parsed)), built(&fresh, number, None));
    }
    let reads = |tree: &Counting, path: &str| tree.reads.lock().unwrap()[path];
    for path in ["base/cm.yaml", "base/kustomization.yaml"] {
        assert_eq!((reads(&tree, path), reads(&fresh, path)), (1, OVERLAYS), "{path}");
    }
}

/// A tree that names what another one holds, and holds nothing itself.
struct Naming(MemoryTree);

impl Tree for Naming {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        self.0.kind(path)
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error> {
        self.0.id(path)
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        self.0.list(path)
    }

    fn size(&self, path: &TreePath) -> Result<u64, Error> {
        self.0.size(path)
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, Error> {
        Err(Error::store(path, "it is not here"))
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, Error> {
        self.0.link(path)
    }
}

#[test]
fn naming_a_content_is_not_having_it() {
    let parsed = Parsed::new(1 << 20);
    let tree = overlays("1");
    built(&tree, 3, Some(&parsed));
    let folder = TreePath::parse("o3").unwrap();
    let options = Options { parsed: Some(&parsed), ..Options::default() };
    let error = build(&Naming(overlays("1").tree), &folder, &options).unwrap_err().to_string();
    assert!(error.contains("it is not here"), "{error}");
}

#[test]
fn another_content_is_another_file() {
    let parsed = Parsed::new(1 << 20);
    for text in ["1", "2"] {
        let printed = built(&overlays(text), 3, Some(&parsed));
        assert!(printed.contains(&format!("a: \"{text}\"")) && printed.contains("name: o3-web"), "{printed}");
    }
}
