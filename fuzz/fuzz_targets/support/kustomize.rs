//! What the kustomize targets share: a tree of the parts of an input, and what must hold of every build and of what it
//! wants of elsewhere.

use kustomize::{Limits, LoadRestrictor, Options, Output, Reorder, build, wants};
use tree::{MemoryTree, TreePath};

/// The parts of an input, split at `\0`; those that are missing are empty.
pub fn parts<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut parts = data.split(|&byte| byte == 0);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// Builds the folder `app`, twice and alike, with budgets that keep one run short.
pub fn run(files: &[(&str, &[u8])], reorder: Reorder) {
    let files = files.iter().map(|(path, bytes)| (*path, bytes.to_vec()));
    let tree = MemoryTree::from_files(files).expect("the paths are fixed and fit together");
    let once = build_once(&tree, reorder).map_err(|error| error.to_string());
    match &once {
        Ok(output) => check(output),
        Err(error) => assert!(!error.is_empty()),
    }
    assert_eq!(once, build_once(&tree, reorder).map_err(|error| error.to_string()));
}

fn build_once(tree: &MemoryTree, reorder: Reorder) -> Result<Output, kustomize::Error> {
    let mut limits = Limits { depth: 10, resources: 1_000, ..Limits::default() };
    limits.yaml.nodes = 100_000;
    let options =
        Options { reorder, load_restrictor: LoadRestrictor::RootOnly, limits, ..Options::default() };
    let app = TreePath::parse("app").expect("a plain name");
    // Whatever it finds, it ends, and names nothing twice.
    let mut entries: Vec<_> =
        wants(tree, &app, &options).into_iter().flatten().map(|want| want.entry).collect();
    let count = entries.len();
    entries.sort();
    entries.dedup();
    assert_eq!(entries.len(), count);
    build(tree, &app, &options)
}

/// Every document can be read again, and what it holds is written so that it is read the same.
fn check(output: &Output) {
    for text in output.documents() {
        assert!(text.ends_with('\n'));
        if text.contains("<<:") {
            // The key `<<` is written plain, as Go does, and read as a merge.
            continue;
        }
        let value = data(text);
        assert_eq!(data(&yaml::v2::emit(&value)), value, "{text}");
    }
}

fn data(text: &str) -> yaml::Value {
    let value = yaml::v2::to_value(text.as_bytes(), &yaml::Limits::default()).expect("what was written");
    yaml::json::as_kubernetes(value)
}
