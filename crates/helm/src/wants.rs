//! Which dependencies of a loaded chart are not there: what somebody would have to fetch.

use std::fmt;

use crate::chart::Chart;

/// A dependency that `Chart.yaml` lists and that is neither in `charts/` nor, by `file://`, in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The chart that lists it, by the names from the root on: `web`, `web/charts/db`.
    pub chart: String,
    /// `name`
    pub name: String,
    /// `version`: a constraint.
    pub version: String,
    /// `repository` as it is written; it may hold a password.
    pub repository: String,
    /// `alias`
    pub alias: String,
    /// Why a `file://` repository did not lead to it.
    pub why: Option<String>,
}

/// The dependencies that are missing; helm refuses a chart that has any, also those that conditions turn off. Vendored
/// charts may lack their own, as in helm; charts that were loaded for a `file://` dependency may not.
#[must_use]
pub fn wants(chart: &Chart) -> Vec<Want> {
    let mut wants = Vec::new();
    collect(chart, &chart.metadata.name, &mut wants);
    wants
}

fn collect(chart: &Chart, path: &str, wants: &mut Vec<Want>) {
    let loaded = |name: &str| chart.dependencies.iter().any(|loaded| loaded.metadata.name == name);
    for entry in chart.metadata.dependencies.iter().flatten().filter(|entry| !loaded(&entry.name)) {
        let refusal = chart.refusals.iter().find(|refusal| refusal.name == entry.name);
        wants.push(Want {
            chart: path.to_owned(),
            name: entry.name.clone(),
            version: entry.version.clone(),
            repository: entry.repository.clone(),
            alias: entry.alias.clone(),
            why: refusal.map(|refusal| refusal.why.clone()),
        });
    }
    for dependency in chart.dependencies.iter().filter(|dependency| dependency.is_local) {
        collect(dependency, &format!("{path}/charts/{}", dependency.metadata.name), wants);
    }
}

impl fmt::Display for Want {
    /// Which, from where, and why not; without what may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if !self.version.is_empty() {
            write!(f, " {}", self.version)?;
        }
        write!(f, " of {} from {}", self.chart, origin(&self.repository))?;
        self.why.as_ref().map_or(Ok(()), |why| write!(f, " ({why})"))
    }
}

fn origin(repository: &str) -> String {
    match repository.split_once("://") {
        None if repository.is_empty() => "charts/".to_owned(),
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}://{host}/{path}")
        }
        None => repository.to_owned(),
    }
}
