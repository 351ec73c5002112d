//! What trees answer, as bytes on the way to a worker: a sequence of records, each one answer to one question about one
//! path of one tree. Both sides are the same binary, so there is no version to agree on.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tree::{ContentId, Error, Kind, Named, Tree, TreePath};

/// The methods of a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Question {
    Kind,
    Id,
    List,
    Size,
    Read,
    Link,
}

/// What a method of a [`Tree`] answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TreeAnswer {
    Kind(Option<Kind>),
    Id(Option<ContentId>),
    List(Arc<[Named]>),
    Size(u64),
    Read(Bytes),
    Link(Arc<str>),
}

/// One answer: of which tree, about which path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AnswerRecord {
    pub(super) tree: usize,
    pub(super) path: TreePath,
    pub(super) question: Question,
    pub(super) answer: Result<TreeAnswer, Error>,
}

/// The bytes are no answers.
#[derive(Debug)]
pub(super) struct BadAnswers;

impl Question {
    const ALL: [Self; 6] = [Self::Kind, Self::Id, Self::List, Self::Size, Self::Read, Self::Link];

    /// Puts the question to a tree.
    pub(super) fn ask(self, tree: &dyn Tree, path: &TreePath) -> Result<TreeAnswer, Error> {
        Ok(match self {
            Self::Kind => TreeAnswer::Kind(tree.kind(path)?),
            Self::Id => TreeAnswer::Id(tree.id(path)?),
            Self::List => TreeAnswer::List(tree.list(path)?),
            Self::Size => TreeAnswer::Size(tree.size(path)?),
            Self::Read => TreeAnswer::Read(tree.read(path)?),
            Self::Link => TreeAnswer::Link(tree.link(path)?),
        })
    }
}

/// Writes records one behind the other.
#[derive(Default)]
pub(super) struct AnswerWriter {
    bytes: Vec<u8>,
}

impl AnswerWriter {
    /// How many bytes were written.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn write(&mut self, record: &AnswerRecord) {
        let AnswerRecord { tree, path, question, answer } = record;
        self.number(*tree as u64);
        self.bytes.push(*question as u8);
        self.text(path.as_str());
        match answer {
            Ok(answer) => {
                self.bytes.push(0);
                self.answer(answer);
            }
            Err(error) => self.error(error),
        }
    }

    fn answer(&mut self, answer: &TreeAnswer) {
        match answer {
            TreeAnswer::Kind(kind) => self.bytes.push(kind.map_or(0, kind_tag)),
            TreeAnswer::Id(None) => self.bytes.push(0),
            TreeAnswer::Id(Some(ContentId::Git(id))) => {
                self.bytes.push(1);
                self.bytes.extend(id);
            }
            TreeAnswer::Id(Some(ContentId::Sha256(id))) => {
                self.bytes.push(2);
                self.bytes.extend(id);
            }
            TreeAnswer::List(entries) => {
                self.number(entries.len() as u64);
                for entry in entries.iter() {
                    self.bytes.push(kind_tag(entry.kind));
                    self.text(&entry.name);
                }
            }
            TreeAnswer::Size(size) => self.number(*size),
            TreeAnswer::Read(content) => {
                self.number(content.len() as u64);
                self.bytes.extend_from_slice(content);
            }
            TreeAnswer::Link(text) => self.text(text),
        }
    }

    fn error(&mut self, error: &Error) {
        let (tag, path, text) = match error {
            Error::NotFound(path) => (1, path, ""),
            Error::WrongKind { path, .. } => (2, path, ""),
            Error::OutOfBounds { link } => (3, link, ""),
            Error::LinkLoop { path } => (4, path, ""),
            Error::Elsewhere { path, what } => (5, path, *what),
            Error::Refused { path, reason } => (6, path, &**reason),
            Error::Store { path, reason } => (7, path, &**reason),
        };
        self.bytes.push(tag);
        self.text(path.as_str());
        self.text(text);
        if let Error::WrongKind { wanted, found, .. } = error {
            self.bytes.extend([kind_tag(*wanted), kind_tag(*found)]);
        }
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend(text.as_bytes());
    }

    /// Seven bits a byte, the lowest first; the high bit says that more follow.
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }
}

/// Reads what an [`AnswerWriter`] wrote; contents of files share the memory of the whole.
pub(super) struct AnswerReader {
    rest: Bytes,
}

impl AnswerReader {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { rest: bytes }
    }

    /// The next record; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<AnswerRecord>, BadAnswers> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tree = self.length()?;
        let tag = self.byte()?;
        let question = Question::ALL.into_iter().find(|question| *question as u8 == tag).ok_or(BadAnswers)?;
        let path = self.path()?;
        let answer = match self.byte()? {
            0 => Ok(self.answer(question)?),
            tag => Err(self.error(tag)?),
        };
        Ok(Some(AnswerRecord { tree, path, question, answer }))
    }

    fn answer(&mut self, question: Question) -> Result<TreeAnswer, BadAnswers> {
        Ok(match question {
            Question::Kind => TreeAnswer::Kind(match self.byte()? {
                0 => None,
                tag => Some(kind_of_tag(tag)?),
            }),
            Question::Id => TreeAnswer::Id(match self.byte()? {
                0 => None,
                1 => Some(ContentId::Git(self.array()?)),
                2 => Some(ContentId::Sha256(self.array()?)),
                _ => return Err(BadAnswers),
            }),
            Question::List => TreeAnswer::List(self.list()?),
            Question::Size => TreeAnswer::Size(self.number()?),
            Question::Read => {
                let length = self.length()?;
                TreeAnswer::Read(self.slice(length)?)
            }
            Question::Link => TreeAnswer::Link(Arc::from(self.text()?)),
        })
    }

    fn list(&mut self) -> Result<Arc<[Named]>, BadAnswers> {
        let count = self.length()?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let kind = kind_of_tag(self.byte()?)?;
            entries.push(Named { kind, name: Arc::from(self.text()?) });
        }
        Ok(entries.into())
    }

    fn error(&mut self, tag: u8) -> Result<Error, BadAnswers> {
        let path = self.path()?;
        let text = self.text()?;
        Ok(match tag {
            1 => Error::NotFound(path),
            2 => {
                let (wanted, found) = (kind_of_tag(self.byte()?)?, kind_of_tag(self.byte()?)?);
                Error::WrongKind { path, wanted, found }
            }
            3 => Error::OutOfBounds { link: path },
            4 => Error::LinkLoop { path },
            5 => Error::Elsewhere { path, what: elsewhere(&text) },
            6 => Error::Refused { path, reason: Arc::from(text) },
            7 => Error::Store { path, reason: Arc::from(text) },
            _ => return Err(BadAnswers),
        })
    }

    fn path(&mut self) -> Result<TreePath, BadAnswers> {
        TreePath::parse(&self.text()?).map_err(|_| BadAnswers)
    }

    fn text(&mut self) -> Result<String, BadAnswers> {
        let length = self.length()?;
        let bytes = self.slice(length)?;
        std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| BadAnswers)
    }

    fn slice(&mut self, length: usize) -> Result<Bytes, BadAnswers> {
        if length > self.rest.len() {
            return Err(BadAnswers);
        }
        Ok(self.rest.split_to(length))
    }

    fn length(&mut self) -> Result<usize, BadAnswers> {
        usize::try_from(self.number()?).map_err(|_| BadAnswers)
    }

    fn number(&mut self) -> Result<u64, BadAnswers> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(BadAnswers)
    }

    fn byte(&mut self) -> Result<u8, BadAnswers> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadAnswers> {
        self.slice(N)?.as_ref().try_into().map_err(|_| BadAnswers)
    }
}

fn kind_tag(kind: Kind) -> u8 {
    match kind {
        Kind::File => 1,
        Kind::Folder => 2,
        Kind::Link => 3,
        Kind::Submodule => 4,
        Kind::Other => 5,
    }
}

fn kind_of_tag(tag: u8) -> Result<Kind, BadAnswers> {
    Ok(match tag {
        1 => Kind::File,
        2 => Kind::Folder,
        3 => Kind::Link,
        4 => Kind::Submodule,
        5 => Kind::Other,
        _ => return Err(BadAnswers),
    })
}

/// The words of [`Error::Elsewhere`], of which there are few.
fn elsewhere(text: &str) -> &'static str {
    ["a git submodule", "a git LFS pointer"]
        .into_iter()
        .find(|known| *known == text)
        .unwrap_or("kept elsewhere")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn records() -> Vec<AnswerRecord> {
        let reason = || Arc::from("why");
        let named = |name: &str, kind| Named { name: name.into(), kind };
        let answers = [
            (Question::Kind, Ok(TreeAnswer::Kind(Some(Kind::Submodule)))),
            (Question::Kind, Ok(TreeAnswer::Kind(None))),
            (Question::Id, Ok(TreeAnswer::Id(Some(ContentId::Git([7; 20]))))),
            (Question::Id, Ok(TreeAnswer::Id(Some(ContentId::Sha256([8; 32]))))),
            (Question::Id, Ok(TreeAnswer::Id(None))),
            (Question::List, Ok(TreeAnswer::List([named("ä", Kind::File), named("b", Kind::Other)].into()))),
            (Question::Size, Ok(TreeAnswer::Size(u64::MAX))),
            (Question::Read, Ok(TreeAnswer::Read(Bytes::from(vec![0xff; 300])))),
            (Question::Link, Ok(TreeAnswer::Link("../x".into()))),
            (Question::Read, Err(Error::NotFound(path("n")))),
            (Question::Read, Err(Error::wrong(&path("n"), Kind::File, Kind::Folder))),
            (Question::Kind, Err(Error::OutOfBounds { link: path("l") })),
            (Question::Kind, Err(Error::LinkLoop { path: path("l") })),
            (Question::Read, Err(Error::submodule(&path("s")))),
            (Question::Read, Err(Error::Elsewhere { path: path("s"), what: "a git LFS pointer" })),
            (Question::Read, Err(Error::Refused { path: path("s"), reason: reason() })),
            (Question::Read, Err(Error::Store { path: path("s"), reason: reason() })),
        ];
        let record = |(tree, (question, answer))| AnswerRecord { tree, path: path("a/b"), question, answer };
        answers.into_iter().enumerate().map(record).collect()
    }

    #[test]
    fn answers_come_out_as_they_went_in() {
        let mut writer = AnswerWriter::default();
        records().iter().for_each(|record| writer.write(record));
        let mut reader = AnswerReader::new(writer.into_bytes().into());
        let read: Vec<_> = std::iter::from_fn(|| reader.next().unwrap()).collect();
        assert_eq!(read, records());
    }

    #[test]
    fn cut_answers_are_refused() {
        let mut writer = AnswerWriter::default();
        writer.write(&records()[5]);
        let bytes = Bytes::from(writer.into_bytes());
        for end in 1..bytes.len() {
            assert!(AnswerReader::new(bytes.slice(..end)).next().is_err(), "cut at {end}");
        }
    }
}
