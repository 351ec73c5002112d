//! The stages of the road that lie in other modules. One trait, so that tests can count, hold up and break each of
//! them; one implementation, the service's own.

use std::future::Future;
use std::sync::Arc;

use tree::Tree;

use crate::error::Result;
use crate::render::{RenderOrder, RenderOutcome, Want};
use crate::request::Source;
use crate::source::{Part, Pinned};

/// Resolving, opening and rendering.
pub trait Stages: Send + Sync + 'static {
    /// Every source pinned, in order; each repository and revision is resolved once.
    fn pin(
        &self,
        sources: &[Source],
        no_revision_cache: bool,
    ) -> impl Future<Output = Result<Vec<Pinned>>> + Send;

    /// The files of a pinned source.
    fn open(&self, pinned: &Pinned) -> impl Future<Output = Result<Arc<dyn Tree>>> + Send;

    /// What rendering the source at `at` needs that is neither in the trees nor mounted. Blocks.
    fn wants(&self, order: &RenderOrder, at: usize) -> Result<Vec<Want>>;

    /// What a want names, for a request of these sources.
    fn part(
        &self,
        want: &Want,
        beside: &[Pinned],
        no_revision_cache: bool,
    ) -> impl Future<Output = Result<Part>> + Send;

    /// Renders every source of an order. Blocks.
    fn render(&self, order: &RenderOrder) -> Result<RenderOutcome>;

    /// Fails for a request of this exact key whose render ended a process lately.
    fn check_refused(&self, _key: &[u8; 32]) -> Result<()> {
        Ok(())
    }

    /// The engines and the versions they behave like: equal profiles give equal manifests.
    fn profile(&self) -> String;
}
