//! Parts that lie elsewhere: mounted before the render, and never older than what their names stand for.

use super::world::{World, files, fresh, rendered, request, texts};
use crate::error::Kind;
use crate::request::Answered;

/// A repository whose application needs `p` from elsewhere.
fn world(p: &str) -> World {
    let world = World::default();
    world.commit("r", "1", &files(&[("app/elsewhere", "p"), ("other/b", "1")]));
    world.elsewhere("p", &files(&[("x", p), ("y", "not read")]));
    world
}

#[tokio::test]
async fn a_part_is_mounted_and_the_answer_holds_while_it_stays() {
    let world = world("1");
    let pipeline = world.pipeline();
    let first = pipeline.render(request("1", "app")).await.unwrap();
    assert_eq!((texts(&first), first.answered), (vec![":p1".to_owned()], rendered(None)));
    for _ in 0..2 {
        let again = pipeline.render(request("1", "app")).await.unwrap();
        assert_eq!((texts(&again), again.answered), (vec![":p1".to_owned()], Answered::Reuse));
    }
    assert_eq!((world.renders(), world.fetches()), (1, 3), "asked for every time, rendered once");
}

#[tokio::test]
async fn a_part_that_moved_is_seen_at_once() {
    let world = world("1");
    let pipeline = world.pipeline();
    pipeline.render(request("1", "app")).await.unwrap();
    world.elsewhere("p", &files(&[("x", "2"), ("y", "not read")]));
    let moved = pipeline.render(request("1", "app")).await.unwrap();
    assert_eq!(texts(&moved), [":p2"]);
    let Answered::Rendered { because: Some(because) } = &moved.answered else {
        panic!("{:?}", moved.answered)
    };
    assert!(because.ends_with("/x changed"), "{because}");
    world.elsewhere("p", &files(&[("x", "2"), ("y", "other")]));
    let unread = pipeline.render(request("1", "app")).await.unwrap();
    assert_eq!((texts(&unread), unread.answered), (vec![":p2".to_owned()], Answered::Reuse));
}

#[tokio::test]
async fn an_answer_without_its_parts_is_none() {
    let world = world("1");
    let pipeline = world.pipeline();
    pipeline.render(request("1", "app")).await.unwrap();
    world.commit("r", "2", &files(&[("app/elsewhere", "gone")]));
    let error = pipeline.render(request("2", "app")).await.unwrap_err();
    assert_eq!(error.to_string(), "app/elsewhere:1: 'gone': nothing of this name");
    world.elsewhere("gone", &files(&[("x", "3")]));
    let found = pipeline.render(request("2", "app")).await.unwrap();
    assert_eq!(texts(&found), [":gone3"], "what was missing is not remembered");
}

#[tokio::test]
async fn an_application_that_needs_no_part_any_more_is_known_again() {
    let world = world("1");
    let pipeline = world.pipeline();
    pipeline.render(request("1", "app")).await.unwrap();
    world.commit("r", "2", &files(&[("app/a", "1")]));
    pipeline.render(request("2", "app")).await.unwrap();
    let again = pipeline.render(request("2", "app")).await.unwrap();
    assert_eq!((again.answered, world.fetches()), (Answered::Cache, 1));
}

#[tokio::test]
async fn parts_may_need_parts() {
    let world = world("1");
    world.elsewhere("p", &files(&[("x", "1"), ("more", "q")]));
    world.elsewhere("q", &files(&[("x", "2")]));
    let pipeline = world.pipeline();
    let deep = pipeline.render(request("1", "app")).await.unwrap();
    assert_eq!((texts(&deep), world.fetches()), (vec![":p12".to_owned()], 2));
    world.elsewhere("q", &files(&[("x", "3")]));
    assert_eq!(texts(&pipeline.render(request("1", "app")).await.unwrap()), [":p13"]);
}

#[tokio::test]
async fn parts_without_end_are_refused() {
    let world = world("1");
    for at in 0..20 {
        let name = if at == 0 { "p".to_owned() } else { format!("p{at}") };
        world.elsewhere(&name, &files(&[("x", "1"), ("more", &format!("p{}", at + 1))]));
    }
    let error = world.pipeline().render(request("1", "app")).await.unwrap_err();
    assert_eq!((error.kind(), world.renders()), (Kind::OverBudget, 0));
}

#[tokio::test]
async fn a_repository_cannot_lay_something_in_the_place_of_parts() {
    let world = world("1");
    world.commit("r", "2", &files(&[("app/elsewhere", "p"), (".manifestd-parts/x", "1")]));
    let error = world.pipeline().render(request("2", "app")).await.unwrap_err();
    assert_eq!((error.kind(), world.fetches()), (Kind::Invalid, 0));
    world.commit("r", "3", &files(&[("app/a", "1"), (".manifestd-parts/x", "1")]));
    assert!(world.pipeline().render(request("3", "app")).await.is_ok(), "where none are wanted, it may");
}

#[tokio::test]
async fn a_failure_made_of_parts_is_not_remembered() {
    let world = world("1");
    world.elsewhere("p", &files(&[("y", "no x")]));
    let pipeline = world.pipeline();
    assert_eq!(pipeline.render(request("1", "app")).await.unwrap_err().kind(), Kind::NotFound);
    world.elsewhere("p", &files(&[("x", "1")]));
    assert_eq!(texts(&pipeline.render(request("1", "app")).await.unwrap()), [":p1"]);
    assert_eq!(texts(&pipeline.render(fresh(request("1", "app"))).await.unwrap()), [":p1"]);
}
