//! Medians, percentiles and sizes in a person's units.

use std::fmt;
use std::time::Duration;

/// Durations, sorted.
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(super) fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The duration that `percent` of them do not exceed; zero when there is none.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    pub(super) fn median(&self) -> Duration {
        self.percentile(50)
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p90, p99, p100] = [50, 90, 99, 100].map(|percent| Millis(self.percentile(percent)));
        write!(f, "p50 {p50}, p90 {p90}, p99 {p99}, max {p100}")
    }
}

/// Prints as milliseconds.
pub(super) struct Millis(pub(super) Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ms", self.0.as_secs_f64() * 1e3)
    }
}

/// Prints as megabytes of 10⁶ bytes.
pub(super) struct Megabytes(pub(super) u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "a size for people to read")]
        let bytes = self.0 as f64;
        write!(f, "{:.1} MB", bytes / 1e6)
    }
}

/// The middle value; zero when there is none.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let latencies = Latencies::new((1..=200).rev().map(Duration::from_millis).collect());
        let got = [50, 90, 99, 100].map(|percent| latencies.percentile(percent).as_millis());
        assert_eq!(got, [100, 180, 198, 200]);
        assert_eq!(Latencies::new(Vec::new()).median(), Duration::ZERO);
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_string(), "2");
    }
}
