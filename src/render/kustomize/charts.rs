//! The charts of `helmCharts`, through the native Helm engine.

use std::cell::RefCell;

use ::helm::{
    HelmVersion, LookedAt, Message, MessageLog, Output, Printing, Release, RenderError, ValuesOptions,
};
use ::kustomize::{Error, ErrorKind, HelmRenderer, HelmRequest};
use gotmpl::{Cause, Limits};
use tree::TreePath;

use crate::render::helm::{self, DEFAULT_NAME, DEFAULT_NAMESPACE};

/// Renders the charts of one build.
pub(crate) struct Charts<'a> {
    /// The version of helm to be equal to.
    pub(crate) version: HelmVersion,
    /// The seed of functions of chance.
    pub(crate) seed: [u8; 32],
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// Budgets of the templates of one chart.
    pub(crate) limits: Limits,
    /// Says whether to give up.
    pub(crate) stop: &'a dyn Fn() -> bool,
    /// What was found while rendering.
    pub(crate) found: RefCell<Found>,
}

/// What rendering charts found besides documents.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What was looked at of the cluster, a chart after the other.
    pub(crate) looked: Vec<LookedAt>,
    /// What helm warns of.
    warnings: Vec<String>,
    /// Functions of chance and time that were called.
    chances: Vec<&'static str>,
}

impl HelmRenderer for Charts<'_> {
    fn render(&self, request: &HelmRequest<'_>) -> Result<String, Error> {
        let log = MessageLog::new(self.version.profile());
        let output = self.output(request, &log).map_err(|error| failed(request.chart, &error))?;
        let printing = Printing { no_hooks: request.skip_hooks, skip_tests: request.skip_tests };
        let printed = output.print(request.include_crds, printing);
        let warnings = log.take().iter().filter_map(Message::warning).collect();
        self.found.borrow_mut().add(output, warnings);
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }
}

impl Charts<'_> {
    fn output(&self, request: &HelmRequest<'_>, log: &MessageLog) -> Result<Output, RenderError> {
        let chart = ::helm::load(request.tree, request.chart, self.version.profile(), log)?;
        let name = self.name(request)?;
        let files =
            request.values.iter().map(|content| ("values of the kustomization".to_owned(), content.clone()));
        let values = ValuesOptions { files: files.collect(), ..ValuesOptions::default() };
        let release = Release {
            version: self.version,
            name: &name,
            namespace: request.namespace.unwrap_or(DEFAULT_NAMESPACE),
            is_upgrade: false,
            kube_version: request.kube_version,
            api_versions: request.api_versions,
            values: &values,
            skip_schema_validation: false,
            seed: self.seed,
            now: self.now,
            limits: self.limits,
            stop: self.stop,
            raw: false,
        };
        let mut none = |name: &str| Err(format!("open {name}: no such file or directory"));
        release.render(request.tree, &chart, &mut none, log)
    }

    fn name(&self, request: &HelmRequest<'_>) -> Result<String, RenderError> {
        match (request.release_name, request.name_template) {
            (Some(_), Some(_)) => {
                Err(RenderError::from("cannot set --name-template and also specify a name".to_owned()))
            }
            (Some(name), None) => Ok(name.to_owned()),
            (None, Some(template)) => ::helm::release_name(template, self.version, self.seed, self.now),
            (None, None) => Ok(DEFAULT_NAME.to_owned()),
        }
    }
}

impl Found {
    /// What the user should know.
    pub(crate) fn warnings(&self) -> Vec<String> {
        helm::warnings(self.warnings.clone(), &self.chances)
    }

    fn add(&mut self, output: Output, warnings: Vec<String>) {
        self.looked.push(output.looked);
        self.warnings.extend(warnings);
        self.chances.extend(output.chances);
        self.chances.sort_unstable();
        self.chances.dedup();
    }
}

fn failed(chart: &TreePath, error: &RenderError) -> Error {
    if let Some(error) = &error.tree {
        return Error::of_tree(error);
    }
    let kind = match error.cause {
        Cause::Template => ErrorKind::Invalid,
        Cause::Budget | Cause::Stopped => ErrorKind::Limit,
    };
    Error::of(kind, format!("chart '{chart}': {}", error.message))
}
