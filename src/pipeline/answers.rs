//! What the cache holds of requests, in our words: answers under exact keys, bodies under their own digest, and the
//! facts earlier results depended on under reuse keys.
//!
//! An answer names its body by digest, so that a result that stays the same over a thousand commits is held once.

use std::time::Duration;

use bytes::Bytes;
use cache::{Cache, Entry, Kind as Holds};
use prost::Message;
use sha2::{Digest, Sha256};
use tree::Reads;

use super::Body;
use crate::error::{Error, Kind, Place, Result};

/// How many earlier results are remembered per request. A branch and its neighbours, a pull request or two, and a
/// rollback have room; each more is a check that may fail.
const MOST_FACT_SETS: usize = 8;

/// The kinds of errors that follow from the inputs alone, with their numbers in the cache.
const LASTING: [(Kind, u32); 4] =
    [(Kind::Invalid, 1), (Kind::NotFound, 2), (Kind::OverBudget, 3), (Kind::Precondition, 4)];

/// The cache as the pipeline uses it.
pub(super) struct Answers {
    cache: Cache,
    lasts: Duration,
    errors_last: Duration,
}

/// The name of a body: the digest of its bytes.
pub(super) type BodyId = [u8; 32];

/// What one earlier result depended on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FactSet {
    pub(super) body: BodyId,
    /// What was read of each source, in the request's order; the inputs that are not files stand with the first.
    pub(super) reads: Vec<Reads>,
}

impl Answers {
    pub(super) fn new(cache: Cache, lasts: Duration, errors_last: Duration) -> Self {
        Self { cache, lasts, errors_last }
    }

    pub(super) fn cache(&self) -> &Cache {
        &self.cache
    }

    /// What the request of this exact key came to, if that is known.
    pub(super) async fn load(&self, exact: &[u8; 32]) -> Option<Result<Body>> {
        self.read(self.cache.get(&cache::Key::new(Holds::Answer, *exact)).await?).await
    }

    /// As [`Answers::load`], for one who has just looked.
    pub(super) async fn load_again(&self, exact: &[u8; 32]) -> Option<Result<Body>> {
        self.read(self.cache.get_again(&cache::Key::new(Holds::Answer, *exact)).await?).await
    }

    async fn read(&self, answer: Bytes) -> Option<Result<Body>> {
        let Answer { body, failure } = Answer::decode(answer).ok()?;
        match failure {
            Some(failure) => Some(Err(failure.into_error()?)),
            None => self.load_body(body.as_slice().try_into().ok()?).await.map(Ok),
        }
    }

    pub(super) async fn load_body(&self, id: BodyId) -> Option<Body> {
        self.cache.get(&cache::Key::new(Holds::Body, id)).await.map(Body)
    }

    /// Keeps a new body.
    pub(super) async fn keep_body(&self, body: &Body) -> BodyId {
        let id = body_id(body);
        self.cache.put(Entry::new(cache::Key::new(Holds::Body, id), body.0.clone(), self.lasts)).await;
        id
    }

    /// Keeps that the request of this exact key came to a body that is already held.
    pub(super) async fn keep_name(&self, exact: &[u8; 32], body: BodyId) {
        self.keep(exact, &Answer { body: body.to_vec(), failure: None }, self.lasts).await;
    }

    /// Keeps that the request of this exact key fails, if it always will.
    pub(super) async fn keep_error(&self, exact: &[u8; 32], error: &Error) {
        if let Some(failure) = Failure::lasting(error) {
            self.keep(exact, &Answer { body: Vec::new(), failure: Some(failure) }, self.errors_last).await;
        }
    }

    /// The facts earlier results of this reuse key depended on, newest first.
    pub(super) async fn load_facts(&self, reuse: &[u8; 32]) -> Vec<FactSet> {
        let found = self.cache.get(&cache::Key::new(Holds::Facts, *reuse)).await;
        let sets = found.and_then(|bytes| Sets::decode(bytes).ok()).unwrap_or_default();
        sets.sets.into_iter().filter_map(Set::into_facts).collect()
    }

    /// Keeps `newest` before the `others`, as many of them as there is room for. Of two that do so at the same moment
    /// one may be lost, and with it no more than a chance to reuse.
    pub(super) async fn keep_facts(&self, reuse: &[u8; 32], newest: &FactSet, others: &[FactSet]) {
        let others = others.iter().filter(|other| other.reads != newest.reads);
        let sets = std::iter::once(newest).chain(others).take(MOST_FACT_SETS).map(Set::from_facts).collect();
        let bytes = Sets { sets }.encode_to_vec();
        self.cache.put(Entry::new(cache::Key::new(Holds::Facts, *reuse), bytes, self.lasts)).await;
    }

    async fn keep(&self, exact: &[u8; 32], answer: &Answer, lasts: Duration) {
        let key = cache::Key::new(Holds::Answer, *exact);
        self.cache.put(Entry::new(key, answer.encode_to_vec(), lasts)).await;
    }
}

/// The name of a body.
pub(super) fn body_id(body: &Body) -> BodyId {
    Sha256::digest(&body.0).into()
}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(bytes = "vec", tag = "1")]
    body: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    failure: Option<Failure>,
}

#[derive(Clone, PartialEq, Message)]
struct Failure {
    #[prost(uint32, tag = "1")]
    kind: u32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(string, optional, tag = "3")]
    help: Option<String>,
    #[prost(message, optional, tag = "4")]
    place: Option<Spot>,
}

#[derive(Clone, PartialEq, Message)]
struct Spot {
    #[prost(string, tag = "1")]
    file: String,
    #[prost(uint32, tag = "2")]
    line: u32,
    #[prost(uint32, tag = "3")]
    column: u32,
    #[prost(string, tag = "4")]
    text: String,
}

#[derive(Clone, PartialEq, Message)]
struct Sets {
    #[prost(message, repeated, tag = "1")]
    sets: Vec<Set>,
}

#[derive(Clone, PartialEq, Message)]
struct Set {
    #[prost(bytes = "bytes", tag = "1")]
    body: Bytes,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    reads: Vec<Bytes>,
}

impl Failure {
    fn lasting(error: &Error) -> Option<Self> {
        let (_, kind) = LASTING.into_iter().find(|(kind, _)| *kind == error.kind())?;
        let place = error.place().map(|place| {
            let Place { file, line, column, text } = place;
            Spot { file: file.to_string(), line: *line, column: *column, text: text.to_string() }
        });
        let help = error.advice().map(str::to_owned);
        Some(Self { kind, message: error.message().to_owned(), help, place })
    }

    fn into_error(self) -> Option<Error> {
        let Self { kind, message, help, place } = self;
        let (kind, _) = LASTING.into_iter().find(|(_, number)| *number == kind)?;
        let mut error = Error::new(kind, message);
        if let Some(help) = help {
            error = error.help(help);
        }
        if let Some(Spot { file, line, column, text }) = place {
            error = error.at(Place { file: file.into(), line, column, text: text.into() });
        }
        Some(error)
    }
}

impl Set {
    fn from_facts(facts: &FactSet) -> Self {
        let FactSet { body, reads } = facts;
        let reads = reads.iter().map(|reads| reads.encode().into()).collect();
        Self { body: Bytes::copy_from_slice(body), reads }
    }

    /// `None` for what another version wrote.
    fn into_facts(self) -> Option<FactSet> {
        let body = self.body.as_ref().try_into().ok()?;
        let reads = self.reads.iter().map(|reads| Reads::decode(reads).ok()).collect::<Option<_>>()?;
        Some(FactSet { body, reads })
    }
}

#[cfg(test)]
mod tests {
    use cache::Memory;
    use tree::{Fact, TreePath};

    use super::*;

    const KEY: [u8; 32] = [1; 32];

    fn answers() -> Answers {
        let long = Duration::from_secs(60);
        Answers::new(Cache::new(Memory::new(1 << 20)), long, long)
    }

    fn facts(number: u8) -> FactSet {
        let path = TreePath::parse(&format!("file{number}")).unwrap();
        FactSet {
            body: [number; 32],
            reads: vec![Reads::from_facts([Fact::Absent { path }]), Reads::default()],
        }
    }

    #[tokio::test]
    async fn a_body_is_found_and_held_once() {
        let answers = answers();
        let body = Body(Bytes::from_static(b"manifests"));
        assert_eq!(answers.keep_body(&body).await, answers.keep_body(&body).await);
        for key in [KEY, [2; 32]] {
            answers.keep_name(&key, body_id(&body)).await;
            assert_eq!(answers.load(&key).await.unwrap().unwrap(), body);
        }
        assert_eq!(answers.cache().stats().entries, 3, "two names and one body");
        assert!(answers.load(&[3; 32]).await.is_none());
    }

    #[tokio::test]
    async fn an_answer_whose_body_is_gone_is_no_answer() {
        let answers = answers();
        let id = answers.keep_body(&Body(Bytes::from_static(b"manifests"))).await;
        answers.keep_name(&KEY, id).await;
        answers.cache().remove(&cache::Key::new(Holds::Body, id)).await;
        assert!(answers.load(&KEY).await.is_none());
    }

    #[tokio::test]
    async fn lasting_errors_come_back_whole_and_others_are_not_kept() {
        let answers = answers();
        let place = Place { file: "a.yaml".into(), line: 3, column: 7, text: "a: [".into() };
        for (kind, _) in LASTING {
            let plain = Error::new(kind, "plain");
            answers.keep_error(&KEY, &plain).await;
            let found = answers.load(&KEY).await.unwrap().unwrap_err();
            assert_eq!(
                (found.kind(), found.message(), found.place(), found.advice()),
                (kind, "plain", None, None)
            );
        }
        answers.keep_error(&KEY, &Error::new(Kind::Invalid, "wrong").at(place.clone()).help("mend it")).await;
        let found = answers.load(&KEY).await.unwrap().unwrap_err();
        assert_eq!((found.place(), found.advice()), (Some(&place), Some("mend it")));
        let others = [
            Kind::Unauthenticated,
            Kind::Denied,
            Kind::Unavailable,
            Kind::Deadline,
            Kind::Cancelled,
            Kind::Busy,
            Kind::Internal,
        ];
        for kind in others {
            answers.keep_error(&[2; 32], &Error::new(kind, "not the inputs' fault")).await;
            assert!(answers.load(&[2; 32]).await.is_none(), "{kind:?} was kept");
        }
    }

    #[tokio::test]
    async fn the_newest_eight_fact_sets_are_kept_each_once() {
        let answers = answers();
        assert!(answers.load_facts(&KEY).await.is_empty());
        for number in 0..10 {
            let others = answers.load_facts(&KEY).await;
            answers.keep_facts(&KEY, &facts(number), &others).await;
        }
        let others = answers.load_facts(&KEY).await;
        answers.keep_facts(&KEY, &facts(5), &others).await;
        let kept = answers.load_facts(&KEY).await;
        assert_eq!(kept, [5, 9, 8, 7, 6, 4, 3, 2].map(facts));
    }

    #[tokio::test]
    async fn the_same_facts_with_another_result_replace_the_old_one() {
        let answers = answers();
        answers.keep_facts(&KEY, &facts(1), &[]).await;
        let newer = FactSet { body: [9; 32], ..facts(1) };
        answers.keep_facts(&KEY, &newer, &[facts(1)]).await;
        assert_eq!(answers.load_facts(&KEY).await, [newer]);
    }
}
