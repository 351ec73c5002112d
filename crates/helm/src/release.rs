//! One release of a chart: names, values and cluster in, documents out. The straight road of `helm template`.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use gotmpl::{Budget, Limits, Map, MapType, Str, Value};
use tree::Tree;

use crate::capabilities;
use crate::chart::Chart;
use crate::engine::{self, Chance, FailedRelease, Host, Looked, Program, RenderError, Run, Source};
use crate::instance::{self, Instance};
use crate::load::LoadError;
use crate::manifests::{self, Documents, Printing};
use crate::message::{Event, MessageLog};
use crate::schema::{self, Checks};
use crate::size::ReadBudget;
use crate::values::coalesce::{self, Rules};
use crate::values::{FileReader, ValuesOptions};
use crate::version::{HelmVersion, Profile};
use crate::wants::wants;

/// What a chart is rendered with.
pub struct Release<'a> {
    /// The version of helm to be equal to.
    pub version: HelmVersion,
    /// `.Release.Name`
    pub name: &'a str,
    /// `.Release.Namespace`
    pub namespace: &'a str,
    /// An upgrade instead of an installation.
    pub is_upgrade: bool,
    /// The version of Kubernetes; helm's own default where there is none.
    pub kube_version: Option<&'a str>,
    /// API versions besides helm's own.
    pub api_versions: &'a [String],
    /// The user's values.
    pub values: &'a ValuesOptions,
    /// Do not check `values.schema.json`.
    pub skip_schema_validation: bool,
    /// The seed of functions of chance.
    pub seed: [u8; 32],
    /// Seconds since 1970, for functions of time.
    pub now: i64,
    /// Budgets of the templates.
    pub limits: Limits,
    /// Says whether to give up.
    pub stop: &'a dyn Fn() -> bool,
    /// Leave what the templates print as it is: no documents are made of it.
    pub raw: bool,
}

/// What a release yields.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// What each file printed, by its full name.
    pub raw: BTreeMap<Arc<str>, Vec<u8>>,
    /// The documents, sorted; empty when raw output was asked for.
    pub documents: Documents,
    /// The CRDs of all charts: full name and content.
    pub crds: Vec<(String, Vec<u8>)>,
    /// Functions of chance and time that were called.
    pub chances: Vec<&'static str>,
    /// What was looked at of the cluster.
    pub looked: LookedAt,
}

/// What a render looked at of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookedAt {
    /// The Kubernetes version.
    pub kube_version: bool,
    /// The whole list of API versions.
    pub all_api_versions: bool,
    /// Single API versions.
    pub api_versions: Vec<String>,
}

impl From<LoadError> for RenderError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Chart(message) => Self::new(message),
            error @ LoadError::BrokenLink { .. } => Self::new(error.to_string()),
            LoadError::Tree(error) => {
                Self { tree: Some(Box::new(error.clone())), ..Self::new(error.to_string()) }
            }
        }
    }
}

type Result<T> = std::result::Result<T, RenderError>;

impl Release<'_> {
    /// Renders a chart. What helm says on the way goes to `log`, also when it fails.
    ///
    /// # Errors
    /// Helm's text, and where.
    pub fn render(
        &self,
        tree: &dyn Tree,
        chart: &Arc<Chart>,
        read: FileReader<'_>,
        log: &MessageLog,
    ) -> Result<Output> {
        let said = log.mark();
        let mut inputs = Inputs { tree, chart, read, log };
        if let Attempt::Done(output) = self.attempt(&mut inputs, false) {
            return output;
        }
        log.rewind(said);
        match self.attempt(&mut inputs, true) {
            Attempt::Done(output) => output,
            Attempt::NeedsFiles => Err(RenderError::new("the chart's files were read and are not there")),
        }
    }

    fn attempt(&self, inputs: &mut Inputs<'_>, with_files: bool) -> Attempt {
        let mut unread = Vec::new();
        let output = self.render_once(inputs, with_files, &mut unread);
        // What came of files that seemed empty is worth nothing, failures included.
        match unread.iter().any(Map::was_touched) {
            true => Attempt::NeedsFiles,
            false => Attempt::Done(output),
        }
    }

    fn render_once(
        &self,
        inputs: &mut Inputs<'_>,
        with_files: bool,
        unread: &mut Vec<Map>,
    ) -> Result<Output> {
        let profile = self.version.profile();
        let Inputs { tree, chart, log, .. } = *inputs;
        let (sizes, budget) = (ReadBudget::new(profile), Budget::new(self.limits, self.stop));
        let kube = capabilities::kube_version(self.kube_version, profile)?;
        let user = self.values.merged(&budget, profile, &mut *inputs.read)?;
        check_chart(chart, log)?;
        check_name(self.name, log)?;
        let (instance, user) = coalesced(chart, user, Rules { profile, budget: &budget, log })?;
        let looked = Rc::new(Looked::default());
        let schemas = match self.skip_schema_validation {
            true => Checks::default(),
            false => schema::checks((tree, &sizes), &instance, &user, &budget)?,
        };
        let compile = || {
            check_kube(chart, &kube.version, &kube.normalized, &looked)?;
            let versions = capabilities::api_versions(self.api_versions, profile);
            let capabilities = engine::capabilities(kube, &versions, profile, &looked);
            self.compile((tree, &sizes), &instance, (&user, &budget), capabilities)
        };
        let (fits, compiled) = schemas.alongside(compile);
        schemas.ignored_urns().into_iter().for_each(|urn| log.push(Event::UrnIgnored { urn }));
        fits?;
        let rendered = compiled.and_then(|(mut contexts, program)| {
            *unread = contexts.read_files(with_files || program.says_files)?;
            let mut host = Host::new(profile, Chance { seed: self.seed, now: self.now }, looked.clone());
            let run = Run { profile, contexts: &contexts.all, host: &mut host, budget: &budget };
            let raw = engine::execute(&program, run)?;
            let documents = match self.raw {
                true => Documents::default(),
                false => manifests::documents(&raw, profile, log, &budget)?,
            };
            Ok((raw, documents, host.chances_used))
        });
        let (raw, documents, chances) = rendered.map_err(RenderError::of_release)?;
        let crds = crds((tree, &sizes), &instance, "")?;
        Ok(Output { raw, documents, crds, chances, looked: looked_at(&looked) })
    }

    /// The contexts of all charts, and their templates parsed.
    fn compile<'t>(
        &self,
        (tree, sizes): (&'t dyn Tree, &'t ReadBudget),
        instance: &Instance,
        (values, budget): (&Map, &'t Budget<'t>),
        capabilities: Value,
    ) -> Result<(Contexts<'t>, Program)> {
        let profile = self.version.profile();
        let mut contexts = Contexts {
            tree,
            sizes,
            budget,
            release: self.release_value(),
            capabilities,
            all: Vec::new(),
            files: Vec::new(),
            sources: Vec::new(),
            profile,
        };
        contexts.add(instance, values, "", true)?;
        let program = engine::compile(std::mem::take(&mut contexts.sources), profile, budget)?;
        Ok((contexts, program))
    }

    fn release_value(&self) -> Value {
        let entries = [
            ("Name", Value::from(self.name)),
            ("Namespace", Value::from(self.namespace)),
            ("IsUpgrade", Value::Bool(self.is_upgrade)),
            ("IsInstall", Value::Bool(!self.is_upgrade)),
            ("Revision", Value::int(1)),
            ("Service", Value::from("Helm")),
        ];
        Value::Map(Map::any(entries.map(|(key, value)| (Str::from(key), value))))
    }
}

impl Output {
    /// The standard output of `helm template`.
    #[must_use]
    pub fn print(&self, include_crds: bool, printing: Printing) -> Vec<u8> {
        manifests::print(&self.documents, if include_crds { &self.crds } else { &[] }, printing)
    }

    /// What `helm template --debug` prints of a release that failed.
    #[must_use]
    pub fn print_failed(release: &FailedRelease, printing: Printing) -> Vec<u8> {
        manifests::print_failed(release, printing)
    }

    /// Only the documents whose paths match (`--show-only`).
    ///
    /// # Errors
    /// A pattern that matches nothing.
    pub fn show_only(printed: &[u8], patterns: &[String], version: HelmVersion) -> Result<Vec<u8>> {
        manifests::show_only(printed, patterns, version.profile())
    }
}

fn looked_at(looked: &Looked) -> LookedAt {
    LookedAt {
        kube_version: looked.kube_version.get(),
        all_api_versions: looked.all_api_versions.get(),
        api_versions: looked.api_versions.borrow().iter().cloned().collect(),
    }
}

/// A release name: a DNS subdomain of at most 53 characters.
fn check_name(name: &str, log: &MessageLog) -> Result<()> {
    const MAX: usize = 53;
    const REGEX: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = |label: &str| {
        label.starts_with(edge) && label.ends_with(edge) && label.chars().all(|c| edge(c) || c == '-')
    };
    if name.len() <= MAX && name.split('.').all(label) {
        return Ok(());
    }
    let why = match name {
        "" => "no name provided".to_owned(),
        _ => format!(
            "invalid release name, must match regex {REGEX} and the length must not be longer than {MAX}"
        ),
    };
    let error = format!("release name {}: {why}", gotmpl::quote::quoted(name.as_bytes()));
    let message = format!("release name check failed: {error}");
    log.push(Event::ReleaseNameRefused { error });
    Err(RenderError::new(message))
}

/// The chart with the dependencies that take part, and all values from the user's own on.
fn coalesced(chart: &Arc<Chart>, user: Map, rules: Rules<'_>) -> Result<(Instance, Map)> {
    instance::check_size(chart)?;
    let mut instance = Instance::of(chart, rules.budget)?;
    if let Err(error) = instance.process(&user, rules) {
        let message = format!("chart dependencies processing failed: {error}");
        rules.log.push(Event::DependenciesRefused { error: error.message.clone() });
        return Err(RenderError { message, ..error });
    }
    coalesce::coalesce(&instance, &user, rules)?;
    Ok((instance, user))
}

fn check_chart(chart: &Chart, log: &MessageLog) -> Result<()> {
    if !matches!(chart.metadata.kind.as_str(), "" | "application") {
        return Err(RenderError::new(format!("{} charts are not installable", chart.metadata.kind)));
    }
    if chart.metadata.deprecated {
        log.push(Event::ChartDeprecated);
    }
    let wants = wants(chart);
    if wants.is_empty() {
        return Ok(());
    }
    let missing: Vec<&str> = wants.iter().map(|want| want.name.as_str()).collect();
    let message = format!(
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {}",
        missing.join(", ")
    );
    Err(RenderError { wants, ..RenderError::new(message) })
}

fn check_kube(chart: &Chart, version: &str, normalized: &str, looked: &Looked) -> Result<()> {
    let wanted = &chart.metadata.kube_version;
    if wanted.is_empty() {
        return Ok(());
    }
    looked.kube_version.set(true);
    let fits = semver::Constraint::parse(wanted).is_ok_and(|constraint| {
        semver::Version::parse(normalized).is_ok_and(|version| constraint.allows(&version))
    });
    if fits {
        return Ok(());
    }
    Err(RenderError::new(format!(
        "chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {version}"
    )))
}

/// What a release is rendered from.
struct Inputs<'a> {
    tree: &'a dyn Tree,
    chart: &'a Arc<Chart>,
    read: FileReader<'a>,
    log: &'a MessageLog,
}

/// What came of rendering once.
enum Attempt {
    Done(Result<Output>),
    /// A template looked at files that had not been read.
    NeedsFiles,
}

/// The contexts of all charts of a release, and their templates.
struct Contexts<'t> {
    tree: &'t dyn Tree,
    sizes: &'t ReadBudget,
    budget: &'t Budget<'t>,
    release: Value,
    capabilities: Value,
    all: Vec<Map>,
    /// `.Files` of each chart, still empty.
    files: Vec<(Map, Arc<Chart>)>,
    sources: Vec<Source>,
    profile: &'static Profile,
}

impl Contexts<'_> {
    /// Adds a chart and its subcharts; yields the chart's context.
    fn add(&mut self, chart: &Instance, values: &Map, parent: &str, is_root: bool) -> Result<Map> {
        let path = full_path(parent, chart.name());
        let subcharts = Map::any([]);
        for dependency in &chart.dependencies {
            let own = match values.get(dependency.name().as_bytes()) {
                Some(Value::Map(own)) => own,
                _ => Map::any([]),
            };
            let context = self.add(dependency, &own, &path, false)?;
            subcharts.set(Str::from(dependency.name()), Value::Map(context));
        }
        let files = engine::no_files();
        self.files.push((files.clone(), chart.chart.clone()));
        let named = MapType::Named(self.profile.types.values);
        let context = Map::any([
            (Str::from("Chart"), engine::chart_value(self.budget, &chart.metadata, is_root, self.profile)?),
            (Str::from("Files"), Value::Map(files)),
            (Str::from("Release"), self.release.clone()),
            (Str::from("Capabilities"), self.capabilities.clone()),
            (Str::from("Values"), Value::Map(values.seen_as(named))),
            (Str::from("Subcharts"), Value::Map(subcharts)),
            (Str::from("Template"), template_value(&path, named)),
        ]);
        self.templates(chart, &path)?;
        self.all.push(context.seen_as(named));
        Ok(context)
    }

    /// Reads every `.Files` if asked to; else they stay empty and are handed out, to
    /// be watched: what nobody reads is no fact of the render.
    fn read_files(&mut self, asked: bool) -> Result<Vec<Map>> {
        let files = std::mem::take(&mut self.files);
        if !asked {
            return Ok(files.into_iter().map(|(map, _)| map).collect());
        }
        for (map, chart) in &files {
            for file in &chart.files {
                let content = file.read(self.tree, self.sizes)?;
                let kept = self.budget.spend_text(content.len()).and_then(|()| self.budget.spend_entry());
                kept.map_err(|error| RenderError::budget(&file.name, &error))?;
                map.set(Str::from(&*file.name), Value::Bytes(Str::from(&content[..])));
            }
        }
        Ok(Vec::new())
    }

    fn templates(&mut self, chart: &Instance, path: &str) -> Result<()> {
        let is_library = chart.chart.is_library();
        for file in &chart.chart.templates {
            let base = file.name.rsplit('/').next().unwrap_or(&file.name);
            if is_library && !base.starts_with('_') {
                continue;
            }
            let content = file.read(self.tree, self.sizes)?;
            self.sources.push(Source {
                name: Arc::from(format!("{path}/{}", file.name)),
                text: content,
                context: self.all.len(),
                runs: true,
            });
        }
        Ok(())
    }
}

fn template_value(path: &str, of: MapType) -> Value {
    let map = Map::new(of);
    map.set(Str::from("Name"), Value::from(""));
    map.set(Str::from("BasePath"), Value::from(format!("{path}/templates")));
    Value::Map(map)
}

fn full_path(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}/charts/{name}") }
}

/// The CRDs of a chart and its subcharts: full name and content.
fn crds(
    (tree, budget): (&dyn Tree, &ReadBudget),
    chart: &Instance,
    parent: &str,
) -> Result<Vec<(String, Vec<u8>)>> {
    let path = full_path(parent, chart.name());
    let mut crds = Vec::new();
    for file in chart.chart.files.iter().filter(|file| is_crd(&file.name)) {
        crds.push((format!("{path}/{}", file.name), file.read(tree, budget)?.to_vec()));
    }
    for dependency in &chart.dependencies {
        crds.extend(self::crds((tree, budget), dependency, &path)?);
    }
    Ok(crds)
}

fn is_crd(name: &str) -> bool {
    let lower = name.to_lowercase();
    name.starts_with("crds/") && [".yaml", ".yml", ".json"].iter().any(|extension| lower.ends_with(extension))
}
