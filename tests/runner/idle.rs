//! Connections that do nothing are closed after a time, and descriptors that run out keep nobody out.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use super::asking::{ask, names};
use super::bad_input::{Bench, map};
use super::service::Settings;

/// Longer than the time limits of ten seconds, and the pauses between two looks at them.
const ALL_TIME_LIMITS: Duration = Duration::from_secs(30);

/// The most that a probe may take meanwhile.
const PROBE_TIME: Duration = Duration::from_secs(2);

fn connect(address: SocketAddr, start: &[u8]) -> Option<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, PROBE_TIME).ok()?;
    stream.write_all(start).ok()?;
    stream.set_nonblocking(true).unwrap();
    Some(stream)
}

fn is_open(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 1024]) {
        Ok(read) => read > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

#[test]
fn connections_that_do_nothing_are_closed() {
    let bench = Bench::new();
    let (grpc, http) = bench.service.addresses();
    let mut all = Vec::new();
    for _ in 0..20 {
        all.extend(connect(grpc, b""));
        all.extend(connect(grpc, b"PRI * HTTP/2.0\r\n"));
        all.extend(connect(http, b""));
        all.extend(connect(http, b"GET /healthz HTTP/1.1\r\nX-A"));
    }
    assert_eq!(all.len(), 80);
    let begun = Instant::now();
    while all.iter_mut().any(is_open) {
        let open = all.iter_mut().filter_map(|stream| is_open(stream).then_some(())).count();
        assert!(begun.elapsed() < ALL_TIME_LIMITS, "{open} are still open");
        thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test]
async fn descriptors_that_run_out_keep_nobody_out() {
    let wrapper = Some("ulimit -n 300; exec \"$@\"".to_owned());
    let bench = Bench::with(&Settings { wrapper, ..Settings::flags(&[]) });
    bench.files(&[("app/map.yaml", &map("a"))]);
    let (grpc, http) = bench.service.addresses();
    for address in [grpc, http] {
        // More than there are descriptors; those that the server closes for others are counted too.
        let held: Vec<_> = (0..400).filter_map(|_| connect(address, b"")).collect();
        assert!(held.len() > 300, "{}", held.len());
        let processor = bench.service.processor_time();
        for _ in 0..20 {
            let begun = Instant::now();
            assert!(bench.service.is_healthy());
            assert!(begun.elapsed() < PROBE_TIME, "it took {:?}", begun.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let used = bench.service.processor_time() - processor;
        assert!(used < Duration::from_millis(500), "waiting took {used:?} of a processor");
        let request = ask(&bench.server.url("app.git"), "main", "app");
        let rendered = bench.service.render(request).await.unwrap();
        assert_eq!(names(&rendered), ["ConfigMap/a"]);
    }
}
