//! Logs: text where a person reads, JSON where a machine does, both on stderr.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt};

/// How logs look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text on a terminal, else JSON.
    Auto,
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts writing logs of `levels`, on a terminal in `colours` if they are wanted. A second call in one process changes nothing.
pub fn start(levels: Targets, format: Format, colours: bool) {
    let terminal = io::stderr().is_terminal();
    let layer = match format {
        Format::Json => json(),
        Format::Auto if !terminal => json(),
        Format::Auto | Format::Text => text(terminal && colours),
    };
    // Only tests start logs twice, and they do not read them.
    let _ = tracing_subscriber::registry().with(layer.with_filter(levels)).try_init();
}

fn json() -> Box<dyn Layer<Registry> + Send + Sync> {
    fmt::layer().json().flatten_event(true).with_current_span(true).with_writer(io::stderr).boxed()
}

fn text(colours: bool) -> Box<dyn Layer<Registry> + Send + Sync> {
    fmt::layer().with_ansi(colours).with_writer(io::stderr).boxed()
}
