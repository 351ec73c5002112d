//! What the server and a worker say to each other over one socket: a head in JSON and a body of raw bytes, each behind
//! its length. The two sides are the same binary, so there is no version to agree on.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::answers::Question;
use crate::error::{Error, Kind, Place};
use crate::render::{Budgets, Want};
use crate::request::{JsonnetOptions, Renderer};

/// What is made room for before any byte of a part has come.
const FIRST_BYTES: u32 = 64 << 10;

/// Server to worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToWorker {
    /// Something to do. The body holds answers that go ahead of the questions.
    Order(Box<WireOrder>),
    /// The answer to a question, and perhaps to those that are likely to follow; they are the body.
    Answers,
}

/// [`ToWorker`] as it is written, which needs no copy of the order.
#[derive(Debug, Serialize)]
#[serde(rename = "ToWorker")]
pub(super) enum ToWorkerRef<'a> {
    /// See [`ToWorker::Order`].
    Order(&'a WireOrder),
    /// See [`ToWorker::Answers`].
    Answers,
}

/// Worker to server.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromWorker {
    /// A question to a tree of the order. Answered with [`ToWorker::Answers`].
    Ask {
        /// The position of the tree.
        tree: usize,
        /// What is asked.
        question: Question,
        /// About which path.
        path: String,
    },
    /// What was read of each source, encoded: the body holds them one behind the other. [`FromWorker::Rendered`] follows.
    Facts {
        /// How many bytes each takes.
        lengths: Vec<usize>,
    },
    /// The manifests, which are the body.
    Rendered {
        /// What rendered each source.
        renderers: Vec<String>,
    },
    /// What lies elsewhere.
    Wants(Vec<WireWant>),
    /// The value of a Jsonnet program as JSON, which is the body.
    Value {
        /// The bytes that may still be imported.
        import_bytes: u64,
    },
    /// Why it could not be done.
    Failed(WireError),
    /// What a worker could reach, of the things it must not: see [`Work::TryWalls`].
    Reached(Vec<String>),
}

/// What to do, and with what.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireOrder {
    pub(super) work: Work,
    /// What the worker remembers belongs to this scope.
    pub(super) scope: [u8; 32],
    /// Milliseconds until the render's time limit.
    pub(super) milliseconds: u64,
    pub(super) budgets: Budgets,
    pub(super) versions: WireVersions,
    pub(super) sources: Vec<WireSource>,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) kube_version: Option<String>,
    pub(super) api_versions: Vec<String>,
    /// The seed of functions of chance.
    pub(super) seed: [u8; 32],
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// The versions to be equal to, where a request does not say.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct WireVersions {
    pub(super) helm: String,
    pub(super) kustomize: String,
}

/// What to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Work {
    /// Render all sources: answered with [`FromWorker::Facts`] and [`FromWorker::Rendered`].
    Render,
    /// Find what the source at this position needs that lies elsewhere: answered with [`FromWorker::Wants`].
    Wants(usize),
    /// Evaluate a program of the first source: answered with [`FromWorker::Value`].
    Jsonnet(JsonnetWork),
    /// Try what a worker must not be able to do; asked by tests only. Answered with [`FromWorker::Reached`].
    TryWalls,
}

/// A Jsonnet program to evaluate.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct JsonnetWork {
    /// The application's folder.
    pub(super) folder: String,
    /// The program's path in the tree.
    pub(super) file: String,
    /// Its text.
    pub(super) code: String,
    pub(super) options: JsonnetOptions,
    /// The bytes that may still be imported.
    pub(super) import_bytes: u64,
}

/// A source of an order, without its files.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireSource {
    pub(super) path: String,
    pub(super) ref_name: String,
    pub(super) only_lends: bool,
    pub(super) renderer: Renderer,
    /// Where parts are mounted, by the entries that name them: the file, and the repository.
    pub(super) remotes: BTreeMap<String, (Option<String>, Option<String>)>,
}

/// A [`Want`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireWant {
    entry: String,
    shown: String,
    file: Option<String>,
    repository: Option<(String, String)>,
    place: WirePlace,
}

/// An [`Error`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireError {
    kind: WireKind,
    message: String,
    place: Option<WirePlace>,
    help: Option<String>,
}

/// A [`Place`].
#[derive(Debug, Serialize, Deserialize)]
struct WirePlace {
    file: String,
    line: u32,
    column: u32,
    text: String,
}

/// A [`Kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum WireKind {
    Invalid,
    NotFound,
    Unauthenticated,
    Denied,
    Unavailable,
    Deadline,
    Cancelled,
    Busy,
    OverBudget,
    Precondition,
    Internal,
}

impl WireKind {
    /// Every kind, with its own.
    const ALL: [(Self, Kind); 11] = [
        (Self::Invalid, Kind::Invalid),
        (Self::NotFound, Kind::NotFound),
        (Self::Unauthenticated, Kind::Unauthenticated),
        (Self::Denied, Kind::Denied),
        (Self::Unavailable, Kind::Unavailable),
        (Self::Deadline, Kind::Deadline),
        (Self::Cancelled, Kind::Cancelled),
        (Self::Busy, Kind::Busy),
        (Self::OverBudget, Kind::OverBudget),
        (Self::Precondition, Kind::Precondition),
        (Self::Internal, Kind::Internal),
    ];
}

impl From<&Error> for WireError {
    fn from(error: &Error) -> Self {
        let found = WireKind::ALL.into_iter().find(|(_, kind)| *kind == error.kind());
        Self {
            kind: found.map_or(WireKind::Internal, |(wire, _)| wire),
            message: error.message().to_owned(),
            place: error.place().map(WirePlace::from),
            help: error.advice().map(str::to_owned),
        }
    }
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        let WireError { kind, message, place, help } = error;
        let found = WireKind::ALL.into_iter().find(|(wire, _)| *wire == kind);
        let mut error = Self::new(found.map_or(Kind::Internal, |(_, kind)| kind), message);
        if let Some(place) = place {
            error = error.at(place.into());
        }
        if let Some(help) = help {
            error = error.help(help);
        }
        error
    }
}

impl From<&Place> for WirePlace {
    fn from(place: &Place) -> Self {
        let Place { file, line, column, text } = place;
        Self { file: file.to_string(), line: *line, column: *column, text: text.to_string() }
    }
}

impl From<WirePlace> for Place {
    fn from(place: WirePlace) -> Self {
        let WirePlace { file, line, column, text } = place;
        Self { file: file.into(), line, column, text: text.into() }
    }
}

impl From<Want> for WireWant {
    fn from(want: Want) -> Self {
        let Want { entry, shown, file, repository, place } = want;
        Self { entry, shown, file, repository, place: WirePlace::from(&place) }
    }
}

impl From<WireWant> for Want {
    fn from(want: WireWant) -> Self {
        let WireWant { entry, shown, file, repository, place } = want;
        Self { entry, shown, file, repository, place: place.into() }
    }
}

/// Sends one message.
pub(super) fn send(to: &mut impl Write, head: &impl Serialize, body: &[u8]) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    let length = |part: &[u8]| u32::try_from(part.len()).map_err(|_| io::ErrorKind::FileTooLarge);
    let mut begin = Vec::with_capacity(head.len() + 8);
    begin.extend(length(&head)?.to_le_bytes());
    begin.extend(length(body)?.to_le_bytes());
    begin.extend(head);
    to.write_all(&begin)?;
    to.write_all(body)
}

/// Receives one message whose parts have up to so many bytes; `None` when the other side has closed its end. A longer one
/// is [`io::ErrorKind::FileTooLarge`] and is not read.
pub(super) fn receive<T: DeserializeOwned>(
    from: &mut impl Read,
    most_head: u64,
    most_body: u64,
) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut lengths = [0; 8];
    if let Err(error) = from.read_exact(&mut lengths) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let length =
        |at: usize| u32::from_le_bytes([lengths[at], lengths[at + 1], lengths[at + 2], lengths[at + 3]]);
    let (head, body) = (length(0), length(4));
    if u64::from(head) > most_head || u64::from(body) > most_body {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let head = read_part(from, head)?;
    let body = read_part(from, body)?;
    Ok(Some((serde_json::from_slice(&head)?, body)))
}

/// Memory is taken as bytes come in.
fn read_part(from: &mut impl Read, length: u32) -> io::Result<Vec<u8>> {
    let mut part = Vec::with_capacity(length.min(FIRST_BYTES) as usize);
    let read = from.take(u64::from(length)).read_to_end(&mut part)?;
    if read < length as usize { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_out_as_it_went_in() {
        let mut pipe = Vec::new();
        let ask = FromWorker::Ask { tree: 1, question: Question::List, path: "a".into() };
        send(&mut pipe, &ask, b"\0\xff").unwrap();
        send(&mut pipe, &FromWorker::Rendered { renderers: vec!["Helm".into()] }, b"").unwrap();
        let mut pipe = pipe.as_slice();
        let (head, body) = receive::<FromWorker>(&mut pipe, 100, 2).unwrap().unwrap();
        assert!(matches!(head, FromWorker::Ask { tree: 1, question: Question::List, path } if path == "a"));
        assert_eq!(body, b"\0\xff");
        assert!(matches!(receive(&mut pipe, 100, 0), Ok(Some((FromWorker::Rendered { .. }, _)))));
        assert!(matches!(receive::<FromWorker>(&mut pipe, 100, 0), Ok(None)));
    }

    #[test]
    fn a_cut_or_senseless_message_is_an_error() {
        assert!(receive::<FromWorker>(&mut [9, 0, 0, 0, 0, 0, 0, 0, 1].as_slice(), 100, 100).is_err());
        let long = receive::<FromWorker>(&mut [1, 0, 0, 0, 101, 0, 0, 0].as_slice(), 100, 100).unwrap_err();
        assert_eq!(long.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn errors_come_back_whole() {
        let place = Place { file: "a".into(), line: 2, column: 3, text: "b".into() };
        for (_, kind) in WireKind::ALL {
            let error = Error::new(kind, "message").at(place.clone()).help("do");
            let json = serde_json::to_vec(&WireError::from(&error)).unwrap();
            let back = Error::from(serde_json::from_slice::<WireError>(&json).unwrap());
            assert_eq!((back.kind(), back.message()), (kind, "message"));
            assert_eq!((back.place(), back.advice()), (Some(&place), Some("do")));
        }
    }
}
