//! Calls that are cut off, come in storms, or hold what protobuf does not allow; and what the command line may say.

use std::time::Duration;

use bytes::Bytes;
use proto::v1::RenderRequest;
use tempfile::TempDir;
use testkit::http::{Act, Auth, Options, Server};
use tonic::Code;

use super::asking::ask;
use super::bad_input::{Bench, map};
use super::service::{CANARY, command};

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_cancelled_calls() {
    let mut bench = Bench::new();
    bench.files(&[("app/map.yaml", &map("a"))]);
    let slow = Server::start(Options {
        root: Some(bench.root.path().into()),
        act: Box::new(|_| Act::After(Duration::from_millis(100), Box::new(Act::Serve))),
        ..Options::default()
    });
    let client = bench.service.client().await;
    let call = |number: usize| {
        let (mut client, request) = (client.clone(), ask(&slow.url("app.git"), "main", "app"));
        let request = RenderRequest { name: format!("app-{number}"), no_cache: true, ..request };
        tokio::spawn(async move { client.render(request).await.map(drop) })
    };
    let calls: Vec<_> = (0..300).map(call).collect();
    tokio::time::sleep(Duration::from_millis(150)).await;
    calls.iter().for_each(tokio::task::JoinHandle::abort);
    bench.works().await;
    // Nothing of the storm is left in the queues.
    let request = ask(&slow.url("app.git"), "main", "app");
    bench.service.render(request).await.unwrap();
}

#[tokio::test]
async fn deadlines_of_no_time_at_all() {
    let mut bench = Bench::new();
    bench.files(&[("app/map.yaml", &map("a"))]);
    let mut client = bench.service.client().await;
    for microseconds in [0, 1, 1_000] {
        let mut request = tonic::Request::new(bench.ask("app"));
        request.set_timeout(Duration::from_micros(microseconds));
        if let Err(status) = client.render(request).await {
            assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}");
        }
    }
    bench.works().await;
}

#[tokio::test]
async fn bytes_that_are_no_request() {
    let mut bench = Bench::new();
    // A source whose URL is not UTF-8; a length beyond the end; a field of an unknown number, which is allowed.
    let bodies: [&'static [u8]; 3] =
        [b"\x0a\x06\x0a\x04\x0a\x02\xff\xfe", b"\x0a\xff\xff\xff\xff\x0f", b"\xf8\x7f\x01"];
    for body in bodies {
        let status = bench.service.call(Bytes::from_static(body)).await.expect_err("this is no request");
        assert!(matches!(status.code(), Code::InvalidArgument | Code::Internal), "{status:?}");
    }
    bench.works().await;
}

#[tokio::test]
async fn the_command_line_tells_no_secret() {
    let bench = Bench::new();
    let auth = Some(Auth::Basic("user".into(), "right".into()));
    let server = Server::start(Options { root: Some(bench.root.path().into()), auth, ..Options::default() });
    let url = server.url("healthy.git").replace("://", &format!("://user:{CANARY}@"));
    for arguments in [vec!["render", &url, "--path", "app"], vec!["refs", &url], vec!["apps", &url]] {
        let data = TempDir::new().unwrap();
        let output = command(None).args(&arguments).arg("--data-dir").arg(data.path()).output().unwrap();
        let told =
            String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && !told.is_empty(), "{arguments:?}");
        bench.service.assert_silent(&told);
        assert!(!told.contains(data.path().to_str().unwrap()) && !told.contains("panicked"), "{told}");
    }
}
