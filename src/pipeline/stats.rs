//! What the pipeline did so far, in plain numbers; `telemetry` is given them at every scrape.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::request::{Answered, Rendered};

/// The renderers that are counted, in the order of [`Reading::renders`].
pub const RENDERERS: [&str; 3] = ["Directory", "Helm", "Kustomize"];

/// The counters as they were at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Requests answered from the cache.
    pub cache: u64,
    /// Requests answered by an earlier result that still held.
    pub reuse: u64,
    /// Requests answered by rendering, those included that waited for another's render.
    pub rendered: u64,
    /// Requests that failed, for whatever reason; those given up by their callers are not among them.
    pub failed: u64,
    /// Sources rendered, by renderer, successfully or not known to be otherwise: see [`RENDERERS`].
    pub renders: [u64; RENDERERS.len()],
    /// Renders that failed.
    pub failed_renders: u64,
    /// Requests that wait for their turn to render.
    pub waiting: u64,
    /// Renders that are running.
    pub running: u64,
    /// Requests refused because too many waited.
    pub refused: u64,
    /// Pieces of work in the air, each for one or more requests.
    pub flights: u64,
}

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Stats {
    cache: AtomicU64,
    reuse: AtomicU64,
    rendered: AtomicU64,
    failed: AtomicU64,
    renders: [AtomicU64; RENDERERS.len()],
    failed_renders: AtomicU64,
}

impl Stats {
    /// Counts an answer, and hands it on.
    pub(super) fn answered(&self, answer: Result<Rendered>) -> Result<Rendered> {
        count(match answer.as_ref().map(|rendered| &rendered.answered) {
            Ok(Answered::Cache) => &self.cache,
            Ok(Answered::Reuse) => &self.reuse,
            Ok(Answered::Rendered { .. }) => &self.rendered,
            Err(_) => &self.failed,
        });
        answer
    }

    pub(super) fn rendered(&self, renderer: &str) {
        if let Some(position) = RENDERERS.iter().position(|known| *known == renderer) {
            count(&self.renders[position]);
        }
    }

    pub(super) fn render_failed(&self) {
        count(&self.failed_renders);
    }

    /// The counters as they are; what others count is left zero.
    pub(super) fn read(&self) -> Reading {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reading {
            cache: read(&self.cache),
            reuse: read(&self.reuse),
            rendered: read(&self.rendered),
            failed: read(&self.failed),
            renders: self.renders.each_ref().map(read),
            failed_renders: read(&self.failed_renders),
            ..Reading::default()
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
