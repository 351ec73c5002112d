//! The road of one request: resolve, key, cache, flight, open, reuse, gather, permit, render, finish, cache.
//!
//! [`Pipeline::render`] is what each caller goes through; `Road::fill` is what is done once for all callers who want
//! the same at the same time.

mod answers;
mod clock;
mod deps;
mod estimate;
mod flight;
pub mod gather;
mod key;
mod limit;
mod plan;
mod service;
mod slots;
mod stages;
mod stats;
mod work;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::available_parallelism;
use std::time::Duration;

use cache::Cache;
use tokio::sync::Semaphore;

use crate::error::Result;
use crate::render::{Budgets, Stop};
use crate::request::{Answered, RenderRequest, Rendered};

pub use crate::render::Body;
pub use limit::{Replies, ReplyRoom};
pub use service::Service;
pub use slots::extra_renders;
pub use stages::Stages;
pub use stats::{RENDERERS, Reading};

use answers::Answers;
use clock::{Clock, Timings};
use flight::{Flights, Landed};
use gather::{Gathered, PartSearch};
use key::{Keys, Rules};
use limit::Limit;
use plan::Plan;
use slots::Slots;
use stats::Stats;
use work::{Reuse, Turn};

/// What the pipeline is told by configuration.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Renders at once.
    pub parallelism: usize,
    /// Renders more, for repositories that would wait for the long renders of others.
    pub extra_parallelism: usize,
    /// Memory all renders together may take, by a guess from the sizes of their inputs.
    pub render_memory_bytes: u64,
    /// How long a result may be used.
    pub cache_expiration: Duration,
    /// How long an error that follows from the inputs alone may be used.
    pub error_cache_expiration: Duration,
    /// What one render may use up.
    pub budgets: Budgets,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Rendering is all computing: more at once than there are cores would only make each slower.
            parallelism: cores(),
            extra_parallelism: extra_renders(cores()),
            // Four charts of the largest public size at once.
            render_memory_bytes: 1 << 30,
            // An entry never becomes wrong: this bounds how long it is kept for nothing.
            cache_expiration: Duration::from_secs(24 * 60 * 60),
            // Spares a failing application's every retry, and is soon over after a mend elsewhere.
            error_cache_expiration: Duration::from_secs(60),
            budgets: Budgets::default(),
        }
    }
}

/// Answers render requests. Cheap to clone; clones share everything.
pub struct Pipeline<S = Service>(Arc<Road<S>>);

impl<S> Clone for Pipeline<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Everything a request meets on its way.
struct Road<S> {
    stages: S,
    rules: Rules,
    answers: Answers,
    flights: Flights<Filled>,
    limit: Limit,
    /// Looking at trees without rendering takes a thread for a moment; so many of them at once.
    looks: Semaphore,
    /// Looks for parts that lie elsewhere parse files, which may take as long as a render: they wait among themselves.
    searches: Slots,
    stats: Stats,
}

/// What a flight brings to everybody who waits for it.
#[derive(Clone, Debug)]
struct Filled {
    body: Body,
    answered: Answered,
    timings: Timings,
}

impl<S: Stages> Pipeline<S> {
    /// A pipeline over these stages that keeps its results in `cache`.
    #[must_use]
    pub fn new(settings: Settings, stages: S, cache: Cache) -> Self {
        let Settings {
            parallelism,
            extra_parallelism,
            render_memory_bytes,
            cache_expiration,
            error_cache_expiration,
            budgets,
        } = settings;
        Self(Arc::new(Road {
            rules: Rules { profile: stages.profile(), budgets },
            stages,
            answers: Answers::new(cache, cache_expiration, error_cache_expiration),
            flights: Flights::new(),
            limit: Limit::new(parallelism, extra_parallelism, render_memory_bytes),
            looks: Semaphore::new(2 * cores()),
            searches: Slots::new(parallelism, extra_parallelism),
            stats: Stats::default(),
        }))
    }

    /// Answers one request. A caller's deadline is a timeout around this future: dropping it is leaving, and changes
    /// nothing for others who wait for the same.
    ///
    /// # Errors
    /// What the sources, the engines and the limits say; see [`crate::error::Kind`].
    pub async fn render(&self, request: RenderRequest) -> Result<Rendered> {
        self.0.stats.answered(self.answer(request).await)
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> Reading {
        let gauges = self.0.limit.gauges();
        Reading {
            waiting: gauges.waiting.load(Ordering::Relaxed),
            running: gauges.running.load(Ordering::Relaxed),
            refused: gauges.refused.load(Ordering::Relaxed),
            flights: self.0.flights.count() as u64,
            ..self.0.stats.read()
        }
    }

    /// The cache the results are kept in, for its counters.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        self.0.answers.cache()
    }

    /// The stages, for what else they can do.
    #[must_use]
    pub fn stages(&self) -> &S {
        &self.0.stages
    }

    async fn answer(&self, request: RenderRequest) -> Result<Rendered> {
        let road = &self.0;
        let mut clock = Clock::default();
        let arrival = road.flights.arrive(request.no_cache);
        let pins = road.stages.pin(&request.sources, request.no_revision_cache);
        let pinned = clock.time("resolve", pins).await?;
        let plan = Arc::new(Plan::new(request, pinned)?);
        let keys = Keys::new(&plan, &road.rules);
        if let Some(known) = clock.time("cache", road.recall(&plan, keys)).await {
            return Ok(rendered(&plan, known?, Answered::Cache, clock.timings()));
        }
        road.stages.check_refused(&keys.exact)?;
        let fill = |stop| Arc::clone(road).fill(Arc::clone(&plan), keys, stop);
        let landed = clock.time("wait", road.flights.join(keys.flight(&plan), arrival, fill)).await;
        let Landed { result, began } = landed;
        let Filled { body, answered, timings } = result?;
        // The stages of a flight are told once, by the one who began it; to the others they were all waiting.
        let timings = if began { clock.instead_of_last(timings) } else { clock.timings() };
        Ok(rendered(&plan, body, answered, timings))
    }
}

fn rendered(plan: &Plan, body: Body, answered: Answered, timings: Timings) -> Rendered {
    Rendered { body, revisions: plan.revisions(), answered, timings }
}

impl<S: Stages> Road<S> {
    /// The work of one flight, on behalf of everybody who waits for it.
    async fn fill(self: Arc<Self>, plan: Arc<Plan>, keys: Keys, stop: Stop) -> Result<Filled> {
        let mut clock = Clock::default();
        if let Some(known) = self.recall_again(&plan, keys).await {
            return Ok(Filled { body: known?, answered: Answered::Cache, timings: Vec::new() });
        }
        let trees = clock.time("open", self.open(&plan)).await?;
        let earlier = self.earlier(&plan, keys).await;
        let mut gathered = Gathered::nothing(&trees);
        let search = PartSearch { plan: &plan, keys, stop: &stop };
        if earlier.looked_elsewhere() {
            gathered = clock.time("gather", self.gather(search, &trees)).await?;
        }
        let earlier = match clock.time("reuse", self.reuse(&plan, keys, &gathered, earlier)).await? {
            Reuse::Held(body) => {
                return Ok(Filled { body, answered: Answered::Reuse, timings: clock.timings() });
            }
            Reuse::Missed(earlier) => earlier,
        };
        if !earlier.looked_elsewhere() {
            gathered = clock.time("gather", self.gather(search, &trees)).await?;
        }
        let elsewhere = gathered.is_elsewhere();
        let permit = clock.time("queue", self.queue(&plan, &trees)).await?;
        let turn = Turn { permit, stop: &stop, earlier: &earlier };
        let made = clock.time("render", self.make(&plan, keys, &gathered, turn)).await;
        let body = clock.time("keep", self.keep(keys, made, &earlier, elsewhere)).await?;
        let answered = Answered::Rendered { because: earlier.because };
        Ok(Filled { body, answered, timings: clock.timings() })
    }
}

fn cores() -> usize {
    available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests;
