//! What is done in one flight, step by step; [`Road::fill`] says in which order.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::task::{JoinError, JoinSet, spawn_blocking};
use tracing::Instrument;
use tree::Reads;

use super::answers::FactSet;
use super::deps::{Earlier, Trees};
use super::estimate::estimate;
use super::gather::Gathered;
use super::key::Keys;
use super::limit::Permit;
use super::plan::{Part, Plan};
use super::stages::Stages;
use super::{Body, Road};
use crate::error::{Error, Kind, Result};
use crate::render::{Chance, OrderOrigin, RenderOrder, RenderOutcome, Stop};

/// What became of the earlier results of a request.
pub(super) enum Reuse {
    /// One still holds.
    Held(Body),
    /// None does.
    Missed(Earlier),
}

/// The right to render now, and until when.
pub(super) struct Turn<'a> {
    pub(super) permit: Permit,
    pub(super) stop: &'a Stop,
    /// What earlier renders read.
    pub(super) earlier: &'a Earlier,
}

impl<S: Stages> Road<S> {
    /// What the exact request came to before, unless the caller does not want to know.
    pub(super) async fn recall(&self, plan: &Plan, keys: Keys) -> Option<Result<Body>> {
        if plan.fresh { None } else { self.answers.load(&keys.exact).await }
    }

    /// The same once more, for the flight: another one may have landed since its first caller looked.
    pub(super) async fn recall_again(&self, plan: &Plan, keys: Keys) -> Option<Result<Body>> {
        if plan.fresh { None } else { self.answers.load_again(&keys.exact).await }
    }

    /// The files of every source, opened side by side; what is pinned to the same is opened once.
    pub(super) async fn open(self: &Arc<Self>, plan: &Plan) -> Result<Trees> {
        let mut places = HashMap::new();
        let mut opening = JoinSet::new();
        let mut order = Vec::with_capacity(plan.parts.len());
        for Part { pinned, .. } in &plan.parts {
            let next = places.len();
            let name = (&pinned.identity, &pinned.revision, pinned.scope);
            let place = *places.entry(name).or_insert_with(|| {
                let (road, pinned) = (Arc::clone(self), pinned.clone());
                let open = async move { (next, road.stages.open(&pinned).await) };
                opening.spawn(open.in_current_span());
                next
            });
            order.push(place);
        }
        let mut opened = vec![None; places.len()];
        while let Some(tree) = opening.join_next().await {
            let (place, tree) = tree.map_err(|broken| broke_off(&broken))?;
            opened[place] = Some(tree);
        }
        order.into_iter().filter_map(|place| opened[place].clone()).collect()
    }

    /// The earlier results of the request; none where it must not use them.
    pub(super) async fn earlier(&self, plan: &Plan, keys: Keys) -> Earlier {
        if plan.fresh { Earlier::default() } else { Earlier::load(&self.answers, &keys.reuse).await }
    }

    /// An earlier result that still holds for these trees, or why there is none. A result that holds is kept as the
    /// answer to the exact request too, unless it is made of parts whose names may stand for something else tomorrow.
    pub(super) async fn reuse(
        self: &Arc<Self>,
        plan: &Arc<Plan>,
        keys: Keys,
        gathered: &Gathered,
        mut earlier: Earlier,
    ) -> Result<Reuse> {
        let mut from = 0;
        while from < earlier.sets.len() {
            let (plan, trees) = (Arc::clone(plan), Arc::clone(&gathered.trees));
            let check = move || earlier.first_holding(from, &plan, &trees).map(|held| (earlier, held));
            let held;
            (earlier, held) = self.look(check).await??;
            let Some(at) = held else { break };
            if let Some(body) = self.hold(keys, &earlier, at, gathered.is_elsewhere()).await {
                return Ok(Reuse::Held(body));
            }
            earlier.gone(at);
            from = at + 1;
        }
        Ok(Reuse::Missed(earlier))
    }

    /// The manifests of the set that holds, if they are still there; it becomes the newest.
    async fn hold(&self, keys: Keys, earlier: &Earlier, at: usize, elsewhere: bool) -> Option<Body> {
        let set = &earlier.sets[at];
        let body = self.answers.load_body(set.body).await?;
        if !elsewhere {
            self.answers.keep_name(&keys.exact, set.body).await;
        }
        if at > 0 {
            self.answers.keep_facts(&keys.reuse, set, &earlier.sets).await;
        }
        Some(body)
    }

    /// Waits for the turn to render.
    pub(super) async fn queue(&self, plan: &Arc<Plan>, trees: &Trees) -> Result<Permit> {
        let tenant = plan.tenant();
        let (plan, trees) = (Arc::clone(plan), Arc::clone(trees));
        let guess = self.look(move || {
            let rendered = plan.parts.iter().zip(trees.iter()).filter(|(part, _)| !part.only_lends);
            rendered.map(|(part, tree)| estimate(tree.as_ref(), &part.path)).fold(0, u64::saturating_add)
        });
        self.limit.enter(&tenant, guess.await?).await
    }

    /// Renders every source, with the permit for as long as it takes.
    pub(super) async fn make(
        self: &Arc<Self>,
        plan: &Arc<Plan>,
        keys: Keys,
        gathered: &Gathered,
        Turn { permit, stop, earlier }: Turn<'_>,
    ) -> Result<RenderOutcome> {
        let time = self.rules.budgets.time;
        let chance = Chance { of: keys.reuse, now: now() };
        let order = gathered.order(plan, self.rules.budgets, chance, stop.within(time));
        let earlier = earlier.sets.first().map(|set| set.reads.clone()).unwrap_or_default();
        let order = RenderOrder { origin: OrderOrigin { earlier, ..plan.origin(keys) }, ..order };
        let (road, span) = (Arc::clone(self), tracing::Span::current());
        let render = spawn_blocking(move || {
            let _permit = permit;
            span.in_scope(|| road.stages.render(&order))
        });
        // An engine looks at its flag often. One that does not is given a quarter more; then its callers are told, and
        // it keeps its permit for as long as it really runs.
        match tokio::time::timeout(time + time / 4, render).await {
            Ok(made) => made.map_err(|broken| broke_off(&broken))?,
            Err(_) => Err(Error::new(Kind::Deadline, "rendering took longer than its time limit")),
        }
    }

    /// Keeps what was made, or that it always fails. What was made of parts that lie `elsewhere` is kept with its facts
    /// only: the request itself does not say what they are.
    pub(super) async fn keep(
        &self,
        keys: Keys,
        made: Result<RenderOutcome>,
        earlier: &Earlier,
        elsewhere: bool,
    ) -> Result<Body> {
        match made {
            Ok(RenderOutcome { body, renderers, reads }) => {
                renderers.iter().for_each(|renderer| self.stats.rendered(renderer));
                let id = self.answers.keep_body(&body).await;
                if !elsewhere {
                    self.answers.keep_name(&keys.exact, id).await;
                }
                let set = FactSet { body: id, reads };
                if set.reads.iter().all(Reads::can_hold) {
                    self.answers.keep_facts(&keys.reuse, &set, &earlier.sets).await;
                }
                Ok(body)
            }
            Err(error) => {
                self.stats.render_failed();
                if !elsewhere {
                    self.answers.keep_error(&keys.exact, &error).await;
                }
                Err(error)
            }
        }
    }

    /// Runs something short that reads trees, so many at a time.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let _place = self.looks.acquire().await;
        spawn_blocking(look).await.map_err(|broken| broke_off(&broken))
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

pub(super) fn broke_off(broken: &JoinError) -> Error {
    if broken.is_panic() {
        return Error::new(
            Kind::Internal,
            "answering the request broke off because of a mistake in manifestd",
        );
    }
    Error::new(Kind::Unavailable, "the server is shutting down").help("try again")
}
