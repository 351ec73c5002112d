//! Remotes that do not exist, refuse, hang, drip, lie or redirect.

use std::time::{Duration, Instant};

use proto::v1::Credential;
use testkit::http::{Act, Auth, Options, Request, Server};
use testkit::{Raw, Script};
use tonic::{Code, Status};

use super::asking::{Asking, ask};
use super::bad_input::{Bench, map};
use super::service::{CANARY, free_address};

/// A user and password that must never show up anywhere.
fn secret() -> Credential {
    Credential { username: "user".into(), password: CANARY.into(), ..Credential::default() }
}

/// A server of the bench's repositories that does this with each request.
fn acting(bench: &Bench, act: impl Fn(&Request) -> Act + Send + Sync + 'static) -> Server {
    bench.files(&[("app/map.yaml", &map("a"))]);
    Server::start(Options { root: Some(bench.root.path().into()), act: Box::new(act), ..Options::default() })
}

/// The failure of a request with a secret to `app.git` of this server, with one of these codes.
async fn fails(bench: &mut Bench, url: &str, codes: &[Code]) -> Status {
    bench.fails(ask(url, "main", "app").credential(secret()), codes).await
}

#[tokio::test]
async fn a_repository_that_does_not_exist() {
    let mut bench = Bench::new();
    let url = bench.server.url("nowhere.git");
    fails(&mut bench, &url, &[Code::NotFound]).await;
}

#[tokio::test]
async fn a_server_that_does_not_exist() {
    let mut bench = Bench::new();
    for url in [format!("http://{}/app.git", free_address()), format!("git://{}/app.git", free_address())] {
        fails(&mut bench, &url, &[Code::Unavailable]).await;
    }
    fails(&mut bench, "https://does-not-exist.invalid/app.git", &[Code::Unavailable, Code::NotFound]).await;
}

#[tokio::test]
async fn a_repository_that_refuses_the_credentials() {
    let mut bench = Bench::new();
    bench.files(&[("app/map.yaml", &map("a"))]);
    let auth = Some(Auth::Basic("user".into(), "right".into()));
    let server = Server::start(Options { root: Some(bench.root.path().into()), auth, ..Options::default() });
    let url = server.url("app.git");
    fails(&mut bench, &url, &[Code::Unauthenticated]).await;
    bench.fails(ask(&url, "main", "app"), &[Code::Unauthenticated]).await;
    let with_secret = url.replace("://", &format!("://user:{CANARY}@"));
    bench.fails(ask(&with_secret, "main", "app"), &[Code::Unauthenticated, Code::InvalidArgument]).await;
    let right = Credential { password: "right".into(), ..secret() };
    bench.service.render(ask(&url, "main", "app").credential(right)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_forbids() {
    let mut bench = Bench::new();
    let server = acting(&bench, |_| Act::reply(403, &[], "no"));
    let url = server.url("app.git");
    fails(&mut bench, &url, &[Code::PermissionDenied, Code::Unauthenticated]).await;
}

#[tokio::test]
async fn a_server_that_asks_for_credentials_for_ever() {
    let mut bench = Bench::new();
    let server = acting(&bench, |_| Act::reply(401, &[("WWW-Authenticate", "Basic realm=\"x\"")], ""));
    let url = server.url("app.git");
    fails(&mut bench, &url, &[Code::Unauthenticated]).await;
    assert!(server.requests().len() < 20, "{} requests", server.requests().len());
}

#[tokio::test]
async fn a_server_that_fails() {
    let mut bench = Bench::new();
    for status in [500, 503, 429] {
        let server = acting(&bench, move |_| Act::reply(status, &[("Retry-After", "3600")], "broken"));
        let url = server.url("app.git");
        fails(&mut bench, &url, &[Code::Unavailable, Code::ResourceExhausted]).await;
    }
}

#[tokio::test]
async fn a_server_that_hangs() {
    let mut bench = Bench::new();
    let silent = Raw::start(Script::Hang);
    let codes = [Code::DeadlineExceeded, Code::Unavailable];
    for scheme in ["http", "https", "git"] {
        fails(&mut bench, &format!("{scheme}://{}/app.git", silent.address()), &codes).await;
    }
    for act in [|_: &Request| Act::Hang, |_: &Request| Act::HangAfterHead] {
        let server = acting(&bench, act);
        let url = server.url("app.git");
        fails(&mut bench, &url, &codes).await;
    }
    let server = acting(&bench, |request| if request.is_fetch() { Act::Hang } else { Act::Serve });
    let url = server.url("app.git");
    fails(&mut bench, &url, &codes).await;
}

#[tokio::test]
async fn a_server_that_sends_one_byte_a_second() {
    let mut bench = Bench::new();
    let codes = [Code::DeadlineExceeded, Code::Unavailable];
    let server = acting(&bench, |_| Act::Drip(Duration::from_secs(1)));
    let url = server.url("app.git");
    fails(&mut bench, &url, &codes).await;
    let pack =
        acting(
            &bench,
            |request| if request.is_fetch() { Act::Drip(Duration::from_secs(1)) } else { Act::Serve },
        );
    let url = pack.url("app.git");
    fails(&mut bench, &url, &codes).await;
    let words =
        Script::Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n".to_vec(), Duration::from_secs(1));
    let raw = Raw::start(words);
    fails(&mut bench, &format!("http://{}/app.git", raw.address()), &codes).await;
}

#[tokio::test]
async fn a_slow_server_does_not_hold_up_others() {
    let mut bench = Bench::new();
    let server = acting(&bench, |_| Act::Hang);
    let slow = (0..20).map(|number| ask(&server.url(&format!("{number}.git")), "main", "app"));
    let slow = bench.service.render_all(slow);
    let begun = Instant::now();
    let fast = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        bench.service.render(ask(&bench.server.url("healthy.git"), "main", "app")).await.unwrap();
        begun.elapsed()
    };
    let (answers, fast) = tokio::join!(slow, fast);
    assert!(answers.iter().all(Result::is_err));
    assert!(fast < Duration::from_secs(2), "{fast:?}");
    bench.works().await;
}

#[tokio::test]
async fn refs_without_end() {
    let mut bench = Bench::new();
    let server = acting(&bench, |_| Act::endless_refs());
    let url = server.url("app.git");
    let codes = [Code::DeadlineExceeded, Code::Unavailable, Code::ResourceExhausted];
    fails(&mut bench, &url, &codes).await;
    let resident = bench.service.peak_resident_bytes();
    assert!(resident < 1 << 30, "{resident} bytes resident");
}

#[tokio::test]
async fn garbage() {
    let mut bench = Bench::new();
    let codes = [Code::Unavailable, Code::InvalidArgument, Code::NotFound];
    let says: [&[u8]; 4] = [b"\0\xff\xfegarbage", b"HTTP/1.1 200 OK\r\n\r\n<html>", b"zzzzERR", b""];
    for words in says {
        let raw = Raw::start(Script::Say(words.to_vec()));
        for scheme in ["http", "https", "git"] {
            fails(&mut bench, &format!("{scheme}://{}/app.git", raw.address()), &codes).await;
        }
    }
    let kind = ("Content-Type", "application/x-git-upload-pack-advertisement");
    for body in [
        "<html>",
        "0000",
        "001e# service=git-upload-pack\n0000",
        "fffffff",
        "001e# service=git-upload-pack\n0000003fxx",
    ] {
        let server = acting(&bench, move |_| Act::reply(200, &[kind], body));
        let url = server.url("app.git");
        fails(&mut bench, &url, &codes).await;
    }
}

#[tokio::test]
async fn a_pack_cut_short() {
    let mut bench = Bench::new();
    for bytes in [0, 10, 60, 200] {
        let server =
            acting(&bench, move |request| if request.is_fetch() { Act::Cut(bytes) } else { Act::Serve });
        let url = server.url("app.git");
        fails(&mut bench, &url, &[Code::Unavailable]).await;
    }
    // What was left behind does not stand in the way.
    bench.service.render(bench.ask("app")).await.unwrap();
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_host() {
    let mut bench = Bench::new();
    let other = acting(&bench, |_| Act::Serve);
    // Another name of loopback is another host.
    let elsewhere = other.url("").replace("127.0.0.1", "localhost");
    let server = acting(&bench, move |request| {
        Act::redirect(&format!("{}{}?{}", elsewhere.trim_end_matches('/'), request.path, request.query))
    });
    // Whether the redirect is followed without the credential is not the question here.
    let rendered =
        bench.service.render(ask(&server.url("app.git"), "main", "app").credential(secret())).await;
    drop(rendered);
    assert!(server.requests().len() <= 20);
    assert!(
        other.requests().iter().all(|request| request.header("authorization").is_none()),
        "{:?}",
        other.requests()
    );
    bench.works().await;
}

#[tokio::test]
async fn redirects_to_the_metadata_service_are_not_followed() {
    let mut bench = Bench::new();
    for target in [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "file:///etc/passwd",
        "http://0xa9fea9fe/",
    ] {
        let server = acting(&bench, move |_| Act::redirect(target));
        let url = server.url("app.git");
        let begun = Instant::now();
        let codes = [Code::PermissionDenied, Code::Unavailable, Code::InvalidArgument, Code::NotFound];
        fails(&mut bench, &url, &codes).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{target} was contacted");
    }
}

#[tokio::test]
async fn the_metadata_service_is_never_contacted() {
    let mut bench = Bench::new();
    for host in ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "2852039166", "0xa9.0xfe.0xa9.0xfe"] {
        let begun = Instant::now();
        let codes = [Code::PermissionDenied, Code::InvalidArgument];
        bench.fails(ask(&format!("http://{host}/app.git"), "main", ""), &codes).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{host} was contacted");
    }
}
