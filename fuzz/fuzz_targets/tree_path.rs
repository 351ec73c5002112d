//! Paths, links and encoded facts of any bytes: nothing panics, nothing leaves the root.
//!
//! The input is lines: a folder, a path read from it, then entries of a tree (`path` is a file, `path>text` a link).
//! The whole input is also decoded as a set of facts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tree::{Kind, MemoryTree, Reads, Tree, TreePath};

fuzz_target!(|data: &[u8]| {
    if let Ok(reads) = Reads::decode(data) {
        assert_eq!(Reads::decode(&reads.encode()), Ok(reads));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let (folder, path) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let Ok(folder) = TreePath::parse(folder) else { return };
    check(&folder);
    let Ok(joined) = folder.join(path) else { return };
    check(&joined);
    check_strip(&folder, &joined);
    check_resolve(&grow(lines), &joined);
});

fn check(path: &TreePath) {
    let text = path.as_str();
    assert!(!text.starts_with('/') && !text.ends_with('/') && !text.contains("//") && !text.contains('\0'));
    assert!(path.names().all(|name| name != "." && name != ".."));
    assert_eq!(TreePath::parse(text).as_ref(), Ok(path));
    assert_eq!(path.ancestors().count(), path.names().count());
}

fn check_strip(folder: &TreePath, path: &TreePath) {
    match path.strip(folder) {
        Some(rest) => assert_eq!(folder.join(rest).as_ref(), Ok(path)),
        None => assert!(!path.ancestors().any(|above| above == *folder)),
    }
    assert_eq!(folder.append(path).beneath(folder).as_ref(), Some(path));
}

fn check_resolve(tree: &MemoryTree, path: &TreePath) {
    let Ok(end) = tree::resolve(tree, path) else { return };
    check(&end);
    let kind = tree.kind(&end).expect("a tree in memory without submodules always answers");
    assert_ne!(kind, Some(Kind::Link));
    if kind.is_some() {
        assert!(end.ancestors().all(|above| tree.kind(&above) == Ok(Some(Kind::Folder))));
    }
}

/// The tree of those entries that fit together.
fn grow<'a>(lines: impl Iterator<Item = &'a str>) -> MemoryTree {
    let mut kept: Vec<(TreePath, Option<&str>)> = Vec::new();
    for line in lines.take(32) {
        let (path, text) = line.split_once('>').map_or((line, None), |(path, text)| (path, Some(text)));
        let Ok(path) = TreePath::parse(path) else { continue };
        let clash =
            |(other, _): &(TreePath, Option<&str>)| path.strip(other).or(other.strip(&path)).is_some();
        if !kept.iter().any(clash)
            && text.is_none_or(|text| text.len() <= tree::MAX_LINK_TEXT)
            && !path.is_root()
        {
            kept.push((path, text));
        }
    }
    let mut builder = MemoryTree::builder();
    for (path, text) in kept {
        match text {
            Some(text) => builder.link(path, text),
            None => builder.file(path, ""),
        };
    }
    builder.build().expect("no entry lies on or beneath another")
}
