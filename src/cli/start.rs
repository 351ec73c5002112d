//! What every command begins with: settings, logs, a runtime, the service.

use std::future::Future;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use clap::ArgMatches;
use tokio::runtime::Runtime;

use super::Failure;
use super::progress::Line;
use crate::config::{self, Environment, Settings};
use crate::error::{Error, Kind, Result};
use crate::git::Progress;
use crate::service::Service;
use crate::telemetry;

/// The settings of a command, with logs started as they say.
pub(super) fn settings(matches: &ArgMatches) -> Result<Settings, Failure> {
    let environment = Environment::of_this_process();
    let settings = Settings::check(config::values(matches), &environment).map_err(Failure::Settings)?;
    let logs = &settings.logs;
    telemetry::start_logs(logs.levels.clone(), logs.format, logs.colours);
    Ok(settings)
}

/// Whether colours are wanted.
pub(super) fn colours() -> bool {
    !Environment::of_this_process().no_color
}

/// Runs `work` to its end, or until the user interrupts it.
pub(super) fn run<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        tokio::select! {
            done = work => done,
            _ = tokio::signal::ctrl_c() => Err(Error::new(Kind::Cancelled, "interrupted")),
        }
    });
    // What was left running must not hold up the end.
    runtime.shutdown_background();
    result
}

/// Runs `work` with the service of a command that reads what the user may read, and shows the progress of fetches.
pub(super) fn local<T, W: Future<Output = Result<T>>>(
    mut settings: Settings,
    work: impl FnOnce(Service) -> W,
) -> Result<T> {
    settings.repositories.allow_file = true;
    let line = io::stderr().is_terminal().then(|| Arc::new(Line::new()));
    let progress = line.clone().map(|line| -> Arc<dyn Progress> { line });
    let result = run(async { work(Service::new(&settings, progress)?).await });
    line.inspect(|line| line.clear());
    result
}

/// A runtime for everything.
pub(super) fn runtime() -> Result<Runtime> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|error| Error::new(Kind::Internal, format!("no runtime could be started: {error}")))
}
