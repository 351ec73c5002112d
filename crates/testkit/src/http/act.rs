//! What a server does with one request: answer it well, or misbehave.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;
use std::{thread, vec};

use super::backend;
use super::wire::{self, Request};

/// What a server does with one request.
pub enum Act {
    /// Lets `git http-backend` answer.
    Serve,
    /// Waits, then does something else.
    After(Duration, Box<Act>),
    /// Lets `git http-backend` answer, but closes the connection after that many bytes of the body.
    Cut(usize),
    /// Lets `git http-backend` answer, but sends one byte of the body per interval.
    Drip(Duration),
    /// Answers with these words: status, headers, body.
    Reply(u16, Vec<(String, String)>, Vec<u8>),
    /// Sends nothing and keeps the connection open.
    Hang,
    /// Sends the head of a good answer, then nothing more.
    HangAfterHead,
    /// Sends a head of this content type, the first bytes, and then what the function makes of 0, 1, 2, … until the
    /// client closes.
    Endless(&'static str, Vec<u8>, fn(u64) -> Vec<u8>),
}

impl Act {
    /// A short answer.
    #[must_use]
    pub fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let owned = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::Reply(status, owned.collect(), body.as_bytes().to_vec())
    }

    /// A redirect, 302.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self::reply(302, &[("Location", to)], "")
    }

    /// A listing of refs in protocol version 0 that never ends.
    #[must_use]
    pub fn endless_refs() -> Self {
        let id = "1".repeat(40);
        let mut first = pkt(b"# service=git-upload-pack\n");
        first.extend(b"0000");
        first.extend(pkt(format!("{id} HEAD\0symref=HEAD:refs/heads/main agent=testkit\n").as_bytes()));
        let line = |number| pkt(format!("{} refs/heads/branch-{number:012}\n", "1".repeat(40)).as_bytes());
        Self::Endless("application/x-git-upload-pack-advertisement", first, line)
    }

    pub(super) fn perform(
        self,
        request: &Request,
        root: Option<&Path>,
        out: &mut (impl Read + Write),
    ) -> io::Result<()> {
        match self {
            Self::Serve => backend::answer(request, root)?.send(out, |out, part| wire::chunk(out, part)),
            Self::After(time, then) => {
                thread::sleep(time);
                then.perform(request, root, out)
            }
            Self::Cut(bytes) => backend::answer(request, root)?.send(out, cutter(bytes)),
            Self::Drip(pause) => backend::answer(request, root)?.send(out, dripper(pause)),
            Self::Reply(status, headers, body) => {
                wire::head(out, &format!("{status} Reply"), &headers)?;
                if !body.is_empty() {
                    wire::chunk(out, &body)?;
                }
                wire::chunk(out, b"")
            }
            Self::Hang => hang(out),
            Self::HangAfterHead => {
                wire::head(out, "200 OK", &advertisement("application/x-git-upload-pack-advertisement"))?;
                hang(out)
            }
            Self::Endless(kind, first, next) => endless(out, kind, &first, next),
        }
    }
}

/// One line of git's protocol.
pub(crate) fn pkt(line: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{:04x}", line.len() + 4).into_bytes();
    bytes.extend_from_slice(line);
    bytes
}

fn advertisement(kind: &str) -> Vec<(String, String)> {
    vec![("Content-Type".to_owned(), kind.to_owned())]
}

fn cutter<W: Write>(bytes: usize) -> impl FnMut(&mut W, &[u8]) -> io::Result<()> {
    let mut left = bytes;
    move |out, part| {
        if part.len() <= left {
            left -= part.len();
            return wire::chunk(out, part);
        }
        wire::chunk(out, &part[..left])?;
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

fn dripper<W: Write>(pause: Duration) -> impl FnMut(&mut W, &[u8]) -> io::Result<()> {
    move |out, part| {
        for byte in part.chunks(1) {
            wire::chunk(out, byte)?;
            thread::sleep(pause);
        }
        if part.is_empty() { wire::chunk(out, part) } else { Ok(()) }
    }
}

/// Keeps the connection until the peer closes it.
fn hang(out: &mut impl Read) -> io::Result<()> {
    io::copy(out, &mut io::sink())?;
    Err(io::ErrorKind::ConnectionAborted.into())
}

fn endless(out: &mut impl Write, kind: &str, first: &[u8], next: fn(u64) -> Vec<u8>) -> io::Result<()> {
    wire::head(out, "200 OK", &advertisement(kind))?;
    wire::chunk(out, first)?;
    let mut number = 0;
    loop {
        let block: Vec<u8> = (number..number + 500).flat_map(next).collect();
        wire::chunk(out, &block)?;
        number += 500;
    }
}
