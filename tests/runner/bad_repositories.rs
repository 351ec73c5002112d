//! Repositories that hold what no git program would write, or that need more than they hold.

use proto::v1::DirectoryOptions;
use testkit::Oid;
use tonic::Code;

use super::asking::{Asking, ask, names};
use super::bad_input::{Bench, map};

fn recursive() -> DirectoryOptions {
    DirectoryOptions { recurse: true, ..DirectoryOptions::default() }
}

/// Whatever becomes of the request, it may not hurt the service.
async fn survives(bench: &mut Bench, path: &str) {
    let rendered = bench.service.render(bench.ask(path).directory(recursive())).await;
    if let Err(status) = &rendered {
        let told = [
            Code::InvalidArgument,
            Code::ResourceExhausted,
            Code::FailedPrecondition,
            Code::Unavailable,
            Code::NotFound,
            // A slow machine spends the time of a fetch on it.
            Code::DeadlineExceeded,
        ];
        assert!(told.contains(&status.code()), "{status:?}");
        bench.service.assert_silent(status.message());
    }
    bench.works().await;
}

#[tokio::test]
async fn names_no_file_system_would_allow() {
    let mut bench = Bench::new();
    let repo = bench.root.repo("app.git");
    let blob = repo.blob(map("a"));
    let inner = repo.raw_tree(&[("100644", "a.yaml", blob)]);
    let names = ["..", ".", ".git", ".GIT", "git~1", "a/b", "../../x.yaml", "a\nb.yaml", "CON.yaml"];
    for name in names {
        let tree = repo.raw_tree(&[("40000", name, inner), ("100644", "b.yaml", blob)]);
        repo.commit_tree("main", tree, name);
        survives(&mut bench, "").await;
        let tree = repo.raw_tree(&[("100644", name, blob)]);
        repo.commit_tree("main", tree, name);
        survives(&mut bench, "").await;
    }
}

#[tokio::test]
async fn a_very_deep_tree() {
    let mut bench = Bench::new();
    let repo = bench.root.repo("app.git");
    let leaf = repo.raw_tree(&[("100644", "a.yaml", repo.blob(map("deep")))]);
    let tree = (0..5_000).fold(leaf, |inner, _| repo.raw_tree(&[("40000", "d", inner)]));
    repo.commit_tree("main", tree, "deep");
    survives(&mut bench, "").await;
}

#[tokio::test]
async fn a_tree_with_missing_objects() {
    let mut bench = Bench::new();
    let repo = bench.root.repo("app.git");
    let missing = Oid::from_str(&"12".repeat(20)).unwrap();
    let tree = repo.raw_tree(&[("100644", "a.yaml", missing)]);
    repo.commit_tree("main", tree, "incomplete");
    let request = bench.ask("");
    bench.fails(request, &[Code::Unavailable, Code::NotFound, Code::InvalidArgument]).await;
}

#[tokio::test]
async fn a_submodule_is_named_and_not_taken_for_an_empty_folder() {
    let mut bench = Bench::new();
    let repo = bench.root.repo("app.git");
    let gitmodules = "[submodule \"sub\"]\n\tpath = sub\n\turl = https://example.com/sub.git\n";
    repo.commit("main").file(".gitmodules", gitmodules).submodule("sub", &"ab".repeat(20)).write();
    for path in ["sub", "sub/app"] {
        let request = bench.ask(path);
        let status = bench.fails(request, &[Code::FailedPrecondition]).await;
        assert!(status.message().contains("submodule"), "{status:?}");
    }
}

#[tokio::test]
async fn an_lfs_pointer_is_named_and_not_rendered() {
    let mut bench = Bench::new();
    let pointer = format!(
        "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 1099511627776\n",
        "a".repeat(64)
    );
    bench.files(&[
        (".gitattributes", "*.yaml filter=lfs diff=lfs merge=lfs -text\n"),
        ("app/a.yaml", &pointer),
    ]);
    let request = bench.ask("app");
    let status = bench.fails(request, &[Code::FailedPrecondition]).await;
    assert!(status.message().contains("LFS") && status.message().contains("app/a.yaml"), "{status:?}");
}

#[tokio::test]
async fn a_chain_of_tags() {
    let mut bench = Bench::new();
    let repo = bench.root.repo("app.git");
    let commit = repo.commit("main").file("app/a.yaml", map("a")).write();
    let last = (0..2_000).fold(commit, |target, _| repo.annotated_tag("chain", target));
    assert_ne!(last, commit);
    let rendered = bench.service.render(ask(&bench.server.url("app.git"), "chain", "app")).await;
    if let Ok(rendered) = rendered {
        assert_eq!(rendered.revisions, [commit.to_string()]);
    }
    bench.works().await;
}

#[tokio::test]
async fn a_tag_of_a_file_is_no_revision() {
    let mut bench = Bench::new();
    let repo = bench.root.repo("app.git");
    repo.commit("main").file("app/a.yaml", map("a")).write();
    repo.tag("blob", repo.blob("x"));
    let request = ask(&bench.server.url("app.git"), "blob", "app");
    bench.fails(request, &[Code::InvalidArgument, Code::NotFound]).await;
}

#[tokio::test]
async fn an_empty_repository_has_no_revision() {
    let mut bench = Bench::new();
    drop(bench.root.repo("app.git"));
    for revision in ["", "main", "HEAD"] {
        let request = ask(&bench.server.url("app.git"), revision, "");
        bench.fails(request, &[Code::NotFound]).await;
    }
}

#[tokio::test]
async fn one_name_for_a_branch_and_a_tag_gives_one_of_them_every_time() {
    let bench = Bench::new();
    let repo = bench.root.repo("app.git");
    let first = repo.commit("main").file("app/a.yaml", map("first")).write();
    let second = repo.commit("main").file("app/a.yaml", map("second")).write();
    repo.branch("v1", first);
    repo.tag("v1", second);
    let url = bench.server.url("app.git");
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(bench.service.render(ask(&url, "v1", "app").fresh()).await.unwrap().revisions);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1);
    for (name, id) in [("refs/heads/v1", first), ("refs/tags/v1", second)] {
        let rendered = bench.service.render(ask(&url, name, "app")).await.unwrap();
        assert_eq!(rendered.revisions, [id.to_string()], "{name}");
    }
}

#[tokio::test]
async fn a_branch_named_like_a_commit_id_does_not_stand_for_it() {
    let bench = Bench::new();
    let repo = bench.root.repo("app.git");
    let meant = repo.commit("main").file("app/a.yaml", map("meant")).write();
    let other = repo.commit("main").file("app/a.yaml", map("other")).write();
    repo.branch(&meant.to_string(), other);
    let rendered =
        bench.service.render(ask(&bench.server.url("app.git"), &meant.to_string(), "app")).await.unwrap();
    assert_eq!(
        (names(&rendered), rendered.revisions),
        (vec!["ConfigMap/meant".to_owned()], vec![meant.to_string()])
    );
}

#[tokio::test]
async fn a_branch_moved_by_force_is_followed() {
    let bench = Bench::new();
    let repo = bench.root.repo("app.git");
    repo.commit("main").file("app/a.yaml", map("old")).write();
    let url = bench.server.url("app.git");
    bench.service.render(ask(&url, "main", "app")).await.unwrap();
    let tree = repo
        .git()
        .find_commit(repo.commit("other").file("app/a.yaml", map("new")).write())
        .unwrap()
        .tree_id();
    repo.branch("main", repo.raw_commit(tree, [], "rewritten"));
    let rendered = bench.service.render(ask(&url, "main", "app").fresh()).await.unwrap();
    assert_eq!(names(&rendered), ["ConfigMap/new"]);
}

#[tokio::test]
async fn line_ends_are_converted_as_a_checkout_would() {
    let bench = Bench::new();
    bench.files(&[
        (".gitattributes", "*.yaml text eol=crlf\n"),
        (
            "app/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  text: |\n    one\n    two\n",
        ),
    ]);
    let rendered = bench.service.render(bench.ask("app")).await.unwrap();
    // YAML reads CRLF in a block scalar as a line feed, so the manifests are the same.
    assert!(rendered.manifests[0].json.contains("one\\ntwo"), "{}", rendered.manifests[0].json);
}
