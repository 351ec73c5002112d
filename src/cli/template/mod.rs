//! `manifestd template`: a local chart → the bytes of `helm template`, in process.

mod args;
mod values;

use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ArgMatches;
use helm::{HelmVersion, Output, Printing, Release, RenderError, ValuesOptions};
use sha2::{Digest, Sha256};
use tree::TreePath;

use self::args::lists;
use super::flags::{is_on, text, texts};
use super::{Done, Failure, output, place, report, say};
use crate::credentials;
use crate::error::{Error, Kind};
use crate::render::helm::{DEFAULT_NAME, missing, places};
use crate::render::on_stack;
use crate::source::Disk;

pub(super) use self::args::{command, repeat_args};

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
    seed: [u8; 32],
    now: i64,
}

/// A chart of this machine, as a path of a tree.
struct Chart {
    tree: Disk,
    path: TreePath,
}

pub(super) fn run(matches: &ArgMatches) -> Done {
    let (name, chart) = positions(matches)?;
    let ask = Ask::read(matches, name)?;
    let chart = Chart::find(&chart, text(matches, "root"))?;
    chart.check(ask.version)?;
    let printed = on_stack(|| ask.render(&chart))??;
    output::written(io::stdout().lock().write_all(&printed))?;
    Ok(())
}

/// The release name, if there is one, and the chart.
fn positions(matches: &ArgMatches) -> Result<(Option<String>, String), Failure> {
    let first = text(matches, "first").map(str::to_owned);
    let (name, chart) = match text(matches, "second") {
        Some(chart) => (first, Some(chart.to_owned())),
        None => (None, first),
    };
    let chart = chart.ok_or_else(|| Failure::Usage("which chart?".into()))?;
    if name.is_some() && text(matches, "name-template").is_some_and(|template| !template.is_empty()) {
        return Err(helm_text("cannot set --name-template and also specify a name"));
    }
    Ok((name, chart))
}

impl Ask {
    fn read(matches: &ArgMatches, name: Option<String>) -> Result<Self, Failure> {
        let version = matches.get_one::<HelmVersion>("helm-version").copied().unwrap_or_default();
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
            seed: seed(matches),
            now: now(matches),
        })
    }

    fn render(&self, chart: &Chart) -> Result<Vec<u8>, Failure> {
        let failed = |error: RenderError| chart.failed(&error);
        let name = self.name().map_err(failed)?;
        let loaded = helm::load(&chart.tree, &chart.path, self.version.profile())
            .map_err(|error| chart.failed(&error.into()))?;
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
            stop: &|| false,
            raw: self.raw.is_some(),
        };
        let output = release.render(&chart.tree, &loaded, &mut values::read).map_err(failed)?;
        output.warnings.iter().for_each(|warning| say(&report::warning(warning)));
        self.print(&output).map_err(failed)
    }

    fn name(&self) -> Result<String, RenderError> {
        match &self.name_template {
            Some(template) => helm::release_name(template, self.version, self.seed, self.now),
            None => Ok(self.name.clone().unwrap_or_else(|| DEFAULT_NAME.to_owned())),
        }
    }

    fn print(&self, output: &Output) -> Result<Vec<u8>, RenderError> {
        if let Some(name) = &self.raw {
            let raw = output.raw.get(name.as_str()).cloned();
            return raw.ok_or_else(|| RenderError::from(format!("could not find template {name} in chart")));
        }
        let printed = output.print(self.include_crds, self.printing);
        match self.show_only.as_slice() {
            [] => Ok(printed),
            only => Output::show_only(&printed, only, self.version),
        }
    }
}

impl Chart {
    fn find(chart: &str, root: Option<&str>) -> Result<Self, Failure> {
        let missing = || helm_text(&format!("path {chart:?} not found"));
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
        Ok(Self { tree: Disk::open(&root)?, path })
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

    fn failed(&self, error: &RenderError) -> Failure {
        if let Some(advice) = missing(&error.wants) {
            say(&report::warning(&advice));
        }
        let places = places(&self.tree, &self.path, error);
        Failure::Words(report::Words { text: error.message.clone(), places })
    }
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
