//! The stages as the service has them: sources from git, engines in process.

use std::sync::Arc;

use tree::Tree;

use super::stages::Stages;
use crate::error::Result;
use crate::render::worker::{self, WorkerPool};
use crate::render::{Engines, Isolation, RenderOrder, RenderOutcome, Want, jsonnet, render, wants};
use crate::request::Source;
use crate::source::{Part, PartName, Pinned, Sources};

/// Where sources come from and what renders them.
pub struct Service {
    sources: Arc<Sources>,
    engines: Engines,
    isolation: Isolation,
}

impl Service {
    /// These sources, rendered by these engines: in this process or in workers.
    #[must_use]
    pub fn new(sources: impl Into<Arc<Sources>>, engines: Engines, isolation: Isolation) -> Self {
        Self { sources: sources.into(), engines, isolation }
    }

    /// Where sources come from, for what is asked of them besides rendering.
    #[must_use]
    pub fn sources(&self) -> &Arc<Sources> {
        &self.sources
    }

    /// The workers, if there are any.
    #[must_use]
    pub fn workers(&self) -> Option<&WorkerPool> {
        match &self.engines.jsonnet {
            jsonnet::Evaluation::InWorker(pool) => Some(pool),
            jsonnet::Evaluation::Here => None,
        }
    }

    /// Starts the workers that renders will need, if they run in workers. Blocks.
    ///
    /// # Errors
    /// When a worker cannot be started.
    pub fn warm_up(&self) -> Result<()> {
        match (self.isolation, self.workers()) {
            (Isolation::Process, Some(pool)) => pool.warm_up(),
            _ => Ok(()),
        }
    }
}

impl Stages for Service {
    async fn pin(&self, sources: &[Source], no_revision_cache: bool) -> Result<Vec<Pinned>> {
        self.sources.pin(sources, no_revision_cache).await
    }

    async fn open(&self, pinned: &Pinned) -> Result<Arc<dyn Tree>> {
        self.sources.open(pinned).await
    }

    fn wants(&self, order: &RenderOrder, at: usize) -> Result<Vec<Want>> {
        match self.isolation {
            Isolation::None => wants(&order.unrecorded_job(at), &self.engines),
            Isolation::Process => worker::wants(order, at, &self.engines),
        }
    }

    async fn part(&self, want: &Want, beside: &[Pinned], no_revision_cache: bool) -> Result<Part> {
        let name = PartName { file: want.file.clone(), repository: want.repository.clone() };
        self.sources.part(&name, beside, no_revision_cache).await
    }

    fn render(&self, order: &RenderOrder) -> Result<RenderOutcome> {
        match self.isolation {
            Isolation::None => order.run(|job| render(job, &self.engines)),
            Isolation::Process => worker::render(order, &self.engines),
        }
    }

    fn check_refused(&self, key: &[u8; 32]) -> Result<()> {
        worker::check_refused(key, &self.engines)
    }

    /// All settings of the engines, whatever they are: one that is added later is in the key by itself.
    fn profile(&self) -> String {
        format!("manifestd {} {:?}", env!("CARGO_PKG_VERSION"), self.engines)
    }
}
