//! Dependencies of `repository: file://…` that are not vendored: loaded from the tree, without a build step.
//!
//! What `helm dependency build` would pack into `charts/`, by its rules (helm `pkg/downloader`): the path counts from
//! the chart's folder, the version must fit, a vendored chart of that name comes first. Unlike there, a chart that was
//! loaded so gets its own dependencies too, as if it had been built before.

use std::collections::HashMap;
use std::sync::Arc;

use tree::{Kind, TreePath};

use crate::chart::{Chart, Dependency, Refusal};
use crate::load::{LoadError, Loader};

/// How long a chain of such dependencies may be.
const MAX_CHAIN: usize = 20;

/// Loads what is not vendored, and what that needs in turn; each chart once.
pub(crate) struct Local<'l, 't> {
    loader: &'l Loader<'t>,
    /// The folders of the charts that are being completed, outermost first.
    above: Vec<TreePath>,
    loaded: HashMap<TreePath, Arc<Chart>>,
}

impl<'l, 't> Local<'l, 't> {
    pub(crate) fn new(loader: &'l Loader<'t>) -> Self {
        Self { loader, above: Vec::new(), loaded: HashMap::new() }
    }

    /// Adds to the chart of `folder` the dependencies that lie elsewhere in the tree; notes why one could not be.
    pub(crate) fn complete(&mut self, chart: &mut Chart, folder: &TreePath) -> Result<(), LoadError> {
        let vendored: Vec<String> =
            chart.dependencies.iter().map(|dependency| dependency.metadata.name.clone()).collect();
        let mut found: Vec<TreePath> = Vec::new();
        self.above.push(folder.clone());
        for entry in chart.metadata.dependencies.iter().flatten() {
            let Some(path) = entry.repository.strip_prefix("file://") else { continue };
            if vendored.contains(&entry.name) {
                continue;
            }
            match self.find(folder, path, entry)? {
                Ok((at, dependency)) => {
                    if !found.contains(&at) {
                        chart.dependencies.push(dependency);
                        found.push(at);
                    }
                }
                Err(why) => chart.refusals.push(Refusal { name: entry.name.clone(), why }),
            }
        }
        self.above.pop();
        Ok(())
    }

    /// The chart that an entry names, and where it lies; or why it will not do.
    fn find(
        &mut self,
        folder: &TreePath,
        path: &str,
        entry: &Dependency,
    ) -> Result<Result<(TreePath, Arc<Chart>), String>, LoadError> {
        let Ok(at) = folder.join(path) else {
            return Ok(Err("its path leads out of the tree".to_owned()));
        };
        if tree::kind_of(self.loader.tree, &at)? != Some(Kind::Folder) {
            return Ok(Err(format!("there is no folder {at}")));
        }
        if self.above.contains(&at) {
            return Ok(Err(format!("{at} depends on itself")));
        }
        if self.above.len() > MAX_CHAIN {
            return Ok(Err(format!("more than {MAX_CHAIN} charts lead to it, one through the other")));
        }
        let chart = self.load(&at, &entry.name)?;
        Ok(unfit(&chart, &at, entry).map_or(Ok((at, chart)), Err))
    }

    fn load(&mut self, at: &TreePath, name: &str) -> Result<Arc<Chart>, LoadError> {
        if let Some(chart) = self.loaded.get(at) {
            return Ok(chart.clone());
        }
        let mut chart = self.loader.load_folder(at).map_err(|error| match error {
            LoadError::Chart(message) => {
                LoadError::Chart(format!("cannot load the dependency {name} from {at}: {message}"))
            }
            error => error,
        })?;
        chart.is_local = true;
        self.complete(&mut chart, at)?;
        let chart = Arc::new(chart);
        self.loaded.insert(at.clone(), chart.clone());
        Ok(chart)
    }
}

/// Why a chart is not what an entry asks for.
fn unfit(chart: &Chart, at: &TreePath, entry: &Dependency) -> Option<String> {
    let (name, version) = (&chart.metadata.name, &chart.metadata.version);
    if *name != entry.name {
        return Some(format!("the chart in {at} is called {name}"));
    }
    let Ok(constraint) = semver::Constraint::parse(&entry.version) else {
        return Some(format!("{:?} is no version constraint", entry.version));
    };
    let fits = semver::Version::parse(version).is_ok_and(|version| constraint.allows(&version));
    (!fits).then(|| format!("the chart in {at} has version {version}"))
}
