//! Repositories that are empty, large, in many packs, of another object format, or served over a protocol that is not
//! spoken here: each is read, or says what it is.

use std::path::Path;
use std::process::Command;

use testkit::http::{Act, Options, Server};
use testkit::{Program, Root};

use super::{Here, source, two_commits};
use crate::error::Kind;
use crate::request::Origin;

fn local() -> Here {
    Here::with(|settings| settings.allow_local = true)
}

fn git(program: &Path, folder: &Path, arguments: &[&str]) {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", folder).env("PATH", "/usr/bin:/bin").current_dir(folder);
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let output = command.args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_repository_says_so() {
    let root = Root::new();
    drop(root.repo("r.git"));
    let server = Server::git(&root);
    let path = root.path().join("r.git");
    for url in [server.url("r.git"), path.to_str().unwrap().to_owned()] {
        for revision in ["", "main", "1.x", "abcdef01"] {
            let error = local().pin(&url, revision).await.unwrap_err();
            assert_eq!(error.kind(), Kind::NotFound, "{error}");
            assert!(error.message().contains("is an empty repository"), "{revision}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn local_repositories_have_the_limits_of_remote_ones() {
    let root = Root::new();
    let repo = root.repo("r.git");
    let large = "a large file\n".repeat((17 << 20) / 13);
    repo.commit("main").file("large", &large).write();
    let path = root.path().join("r.git");
    assert_eq!(local().read(path.to_str().unwrap(), "main", "large").await.unwrap().len(), large.len());
    let Some(program) = Program::Git.find("local_repositories_have_the_limits_of_remote_ones") else {
        return;
    };
    git(&program, &path, &["repack", "-adq"]);
    assert_eq!(local().read(path.to_str().unwrap(), "main", "large").await.unwrap().len(), large.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_repository_may_have_many_packs() {
    let Some(program) = Program::Git.find("a_local_repository_may_have_many_packs") else { return };
    let root = Root::new();
    let repo = root.repo("r.git");
    let path = root.path().join("r.git");
    for number in 0..80 {
        repo.commit("main").file(&format!("f{number}"), number.to_string()).write();
        git(&program, &path, &["repack", "-dq"]);
    }
    assert!(std::fs::read_dir(path.join("objects/pack")).unwrap().count() >= 160);
    let here = local();
    for number in [0, 40, 79] {
        let content = here.read(path.to_str().unwrap(), "main", &format!("f{number}")).await.unwrap();
        assert_eq!(content, number.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_of_sha_256_says_so() {
    let Some(program) = Program::Git.find("a_repository_of_sha_256_says_so") else { return };
    let root = Root::new();
    let bare = root.path().join("r.git");
    git(&program, root.path(), &["init", "-q", "--object-format=sha256", "-b", "main", "work"]);
    let work = root.path().join("work");
    std::fs::write(work.join("f"), "one").unwrap();
    git(&program, &work, &["add", "."]);
    git(&program, &work, &["commit", "-qm", "one"]);
    git(&program, root.path(), &["clone", "-q", "--bare", "work", "r.git"]);
    git(&program, &work, &["worktree", "add", "-q", "../linked"]);
    let server = Server::git(&root);
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    for url in [server.url("r.git"), path(&bare), path(&work), path(&root.path().join("linked"))] {
        let error = local().pin(&url, "main").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Precondition, "{url}: {error}");
        assert!(error.message().contains("SHA-256"), "{url}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_files_say_that_they_do_not_speak_gits_protocol() {
    let id = "0123456789abcdef0123456789abcdef01234567";
    for (content_type, body, kind, words) in [
        ("text/plain", format!("{id}\trefs/heads/main\n"), Kind::Precondition, "dumb http protocol"),
        ("text/html", "<h1>Sign in</h1>".to_owned(), Kind::Unavailable, "a web page"),
        ("text/plain", "hello".to_owned(), Kind::Unavailable, "not what git servers say"),
    ] {
        let answer =
            move |_: &testkit::http::Request| Act::reply(200, &[("Content-Type", content_type)], &body);
        let server = Server::start(Options { act: Box::new(answer), ..Options::default() });
        let error = Here::new().pin(&server.url("r.git"), "main").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_behind_a_tag_prefix_are_found_here_and_there() {
    let (root, first, second) = two_commits();
    let repo = root.repo("r.git");
    repo.reference("refs/tags/app-1.2.0", first.parse().unwrap());
    repo.reference("refs/tags/app-1.10.0", second.parse().unwrap());
    repo.reference("refs/tags/other-1.11.0", first.parse().unwrap());
    let server = Server::git(&root);
    let path = root.path().join("r.git");
    let here = local();
    for url in [server.url("r.git"), path.to_str().unwrap().to_owned()] {
        for (revision, wanted) in
            [("1.x", Some(&second)), ("1.2.0", Some(&first)), ("main", Some(&second)), ("2.x", None)]
        {
            let mut asked = source(&url, revision, None);
            if let Origin::Git { tag_prefix, .. } = &mut asked.origin {
                *tag_prefix = "app-".to_owned();
            }
            let pinned = here.sources.pin(&[asked], false).await.map(|mut pinned| pinned.remove(0));
            assert_eq!(
                pinned.as_ref().ok().map(|pinned| &*pinned.revision),
                wanted.map(String::as_str),
                "{url} {revision}"
            );
        }
    }
}
