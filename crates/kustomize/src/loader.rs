//! Files and folders as a kustomization may name them: inside its own folder, inside the tree, never in a circle.

use std::cell::RefCell;
use std::rc::Rc;

use tree::{Kind, PresentId, Tree, TreePath};
use yaml::{Limits as YamlLimits, Value};

use crate::address::{self, Address};
use crate::error::{Error, ErrorKind, Result};
use crate::parsed::Parsed;
use crate::reader;
use crate::resource::Resource;
use crate::version::Profile;
use crate::{LoadRestrictor, Mounted, Options};

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
    /// The folders of the same repository that led here, nearest last.
    visited: Vec<TreePath>,
    /// The mounted repository the folder lies in; none is the one that is built.
    repository: Option<Rc<Repository>>,
    /// How many kustomizations led here.
    depth: usize,
}

/// A repository that an entry named.
struct Repository {
    /// Where it is mounted.
    root: TreePath,
    entry: String,
    /// The one the entry stands in.
    from: Option<Rc<Repository>>,
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

    /// What is special about the version of kustomize to be equal to.
    pub(crate) fn profile(&self) -> &'static Profile {
        self.options.version.profile()
    }

    /// The resources of a text.
    ///
    /// # Errors
    /// As [`reader::resources`].
    pub(crate) fn read_resources(&self, bytes: &[u8]) -> Result<Vec<Resource>> {
        reader::resources(bytes, &self.yaml_limits(), self.profile())
    }

    /// A path as messages show it.
    pub(crate) fn show(&self, path: &TreePath) -> String {
        if let Some(remote) = self.show_remote(path) {
            return remote;
        }
        match (self.options.display_root, path.is_root()) {
            ("", true) => "/".to_owned(),
            (root, true) => root.to_owned(),
            (root, false) => format!("{root}/{}", path.as_str()),
        }
    }

    /// A path of something mounted, under the address it is of.
    fn show_remote(&self, path: &TreePath) -> Option<String> {
        self.options.remotes.iter().find_map(|(entry, mounted)| {
            if mounted.file.as_ref() == Some(path) {
                return Some(address::shown(entry));
            }
            let inside = path.strip(mounted.repository.as_ref()?)?;
            let address = address::parse(entry).ok()??;
            let slash = if inside.is_empty() { "" } else { "/" };
            Some(format!("{}{slash}{inside}", address::shown(&address.repository)))
        })
    }

    fn missing(&self, base: &TreePath, path: &TreePath) -> Error {
        let first = path.ancestors().filter(|above| !above.is_root()).collect::<Vec<_>>().into_iter().rev();
        let gone = first
            .into_iter()
            .filter(|above| above.strip(base).is_some())
            .find(|above| !matches!(self.kind_within(base, above), Ok(Some(_))))
            .unwrap_or_else(|| path.clone());
        let (path, gone) = (self.show(path), self.show(&gone));
        Error::new(format!("evalsymlink failure on '{path}' : lstat {gone}: no such file or directory"))
    }

    fn kind_within(&self, base: &TreePath, path: &TreePath) -> Result<Option<Kind>, tree::Error> {
        self.tree.kind(&tree::resolve_within(self.tree, base, path)?)
    }

    /// What a path leads to, links followed, but none out of `base`.
    fn resolve(&self, base: &TreePath, path: &TreePath) -> Result<(TreePath, Kind)> {
        let real = match tree::resolve_within(self.tree, base, path) {
            Ok(real) => real,
            Err(tree::Error::NotFound(_)) => return Err(self.missing(base, path)),
            Err(error) => return Err(self.of_tree(&error)),
        };
        match self.tree.kind(&real).map_err(|error| self.of_tree(&error))? {
            Some(kind) => Ok((real, kind)),
            None => Err(self.missing(base, path)),
        }
    }

    /// A failure of the tree; what is mounted is shown under its address.
    fn of_tree(&self, error: &tree::Error) -> Error {
        let mut text = error.to_string();
        for root in self.options.remotes.values().filter_map(|mounted| mounted.repository.as_ref()) {
            text = text.replace(root.as_str(), &self.show(root));
        }
        Error::of_tree(error).saying(text)
    }
}

impl<'t> Loader<'t> {
    /// The loader of the folder that is built.
    pub(crate) fn start(shared: &'t Shared<'t>, path: &TreePath) -> Result<Self> {
        let root = directory(shared, &TreePath::root(), path)?;
        Ok(Self { shared, root, visited: Vec::new(), repository: None, depth: 0 })
    }

    /// The root of the repository the folder lies in, which nothing here leads out of.
    fn base(&self) -> TreePath {
        self.repository.as_ref().map_or_else(TreePath::root, |repository| repository.root.clone())
    }

    /// The path a text names from here, `None` for one outside of the tree.
    fn join(&self, text: &str) -> Option<TreePath> {
        if !text.starts_with('/') {
            return self.root.join(text).ok();
        }
        let whole_disk = self.shared.options.whole_disk;
        whole_disk.then(|| TreePath::root().join(text.trim_start_matches('/')).ok()).flatten()
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
        self.read(&self.locate(text)?)
    }

    /// The resources of a file as `parse` reads them, or as they were read for another build.
    ///
    /// # Errors
    /// As [`Loader::load`], and what `parse` says.
    pub(crate) fn resources(
        &self,
        text: &str,
        parse: impl FnOnce(&[u8]) -> Result<Vec<Resource>>,
    ) -> Result<Vec<Resource>> {
        let real = self.locate(text)?;
        let Some((parsed, id)) = self.shared_id(&real)? else { return parse(&self.read(&real)?) };
        if let Some(file) = parsed.resources(&(self.shared.options.version, id)) {
            self.shared.account(file.bytes)?;
            budget::charge(file.weight)?;
            return Ok(file.content.to_vec());
        }
        let bytes = self.read(&real)?;
        let resources = parse(&bytes)?;
        parsed.put_resources((self.shared.options.version, id), &resources, bytes.len());
        Ok(resources)
    }

    /// A kustomization file as `parse` reads it, or as it was read for another build.
    ///
    /// # Errors
    /// The tree cannot answer, and what `parse` says.
    pub(crate) fn kustomization(
        &self,
        real: &TreePath,
        parse: impl FnOnce(&[u8]) -> Result<Value>,
    ) -> Result<Value> {
        let Some((parsed, id)) = self.shared_id(real)? else { return parse(&self.read(real)?) };
        if let Some(file) = parsed.kustomization(&id) {
            self.shared.account(file.bytes)?;
            return Ok(file.content);
        }
        let bytes = self.read(real)?;
        let value = parse(&bytes)?;
        parsed.put_kustomization(id, value.clone(), bytes.len());
        Ok(value)
    }

    /// Where builds share what they have parsed, and the id of a file there, which this tree has proven to hold.
    fn shared_id(&self, real: &TreePath) -> Result<Option<(&'t Parsed, PresentId)>> {
        let Some(parsed) = self.shared.options.parsed else { return Ok(None) };
        let id = self.shared.tree.present_id(real).map_err(|error| self.shared.of_tree(&error))?;
        Ok(Some((parsed, id)))
    }

    /// Where the file that a text names really is.
    ///
    /// # Errors
    /// It is missing, not a file, out of bounds, or elsewhere.
    pub(crate) fn locate(&self, text: &str) -> Result<TreePath> {
        if is_url(text) {
            return self.mounted(text);
        }
        let path = self.join(text).ok_or_else(|| self.unreachable(text))?;
        let unbounded =
            self.repository.is_none() && self.shared.options.load_restrictor == LoadRestrictor::None;
        let outside = || {
            let (file, root) = (self.shared.show(&path), self.shared.show(&self.root));
            Error::new(format!("security; file '{file}' is not in or below '{root}'"))
        };
        if path.strip(&self.base()).is_none() {
            return Err(outside());
        }
        let (real, kind) = self.shared.resolve(&self.base(), &path)?;
        if kind != Kind::File {
            return Err(Error::new(format!("'{}' must resolve to a file", self.shared.show(&path))));
        }
        if !unbounded && real.strip(&self.root).is_none() {
            return Err(outside());
        }
        Ok(real)
    }

    /// The folder or file a text names from here, links followed; `None` when nothing is there.
    ///
    /// # Errors
    /// The tree cannot answer.
    pub(crate) fn folder(&self, text: &str) -> Result<Option<(TreePath, Kind)>> {
        let Some(path) = self.join(text) else { return Ok(None) };
        match self.shared.resolve(&self.base(), &path) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::Tree => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Where a file of the web is mounted.
    fn mounted(&self, url: &str) -> Result<TreePath> {
        match self.shared.options.remotes.get(url) {
            Some(Mounted { file: Some(file), .. }) => Ok(file.clone()),
            Some(_) => Err(Error::new("URL is a git repository")),
            None => {
                address::parse(url)?;
                address::check_url(url)?;
                Err(not_here(url))
            }
        }
    }

    fn read(&self, real: &TreePath) -> Result<Vec<u8>> {
        let failed = |error: tree::Error| self.shared.of_tree(&error);
        let size = self.shared.tree.size(real).map_err(failed)?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        self.shared.account(size)?;
        budget::charge(size)?;
        Ok(self.shared.tree.read(real).map_err(failed)?.to_vec())
    }

    /// The loader of another folder.
    ///
    /// # Errors
    /// It is no folder, one that led here, or elsewhere.
    pub(crate) fn enter(&self, text: &str) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::new("new root cannot be empty"));
        }
        if let Some(address) = address::parse(text)? {
            return self.enter_mounted(text, &address);
        }
        if text.starts_with('/') {
            return Err(Error::new(format!("new root '{text}' cannot be absolute")));
        }
        if self.shared.profile().refuses_ambiguous_paths && is_ambiguous(text) {
            let clean = clean_path(text);
            return Err(Error::new(format!(
                "path {text:?} is ambiguous: resolves to {clean:?} after normalization, which is likely not the \
                 intended target; check for YAML indentation errors in your kustomization file"
            )));
        }
        let path = self
            .join(text)
            .ok_or_else(|| self.unreachable(text).under("must build at directory: not a valid directory"))?;
        self.check_contained(&path)?;
        self.entered(directory(self.shared, &self.base(), &path)?)
    }

    /// The loader of a folder of another repository.
    fn enter_mounted(&self, entry: &str, address: &Address) -> Result<Self> {
        self.check_repository_cycle(entry)?;
        let mounted = self.shared.options.remotes.get(entry).and_then(|mounted| mounted.repository.as_ref());
        let base = mounted.ok_or_else(|| not_here(entry))?;
        let folder = base.join(&address.folder).ok().filter(|folder| folder.strip(base).is_some());
        let folder = folder.ok_or_else(|| not_here(entry))?;
        let root = directory(self.shared, base, &folder)?;
        let from = self.repository.clone();
        let repository = Repository { root: base.clone(), entry: entry.to_owned(), from };
        let depth = self.deeper()?;
        Ok(Self {
            shared: self.shared,
            root,
            visited: Vec::new(),
            repository: Some(Rc::new(repository)),
            depth,
        })
    }

    /// Kustomize compares the texts: an address that another one begins with leads in a circle.
    fn check_repository_cycle(&self, entry: &str) -> Result<()> {
        let mut above = std::iter::successors(self.repository.as_ref(), |one| one.from.as_ref());
        match above.find(|one| one.entry.starts_with(entry)) {
            Some(one) => {
                let (entry, previous) = (address::shown(entry), address::shown(&one.entry));
                let text = format!("cycle detected: URI '{entry}' referenced by previous URI '{previous}'");
                Err(Error::new(text))
            }
            None => Ok(()),
        }
    }

    fn check_contained(&self, path: &TreePath) -> Result<()> {
        let base = self.base();
        if path.strip(&base).is_some() {
            return Ok(());
        }
        let (path, base) = (self.shared.show(path), self.shared.show(&base));
        Err(Error::new(format!(
            "security; bases in kustomizations found in cloned git repos must be within the repo, \
             but base '{path}' is outside '{base}'"
        )))
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
        let depth = self.deeper()?;
        Ok(Self { shared: self.shared, root, visited, repository: self.repository.clone(), depth })
    }

    fn deeper(&self) -> Result<usize> {
        let most = self.shared.options.limits.depth;
        if self.depth >= most {
            return Err(Error::of(ErrorKind::Limit, format!("kustomizations lie more than {most} deep")));
        }
        Ok(self.depth + 1)
    }

    /// The folder of the kustomization, as messages show it.
    pub(crate) fn shown_root(&self) -> String {
        self.shared.show(&self.root)
    }
}

/// Whether `..` is in a path, but not as a step of its own: two entries of a list that were written into one.
fn is_ambiguous(path: &str) -> bool {
    path.split('/').any(|name| name != ".." && name.contains(".."))
}

/// A relative path without detours, as Go's `filepath.Clean` writes it.
fn clean_path(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/').filter(|name| !matches!(*name, "" | ".")) {
        if name == ".." && names.last().is_some_and(|last| *last != "..") {
            names.pop();
        } else {
            names.push(name);
        }
    }
    if names.is_empty() { ".".to_owned() } else { names.join("/") }
}

fn directory(shared: &Shared<'_>, base: &TreePath, path: &TreePath) -> Result<TreePath> {
    let (real, kind) = shared.resolve(base, path).map_err(|error| match error.kind() {
        ErrorKind::Tree => error,
        _ => error.under("must build at directory: not a valid directory"),
    })?;
    if kind != Kind::Folder {
        let text = format!("must build at directory: '{}': file is not directory", shared.show(path));
        return Err(Error::new(text));
    }
    Ok(real)
}

/// Whether a text is the address of a file of the web; it may be one of a repository as well.
pub(crate) fn is_url(text: &str) -> bool {
    let begins =
        |scheme: &str| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

fn not_here(text: &str) -> Error {
    let text = address::shown(text);
    let text = format!("'{text}' is in another repository or on the web and is not part of this tree");
    Error::of(ErrorKind::Remote, text)
}
