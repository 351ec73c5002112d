//! Prometheus metrics: what the server counts itself, and what it reads from the other parts.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::samples::{Reader, Sample, Samples};

/// From a cached answer on loopback to a render at its time limit.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 120.0];

/// A finished call, as it is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// The method's name, or `unknown`: what a caller makes up does not become a label.
    pub rpc: &'static str,
    /// The gRPC code in capitals, as in `NOT_FOUND`.
    pub code: &'static str,
    /// `cache`, `reuse` or `rendered`; empty for what renders nothing.
    pub answered: &'static str,
}

impl EncodeLabelSet for Call {
    fn encode(&self, encoder: &mut LabelSetEncoder) -> std::fmt::Result {
        [("rpc", self.rpc), ("code", self.code), ("answered", self.answered)].encode(encoder)
    }
}

type Labelled<T, F> = Family<[(&'static str, &'static str); 1], T, F>;

/// All metrics of one server.
pub struct Metrics {
    registry: Registry,
    calls: Family<Call, Counter>,
    in_flight: Gauge,
    call_seconds: Labelled<Histogram, fn() -> Histogram>,
    stage_seconds: Labelled<Histogram, fn() -> Histogram>,
    server: Arc<OnceLock<Reader>>,
}

impl Metrics {
    /// Metrics of a server; `parts` is read whenever they are asked for, samples of one name following one another.
    pub fn new(parts: impl Fn() -> Vec<Sample> + Send + Sync + 'static) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("manifestd"),
            calls: Family::default(),
            in_flight: Gauge::default(),
            call_seconds: Family::new_with_constructor(histogram),
            stage_seconds: Family::new_with_constructor(histogram),
            server: Arc::default(),
        };
        metrics.register();
        let server = metrics.server.clone();
        let of_server = move || server.get().map(|read| read()).unwrap_or_default();
        metrics.registry.register_collector(Box::new(Samples(Arc::new(of_server))));
        metrics.registry.register_collector(Box::new(Samples(Arc::new(parts))));
        metrics.registry.register_collector(Box::new(Samples(Arc::new(process))));
        metrics
    }

    /// `parts` of the server is read, too, whenever metrics are asked for. The first one that is given stays.
    pub fn read_server(&self, parts: impl Fn() -> Vec<Sample> + Send + Sync + 'static) {
        // A second server would be a mistake of a test.
        let _ = self.server.set(Arc::new(parts));
    }

    /// A call has begun.
    pub fn begin(&self) {
        self.in_flight.inc();
    }

    /// A call is over: its last byte is sent, or its caller is gone.
    pub fn end(&self) {
        self.in_flight.dec();
    }

    /// A call was answered after `time`.
    pub fn answered(&self, call: &Call, time: Duration) {
        self.calls.get_or_create(call).inc();
        self.call_seconds.get_or_create(&[("rpc", call.rpc)]).observe(time.as_secs_f64());
    }

    /// A stage of a render took `time`.
    pub fn stage(&self, stage: &'static str, time: Duration) {
        self.stage_seconds.get_or_create(&[("stage", stage)]).observe(time.as_secs_f64());
    }

    /// Everything in the text format of OpenMetrics.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }

    fn register(&mut self) {
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        let registry = &mut self.registry;
        registry.register("build", "What was built", version);
        registry.register("requests", "Calls by method, code and how they were answered", self.calls.clone());
        registry.register("requests_in_flight", "Calls being answered", self.in_flight.clone());
        registry.register("request_seconds", "Time to an answer by method", self.call_seconds.clone());
        registry.register("stage_seconds", "Time by stage of a render", self.stage_seconds.clone());
    }
}

/// What the system says about this process.
fn process() -> Vec<Sample> {
    let resident = resident_bytes();
    let sample = |value| Sample::gauge("resident_memory_bytes", "Memory of the process in RAM", value);
    resident.map(sample).into_iter().collect()
}

/// From `/proc`, as it counts in kB; nothing where there is no such file.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told() {
        let metrics = Metrics::new(|| {
            vec![
                Sample::counter("renders", "Renders by engine", 3).of("engine", "helm"),
                Sample::counter("renders", "Renders by engine", 4).of("engine", "directory"),
                Sample::gauge("queue_length", "Renders waiting", 2),
            ]
        });
        metrics.begin();
        let call = Call { rpc: "Render", code: "OK", answered: "cache" };
        metrics.answered(&call, Duration::from_millis(2));
        metrics.stage("render", Duration::from_millis(20));
        let text = metrics.text();
        for line in [
            "manifestd_requests_total{rpc=\"Render\",code=\"OK\",answered=\"cache\"} 1",
            "manifestd_requests_in_flight 1",
            "manifestd_request_seconds_count{rpc=\"Render\"} 1",
            "manifestd_stage_seconds_bucket{le=\"0.01\",stage=\"render\"} 0",
            "manifestd_stage_seconds_bucket{le=\"0.025\",stage=\"render\"} 1",
            "manifestd_renders_total{engine=\"helm\"} 3",
            "manifestd_renders_total{engine=\"directory\"} 4",
            "manifestd_queue_length 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert_eq!(text.matches("# TYPE manifestd_renders counter").count(), 1);
        assert!(text.contains("manifestd_build_info{version=\""));
    }

    #[test]
    fn resident_memory_is_plausible() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
