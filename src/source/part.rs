//! Parts that kustomizations name elsewhere: repositories and files of the web, asked for by the content of a
//! repository rather than by a caller, and so only where the policy allows.

use std::sync::Arc;

use bytes::Bytes;
use glob::gobwas::Pattern;
use tree::Tree;

use crate::error::{Error, Kind, Result};
use crate::git::{Gate, Host, Page, Place, Remote, Revision};

use super::git::Target;
use super::pages::AskedPage;
use super::{Access, Pinned, Sources};

/// Where parts may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Whether they are fetched at all.
    pub allowed: bool,
    /// Patterns (gobwas, no separators) of hosts besides those of the request's own sources; a port that is not the
    /// scheme's own belongs to the name.
    pub hosts: Vec<String>,
}

impl Default for Parts {
    /// Only from the hosts of the request's own sources.
    fn default() -> Self {
        Self { allowed: true, hosts: Vec::new() }
    }
}

/// A part, as a kustomization names it. At least one of the two is there; the file is tried first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartName {
    /// The address of a file of the web.
    pub file: Option<String>,
    /// The URL of a repository, and the revision as `git fetch` takes it; empty is `HEAD`.
    pub repository: Option<(String, String)>,
}

/// A part, read.
#[derive(Clone)]
pub enum Part {
    /// A file.
    File(Bytes),
    /// A repository at its commit.
    Repository(Arc<dyn Tree>),
}

/// [`Parts`], compiled.
pub(super) struct Policy {
    allowed: bool,
    hosts: Arc<[Pattern]>,
}

impl Policy {
    pub(super) fn new(settings: &Parts) -> Result<Self> {
        let compile = |text: &String| {
            let wrong =
                |error| Error::new(Kind::Invalid, format!("the pattern '{text}' of allowed hosts: {error}"));
            Pattern::compile(text, &[]).map_err(wrong)
        };
        let hosts = settings.hosts.iter().map(compile).collect::<Result<_>>()?;
        Ok(Self { allowed: settings.allowed, hosts })
    }

    /// Whether a part may come from `remote` for a request of these sources.
    fn check(&self, remote: &Remote, beside: &[Pinned]) -> Result<()> {
        let own = beside.iter().filter_map(|pinned| match &pinned.access {
            Access::Git { remote, .. } => host(remote),
            Access::Folder(_) => None,
        });
        let Some((host, default)) = host(remote) else {
            return Err(Error::new(
                Kind::Invalid,
                "repositories of the machine itself are never parts of others",
            ));
        };
        if own.into_iter().any(|(own, _)| is_same(host, default, own)) || listed(&self.hosts, host, default) {
            return Ok(());
        }
        Err(not_allowed(host, default))
    }

    /// Where a redirect of a file of the web may lead: to its own host, and to those that are listed.
    fn redirects(&self, from: &Remote) -> Gate {
        let (from, hosts) = (from.clone(), Arc::clone(&self.hosts));
        Arc::new(move |to: &Remote| match (host(&from), host(to)) {
            (Some((from, _)), Some((to, default))) if is_same(to, default, from) => Ok(()),
            (_, Some((to, default))) if listed(&hosts, to, default) => Ok(()),
            (_, Some((to, default))) => Err(not_allowed(to, default)),
            (_, None) => Err(Error::new(Kind::Denied, "a redirect leads to no host")),
        })
    }
}

/// The host of a remote and its scheme's own port.
fn host(remote: &Remote) -> Option<(&Host, u16)> {
    match &remote.place {
        Place::Http { tls, host, .. } => Some((host, if *tls { 443 } else { 80 })),
        Place::Ssh { host, .. } => Some((host, 22)),
        Place::Git { host, .. } => Some((host, 9418)),
        Place::Local(_) => None,
    }
}

/// Whether it is the host `own`, at the same port or at the scheme's.
fn is_same(host: &Host, default: u16, own: &Host) -> bool {
    host.name == own.name && (host.port == own.port || host.port == default)
}

fn listed(patterns: &[Pattern], host: &Host, default: u16) -> bool {
    patterns.iter().any(|pattern| pattern.matches(&host.authority(default)))
}

fn not_allowed(host: &Host, default: u16) -> Error {
    let host = host.authority(default);
    Error::new(Kind::Denied, format!("'{host}' is not on the list of hosts that kustomizations may name"))
        .help(format!(
            "start the server with --kustomize-remote-host {host}, or copy what it names into the repository"
        ))
}

impl Sources {
    /// What stands at a part's name now. `beside` are the sources of the request: their hosts may be asked, and a part
    /// of the same repository is asked for with the source's own credential; any other with what the server has for
    /// its URL.
    ///
    /// # Errors
    /// [`Kind::Denied`] where the policy does not allow it, [`Kind::NotFound`] when it is not there, and what went wrong
    /// on the way.
    pub async fn part(&self, name: &PartName, beside: &[Pinned], fresh: bool) -> Result<Part> {
        if !self.parts.allowed {
            return Err(Error::new(
                Kind::Denied,
                "parts of other repositories and of the web are not fetched here",
            )
            .help(
                "start the server with --kustomize-remotes on, or copy what it names into the repository",
            ));
        }
        match (&name.file, &name.repository) {
            (Some(file), None) => match self.page(file, beside, fresh).await? {
                Page::File(content) => Ok(Part::File(content)),
                Page::Status(status) => Err(missing(status)),
            },
            (Some(file), Some(repository)) => match self.page(file, beside, fresh).await {
                Ok(Page::File(content)) => Ok(Part::File(content)),
                Err(error) if matches!(error.kind(), Kind::Cancelled | Kind::Deadline) => Err(error),
                // A login page behind a redirect, say: git has other means.
                Ok(Page::Status(_)) | Err(_) => self.repository(repository, beside, fresh).await,
            },
            (None, Some(repository)) => self.repository(repository, beside, fresh).await,
            (None, None) => Err(Error::new(Kind::Internal, "a part without an address")),
        }
    }

    async fn page(&self, url: &str, beside: &[Pinned], fresh: bool) -> Result<Page> {
        let url = url.split('#').next().unwrap_or(url);
        let (address, query) = url.split_at(url.find('?').unwrap_or(url.len()));
        let target = self.part_target(address, beside)?;
        let gate = self.parts.redirects(target.remote());
        self.git.clone().page(AskedPage { target, query: query.into() }, gate, fresh).await
    }

    async fn repository(
        &self,
        (url, revision): &(String, String),
        beside: &[Pinned],
        fresh: bool,
    ) -> Result<Part> {
        let target = self.part_target(url, beside)?;
        let parsed = Revision::parse_fetched(revision)?;
        let pinned = self.git.clone().pin(target, &parsed, revision, fresh).await?;
        self.open(&pinned).await.map(Part::Repository)
    }

    /// Who is asked, and with what.
    fn part_target(&self, url: &str, beside: &[Pinned]) -> Result<Target> {
        let target = self.git.target(url, None)?;
        self.parts.check(target.remote(), beside)?;
        let named = |identity: &Arc<str>| identity.trim_end_matches(".git").to_owned();
        let identity = named(&target.remote().identity);
        let own = beside.iter().find(|pinned| named(&pinned.identity) == identity);
        match own.map(|pinned| (&pinned.access, pinned.scope)) {
            Some((Access::Git { remote, credential, .. }, scope)) => {
                Ok(Target::new(remote.clone(), credential.clone(), scope))
            }
            _ => Ok(target),
        }
    }
}

fn missing(status: u16) -> Error {
    Error::new(Kind::NotFound, format!("the web has no such file: status {status}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Scope;

    fn policy(hosts: &[&str]) -> Policy {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        Policy::new(&Parts { allowed: true, hosts }).unwrap()
    }

    fn remote(url: &str) -> Remote {
        Remote::parse(url).unwrap().0
    }

    /// A source that stands at `url`.
    fn source(url: &str) -> Pinned {
        let commit = crate::git::CommitId::from_hex(&[b'1'; 40]).unwrap();
        let access = Access::Git { remote: Arc::new(remote(url)), credential: Arc::default(), commit };
        Pinned { access, ..Pinned::never_opened(url, "", Scope([0; 32])) }
    }

    #[test]
    fn hosts_are_the_requests_own_and_those_listed() {
        let own = [source("https://git.corp:8443/team/app.git")];
        let policy = policy(&["github.com", "*.example.org", "dev.test:3000"]);
        for (url, allowed) in [
            ("https://git.corp:8443/other/repo", true),
            ("https://git.corp/other/repo", true),
            ("git@git.corp:other/repo", true),
            ("ssh://git@git.corp:8443/other/repo", true),
            ("https://git.corp:9000/other/repo", false),
            ("https://evil.git.corp/other/repo", false),
            ("https://github.com/org/repo", true),
            ("git@github.com:org/repo", true),
            ("https://github.com:444/org/repo", false),
            ("https://github.com.evil/org/repo", false),
            ("https://a.example.org/org/repo", true),
            ("https://example.org/org/repo", false),
            ("http://dev.test:3000/org/repo", true),
            ("http://dev.test/org/repo", false),
            ("http://localhost:8084/metrics", false),
            ("https://user:pw@git.corp/other/repo", true),
        ] {
            assert_eq!(policy.check(&remote(url), &own).is_ok(), allowed, "{url}");
        }
        let local = policy.check(&remote("/srv/repo"), &own).unwrap_err();
        assert_eq!(local.kind(), Kind::Invalid);
    }

    #[test]
    fn a_redirect_stays_on_its_host_or_on_the_list() {
        let gate = policy(&["raw.test"]).redirects(&remote("https://files.test/a"));
        assert!(gate(&remote("https://files.test/b")).is_ok() && gate(&remote("https://raw.test/b")).is_ok());
        for url in ["https://git.corp/b", "https://files.test:8443/b", "http://127.0.0.1/b"] {
            assert_eq!(gate(&remote(url)).unwrap_err().kind(), Kind::Denied, "{url}");
        }
    }
}
