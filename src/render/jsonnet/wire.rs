//! What the server and its Jsonnet worker say to each other over two pipes: a head in JSON and a body of raw bytes,
//! each behind its length. The two sides are the same binary, so there is no version to agree on.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The most bytes of one head or body: what its length has room for.
pub(super) const MOST: u32 = u32::MAX;

/// Server to worker.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Evaluate a program, whose text is the body. Answered with [`Answer::Done`] or [`Answer::Failed`].
    Evaluate {
        /// Its path in the tree.
        file: String,
        /// External variables.
        ext_vars: Vec<Variable>,
        /// Top-level arguments.
        tlas: Vec<Variable>,
    },
    /// What an import asked for; the content is the body.
    Found {
        /// Its path in the tree.
        file: String,
    },
    /// What an import asked for is not to be had; the server knows why.
    Refused,
}

/// Worker to server.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    /// An import of `path`, which stands in the file `from`. Answered with [`Order::Found`] or [`Order::Refused`].
    Import {
        /// The importing file; empty for the code of a variable.
        from: String,
        /// The path as written.
        path: String,
    },
    /// The program's value is the body, as JSON.
    Done,
    /// The program has no value.
    Failed(Failure),
}

/// Why a program has no value.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    /// What went wrong, in one line.
    pub message: String,
    /// Whether it was an import the server refused.
    pub import: bool,
    /// Where.
    pub spot: Option<Spot>,
}

/// A place in a file of the tree, counted from 1.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spot {
    pub file: String,
    pub line: u32,
    pub column: u32,
    /// The text of the line.
    pub text: String,
}

/// A variable handed to a program.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Variable {
    pub name: String,
    pub value: String,
    /// Whether the value is code.
    pub code: bool,
}

/// Sends one message.
pub(super) fn send(to: &mut impl Write, head: &impl Serialize, body: &[u8]) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    write_part(to, &head)?;
    write_part(to, body)?;
    to.flush()
}

/// Receives one message whose parts have up to `most` bytes each; `None` when the other side has closed its end. A
/// longer part is [`io::ErrorKind::FileTooLarge`] and is not read.
pub(super) fn receive<T: DeserializeOwned>(
    from: &mut impl Read,
    most: u32,
) -> io::Result<Option<(T, Vec<u8>)>> {
    let Some(head) = read_part(from, most)? else { return Ok(None) };
    let body = read_part(from, most)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(Some((serde_json::from_slice(&head)?, body)))
}

fn write_part(to: &mut impl Write, part: &[u8]) -> io::Result<()> {
    let length = u32::try_from(part.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(part)
}

fn read_part(from: &mut impl Read, most: u32) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if let Err(error) = from.read_exact(&mut length) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let length = u32::from_le_bytes(length);
    if length > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut part = Vec::new();
    let read = from.take(u64::from(length)).read_to_end(&mut part)?;
    if read < length as usize { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Some(part)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_out_as_it_went_in() {
        let mut pipe = Vec::new();
        send(&mut pipe, &Answer::Import { from: "a".into(), path: "b".into() }, b"\0\xff").unwrap();
        send(&mut pipe, &Answer::Done, b"").unwrap();
        let mut pipe = pipe.as_slice();
        let (head, body) = receive::<Answer>(&mut pipe, MOST).unwrap().unwrap();
        assert!(matches!(head, Answer::Import { from, path } if from == "a" && path == "b"));
        assert_eq!(body, b"\0\xff");
        assert!(matches!(receive::<Answer>(&mut pipe, MOST), Ok(Some((Answer::Done, _)))));
        assert!(matches!(receive::<Answer>(&mut pipe, MOST), Ok(None)));
    }

    #[test]
    fn a_cut_or_senseless_message_is_an_error() {
        assert!(receive::<Answer>(&mut [9, 0, 0, 0, 1].as_slice(), MOST).is_err());
        let long = receive::<Answer>(&mut [255; 8].as_slice(), 100).unwrap_err();
        assert_eq!(long.kind(), io::ErrorKind::FileTooLarge);
    }
}
