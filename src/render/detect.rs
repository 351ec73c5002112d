//! Which renderer a folder asks for, by the names in it (spec: argocd.md §3.1; argo-cd `util/app/discovery`).

use tree::{Kind, Named, Tree, TreePath};

use crate::error::Result;
use crate::request::{DirectoryOptions, HelmOptions, KustomizeOptions, Renderer};

/// The three kinds of folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// Plain YAML, JSON and Jsonnet.
    Directory,
    /// A Helm chart.
    Helm,
    /// A kustomization.
    Kustomize,
}

impl Type {
    /// The name by which answers call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Directory => "Directory",
            Self::Helm => "Helm",
            Self::Kustomize => "Kustomize",
        }
    }

    fn renderer(self) -> Renderer {
        match self {
            Self::Directory => Renderer::Directory(DirectoryOptions::default()),
            Self::Helm => Renderer::Helm(HelmOptions::default()),
            Self::Kustomize => Renderer::Kustomize(KustomizeOptions::default()),
        }
    }
}

/// The renderer of a folder of which nothing more was said: with its default options. Only the folder's own entries
/// count, so nothing else is looked at.
///
/// # Errors
/// When the folder cannot be listed.
pub fn renderer(tree: &dyn Tree, folder: &TreePath) -> Result<Renderer> {
    let found = marked(&tree.list(folder)?).unwrap_or(Type::Directory);
    Ok(found.renderer())
}

/// What the names in a folder mark it as: a kustomization's file wins over a chart's; `None` without either.
#[must_use]
pub fn marked(entries: &[Named]) -> Option<Type> {
    let files = || entries.iter().filter(|entry| !matches!(entry.kind, Kind::Folder | Kind::Submodule));
    if files().any(|file| matches!(&*file.name, "kustomization.yaml" | "kustomization.yml" | "Kustomization"))
    {
        return Some(Type::Kustomize);
    }
    files().any(|file| file.name.ends_with("Chart.yaml")).then_some(Type::Helm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked_by(names: &[(&str, Kind)]) -> Option<Type> {
        let entries: Vec<_> = names.iter().map(|&(name, kind)| Named { name: name.into(), kind }).collect();
        marked(&entries)
    }

    #[test]
    fn names_decide_and_kustomize_wins() {
        for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
            assert_eq!(marked_by(&[("Chart.yaml", Kind::File), (name, Kind::Link)]), Some(Type::Kustomize));
        }
        assert_eq!(marked_by(&[("MyChart.yaml", Kind::File)]), Some(Type::Helm));
        assert_eq!(marked_by(&[("Chart.yml", Kind::File), ("kustomization.json", Kind::File)]), None);
        assert_eq!(marked_by(&[("Chart.yaml", Kind::Folder), ("Kustomization", Kind::Submodule)]), None);
    }
}
