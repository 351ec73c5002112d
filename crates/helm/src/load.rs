//! A chart's folder or archive → [`Chart`].
//!
//! Source of the rules: helm `pkg/chart/v2/loader`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tree::{Kind, Tree, TreePath};

use crate::archive;
use crate::chart::{Chart, Content, File};
use crate::ignore::Rules;
use crate::local::Local;
use crate::message::{Event, MessageLog};
use crate::size::ReadBudget;
use crate::version::Profile;
use crate::{engine, metadata};

/// How deep charts may lie in charts, and folders in folders.
const MAX_DEPTH: usize = 50;

/// The most files a chart may have.
const MAX_FILES: usize = 100_000;

/// Why a chart could not be loaded.
#[derive(Clone, Debug)]
pub enum LoadError {
    /// The tree could not answer.
    Tree(tree::Error),
    /// The chart is wrong; helm's text.
    Chart(String),
    /// A link in the chart's folder leads to nothing.
    BrokenLink {
        /// The link, from the chart's folder on.
        link: String,
        /// The first part of where it leads at which nothing stands, from the root of the tree.
        missing: TreePath,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tree(error) => error.fmt(f),
            Self::Chart(message) => f.write_str(message),
            Self::BrokenLink { link, missing } => f.write_str(&broken_link(link, missing.as_str())),
        }
    }
}

/// Helm's text for a link that leads to nothing.
pub(crate) fn broken_link(link: &str, missing: &str) -> String {
    format!("error evaluating symlink {link}: lstat {missing}: no such file or directory")
}

impl std::error::Error for LoadError {}

impl From<tree::Error> for LoadError {
    fn from(error: tree::Error) -> Self {
        Self::Tree(error)
    }
}

impl From<String> for LoadError {
    fn from(message: String) -> Self {
        Self::Chart(message)
    }
}

type Result<T> = std::result::Result<T, LoadError>;

/// Loads the chart at `path`: a folder, or an archive. Dependencies that a folder names by `file://` and does not hold
/// are loaded from where they lie in the tree. What helm says on the way goes to `log`.
///
/// # Errors
/// [`LoadError`].
pub fn load(tree: &dyn Tree, path: &TreePath, profile: &Profile, log: &MessageLog) -> Result<Arc<Chart>> {
    let loader = Loader::new(tree, profile, log);
    let real = tree::resolve(tree, path)?;
    if tree.kind(&real)? == Some(Kind::File) {
        return loader.assemble(loader.unpacked(&tree.read(&real)?)?, 0).map(Arc::new);
    }
    let mut chart = loader.load_folder(path)?;
    Local::new(&loader).complete(&mut chart, path)?;
    Ok(Arc::new(chart))
}

/// What loading a chart needs all the way down.
pub(crate) struct Loader<'t> {
    pub(crate) tree: &'t dyn Tree,
    profile: &'t Profile,
    log: &'t MessageLog,
    budget: ReadBudget,
}

/// Every file of a folder that `.helmignore` leaves, in the order of a walk. Nothing is read.
struct Walk<'t> {
    tree: &'t dyn Tree,
    log: &'t MessageLog,
    rules: Rules,
    files: Vec<File>,
}

impl Walk<'_> {
    /// `name` is the folder's path from the chart's root; links are followed.
    fn folder(&mut self, path: &TreePath, name: &str, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(LoadError::Chart(format!("{name}: folders are nested more than {MAX_DEPTH} deep")));
        }
        for entry in self.tree.list(path)?.iter() {
            let full =
                if name.is_empty() { entry.name.to_string() } else { format!("{name}/{}", entry.name) };
            let mut at = path.child(&entry.name);
            let mut kind = entry.kind;
            if kind == Kind::Link {
                (at, kind) = self.follow(&at, &full)?;
            }
            if self.rules.ignores(&full, kind == Kind::Folder) {
                continue;
            }
            match kind {
                Kind::Folder => self.folder(&at, &full, depth + 1)?,
                Kind::File => self.file(full, at)?,
                _ => {
                    return Err(LoadError::Chart(format!(
                        "cannot load irregular file {full}: it is a {kind}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// Where the link called `name` leads, and what stands there.
    fn follow(&self, link: &TreePath, name: &str) -> Result<(TreePath, Kind)> {
        let broken = |missing: TreePath| LoadError::BrokenLink { link: name.to_owned(), missing };
        let resolved = match tree::resolve(self.tree, link) {
            Err(tree::Error::NotFound(missing)) => return Err(broken(missing)),
            resolved => resolved?,
        };
        let Some(kind) = self.tree.kind(&resolved)? else { return Err(broken(self.missing(&resolved)?)) };
        self.log.push(Event::LinkFollowed { name: name.to_owned(), resolved: resolved.to_string() });
        Ok((resolved, kind))
    }

    /// The first part of a path at which nothing stands.
    fn missing(&self, path: &TreePath) -> Result<TreePath> {
        let mut at = TreePath::root();
        for name in path.names() {
            at = at.child(name);
            if self.tree.kind(&at)?.is_none() {
                break;
            }
        }
        Ok(at)
    }

    fn file(&mut self, name: String, at: TreePath) -> Result<()> {
        if self.files.len() >= MAX_FILES {
            return Err(LoadError::Chart(format!("the chart has more than {MAX_FILES} files")));
        }
        self.files.push(File { name: Arc::from(name), content: Content::Tree(at) });
        Ok(())
    }
}

impl File {
    /// The content, read now if it was not.
    ///
    /// # Errors
    /// The tree's, or a file over helm's limit.
    pub(crate) fn read(&self, tree: &dyn Tree, budget: &ReadBudget) -> Result<Bytes> {
        match &self.content {
            Content::Here(content) => Ok(content.clone()),
            Content::Tree(path) => {
                budget.take(&self.name, tree.size(path)?)?;
                let content = tree.read(path)?;
                let bom = content.starts_with(b"\xef\xbb\xbf");
                Ok(if bom { content.slice(3..) } else { content })
            }
        }
    }
}

impl<'t> Loader<'t> {
    fn new(tree: &'t dyn Tree, profile: &'t Profile, log: &'t MessageLog) -> Self {
        Self { tree, profile, log, budget: ReadBudget::new(profile) }
    }

    /// The chart of a folder with what is vendored in it.
    pub(crate) fn load_folder(&self, path: &TreePath) -> Result<Chart> {
        self.assemble(self.folder(&tree::resolve(self.tree, path)?)?, 0)
    }

    fn folder(&self, root: &TreePath) -> Result<Vec<File>> {
        let ignore = root.child(".helmignore");
        let rules = match tree::kind_of(self.tree, &ignore)? {
            Some(Kind::File) => String::from_utf8_lossy(&tree::read(self.tree, &ignore)?).into_owned(),
            _ => String::new(),
        };
        let rules = Rules::parse(&rules)?;
        let mut walk = Walk { tree: self.tree, log: self.log, rules, files: Vec::new() };
        walk.folder(root, "", 0)?;
        Ok(walk.files)
    }

    fn unpacked(&self, archive: &[u8]) -> Result<Vec<File>> {
        let files = archive::files(archive, self.profile)?;
        let file = |(name, content): (String, Vec<u8>)| File {
            name: Arc::from(name),
            content: Content::Here(Bytes::from(content)),
        };
        Ok(files.into_iter().map(file).collect())
    }

    /// Sorts the files into a chart.
    fn assemble(&self, files: Vec<File>, depth: usize) -> Result<Chart> {
        if depth > MAX_DEPTH {
            return Err(LoadError::Chart(format!("charts are nested more than {MAX_DEPTH} deep")));
        }
        let mut chart = Chart::default();
        self.read_metadata(&files, &mut chart, depth)?;
        let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();
        let mut values = None;
        for file in files {
            let name = file.name.clone();
            match &*name {
                "Chart.yaml" | "Chart.lock" => {}
                "values.yaml" => values = Some(file),
                "values.schema.json" => chart.schema = Some(file),
                "requirements.yaml" | "requirements.lock" => {
                    if chart.metadata.api_version == "v1" {
                        chart.files.push(file);
                    }
                }
                name if name.starts_with("templates/") => chart.templates.push(file),
                name if name.starts_with("charts/") => match name.strip_suffix(".prov") {
                    Some(_) => chart.files.push(file),
                    None => add_to_subchart(&mut subcharts, &name["charts/".len()..], file),
                },
                _ => chart.files.push(file),
            }
        }
        chart.values = self.read_values(values)?;
        self.check(&mut chart)?;
        for (name, files) in subcharts {
            if let Some(subchart) = self
                .subchart(&name, files, depth)
                .map_err(|error| in_subchart(error, &name, &chart.metadata.name))?
            {
                chart.dependencies.push(Arc::new(subchart));
            }
        }
        Ok(chart)
    }

    fn read_metadata(&self, files: &[File], chart: &mut Chart, depth: usize) -> Result<()> {
        let types = self.profile.types;
        let read = |name: &str| {
            let file = files.iter().find(|file| &*file.name == name);
            file.map(|file| file.read(self.tree, &self.budget)).transpose()
        };
        let cannot = |name: &'static str| move |error: String| format!("cannot load {name}: {error}");
        let Some(text) = read("Chart.yaml")? else {
            return Err(LoadError::Chart("Chart.yaml file is missing".to_owned()));
        };
        let read_over = if depth == 0 { metadata::read_outermost } else { metadata::read_over };
        read_over(&mut chart.metadata, &text, types).map_err(cannot("Chart.yaml"))?;
        if chart.metadata.api_version.is_empty() {
            "v1".clone_into(&mut chart.metadata.api_version);
        }
        if let Some(text) = read("Chart.lock")? {
            metadata::check_lock(&text, types).map_err(cannot("Chart.lock"))?;
        }
        if let Some(text) = read("requirements.lock")? {
            metadata::check_lock(&text, types).map_err(cannot("requirements.lock"))?;
            self.expect_v1(chart, Event::LockInChart2);
        }
        if let Some(text) = read("requirements.yaml")? {
            self.expect_v1(chart, Event::RequirementsInChart2);
            metadata::read_over(&mut chart.metadata, &text, types).map_err(cannot("requirements.yaml"))?;
        }
        Ok(())
    }

    fn expect_v1(&self, chart: &Chart, otherwise: Event) {
        if chart.metadata.api_version != "v1" {
            self.log.push(otherwise);
        }
    }

    fn read_values(&self, file: Option<File>) -> Result<yaml::Value> {
        let Some(file) = file else { return Ok(yaml::Value::Map(Arc::default())) };
        let content = file.read(self.tree, &self.budget)?;
        engine::values_value(&content, self.profile)
            .map_err(|error| LoadError::Chart(format!("cannot load values.yaml: {error}")))
    }

    fn check(&self, chart: &mut Chart) -> Result<()> {
        let version = chart.metadata.api_version.as_str();
        if self.profile.refuses_chart_v3 && !matches!(version, "v1" | "v2") {
            let text = if version == "v3" { "invalid chart apiVersion" } else { "unsupported chart version" };
            return Err(LoadError::Chart(text.to_owned()));
        }
        Ok(metadata::validate(&mut chart.metadata, self.profile)?)
    }

    fn subchart(&self, name: &str, files: Vec<File>, depth: usize) -> Result<Option<Chart>> {
        if name.starts_with(['_', '.']) {
            return Ok(None);
        }
        if let ([file], true) = (files.as_slice(), name.ends_with(".tgz")) {
            let files = self.unpacked(&file.read(self.tree, &self.budget)?)?;
            return self.assemble(files, depth + 1).map(Some);
        }
        self.assemble(files, depth + 1).map(Some)
    }
}

fn add_to_subchart(subcharts: &mut BTreeMap<String, Vec<File>>, path: &str, file: File) {
    let (group, rest) = path.split_once('/').unwrap_or((path, ""));
    let name = if rest.is_empty() { group } else { rest };
    subcharts.entry(group.to_owned()).or_default().push(File { name: Arc::from(name), ..file });
}

fn in_subchart(error: LoadError, name: &str, parent: &str) -> LoadError {
    match error {
        LoadError::Chart(message) => {
            LoadError::Chart(format!("error unpacking subchart {name} in {parent}: {message}"))
        }
        error => error,
    }
}
