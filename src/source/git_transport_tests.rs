//! Sources of git over ssh, https and git://, each from a real server on loopback.

use std::os::unix::process::CommandExt;
use std::time::Duration;

use testkit::http::{Act, Options, Server};
use testkit::ssh::Key;
use testkit::{Certificates, Raw, Root, Script};

use super::super::super::{Settings, Sources};
use super::{Here, fails, password, private, read, scripted, two_commits};
use crate::credentials::{Credential, Secret};
use crate::error::Kind;

/// The credential that opens `server` with `key` and trusts `trusted` as its host key.
fn ssh_credential(server: &testkit::ssh::Server, key: &Key, trusted: &Key) -> Credential {
    Credential {
        ssh_private_key: Secret::new(key.private.clone()),
        known_hosts: server.known_hosts(trusted),
        ..Credential::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_with_a_key() {
    let test = "ssh_with_a_key";
    let (root, first, second) = two_commits();
    let Some(key) = Key::ed25519(test) else { return };
    let Some(server) = testkit::ssh::Server::start(test, &root, &key) else { return };
    let url = server.url("r.git");
    let credential = ssh_credential(&server, &key, server.host_key());
    let here = Here::new();
    for (revision, wanted, content) in [
        ("main", &second, "two"),
        ("v1.0.0", &first, "one"),
        ("", &second, "two"),
        (&first[..8], &first, "one"),
        (&second, &second, "two"),
    ] {
        let pinned = here.pin_as(&url, revision, Some(credential.clone())).await.unwrap();
        assert_eq!(&*pinned.revision, wanted, "{revision}");
        let tree = here.sources.open(&pinned).await.unwrap();
        assert_eq!(read(&*tree, "f").unwrap(), content, "{revision}");
    }
    assert_eq!(here.sources.stats().counted().fetches, 2);
    let counted = here.sources.stats().counted();
    assert!(counted.bytes > 0 && counted.failures == 0, "{counted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_brings_only_what_is_new_and_finds_what_is_not_listed() {
    let test = "ssh_brings_only_what_is_new";
    let root = Root::new();
    let repo = root.repo("r.git");
    testkit::wide(&repo, 2_000);
    let Some(key) = Key::ed25519(test) else { return };
    let Some(server) = testkit::ssh::Server::start(test, &root, &key) else { return };
    let url = server.url("r.git");
    let credential = ssh_credential(&server, &key, server.host_key());
    let here = Here::new();
    let read_at = async |revision: &str, file: &str| {
        let pinned = here.pin_as(&url, revision, Some(credential.clone())).await?;
        read(&*here.sources.open(&pinned).await?, file)
    };
    read_at("main", "apps/app-0000/service.yaml").await.unwrap();
    let before = here.sources.stats().counted().bytes;
    let middle = repo.commit("main").file("new", "middle").write().to_string();
    repo.commit("main").file("new", "new").write();
    assert_eq!(read_at("HEAD", "new").await.unwrap(), "new");
    let after = here.sources.stats().counted().bytes;
    assert!(after - before < 20_000, "{before} then {after}");
    assert!(read_at("HEAD", "apps/app-0000/service.yaml").await.is_ok());
    assert_eq!(read_at(&middle, "new").await.unwrap(), "middle");
    assert_eq!(read_at(&"1".repeat(40), "new").await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_with_wrong_keys() {
    let test = "ssh_with_wrong_keys";
    let (root, ..) = two_commits();
    let (Some(key), Some(other)) = (Key::ed25519(test), Key::ed25519(test)) else { return };
    let Some(server) = testkit::ssh::Server::start(test, &root, &key) else { return };
    let right = ssh_credential(&server, &key, server.host_key());
    let without = Credential { ssh_private_key: Secret::default(), ..right.clone() };
    let broken = Credential { ssh_private_key: Secret::new("canary"), ..right.clone() };
    let unknown = Credential { known_hosts: String::new(), ..right.clone() };
    let insecure = Credential { insecure: true, ..unknown.clone() };
    let cases = [
        (ssh_credential(&server, &other, server.host_key()), "refused the ssh key"),
        (without, "asks for an ssh key"),
        (unknown, "is not known"),
        (ssh_credential(&server, &key, &other), "has changed"),
    ];
    let here = Here::new();
    for (credential, words) in cases {
        let error = here.pin_as(&server.url("r.git"), "main", Some(credential)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unauthenticated, "{error}");
        assert!(error.message().contains(words) && !error.message().contains("canary"), "{error}");
    }
    let error = here.pin_as(&server.url("r.git"), "main", Some(broken)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid, "{error}");
    let missing = here.pin_as(&server.url("no.git"), "main", Some(right)).await.unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound, "{missing}");
    assert!(!missing.message().contains(here.data.path().to_str().unwrap()));
    assert!(here.pin_as(&server.url("r.git"), "main", Some(insecure)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_servers_that_misbehave() {
    let here = Here::hasty();
    let silent = Raw::start(Script::Hang);
    fails(&here, &format!("ssh://git@{}/r.git", silent.address()), Kind::Deadline).await;
    let slow = Raw::start(Script::Drip(b"S".repeat(500), Duration::from_millis(20)));
    fails(&here, &format!("ssh://git@{}/r.git", slow.address()), Kind::Deadline).await;
    let babble = Raw::start(Script::Say(b"hello\n".to_vec()));
    let url = format!("ssh://git@{}/r.git", babble.address());
    let error = here.pin(&url, "main").await.unwrap_err();
    assert!(error.message().contains("does not speak ssh on that port"), "{error}");
    fails(&here, "ssh://git@169.254.169.254/r.git", Kind::Denied).await;
}

fn https(root: &Root, certificates: &Certificates, mutual: bool) -> Server {
    let tls = Some(certificates.server_config(mutual));
    Server::start(Options { root: Some(root.path().to_owned()), tls, ..Options::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn https_with_certificates() {
    let (root, _, second) = two_commits();
    let certificates = Certificates::new();
    let strangers = Certificates::new();
    let trusting = |authority: &Certificates| Credential {
        ca_bundle: authority.authority.clone(),
        ..Credential::default()
    };
    let client = Credential {
        client_certificate: certificates.client.clone(),
        client_key: Secret::new(certificates.client_key.clone()),
        ..trusting(&certificates)
    };
    let insecure = Credential { insecure: true, ..Credential::default() };
    let here = Here::new();
    for (mutual, credential, fine) in [
        (false, Credential::default(), false),
        (false, trusting(&strangers), false),
        (false, trusting(&certificates), true),
        (false, insecure, true),
        (true, trusting(&certificates), false),
        (true, client.clone(), true),
    ] {
        let server = https(&root, &certificates, mutual);
        let pinned = here.pin_as(&server.url("r.git"), "main", Some(credential)).await;
        match pinned {
            Ok(pinned) => assert!(fine && *pinned.revision == *second),
            Err(error) => {
                let kind = if mutual { Kind::Unauthenticated } else { Kind::Unavailable };
                assert!(!fine && error.kind() == kind, "{error}");
            }
        }
    }
    let name = https(&root, &certificates, true);
    let pinned =
        here.pin_as(&name.url("r.git").replace("127.0.0.1", "localhost"), "main", Some(client)).await;
    assert!(pinned.is_ok(), "{pinned:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credentials_file_opens_what_it_names() {
    let (root, ..) = two_commits();
    let server = private(&root);
    let file = tempfile::NamedTempFile::new().unwrap();
    let entry = format!("- url: http://{}/r\n  username: me\n  password: right\n", server.address());
    std::fs::write(file.path(), entry).unwrap();
    let here = Here::with(|settings| settings.credentials_file = Some(file.path().to_owned()));
    let url = server.url("r.git");
    assert!(here.pin(&url, "main").await.is_ok());
    let sent = here.pin_as(&url, "main", Some(password("me", "wrong"))).await.unwrap_err();
    assert_eq!(sent.kind(), Kind::Unauthenticated);
    let other = here.pin(&server.url("r-evil.git"), "main").await.unwrap_err();
    assert_eq!(other.kind(), Kind::Unauthenticated);
    std::fs::write(file.path(), "- x: y").unwrap();
    let data = tempfile::tempdir().unwrap();
    let settings =
        Settings { credentials_file: Some(file.path().to_owned()), ..Settings::new(data.path().into()) };
    assert_eq!(Sources::new(settings).err().unwrap().kind(), Kind::Invalid);
}

/// A proxy is a server that is asked for whole URLs.
#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_asked_instead_of_the_remote() {
    let root = Root::new();
    let proxy = scripted(&root, |_| Act::reply(404, &[], ""));
    let credential = Credential { proxy: Secret::new(proxy.url("")), ..Credential::default() };
    let error = Here::new().pin_as("http://repo.invalid/r.git", "main", Some(credential)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert_eq!(proxy.requests().len(), 1);
}

/// `git daemon` over `root`, and its address.
fn daemon(test: &str, root: &Root) -> Option<(Killed, String)> {
    let git = testkit::Program::Git.find(test)?;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("--base-path={}", root.path().display());
    let (port, listen) = (format!("--port={}", free.port()), "--listen=127.0.0.1");
    let child = std::process::Command::new(git)
        .args(["daemon", "--export-all", "--reuseaddr", listen, &port, &base])
        .stderr(std::process::Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let child = Killed(child);
    for _ in 0..200 {
        if std::net::TcpStream::connect(free).is_ok() {
            return Some((child, format!("git://{free}")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("git daemon does not come up");
}

/// A process whose group is killed in the end.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_git_protocol() {
    let (root, first, _) = two_commits();
    let Some((_daemon, url)) = daemon("the_git_protocol", &root) else { return };
    let here = Here::new();
    let url = format!("{url}/r.git");
    assert_eq!(here.read(&url, "main", "f").await.unwrap(), "two");
    assert_eq!(here.read(&url, "v1.0.0", "f").await.unwrap(), "one");
    assert_eq!(here.read(&url, &first[..7], "f").await.unwrap(), "one");
    let missing = here.pin(&url.replace("r.git", "no.git"), "main").await.unwrap_err();
    assert_eq!(missing.kind(), Kind::NotFound, "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn local_repositories_are_read_where_they_are() {
    let (root, first, second) = two_commits();
    let bare = root.path().join("r.git");
    let here = Here::with(|settings| settings.allow_local = true);
    let url = format!("file://{}", bare.display());
    assert_eq!(here.read(&url, "v1.0.0", "f").await.unwrap(), "one");
    assert_eq!(here.read(bare.to_str().unwrap(), &second[..7], "f").await.unwrap(), "two");
    assert_eq!(here.read(&url, &first, "f").await.unwrap(), "one");
    for (path, revision) in [("/nowhere", "main"), (bare.to_str().unwrap(), "nope")] {
        let error = here.pin(path, revision).await.unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
        assert!(!error.message().contains(bare.to_str().unwrap()) && !error.message().contains("nowhere"));
    }
    let error = here.read(&url, &"1".repeat(40), "f").await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert_eq!(std::fs::read_dir(here.data.path().join("stores")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_lead_in_circles_or_far_are_not_there() {
    let root = Root::new();
    let repo = root.repo("r.git");
    let mut target = repo.commit("main").file("f", "x").write();
    let commit = target.to_string();
    for depth in 0..100 {
        target = repo.annotated_tag(&format!("t{depth}"), target);
    }
    let here = Here::with(|settings| settings.allow_local = true);
    let path = root.path().join("r.git");
    let path = path.to_str().unwrap();
    assert_eq!(&*here.pin(path, "t3").await.unwrap().revision, commit);
    assert_eq!(here.pin(path, "t99").await.unwrap_err().kind(), Kind::NotFound);
}
