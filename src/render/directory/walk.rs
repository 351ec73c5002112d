//! The files of a directory source that may be manifests: found by name, in the order of a walk, within budget.

use std::sync::Arc;

use glob::gobwas::Pattern;
use tree::{Kind, Named, TreePath};

use crate::error::{Error, Kind as ErrorKind, Result};
use crate::render::Job;
use crate::request::DirectoryOptions;

/// The most entries looked at: a hundred times the largest directory source known, and quick to list.
const MAX_ENTRIES: usize = 200_000;

/// What a file's name says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
    Jsonnet,
}

impl Format {
    /// By the end of the name, in this very spelling.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            "jsonnet" => Some(Self::Jsonnet),
            _ => None,
        }
    }
}

/// A file that may hold manifests.
pub(super) struct Candidate {
    /// Where it was found: the name users know.
    pub path: TreePath,
    /// Where its content is: the same, unless it is a link.
    pub real: TreePath,
    pub format: Format,
}

/// The candidates in and, with `recurse`, beneath `folder`, in lexical order; and what was left out that looked like one.
pub(super) fn candidates(
    job: &Job,
    folder: &TreePath,
    options: &DirectoryOptions,
) -> Result<(Vec<Candidate>, Vec<String>)> {
    let mut walk = Walk {
        job,
        folder,
        recurse: options.recurse,
        include: None,
        exclude: None,
        found: Vec::new(),
        warnings: Vec::new(),
        bytes: 0,
        entries: 0,
    };
    walk.include = walk.pattern("include", &options.include);
    walk.exclude = walk.pattern("exclude", &options.exclude);
    walk.run()?;
    Ok((walk.found, walk.warnings))
}

struct Walk<'a> {
    job: &'a Job,
    folder: &'a TreePath,
    recurse: bool,
    include: Option<Glob>,
    exclude: Option<Glob>,
    found: Vec<Candidate>,
    warnings: Vec<String>,
    /// The sizes of the candidates so far, Jsonnet left out.
    bytes: u64,
    entries: usize,
}

/// A pattern; `None` matches nothing.
struct Glob(Option<Pattern>);

impl Glob {
    fn matches(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|pattern| pattern.matches(name))
    }
}

impl Walk<'_> {
    /// A pattern that does not compile matches nothing, as in Argo CD, but not silently.
    fn pattern(&mut self, option: &str, text: &str) -> Option<Glob> {
        if text.is_empty() {
            return None;
        }
        let compiled = Pattern::compile(text, &[]);
        if let Err(error) = &compiled {
            self.warnings.push(format!("the {option} pattern {text:?} matches nothing: {error}"));
        }
        Some(Glob(compiled.ok()))
    }

    /// Folders wait on a stack of our own: the tree may be deeper than the thread's.
    fn run(&mut self) -> Result<()> {
        let mut open = vec![(self.folder.clone(), self.list(self.folder)?, 0)];
        while let Some((folder, entries, next)) = open.last_mut() {
            let Some(entry) = entries.get(*next) else {
                open.pop();
                continue;
            };
            *next += 1;
            let path = folder.child(&entry.name);
            match entry.kind {
                Kind::Folder | Kind::Submodule if self.recurse => {
                    let entries = self.list(&path)?;
                    open.push((path, entries, 0));
                }
                Kind::Folder | Kind::Submodule => {}
                kind => {
                    let name = entry.name.clone();
                    self.file(path, &name, kind)?;
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, folder: &TreePath) -> Result<Arc<[Named]>> {
        self.job.stop.check()?;
        let entries = self.job.tree.list(folder)?;
        self.entries += entries.len();
        if self.entries > MAX_ENTRIES {
            let message = format!("the directory source has more than {MAX_ENTRIES} entries");
            return Err(Error::new(ErrorKind::OverBudget, message).help("render a folder further down"));
        }
        Ok(entries)
    }

    fn file(&mut self, path: TreePath, name: &str, kind: Kind) -> Result<()> {
        let Some(format) = Format::of(name) else { return Ok(()) };
        if !self.selected(&path) {
            return Ok(());
        }
        let real = match kind {
            Kind::Link => self.target(&path)?,
            _ => Some(path.clone()),
        };
        let Some(real) = real else { return Ok(()) };
        if format != Format::Jsonnet {
            self.count(&real)?;
        }
        self.found.push(Candidate { path, real, format });
        Ok(())
    }

    fn selected(&self, path: &TreePath) -> bool {
        let name = path.strip(self.folder).unwrap_or_default();
        !self.exclude.as_ref().is_some_and(|exclude| exclude.matches(name))
            && self.include.as_ref().is_none_or(|include| include.matches(name))
    }

    /// The file a link leads to; with a warning `None` when it leads to nothing or no file.
    fn target(&mut self, path: &TreePath) -> Result<Option<TreePath>> {
        let tree = &*self.job.tree;
        let (real, kind) = match tree::resolve(tree, path) {
            Err(tree::Error::NotFound(_)) => (path.clone(), None),
            Err(error) => return Err(error.into()),
            Ok(real) => (real.clone(), tree.kind(&real)?),
        };
        match kind {
            Some(Kind::File) => return Ok(Some(real)),
            Some(Kind::Submodule) => return tree.read(&real).map(|_| None).map_err(Error::from),
            Some(kind) => self.warnings.push(format!("{path}: ignored: the symbolic link leads to a {kind}")),
            None => self.warnings.push(format!("{path}: ignored: the symbolic link leads to nothing")),
        }
        Ok(None)
    }

    fn count(&mut self, real: &TreePath) -> Result<()> {
        self.bytes = self.bytes.saturating_add(self.job.tree.size(real)?);
        let budget = self.job.budgets.directory_bytes;
        if self.bytes <= budget {
            return Ok(());
        }
        let message = format!("the manifest files are larger than {budget} bytes together");
        Err(Error::new(ErrorKind::OverBudget, message)
            .help("leave files out with exclude, or split the folder"))
    }
}
