//! How long the stages of one request took, in the order they ran; each stage is a span of the trace as well.

use std::future::Future;
use std::time::{Duration, Instant};

use tracing::Instrument;

/// Stages and their durations.
pub(super) type Timings = Vec<(&'static str, Duration)>;

/// Times the stages of one request.
#[derive(Debug, Default)]
pub(super) struct Clock(Timings);

impl Clock {
    /// Runs a stage and notes how long it took.
    pub(super) async fn time<T>(&mut self, stage: &'static str, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = work.instrument(tracing::info_span!("stage", name = stage)).await;
        self.0.push((stage, begun.elapsed()));
        done
    }

    /// What has been noted.
    pub(super) fn timings(self) -> Timings {
        self.0
    }

    /// What has been noted, with these in the place of the last.
    pub(super) fn instead_of_last(mut self, timings: Timings) -> Timings {
        self.0.pop();
        self.0.extend(timings);
        self.0
    }
}
