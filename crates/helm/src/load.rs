//! A chart's folder or archive → [`Chart`].
//!
//! Source of the rules: helm `pkg/chart/v2/loader`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tree::{Kind, Tree, TreePath};

use crate::archive::{self, MAX_FILE};
use crate::chart::{Chart, Content, File};
use crate::ignore::Rules;
use crate::local::Local;
use crate::version::{Profile, Types};
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
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tree(error) => error.fmt(f),
            Self::Chart(message) => f.write_str(message),
        }
    }
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
/// are loaded from where they lie in the tree.
///
/// # Errors
/// [`LoadError`].
pub fn load(tree: &dyn Tree, path: &TreePath, profile: &Profile) -> Result<Arc<Chart>> {
    let real = tree::resolve(tree, path)?;
    if tree.kind(&real)? == Some(Kind::File) {
        return assemble(tree, unpacked(&tree.read(&real)?)?, profile, 0).map(Arc::new);
    }
    let mut chart = from_folder(tree, path, profile)?;
    Local::new(tree, profile).complete(&mut chart, path)?;
    Ok(Arc::new(chart))
}

/// The chart of a folder with what is vendored in it.
pub(crate) fn from_folder(tree: &dyn Tree, path: &TreePath, profile: &Profile) -> Result<Chart> {
    assemble(tree, folder(tree, &tree::resolve(tree, path)?)?, profile, 0)
}

fn unpacked(archive: &[u8]) -> Result<Vec<File>> {
    let files = archive::files(archive)?;
    let file = |(name, content): (String, Vec<u8>)| File {
        name: Arc::from(name),
        content: Content::Here(Bytes::from(content)),
    };
    Ok(files.into_iter().map(file).collect())
}

/// Every file of a folder that `.helmignore` leaves, in the order of a walk. Nothing is read.
fn folder(tree: &dyn Tree, root: &TreePath) -> Result<Vec<File>> {
    let ignore = root.child(".helmignore");
    let rules = match tree::kind_of(tree, &ignore)? {
        Some(Kind::File) => String::from_utf8_lossy(&tree::read(tree, &ignore)?).into_owned(),
        _ => String::new(),
    };
    let mut walk = Walk { tree, rules: Rules::parse(&rules)?, files: Vec::new() };
    walk.folder(root, "", 0)?;
    Ok(walk.files)
}

struct Walk<'t> {
    tree: &'t dyn Tree,
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
                at = tree::resolve(self.tree, &at)?;
                kind = self.tree.kind(&at)?.ok_or_else(|| tree::Error::NotFound(at.clone()))?;
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
    pub fn read(&self, tree: &dyn Tree) -> Result<Bytes> {
        match &self.content {
            Content::Here(content) => Ok(content.clone()),
            Content::Tree(path) => {
                if tree.size(path)? > MAX_FILE {
                    let name = &self.name;
                    return Err(LoadError::Chart(format!(
                        "chart file {name:?} is larger than the maximum file size {MAX_FILE}"
                    )));
                }
                let content = tree.read(path)?;
                let bom = content.starts_with(b"\xef\xbb\xbf");
                Ok(if bom { content.slice(3..) } else { content })
            }
        }
    }
}

/// Sorts the files into a chart.
fn assemble(tree: &dyn Tree, files: Vec<File>, profile: &Profile, depth: usize) -> Result<Chart> {
    if depth > MAX_DEPTH {
        return Err(LoadError::Chart(format!("charts are nested more than {MAX_DEPTH} deep")));
    }
    let mut chart = Chart::default();
    read_metadata(tree, &files, &mut chart, (profile.types, depth))?;
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
    chart.values = read_values(tree, values, profile)?;
    check(&mut chart, profile)?;
    for (name, files) in subcharts {
        if let Some(subchart) = subchart(tree, &name, files, profile, depth)
            .map_err(|error| in_subchart(error, &name, &chart.metadata.name))?
        {
            chart.dependencies.push(Arc::new(subchart));
        }
    }
    Ok(chart)
}

fn add_to_subchart(subcharts: &mut BTreeMap<String, Vec<File>>, path: &str, file: File) {
    let (group, rest) = path.split_once('/').unwrap_or((path, ""));
    let name = if rest.is_empty() { group } else { rest };
    subcharts.entry(group.to_owned()).or_default().push(File { name: Arc::from(name), ..file });
}

fn read_metadata(
    tree: &dyn Tree,
    files: &[File],
    chart: &mut Chart,
    (types, depth): (&Types, usize),
) -> Result<()> {
    let read = |name: &str| {
        let file = files.iter().find(|file| &*file.name == name);
        file.map(|file| file.read(tree)).transpose()
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
    for name in ["Chart.lock", "requirements.lock"] {
        if let Some(text) = read(name)? {
            metadata::check_lock(&text, types).map_err(cannot(name))?;
        }
    }
    if let Some(text) = read("requirements.yaml")? {
        metadata::read_over(&mut chart.metadata, &text, types).map_err(cannot("requirements.yaml"))?;
    }
    Ok(())
}

fn read_values(tree: &dyn Tree, file: Option<File>, profile: &Profile) -> Result<yaml::Value> {
    let Some(file) = file else { return Ok(yaml::Value::Map(Arc::default())) };
    let content = file.read(tree)?;
    engine::values_value(&content, profile)
        .map_err(|error| LoadError::Chart(format!("cannot load values.yaml: {error}")))
}

fn check(chart: &mut Chart, profile: &Profile) -> Result<()> {
    let version = chart.metadata.api_version.as_str();
    if profile.refuses_chart_v3 && !matches!(version, "v1" | "v2") {
        let text = if version == "v3" { "invalid chart apiVersion" } else { "unsupported chart version" };
        return Err(LoadError::Chart(text.to_owned()));
    }
    Ok(metadata::validate(&mut chart.metadata, profile)?)
}

fn subchart(
    tree: &dyn Tree,
    name: &str,
    files: Vec<File>,
    profile: &Profile,
    depth: usize,
) -> Result<Option<Chart>> {
    if name.starts_with(['_', '.']) {
        return Ok(None);
    }
    if let ([file], true) = (files.as_slice(), name.ends_with(".tgz")) {
        let files = unpacked(&file.read(tree)?)?;
        return assemble(tree, files, profile, depth + 1).map(Some);
    }
    assemble(tree, files, profile, depth + 1).map(Some)
}

fn in_subchart(error: LoadError, name: &str, parent: &str) -> LoadError {
    match error {
        LoadError::Chart(message) => {
            LoadError::Chart(format!("error unpacking subchart {name} in {parent}: {message}"))
        }
        error => error,
    }
}
