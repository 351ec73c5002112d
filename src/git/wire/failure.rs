//! Errors of git's libraries, turned into ours. Their texts name files of this machine and repeat what servers said,
//! so only their kind is taken over.

use std::io::ErrorKind;

use crate::error::{Error, Kind};

use super::super::link::Link;

/// What servers say when they do not give a commit that is asked for by its id.
const REFUSALS: &[&str] =
    &["not our ref", "unadvertised object", "no such object", "not valid", "cannot fetch a specific object"];

/// What servers say when there is no such repository.
const MISSING: &[&str] = &[
    "access denied or repository not exported",
    "does not appear to be a git repository",
    "repository not found",
    "no such repository",
    "not found",
];

/// What the library says of an object that would take more memory than it may.
const TOO_LARGE: &[&str] = &["too large to fit in memory", "allocation limit"];

/// Why a conversation over `link` ended with `error`: what the link knows, else what the error shows.
pub(super) fn of(link: &Link, error: &gix::Error) -> Error {
    if let Some(known) = link.failure().or_else(|| link.check_time().err()) {
        return known;
    }
    if let Some(io) =
        error.iter_errors().find_map(|error| error.downcast_ref::<std::io::Error>().and_then(disk))
    {
        return io;
    }
    if says(error, MISSING) {
        return missing();
    }
    if says(error, TOO_LARGE) {
        return too_large();
    }
    let broken_off = |error: &std::io::Error| (error.kind() == ErrorKind::UnexpectedEof).then(cut_short);
    let cut =
        error.iter_errors().find_map(|error| error.downcast_ref::<std::io::Error>().and_then(broken_off));
    cut.unwrap_or_else(not_git)
}

/// What was answered is not git's protocol.
pub(super) fn not_git() -> Error {
    Error::new(Kind::Unavailable, "the remote's answer is not what git servers say")
        .help("check that the URL names a git repository, then try again")
}

fn cut_short() -> Error {
    Error::new(Kind::Unavailable, "the remote closed the connection before its answer was whole")
}

/// Whether the server said that it does not give the commit.
pub(super) fn is_refusal(error: &gix::Error) -> bool {
    says(error, REFUSALS)
}

/// As [`is_refusal`], for a text.
pub(super) fn text_is_refusal(text: &str) -> bool {
    has(text, REFUSALS)
}

/// Whether `text` says that there is no such repository.
pub(super) fn text_is_missing(text: &str) -> bool {
    has(text, MISSING)
}

/// There is no such repository, or it is hidden from the credential.
pub(super) fn missing() -> Error {
    Error::new(Kind::NotFound, "the repository does not exist, or the credential may not see it")
}

fn too_large() -> Error {
    Error::new(Kind::OverBudget, "the repository holds a file that unpacks to more than 256 MiB")
        .help("keep files of that size out of the repository, or in git LFS")
}

/// The failure of a disk, if `error` is one.
pub(in super::super) fn disk(error: &std::io::Error) -> Option<Error> {
    let what = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "the data folder is full"
        }
        ErrorKind::ReadOnlyFilesystem => "the data folder is read-only",
        _ => return None,
    };
    Some(Error::new(Kind::Unavailable, what).help("free space under the data folder or lower its budget"))
}

fn says(error: &gix::Error, phrases: &[&str]) -> bool {
    error.iter_errors().any(|error| has(&error.to_string(), phrases))
}

fn has(text: &str, phrases: &[&str]) -> bool {
    let text = text.to_lowercase();
    phrases.iter().any(|phrase| text.contains(phrase))
}
