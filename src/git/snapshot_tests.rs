//! Snapshots against the conformance suite, hostile repositories, and what the real `git` checks out.

use std::path::Path;
use std::process::Command;

use testkit::{Oid, Program, Repo, Root};
use tree::{MemoryTree, conformance};

use super::*;

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn open(repo: &Repo, commit: Oid) -> Snapshot {
    let objects = Objects::new(gix::ThreadSafeRepository::open(repo.path()).unwrap());
    let id = ObjectId::from_hex(commit.to_string().as_bytes()).unwrap();
    Snapshot::open(objects, id).unwrap()
}

/// The ids of two paths in a commit of plain files.
fn ids(files: &[(&str, &str)], asked: [&str; 2]) -> [ContentId; 2] {
    let root = Root::new();
    let repo = root.repo("a.git");
    let commit =
        files.iter().fold(repo.commit("main"), |commit, (path, text)| commit.file(path, text)).write();
    let snapshot = open(&repo, commit);
    asked.map(|text| snapshot.id(&path(text)).unwrap().unwrap())
}

/// Commits everything in `tree`.
fn commit(repo: &Repo, tree: &MemoryTree) -> Oid {
    let mut commit = repo.commit("main");
    let mut folders = vec![TreePath::root()];
    while let Some(folder) = folders.pop() {
        for entry in tree.list(&folder).unwrap().iter() {
            let path = folder.child(&entry.name);
            commit = match entry.kind {
                Kind::File => commit.file(path.as_str(), tree.read(&path).unwrap()),
                Kind::Link => commit.link(path.as_str(), &tree.link(&path).unwrap()),
                _ => commit,
            };
            folders.extend((entry.kind == Kind::Folder).then_some(path));
        }
    }
    commit.write()
}

#[test]
fn conforms() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let snapshot = open(&repo, commit(&repo, &conformance::sample()));
    assert_eq!(conformance::violations(&snapshot, &conformance::sample()), [""; 0]);
}

#[test]
fn an_id_that_a_tree_only_names_is_not_present() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let (here, elsewhere) = (repo.blob("here"), Oid::from_str(&"12".repeat(20)).unwrap());
    let tree = repo.raw_tree(&[("100644", "a", here), ("100644", "b", elsewhere)]);
    let snapshot = open(&repo, repo.commit_tree("main", tree, "names"));
    assert_eq!(Some(snapshot.present_id(&path("a")).unwrap().id()), snapshot.id(&path("a")).unwrap());
    assert!(snapshot.id(&path("b")).unwrap().is_some());
    assert!(matches!(snapshot.present_id(&path("b")), Err(Error::Store { .. })));
    // Attributes decide about the id as well: one that cannot be read proves nothing.
    let tree = repo.raw_tree(&[("100644", ".gitattributes", elsewhere), ("100644", "a", here)]);
    let snapshot = open(&repo, repo.commit_tree("main", tree, "attributes"));
    assert!(matches!(snapshot.present_id(&path("a")), Err(Error::Store { .. })));
}

#[test]
fn threads_read_side_by_side() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let snapshot = open(&repo, commit(&repo, &conformance::sample()));
    std::thread::scope(|scope| {
        let ask = || conformance::violations(&snapshot, &conformance::sample());
        let all: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        all.into_iter().for_each(|one| assert_eq!(one.join().unwrap(), [""; 0]));
    });
}

#[test]
fn huge_attributes_are_refused() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let huge = "#".repeat(usize::try_from(MAX_RULES).unwrap() + 1);
    let snapshot = open(
        &repo,
        repo.commit("main").file("d/.gitattributes", huge).file("d/a", "a").file("b", "b").write(),
    );
    let refused = snapshot.read(&path("d/a")).unwrap_err();
    assert!(
        matches!(&refused, Error::Refused { path: at, .. } if *at == path("d/.gitattributes")),
        "{refused}"
    );
    assert_eq!(snapshot.read(&path("b")).unwrap(), "b");
}

#[test]
fn a_link_is_text_of_bounded_length() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let (long, odd) = (repo.blob("x".repeat(MAX_LINK_TEXT + 1)), repo.blob(b"\xff"));
    let tree = repo.raw_tree(&[("120000", "long", long), ("120000", "odd", odd)]);
    let snapshot = open(&repo, repo.commit_tree("main", tree, "links"));
    assert!(matches!(snapshot.link(&path("long")), Err(Error::Refused { .. })));
    assert_eq!(snapshot.link(&path("odd")).unwrap(), tree::name_from_bytes(b"\xff").into());
}

#[test]
fn ids_are_those_of_git_and_need_no_content() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let commit = repo.commit("main").file("a/b", "x").executable("run", "x").write();
    let snapshot = open(&repo, commit);
    let blob = repo.blob("x").to_string();
    std::fs::remove_file(repo.path().join("objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let id = |text: &str| snapshot.id(&path(text)).unwrap().unwrap().to_string();
    assert_eq!(id("a/b"), blob);
    assert_eq!(id("run"), blob);
    assert_eq!(snapshot.kind(&path("run")).unwrap(), Some(Kind::File));
    let tree = repo.git().find_commit(commit).unwrap().tree_id().to_string();
    assert_eq!(id(""), tree);
    assert!(matches!(snapshot.read(&path("a/b")), Err(Error::Store { .. })), "a lost object is no absence");
    assert!(matches!(snapshot.size(&path("a/b")), Err(Error::Store { .. })));
}

#[test]
fn a_lost_folder_is_no_absence() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let gone = Oid::from_str(&"7".repeat(40)).unwrap();
    let tree = repo.raw_tree(&[("40000", "gone", gone), ("100644", "here", repo.blob("x"))]);
    let snapshot = open(&repo, repo.commit_tree("main", tree, "half a clone"));
    assert_eq!(snapshot.kind(&path("gone")).unwrap(), Some(Kind::Folder));
    let errors = [snapshot.kind(&path("gone/x")).err(), snapshot.list(&path("gone")).err()];
    for error in errors {
        let error = error.unwrap();
        assert!(matches!(error, Error::Store { .. }), "{error}");
        assert!(!error.to_string().contains(root.path().to_str().unwrap()), "{error}");
    }
}

#[test]
fn a_commit_that_is_not_there_does_not_open() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let objects = Objects::new(gix::ThreadSafeRepository::open(repo.path()).unwrap());
    let blob = ObjectId::from_hex(repo.blob("x").to_string().as_bytes()).unwrap();
    let kind = |id| Snapshot::open(Arc::clone(&objects), id).err().unwrap().kind();
    assert_eq!(kind(ObjectId::from([9; 20])), error::Kind::Unavailable);
    assert_eq!(kind(blob), error::Kind::Invalid);
}

#[test]
fn a_submodule_is_elsewhere() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let snapshot = open(&repo, repo.commit("main").submodule("sub", &"5".repeat(40)).write());
    assert_eq!(snapshot.kind(&path("sub")).unwrap(), Some(Kind::Submodule));
    assert_eq!(snapshot.id(&path("sub")).unwrap(), Some(ContentId::Git([0x55; 20])));
    assert_eq!(snapshot.list(&path("sub")), Err(Error::submodule(&path("sub"))));
    assert_eq!(snapshot.read(&path("sub")), Err(Error::submodule(&path("sub"))));
    assert_eq!(snapshot.kind(&path("sub/x/y")), Err(Error::submodule(&path("sub/x/y"))));
}

#[test]
fn an_lfs_pointer_is_elsewhere() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n";
    let large = format!("{pointer}{}", " ".repeat(MAX_LFS_POINTER));
    let snapshot = open(&repo, repo.commit("main").file("big.yaml", pointer).file("doc", &large).write());
    let error = snapshot.read(&path("big.yaml")).unwrap_err();
    assert_eq!(error, Error::Elsewhere { path: path("big.yaml"), what: "a git LFS pointer" });
    assert_eq!(snapshot.read(&path("doc")).unwrap(), large);
}

#[test]
fn hostile_trees_are_refused() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let blob = repo.blob("x");
    for name in ["..", ".git", "a/b", "../../etc/passwd", ".GIT"] {
        let bad = repo.raw_tree(&[("100644", name, blob)]);
        let tree = repo.raw_tree(&[("40000", "bad", bad), ("100644", "good", blob)]);
        let snapshot = open(&repo, repo.commit_tree("main", tree, "hostile"));
        assert!(matches!(snapshot.list(&path("bad")), Err(Error::Refused { .. })), "{name}");
        assert!(matches!(snapshot.kind(&path("bad/a")), Err(Error::Refused { .. })), "{name}");
        assert_eq!(snapshot.read(&path("good")).unwrap(), "x");
    }
}

#[test]
fn a_tree_without_a_bottom_ends() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let mut tree = repo.raw_tree(&[("100644", "x", repo.blob("x"))]);
    for _ in 0..2 * MAX_DEPTH {
        tree = repo.raw_tree(&[("40000", "d", tree)]);
    }
    let snapshot = open(&repo, repo.commit_tree("main", tree, "deep"));
    let deep = |depth: usize| path(&vec!["d"; depth].join("/"));
    assert_eq!(snapshot.kind(&deep(MAX_DEPTH)).unwrap(), Some(Kind::Folder));
    assert!(matches!(snapshot.kind(&deep(MAX_DEPTH + 1)), Err(Error::Refused { .. })));
}

#[test]
fn replacements_are_not_obeyed() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let commit = repo.commit("main").file("a", "true").write();
    let (from, to) = (repo.blob("true"), repo.blob("false"));
    repo.reference(&format!("refs/replace/{from}"), to);
    assert_eq!(open(&repo, commit).read(&path("a")).unwrap(), "true");
}

#[test]
fn a_converted_file_has_an_id_of_its_own() {
    let id = |attributes: &str| {
        let files = [("d/.gitattributes", attributes), ("d/a.yaml", "a\n"), ("d/b.txt", "a\n")];
        let [yaml, txt] = ids(&files, ["d/a.yaml", "d/b.txt"]);
        (yaml, txt)
    };
    let (plain, converted) = (id("# nothing\n"), id("*.yaml eol=crlf\n"));
    assert_eq!(plain.0, plain.1);
    assert_eq!(plain.1, converted.1, "files that are not converted keep the id of their blob");
    assert_ne!(plain.0, converted.0);
    assert_ne!(converted.0, id("*.yaml ident\n").0);
    assert_eq!(converted, id("*.yaml text eol=crlf\n"), "the same conversion is the same id");
}

#[test]
fn a_folder_id_covers_the_rules_above() {
    let id =
        |attributes: &str| ids(&[(".gitattributes", attributes), ("d/a", "a\n"), ("e/a", "a\n")], ["d", "e"]);
    assert_ne!(id("# one\n")[0], id("* eol=crlf\n")[0]);
    let [converted, kept] = id("d/* eol=crlf\n");
    assert_ne!(converted, kept, "the rules tell two folders with the same files apart");
    assert_eq!(id("# one\n"), id("# one\n"));
}

/// Attributes, each tried in a folder of its own on every content.
const ATTRIBUTES: &[&str] = &[
    "text",
    "text=auto",
    "text=auto eol=crlf",
    "text eol=crlf",
    "eol=crlf",
    "-text eol=crlf",
    "text=auto eol=lf",
    "crlf eol=crlf",
    "crlf=input",
    "crlf=input eol=crlf",
    "-crlf eol=crlf",
    "text=input eol=crlf",
    "text=odd eol=crlf",
    "binary eol=crlf",
    "binary ident",
    "ident",
    "ident eol=crlf",
    "-ident",
    "!ident",
    "ident=yes",
    "working-tree-encoding=UTF-16",
    "working-tree-encoding=UTF-16LE eol=crlf text",
    "working-tree-encoding=utf-16be",
    "working-tree-encoding=UTF-16LE-BOM",
    "working-tree-encoding=UTF-32",
    "working-tree-encoding=UTF-32BE",
    "working-tree-encoding=ISO-8859-1",
    "working-tree-encoding=UTF-8",
    "working-tree-encoding=UTF-16 ident eol=crlf",
    "filter=other",
    "dos",
    "dos -ident",
    "unix",
];

const CONTENTS: &[(&str, &str)] = &[
    ("empty", ""),
    ("lf", "a\nb\n"),
    ("crlf", "a\r\nb\r\n"),
    ("mixed", "a\r\nb\nc"),
    ("cr", "a\rb\n"),
    ("nul", "a\0b\n"),
    ("bell", "\u{7}\u{7}a\n"),
    (
        "one-bell",
        "\u{7}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
                  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
    ),
    ("dos-end", "a\nb\n\u{1a}"),
    ("umlaut", "ä\nö\n"),
    ("ident", "x $Id$ y\n$Id: 12 $ $Id: a b c $ $Id: open\n$Id:$ $Id $Id"),
    ("ident-crlf", "$Id$\r\n$Id: x\r\n $"),
];

const MACROS: &str = "[attr]dos text eol=crlf ident\n[attr]unix text eol=lf -ident\n\
    /nested/** eol=crlf\nnested/**/deep.* text=auto\n\"quoted/with blank\" eol=crlf\n# comment\n!nested/x -text\n\
    /anchored.txt eol=crlf\nanywhere.txt ident\nbracket[0-9].txt eol=crlf\nst*r eol=crlf\nfolder/ eol=crlf\n";

#[test]
fn files_are_what_git_checks_out() {
    let Some(git) = Program::Git.find("files_are_what_git_checks_out") else { return };
    let root = Root::new();
    let repo = root.repo("a.git");
    let mut commit = repo.commit("main").file(".gitattributes", MACROS);
    for (n, attributes) in ATTRIBUTES.iter().enumerate() {
        commit = commit.file(&format!("{n}/.gitattributes"), format!("* {attributes}\n"));
        for (name, content) in CONTENTS {
            commit = commit.file(&format!("{n}/{name}"), content);
        }
    }
    commit = commit.file("marked/.gitattributes", "\u{feff}* eol=crlf\n*.b ident\n");
    commit = commit.file("nested/deeper/.gitattributes", "*.bin -text\n[attr]odd eol=crlf\n*.odd odd\n");
    let placed = [
        "nested/x",
        "nested/deep.a",
        "nested/deeper/deep.bin",
        "nested/deeper/y.odd",
        "nested/deeper/z",
        "top.odd",
        "quoted/with blank",
        "anchored.txt",
        "sub/anchored.txt",
        "sub/anywhere.txt",
        "bracket7.txt",
        "bracketx.txt",
        "star",
        "sub/stoor",
        "folder/in",
        "link-attributes/a",
        "marked/a",
        "marked/a.b",
    ];
    for file in placed {
        commit = commit.file(file, "a\n$Id$\nb\n");
    }
    commit = commit.link("link-attributes/.gitattributes", "../1/.gitattributes").executable("run", "a\n");
    let commit = commit.write();
    let out = tempfile::tempdir().unwrap();
    check_out(&git, repo.path(), commit, out.path());
    let compared = compare(&open(&repo, commit), out.path(), &TreePath::root());
    assert_eq!(compared, ATTRIBUTES.len() * (CONTENTS.len() + 1) + placed.len() + 5);
}

fn check_out(git: &Path, repo: &Path, commit: Oid, into: &Path) {
    let done = Command::new(git)
        .env_clear()
        .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_ATTR_NOSYSTEM", "1")])
        .arg("--git-dir")
        .arg(repo)
        .arg("--work-tree")
        .arg(into)
        .args(["-c", "core.bare=false", "checkout", "-q", "-f", &commit.to_string(), "--", "."])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Compares every file and every folder's names; answers how many files there were.
fn compare(snapshot: &Snapshot, out: &Path, folder: &TreePath) -> usize {
    let listed = snapshot.list(folder).unwrap();
    let entries = std::fs::read_dir(out.join(folder.as_str())).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(listed.iter().map(|entry| entry.name.to_string()).collect::<Vec<_>>(), names, "{folder}");
    let mut compared = 0;
    for entry in listed.iter() {
        let path = folder.child(&entry.name);
        match entry.kind {
            Kind::Folder => compared += compare(snapshot, out, &path),
            Kind::File => {
                let wanted = std::fs::read(out.join(path.as_str())).unwrap();
                let got = snapshot.read(&path).unwrap();
                assert_eq!(got.escape_ascii().to_string(), wanted.escape_ascii().to_string(), "{path}");
                assert_eq!(snapshot.size(&path).unwrap(), wanted.len() as u64, "{path}");
                compared += 1;
            }
            _ => compared += usize::from(entry.kind == Kind::Link),
        }
    }
    compared
}

/// What a render of `d` depends on, recorded on a commit of these files.
fn recorded(tree: Snapshot) -> tree::Reads {
    let recorder = tree::Recorder::new(Arc::new(tree));
    recorder.list(&path("d")).unwrap();
    tree::read(&recorder, &path("d/a.yaml")).unwrap();
    tree::read(&recorder, &path("d/b.txt")).unwrap();
    assert_eq!(recorder.kind(&path("d/kustomization.yaml")).unwrap(), None);
    recorder.reads()
}

fn broken(reads: &tree::Reads, tree: &Snapshot) -> Option<String> {
    reads.check(tree, &|_| None).unwrap().map(|broken| broken.to_string())
}

#[test]
fn facts_are_checked_without_reading_any_file() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let first = repo.commit("main").file("d/a.yaml", "a").file("d/b.txt", "b").file("e/c", "c").write();
    let reads = recorded(open(&repo, first));
    let second = repo.commit("main").file("e/c", "changed").file("f", "new").write();
    for content in ["a", "b", "c", "changed", "new"] {
        let id = repo.blob(content).to_string();
        std::fs::remove_file(repo.path().join("objects").join(&id[..2]).join(&id[2..])).unwrap();
    }
    assert_eq!(broken(&reads, &open(&repo, second)), None);
    let third = repo.commit("main").file("d/a.yaml", "changed").write();
    assert_eq!(broken(&reads, &open(&repo, third)).as_deref(), Some("d/a.yaml changed"));
}

#[test]
fn a_changed_attribute_breaks_what_it_converts() {
    let root = Root::new();
    let repo = root.repo("a.git");
    let first = repo.commit("main").file("d/a.yaml", "a\n").file("d/b.txt", "b\n").write();
    let reads = recorded(open(&repo, first));
    let unrelated = repo.commit("main").file(".gitattributes", "*.bat eol=crlf\n").write();
    assert_eq!(broken(&reads, &open(&repo, unrelated)), None);
    let converting = repo.commit("main").file(".gitattributes", "*.txt eol=crlf\n").write();
    assert_eq!(broken(&reads, &open(&repo, converting)).as_deref(), Some("d/b.txt changed"));
}
