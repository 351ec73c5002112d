//! Charts in process: the native engine behind [`Engine::Native`](super::Engine) and `manifestd template`.
//!
//! `failure.rs` finds the places of failures in the tree, `seed.rs` is where random bytes begin.

mod failure;
mod seed;

use std::collections::HashMap;

use ::helm::{HelmVersion, Message, MessageLog, Printing, Release, ValuesOptions};
use bytes::Bytes;
use tree::TreePath;

use super::documents::Printed;
use super::values::{File, SOURCE};
use super::{Budgets, Job, on_stack, release, values};
use crate::error::{Error, Kind, Result};
use crate::request::HelmOptions;

pub(crate) use failure::{missing, places};
pub use seed::SeedKey;

/// The release name where nobody gives one.
pub(crate) const DEFAULT_NAME: &str = "release-name";

/// The namespace where nobody gives one.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// The bytes that templates may make for each byte they may print: what `include` and `toYaml` yield is made of
/// what others made.
const MADE_PER_PRINTED: u64 = 10;

/// How charts are rendered in process.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The version of helm to be equal to, where a request does not say.
    pub version: HelmVersion,
    /// What seeds are made with.
    pub seed_key: SeedKey,
}

/// Renders the chart in `folder`, which leads through no link.
///
/// # Errors
/// Helm's text, with the place ([`Kind::Invalid`]); a missing dependency ([`Kind::Precondition`]); a budget that is used
/// up; files that do not exist or leave their tree.
pub(super) fn helm(
    job: &Job,
    folder: &TreePath,
    settings: &Settings,
    options: &HelmOptions,
) -> Result<Printed> {
    on_stack(|| Render { job, folder, settings, options }.printed())?
}

/// One chart with its options.
struct Render<'a> {
    job: &'a Job,
    folder: &'a TreePath,
    settings: &'a Settings,
    options: &'a HelmOptions,
}

/// The user's values, and the files that file parameters name.
#[derive(Default)]
struct Values {
    options: ValuesOptions,
    parameter_files: HashMap<String, Bytes>,
    bytes: u64,
}

impl Render<'_> {
    fn printed(&self) -> Result<Printed> {
        let version = self.options.version.unwrap_or(self.settings.version);
        let name = non_empty(release::name(self.job, self.options)?, DEFAULT_NAME);
        let kube_version = self.job.kube_version.as_deref().filter(|version| !version.is_empty());
        let kube_version = kube_version.map(release::kube_version).transpose()?;
        let values = self.values()?;
        let log = MessageLog::new(version.profile());
        let chart = ::helm::load(&*self.job.tree, self.folder, version.profile(), &log);
        let chart = chart.map_err(|error| failure::loading(self.job, self.folder, error))?;
        let release = Release {
            version,
            name,
            namespace: non_empty(release::namespace(self.job, self.options), DEFAULT_NAMESPACE),
            is_upgrade: false,
            kube_version: kube_version.as_deref(),
            api_versions: &self.job.api_versions,
            values: &values.options,
            skip_schema_validation: self.options.skip_schema_validation,
            seed: self.settings.seed_key.seed(&self.job.chance.of),
            now: self.job.chance.now,
            limits: limits(&self.job.budgets),
            stop: &|| self.job.stop.check().is_err(),
            raw: false,
        };
        let mut read = |name: &str| values.parameter(name);
        let output = release.render(&*self.job.tree, &chart, &mut read, &log);
        let said: Vec<String> = log.take().iter().filter_map(Message::warning).collect();
        let output = output.map_err(|error| {
            failure::after_warnings(failure::rendering(self.job, self.folder, &error), &said)
        })?;
        note(self.job, &output.looked);
        let printing = Printing { no_hooks: false, skip_tests: self.options.skip_tests };
        let documents = Bytes::from(output.print(!self.options.skip_crds, printing));
        Ok(Printed { documents, warnings: warnings(said, &output.chances) })
    }

    /// Values files, then the inline values: the later ones win. Then parameters, and those from files.
    fn values(&self) -> Result<Values> {
        let mut values = Values::default();
        for file in values::value_files(self.job, self.folder, self.options)? {
            let content = values.read(self.job, &file)?;
            values.options.files.push((shown(&file), content.to_vec()));
        }
        if !self.options.values.is_empty() {
            let inline = self.options.values.as_bytes().to_vec();
            values.options.files.push(("<inline values>".to_owned(), inline));
        }
        for (force_string, text) in release::parameters(self.options) {
            let to = if force_string { &mut values.options.set_string } else { &mut values.options.set };
            to.push(text);
        }
        for (at, parameter) in self.options.file_parameters.iter().enumerate() {
            let file = values::parameter_file(self.job, self.folder, &parameter.path)?;
            let content = values.read(self.job, &file)?;
            // A name of ours, since helm would split theirs at commas.
            let name = format!("parameter-{at}");
            values.options.set_file.push(format!("{}={name}", parameter.name));
            values.parameter_files.insert(name, content);
        }
        Ok(values)
    }
}

impl Values {
    /// The content of a file, if all of them together are not too large.
    fn read(&mut self, job: &Job, file: &File) -> Result<Bytes> {
        let budget = job.budgets.export_bytes;
        self.bytes = self.bytes.saturating_add(file.tree.size(&file.path)?);
        if self.bytes > budget {
            let message =
                format!("{}: the values files are larger than {budget} bytes together", shown(file));
            return Err(Error::new(Kind::OverBudget, message));
        }
        Ok(file.tree.read(&file.path)?)
    }

    fn parameter(&self, name: &str) -> Result<Vec<u8>, String> {
        let content = self.parameter_files.get(name).map(|content| content.to_vec());
        content.ok_or_else(|| format!("open {name}: no such file or directory"))
    }
}

/// The budgets of templates.
pub(super) fn limits(budgets: &Budgets) -> gotmpl::Limits {
    let bytes = budgets.output_bytes.saturating_mul(MADE_PER_PRINTED);
    gotmpl::Limits { bytes, ..gotmpl::Limits::default() }
}

/// Records what of the cluster was looked at.
pub(super) fn note(job: &Job, looked: &::helm::LookedAt) {
    if looked.kube_version {
        let _ = job.look_at_kube_version();
    }
    if looked.all_api_versions {
        let _ = job.look_at_api_versions();
    }
    looked.api_versions.iter().for_each(|version| job.asked_about_api_version(version));
}

/// What errors call a file.
fn shown(file: &File) -> String {
    if file.area == SOURCE { file.path.to_string() } else { format!("{} of another source", file.path) }
}

fn non_empty<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}

/// What helm warns of, and what it means that functions of chance were called.
pub(crate) fn warnings(mut warnings: Vec<String>, chances: &[&str]) -> Vec<String> {
    if !chances.is_empty() {
        let functions = chances.join(", ");
        warnings.push(format!(
            "the chart uses functions of chance or time ({functions}): what they yield stays the same only as long as \
             the result is kept"
        ));
    }
    warnings
}
