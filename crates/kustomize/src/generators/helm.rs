//! `helmCharts`: charts that lie in the tree, rendered by a function of the caller.
//!
//! This crate knows which chart is meant and with which values; it never runs helm and never pulls a chart.
//! Source: kustomize 5.8.1 `api/internal/builtins/HelmChartInflationGenerator.go`.

use std::collections::BTreeMap;

use tree::{Kind, Tree, TreePath};
use yaml::{Value, v2};

use crate::error::{Error, ErrorKind, Result};
use crate::loader::Loader;
use crate::node::Node;
use crate::reader;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::strategic;
use crate::strict::{Raw, record};

/// Renders the charts of `helmCharts`.
///
/// A function with the shape of [`HelmRenderer::render`] is one.
pub trait HelmRenderer {
    /// The manifests of a chart as `helm template` prints them on standard output.
    ///
    /// # Errors
    /// Whatever keeps the chart from being rendered; [`Error::of`] makes one.
    fn render(&self, request: &HelmRequest<'_>) -> Result<String, Error>;
}

impl<F: Fn(&HelmRequest<'_>) -> Result<String, Error>> HelmRenderer for F {
    fn render(&self, request: &HelmRequest<'_>) -> Result<String, Error> {
        self(request)
    }
}

/// What `helm template` is asked for.
#[derive(Clone, Copy)]
pub struct HelmRequest<'r> {
    /// The tree that is built.
    pub tree: &'r dyn Tree,
    /// The chart's folder in it, links followed.
    pub chart: &'r TreePath,
    /// `None`: helm's own `release-name`.
    pub release_name: Option<&'r str>,
    /// `--name-template`; an error for helm where there is a release name too.
    pub name_template: Option<&'r str>,
    /// `None`: helm's own `default`.
    pub namespace: Option<&'r str>,
    /// Values files in order, later ones over earlier ones and all of them over the chart's own.
    pub values: &'r [Vec<u8>],
    /// `--api-versions`.
    pub api_versions: &'r [String],
    /// `--kube-version`.
    pub kube_version: Option<&'r str>,
    /// `--include-crds`.
    pub include_crds: bool,
    /// `--skip-tests`.
    pub skip_tests: bool,
    /// `--no-hooks`.
    pub skip_hooks: bool,
    /// `--debug`: what helm could not parse is printed all the same.
    pub debug: bool,
}

/// How charts are rendered (`--enable-helm` and the flags that go with it).
#[derive(Clone, Copy)]
pub struct HelmOptions<'o> {
    /// Who renders.
    pub renderer: &'o dyn HelmRenderer,
    /// For charts that say no `kubeVersion` themselves; empty for none.
    pub kube_version: &'o str,
    /// For charts that say no `apiVersions` themselves.
    pub api_versions: &'o [String],
    /// For charts that do not ask for `debug` themselves.
    pub debug: bool,
}

record! {
    /// Where charts are.
    Globals as "HelmGlobals" {
        chart_home: String = "chartHome",
        config_home: String = "configHome",
    }
}

record! {
    /// An entry of `helmCharts`.
    Chart as "HelmChart" {
        name: String = "name",
        version: String = "version",
        repo: String = "repo",
        release_name: String = "releaseName",
        namespace: String = "namespace",
        additional_values_files: Vec<String> = "additionalValuesFiles",
        values_file: String = "valuesFile",
        values_inline: BTreeMap<String, Raw> = "valuesInline",
        values_merge: String = "valuesMerge",
        include_crds: bool = "includeCRDs",
        skip_hooks: bool = "skipHooks",
        api_versions: Vec<String> = "apiVersions",
        kube_version: String = "kubeVersion",
        name_template: String = "nameTemplate",
        skip_tests: bool = "skipTests",
        debug: bool = "debug",
        devel: bool = "devel",
    }
}

record! {
    /// An entry of `helmChartInflationGenerator`, the field before `helmCharts`.
    OldChart as "HelmChartArgs" {
        chart_name: String = "chartName",
        chart_version: String = "chartVersion",
        chart_repo_url: String = "chartRepoUrl",
        chart_home: String = "chartHome",
        chart_repo_name: String = "chartRepoName",
        helm_bin: String = "helmBin",
        helm_home: String = "helmHome",
        values: String = "values",
        values_local: BTreeMap<String, Raw> = "valuesLocal",
        values_merge: String = "valuesMerge",
        release_name: String = "releaseName",
        release_namespace: String = "releaseNamespace",
        extra_args: Vec<String> = "extraArgs",
    }
}

const DEFAULT_HOME: &str = "charts";
const MERGES: [&str; 3] = ["merge", "override", "replace"];

impl OldChart {
    /// What the entry means today. The programs and arguments it names are not looked at, as in kustomize 5.
    pub(crate) fn modern(self) -> Chart {
        Chart {
            name: self.chart_name,
            version: self.chart_version,
            repo: self.chart_repo_url,
            values_file: self.values,
            values_inline: self.values_local,
            values_merge: self.values_merge,
            release_name: self.release_name,
            ..Chart::default()
        }
    }
}

/// The globals that old entries say; the last one that says something counts.
pub(crate) fn old_globals(entries: &[OldChart]) -> Option<Globals> {
    let last = |pick: fn(&OldChart) -> &String| {
        entries.iter().rev().map(pick).find(|text| !text.is_empty()).cloned().unwrap_or_default()
    };
    let globals =
        Globals { chart_home: last(|old| &old.chart_home), config_home: last(|old| &old.helm_home) };
    (globals != Globals::default()).then_some(globals)
}

/// The fields that are set, as they are written again in messages.
pub(crate) fn config_of(globals: &Globals, chart: &Chart) -> Value {
    let mut out = yaml::Map::new();
    let texts = [
        ("chartHome", &globals.chart_home),
        ("configHome", &globals.config_home),
        ("name", &chart.name),
        ("version", &chart.version),
        ("repo", &chart.repo),
        ("releaseName", &chart.release_name),
        ("namespace", &chart.namespace),
        ("valuesFile", &chart.values_file),
        ("valuesMerge", &chart.values_merge),
        ("kubeVersion", &chart.kube_version),
        ("nameTemplate", &chart.name_template),
    ];
    for (key, text) in texts.iter().filter(|(_, text)| !text.is_empty()) {
        out.insert(*key, text.as_str().into());
    }
    let lists =
        [("additionalValuesFiles", &chart.additional_values_files), ("apiVersions", &chart.api_versions)];
    for (key, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        out.insert(*key, list.iter().map(|text| Value::from(text.as_str())).collect::<Vec<_>>().into());
    }
    let flags = [
        ("includeCRDs", chart.include_crds),
        ("skipHooks", chart.skip_hooks),
        ("skipTests", chart.skip_tests),
        ("debug", chart.debug),
        ("devel", chart.devel),
    ];
    for (key, set) in flags.into_iter().filter(|(_, set)| *set) {
        out.insert(key, Value::Bool(set));
    }
    if !chart.values_inline.is_empty() {
        out.insert("valuesInline", inline(chart));
    }
    out.into()
}

fn inline(chart: &Chart) -> Value {
    let mut out = yaml::Map::new();
    for (key, value) in &chart.values_inline {
        out.insert(key.as_str(), value.0.clone());
    }
    out.into()
}

/// A chart to render, its configuration checked.
pub(crate) struct Inflation<'t> {
    loader: Loader<'t>,
    helm: HelmOptions<'t>,
    chart: Chart,
    /// Where the chart's folder is, as written: from the kustomization's folder.
    folder: String,
    additional: Vec<Vec<u8>>,
}

impl<'t> Inflation<'t> {
    /// Checks an entry.
    ///
    /// # Errors
    /// Charts are not enabled; no name; a values file is missing; it names a folder for helm's own settings.
    pub(crate) fn new(loader: &Loader<'t>, globals: &Globals, mut chart: Chart) -> Result<Self> {
        let Some(helm) = loader.shared.options.helm else {
            return Err(Error::new("must specify --enable-helm"));
        };
        if chart.name.is_empty() {
            return Err(Error::new("chart name cannot be empty"));
        }
        if loader.shared.profile().refuses_dashed_charts {
            check_dashes(&chart)?;
        }
        let home = if globals.chart_home.is_empty() { DEFAULT_HOME } else { &globals.chart_home };
        let home = match chart.version.is_empty() || chart.repo.is_empty() {
            true => home.to_owned(),
            false => format!("{home}/{}-{}", chart.name, chart.version),
        };
        let folder = format!("{home}/{}", chart.name);
        if chart.values_file.is_empty() {
            chart.values_file = format!("{folder}/values.yaml");
        }
        let load = |file: &String| {
            loader.load(file).map_err(|error| error.under("could not load additionalValuesFile"))
        };
        let additional = chart.additional_values_files.iter().map(load).collect::<Result<_>>()?;
        if !chart.values_merge.is_empty() && !MERGES.contains(&chart.values_merge.as_str()) {
            return Err(Error::new(format!("valuesMerge must be one of [{}]", MERGES.join(" "))));
        }
        if !globals.config_home.is_empty() {
            let home = &globals.config_home;
            let text = format!(
                "configHome '{home}' is refused: charts are rendered without settings of helm's own; remove it"
            );
            return Err(Error::of(ErrorKind::Refused, text));
        }
        Ok(Self { loader: loader.clone(), helm, chart, folder, additional })
    }

    /// The resources of the chart.
    ///
    /// # Errors
    /// The chart is not in the tree; its values do not merge; the renderer's.
    pub(crate) fn generate(&self) -> Result<Vec<Resource>> {
        let folder = self.find()?;
        let mut values = vec![self.values()?];
        values.extend(self.additional.iter().cloned());
        let text = self.helm.renderer.render(&self.request(&folder, &values))?;
        let mut made = ResMap::default();
        let read = self.loader.shared.read_resources(text.as_bytes());
        read.and_then(|resources| made.append(resources)).map_err(|error| match error.kind() {
            ErrorKind::Malformed => error.under("error reading helm output"),
            _ => error.under("could not parse rnode slice into resource map"),
        })?;
        for resource in &mut made.list {
            let mut annotations = resource.texts("annotations");
            annotations.insert(GENERATED.to_owned(), "true".to_owned());
            resource.set_texts("annotations", &annotations);
        }
        Ok(made.list)
    }

    fn request<'r>(&'r self, folder: &'r TreePath, values: &'r [Vec<u8>]) -> HelmRequest<'r> {
        let some = |text: &'r str| Some(text).filter(|text| !text.is_empty());
        let chart = &self.chart;
        let own = !chart.api_versions.is_empty();
        HelmRequest {
            tree: self.loader.shared.tree,
            chart: folder,
            release_name: some(&chart.release_name),
            name_template: some(&chart.name_template),
            namespace: some(&chart.namespace),
            values,
            api_versions: if own { &chart.api_versions } else { self.helm.api_versions },
            kube_version: some(&chart.kube_version).or(some(self.helm.kube_version)),
            include_crds: chart.include_crds,
            skip_tests: chart.skip_tests,
            skip_hooks: chart.skip_hooks,
            debug: chart.debug || self.helm.debug,
        }
    }

    /// The folder of the chart; one that would be pulled is not here.
    fn find(&self) -> Result<TreePath> {
        match self.loader.folder(&self.folder)? {
            Some((folder, Kind::Folder)) => return Ok(folder),
            Some(_) | None if self.chart.repo.is_empty() => {
                return Err(Error::new("no repo specified for pull, no chart found at ''"));
            }
            _ => {}
        }
        let (name, repo, folder) = (&self.chart.name, &self.chart.repo, &self.folder);
        let text = format!(
            "chart '{name}' of '{repo}' is not available yet: charts are not pulled; put it into '{folder}'"
        );
        Err(Error::of(ErrorKind::Remote, text))
    }

    /// The values file that replaces the chart's own.
    fn values(&self) -> Result<Vec<u8>> {
        if self.chart.values_inline.is_empty() {
            return self.loader.load(&self.chart.values_file);
        }
        let inline = inline(&self.chart);
        let merged = match self.chart.values_merge.as_str() {
            "replace" => inline,
            mode => self.merged(&Node::from_value(&inline), mode == "merge")?,
        };
        Ok(v2::marshal(&merged)?.into_bytes())
    }

    fn merged(&self, inline: &Node, file_wins: bool) -> Result<Value> {
        let bytes = self.loader.load(&self.chart.values_file)?;
        let file = reader::parse(&bytes, &self.loader.shared.yaml_limits())
            .and_then(|node| node.ok_or_else(|| Error::new("EOF")))
            .map_err(|error| error.under("could not parse values file into rnode"))?;
        let (over, under) = if file_wins { (&file, inline) } else { (inline, &file) };
        let merged = strategic::merge(&Schema::default().with_hints([None, None]), under.clone(), over)
            .map_err(|error| error.under("could not merge values"))?;
        merged.map_or_else(
            || Ok(yaml::Map::new().into()),
            |node| Resource::new(node, self.loader.shared.profile()).value(),
        )
    }
}

/// What helm would take for a flag is no name.
fn check_dashes(chart: &Chart) -> Result<()> {
    for (what, name) in [("releaseName", &chart.release_name), ("chart name", &chart.name)] {
        if name.starts_with('-') {
            return Err(Error::new(format!("{what} must not start with '-', got {name:?}")));
        }
    }
    Ok(())
}

/// Marks what a chart made; `namespace` leaves it alone.
pub(crate) const GENERATED: &str = "internal.config.kubernetes.io/helm-generated";
