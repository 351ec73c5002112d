//! The rules of ARCHITECTURE.md and the house style that a compiler does not check: who may use whom, where libraries
//! may appear, and what every file looks like.

use super::sources::{Source, sources};

/// The modules of `src/`, lowest first: a module uses only those of a lower rank.
const RANKS: &[(&str, u8)] = &[
    ("error", 0),
    ("request", 1),
    ("credentials", 1),
    ("process", 1),
    ("telemetry", 1),
    ("git", 2),
    ("render", 3),
    ("source", 3),
    ("pipeline", 4),
    ("inspect", 4),
    ("api", 5),
    // It fills in the settings of the stages; they do not know it.
    ("config", 5),
    ("server", 6),
    ("service", 6),
    ("cli", 7),
];

/// Uses against the ranks that are meant, with their reason.
const MEANT: &[(&str, &str)] = &[
    // An answer holds its encoded body, whose type is the renderers' affair.
    ("request", "render::Body"),
    // A request holds the credential it was sent with.
    ("request", "credentials::"),
];

/// Libraries and the only folders that may name them.
const CONFINED: &[(&str, &[&str])] = &[
    ("gix", &["src/git/"]),
    ("gix_transport", &["src/git/"]),
    ("git2", &["src/git/", "crates/testkit/"]),
    ("moka", &["cache/"]),
    ("redis", &["cache/"]),
    ("rsjsonnet_lang", &["src/render/"]),
    ("clap", &["src/cli/", "src/config/", "src/main.rs"]),
    // `bench` is a client of the wire.
    ("proto", &["src/api/", "src/cli/bench/", "proto/"]),
];

/// The files that may say that a content id is proven: each has the content, or asks its own store for it.
const PROVING: &[&str] = &["crates/tree/src/lib.rs", "crates/tree/src/memory.rs", "src/git/snapshot.rs"];

/// What no map may be keyed by: these ids are only names, and whoever writes a tree may name anything.
const NAMES_ONLY: &[&str] = &["Map<ContentId", "Recent<ContentId", "Cache<ContentId", "Set<ContentId"];

/// What a crate of `crates/` must not touch: files, the network, programs, the environment, a runtime.
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "tokio",
    "futures",
    "async fn",
    "async move",
    ".await",
];

/// The most lines of a file without its tests.
const LONGEST: usize = 600;

#[test]
fn modules_use_only_lower_ones() {
    let wrong: Vec<String> = sources().iter().flat_map(against_the_ranks).collect();
    assert!(wrong.is_empty(), "wrong direction:\n{}", wrong.join("\n"));
}

#[test]
fn libraries_stay_where_they_belong() {
    let all = sources();
    let wrong = collect(&all, |source, line| {
        let strayed =
            CONFINED.iter().filter(|(_, homes)| !homes.iter().any(|home| source.path.starts_with(home)));
        strayed
            .filter(|(library, _)| names_crate(line, library))
            .map(|(library, _)| (*library).to_owned())
            .collect()
    });
    assert!(wrong.is_empty(), "a library outside of its home:\n{}", wrong.join("\n"));
}

#[test]
fn only_trees_that_have_a_content_prove_its_id() {
    let all = sources();
    let wrong = collect(&all, |source, line| {
        let proves = line.contains("of_proven(") && !line.contains("pub fn of_proven(");
        let strayed = proves && !PROVING.contains(&source.path.as_str());
        let keyed = NAMES_ONLY.iter().filter(|map| line.contains(**map)).map(|map| format!("{map}, …>"));
        keyed.chain(strayed.then(|| "of_proven".to_owned())).collect()
    });
    assert!(wrong.is_empty(), "use an id that is proven to be present:\n{}", wrong.join("\n"));
}

#[test]
fn crates_do_no_io_and_know_no_async() {
    let all = sources();
    let inner =
        |source: &Source| source.path.starts_with("crates/") && !source.path.starts_with("crates/testkit/");
    let wrong = collect(&all, |source, line| {
        let touched = OUTSIDE.iter().filter(|word| inner(source) && has_word(line, word));
        touched.map(|word| (*word).to_owned()).collect()
    });
    assert!(wrong.is_empty(), "crates/ is pure:\n{}", wrong.join("\n"));
}

#[test]
fn nothing_unwraps_outside_tests() {
    let all = sources();
    let wrong =
        collect(
            &all,
            |_, line| {
                if line.contains(".unwrap()") { vec!["unwrap".to_owned()] } else { Vec::new() }
            },
        );
    assert!(wrong.is_empty(), "say what holds with `expect`, or return an error:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_holds() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|source| !says_what_it_holds(&source.text))
        .map(|source| source.path)
        .collect();
    assert!(silent.is_empty(), "these files do not begin with `//!`: {silent:?}");
}

#[test]
fn no_file_is_too_long() {
    let length = |source: &Source| source.code().last().map_or(0, |(number, _)| number);
    let long: Vec<String> =
        sources().into_iter().filter(|source| length(source) > LONGEST).map(|source| source.path).collect();
    assert!(long.is_empty(), "files over {LONGEST} lines without their tests: {long:?}");
}

#[test]
fn the_checks_can_fail() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let wrong = against_the_ranks(&source("src/git/store.rs", "use crate::api::status;\n"));
    assert_eq!(wrong, ["src/git/store.rs:1: git uses api"]);
    assert!(against_the_ranks(&source("src/api/v1.rs", "use crate::pipeline::Pipeline;\n")).is_empty());
    assert!(against_the_ranks(&source("src/git/a.rs", "#[cfg(test)]\nuse crate::api;\n")).is_empty());
    assert_eq!(against_the_ranks(&source("src/odd.rs", "")).len(), 1);
    assert!(names_crate("use gix::Repository;", "gix") && names_crate("fn f() -> git2::Oid {", "git2"));
    assert!(!names_crate("crate::git::gix_store()", "gix") && !names_crate("let proto = 1;", "proto"));
    assert!(has_word("x.await?", ".await") && !has_word("self.awaiting", ".await"));
    assert!(!says_what_it_holds("use std::fs;\n//! late"));
}

/// Each line for which `check` finds something, as `path:line: finding`.
fn collect(all: &[Source], check: impl Fn(&Source, &str) -> Vec<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for source in all {
        for (number, line) in source.code() {
            wrong.extend(
                check(source, line).into_iter().map(|what| format!("{}:{number}: {what}", source.path)),
            );
        }
    }
    wrong
}

fn against_the_ranks(source: &Source) -> Vec<String> {
    let Some(module) = source.module() else { return Vec::new() };
    let from = module[0];
    if matches!(from, "lib" | "main") {
        return Vec::new();
    }
    let Some(rank) = rank(from) else {
        return vec![format!("{}: no rank for the module {from}", source.path)];
    };
    let mut wrong = Vec::new();
    for (number, line) in source.code() {
        let uses = line.match_indices("crate::").map(|(at, word)| &line[at + word.len()..]);
        let higher = uses.filter(|path| !allowed(from, rank, path));
        wrong
            .extend(higher.map(|path| format!("{}:{number}: {from} uses {}", source.path, first_name(path))));
    }
    wrong
}

fn allowed(from: &str, rank_of_from: u8, path: &str) -> bool {
    let to = first_name(path);
    let meant = MEANT.iter().any(|(who, what)| *who == from && path.starts_with(what));
    // What is no module is a name of `lib.rs` itself.
    from == to || meant || rank(to).is_none_or(|rank| rank < rank_of_from)
}

fn rank(module: &str) -> Option<u8> {
    RANKS.iter().find(|(name, _)| *name == module).map(|(_, rank)| *rank)
}

fn first_name(path: &str) -> &str {
    let end = path.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    &path[..end.unwrap_or(path.len())]
}

/// Whether the line names a path that begins with the crate.
fn names_crate(line: &str, library: &str) -> bool {
    let begins = |at: usize| {
        !line[..at].ends_with(|letter: char| letter.is_alphanumeric() || "_:\"/.".contains(letter))
    };
    let path = format!("{library}::");
    line.match_indices(&path).any(|(at, _)| begins(at)) || line.trim() == format!("use {library};")
}

/// Whether the line holds the word, and not as the beginning of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let ends = |at: usize| {
        !line[at + word.len()..].starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
    };
    line.match_indices(word).any(|(at, _)| ends(at))
}

fn says_what_it_holds(text: &str) -> bool {
    // A fuzz target begins with the attribute that removes `main`.
    text.trim_start_matches("#![no_main]\n").starts_with("//!")
}
