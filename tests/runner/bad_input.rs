//! How bad input is tested: one call that must fail well, and one good call after it.

use std::time::{Duration, Instant};

use proto::v1::RenderRequest;
use testkit::{Oid, Root, http};
use tonic::{Code, Status};

use super::asking::{ask, names};
use super::service::{Service, Settings};

/// The longest a failure may take where nothing has to be waited for.
pub(crate) const PROMPTLY: Duration = Duration::from_secs(10);

/// A service, a server of repositories, and a healthy repository to fall back to.
pub(crate) struct Bench {
    /// The service under test.
    pub(crate) service: Service,
    /// The repositories.
    pub(crate) root: Root,
    /// Their server.
    pub(crate) server: http::Server,
}

impl Bench {
    /// A service with limits that fit small tests.
    pub(crate) fn new() -> Self {
        Self::with(&Settings::flags(&["--fetch-timeout=3s", "--render-timeout=10s"]))
    }

    /// A service with these settings.
    pub(crate) fn with(settings: &Settings) -> Self {
        let root = Root::new();
        let healthy = root.repo("healthy.git");
        healthy.commit("main").file("app/map.yaml", map("healthy")).write();
        let server = http::Server::git(&root);
        Self { service: Service::with(settings), root, server }
    }

    /// A repository `app.git` with one commit of these files on `main`.
    pub(crate) fn files(&self, files: &[(&str, &str)]) -> Oid {
        let repo = self.root.repo("app.git");
        let commit = files.iter().fold(repo.commit("main"), |commit, (path, text)| commit.file(path, text));
        commit.write()
    }

    /// Asks for a folder of `app.git` at `main`.
    pub(crate) fn ask(&self, path: &str) -> RenderRequest {
        ask(&self.server.url("app.git"), "main", path)
    }

    /// The failure of this request: promptly, with one of these codes, without telling anything, and the next request
    /// works.
    pub(crate) async fn fails(&mut self, request: RenderRequest, codes: &[Code]) -> Status {
        let begun = Instant::now();
        let status = self.service.render(request).await.expect_err("this must not render");
        assert!(begun.elapsed() < PROMPTLY, "it took {:?} to fail: {status:?}", begun.elapsed());
        assert!(codes.contains(&status.code()), "{status:?}");
        assert!(!status.message().is_empty());
        self.service.assert_silent(&format!(
            "{} {:?}",
            status.message(),
            String::from_utf8_lossy(status.details())
        ));
        self.works().await;
        status
    }

    /// The healthy repository renders, and nothing has panicked.
    pub(crate) async fn works(&mut self) {
        let rendered =
            self.service.render(ask(&self.server.url("healthy.git"), "main", "app")).await.unwrap();
        assert_eq!(names(&rendered), ["ConfigMap/healthy"]);
        self.service.assert_healthy();
    }
}

/// A `ConfigMap` of this name.
pub(crate) fn map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n")
}
