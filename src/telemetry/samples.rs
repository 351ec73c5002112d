//! Numbers that other parts count themselves, read when metrics are asked for.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// One number as it stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The name, without `manifestd_` and `_total`.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// Whether it only grows; else it goes up and down.
    pub grows: bool,
    /// The number.
    pub value: u64,
    /// One label and its value; samples of one name stand together.
    pub label: Option<(&'static str, &'static str)>,
}

impl Sample {
    /// A number that only grows.
    #[must_use]
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { name, help, grows: true, value, label: None }
    }

    /// A number that goes up and down.
    #[must_use]
    pub fn gauge(name: &'static str, help: &'static str, value: u64) -> Self {
        Self { grows: false, ..Self::counter(name, help, value) }
    }

    /// The same number of one among several.
    #[must_use]
    pub fn of(self, label: &'static str, value: &'static str) -> Self {
        Self { label: Some((label, value)), ..self }
    }
}

/// Where samples come from.
pub(super) type Reader = Arc<dyn Fn() -> Vec<Sample> + Send + Sync>;

/// Reads samples at every scrape.
pub(super) struct Samples(pub(super) Reader);

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Samples")
    }
}

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let samples = (self.0)();
        samples.chunk_by(|one, next| one.name == next.name).try_for_each(|family| {
            let first = family[0];
            let kind = if first.grows { MetricType::Counter } else { MetricType::Gauge };
            let metric = encoder.encode_descriptor(first.name, first.help, None, kind)?;
            encode_family(family, metric)
        })
    }
}

fn encode_family(family: &[Sample], mut metric: MetricEncoder<'_>) -> fmt::Result {
    if let [Sample { label: None, .. }] = family {
        return encode(&family[0], metric);
    }
    let labelled = family.iter().filter_map(|sample| Some((sample, sample.label?)));
    labelled.into_iter().try_for_each(|(sample, label)| encode(sample, metric.encode_family(&[label])?))
}

fn encode(sample: &Sample, encoder: MetricEncoder<'_>) -> fmt::Result {
    if sample.grows {
        ConstCounter::new(sample.value).encode(encoder)
    } else {
        ConstGauge::new(i64::try_from(sample.value).unwrap_or(i64::MAX)).encode(encoder)
    }
}
