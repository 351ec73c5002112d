//! What the service says about itself: logs and metrics. It knows nothing of the stages; they are read from outside.

mod log;
mod metrics;
mod samples;

pub use log::{Format, start as start_logs};
pub use metrics::{Call, Metrics};
pub use samples::Sample;
