//! The law of the whole: whatever happened before, a cached or reused answer equals a fresh one.

use proptest::prelude::*;
use tokio::runtime::Builder;

use super::world::{Files, World, fresh, lending, request, until};
use crate::error::{Kind, Result};
use crate::request::{RenderRequest, Rendered};

/// Few names, so that histories meet: the renderer's special ones, a folder where there may be a file, links.
const NAMES: [&str; 9] =
    ["app/a", "app/b/c", "app/b", "app/kube", "app/optional", "app/bad", "app/link", "shared", "shared/x"];
const TEXTS: [&str; 6] = ["1", "2", "->../shared/x", "->a", "->../../out", "->link"];

/// One step: an edit that makes a commit, or a request.
#[derive(Clone, Debug)]
enum Step {
    Edit { name: usize, text: Option<usize> },
    Ask { back: usize, kube: usize, path: &'static str, lent_back: Option<usize>, fresh: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let text = proptest::option::weighted(0.8, 0..TEXTS.len());
    let edit = (0..NAMES.len(), text).prop_map(|(name, text)| Step::Edit { name, text });
    let path = prop_oneof![4 => Just("app"), 1 => Just("app/b"), 1 => Just(".")];
    let lent = proptest::option::weighted(0.3, 0..3_usize);
    let ask = (0..4_usize, 0..2_usize, path, lent, proptest::bool::weighted(0.1))
        .prop_map(|(back, kube, path, lent_back, fresh)| Step::Ask { back, kube, path, lent_back, fresh });
    prop_oneof![1 => edit, 2 => ask]
}

fn outcome(result: Result<Rendered>) -> Result<(Vec<u8>, Vec<String>), String> {
    result
        .map(|rendered| (rendered.body.0.to_vec(), rendered.revisions))
        .map_err(|error| format!("{:?} {error}", error.kind()))
}

/// A file takes the place of a folder of its name, and a folder that of a file.
fn edit(files: &mut Files, name: &str, text: Option<&str>) {
    let above = |one: &str, other: &str| other.strip_prefix(one).is_some_and(|rest| rest.starts_with('/'));
    files.retain(|other, _| other != name && !above(name, other) && !above(other, name));
    files.extend(text.map(|text| (name.to_owned(), text.to_owned())));
}

fn ask(newest: usize, back: usize, path: &str, lent_back: Option<usize>) -> RenderRequest {
    let revision = newest.saturating_sub(back).to_string();
    match lent_back {
        Some(lent) => lending(&revision, &newest.saturating_sub(lent).to_string(), "app/a"),
        None => request(&revision, path),
    }
}

/// Many callers at once who ask for few things, some of whom go away: whoever gets an answer gets the right one, and
/// when all have gone nothing is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_that_comes_and_goes_gets_right_answers() {
    let world = World::default();
    for revision in 0..6 {
        let text = (revision / 2).to_string();
        let mut files = Files::new();
        edit(&mut files, "app/a", Some(&text));
        edit(&mut files, "app/b/c", Some("same"));
        world.commit("r", &revision.to_string(), &files);
    }
    let pipeline = world.pipeline();
    let callers: Vec<_> = (0..600_usize)
        .map(|number| {
            let asked = request(&(number * 7 % 6).to_string(), if number % 3 == 0 { "app/b" } else { "app" });
            let asked = if number % 11 == 0 { fresh(asked) } else { asked };
            let pipeline = pipeline.clone();
            (asked.clone(), tokio::spawn(async move { pipeline.render(asked).await }))
        })
        .collect();
    let never = world.pipeline();
    for (number, (asked, caller)) in callers.into_iter().enumerate() {
        if number % 5 == 0 {
            caller.abort();
        }
        match caller.await {
            Err(left) => assert!(left.is_cancelled()),
            Ok(Err(busy)) => assert_eq!(busy.kind(), Kind::Busy, "{busy}"),
            Ok(found) => assert_eq!(outcome(found), outcome(never.render(fresh(asked)).await)),
        }
    }
    until(|| pipeline.stats().flights == 0 && pipeline.stats().running == 0).await;
    assert_eq!(pipeline.stats().waiting, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cached_equals_fresh(steps in proptest::collection::vec(step(), 1..40)) {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let world = World::default();
        let (pipeline, never) = (world.pipeline(), world.pipeline());
        let (mut files, mut newest) = (Files::new(), 0);
        edit(&mut files, "app/a", Some("0"));
        let commit = |files: &Files, newest: usize| {
            for url in ["r", "values"] {
                world.commit(url, &newest.to_string(), files);
            }
        };
        commit(&files, newest);
        for step in steps {
            match step {
                Step::Edit { name, text } => {
                    edit(&mut files, NAMES[name], text.map(|text| TEXTS[text]));
                    newest += 1;
                    commit(&files, newest);
                }
                Step::Ask { back, kube, path, lent_back, fresh: hard } => {
                    let kube_version = Some(format!("1.{kube}"));
                    let request = RenderRequest {
                        kube_version,
                        no_cache: hard,
                        ..ask(newest, back, path, lent_back)
                    };
                    let expected = runtime.block_on(never.render(fresh(request.clone())));
                    let found = runtime.block_on(pipeline.render(request.clone()));
                    prop_assert_eq!(outcome(found), outcome(expected), "{:?}", request);
                }
            }
        }
    }
}
