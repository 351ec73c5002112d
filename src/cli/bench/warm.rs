//! `bench warm`: a branch asked for again and again, answered from memory, against a bare server with the same bytes.

use std::time::Duration;

use proto::v1::RenderRequest;
use tempfile::NamedTempFile;

use super::load::{Client, Measured, hammer};
use super::repository::{File, Repository};
use super::service::{Service, request};
use super::stats::{Megabytes, median};
use super::{failed, say};
use crate::error::Result;

/// How often the two servers are measured in turn.
const ROUNDS: usize = 3;

/// Folder and wanted size of an answer in bytes.
const SIZES: [(&str, usize); 2] = [("small", 10_000), ("large", 2_000_000)];

/// Measures both sizes and prints rates, percentiles, ratios and memory.
pub(super) async fn run(time: Duration) -> Result<()> {
    let repository = Repository::serve(SIZES.into_iter().flat_map(|(folder, size)| files(folder, size)))?;
    let service = Service::serve()?;
    say(&format!("idle: {} resident", Megabytes(service.memory().0)))?;
    for (folder, _) in SIZES {
        compare(&service, request(&repository.url(), folder), time).await?;
    }
    say(&format!("after the load: at most {} resident", Megabytes(service.memory().1)))
}

async fn compare(service: &Service, request: RenderRequest, time: Duration) -> Result<()> {
    let (answer, _) = Client::connect(service.address()).await?.render(request.clone()).await?;
    let body = NamedTempFile::new().map_err(|error| failed("making a temporary file", &error))?;
    std::fs::write(body.path(), &answer).map_err(|error| failed("writing a temporary file", &error))?;
    let peer = Service::peer(body.path())?;
    say(&format!("\nan answer of {} bytes", answer.len()))?;
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let theirs = hammer(peer.address(), &request, time).await?;
        let ours = hammer(service.address(), &request, time).await?;
        say(&line("bare tonic", &theirs))?;
        say(&line("manifestd", &ours))?;
        ratios.push(ours.rate / theirs.rate);
    }
    say(&format!("ratio, median of {ROUNDS}: {:.2} (wanted: at least 0.50)", median(ratios)))
}

fn line(name: &str, measured: &Measured) -> String {
    format!("{name:<12} {:>9.0} requests/s   {}", measured.rate, measured.latencies)
}

/// Manifests of about a kilobyte each that add up to the size.
fn files(folder: &'static str, size: usize) -> impl Iterator<Item = File> {
    (0..size / 1_000).map(move |number| {
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {folder}-{number}\ndata:\n  text: {}\n",
            "abcdefghij".repeat(80)
        );
        (format!("{folder}/{number:05}.yaml"), text)
    })
}
