//! `bench commit`: a commit that touches one of 1,000 applications, and requests for the 999 others.

use prost::Message;
use proto::v1::{Answered, RenderRequest, RenderResponse};

use super::load::Client;
use super::repository::{Repository, app_folder, apps, manifest};
use super::service::{Service, request};
use super::stats::{Latencies, Megabytes, Millis};
use super::{failed, say};
use crate::error::Result;

const APPS: usize = 1_000;

/// Manifests of each application.
const FILES: usize = 3;

/// Measures and prints percentiles, kinds of answers and memory.
pub(super) async fn run() -> Result<()> {
    let repository = Repository::serve(apps(APPS, FILES))?;
    let service = Service::serve()?;
    say(&format!("idle: {} resident", Megabytes(service.memory().0)))?;
    let mut client = Client::connect(service.address()).await?;
    let (cold, _) = round(&mut client, &repository.url()).await?;
    say(&format!("{APPS} applications, rendered: {cold}"))?;
    repository.commit(std::iter::once((manifest(0, 0).0, manifest(APPS, FILES).1)))?;
    let changed = RenderRequest { no_revision_cache: true, ..request(&repository.url(), &app_folder(0)) };
    let (_, changed) = client.render(changed).await?;
    say(&format!("the touched application, with the fetch: {}", Millis(changed)))?;
    let (warm, reused) = round(&mut client, &repository.url()).await?;
    say(&format!("{APPS} applications after the commit, {reused} by reuse: {warm}"))?;
    say(&format!("at most {} resident", Megabytes(service.memory().1)))
}

/// Asks for every application once; also counts the answers by reuse.
async fn round(client: &mut Client, url: &str) -> Result<(Latencies, usize)> {
    let (mut latencies, mut reused) = (Vec::new(), 0);
    for app in 0..APPS {
        let (answer, time) = client.render(request(url, &app_folder(app))).await?;
        let answer = RenderResponse::decode(answer).map_err(|error| failed("decoding an answer", &error))?;
        latencies.push(time);
        reused += usize::from(answer.answered() == Answered::Reuse);
    }
    Ok((Latencies::new(latencies), reused))
}
