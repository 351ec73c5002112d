//! The servers against the real `git` program.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::*;
use crate::program::output;
use crate::{Certificates, Program, Repo, Root, apps};

fn git(arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    command.args(arguments).env("GIT_TERMINAL_PROMPT", "0").env("GIT_CONFIG_GLOBAL", "/dev/null");
    // Stronger than the settings the tests give.
    command.env_remove("GIT_SSL_CAINFO");
    output(&mut command).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn sample(root: &Root) -> Repo {
    let repo = root.repo("org/app.git");
    let first = repo.commit("main").file("a.yaml", "kind: A\n").write();
    repo.tag("v1", first);
    repo
}

fn needs_git() -> bool {
    Program::Git.find("http server").is_some()
}

#[test]
fn git_lists_and_clones_in_both_protocol_versions() {
    if !needs_git() {
        return;
    }
    let root = Root::new();
    let repo = sample(&root);
    let server = Server::git(&root);
    for version in ["protocol.version=0", "protocol.version=2"] {
        server.forget();
        let listed = git(&["-c", version, "ls-remote", &server.url("org/app.git")]).unwrap();
        assert!(listed.contains(&repo.tip("refs/heads/main").to_string()), "{listed}");
        assert_eq!((server.listings(), server.fetches()), (1, 0), "{version}");
        let into = tempfile::TempDir::new().unwrap();
        let into = into.path().to_str().unwrap();
        git(&["-c", version, "clone", "--depth", "1", &server.url("org/app.git"), into]).unwrap();
        assert_eq!(std::fs::read_to_string(Path::new(into).join("a.yaml")).unwrap(), "kind: A\n");
        assert!(server.fetches() >= 1);
    }
}

#[test]
fn compressed_requests_are_answered() {
    if !needs_git() {
        return;
    }
    let root = Root::new();
    let repo = root.repo("app.git");
    apps(&repo, 50);
    for number in 0..100 {
        repo.commit(&format!("b{number}")).file("f", number.to_string()).write();
    }
    let server = Server::git(&root);
    let into = tempfile::TempDir::new().unwrap();
    git(&["clone", "--mirror", &server.url("app.git"), into.path().to_str().unwrap()]).unwrap();
    assert!(server.requests().iter().any(|request| request.header("content-encoding") == Some("gzip")));
}

#[test]
fn bodies_in_chunks_are_put_together() {
    let server = Server::start(Options { act: Box::new(|_| Act::reply(200, &[], "")), ..Options::default() });
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let sent = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    stream.write_all(sent).unwrap();
    stream.read_exact(&mut [0; 12]).unwrap();
    assert_eq!(server.requests()[0].body, b"abcde");
}

#[test]
fn credentials_are_asked_for() {
    if !needs_git() {
        return;
    }
    let root = Root::new();
    sample(&root);
    let auth = Some(Auth::Basic("user".into(), "pass:word".into()));
    let server = Server::start(Options { root: Some(root.path().into()), auth, ..Options::default() });
    let url = server.url("org/app.git");
    assert!(git(&["ls-remote", &url]).is_err());
    assert!(git(&["ls-remote", &url.replace("://", "://user:pass%3Aword@")]).is_ok());
    let auth = Some(Auth::Bearer("token".into()));
    let server = Server::start(Options { root: Some(root.path().into()), auth, ..Options::default() });
    let url = server.url("org/app.git");
    assert!(git(&["-c", "http.extraHeader=Authorization: Bearer other", "ls-remote", &url]).is_err());
    assert!(git(&["-c", "http.extraHeader=Authorization: Bearer token", "ls-remote", &url]).is_ok());
}

#[test]
fn https_is_spoken_with_our_authority_and_client_certificates() {
    if !needs_git() {
        return;
    }
    let root = Root::new();
    sample(&root);
    let made = Certificates::new();
    let folder = tempfile::TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let trust = format!("http.sslCAInfo={}", file("ca.pem", &made.authority));
    let certificate = format!("http.sslCert={}", file("client.pem", &made.client));
    let key = format!("http.sslKey={}", file("client.key", &made.client_key));
    for mutual in [false, true] {
        let tls = Some(made.server_config(mutual));
        let server = Server::start(Options { root: Some(root.path().into()), tls, ..Options::default() });
        let url = server.url("org/app.git");
        assert!(git(&["ls-remote", &url]).is_err());
        let plain = git(&["-c", &trust, "ls-remote", &url]);
        assert_eq!(plain.is_ok(), !mutual, "{plain:?}");
        git(&["-c", &trust, "-c", &certificate, "-c", &key, "ls-remote", &url]).unwrap();
    }
}

#[test]
fn it_misbehaves_by_script() {
    if !needs_git() {
        return;
    }
    let root = Root::new();
    sample(&root);
    let started = |act: fn(&Request) -> Act| {
        Server::start(Options { root: Some(root.path().into()), act: Box::new(act), ..Options::default() })
    };
    let cut = started(|request| if request.is_fetch() { Act::Cut(200) } else { Act::Serve });
    let into = tempfile::TempDir::new().unwrap();
    let cloned = git(&["clone", "--bare", &cut.url("org/app.git"), into.path().join("x").to_str().unwrap()]);
    assert!(cloned.is_err());
    let loops = started(|_| Act::reply(401, &[("WWW-Authenticate", "Basic realm=\"x\"")], "no"));
    assert!(git(&["ls-remote", &loops.url("org/app.git").replace("://", "://u:p@")]).is_err());
    let slow = started(|_| Act::After(Duration::from_millis(300), Box::new(Act::Serve)));
    let begun = Instant::now();
    git(&["-c", "protocol.version=0", "ls-remote", &slow.url("org/app.git")]).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let stalled = ["-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=1", "ls-remote"];
    let acts: [fn(&Request) -> Act; 3] =
        [|_| Act::Hang, |_| Act::HangAfterHead, |_| Act::Drip(Duration::from_millis(500))];
    for act in acts {
        let server = started(act);
        let url = server.url("org/app.git");
        let arguments: Vec<&str> = stalled.iter().copied().chain([url.as_str()]).collect();
        assert!(git(&arguments).is_err());
    }
}

#[test]
fn refs_without_end_go_on_until_the_client_leaves() {
    let server = Server::start(Options { act: Box::new(|_| Act::endless_refs()), ..Options::default() });
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"GET /a.git/info/refs?service=git-upload-pack HTTP/1.1\r\n\r\n").unwrap();
    let mut bytes = vec![0; 1 << 20];
    stream.read_exact(&mut bytes).unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("refs/heads/branch-000000001000"));
}

#[test]
fn base64_pads() {
    let texts = ["", "f", "fo", "foo", "foob"].map(|text| wire::base64(text.as_bytes()));
    assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
}
