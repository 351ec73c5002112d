//! The folders of a tree.

use tree::{Kind, Tree, TreePath};

use crate::error::Result;
use crate::render::Stop;
use crate::render::walk::Walk;

/// The folders of the whole tree in the order of a walk, without the root (spec: argocd.md §1.6 `GetGitDirectories`).
/// Hidden ones, whose name begins with a dot, and what is in them only with `hidden`; `.git` never.
///
/// # Errors
/// When the tree cannot be read or is too large, or `stop` says so.
pub fn directories(tree: &dyn Tree, hidden: bool, stop: &Stop) -> Result<Vec<TreePath>> {
    let mut found = Vec::new();
    let mut walk = Walk::new(tree, stop);
    walk.enter(&TreePath::root())?;
    while let Some((path, kind)) = walk.step() {
        let name = path.name().unwrap_or_default();
        if kind != Kind::Folder || name == ".git" || (name.starts_with('.') && !hidden) {
            continue;
        }
        walk.enter(&path)?;
        found.push(path);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tree::MemoryTree;

    use super::*;

    #[test]
    fn folders_come_in_walk_order_without_hidden_ones() {
        let files = ["a/b/c/x", "a-b/x", ".h/i/x", ".git/objects/x", "top"].map(|path| (path, ""));
        let tree = MemoryTree::from_files(files).unwrap();
        let stop = Stop::after(Duration::from_secs(60));
        let names = |hidden| {
            let found = directories(&tree, hidden, &stop).unwrap();
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(names(false), ["a", "a/b", "a/b/c", "a-b"]);
        assert_eq!(names(true), [".h", ".h/i", "a", "a/b", "a/b/c", "a-b"]);
        stop.raise();
        assert!(directories(&tree, false, &stop).is_err());
    }
}
