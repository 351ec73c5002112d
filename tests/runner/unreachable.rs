//! Remotes that cannot be reached, as who runs a command sees them: one line on standard error that names the cause.

use std::process::{Command, Output};

use testkit::http::{Options, Server};
use testkit::{Certificates, Raw, Root, Script, SelfSigned};

use super::service::free_address;

/// `manifestd refs URL`, with these certificates trusted by the system.
fn refs(url: &str, trusted: &str) -> Output {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("trusted.pem");
    std::fs::write(&file, trusted).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_manifestd"));
    command.env_clear().env("HOME", home.path()).env("SSL_CERT_FILE", file).current_dir(home.path());
    command.args(["refs", url]).output().unwrap()
}

fn https(root: &Root, certificates: &Certificates) -> Server {
    let tls = Some(certificates.server_config(false));
    Server::start(Options { root: Some(root.path().to_owned()), tls, ..Options::default() })
}

#[test]
fn the_cause_is_named_on_one_line_and_nothing_else_is_said() {
    let root = Root::new();
    drop(root.repo("r.git"));
    let own = SelfSigned::new("localhost").authority(true).make();
    let old = SelfSigned::new("localhost").years(2001, 2002).make();
    let other = SelfSigned::new("other.example").make();
    let [untrusted, expired, misnamed] = [&own, &old, &other].map(|certificates| https(&root, certificates));
    let plain = Server::git(&root);
    let silent = Raw::start(Script::Say(b"\x15\x03\x02\x00\x02\x02\x46".to_vec()));
    let at = |server: &Server| format!("https://localhost:{}/r.git", server.address().port());
    for (url, trusted, words) in [
        (at(&untrusted), &Certificates::new().authority, "is self-signed, and not trusted"),
        (at(&expired), &old.authority, "has expired"),
        (at(&misnamed), &other.authority, "is for other.example, not for localhost"),
        (at(&untrusted), &String::new(), "no CA certificates"),
        (at(&plain), &own.authority, "no connection in time"),
        (format!("https://{}/r.git", silent.address()), &own.authority, "no version of TLS from 1.2 on"),
        (format!("https://{}/r.git", free_address()), &own.authority, "refuses connections"),
        (format!("git://{}/r.git", free_address()), &own.authority, "refuses connections"),
        (format!("ssh://git@{}/r.git", free_address()), &own.authority, "refuses connections"),
        ("https://there-is-no-such-host.invalid/r.git".to_owned(), &own.authority, "no address is known"),
    ] {
        let output = refs(&url, trusted);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && output.stdout.is_empty(), "{url}");
        assert!(told.contains(words) && told.lines().count() == 1, "{url}: {told}");
    }
}

#[test]
fn a_self_signed_certificate_that_the_system_trusts_opens_its_server() {
    let root = Root::new();
    let repo = root.repo("r.git");
    repo.commit("main").file("f", "one").write();
    for is_authority in [true, false] {
        let own = SelfSigned::new("localhost").authority(is_authority).make();
        let server = https(&root, &own);
        let url = format!("https://localhost:{}/r.git", server.address().port());
        let output = refs(&url, &own.authority);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(out.contains("\trefs/heads/main\n") && err.is_empty(), "{is_authority}: {err}");
    }
}

#[test]
fn an_empty_repository_says_so() {
    let root = Root::new();
    drop(root.repo("r.git"));
    let output = refs(&Server::git(&root).url("r.git"), "");
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("the repository is empty"));
}
