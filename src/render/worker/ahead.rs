//! What goes ahead of a worker's questions: the application's folder and what its last render read, within a number of
//! bytes, so that a usual render asks nothing.

use std::collections::HashSet;

use tree::{Error, Fact, Kind, Tree, TreePath};

use super::answers::{AnswerRecord, AnswerWriter, Question, TreeAnswer};
use crate::render::RenderOrder;
use crate::request::Renderer;

/// The most bytes that go ahead: what one render of the largest public charts reads.
const MAX_AHEAD: usize = 4 << 20;

/// The most bytes that go with the answer to a question about a folder.
const MAX_BESIDE: usize = 256 << 10;

/// Larger files are sent when they are asked for: as a rule nobody does.
const MAX_FILE: u64 = 256 << 10;

/// The most folders that are looked through.
const MAX_FOLDERS: usize = 200;

/// Collects answers of one order's trees, each once, within a number of bytes.
struct Collector {
    writer: AnswerWriter,
    seen: HashSet<(usize, TreePath, Question)>,
    most: usize,
}

/// What goes ahead of the questions of an order.
pub(super) fn collect_ahead(order: &RenderOrder) -> Vec<u8> {
    let mut collector = Collector::new(MAX_AHEAD);
    for (at, reads) in order.origin.earlier.iter().enumerate() {
        let Some(source) = order.sources.get(at) else { continue };
        reads.facts().for_each(|fact| collector.fact(at, &*source.tree, fact));
    }
    for (at, source) in order.sources.iter().enumerate().filter(|(_, source)| !source.only_lends) {
        let read_before = order.origin.earlier.get(at).is_some_and(|reads| reads.facts().next().is_some());
        // The best guess of what a render reads is what the last one did.
        let folders = if read_before || reads_one_folder(&source.renderer) { 1 } else { MAX_FOLDERS };
        collector.folder(at, &*source.tree, &source.path, folders);
    }
    collector.writer.into_bytes()
}

/// The answer to a question, and where it is about a folder what stands in it: that is likely to be asked next.
pub(super) fn answer_question(at: usize, tree: &dyn Tree, path: &TreePath, question: Question) -> Vec<u8> {
    let mut collector = Collector::new(MAX_BESIDE);
    collector.ask(at, tree, path, question);
    match (question, tree.kind(path)) {
        (Question::Kind | Question::List, Ok(Some(Kind::Folder))) => collector.folder(at, tree, path, 1),
        (Question::Kind | Question::Size | Question::Id, Ok(Some(Kind::File))) => {
            collector.small_file(at, tree, path);
        }
        (Question::Read, Ok(_)) => collector.ask(at, tree, path, Question::Id),
        (Question::Kind, Ok(Some(Kind::Link))) => collector.ask(at, tree, path, Question::Link),
        _ => {}
    }
    collector.writer.into_bytes()
}

/// The answer to a question and nothing else.
pub(super) fn answer_bare(at: usize, tree: &dyn Tree, path: &TreePath, question: Question) -> Vec<u8> {
    let mut collector = Collector::new(MAX_BESIDE);
    collector.ask(at, tree, path, question);
    collector.writer.into_bytes()
}

fn reads_one_folder(renderer: &Renderer) -> bool {
    matches!(renderer, Renderer::Directory(options) if !options.recurse)
}

impl Collector {
    fn new(most: usize) -> Self {
        Self { writer: AnswerWriter::default(), seen: HashSet::new(), most }
    }

    fn is_full(&self) -> bool {
        self.writer.len() >= self.most
    }

    fn ask(&mut self, at: usize, tree: &dyn Tree, path: &TreePath, question: Question) {
        if self.seen.insert((at, path.clone(), question)) {
            self.tell(at, path, question, question.ask(tree, path));
        }
    }

    fn tell(&mut self, at: usize, path: &TreePath, question: Question, answer: Result<TreeAnswer, Error>) {
        self.writer.write(&AnswerRecord { tree: at, path: path.clone(), question, answer });
    }

    /// What a fact is about, as it is now.
    fn fact(&mut self, at: usize, tree: &dyn Tree, fact: &Fact) {
        if self.is_full() {
            return;
        }
        match fact {
            Fact::Absent { path } | Fact::Kind { path, .. } => self.ask(at, tree, path, Question::Kind),
            Fact::Entry { path, kind: Kind::File, .. } => self.small_file(at, tree, path),
            Fact::Entry { path, .. } => self.ask(at, tree, path, Question::Id),
            Fact::Link { path, .. } => self.ask(at, tree, path, Question::Link),
            Fact::Names { path, .. } => self.ask(at, tree, path, Question::List),
            Fact::Input { .. } | Fact::Failed { .. } => {}
        }
    }

    /// The content of a file that is not large, and its id.
    fn small_file(&mut self, at: usize, tree: &dyn Tree, path: &TreePath) {
        match tree.size(path) {
            Ok(size) if size <= MAX_FILE => {
                self.ask(at, tree, path, Question::Read);
                self.ask(at, tree, path, Question::Id);
            }
            _ => self.ask(at, tree, path, Question::Kind),
        }
    }

    /// A folder and those beneath, the nearest first.
    fn folder(&mut self, at: usize, tree: &dyn Tree, path: &TreePath, most: usize) {
        let mut folders = vec![path.clone()];
        let mut next = 0;
        while next < folders.len().min(most) && !self.is_full() {
            let folder = folders[next].clone();
            next += 1;
            let listed = tree.list(&folder);
            if self.seen.insert((at, folder.clone(), Question::List)) {
                self.tell(at, &folder, Question::List, listed.clone().map(TreeAnswer::List));
            }
            let Ok(entries) = listed else { continue };
            for entry in entries.iter() {
                if self.is_full() {
                    return;
                }
                let path = folder.child(&entry.name);
                match entry.kind {
                    Kind::File => self.small_file(at, tree, &path),
                    Kind::Link => self.ask(at, tree, &path, Question::Link),
                    Kind::Folder => folders.push(path),
                    Kind::Submodule | Kind::Other => {}
                }
            }
        }
    }
}
