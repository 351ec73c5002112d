//! Kustomizations in process: the native engine behind [`Engine::Native`](super::Engine). The options that edit a
//! kustomization (`edit/`) are the same for both engines.

mod charts;
mod edit;
mod failure;
mod remotes;

use std::cell::RefCell;
use std::sync::Arc;

use ::kustomize::{HelmOptions, KustomizeVersion, Limits, LoadRestrictor, Options, Output, Parsed, Reorder};
use bytes::Bytes;
use tree::TreePath;

use super::documents::Printed;
use super::{Engines, Job, document_limits, helm, on_stack, release};
use crate::error::Result;
use crate::request::KustomizeOptions;

pub use ::kustomize::Mounted;
pub(crate) use charts::{Charts, Found};
pub(crate) use edit::edited;
pub use remotes::{Remotes, Want};

pub(super) use remotes::missing;

/// What parsed files may take in memory: those of a repository of some hundred overlays, several times over.
pub(crate) const PARSED_BYTES: u64 = 48 << 20;

/// How kustomizations are built in process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The version of kustomize to be equal to, where a request does not say.
    version: KustomizeVersion,
    /// Files that builds share once they are parsed.
    parsed: Arc<Parsed>,
}

impl Settings {
    /// Kustomizations are built as this version does, unless a request says another.
    #[must_use]
    pub fn new(version: KustomizeVersion) -> Self {
        Self { version, parsed: Arc::new(Parsed::new(PARSED_BYTES)) }
    }

    /// The version to be equal to, where a request does not say.
    pub(in crate::render) fn version(&self) -> KustomizeVersion {
        self.version
    }

    /// The same for another version, sharing what is parsed.
    pub(in crate::render) fn with_version(&self, version: KustomizeVersion) -> Self {
        Self { version, parsed: Arc::clone(&self.parsed) }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(KustomizeVersion::default())
    }
}

/// What paths in messages begin with: the root of the repository, as with the program.
const ROOT: &str = ".";

/// Builds the kustomization in `folder`, which leads through no link; charts are rendered as the settings of helm say.
///
/// # Errors
/// Kustomize's text ([`Kind::Invalid`](crate::error::Kind::Invalid)); what is not in the repository, and what is never
/// run ([`Kind::Precondition`](crate::error::Kind::Precondition)); a budget that is used up; a tree that cannot answer.
pub(super) fn kustomize(
    job: &Job,
    folder: &TreePath,
    engines: &Engines,
    options: &KustomizeOptions,
) -> Result<Printed> {
    let build = Build { job, folder, engines, options };
    let (output, found) = on_stack(|| build.run())??;
    build.note(&found);
    let warned = output
        .warnings()
        .iter()
        .map(|line| line.trim_start_matches("# ").trim_start_matches("Warning:").trim());
    let mut warnings: Vec<_> = warned.filter(|line| !line.is_empty()).map(str::to_owned).collect();
    warnings.extend(found.warnings());
    Ok(Printed { documents: Bytes::from(output.text()), warnings })
}

/// How files are read and in which order resources come out; no charts.
fn reading<'o>(
    job: &Job,
    options: &KustomizeOptions,
    settings: &'o Settings,
    stop: &'o dyn Fn() -> bool,
) -> Options<'o> {
    let bytes = job.budgets.export_bytes;
    let yaml = document_limits(usize::try_from(bytes).unwrap_or(usize::MAX));
    Options {
        version: options.version.unwrap_or(settings.version),
        reorder: if options.reorder_none { Reorder::None } else { Reorder::Unspecified },
        load_restrictor: match options.load_restrictions_none {
            true => LoadRestrictor::None,
            false => LoadRestrictor::RootOnly,
        },
        display_root: ROOT,
        remotes: (*job.remotes).clone(),
        parsed: Some(&settings.parsed),
        limits: Limits { bytes, yaml, ..Limits::default() },
        stop,
        ..Options::default()
    }
}

/// One kustomization with its options.
struct Build<'a> {
    job: &'a Job,
    folder: &'a TreePath,
    engines: &'a Engines,
    options: &'a KustomizeOptions,
}

impl Build<'_> {
    fn run(&self) -> Result<(Output, Found)> {
        let (job, helm_settings) = (self.job, &self.engines.native_helm);
        let stop = || job.stop.check().is_err();
        let charts = Charts {
            version: helm_settings.version,
            seed: helm_settings.seed_key.seed(&job.chance.of),
            now: job.chance.now,
            limits: helm::limits(&job.budgets),
            stop: &stop,
            found: RefCell::default(),
        };
        let kube_version = self.kube_version()?;
        let helm = HelmOptions {
            renderer: &charts,
            kube_version: &kube_version,
            api_versions: &job.api_versions,
            debug: false,
        };
        let options = Options {
            helm: Some(helm).filter(|_| self.options.enable_helm),
            ..reading(job, self.options, &self.engines.native_kustomize, &stop)
        };
        let output = ::kustomize::build(&*job.tree, self.folder, &options);
        let output = output.map_err(|error| failure::failed(job, &error))?;
        Ok((output, charts.found.into_inner()))
    }

    /// The version for charts, as they are given it; empty for none.
    fn kube_version(&self) -> Result<String> {
        let version = self.job.kube_version.as_deref().filter(|version| !version.is_empty());
        let version = version.filter(|_| self.options.enable_helm);
        version.map_or_else(|| Ok(String::new()), release::kube_version)
    }

    /// Records what of the cluster the charts looked at.
    fn note(&self, found: &Found) {
        found.looked.iter().for_each(|looked| helm::note(self.job, looked));
    }
}
