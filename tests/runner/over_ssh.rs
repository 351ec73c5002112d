//! Repositories over ssh from a real `sshd`: the right key, the wrong key, an unknown and a changed host key.

use proto::v1::{Credential, RenderRequest};
use testkit::Root;
use testkit::ssh::{Key, Server};
use tonic::Code;

use super::asking::{Asking, ask, names};
use super::bad_input::map;
use super::service::{CANARY, Service, Settings};

struct Ssh {
    root: Root,
    key: Key,
    server: Server,
}

impl Ssh {
    /// `None` where there is no `sshd`.
    fn start(test: &str) -> Option<Self> {
        let root = Root::new();
        root.repo("org/app.git").commit("main").file("app/map.yaml", map("a")).write();
        let key = Key::ed25519(test)?;
        let server = Server::start(test, &root, &key)?;
        Some(Self { root, key, server })
    }

    fn ask(&self, key: &Key, known_hosts: &str) -> RenderRequest {
        let credential = Credential {
            ssh_private_key: key.private.clone(),
            known_hosts: known_hosts.into(),
            ..Credential::default()
        };
        ask(&self.server.url("org/app.git"), "main", "app").credential(credential)
    }

    fn known(&self) -> String {
        self.server.known_hosts(self.server.host_key())
    }
}

#[tokio::test]
async fn with_the_right_key() {
    let Some(ssh) = Ssh::start("ssh, right key") else { return };
    let service = Service::start();
    let rendered = service.render(ssh.ask(&ssh.key, &ssh.known())).await.unwrap();
    assert_eq!(names(&rendered), ["ConfigMap/a"]);
    let repo = ssh.root.path().join("org/app.git");
    assert!(repo.is_dir());
}

#[tokio::test]
async fn with_the_wrong_key() {
    let Some(ssh) = Ssh::start("ssh, wrong key") else { return };
    let Some(other) = Key::ed25519("ssh, wrong key") else { return };
    let mut service = Service::start();
    let status = service.render(ssh.ask(&other, &ssh.known())).await.expect_err("the key is wrong");
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    let body = other.private.lines().nth(1).unwrap();
    assert!(!status.message().contains(body) && !service.log().contains(body));
    service.render(ssh.ask(&ssh.key, &ssh.known())).await.unwrap();
    service.assert_healthy();
}

#[tokio::test]
async fn with_no_key_or_a_broken_one() {
    let Some(ssh) = Ssh::start("ssh, broken key") else { return };
    let mut service = Service::start();
    for private in [String::new(), CANARY.to_owned(), ssh.key.private.replace("OPENSSH", "RSA")] {
        let key = Key { private, public: String::new() };
        let status = service.render(ssh.ask(&key, &ssh.known())).await.expect_err("the key is broken");
        assert!(matches!(status.code(), Code::Unauthenticated | Code::InvalidArgument), "{status:?}");
        assert!(!status.message().contains(CANARY), "{status:?}");
    }
    service.assert_healthy();
}

#[tokio::test]
async fn with_an_unknown_host_key() {
    let Some(ssh) = Ssh::start("ssh, unknown host key") else { return };
    let service = Service::start();
    let status = service.render(ssh.ask(&ssh.key, "")).await.expect_err("nobody vouches for the host");
    assert!(matches!(status.code(), Code::FailedPrecondition | Code::Unauthenticated), "{status:?}");
    assert!(status.message().contains("host key"), "{status:?}");
    let insecure =
        Credential { ssh_private_key: ssh.key.private.clone(), insecure: true, ..Credential::default() };
    let request = ask(&ssh.server.url("org/app.git"), "main", "app").credential(insecure);
    service.render(request).await.unwrap();
}

#[tokio::test]
async fn with_a_changed_host_key() {
    let Some(ssh) = Ssh::start("ssh, changed host key") else { return };
    let Some(other) = Key::ed25519("ssh, changed host key") else { return };
    let service = Service::start();
    let changed = ssh.server.known_hosts(&other);
    let status = service.render(ssh.ask(&ssh.key, &changed)).await.expect_err("the host shows another key");
    assert!(matches!(status.code(), Code::FailedPrecondition | Code::Unauthenticated), "{status:?}");
    assert!(status.message().contains("host key"), "{status:?}");
}

#[tokio::test]
async fn with_host_keys_of_the_server() {
    let Some(ssh) = Ssh::start("ssh, host keys from a file") else { return };
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("known_hosts");
    std::fs::write(&file, ssh.known()).unwrap();
    let service = Service::with(&Settings::flags(&["--known-hosts", file.to_str().unwrap()]));
    let rendered = service.render(ssh.ask(&ssh.key, "")).await.unwrap();
    assert_eq!(names(&rendered), ["ConfigMap/a"]);
}
