//! `manifestd template`: a local chart → the bytes of `helm template`, in process.

mod args;
mod elsewhere;
mod files;
mod values;

use std::io::{self, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::ArgMatches;
use helm::{
    HelmVersion, LoadError, LogBase, MessageLog, Output, Printing, Release, RenderError, ValuesOptions,
};
use sha2::{Digest, Sha256};
use tree::TreePath;

use self::args::lists;
use self::files::Files;
use super::flags::{is_on, text, texts};
use super::{Done, Failure, output, place, report, say};
use crate::credentials;
use crate::error::{Error, Kind};
use crate::render::helm::{DEFAULT_NAME, missing, places};
use crate::render::on_stack;
use crate::source::Disk;

pub(super) use self::args::{command, repeat_args};

/// The most time a render takes: what helm waits for a cluster by default. The slowest public chart takes some seconds.
const MAX_TIME: Duration = Duration::from_secs(300);

/// What of the command line decides the output.
struct Ask {
    name: Option<String>,
    name_template: Option<String>,
    namespace: String,
    is_upgrade: bool,
    kube_version: Option<String>,
    api_versions: Vec<String>,
    version: HelmVersion,
    values: ValuesOptions,
    skip_schema_validation: bool,
    include_crds: bool,
    printing: Printing,
    show_only: Vec<String>,
    raw: Option<String>,
    /// `--output-dir`
    output_dir: Option<String>,
    /// `--release-name`
    uses_release_name: bool,
    debug: bool,
    /// `--dependency-update`
    updates_dependencies: bool,
    /// Why the labels are refused.
    refused_labels: Option<String>,
    seed: [u8; 32],
    now: i64,
}

/// A chart of this machine, as a path of a tree.
struct Chart {
    tree: Disk,
    path: TreePath,
    /// Where both lie, for helm's log.
    base: LogBase,
}

pub(super) fn run(matches: &ArgMatches) -> Done {
    let version = matches.get_one::<HelmVersion>("helm-version").copied().unwrap_or_default();
    elsewhere::check(matches, version)?.iter().for_each(|line| say(&report::log_line(line)));
    let (name, chart) = positions(matches)?;
    let ask = Ask::read(matches, version, name)?;
    let chart = Chart::find(&chart, text(matches, "root"))?;
    chart.check(ask.version)?;
    let Rendered { messages, printed, failure } = on_stack(|| ask.render(&chart))?;
    messages.iter().for_each(|line| say(&report::log_line(line)));
    output::written(io::stdout().lock().write_all(&printed))?;
    failure.map_or(Ok(()), Err)
}

/// What rendering yields, in the order in which it is written.
#[derive(Default)]
struct Rendered {
    /// Lines for standard error.
    messages: Vec<String>,
    /// Standard output; with `--debug` a release that failed has one too.
    printed: Vec<u8>,
    failure: Option<Failure>,
}

/// The release name, if there is one, and the chart.
fn positions(matches: &ArgMatches) -> Result<(Option<String>, String), Failure> {
    let first = text(matches, "first").map(str::to_owned);
    let (name, chart) = match text(matches, "second") {
        Some(chart) => (first, Some(chart.to_owned())),
        None => (None, first),
    };
    let chart = chart.ok_or_else(|| Failure::Usage("which chart?".into()))?;
    if name.is_some() && is_on(matches, "generate-name") {
        return Err(helm_text("cannot set --generate-name and also specify a name"));
    }
    if name.is_some() && text(matches, "name-template").is_some_and(|template| !template.is_empty()) {
        return Err(helm_text("cannot set --name-template and also specify a name"));
    }
    Ok((name, chart))
}

impl Ask {
    fn read(matches: &ArgMatches, version: HelmVersion, name: Option<String>) -> Result<Self, Failure> {
        Ok(Self {
            name,
            name_template: text(matches, "name-template").filter(|text| !text.is_empty()).map(str::to_owned),
            namespace: text(matches, "namespace").unwrap_or_default().to_owned(),
            is_upgrade: is_on(matches, "is-upgrade"),
            kube_version: text(matches, "kube-version").filter(|text| !text.is_empty()).map(str::to_owned),
            api_versions: lists(matches, "api-versions").map_err(Failure::Usage)?,
            version,
            values: values::options(matches)?,
            skip_schema_validation: is_on(matches, "skip-schema-validation"),
            include_crds: is_on(matches, "include-crds"),
            printing: Printing {
                no_hooks: is_on(matches, "no-hooks"),
                skip_tests: is_on(matches, "skip-tests"),
            },
            show_only: texts(matches, "show-only"),
            raw: text(matches, "raw").map(str::to_owned),
            output_dir: text(matches, "output-dir").filter(|folder| !folder.is_empty()).map(str::to_owned),
            uses_release_name: is_on(matches, "release-name"),
            debug: is_on(matches, "debug"),
            updates_dependencies: is_on(matches, "dependency-update"),
            refused_labels: elsewhere::refused_labels(matches),
            seed: seed(matches),
            now: now(matches),
        })
    }

    fn render(&self, chart: &Chart) -> Rendered {
        let log = MessageLog::new(self.version.profile());
        let mut printed = Vec::new();
        let outcome =
            self.output(chart, &log).and_then(|(name, output)| self.print(&name, &output, &mut printed));
        let mut rendered = Rendered { printed, ..Rendered::default() };
        if let Err(error) = outcome {
            self.fail(chart, error, &mut rendered);
        }
        let lines = log.take();
        rendered.messages.extend(lines.iter().filter_map(|message| message.line(Some(&chart.base))));
        rendered
    }

    /// The name of the release and what it yields.
    fn output(&self, chart: &Chart, log: &MessageLog) -> Result<(String, Output), RenderError> {
        let name = self.name()?;
        let loaded = helm::load(&chart.tree, &chart.path, self.version.profile(), log)
            .map_err(|error| chart.load_failure(error))?;
        // The process ends with this command: what it holds is not freed piece by piece.
        let loaded = ManuallyDrop::new(loaded);
        let begin = Instant::now();
        let release = Release {
            version: self.version,
            name: &name,
            namespace: &self.namespace,
            is_upgrade: self.is_upgrade,
            kube_version: self.kube_version.as_deref(),
            api_versions: &self.api_versions,
            values: &self.values,
            skip_schema_validation: self.skip_schema_validation,
            seed: self.seed,
            now: self.now,
            limits: gotmpl::Limits::default(),
            stop: &|| begin.elapsed() > MAX_TIME,
            raw: self.raw.is_some(),
        };
        let output = release.render(&chart.tree, &loaded, &mut values::read, log)?;
        match &self.refused_labels {
            Some(why) => Err(RenderError::from(why.clone())),
            None => Ok((name, output)),
        }
    }

    /// What a failure prints: with `--debug` what there was of the release, else the advice to use it.
    fn fail(&self, chart: &Chart, mut error: RenderError, rendered: &mut Rendered) {
        if let Some(release) = &error.release {
            if self.debug {
                let printed = Output::print_failed(release, self.printing);
                rendered.printed = match self.show_only.as_slice() {
                    [] => printed,
                    only => Output::show_only(&printed, only, self.version).unwrap_or_default(),
                };
            } else {
                error.message.push_str("\n\nUse --debug flag to render out invalid YAML");
            }
        }
        if self.updates_dependencies && !error.wants.is_empty() {
            error.message.push_str(" (--dependency-update: charts are not fetched from repositories yet)");
        }
        if let Some(advice) = missing(&error.wants) {
            rendered.messages.push(report::warning(&advice).trim_end().to_owned());
        }
        rendered.failure = Some(chart.failed(&error));
    }

    fn name(&self) -> Result<String, RenderError> {
        match &self.name_template {
            Some(template) => helm::release_name(template, self.version, self.seed, self.now),
            None => Ok(self.name.clone().unwrap_or_else(|| DEFAULT_NAME.to_owned())),
        }
    }

    fn print(&self, release: &str, output: &Output, printed: &mut Vec<u8>) -> Result<(), RenderError> {
        if let Some(name) = &self.raw {
            let raw = output.raw.get(name.as_str());
            let raw = raw.ok_or_else(|| format!("could not find template {name} in chart"))?;
            printed.extend_from_slice(raw);
            return Ok(());
        }
        let documents = match &self.output_dir {
            None => output.print(self.include_crds, self.printing),
            Some(folder) => {
                let release = self.uses_release_name.then_some(release);
                let (include_crds, printing) = (self.include_crds, self.printing);
                Files { folder, release, include_crds, printing }.write(output, printed)?;
                b"\n".to_vec()
            }
        };
        printed.extend(match self.show_only.as_slice() {
            [] => documents,
            only => Output::show_only(&documents, only, self.version)?,
        });
        Ok(())
    }
}

impl Chart {
    fn find(chart: &str, root: Option<&str>) -> Result<Self, Failure> {
        let missing = || not_found(chart);
        let path = Path::new(chart).canonicalize().map_err(|_| missing())?;
        let root = match root {
            Some(root) => {
                Path::new(root).canonicalize().map_err(|_| helm_text(&format!("path {root:?} not found")))?
            }
            None => place::work_tree(&path),
        };
        let inner = path.strip_prefix(&root).map_err(|_| outside(chart))?;
        let inner = place::utf8(inner)?;
        let path = TreePath::parse(&inner).map_err(|_| outside(chart))?;
        let absolute = std::path::absolute(chart).unwrap_or_else(|_| PathBuf::from(chart));
        let base = LogBase {
            chart: absolute.display().to_string().trim_end_matches('/').to_owned(),
            root: root.display().to_string(),
        };
        Ok(Self { tree: Disk::open(&root)?, path, base })
    }

    /// What helm says before it loads anything.
    fn check(&self, version: HelmVersion) -> Result<(), Failure> {
        let file = self.path.child("Chart.yaml");
        let is_folder =
            tree::kind_of(&self.tree, &self.path).map_err(Error::from)? == Some(tree::Kind::Folder);
        let has_file = || tree::kind_of(&self.tree, &file).map_err(Error::from);
        // Helm 3 says so while loading.
        if !version.profile().chart_is_map || !is_folder || has_file()?.is_some() {
            return Ok(());
        }
        Err(helm_text(&format!("unable to detect chart at {file}: open {file}: no such file or directory")))
    }

    /// A chart that could not be loaded; links are named by their paths on this machine.
    fn load_failure(&self, error: LoadError) -> RenderError {
        match error {
            LoadError::BrokenLink { link, missing } => {
                RenderError::from(self.base.broken_link(&link, &missing))
            }
            error => error.into(),
        }
    }

    fn failed(&self, error: &RenderError) -> Failure {
        let places = places(&self.tree, &self.path, error);
        Failure::Words(report::Words { text: error.message.clone(), places })
    }
}

/// What is no path of this machine. Helm would look for some of these in repositories.
fn not_found(chart: &str) -> Failure {
    let is_path = chart.starts_with(['/', '.']);
    let is_reference = chart.contains("://") || chart.matches('/').count() == 1;
    if is_path || !is_reference {
        return helm_text(&format!("path {chart:?} not found"));
    }
    helm_text(&format!("path {chart:?} not found: charts are not fetched from repositories yet"))
}

fn outside(chart: &str) -> Failure {
    Failure::Failed(
        Error::new(Kind::Invalid, format!("{chart}: the chart is not beneath --root"))
            .help("give a root that holds the chart, or none"),
    )
}

fn helm_text(text: &str) -> Failure {
    Failure::Words(report::Words { text: text.to_owned(), places: Vec::new() })
}

/// Where functions of chance begin.
pub(super) fn seed(matches: &ArgMatches) -> [u8; 32] {
    text(matches, "seed").map_or_else(credentials::random, |seed| Sha256::digest(seed).into())
}

/// What functions of time see, in seconds since 1970.
pub(super) fn now(matches: &ArgMatches) -> i64 {
    matches.get_one("now").copied().unwrap_or_else(clock)
}

fn clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}
