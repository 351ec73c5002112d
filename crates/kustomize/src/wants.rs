//! What a build needs that is not in the tree: repositories and files of the web, found by walking its kustomizations
//! before anything is built.

use std::collections::HashSet;

use tree::{Kind, Tree, TreePath};

use crate::Options;
use crate::address::{self, Address};
use crate::error::{Error, ErrorKind, Result};
use crate::kustomization::Kustomization;
use crate::loader::{Loader, Shared, is_url};

/// One entry that lies elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The entry as it is written: the name it is mounted under in [`Options::remotes`].
    pub entry: String,
    /// The address of a file. It is tried before the repository; the answer may be that there is none.
    pub file: Option<String>,
    /// The repository.
    pub repository: Option<Address>,
    /// The kustomization that names it, as messages show it.
    pub kustomization: String,
    /// The line of it, counted from 1; 0 where the entry is not written on one line.
    pub line: u32,
}

impl Want {
    /// The entry as messages show it: without a password, on one line.
    #[must_use]
    pub fn shown(&self) -> String {
        address::shown(&self.entry)
    }
}

/// What building `path` needs besides what is in the tree and mounted, each entry once. What is mounted is walked as
/// well, so a second call may want more.
///
/// What else is wrong with a kustomization is left for [`crate::build`] to say.
///
/// # Errors
/// [`ErrorKind::Address`] for an address that is never used, and [`ErrorKind::Limit`].
///
/// ```
/// use manifestd_kustomize::{Options, wants};
/// use tree::{MemoryTree, TreePath};
///
/// let tree = MemoryTree::from_files([("kustomization.yaml", "resources: ['https://h/org/repo//app?ref=v1']\n")])?;
/// let found = wants(&tree, &TreePath::root(), &Options::default())?;
/// let address = found[0].repository.as_ref().unwrap();
/// assert_eq!((address.repository.as_str(), address.reference.as_str()), ("https://h/org/repo", "v1"));
/// assert_eq!((address.folder.as_str(), found[0].line), ("app", 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wants(tree: &dyn Tree, path: &TreePath, options: &Options<'_>) -> Result<Vec<Want>> {
    let shared = Shared::new(tree, options);
    let mut walk = Walk { found: Vec::new(), open: Vec::new(), seen: HashSet::new() };
    walk.open.extend(serious(Loader::start(&shared, path))?);
    while let Some(loader) = walk.open.pop() {
        // A folder of a repository is the same however one came there, unless the way was a circle, which ends.
        if walk.seen.insert(loader.root.clone()) {
            walk.kustomization(&loader)?;
        }
    }
    Ok(walk.found)
}

struct Walk<'t> {
    found: Vec<Want>,
    open: Vec<Loader<'t>>,
    seen: HashSet<TreePath>,
}

/// What is there; nothing for what the build will complain about.
fn serious<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::Address | ErrorKind::Limit) => Err(error),
        Err(_) => Ok(None),
    }
}

impl<'t> Walk<'t> {
    fn kustomization(&mut self, loader: &Loader<'t>) -> Result<()> {
        let Some((k, file)) = serious(Kustomization::load(loader))? else { return Ok(()) };
        let from = From { loader, file };
        for entry in k.resources.iter().chain(&k.components) {
            self.resource(&from, entry)?;
        }
        for entry in k.generators.iter().chain(&k.transformers).chain(&k.validators) {
            if loader.shared.read_resources(entry.as_bytes()).is_err() {
                self.resource(&from, entry)?;
            }
        }
        files(&k).filter(|path| is_url(path)).try_for_each(|path| self.file(&from, path))
    }

    /// An entry that may be a file or a folder.
    fn resource(&mut self, from: &From<'_, 't>, entry: &str) -> Result<()> {
        let Some(address) = address::parse(entry)? else {
            return if is_url(entry) { self.file(from, entry) } else { self.local(from, entry) };
        };
        if self.is_file(from, entry)? {
            return Ok(());
        }
        let mounted = from.loader.shared.options.remotes.get(entry).cloned().unwrap_or_default();
        if mounted.repository.is_some() {
            return self.enter(from, entry);
        }
        let is_open = mounted.file.is_none() && is_url(entry) && !address::is_marked(entry);
        self.want(from, entry, is_open.then(|| entry.to_owned()), Some(address))
    }

    /// Whether what is there under this name is a file of resources.
    fn is_file(&self, from: &From<'_, 't>, entry: &str) -> Result<bool> {
        let Some(bytes) = serious(from.loader.load(entry))? else { return Ok(false) };
        Ok(from.loader.shared.read_resources(&bytes).is_ok())
    }

    fn local(&mut self, from: &From<'_, 't>, entry: &str) -> Result<()> {
        match from.loader.folder(entry) {
            Ok(Some((_, Kind::File))) => Ok(()),
            _ => self.enter(from, entry),
        }
    }

    fn enter(&mut self, from: &From<'_, 't>, entry: &str) -> Result<()> {
        self.open.extend(serious(from.loader.enter(entry))?);
        Ok(())
    }

    fn file(&mut self, from: &From<'_, 't>, url: &str) -> Result<()> {
        if from.loader.shared.options.remotes.contains_key(url) {
            return Ok(());
        }
        address::check_url(url)?;
        self.want(from, url, Some(url.to_owned()), None)
    }

    fn want(
        &mut self,
        from: &From<'_, 't>,
        entry: &str,
        file: Option<String>,
        repository: Option<Address>,
    ) -> Result<()> {
        if self.found.iter().any(|want| want.entry == entry) {
            return Ok(());
        }
        let options = from.loader.shared.options;
        let most = options.limits.remotes;
        if self.found.len() + options.remotes.len() >= most {
            let text = format!("the build needs more than {most} parts of other repositories or of the web");
            return Err(Error::of(ErrorKind::Limit, text));
        }
        let (kustomization, line) = from.place(entry);
        self.found.push(Want { entry: entry.to_owned(), file, repository, kustomization, line });
        Ok(())
    }
}

/// Where an entry stands.
struct From<'l, 't> {
    loader: &'l Loader<'t>,
    file: &'static str,
}

impl From<'_, '_> {
    /// The kustomization and its line.
    fn place(&self, entry: &str) -> (String, u32) {
        let file = format!("{}/{}", self.loader.shown_root().trim_end_matches('/'), self.file);
        let text = self.loader.load(self.file).unwrap_or_default();
        let line = String::from_utf8_lossy(&text).lines().position(|line| line.contains(entry));
        (file, line.map_or(0, |at| u32::try_from(at + 1).unwrap_or(0)))
    }
}

/// The fields that name files and nothing else.
fn files(k: &Kustomization) -> impl Iterator<Item = &str> {
    let sources = k.config_maps.iter().map(|args| (&args.files, &args.envs));
    let sources = sources.chain(k.secrets.iter().map(|args| (&args.files, &args.envs)));
    let sources = sources.flat_map(|(files, envs)| {
        let files = files.iter().map(|file| file.split_once('=').map_or(file.as_str(), |(_, path)| path));
        files.chain(envs.iter().map(String::as_str))
    });
    let patches = k.patches.iter().chain(k.patches_json6902.iter().flatten());
    let lists = [Some(&k.crds), Some(&k.configurations), k.patches_strategic_merge.as_ref()];
    let lists = lists.into_iter().flatten().flatten().map(String::as_str);
    let replacements = k.replacements.iter().map(|one| one.path.as_str());
    let schema = k.openapi.get("path").map(String::as_str);
    sources.chain(patches.map(|one| one.path.as_str())).chain(lists).chain(replacements).chain(schema)
}
