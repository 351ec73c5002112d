//! The first answer of an http server to git: that it speaks git's smart protocol, or what it is instead.

use std::io;

use reqwest::Response;
use reqwest::header::CONTENT_TYPE;

use crate::error::{Error, Kind};

use super::super::link::Link;
use super::failure;

/// What a server that speaks the smart protocol calls its answer.
const SMART: &str = "application/x-git-upload-pack-advertisement";

/// How much of another answer is looked at, in bytes.
const MAX_LOOK: usize = 256;

/// The digits of a commit id: SHA-1's and SHA-256's.
const ID_DIGITS: [usize; 2] = [40, 64];

/// Fails unless `response` announces the smart protocol.
///
/// # Errors
/// What the answer is instead; it is kept as the failure of `link`.
pub(super) fn check_announcement(response: &mut Response, link: &Link) -> io::Result<()> {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
    if content_type == SMART {
        return Ok(());
    }
    let mut start = Vec::new();
    while start.len() < MAX_LOOK {
        // What cannot be read is as good as not there: the answer is wrong either way.
        let Ok(Some(chunk)) = link.wait(response.chunk())? else { break };
        link.took(chunk.len())?;
        start.extend_from_slice(&chunk);
    }
    Err(link.fail(other_answer(&content_type, &start)))
}

/// What an answer is that begins with `start`.
fn other_answer(content_type: &str, start: &[u8]) -> Error {
    if is_list_of_refs(start) {
        let message =
            "the remote serves the repository over git's dumb http protocol, which is not supported";
        return Error::new(Kind::Precondition, message)
            .help("serve it with `git http-backend` or a git server, or reach it over ssh");
    }
    if content_type.starts_with("text/html") || start.trim_ascii_start().starts_with(b"<") {
        return Error::new(
            Kind::Unavailable,
            "the remote answers with a web page instead of a git repository",
        )
        .help("check that the URL names a git repository, and that no login page stands before it");
    }
    failure::not_git()
}

/// Whether `start` begins with a line of the file `info/refs`: an id, a tab, a name.
fn is_list_of_refs(start: &[u8]) -> bool {
    let digits = start.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    ID_DIGITS.contains(&digits) && start[digits..].starts_with(b"\trefs/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        for (content_type, start, words) in [
            ("text/plain", format!("{id}\trefs/heads/main\n"), "dumb http"),
            ("application/octet-stream", format!("{id}{}\trefs/tags/v1\n", &id[..24]), "dumb http"),
            ("text/html; charset=utf-8", "hello".to_owned(), "a web page"),
            ("", " <!doctype html>".to_owned(), "a web page"),
            ("text/plain", format!("{id} refs/heads/main\n"), "not what git servers say"),
            ("text/plain", String::new(), "not what git servers say"),
        ] {
            let error = other_answer(content_type, start.as_bytes());
            assert!(error.message().contains(words), "{start}: {error}");
        }
    }
}
