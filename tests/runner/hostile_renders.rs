//! A server under files that take all memory or never end: the same process before and after, one error for whoever asked,
//! and answers for everybody else meanwhile.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tonic::Code;

use super::asking::{ask, names};
use super::bad_input::{Bench, map};
use super::service::Settings;

/// Never ends, and takes no memory.
const ENDLESS: &str = "local f(x) = f(x + 1) tailstrict; f(1)";

fn bench(flags: &[&str]) -> Bench {
    let flags: Vec<&str> = flags.iter().copied().chain(["--fetch-timeout=10s"]).collect();
    Bench::with(&Settings::flags(&flags))
}

/// The processes that a process has started and not yet waited for.
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(|number| number.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never came to be: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What it is called, the files, and the codes it may end with.
type HostileCase<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [Code]);

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_cost_their_request_one_error() {
    let mut bench = bench(&["--worker-memory-bytes=128MiB", "--render-timeout=5s"]);
    let process = bench.service.id();
    let chart = "apiVersion: v2\nname: c\nversion: 1.0.0\n";
    let aliases: String =
        (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1)).collect();
    let aliases = format!("kind: A\napiVersion: v1\na0: &a0 [x]\n{aliases}");
    let cases: [HostileCase<'_>; 6] = [
        (
            "a program that takes all memory",
            &[("app/a.jsonnet", "local f(s, n) = if n == 0 then s else f(s + s, n - 1); {kind: f('x', 60)}")],
            &[Code::ResourceExhausted],
        ),
        ("a program that never ends", &[("app/a.jsonnet", ENDLESS)], &[Code::DeadlineExceeded]),
        (
            "aliases of aliases",
            &[("app/a.yaml", &aliases)],
            &[Code::ResourceExhausted, Code::InvalidArgument, Code::DeadlineExceeded],
        ),
        (
            "a chart that repeats",
            &[
                ("app/Chart.yaml", chart),
                ("app/templates/a.yaml", "{{ repeat 1000000000 \"x\" | indent 9 }}"),
            ],
            &[Code::ResourceExhausted, Code::InvalidArgument, Code::DeadlineExceeded],
        ),
        (
            "a chart that includes itself",
            &[
                ("app/Chart.yaml", chart),
                (
                    "app/templates/a.yaml",
                    "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
                ),
            ],
            &[Code::ResourceExhausted, Code::InvalidArgument, Code::DeadlineExceeded],
        ),
        (
            "a chart that counts for ever",
            &[
                ("app/Chart.yaml", chart),
                (
                    "app/templates/a.yaml",
                    "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}",
                ),
            ],
            &[Code::ResourceExhausted, Code::InvalidArgument, Code::DeadlineExceeded],
        ),
    ];
    for (what, files, codes) in cases {
        bench.files(files);
        let mut request = bench.ask("app");
        request.no_revision_cache = true;
        let status = bench.fails(request, codes).await;
        assert!(!status.message().contains("unexpectedly"), "{what}: {status:?}");
        assert_eq!(bench.service.id(), process, "{what}");
    }
    let metrics = bench.service.metrics();
    assert!(metrics.sum("manifestd_worker_deaths_total", &["memory"]) >= 1.0);
    assert!(metrics.sum("manifestd_worker_deaths_total", &["time"]) >= 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_killed_a_worker_is_refused_at_once() {
    let mut bench = bench(&["--worker-memory-bytes=64MiB", "--render-timeout=1s"]);
    bench.files(&[("app/a.jsonnet", ENDLESS)]);
    let mut request = bench.ask("app");
    request.no_cache = true;
    bench.fails(request.clone(), &[Code::DeadlineExceeded]).await;
    let deaths = bench.service.metrics().sum("manifestd_worker_deaths_total", &[]);
    for _ in 0..5 {
        let status = bench.fails(request.clone(), &[Code::DeadlineExceeded]).await;
        assert!(status.message().contains("are refused for"), "{status:?}");
    }
    assert_eq!(
        bench.service.metrics().sum("manifestd_worker_deaths_total", &[]),
        deaths,
        "no further worker died"
    );
    bench.files(&[("app/a.jsonnet", ""), ("app/b.yaml", &map("mended"))]);
    request.no_revision_cache = true;
    bench.files(&[("app/a.jsonnet", "{}  // nothing"), ("app/b.yaml", &map("mended"))]);
    let error = bench.service.render(request).await;
    assert!(!error.is_err_and(|status| status.message().contains("refused")), "other files are other inputs");
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_answered_while_renders_never_end() {
    let bench = bench(&["--parallelism-limit=2", "--render-timeout=30s"]);
    let files: Vec<_> =
        (0..4).map(|n| (format!("endless{n}/a.jsonnet"), format!("{ENDLESS} // {n}"))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    bench.files(&files);
    let healthy = ask(&bench.server.url("healthy.git"), "main", "app");
    bench.service.render(healthy.clone()).await.unwrap();
    let mut endless = Vec::new();
    for number in 0..4 {
        let (mut client, request) = (bench.service.client().await, bench.ask(&format!("endless{number}")));
        endless.push(tokio::spawn(async move { client.render(request).await }));
    }
    until("both workers are busy", || bench.service.metrics().sum("manifestd_workers_busy", &[]) >= 2.0);
    for _ in 0..20 {
        let answer = bench.service.render(healthy.clone()).await.unwrap();
        assert_eq!(names(&answer), ["ConfigMap/healthy"]);
        assert!(bench.service.is_live());
    }
    assert!(endless.iter().all(|task| !task.is_finished()), "what never ends was still running");
    endless.iter().for_each(tokio::task::JoinHandle::abort);
    // Nobody waits any more, so the workers are given up long before their time is over.
    until("no worker is busy", || bench.service.metrics().sum("manifestd_workers_busy", &[]) == 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_worker_outlives_its_server() {
    for signal in [Signal::TERM, Signal::KILL] {
        let bench = bench(&["--render-timeout=60s", "--drain-time=1s"]);
        bench.files(&[("app/a.jsonnet", ENDLESS)]);
        let (mut client, request) = (bench.service.client().await, bench.ask("app"));
        let endless = tokio::spawn(async move { client.render(request).await });
        until("a worker is busy", || bench.service.metrics().sum("manifestd_workers_busy", &[]) >= 1.0);
        let workers = children(bench.service.id());
        assert!(!workers.is_empty());
        kill_process(Pid::from_raw(i32::try_from(bench.service.id()).unwrap()).unwrap(), signal).unwrap();
        let is_worker = |number: &u32| {
            let line = fs::read_to_string(format!("/proc/{number}/cmdline")).unwrap_or_default();
            line.contains("__worker")
        };
        until("the workers are gone", || !workers.iter().any(is_worker));
        assert!(endless.await.unwrap().is_err());
    }
}
