//! Files and folders as a kustomization may name them: inside its own folder, inside the tree, never in a circle.

use std::cell::RefCell;

use tree::{Kind, Tree, TreePath};
use yaml::Limits as YamlLimits;

use crate::error::{Error, ErrorKind, Result};
use crate::{LoadRestrictor, Options};

/// What all loaders of a build share.
pub(crate) struct Shared<'t> {
    pub(crate) tree: &'t dyn Tree,
    pub(crate) options: &'t Options<'t>,
    /// Warnings for standard error, in order.
    pub(crate) warnings: RefCell<Vec<String>>,
    used: RefCell<Used>,
}

#[derive(Default)]
struct Used {
    files: usize,
    bytes: u64,
}

/// A kustomization's view of the tree.
#[derive(Clone)]
pub(crate) struct Loader<'t> {
    pub(crate) shared: &'t Shared<'t>,
    /// The folder, links followed.
    pub(crate) root: TreePath,
    /// The folders that led here, nearest last.
    visited: Vec<TreePath>,
}

impl<'t> Shared<'t> {
    pub(crate) fn new(tree: &'t dyn Tree, options: &'t Options<'t>) -> Self {
        Self { tree, options, warnings: RefCell::default(), used: RefCell::default() }
    }

    /// Counts a file against the budgets.
    fn account(&self, bytes: usize) -> Result<()> {
        self.check_stop()?;
        let mut used = self.used.borrow_mut();
        used.files += 1;
        used.bytes += bytes as u64;
        let limits = &self.options.limits;
        if used.files > limits.files || used.bytes > limits.bytes {
            let text = format!("the build reads more than {} files or {} bytes", limits.files, limits.bytes);
            return Err(Error::of(ErrorKind::Limit, text));
        }
        Ok(())
    }

    /// Asks the caller whether to go on.
    pub(crate) fn check_stop(&self) -> Result<()> {
        if (self.options.stop)() {
            return Err(Error::of(ErrorKind::Limit, "the build was stopped"));
        }
        Ok(())
    }

    /// The budgets of one document.
    pub(crate) fn yaml_limits(&self) -> YamlLimits {
        self.options.limits.yaml
    }

    /// A path as messages show it.
    pub(crate) fn show(&self, path: &TreePath) -> String {
        match (self.options.display_root, path.is_root()) {
            ("", true) => "/".to_owned(),
            (root, true) => root.to_owned(),
            (root, false) => format!("{root}/{}", path.as_str()),
        }
    }

    fn missing(&self, path: &TreePath) -> Error {
        let first = path.ancestors().filter(|above| !above.is_root()).collect::<Vec<_>>().into_iter().rev();
        let gone = first
            .into_iter()
            .find(|above| !matches!(tree::kind_of(self.tree, above), Ok(Some(_))))
            .unwrap_or_else(|| path.clone());
        let (path, gone) = (self.show(path), self.show(&gone));
        Error::new(format!("evalsymlink failure on '{path}' : lstat {gone}: no such file or directory"))
    }

    /// What a path leads to, links followed.
    fn resolve(&self, path: &TreePath) -> Result<(TreePath, Kind)> {
        let real = match tree::resolve(self.tree, path) {
            Ok(real) => real,
            Err(tree::Error::NotFound(_)) => return Err(self.missing(path)),
            Err(error) => return Err(Error::of_tree(&error)),
        };
        match self.tree.kind(&real).map_err(|error| Error::of_tree(&error))? {
            Some(kind) => Ok((real, kind)),
            None => Err(self.missing(path)),
        }
    }
}

impl<'t> Loader<'t> {
    /// The loader of the folder that is built.
    pub(crate) fn start(shared: &'t Shared<'t>, path: &TreePath) -> Result<Self> {
        let root = directory(shared, path)?;
        Ok(Self { shared, root, visited: Vec::new() })
    }

    /// The path a text names from here, `None` for one outside of the tree.
    fn join(&self, text: &str) -> Option<TreePath> {
        self.root.join(text).ok()
    }

    fn unreachable(&self, text: &str) -> Error {
        let path = if text.starts_with('/') {
            text.to_owned()
        } else {
            format!("{}/{text}", self.shared.show(&self.root))
        };
        let first = match text.strip_prefix('/') {
            Some(rest) => format!("/{}", rest.split('/').next().unwrap_or(rest)),
            None => path.clone(),
        };
        Error::new(format!("evalsymlink failure on '{path}' : lstat {first}: no such file or directory"))
    }

    /// The content of a file.
    ///
    /// # Errors
    /// It is missing, not a file, out of bounds, or elsewhere.
    pub(crate) fn load(&self, text: &str) -> Result<Vec<u8>> {
        if let Some(at) = self.shared.options.remotes.get(text) {
            let (real, _) = self.shared.resolve(at)?;
            return self.read(&real);
        }
        if is_url(text) {
            return Err(not_here(text));
        }
        let path =
            self.join(text).filter(|_| !text.starts_with('/')).ok_or_else(|| self.unreachable(text))?;
        let (real, kind) = self.shared.resolve(&path)?;
        if kind != Kind::File {
            return Err(Error::new(format!("'{}' must resolve to a file", self.shared.show(&path))));
        }
        let bounded = self.shared.options.load_restrictor == LoadRestrictor::RootOnly;
        if bounded && real.strip(&self.root).is_none() {
            let (file, root) = (self.shared.show(&path), self.shared.show(&self.root));
            return Err(Error::new(format!("security; file '{file}' is not in or below '{root}'")));
        }
        self.read(&real)
    }

    /// The folder or file a text names from here, links followed; `None` when nothing is there.
    ///
    /// # Errors
    /// The tree cannot answer.
    pub(crate) fn folder(&self, text: &str) -> Result<Option<(TreePath, Kind)>> {
        let Some(path) = self.join(text).filter(|_| !text.starts_with('/')) else { return Ok(None) };
        match self.shared.resolve(&path) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::Tree => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn read(&self, real: &TreePath) -> Result<Vec<u8>> {
        let size = self.shared.tree.size(real).map_err(|error| Error::of_tree(&error))?;
        self.shared.account(usize::try_from(size).unwrap_or(usize::MAX))?;
        Ok(self.shared.tree.read(real).map_err(|error| Error::of_tree(&error))?.to_vec())
    }

    /// The loader of another folder.
    ///
    /// # Errors
    /// It is no folder, one that led here, or elsewhere.
    pub(crate) fn enter(&self, text: &str) -> Result<Self> {
        if let Some(at) = self.shared.options.remotes.get(text) {
            let root = directory(self.shared, at)?;
            return self.entered(root);
        }
        if is_remote(text) {
            return Err(not_here(text));
        }
        if text.is_empty() {
            return Err(Error::new("new root cannot be empty"));
        }
        if text.starts_with('/') {
            return Err(Error::new(format!("new root '{text}' cannot be absolute")));
        }
        let path = self
            .join(text)
            .ok_or_else(|| self.unreachable(text).under("must build at directory: not a valid directory"))?;
        self.entered(directory(self.shared, &path)?)
    }

    fn entered(&self, root: TreePath) -> Result<Self> {
        let mut visited = self.visited.clone();
        visited.push(self.root.clone());
        if let Some(seen) = visited.iter().rev().find(|seen| seen.strip(&root).is_some()) {
            let (candidate, seen) = (self.shared.show(&root), self.shared.show(seen));
            return Err(Error::new(format!(
                "cycle detected: candidate root '{candidate}' contains visited root '{seen}'"
            )));
        }
        if visited.len() > self.shared.options.limits.depth {
            let text = format!("kustomizations lie more than {} deep", self.shared.options.limits.depth);
            return Err(Error::of(ErrorKind::Limit, text));
        }
        Ok(Self { shared: self.shared, root, visited })
    }

    /// The folder of the kustomization, as messages show it.
    pub(crate) fn shown_root(&self) -> String {
        self.shared.show(&self.root)
    }
}

fn directory(shared: &Shared<'_>, path: &TreePath) -> Result<TreePath> {
    let (real, kind) = shared.resolve(path).map_err(|error| match error.kind() {
        ErrorKind::Tree => error,
        _ => error.under("must build at directory: not a valid directory"),
    })?;
    if kind != Kind::Folder {
        let text = format!("must build at directory: '{}': file is not directory", shared.show(path));
        return Err(Error::new(text));
    }
    Ok(real)
}

/// Whether a text is the address of a file on the web.
pub(crate) fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// Whether kustomize would clone a repository for this entry.
pub(crate) fn is_remote(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_prefix("git::").unwrap_or(&lower);
    let scheme =
        ["ssh://", "https://", "http://", "file://"].iter().find(|scheme| lower.starts_with(**scheme));
    let rest = scheme.map_or(lower, |scheme| &lower[scheme.len()..]);
    if scheme.is_none()
        && !rest.starts_with("github.com/")
        && !rest.starts_with("github.com:")
        && !is_scp(rest)
    {
        return false;
    }
    let path = rest.split_once(['/', ':']).map_or("", |(_, path)| path);
    let segments = path.split('?').next().unwrap_or_default().split('/').filter(|name| !name.is_empty());
    segments.count() >= 2 || rest.contains(".git") || rest.contains("_git/")
}

/// `user@host:path`
fn is_scp(text: &str) -> bool {
    let Some((user, rest)) = text.split_once('@') else { return false };
    !user.contains('/') && rest.contains(['/', ':'])
}

fn not_here(text: &str) -> Error {
    let text = format!("'{text}' is in another repository or on the web and is not part of this tree");
    Error::of(ErrorKind::Remote, text)
}
