//! The folders of a tree that can be rendered, and with what.

use std::collections::BTreeMap;

use tree::{Kind, Tree, TreePath};

use crate::error::Result;
use crate::render::Stop;
use crate::render::detect::{Type, marked};
use crate::render::walk::Walk;

/// The folders of the whole tree with a chart or a kustomization, with their renderers: by the names in them, as Argo CD's
/// `ListApps` (spec: argocd.md §1.6, §3.1). Plain folders are not listed; any folder is one.
///
/// # Errors
/// When the tree cannot be read or is too large, or `stop` says so.
pub fn apps(tree: &dyn Tree, stop: &Stop) -> Result<BTreeMap<TreePath, Type>> {
    let mut found = BTreeMap::new();
    let mut walk = Walk::new(tree, stop);
    let root = TreePath::root();
    let kind = marked(&walk.enter(&root)?);
    found.extend(kind.map(|kind| (root, kind)));
    while let Some((path, kind)) = walk.step() {
        if kind == Kind::Folder {
            let kind = marked(&walk.enter(&path)?);
            found.extend(kind.map(|kind| (path, kind)));
        }
    }
    Ok(found)
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
    fn charts_and_kustomizations_are_found_and_plain_folders_are_not() {
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
        ];
        assert_eq!(found(&files), expected.map(|(path, kind)| (path.to_owned(), kind)));
    }

    #[test]
    fn the_root_can_be_one() {
        assert_eq!(found(&[("pod.yaml", POD)]), []);
        assert_eq!(
            found(&[("kustomization.yaml", ""), ("x/pod.yaml", POD)]),
            [(".".to_owned(), "Kustomize")]
        );
        assert_eq!(found(&[("README", "")]), []);
    }
}
