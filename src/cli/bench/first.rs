//! `bench first`: the first render of an application of 50 files, its repository being fetched already.

use super::load::Client;
use super::repository::{Repository, app_folder, apps};
use super::say;
use super::service::{Service, request};
use super::stats::{Latencies, Megabytes, Millis};
use crate::error::Result;

/// Applications, each rendered once; the first one also fetches.
const APPS: usize = 101;

/// Files of each.
const FILES: usize = 50;

/// Measures and prints percentiles and memory.
pub(super) async fn run() -> Result<()> {
    let repository = Repository::serve(apps(APPS, FILES))?;
    let service = Service::serve()?;
    let mut client = Client::connect(service.address()).await?;
    let (_, cold) = client.render(request(&repository.url(), &app_folder(0))).await?;
    let mut latencies = Vec::new();
    for app in 1..APPS {
        latencies.push(client.render(request(&repository.url(), &app_folder(app))).await?.1);
    }
    let latencies = Latencies::new(latencies);
    say(&format!(
        "first render of {FILES} files, fetching {} objects before: {}",
        repository.objects()?,
        Millis(cold)
    ))?;
    say(&format!("first render of {FILES} files, {} applications: {latencies}", latencies.count()))?;
    say(&format!("at most {} resident", Megabytes(service.memory().1)))
}
