//! Files and paths that cannot be rendered.

use std::fmt::Write;

use proto::v1::DirectoryOptions;
use tonic::Code;

use super::asking::{Asking, ask, names, place};
use super::bad_input::{Bench, map};

#[tokio::test]
async fn a_revision_that_does_not_exist() {
    let mut bench = Bench::new();
    bench.files(&[("map.yaml", &map("a"))]);
    for revision in ["nowhere", "v9.9.9", ">=7.0.0", "refs/heads/none", &"1".repeat(40), "1111111"] {
        let request = ask(&bench.server.url("app.git"), revision, "");
        let status = bench.fails(request, &[Code::NotFound]).await;
        assert!(status.message().contains(revision), "{status:?}");
    }
}

#[tokio::test]
async fn a_revision_that_is_an_option_or_no_revision() {
    let mut bench = Bench::new();
    bench.files(&[("map.yaml", &map("a"))]);
    bench.server.forget();
    for revision in ["--upload-pack=touch /x", "-x", "a b", "a..b", "a\nb", "refs/heads/../x"] {
        let request = ask(&bench.server.url("app.git"), revision, "");
        bench.fails(request, &[Code::InvalidArgument, Code::NotFound]).await;
    }
    let asked = bench.server.requests();
    let paths: Vec<&str> = asked.iter().map(|request| request.path.as_str()).collect();
    assert!(!format!("{asked:?}").contains("upload-pack=touch"), "{paths:?}");
}

#[tokio::test]
async fn a_path_that_does_not_exist() {
    let mut bench = Bench::new();
    bench.files(&[("app/map.yaml", &map("a"))]);
    let request = bench.ask("nowhere/at/all");
    let status = bench.fails(request, &[Code::NotFound]).await;
    assert!(status.message().contains("nowhere/at/all"), "{status:?}");
}

#[tokio::test]
async fn a_path_that_is_a_file() {
    let mut bench = Bench::new();
    bench.files(&[("app/map.yaml", &map("a"))]);
    let request = bench.ask("app/map.yaml");
    bench.fails(request, &[Code::InvalidArgument, Code::NotFound]).await;
}

#[tokio::test]
async fn a_path_that_escapes() {
    let mut bench = Bench::new();
    bench.files(&[("app/map.yaml", &map("a"))]);
    for path in ["..", "../app", "app/../../etc", "/etc", "app/\0", "../app.git"] {
        let request = bench.ask(path);
        bench.fails(request, &[Code::InvalidArgument]).await;
    }
}

#[tokio::test]
async fn links_that_leave_the_repository() {
    let mut bench = Bench::new();
    let repo = bench.root.repo("app.git");
    let targets = [
        "/etc/passwd",
        "../../../../../../etc/hostname",
        "/proc/self/environ",
        "../../healthy.git/config",
        "../.git/config",
    ];
    for (number, target) in targets.into_iter().enumerate() {
        repo.commit("main").link(&format!("a{number}/map.yaml"), target).write();
    }
    for number in 0..4 {
        let request = bench.ask(&format!("a{number}"));
        let status = bench.fails(request, &[Code::InvalidArgument]).await;
        assert!(!status.message().contains("root:"), "{status:?}");
    }
    // A link to a place inside that is not there: Argo CD warns and leaves the file out.
    let rendered = bench.service.render(bench.ask("a4")).await;
    assert!(rendered.as_ref().map_or(true, |rendered| rendered.manifests.is_empty()), "{rendered:?}");
}

#[tokio::test]
async fn folders_that_are_links_out_of_the_repository() {
    let mut bench = Bench::new();
    bench.root.repo("app.git").commit("main").link("app", "../..").link("etc", "/etc").write();
    for path in ["app", "etc", "app/tmp"] {
        let request = bench.ask(path);
        bench.fails(request, &[Code::InvalidArgument]).await;
    }
}

#[tokio::test]
async fn links_in_a_circle() {
    let mut bench = Bench::new();
    let repo = bench.root.repo("app.git");
    repo.commit("main").link("app/a.yaml", "b.yaml").link("app/b.yaml", "a.yaml").link("x", "x").write();
    for path in ["app", "x", "x/y"] {
        let request = bench.ask(path);
        let status = bench.fails(request, &[Code::InvalidArgument]).await;
        assert!(status.message().contains("circle"), "{status:?}");
    }
}

#[tokio::test]
async fn yaml_that_does_not_parse_has_file_line_and_text() {
    let mut bench = Bench::new();
    let text = format!("{}data:\n  a: [1, 2\n  b: }}\n", map("a"));
    bench.files(&[("app/a.yaml", &map("good")), ("app/broken.yaml", &text)]);
    let request = bench.ask("app");
    let status = bench.fails(request, &[Code::InvalidArgument]).await;
    let place = place(&status);
    assert_eq!(place.file, "app/broken.yaml");
    assert!((6..=7).contains(&place.line), "{place:?}");
    assert!(text.lines().any(|line| line == place.text), "{place:?}");
}

#[tokio::test]
async fn json_that_does_not_parse_has_its_file() {
    let mut bench = Bench::new();
    bench.files(&[("app/broken.json", "{\"kind\": \"A\",\n \"a\": }")]);
    let request = bench.ask("app");
    let status = bench.fails(request, &[Code::InvalidArgument]).await;
    assert_eq!(place(&status).file, "app/broken.json");
}

#[tokio::test]
async fn jsonnet_that_does_not_evaluate() {
    let mut bench = Bench::new();
    let files = [
        ("syntax/a.jsonnet", "{ a: }"),
        ("error/a.jsonnet", "error 'no'"),
        ("forever/a.jsonnet", "local f(x) = f(x + 1) + 1; f(0)"),
        ("outside/a.jsonnet", "importstr '/etc/passwd'"),
        ("above/a.jsonnet", "importstr '../../../../../../../../etc/passwd'"),
        ("binary/a.jsonnet", "importbin '/proc/self/environ'"),
        ("large/a.jsonnet", "local f(s, n) = if n == 0 then s else f(s + s, n - 1); {kind: f('x', 60)}"),
    ];
    bench.files(&files);
    let codes = [Code::InvalidArgument, Code::ResourceExhausted, Code::DeadlineExceeded, Code::NotFound];
    for folder in ["syntax", "error", "forever", "outside", "above", "binary"] {
        let request = bench.ask(folder);
        let status = bench.fails(request, &codes).await;
        assert!(!status.message().contains("root:"), "{status:?}");
    }
}

/// It has the three words of a manifest, so it is taken for one; but its own kind is missing.
const NO_KIND: &str =
    "apiVersion: v1\nmetadata:\n  name: a\n  ownerReferences:\n  - kind: Pod\n    name: b\n";

#[tokio::test]
async fn a_manifest_without_kind() {
    let mut bench = Bench::new();
    bench.files(&[("app/a.yaml", NO_KIND)]);
    let request = bench.ask("app");
    let status = bench.fails(request, &[Code::InvalidArgument]).await;
    assert!(status.message().to_lowercase().contains("kind"), "{status:?}");
    assert_eq!(place(&status).file, "app/a.yaml");
}

#[tokio::test]
async fn an_empty_folder_succeeds_with_a_warning() {
    let mut bench = Bench::new();
    let files = [
        ("readme/README.md", "Hello"),
        ("values/values.yaml", "- a\n- b: [\n"),
        ("skip/a.yaml", "# +argocd:skip-file-rendering\n"),
    ];
    bench.files(&files);
    for folder in ["readme", "values", "skip"] {
        let rendered = bench.service.render(bench.ask(folder)).await.unwrap();
        assert!(rendered.manifests.is_empty(), "{rendered:?}");
        assert!(!rendered.warnings.is_empty(), "{folder} is answered without a warning");
    }
    bench.works().await;
}

#[tokio::test]
async fn aliases_that_multiply() {
    let mut bench = Bench::new();
    let mut text = map("laughs") + "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for level in 1..30 {
        let before = level - 1;
        let row = vec![format!("*a{before}"); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{row}]").unwrap();
    }
    bench.files(&[("app/a.yaml", &text)]);
    let request = bench.ask("app");
    bench.fails(request, &[Code::InvalidArgument, Code::ResourceExhausted]).await;
}

#[tokio::test]
async fn nesting_without_end() {
    let mut bench = Bench::new();
    let deep = |open: &str, close: &str| {
        format!("{}x: {}{}\n", map("deep"), open.repeat(10_000), close.repeat(10_000))
    };
    let blocks: String =
        (0..10_000).fold(map("deep"), |text, depth| text + &" ".repeat(depth.min(200)) + "- ");
    let files = [
        ("flow/a.yaml", deep("[", "]")),
        ("map/a.yaml", deep("{a: ", "}")),
        ("open/a.yaml", deep("[", "")),
        ("block/a.yaml", blocks),
        ("json/a.json", format!("{{\"kind\": \"A\", \"a\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000))),
        ("jsonnet/a.jsonnet", format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    bench.files(&files);
    for (path, _) in files {
        let request = bench.ask(path.split('/').next().unwrap());
        bench.fails(request, &[Code::InvalidArgument, Code::ResourceExhausted]).await;
    }
}

#[tokio::test]
async fn more_manifests_than_the_budget() {
    let mut bench = Bench::new();
    let large = "#".repeat(1 << 20);
    let repo = bench.root.repo("app.git");
    // Equal files are one object: 80 MiB to render, 1 MiB to fetch.
    let commit = (0..80)
        .fold(repo.commit("main"), |commit, number| commit.file(&format!("app/{number}.yaml"), &large));
    commit.write();
    let request = bench.ask("app");
    bench.fails(request, &[Code::ResourceExhausted]).await;
}

#[tokio::test]
async fn a_request_of_200_megabytes() {
    let mut bench = Bench::new();
    bench.files(&[("app/map.yaml", &map("a"))]);
    let mut request = bench.ask("app");
    request.api_versions = vec!["x".repeat(1 << 20); 200];
    bench.fails(request, &[Code::OutOfRange]).await;
}

#[tokio::test]
async fn requests_that_say_nothing_or_nonsense() {
    let mut bench = Bench::new();
    bench.files(&[("app/map.yaml", &map("a"))]);
    bench.fails(proto::v1::RenderRequest::default(), &[Code::InvalidArgument]).await;
    let mut empty = bench.ask("app");
    empty.sources[0].origin = None;
    bench.fails(empty, &[Code::InvalidArgument]).await;
    let urls = [
        "",
        "x",
        "ext::sh -c touch% /x",
        "fd::3",
        "ssh://-oProxyCommand=touch/x",
        "-x@host:path",
        "https://-h/x",
        "file:///etc",
        "/etc",
        "https://host/\nx",
        "https://host\0/x",
        "git@-host:x",
    ];
    for url in urls {
        bench.fails(ask(url, "main", "app"), &[Code::InvalidArgument, Code::PermissionDenied]).await;
    }
}

#[tokio::test]
async fn globs_that_explode() {
    let mut bench = Bench::new();
    let files: Vec<(String, String)> = (0..50)
        .map(|number| (format!("app/{}{number}.yaml", "a".repeat(60)), map(&format!("m{number}"))))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    bench.files(&files);
    let nested = (0..200).fold("a".to_owned(), |inner, _| format!("{{a,{inner}}}"));
    for pattern in ["*a".repeat(40) + "b", "{a,*}".repeat(30), nested] {
        let include = DirectoryOptions { include: pattern, ..DirectoryOptions::default() };
        // Whether it matches is not the question here.
        let rendered = bench.service.render(bench.ask("app").directory(include)).await;
        drop(rendered);
        bench.works().await;
    }
}

#[tokio::test]
async fn the_same_failure_is_told_from_memory_too() {
    let mut bench = Bench::new();
    bench.files(&[("app/a.yaml", NO_KIND)]);
    let request = bench.ask("app");
    let first = bench.fails(request.clone(), &[Code::InvalidArgument]).await;
    let second = bench.fails(request, &[Code::InvalidArgument]).await;
    assert_eq!((first.message(), first.details()), (second.message(), second.details()));
}

#[tokio::test]
async fn odd_but_good_files_render() {
    let bench = Bench::new();
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(map("wide").encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let repo = bench.root.repo("app.git");
    let commit =
        repo.commit("main").file("app/a.yaml", format!("\u{feff}{}", map("bom"))).file("app/b.yaml", utf16);
    commit
        .file("app/c.yaml", map("crlf").replace('\n', "\r\n"))
        .link("app/d.yaml", "../other/d.yaml")
        .file("other/d.yaml", map("linked"))
        .write();
    let rendered = bench.service.render(bench.ask("app")).await.unwrap();
    let wanted = ["ConfigMap/bom", "ConfigMap/wide", "ConfigMap/crlf", "ConfigMap/linked"];
    assert_eq!(names(&rendered), wanted);
}
