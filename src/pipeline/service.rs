//! The stages as the service has them: sources from git, engines in process.

use std::sync::Arc;

use tree::Tree;

use super::stages::Stages;
use crate::error::Result;
use crate::render::{Engines, Job, Want, render, wants};
use crate::request::{Manifests, Source};
use crate::source::{Part, PartName, Pinned, Sources};

/// Where sources come from and what renders them.
pub struct Service {
    sources: Arc<Sources>,
    engines: Engines,
}

impl Service {
    /// These sources, rendered by these engines.
    #[must_use]
    pub fn new(sources: impl Into<Arc<Sources>>, engines: Engines) -> Self {
        Self { sources: sources.into(), engines }
    }

    /// Where sources come from, for what is asked of them besides rendering.
    #[must_use]
    pub fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }
}

impl Stages for Service {
    async fn pin(&self, sources: &[Source], no_revision_cache: bool) -> Result<Vec<Pinned>> {
        self.sources.pin(sources, no_revision_cache).await
    }

    async fn open(&self, pinned: &Pinned) -> Result<Arc<dyn Tree>> {
        self.sources.open(pinned).await
    }

    fn wants(&self, job: &Job) -> Result<Vec<Want>> {
        wants(job, &self.engines)
    }

    async fn part(&self, want: &Want, beside: &[Pinned], no_revision_cache: bool) -> Result<Part> {
        let name = PartName { file: want.file.clone(), repository: want.repository.clone() };
        self.sources.part(&name, beside, no_revision_cache).await
    }

    fn render(&self, job: &Job) -> Result<Manifests> {
        render(job, &self.engines)
    }

    /// All settings of the engines, whatever they are: one that is added later is in the key by itself.
    fn profile(&self) -> String {
        format!("manifestd {} {:?}", env!("CARGO_PKG_VERSION"), self.engines)
    }
}
