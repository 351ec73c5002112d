//! Comments of a document, by the place of what they belong to: for documents inside strings, which keep theirs.
//!
//! go-yaml v3 gives a comment to the key or item that follows, stands on its line, or came before it. The places are
//! paths of positions, which stay as they are while values change.

use std::collections::HashMap;

use yaml::{Comment, Dialect, Document, Kind, Limits, NodeRef, Parser, Source};

/// Comments by the path of positions to their entry.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    entries: HashMap<Vec<usize>, Note>,
    /// Which entry of the document has a path.
    places: HashMap<Vec<usize>, usize>,
    /// Before everything, a blank line in between.
    pub(crate) head: Vec<String>,
    /// After everything, a blank line in between.
    pub(crate) foot: Vec<String>,
}

/// The comments of one entry.
#[derive(Debug, Default)]
pub(crate) struct Note {
    pub(crate) above: Vec<String>,
    pub(crate) beside: Option<String>,
    pub(crate) below: Vec<String>,
}

/// A key with its value, or an item.
struct Entry {
    path: Vec<usize>,
    line: u32,
    column: u32,
    is_last_item: bool,
}

/// Comments on lines of their own, one under the other.
struct Block<'b> {
    comments: &'b [Comment<'b>],
}

impl Notes {
    /// The comments of the first document of a text; none where it cannot be read.
    pub(crate) fn read(text: &str, limits: &Limits) -> Self {
        let Ok(source) = Source::new(text.as_bytes(), limits) else { return Self::default() };
        let mut parser = Parser::new(&source, Dialect::V3, limits);
        let Ok(Some(document)) = Document::read(&mut parser, limits) else { return Self::default() };
        let comments: Vec<_> = parser.comments().collect();
        if comments.is_empty() {
            return Self::default();
        }
        let mut entries = Vec::new();
        gather(document.root(), &mut Vec::new(), &mut entries);
        let lines: Vec<&str> = text.lines().collect();
        let places = entries.iter().enumerate().map(|(at, entry)| (entry.path.clone(), at)).collect();
        let mut notes = Self { places, ..Self::default() };
        notes.place(&comments, &entries, &lines);
        notes
    }

    pub(crate) fn get(&self, path: &[usize]) -> Option<&Note> {
        self.entries.get(path)
    }

    fn at(&mut self, path: &[usize]) -> &mut Note {
        self.entries.entry(path.to_vec()).or_default()
    }

    fn place(&mut self, comments: &[Comment<'_>], entries: &[Entry], lines: &[&str]) {
        let line_of = |comment: &Comment<'_>| lines.get(comment.line as usize - 1).map_or("", |line| line);
        let is_alone = |comment: &Comment<'_>| line_of(comment).trim_start().starts_with('#');
        let mut rest = comments;
        while let Some(first) = rest.first() {
            if !is_alone(first) {
                let before = entries.partition_point(|entry| entry.line <= first.line);
                if let Some(entry) = entries[..before].last() {
                    self.at(&entry.path).beside = Some(first.text.to_owned());
                }
                rest = &rest[1..];
                continue;
            }
            let follows = |pair: &[Comment<'_>]| {
                let below = pair[1].line == pair[0].line + 1 && is_alone(&pair[1]);
                below && pair[1].column >= pair[0].column
            };
            let len = 1 + rest.windows(2).take_while(|pair| follows(pair)).count();
            let (block, more) = rest.split_at(len);
            self.place_block(&Block { comments: block }, entries, lines);
            rest = more;
        }
    }

    fn place_block(&mut self, block: &Block<'_>, entries: &[Entry], lines: &[&str]) {
        let texts = || block.comments.iter().map(|comment| comment.text.to_owned());
        // Entries stand in the order of their lines.
        let next = entries.get(entries.partition_point(|entry| entry.line <= block.last()));
        let before = entries.partition_point(|entry| entry.line < block.first()).checked_sub(1);
        let is_blank = |line: u32| lines.get(line as usize - 1).is_none_or(|line| line.trim().is_empty());
        let (Some(before), next) = (before, next) else {
            match next {
                Some(next) if !is_blank(block.last() + 1) => self.at(&next.path).above.extend(texts()),
                _ => {
                    separate(&mut self.head);
                    self.head.extend(texts());
                }
            }
            return;
        };
        let is_nearest = |next: &Entry| {
            let between = lines.iter().take(next.line as usize - 1).skip(block.last() as usize);
            !between.into_iter().any(|line| line.trim_start().starts_with('#'))
        };
        let is_apart = is_blank(block.first() - 1);
        match next {
            Some(next)
                if block.column() <= next.column
                    && (!is_blank(block.last() + 1) || is_apart && is_nearest(next)) =>
            {
                self.at(&next.path).above.extend(texts());
            }
            None if is_apart => {
                separate(&mut self.foot);
                self.foot.extend(texts());
            }
            _ => {
                let path = self.owner(&entries[before], block.column(), entries);
                self.at(&path).below.extend(texts());
            }
        }
    }

    /// The entry that a comment below belongs to: the deepest that does not begin to the right of it. One below the last
    /// item of a list is the list's.
    fn owner(&self, before: &Entry, column: u32, entries: &[Entry]) -> Vec<usize> {
        let around = |len: usize| self.places.get(&before.path[..len]).map(|&at| &entries[at]);
        let mut len = before.path.len();
        while len > 1 && around(len).is_none_or(|entry| entry.column > column || entry.is_last_item) {
            len -= 1;
        }
        before.path[..len].to_vec()
    }
}

fn separate(texts: &mut Vec<String>) {
    if !texts.is_empty() {
        texts.push(String::new());
    }
}

impl Block<'_> {
    fn first(&self) -> u32 {
        self.comments.first().map_or(0, |comment| comment.line)
    }

    fn last(&self) -> u32 {
        self.comments.last().map_or(0, |comment| comment.line)
    }

    fn column(&self) -> u32 {
        self.comments.first().map_or(0, |comment| comment.column)
    }
}

/// The entries of block collections in the order of the text.
fn gather(node: NodeRef<'_, '_>, path: &mut Vec<usize>, out: &mut Vec<Entry>) {
    if node.is_flow() {
        return;
    }
    let mut visit = |at: usize, place: (u32, u32), value: NodeRef<'_, '_>, is_last_item: bool| {
        path.push(at);
        // As an entry and as a place; whoever reads the document again is told what was refused.
        budget::note(2 * (size_of::<Entry>() + size_of_val(path.as_slice())));
        out.push(Entry { path: path.clone(), line: place.0, column: place.1, is_last_item });
        gather(value, path, out);
        path.pop();
    };
    match node.kind() {
        Kind::Mapping => {
            for (at, (key, value)) in node.pairs().enumerate() {
                visit(at, (key.line(), key.column()), value, false);
            }
        }
        Kind::Sequence => {
            let count = node.children().count();
            for (at, item) in node.children().enumerate() {
                visit(at, (item.line(), node.column()), item, at + 1 == count);
            }
        }
        Kind::Scalar | Kind::Alias => {}
    }
}
