//! The one place that turns failures into gRPC: which code, which message, which detail.

use bytes::Bytes;
use prost::Message;
use prost_types::Any;
use proto::rpc;
use proto::v1::ErrorDetail;
use tonic::{Code, Status};

use crate::error::{Error, Kind, Place};

/// Headers of an answer share one frame of 16 kB by default, and a message grows threefold in its encoding.
const LONGEST_MESSAGE: usize = 2000;

/// A longer line is no help in a terminal, and would not fit into the headers.
const LONGEST_LINE: usize = 400;

/// The gRPC code of a kind of failure.
pub(super) fn code(kind: Kind) -> Code {
    match kind {
        Kind::Invalid => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::Denied => Code::PermissionDenied,
        Kind::Unavailable => Code::Unavailable,
        Kind::Deadline => Code::DeadlineExceeded,
        Kind::Cancelled => Code::Cancelled,
        Kind::Busy | Kind::OverBudget => Code::ResourceExhausted,
        Kind::Precondition => Code::FailedPrecondition,
        Kind::Internal => Code::Internal,
    }
}

/// A failure as gRPC says it: code, one line, and an `ErrorDetail` where there is a place or advice.
#[must_use]
pub fn status(error: &Error) -> Status {
    with_advice(code(error.kind()), &error.to_string(), detail(error))
}

/// A failure of the wire itself, which has no kind of its own.
#[must_use]
pub fn plain(code: Code, message: &str, advice: &str) -> Status {
    let detail = ErrorDetail { advice: advice.to_owned(), ..ErrorDetail::default() };
    with_advice(code, message, Some(detail))
}

/// The name of a code, as in a `.proto` comment.
#[must_use]
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

fn with_advice(code: Code, message: &str, detail: Option<ErrorDetail>) -> Status {
    let message = shortened(message, LONGEST_MESSAGE);
    let details = detail.map_or_else(Bytes::new, |detail| encoded(code, &message, &detail));
    Status::with_details(code, message, details)
}

fn detail(error: &Error) -> Option<ErrorDetail> {
    let advice = error.advice().map(|advice| shortened(advice, LONGEST_MESSAGE)).unwrap_or_default();
    match error.place() {
        Some(place) => Some(ErrorDetail { advice, ..located(place) }),
        None if advice.is_empty() => None,
        None => Some(ErrorDetail { advice, ..ErrorDetail::default() }),
    }
}

fn located(place: &Place) -> ErrorDetail {
    ErrorDetail {
        file: shortened(&place.file, LONGEST_MESSAGE),
        line: place.line,
        column: place.column,
        text: shortened(&place.text, LONGEST_LINE),
        advice: String::new(),
    }
}

fn encoded(code: Code, message: &str, detail: &ErrorDetail) -> Bytes {
    let any = Any {
        type_url: "type.googleapis.com/manifestd.v1.ErrorDetail".into(),
        value: detail.encode_to_vec(),
    };
    rpc::Status { code: code.into(), message: message.to_owned(), details: vec![any] }.encode_to_vec().into()
}

fn shortened(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(longest)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_code() {
        let table = [
            (Kind::Invalid, "INVALID_ARGUMENT"),
            (Kind::NotFound, "NOT_FOUND"),
            (Kind::Unauthenticated, "UNAUTHENTICATED"),
            (Kind::Denied, "PERMISSION_DENIED"),
            (Kind::Unavailable, "UNAVAILABLE"),
            (Kind::Deadline, "DEADLINE_EXCEEDED"),
            (Kind::Cancelled, "CANCELLED"),
            (Kind::Busy, "RESOURCE_EXHAUSTED"),
            (Kind::OverBudget, "RESOURCE_EXHAUSTED"),
            (Kind::Precondition, "FAILED_PRECONDITION"),
            (Kind::Internal, "INTERNAL"),
        ];
        for (kind, name) in table {
            assert_eq!(code_name(status(&Error::new(kind, "")).code()), name);
        }
    }

    #[test]
    fn place_and_advice_travel_as_a_detail() {
        let place = Place { file: "web/a.yaml".into(), line: 3, column: 7, text: "  a: [".into() };
        let status = status(&Error::new(Kind::Invalid, "no ]").at(place).help("close it"));
        assert_eq!(status.message(), "web/a.yaml:3:7: no ]");
        let decoded = rpc::Status::decode(status.details()).unwrap();
        assert_eq!((decoded.code, decoded.message.as_str()), (3, "web/a.yaml:3:7: no ]"));
        let detail = ErrorDetail::decode(&*decoded.details[0].value).unwrap();
        let expected = ErrorDetail {
            file: "web/a.yaml".into(),
            line: 3,
            column: 7,
            text: "  a: [".into(),
            advice: "close it".into(),
        };
        assert_eq!(detail, expected);
    }

    #[test]
    fn nothing_outgrows_the_headers() {
        let place = Place { file: "a".into(), line: 1, column: 1, text: "ü".repeat(100_000).into() };
        let status = status(&Error::new(Kind::Invalid, "x".repeat(100_000)).at(place));
        assert!(status.message().len() < 2100 && status.details().len() < 5000);
    }

    #[test]
    fn without_place_and_advice_there_is_no_detail() {
        assert!(status(&Error::new(Kind::Busy, "later")).details().is_empty());
    }
}
