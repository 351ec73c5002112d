//! `kill -9` at random moments of fetches and renders: the next start serves correct results every time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::v1::RenderRequest;
use tempfile::TempDir;
use testkit::http::{Act, Options, Request, Server};
use testkit::{Oid, Random, Repo, Root};

use super::asking::{ask, names};
use super::bad_input::map;
use super::service::{Service, Settings};

/// How often it is killed.
const KILLS: usize = 100;

/// Files beside the one that says which round it is.
const FILES: usize = 40;

/// A program that takes a while, so that kills fall into renders too.
const SLOW: &str = "local sum = std.foldl(function(a, b) a + b, std.range(1, 4000), 0); \
                    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'sum-' + sum } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_kills_leave_every_next_start_correct() {
    let mut victims = Victims::new();
    for round in 1..=KILLS {
        victims.check_then_kill(round).await;
    }
    victims.check(KILLS).await;
    // The moments must be spread over the whole call, or little was tried.
    let Victims { before_fetch, after_fetch, answered, .. } = victims;
    assert!(
        before_fetch > 5 && after_fetch > 20 && answered < KILLS / 2,
        "{before_fetch} {after_fetch} {answered}"
    );
}

/// Services that follow one another over one data folder.
struct Victims {
    repo: Repo,
    commit: Oid,
    server: Server,
    settings: Settings,
    random: Random,
    before_fetch: usize,
    after_fetch: usize,
    answered: usize,
    _root: Root,
}

impl Victims {
    fn new() -> Self {
        let root = Root::new();
        let repo = root.repo("app.git");
        let options = Options { root: Some(root.path().into()), act: Box::new(slowly), ..Options::default() };
        Self {
            commit: change(&repo, 0),
            repo,
            server: Server::start(options),
            settings: Settings { data: Arc::new(TempDir::new().unwrap()), ..Settings::flags(&[]) },
            random: Random::new(0x5EED),
            before_fetch: 0,
            after_fetch: 0,
            answered: 0,
            _root: root,
        }
    }

    fn ask(&self) -> RenderRequest {
        RenderRequest { no_revision_cache: true, ..ask(&self.server.url("app.git"), "main", "app") }
    }

    /// A start after a kill answers with the newest commit; gives how long the answer took.
    async fn check(&self, round: usize) -> (Service, Duration) {
        let service = Service::with(&self.settings);
        let begun = Instant::now();
        let rendered = service.render(self.ask()).await;
        let rendered =
            rendered.unwrap_or_else(|status| panic!("round {round}: {status:?}\n{}", service.log()));
        assert_eq!(rendered.revisions, [self.commit.to_string()], "round {round}");
        let commit = self.repo.git().find_commit(self.commit).unwrap();
        assert_eq!(
            names(&rendered)[0],
            format!("ConfigMap/{}", commit.message().unwrap().trim()),
            "round {round}"
        );
        assert_eq!(rendered.manifests.len(), FILES + 2, "round {round}");
        (service, begun.elapsed())
    }

    /// Checks the next start, changes the repository, and kills the service at a random moment of the next call.
    async fn check_then_kill(&mut self, round: usize) {
        let (service, usual) = self.check(round).await;
        self.commit = change(&self.repo, round);
        self.server.forget();
        let (mut client, request) = (service.client().await, self.ask());
        let running = tokio::spawn(async move { client.render(request).await });
        let life = usual.mul_f64(0.001 * self.random.below(1_000) as f64);
        tokio::time::sleep(life).await;
        service.kill();
        match (running.await.unwrap().is_ok(), self.server.fetches()) {
            (true, _) => self.answered += 1,
            (false, 0) => self.before_fetch += 1,
            (false, _) => self.after_fetch += 1,
        }
    }
}

fn change(repo: &Repo, round: usize) -> Oid {
    let first = repo.commit("main").file("app/00.yaml", map(&format!("round-{round}")));
    let files = (1..=FILES).fold(first, |commit, number| {
        commit.file(&format!("app/{number:02}.yaml"), map(&format!("file-{number}-{round}")))
    });
    files.file("app/slow.jsonnet", format!("{SLOW}  // {round}")).message(&format!("round-{round}")).write()
}

/// Fetches are drawn out, so that kills fall into them too.
fn slowly(request: &Request) -> Act {
    if request.is_fetch() { Act::After(Duration::from_millis(15), Box::new(Act::Serve)) } else { Act::Serve }
}
