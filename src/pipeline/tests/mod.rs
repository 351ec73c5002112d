//! The whole road, over stages that are counted, held up and broken at will.

mod elsewhere;
mod history;
mod world;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinHandle;

use super::{Pipeline, Settings};
use crate::error::{Error, Kind, Result};
use crate::render::Budgets;
use crate::request::{Answered, RenderRequest, Rendered};
use world::{Trouble, World, by, files, fresh, lending, rendered, request, source, texts, until};

/// A world with one repository of two applications, and what they share.
fn world() -> World {
    let world = World::default();
    world.commit("r", "1", &files(&[("app/a", "1"), ("other/b", "1")]));
    world
}

fn call(pipeline: &Pipeline<World>, request: RenderRequest) -> JoinHandle<Result<Rendered>> {
    let pipeline = pipeline.clone();
    tokio::spawn(async move { pipeline.render(request).await })
}

#[tokio::test]
async fn the_second_answer_comes_from_the_cache() {
    let world = world();
    let pipeline = world.pipeline();
    let first = pipeline.render(request("1", "app")).await.unwrap();
    let second = pipeline.render(request("1", "./app/")).await.unwrap();
    assert_eq!((&first.answered, &second.answered), (&rendered(None), &Answered::Cache));
    assert_eq!(texts(&first), [":1"]);
    assert_eq!(first.body.0.as_ptr(), second.body.0.as_ptr(), "one copy for everybody");
    assert_eq!((first.revisions, world.opens(), world.renders()), (vec!["1".to_owned()], 1, 1));
    let stages: Vec<_> = first.timings.iter().map(|(stage, _)| *stage).collect();
    assert_eq!(stages, ["resolve", "cache", "open", "reuse", "gather", "queue", "render", "keep"]);
    let stats = pipeline.stats();
    assert_eq!((stats.cache, stats.rendered, stats.renders, stats.failed), (1, 1, [1, 0, 0], 0));
}

#[tokio::test]
async fn two_hundred_at_once_cause_one_opening_and_one_render() {
    let world = world();
    let pipeline = world.pipeline();
    world.close_gate();
    let callers: Vec<_> = (0..200).map(|_| call(&pipeline, request("1", "app"))).collect();
    until(|| world.renders() == 1).await;
    world.open_gate();
    let mut waited = 0;
    for caller in callers {
        let answer = caller.await.unwrap().unwrap();
        assert_eq!(texts(&answer), [":1"]);
        waited += usize::from(answer.timings.iter().any(|(stage, _)| *stage == "wait"));
    }
    assert_eq!((world.opens(), world.renders(), waited), (1, 1, 199));
    assert_eq!(pipeline.stats().flights, 0);
}

#[tokio::test]
async fn the_first_caller_leaving_changes_nothing_for_the_others() {
    let world = world();
    let pipeline = world.pipeline();
    world.close_gate();
    let first = call(&pipeline, request("1", "app"));
    until(|| world.renders() == 1).await;
    let others: Vec<_> = (0..5).map(|_| call(&pipeline, request("1", "app"))).collect();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    world.open_gate();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(world.renders(), 1);
}

#[tokio::test]
async fn the_last_caller_leaving_stops_the_render_and_frees_its_permit() {
    let world = world();
    let pipeline = world.pipeline();
    world.trouble(Trouble::Endless);
    let caller = call(&pipeline, request("1", "app"));
    until(|| pipeline.stats().running == 1 && world.renders() == 1).await;
    caller.abort();
    until(|| pipeline.stats().running == 0).await;
    assert_eq!(pipeline.stats().flights, 0);
    world.trouble(None);
    assert_eq!(pipeline.render(request("1", "app")).await.unwrap().answered, rendered(None));
}

#[tokio::test]
async fn a_commit_elsewhere_is_answered_without_reading_a_file() {
    let world = world();
    let pipeline = world.pipeline();
    pipeline.render(request("1", "app")).await.unwrap();
    world.commit("r", "2", &files(&[("app/a", "1"), ("other/b", "2")]));
    let before = world.reads();
    let second = pipeline.render(request("2", "app")).await.unwrap();
    assert_eq!((&second.answered, second.revisions.as_slice()), (&Answered::Reuse, &["2".to_owned()][..]));
    assert_eq!(texts(&second), [":1"]);
    assert_eq!((world.renders(), world.reads() - before), (1, 0));
    let third = pipeline.render(request("2", "app")).await.unwrap();
    assert_eq!(third.answered, Answered::Cache, "the exact request is known from then on");
    assert_eq!(pipeline.stats().reuse, 1);
}

#[tokio::test]
async fn a_commit_that_touches_is_rendered_and_says_why() {
    let world = world();
    let pipeline = world.pipeline();
    pipeline.render(request("1", "app")).await.unwrap();
    world.commit("r", "2", &files(&[("app/a", "2"), ("other/b", "1")]));
    let second = pipeline.render(request("2", "app")).await.unwrap();
    assert_eq!((&second.answered, texts(&second)), (&rendered(Some("app/a changed")), vec![":2".to_owned()]));
    world.commit("r", "3", &files(&[("app/a", "2"), ("app/c", "3")]));
    let third = pipeline.render(request("3", "app")).await.unwrap();
    assert_eq!(third.answered, rendered(Some("app: a file was added or removed")));
    world.commit("r", "4", &files(&[("app/a", "1")]));
    let back = pipeline.render(request("4", "app")).await.unwrap();
    assert_eq!(
        (&back.answered, texts(&back)),
        (&Answered::Reuse, vec![":1".to_owned()]),
        "as it was at first"
    );
}

#[tokio::test]
async fn the_cluster_matters_only_to_those_who_look_at_it() {
    let world = World::default();
    world.commit("r", "1", &files(&[("plain/a", "1"), ("looks/kube", "1")]));
    let pipeline = world.pipeline();
    let at = |path: &str, version: &str| RenderRequest {
        kube_version: Some(version.to_owned()),
        ..request("1", path)
    };
    for (path, answered) in
        [("plain", Answered::Reuse), ("looks", rendered(Some("the kube version changed")))]
    {
        pipeline.render(at(path, "1.33.0")).await.unwrap();
        assert_eq!(pipeline.render(at(path, "1.34.0")).await.unwrap().answered, answered);
    }
}

#[tokio::test]
async fn no_cache_renders_again_and_its_result_replaces_the_old_ones() {
    let world = world();
    let pipeline = world.pipeline();
    let old = pipeline.render(request("1", "app")).await.unwrap();
    world.change_salt();
    let new = pipeline.render(fresh(request("1", "app"))).await.unwrap();
    assert_eq!(new.answered, rendered(None));
    assert_ne!(new.body, old.body);
    let known = pipeline.render(request("1", "app")).await.unwrap();
    assert_eq!((known.answered, known.body), (Answered::Cache, new.body.clone()));
    world.commit("r", "2", &files(&[("app/a", "1")]));
    let reused = pipeline.render(request("2", "app")).await.unwrap();
    assert_eq!(
        (reused.answered, reused.body),
        (Answered::Reuse, new.body),
        "what was distrusted is not reused"
    );
}

#[tokio::test]
async fn no_cache_does_not_join_what_is_under_way() {
    let world = world();
    let pipeline = world.pipeline();
    world.close_gate();
    let ordinary = call(&pipeline, request("1", "app"));
    until(|| world.renders() == 1).await;
    let hard = call(&pipeline, fresh(request("1", "app")));
    until(|| world.renders() == 2).await;
    world.open_gate();
    ordinary.await.unwrap().unwrap();
    hard.await.unwrap().unwrap();
}

#[tokio::test]
async fn errors_of_the_inputs_are_kept() {
    let world = World::default();
    world.commit("r", "1", &files(&[("app/bad", "1")]));
    let pipeline = world.pipeline();
    let first = pipeline.render(request("1", "app")).await.unwrap_err();
    let second = pipeline.render(request("1", "app")).await.unwrap_err();
    assert_eq!((first.kind(), first.to_string()), (Kind::Invalid, second.to_string()));
    assert_eq!(first.place(), second.place());
    assert_eq!((world.renders(), pipeline.stats().failed_renders, pipeline.stats().failed), (1, 1, 2));
    pipeline.render(fresh(request("1", "app"))).await.unwrap_err();
    assert_eq!(world.renders(), 2, "no_cache asks again");
}

#[tokio::test]
async fn errors_are_kept_for_their_own_time() {
    let world = World::default();
    world.commit("r", "1", &files(&[("app/bad", "1")]));
    let pipeline =
        world.pipeline_with(Settings { error_cache_expiration: Duration::ZERO, ..Settings::default() });
    for renders in 1..=2 {
        pipeline.render(request("1", "app")).await.unwrap_err();
        assert_eq!(world.renders(), renders);
    }
}

#[tokio::test]
async fn errors_of_the_outside_world_are_not_kept() {
    let error = |kind| Error::new(kind, "trouble");
    let troubles = [
        Trouble::Pin(error(Kind::NotFound)),
        Trouble::Pin(error(Kind::Unavailable)),
        Trouble::Open(error(Kind::NotFound)),
        Trouble::Open(error(Kind::Unauthenticated)),
        Trouble::Render(error(Kind::Unavailable)),
        Trouble::Render(error(Kind::Deadline)),
        Trouble::Render(error(Kind::Internal)),
        Trouble::Panic,
    ];
    for trouble in troubles {
        let world = world();
        let pipeline = world.pipeline();
        world.trouble(trouble);
        pipeline.render(request("1", "app")).await.unwrap_err();
        world.trouble(None);
        assert_eq!(pipeline.render(request("1", "app")).await.unwrap().answered, rendered(None));
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_error_for_everybody_and_the_next_request_works() {
    let world = world();
    let pipeline = world.pipeline();
    world.trouble(Trouble::Panic);
    world.close_gate();
    let callers: Vec<_> = (0..3).map(|_| call(&pipeline, request("1", "app"))).collect();
    until(|| world.renders() == 1).await;
    world.open_gate();
    for caller in callers {
        let error = caller.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), Kind::Internal);
        assert!(!error.message().contains("on purpose"));
    }
    world.trouble(None);
    pipeline.render(request("1", "app")).await.unwrap();
    assert_eq!(pipeline.stats().running, 0);
}

#[tokio::test]
async fn a_full_queue_is_busy_at_once_and_hits_still_pass() {
    let world = world();
    let pipeline = world.pipeline_with(Settings { parallelism: 1, ..Settings::default() });
    let named = |name: usize| RenderRequest { name: name.to_string(), ..request("1", "app") };
    pipeline.render(named(0)).await.unwrap();
    world.close_gate();
    let mut callers = vec![call(&pipeline, named(1))];
    until(|| pipeline.stats().running == 1).await;
    callers.extend((2..18).map(|name| call(&pipeline, named(name))));
    until(|| pipeline.stats().waiting == 16).await;
    assert_eq!(pipeline.render(named(18)).await.unwrap_err().kind(), Kind::Busy);
    assert_eq!(pipeline.stats().refused, 1);
    assert_eq!(pipeline.render(named(0)).await.unwrap().answered, Answered::Cache);
    callers.pop().unwrap().abort();
    until(|| pipeline.stats().waiting == 15).await;
    callers.push(call(&pipeline, named(18)));
    until(|| pipeline.stats().waiting == 16).await;
    world.open_gate();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!((pipeline.stats().waiting, pipeline.stats().running), (0, 0));
}

#[tokio::test]
async fn scopes_share_nothing() {
    let world = world();
    let pipeline = world.pipeline();
    for user in ["", "ann", "bob"] {
        assert_eq!(pipeline.render(by(user, request("1", "app"))).await.unwrap().answered, rendered(None));
    }
    world.commit("r", "2", &files(&[("app/a", "1")]));
    assert_eq!(pipeline.render(by("eve", request("2", "app"))).await.unwrap().answered, rendered(None));
    assert_eq!(pipeline.render(by("bob", request("2", "app"))).await.unwrap().answered, Answered::Reuse);
    assert_eq!(world.renders(), 4);
}

#[tokio::test]
async fn a_lent_file_counts_and_its_neighbours_do_not() {
    let world = world();
    let pipeline = world.pipeline();
    world.commit("values", "1", &files(&[("prod", "p"), ("test", "t")]));
    world.commit("values", "2", &files(&[("prod", "p"), ("test", "u")]));
    world.commit("values", "3", &files(&[("prod", "q"), ("test", "u")]));
    let ask = |lent: &str| pipeline.render(lending("1", lent, "prod"));
    let first = ask("1").await.unwrap();
    assert_eq!(texts(&first), [":1", ":p"]);
    assert_eq!(first.body.decode().unwrap().renderers, ["Directory", ""]);
    assert_eq!(ask("2").await.unwrap().answered, Answered::Reuse);
    let third = ask("3").await.unwrap();
    assert_eq!(third.answered, rendered(Some("source 2: prod changed")));
    assert_eq!(
        (texts(&third), third.revisions),
        (vec![":1".into(), ":q".into()], vec!["1".into(), "3".into()])
    );
}

#[tokio::test]
async fn several_sources_follow_one_another_and_errors_say_which() {
    let world = world();
    let pipeline = world.pipeline();
    world.commit("r", "2", &files(&[("app/bad", "1")]));
    let two = |second: &str| RenderRequest {
        sources: vec![source("r", "1", "other", "x"), source("r", second, "app", "")],
        ..RenderRequest::default()
    };
    let all = pipeline.render(two("1")).await.unwrap().body.decode().unwrap();
    let of: Vec<_> = all.objects.iter().map(|object| (&*object.file, object.source)).collect();
    assert_eq!(of, [("other/b", 0), ("app/a", 1)]);
    assert_eq!(world.opens(), 1, "both are the same commit");
    let error = pipeline.render(two("2")).await.unwrap_err();
    assert_eq!(error.message(), "source 2: app/bad is bad");
}

#[tokio::test]
async fn sources_are_opened_side_by_side() {
    let world = world();
    world.commit("values", "1", &files(&[("prod", "p")]));
    world.trouble(Trouble::Meet(Arc::new(Barrier::new(2))));
    let pipeline = world.pipeline();
    let answer = tokio::time::timeout(Duration::from_secs(20), pipeline.render(lending("1", "1", "prod")));
    answer.await.expect("one waits for the other").unwrap();
}

#[tokio::test]
async fn a_result_whose_manifests_left_the_cache_is_rendered_again() {
    let world = world();
    let pipeline = world.pipeline();
    let first = pipeline.render(request("1", "app")).await.unwrap();
    let id = super::answers::body_id(&first.body);
    pipeline.cache().remove(&cache::Key::new(cache::Kind::Body, id)).await;
    let again = pipeline.render(request("1", "app")).await.unwrap();
    assert_eq!(again.answered, rendered(Some("the earlier result is no longer in the cache")));
    assert_eq!(again.body, first.body);
}

#[tokio::test]
async fn a_render_that_does_not_listen_is_given_up_and_keeps_its_permit() {
    let world = world();
    let budgets = Budgets { time: Duration::from_millis(20), ..Budgets::default() };
    let pipeline = world.pipeline_with(Settings { parallelism: 1, budgets, ..Settings::default() });
    world.close_gate();
    let error = pipeline.render(request("1", "app")).await.unwrap_err();
    assert_eq!((error.kind(), pipeline.stats().running), (Kind::Deadline, 1));
    world.open_gate();
    until(|| pipeline.stats().running == 0).await;
    pipeline.render(request("1", "app")).await.unwrap();
}

#[tokio::test]
async fn too_many_bytes_are_over_budget_for_good() {
    let world = world();
    let budgets = Budgets { output_bytes: 10, ..Budgets::default() };
    let pipeline = world.pipeline_with(Settings { budgets, ..Settings::default() });
    for _ in 0..2 {
        assert_eq!(pipeline.render(request("1", "app")).await.unwrap_err().kind(), Kind::OverBudget);
    }
    assert_eq!(world.renders(), 1);
}

#[tokio::test]
async fn a_request_for_nothing_is_invalid() {
    let error = world().pipeline().render(RenderRequest::default()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
}
