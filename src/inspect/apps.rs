//! The folders of a tree that can be rendered, and with what.

use std::collections::BTreeMap;

use tree::{Kind, Named, Tree, TreePath};

use crate::error::{Error, Kind as ErrorKind, Result};
use crate::render::Stop;
use crate::render::detect::{Type, marked};
use crate::render::directory::{is_manifest_name, looks_like_manifest};
use crate::render::walk::Walk;

/// The largest file that is looked into; manifests of folders that people list are far smaller.
const MAX_FILE: u64 = 1 << 20;

/// The most bytes looked into altogether. One file per folder is enough as a rule.
const MAX_BYTES: u64 = 256 << 20;

/// The folders of the whole tree that can be rendered, with their renderers.
///
/// - charts and kustomizations, by the names in them, as Argo CD's `ListApps` (spec: argocd.md §1.6, §3.1);
/// - plain directories, which Argo CD does not list: folders with at least one file of their own that looks like a
///   manifest. Not those in or beneath a chart or kustomization, whose parts they are as a rule, nor hidden ones.
///
/// # Errors
/// When the tree cannot be read or is too large, or `stop` says so.
pub fn apps(tree: &dyn Tree, stop: &Stop) -> Result<BTreeMap<TreePath, Type>> {
    let mut search = Search { tree, left: MAX_BYTES, found: BTreeMap::new() };
    let mut walk = Walk::new(tree, stop);
    let root = TreePath::root();
    search.folder(&root, &walk.enter(&root)?)?;
    while let Some((path, kind)) = walk.step() {
        if kind == Kind::Folder {
            let entries = walk.enter(&path)?;
            search.folder(&path, &entries)?;
        }
    }
    Ok(search.found)
}

struct Search<'a> {
    tree: &'a dyn Tree,
    /// The bytes that may still be looked into.
    left: u64,
    found: BTreeMap<TreePath, Type>,
}

impl Search<'_> {
    fn folder(&mut self, folder: &TreePath, entries: &[Named]) -> Result<()> {
        let kind = match marked(entries) {
            Some(kind) => Some(kind),
            None if self.may_be_directory(folder) && self.has_manifest(folder, entries)? => {
                Some(Type::Directory)
            }
            None => None,
        };
        self.found.extend(kind.map(|kind| (folder.clone(), kind)));
        Ok(())
    }

    fn may_be_directory(&self, folder: &TreePath) -> bool {
        let hidden = folder.names().any(|name| name.starts_with('.'));
        let above = std::iter::successors(folder.parent(), TreePath::parent);
        !hidden && above.filter_map(|folder| self.found.get(&folder)).all(|kind| *kind == Type::Directory)
    }

    fn has_manifest(&mut self, folder: &TreePath, entries: &[Named]) -> Result<bool> {
        let files = entries.iter().filter(|entry| entry.kind == Kind::File && is_manifest_name(&entry.name));
        for file in files {
            if self.is_manifest(&folder.child(&file.name), &file.name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_manifest(&mut self, path: &TreePath, name: &str) -> Result<bool> {
        let size = self.tree.size(path)?;
        if size > MAX_FILE {
            return Ok(false);
        }
        self.left = self.left.checked_sub(size).ok_or_else(too_much)?;
        match self.tree.read(path) {
            Ok(content) => Ok(looks_like_manifest(name, &content)),
            Err(tree::Error::Elsewhere { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn too_much() -> Error {
    let message = format!("finding the applications would mean reading more than {MAX_BYTES} bytes");
    Error::new(ErrorKind::OverBudget, message)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tree::MemoryTree;

    use super::*;

    const POD: &str = "apiVersion: v1\nkind: Pod\n";

    fn found(files: &[(&'static str, &'static str)]) -> Vec<(String, &'static str)> {
        let tree = MemoryTree::from_files(files.iter().copied()).unwrap();
        let found = apps(&tree, &Stop::after(Duration::from_secs(60))).unwrap();
        found.into_iter().map(|(path, kind)| (path.to_string(), kind.name())).collect()
    }

    #[test]
    fn every_kind_of_folder_is_found() {
        let files = [
            ("chart/Chart.yaml", ""),
            ("chart/templates/pod.yaml", POD),
            ("chart/charts/sub/Chart.yaml", ""),
            ("kustom/Kustomization", ""),
            ("kustom/parts/pod.yaml", POD),
            ("plain/pod.yaml", POD),
            ("plain/beneath/pod.json", "{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}"),
            ("program/main.jsonnet", "{}"),
            ("values/values.yaml", "a: 1\n"),
            ("docs/README.md", "apiVersion: kind:"),
            (".github/workflows/x.yaml", POD),
            (".github/chart/Chart.yaml", ""),
        ];
        let expected = [
            (".github/chart", "Helm"),
            ("chart", "Helm"),
            ("chart/charts/sub", "Helm"),
            ("kustom", "Kustomize"),
            ("plain", "Directory"),
            ("plain/beneath", "Directory"),
            ("program", "Directory"),
        ];
        assert_eq!(found(&files), expected.map(|(path, kind)| (path.to_owned(), kind)));
    }

    #[test]
    fn the_root_can_be_one() {
        assert_eq!(found(&[("pod.yaml", POD)]), [(".".to_owned(), "Directory")]);
        assert_eq!(
            found(&[("kustomization.yaml", ""), ("x/pod.yaml", POD)]),
            [(".".to_owned(), "Kustomize")]
        );
        assert_eq!(found(&[("README", "")]), []);
    }
}
