//! Facts as compact bytes, for a cache. What comes back from a cache is foreign: it may be anything.

use std::sync::Arc;

use crate::reads::{Fact, Reads};
use crate::{ContentId, Kind, TreePath};

/// The first byte; another format gets another number.
const FORMAT: u8 = 1;

/// The most bytes all paths of decoded facts may have together: names share prefixes, so few bytes could stand for
/// very many. Ten thousand facts with paths of 200 bytes are 2 MB.
const MAX_PATH_BYTES: usize = 64 << 20;

/// The bytes are not an encoded [`Reads`] of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a set of facts of this version")]
pub struct DecodeError;

impl Reads {
    /// The facts as compact bytes: sorted, each path without what it shares with the one before. 1,000 files of one
    /// application take about 35 kB, most of it ids.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer { bytes: vec![FORMAT], before: "" };
        self.facts().for_each(|fact| out.fact(fact));
        out.bytes
    }

    /// The facts that [`Reads::encode`] made these bytes of.
    ///
    /// # Errors
    /// [`DecodeError`] for any other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (format, rest) = bytes.split_first().ok_or(DecodeError)?;
        let mut reader = Reader { rest, before: String::new(), left: MAX_PATH_BYTES };
        let mut facts = Vec::new();
        if *format != FORMAT {
            return Err(DecodeError);
        }
        while !reader.rest.is_empty() {
            facts.push(reader.fact()?);
        }
        Ok(Self::from_facts(facts))
    }
}

struct Writer<'a> {
    bytes: Vec<u8>,
    before: &'a str,
}

impl<'a> Writer<'a> {
    fn fact(&mut self, fact: &'a Fact) {
        self.bytes.push(tag(fact));
        match fact {
            Fact::Input { name, .. } => self.text(name),
            _ => self.path(fact.path().map_or("", TreePath::as_str)),
        }
        match fact {
            Fact::Input { digest, .. } | Fact::Names { digest, .. } => self.bytes.extend(digest),
            Fact::Kind { kind, .. } => self.bytes.push(kind.tag()),
            Fact::Entry { kind, id, .. } => {
                self.bytes.extend([kind.tag(), id.scheme()]);
                self.bytes.extend(id.bytes());
            }
            Fact::Link { text, .. } => self.text(text),
            Fact::Absent { .. } | Fact::Failed { .. } => {}
        }
    }

    fn path(&mut self, path: &'a str) {
        let pairs = path.bytes().zip(self.before.bytes());
        let same = pairs.take_while(|(a, b)| a == b).count();
        let shared = path.floor_char_boundary(same);
        self.number(shared);
        self.text(&path[shared..]);
        self.before = path;
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.bytes.extend(text.as_bytes());
    }

    /// Seven bits a byte, the lowest first; the high bit says that more follow.
    fn number(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    before: String,
    left: usize,
}

impl<'a> Reader<'a> {
    fn fact(&mut self) -> Result<Fact, DecodeError> {
        let tag = self.byte()?;
        if tag == 1 {
            return Ok(Fact::Input { name: Arc::from(self.text()?), digest: self.array()? });
        }
        let path = self.path()?;
        Ok(match tag {
            2 => Fact::Absent { path },
            3 => Fact::Kind { path, kind: self.kind()? },
            4 => Fact::Entry { path, kind: self.kind()?, id: self.id()? },
            5 => Fact::Link { path, text: Arc::from(self.text()?) },
            6 => Fact::Names { path, digest: self.array()? },
            7 => Fact::Failed { path },
            _ => return Err(DecodeError),
        })
    }

    fn path(&mut self) -> Result<TreePath, DecodeError> {
        let shared = self.number()?;
        let own = self.text()?;
        if shared > self.before.len() || !self.before.is_char_boundary(shared) {
            return Err(DecodeError);
        }
        self.before.truncate(shared);
        self.before.push_str(own);
        self.left = self.left.checked_sub(self.before.len()).ok_or(DecodeError)?;
        let path = TreePath::parse(&self.before).map_err(|_| DecodeError)?;
        if path.as_str() == self.before { Ok(path) } else { Err(DecodeError) }
    }

    fn kind(&mut self) -> Result<Kind, DecodeError> {
        Kind::of_tag(self.byte()?).ok_or(DecodeError)
    }

    fn id(&mut self) -> Result<ContentId, DecodeError> {
        match self.byte()? {
            1 => self.array().map(ContentId::Git),
            2 => self.array().map(ContentId::Sha256),
            _ => Err(DecodeError),
        }
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        let length = self.number()?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(DecodeError)?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| DecodeError)
    }

    fn number(&mut self) -> Result<usize, DecodeError> {
        let mut number = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(DecodeError)
    }

    fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(DecodeError)?;
        self.rest = rest;
        Ok(*array)
    }
}

fn tag(fact: &Fact) -> u8 {
    match fact {
        Fact::Input { .. } => 1,
        Fact::Absent { .. } => 2,
        Fact::Kind { .. } => 3,
        Fact::Entry { .. } => 4,
        Fact::Link { .. } => 5,
        Fact::Names { .. } => 6,
        Fact::Failed { .. } => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn every_fact() -> Reads {
        Reads::from_facts([
            Fact::Input { name: Arc::from("kube version"), digest: [1; 32] },
            Fact::Absent { path: path("a/é") },
            Fact::Kind { path: path("a/è"), kind: Kind::Submodule },
            Fact::Entry { path: path("b"), kind: Kind::File, id: ContentId::Git([2; 20]) },
            Fact::Entry { path: path("c"), kind: Kind::Folder, id: ContentId::Sha256([3; 32]) },
            Fact::Link { path: path("d"), text: Arc::from("../x") },
            Fact::Names { path: path("e".repeat(200).as_str()), digest: [4; 32] },
            Fact::Failed { path: path("f") },
        ])
    }

    #[test]
    fn facts_come_back() {
        let reads = every_fact();
        assert_eq!(Reads::decode(&reads.encode()), Ok(reads));
        assert_eq!(Reads::decode(&Reads::default().encode()), Ok(Reads::default()));
    }

    #[test]
    fn a_cut_or_changed_set_is_refused_or_another_set() {
        let bytes = every_fact().encode();
        for end in 0..bytes.len() {
            assert_ne!(Reads::decode(&bytes[..end]), Ok(every_fact()), "cut at {end}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x15;
            assert_ne!(Reads::decode(&changed), Ok(every_fact()), "changed at {at}");
        }
    }

    #[test]
    fn a_path_that_escapes_is_refused() {
        for text in ["../x", "/x", "a//b", "a/../b", "a\0"] {
            let length = u8::try_from(text.len()).unwrap();
            let bytes = [&[FORMAT, 2, 0, length], text.as_bytes()].concat();
            assert_eq!(Reads::decode(&bytes), Err(DecodeError), "{text:?}");
        }
    }

    #[test]
    fn few_bytes_never_become_very_many() {
        let long = 1_000_000_u32;
        let mut bytes = vec![FORMAT, 2, 0, 0xc0, 0x84, 0x3d];
        bytes.extend("a".repeat(long as usize).bytes());
        for _ in 0..1000 {
            bytes.extend([2, 0xc0, 0x84, 0x3d, 0]);
        }
        assert_eq!(Reads::decode(&bytes), Err(DecodeError));
    }

    #[test]
    fn a_thousand_files_are_small() {
        let entry = |n: usize| Fact::Entry {
            path: path(&format!("apps/team-{}/web/templates/file-{n}.yaml", n % 7)),
            kind: Kind::File,
            id: ContentId::Git([u8::try_from(n % 251).unwrap(); 20]),
        };
        let reads = Reads::from_facts((0..1000).map(entry));
        let bytes = reads.encode().len();
        assert!(bytes < 40_000, "{bytes}");
    }
}
