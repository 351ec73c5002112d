//! The files of a directory source that may be manifests: found by name, in the order of a walk, within budget.

use glob::gobwas::Pattern;
use tree::{Kind, TreePath};

use crate::error::{Error, Kind as ErrorKind, Result};
use crate::render::Job;
use crate::render::walk::Walk;
use crate::request::DirectoryOptions;

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
    let mut search = Search {
        job,
        folder,
        include: None,
        exclude: None,
        found: Vec::new(),
        warnings: Vec::new(),
        bytes: 0,
    };
    search.include = search.pattern("include", &options.include);
    search.exclude = search.pattern("exclude", &options.exclude);
    let mut walk = Walk::new(&*job.tree, &job.stop);
    walk.enter(folder)?;
    while let Some((path, kind)) = walk.step() {
        match kind {
            // Entering a submodule says that it is one.
            Kind::Folder | Kind::Submodule if options.recurse => drop(walk.enter(&path)?),
            Kind::Folder | Kind::Submodule => {}
            kind => search.file(path, kind)?,
        }
    }
    Ok((search.found, search.warnings))
}

struct Search<'a> {
    job: &'a Job,
    folder: &'a TreePath,
    include: Option<Glob>,
    exclude: Option<Glob>,
    found: Vec<Candidate>,
    warnings: Vec<String>,
    /// The sizes of the candidates so far, Jsonnet left out.
    bytes: u64,
}

/// A pattern; `None` matches nothing.
struct Glob(Option<Pattern>);

impl Glob {
    fn matches(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|pattern| pattern.matches(name))
    }
}

impl Search<'_> {
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

    fn file(&mut self, path: TreePath, kind: Kind) -> Result<()> {
        let Some(format) = path.name().and_then(Format::of) else { return Ok(()) };
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
