//! `bench isolation`: renders in workers against renders in the server's own process: two servers, asked in turn for the
//! same 1,000 applications, so that both have the same machine.

use std::time::Duration;

use prost::Message;
use proto::v1::{Answered, RenderRequest, RenderResponse};

use super::load::Client;
use super::repository::{Repository, app_folder, apps, manifest};
use super::service::{Service, request};
use super::stats::{Latencies, Megabytes};
use super::{failed, say};
use crate::error::Result;

const APPS: usize = 1_000;

/// Manifests of each application.
const FILES: usize = 3;

/// The two kinds, as the flag names them.
const KINDS: [&str; 2] = ["process", "none"];

/// How many times as long cold renders may take in workers.
const WANTED: f64 = 1.25;

/// What one server took for one round.
#[derive(Default)]
struct Round {
    times: Vec<Duration>,
    reused: usize,
    cached: usize,
}

/// Measures and prints both, and their ratio.
pub(super) async fn run() -> Result<()> {
    let repository = Repository::serve(apps(APPS, FILES))?;
    let services = [Service::isolated(KINDS[0])?, Service::isolated(KINDS[1])?];
    let mut clients =
        [Client::connect(services[0].address()).await?, Client::connect(services[1].address()).await?];
    let url = repository.url();
    for client in &mut clients {
        // The fetch is not what is measured.
        client.render(RenderRequest { no_cache: true, ..request(&url, &app_folder(0)) }).await?;
    }
    report("cold", round(&mut clients, &url).await?)?;
    report("from the cache", round(&mut clients, &url).await?)?;
    repository.commit(std::iter::once((manifest(0, 0).0, manifest(APPS, FILES).1)))?;
    for client in &mut clients {
        let changed = RenderRequest { no_revision_cache: true, ..request(&url, &app_folder(0)) };
        client.render(changed).await?;
    }
    report("after a commit", round(&mut clients, &url).await?)?;
    for (kind, service) in KINDS.iter().zip(&services) {
        say(&format!(
            "{kind:<8} server at most {} resident, without workers",
            Megabytes(service.memory().1)
        ))?;
    }
    Ok(())
}

/// Asks both servers for every application once, each first as often as the other.
async fn round(clients: &mut [Client; 2], url: &str) -> Result<[Round; 2]> {
    let mut rounds = [Round::default(), Round::default()];
    for app in 0..APPS {
        for turn in [app % 2, 1 - app % 2] {
            let (answer, time) = clients[turn].render(request(url, &app_folder(app))).await?;
            let answer =
                RenderResponse::decode(answer).map_err(|error| failed("decoding an answer", &error))?;
            let round = &mut rounds[turn];
            round.times.push(time);
            round.reused += usize::from(answer.answered() == Answered::Reuse);
            round.cached += usize::from(answer.answered() == Answered::Cache);
        }
    }
    Ok(rounds)
}

fn report(what: &str, rounds: [Round; 2]) -> Result<()> {
    let mut totals = Vec::new();
    for (kind, Round { times, reused, cached }) in KINDS.iter().zip(rounds) {
        totals.push(times.iter().sum::<Duration>().as_secs_f64());
        let latencies = Latencies::new(times);
        say(&format!("{what}, {kind}: {latencies}; {cached} from the cache, {reused} by reuse"))?;
    }
    let ratio = totals[0] / totals[1].max(f64::EPSILON);
    say(&format!("{what}: {ratio:.2} times the time (wanted when cold: at most {WANTED})"))
}
