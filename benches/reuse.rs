//! What a commit that does not touch an application costs besides asking the remote: checking the facts its render
//! recorded, on a git tree of 1,000 applications; and beside it, what reading the application anew costs.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use manifestd::request::{Origin, Renderer, Source};
use manifestd::source::{Settings, Sources};
use testkit::{Oid, Root, app_folder, apps};
use tree::{Reads, Recorder, Tree, TreePath};

/// The tree of a commit of a local repository.
fn open(repo: &Path, commit: Oid) -> Arc<dyn Tree> {
    let settings = Settings { allow_local: true, ..Settings::new(repo.join("manifestd")) };
    let (url, revision) = (format!("file://{}", repo.display()), commit.to_string());
    let origin = Origin::Git { url, revision, credential: None, tag_prefix: String::new() };
    let source = Source { origin, path: String::new(), ref_name: String::new(), renderer: Renderer::Detect };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let sources = Sources::new(settings).expect("the settings are good");
        let pinned = sources.pin(&[source], false).await.expect("the commit is there");
        sources.open(&pinned[0]).await.expect("the commit opens")
    })
}

/// Reads every file of an application's folder, as a directory render does.
fn read(tree: &dyn Tree, folder: &TreePath) -> usize {
    let names = tree.list(folder).expect("the folder is there");
    names.iter().map(|entry| tree.read(&folder.child(&entry.name)).expect("a file").len()).sum()
}

fn recorded(tree: Arc<dyn Tree>, folder: &TreePath) -> Reads {
    let recorder = Recorder::new(tree);
    read(&recorder, folder);
    recorder.reads()
}

fn reuse(criterion: &mut Criterion) {
    let root = Root::new();
    let repo = root.repo("apps.git");
    let before = open(repo.path(), apps(&repo, 1_000));
    let after = open(repo.path(), repo.commit("main").file("apps/app-0001/new.yaml", "kind: A\n").write());
    let folder = TreePath::parse(&app_folder(500)).expect("a path");
    let facts = recorded(before, &folder);
    let check = || facts.check(&*after, &|_| None).expect("the objects are there");
    assert_eq!(check(), None, "the commit does not touch the application");
    criterion.bench_function("check the facts of an untouched application", |bencher| {
        bencher.iter(|| black_box(check()));
    });
    criterion
        .bench_function("read the application", |bencher| bencher.iter(|| black_box(read(&*after, &folder))));
}

criterion_group!(benches, reuse);
criterion_main!(benches);
