//! The binary as a person meets it: what is on standard output, what on standard error, and the exit code.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use proto::v1::manifestd_client::ManifestdClient;
use proto::v1::{Answered, Git, RenderRequest, Source, source};
use testkit::{Repo, Root};

/// A folder of repositories, and one for the data of the binary.
struct Home {
    root: Root,
    data: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { root: Root::new(), data: tempfile::tempdir().unwrap() }
    }

    /// The binary with nothing of this process's environment.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_manifestd"));
        command.env_clear().env("HOME", self.data.path()).current_dir(self.data.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    fn repo(&self) -> Repo {
        let repo = self.root.repo("app.git");
        let commit = repo.commit("main").file("web/a.yaml", config_map("a")).write();
        repo.tag("v1.0.0", commit);
        repo
    }
}

fn config_map(name: &str) -> String {
    format!("kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: {name}\n")
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn manifests_are_all_there_is_on_standard_output() {
    let home = Home::new();
    let repo = home.repo();
    let from = repo.path().to_str().unwrap();
    let yaml = home.run(&["render", from, "--path", "web"]);
    assert_eq!(stdout(&yaml), "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n", "{}", stderr(&yaml));
    assert_eq!((yaml.status.code(), stderr(&yaml)), (Some(0), ""));
    let json = home.run(&["render", from, "--path", "web", "-o", "json", "--revision", "v1.0.0"]);
    let expected = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}\n";
    assert_eq!(stdout(&json), expected);
}

#[test]
fn warnings_go_to_standard_error() {
    let home = Home::new();
    let repo = home.repo();
    repo.commit("main").file("empty/README.md", "").write();
    let output = home.run(&["render", repo.path().to_str().unwrap(), "--path", "empty"]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), ""));
    assert_eq!(stderr(&output), "warning: no manifests were found in empty\n");
}

#[test]
fn files_as_they_are_where_there_is_no_repository_or_they_are_asked_for() {
    let home = Home::new();
    let folder = home.data.path().join("work");
    fs::create_dir_all(folder.join("web")).unwrap();
    fs::write(folder.join("web/a.yaml"), config_map("first")).unwrap();
    let from = folder.to_str().unwrap();
    assert!(stdout(&home.run(&["render", from, "--path", "web"])).contains("name: first"));
    let repo = testkit::Repo::init(&folder.join(".git"));
    repo.commit("main").file("web/a.yaml", config_map("committed")).write();
    fs::write(folder.join("web/a.yaml"), config_map("changed")).unwrap();
    assert!(stdout(&home.run(&["render", from, "--path", "web"])).contains("name: committed"));
    assert!(stdout(&home.run(&["render", from, "--path", "web", "--worktree"])).contains("name: changed"));
    let inner = folder.join("web");
    assert!(stdout(&home.run(&["render", inner.to_str().unwrap()])).contains("name: committed"));
}

#[test]
fn exit_codes_say_what_kind_of_failure_it_was() {
    let home = Home::new();
    let repo = home.repo();
    repo.commit("main").file("bad/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n").write();
    let from = repo.path().to_str().unwrap();
    for (code, arguments) in [
        (1, &["render", from, "--path", "bad"][..]),
        (1, &["render", from, "--path", "../up"]),
        (1, &["render", "ext::sh -c true"]),
        (2, &["render"]),
        (2, &["render", from, "--worktree", "--revision", "v1"]),
        (2, &["render", from, "--helm-skip-crds", "--directory-recurse"]),
        (2, &["render", from, "--fetch-timeout", "soon"]),
        (3, &["render", from, "--path", "nothing"]),
        (3, &["render", from, "--revision", "v9"]),
        (3, &["render", "./nothing"]),
        (5, &["render", "http://127.0.0.1:1/repo.git"]),
    ] {
        let output = home.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "");
        assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
    }
}

#[test]
fn an_error_is_one_line_where_nobody_watches() {
    let home = Home::new();
    let repo = home.repo();
    repo.commit("main").file("bad/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: [\n").write();
    let output = home.run(&["render", repo.path().to_str().unwrap(), "--path", "bad"]);
    let text = stderr(&output);
    assert!(text.starts_with("error: bad/a.yaml:") && text.lines().count() == 1, "{text}");
    assert!(!text.contains(repo.path().to_str().unwrap()), "{text}");
}

#[test]
fn names_and_applications_are_listed() {
    let home = Home::new();
    let repo = home.repo();
    let from = repo.path().to_str().unwrap();
    let tip = repo.tip("refs/heads/main").to_string();
    let expected = format!("{tip}\trefs/heads/main\n{tip}\trefs/heads/main\n{tip}\trefs/tags/v1.0.0\n");
    assert_eq!(stdout(&home.run(&["refs", from])), expected);
    assert_eq!(stdout(&home.run(&["apps", from])), "");
}

#[test]
fn mistakes_in_the_settings_are_told_together() {
    let home = Home::new();
    let output = home
        .command()
        .args(["serve", "--drain-time", "soon"])
        .env("MANIFESTD_LISTEN", "here")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let expected = "error: MANIFESTD_LISTEN: `here` is no address: it must be like 127.0.0.1:8081 or [::]:8081\n\
                    error: --drain-time: `soon` is no time: it must be like 90s, 3m or 1h30m\n";
    assert_eq!(stderr(&output), expected);
}

#[test]
fn completions_are_a_script() {
    let output = Home::new().run(&["completions", "bash"]);
    assert!(stdout(&output).contains("_manifestd()") && stdout(&output).contains("--helm-set-string"));
}

/// `manifestd serve` on ports of its own; killed when dropped.
struct Serving {
    child: Child,
    grpc: String,
    http: String,
}

impl Serving {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let own =
            ["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log-format", "json"];
        let mut command = home.command();
        let child = command.args(own).args(arguments).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("\"serving\"") {
            line.clear();
            assert!(log.read_line(&mut line).unwrap() > 0, "the server ended before it served");
        }
        // A full pipe would hold the server up.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let entry = yaml::json::from_str(&line, &yaml::Limits::default()).unwrap();
        let field = |name| entry.get(name).and_then(yaml::Value::as_str).unwrap().to_owned();
        Self { child, grpc: field("grpc"), http: field("metrics") }
    }

    fn http(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.http).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_server_renders_counts_and_ends_on_sigterm() {
    let home = Home::new();
    let repo = home.repo();
    let mut serving = Serving::start(&home, &["--allow-file"]);
    let mut client = ManifestdClient::connect(format!("http://{}", serving.grpc)).await.unwrap();
    let git = Git { url: repo.path().to_str().unwrap().into(), path: "web".into(), ..Git::default() };
    let source = Source { origin: Some(source::Origin::Git(git)), renderer: None };
    let request = RenderRequest { sources: vec![source], ..RenderRequest::default() };
    for expected in [Answered::Rendered, Answered::Cache] {
        let answer = client.render(request.clone()).await.unwrap().into_inner();
        assert_eq!((answer.answered(), answer.manifests[0].name.as_str()), (expected, "a"));
    }
    let metrics = serving.http("/metrics");
    for line in [
        "manifestd_requests_total{rpc=\"Render\",code=\"OK\",answered=\"rendered\"} 1",
        "manifestd_requests_total{rpc=\"Render\",code=\"OK\",answered=\"cache\"} 1",
        "manifestd_renders_total{renderer=\"Directory\"} 1",
        "manifestd_cache_hits_total{kind=\"answer\"} 1",
        "manifestd_queue_length 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let pid = rustix::process::Pid::from_child(&serving.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_server_reads_no_local_files_unless_it_is_told_to() {
    let home = Home::new();
    let repo = home.repo();
    let serving = Serving::start(&home, &[]);
    let mut client = ManifestdClient::connect(format!("http://{}", serving.grpc)).await.unwrap();
    let path = repo.path().to_str().unwrap();
    for url in [path.to_owned(), format!("file://{path}")] {
        let git = Git { url, path: "web".into(), ..Git::default() };
        let source = Source { origin: Some(source::Origin::Git(git)), renderer: None };
        let request = RenderRequest { sources: vec![source], ..RenderRequest::default() };
        let status = client.render(request).await.unwrap_err();
        assert!(
            matches!(status.code(), tonic::Code::InvalidArgument | tonic::Code::PermissionDenied),
            "{status}"
        );
    }
}

/// Latin-1 for `café.yaml`.
const ODD: &[u8] = b"caf\xe9.yaml";

#[test]
fn files_whose_names_are_not_utf8_are_files_like_others() {
    let home = Home::new();
    let repo = home.root.repo("odd.git");
    let object = |name: &str| repo.blob(config_map(name));
    let plain = repo.raw_tree(&[("100644", &b"a.yaml"[..], object("a")), ("100644", ODD, object("b"))]);
    let base = "resources: [a.yaml]\n";
    let kustomization = [
        ("100644", &b"a.yaml"[..], object("a")),
        ("100644", ODD, object("b")),
        ("100644", b"kustomization.yaml", repo.blob(base)),
    ];
    let templates = repo.raw_tree(&[("100644", ODD, object("b"))]);
    let chart = "apiVersion: v2\nname: c\nversion: 1.0.0\n";
    let chart = [
        ("100644", &b"Chart.yaml"[..], repo.blob(chart)),
        ("100644", ODD, object("x")),
        ("40000", b"templates", templates),
    ];
    let folders = [
        ("40000", &b"chart"[..], repo.raw_tree(&chart)),
        ("40000", b"d\xff", repo.raw_tree(&[("100644", ODD, object("deep"))])),
        ("40000", b"kustomize", repo.raw_tree(&kustomization)),
        ("40000", b"plain", plain),
    ];
    repo.commit_tree("main", repo.raw_tree(&folders), "Names that are not UTF-8");
    let from = repo.path().to_str().unwrap();
    let names = |arguments: &[&str]| {
        let output = home.run(&[&["render", from], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
        let lines = stdout(&output).lines().filter_map(|line| line.strip_prefix("  name: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&["--path", "plain"]), ["a", "b"]);
    assert_eq!(names(&["--path", "kustomize"]), ["a"]);
    assert_eq!(names(&["--path", "chart"]), ["b"]);
    assert_eq!(
        names(&["--type", "directory", "--directory-recurse", "--exclude", "{chart,kustomize}/*"]),
        ["deep", "a", "b"]
    );
    assert!(stdout(&home.run(&["apps", from])).contains("chart\tHelm\n"));
}

#[test]
fn a_worktree_may_hold_names_that_are_not_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let home = Home::new();
    let folder = home.data.path().join("work");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a.yaml"), config_map("a")).unwrap();
    fs::write(folder.join(std::ffi::OsStr::from_bytes(ODD)), "kind: [").unwrap();
    let output = home.run(&["render", folder.to_str().unwrap(), "--worktree", "--include", "a*"]);
    assert!(stdout(&output).contains("name: a"), "{}", stderr(&output));
    let output = home.run(&["render", folder.to_str().unwrap(), "--worktree"]);
    assert!(stderr(&output).contains("caf\\xE9.yaml"), "{}", stderr(&output));
}
