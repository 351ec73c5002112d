//! The trees of an order in a worker: what the server's trees answer, asked for over the pipe. What went ahead, or was
//! asked before, is answered from memory.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tree::{ContentId, Error, Kind, Named, Tree, TreePath};

use super::answers::{AnswerReader, AnswerRecord, BadAnswers, Question, TreeAnswer};
use super::protocol::{self, FromWorker, ToWorker};

/// The worker's end of the pipe; the engines' threads take turns.
pub(super) type SharedPipe = Arc<Mutex<Box<dyn PipeEnd>>>;

/// What can be read from and written to.
pub(super) trait PipeEnd: io::Read + io::Write + Send {}

impl<T: io::Read + io::Write + Send> PipeEnd for T {}

/// What is known of the trees of one order, and the pipe to ask for the rest.
pub(super) struct PipeTrees {
    pipe: SharedPipe,
    known: Mutex<Vec<HashMap<TreePath, KnownAnswers>>>,
}

/// One of the trees.
struct PipeTree {
    trees: Arc<PipeTrees>,
    at: usize,
}

type Answer = Result<TreeAnswer, Error>;

/// The answers about one path, by question.
#[derive(Clone, Default)]
struct KnownAnswers([Option<Answer>; 6]);

impl KnownAnswers {
    fn get(&self, question: Question) -> Option<&Answer> {
        self.0[question as usize].as_ref()
    }

    fn set(&mut self, question: Question, answer: Answer) {
        self.0[question as usize] = Some(answer);
    }

    /// What stands there, if an answer says so.
    fn kind(&self) -> Option<Answer> {
        if let Some(answer) = self.get(Question::Kind) {
            return Some(answer.clone());
        }
        let tells =
            [(Question::List, Kind::Folder), (Question::Read, Kind::File), (Question::Link, Kind::Link)];
        let (_, kind) = tells.into_iter().find(|(question, _)| matches!(self.get(*question), Some(Ok(_))))?;
        Some(Ok(TreeAnswer::Kind(Some(kind))))
    }
}

impl PipeTrees {
    /// `count` trees, of which `ahead` holds some answers.
    pub(super) fn new(pipe: SharedPipe, count: usize, ahead: Bytes) -> Result<Arc<Self>, BadAnswers> {
        let trees = Self { pipe, known: Mutex::new(vec![HashMap::new(); count]) };
        trees.learn(ahead)?;
        Ok(Arc::new(trees))
    }

    /// The tree at a position.
    pub(super) fn tree(self: &Arc<Self>, at: usize) -> Arc<dyn Tree> {
        Arc::new(PipeTree { trees: Arc::clone(self), at })
    }

    fn known(&self) -> MutexGuard<'_, Vec<HashMap<TreePath, KnownAnswers>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, answers: Bytes) -> Result<(), BadAnswers> {
        let mut reader = AnswerReader::new(answers);
        let mut known = self.known();
        while let Some(AnswerRecord { tree, path, question, answer }) = reader.next()? {
            let known = known.get_mut(tree).ok_or(BadAnswers)?;
            if says_something_stands(&answer) {
                know_folders_above(known, &path);
            }
            known.entry(path).or_default().set(question, answer);
        }
        Ok(())
    }

    fn answer(&self, at: usize, path: &TreePath, question: Question) -> Answer {
        if let Some(answer) = recall(&self.known()[at], path, question) {
            return answer;
        }
        let broken =
            |error: io::Error| Error::store(path, format!("the server does not answer: {}", error.kind()));
        let answers = self.ask(at, path, question).map_err(broken)?;
        let unreadable = || Error::store(path, "the server's answer cannot be read");
        self.learn(answers).map_err(|BadAnswers| unreadable())?;
        recall(&self.known()[at], path, question).unwrap_or_else(|| Err(unreadable()))
    }

    fn ask(&self, tree: usize, path: &TreePath, question: Question) -> io::Result<Bytes> {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let ask = FromWorker::Ask { tree, question, path: path.as_str().to_owned() };
        protocol::send(&mut *pipe, &ask, &[])?;
        match protocol::receive(&mut *pipe, u64::MAX, u64::MAX)? {
            Some((ToWorker::Answers, answers)) => Ok(answers.into()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// What follows from the answers that are known.
fn recall(known: &HashMap<TreePath, KnownAnswers>, path: &TreePath, question: Question) -> Option<Answer> {
    let answers = known.get(path);
    if let Some(answer) = answers.and_then(|answers| answers.get(question)) {
        return Some(answer.clone());
    }
    match question {
        Question::Kind => recall_kind(known, path),
        Question::Size => match answers?.get(Question::Read) {
            Some(Ok(TreeAnswer::Read(content))) => Some(Ok(TreeAnswer::Size(content.len() as u64))),
            _ => None,
        },
        _ => match recall_kind(known, path) {
            Some(Ok(TreeAnswer::Kind(None))) if question == Question::Id => Some(Ok(TreeAnswer::Id(None))),
            Some(Ok(TreeAnswer::Kind(None))) => Some(Err(Error::NotFound(path.clone()))),
            _ => None,
        },
    }
}

/// What stands at a path, from what is known of it, its folder's entries, or what stands above.
fn recall_kind(known: &HashMap<TreePath, KnownAnswers>, path: &TreePath) -> Option<Answer> {
    if let Some(kind) = known.get(path).and_then(KnownAnswers::kind) {
        return Some(kind);
    }
    let parent = path.parent()?;
    let listed = known.get(&parent).and_then(|answers| answers.get(Question::List));
    if let Some(Ok(TreeAnswer::List(entries))) = listed {
        let name = path.name()?;
        let found = entries.binary_search_by(|entry| entry.name.as_bytes().cmp(name.as_bytes()));
        return Some(Ok(TreeAnswer::Kind(found.ok().map(|at| entries[at].kind))));
    }
    match recall_kind(known, &parent)? {
        Ok(TreeAnswer::Kind(None | Some(Kind::File | Kind::Link | Kind::Other))) => {
            Some(Ok(TreeAnswer::Kind(None)))
        }
        _ => None,
    }
}

fn says_something_stands(answer: &Answer) -> bool {
    !matches!(answer, Err(_) | Ok(TreeAnswer::Kind(None) | TreeAnswer::Id(None)))
}

/// No tree follows links, so that something stands at a path says that folders stand above.
fn know_folders_above(known: &mut HashMap<TreePath, KnownAnswers>, path: &TreePath) {
    let mut above = path.parent();
    while let Some(folder) = above {
        let answers = known.entry(folder.clone()).or_default();
        if answers.get(Question::Kind).is_some() {
            return;
        }
        answers.set(Question::Kind, Ok(TreeAnswer::Kind(Some(Kind::Folder))));
        above = folder.parent();
    }
}

impl PipeTree {
    fn wrong<T>(path: &TreePath) -> Result<T, Error> {
        Err(Error::store(path, "the server answered another question"))
    }
}

impl Tree for PipeTree {
    fn kind(&self, path: &TreePath) -> Result<Option<Kind>, Error> {
        match self.trees.answer(self.at, path, Question::Kind)? {
            TreeAnswer::Kind(kind) => Ok(kind),
            _ => Self::wrong(path),
        }
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, Error> {
        match self.trees.answer(self.at, path, Question::Id)? {
            TreeAnswer::Id(id) => Ok(id),
            _ => Self::wrong(path),
        }
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, Error> {
        match self.trees.answer(self.at, path, Question::List)? {
            TreeAnswer::List(entries) => Ok(entries),
            _ => Self::wrong(path),
        }
    }

    fn size(&self, path: &TreePath) -> Result<u64, Error> {
        match self.trees.answer(self.at, path, Question::Size)? {
            TreeAnswer::Size(size) => Ok(size),
            _ => Self::wrong(path),
        }
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, Error> {
        match self.trees.answer(self.at, path, Question::Read)? {
            TreeAnswer::Read(content) => Ok(content),
            _ => Self::wrong(path),
        }
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, Error> {
        match self.trees.answer(self.at, path, Question::Link)? {
            TreeAnswer::Link(text) => Ok(text),
            _ => Self::wrong(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use tree::{MemoryTree, conformance};

    use super::super::answers::AnswerWriter;
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    /// A tree over a pipe to a thread that answers from `tree`, with `ahead` known, and how often was asked.
    fn piped(tree: Arc<dyn Tree>, ahead: Bytes) -> (Arc<dyn Tree>, Arc<AtomicUsize>) {
        let (near, mut far) = UnixStream::pair().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        thread::spawn(move || {
            while let Ok(Some((FromWorker::Ask { question, path, .. }, _))) =
                protocol::receive(&mut far, 1000, 0)
            {
                count.fetch_add(1, Ordering::SeqCst);
                let path = TreePath::parse(&path).unwrap();
                let mut writer = AnswerWriter::default();
                let answer = question.ask(&*tree, &path);
                writer.write(&AnswerRecord { tree: 0, path, question, answer });
                protocol::send(&mut far, &ToWorker::Answers, &writer.into_bytes()).unwrap();
            }
        });
        let pipe: SharedPipe = Arc::new(Mutex::new(Box::new(near)));
        (PipeTrees::new(pipe, 1, ahead).ok().unwrap().tree(0), asked)
    }

    #[test]
    fn conforms() {
        let (piped, _) = piped(Arc::new(conformance::sample()), Bytes::new());
        assert_eq!(conformance::violations(&*piped, &conformance::sample()), [""; 0]);
        assert_eq!(conformance::violations(&*piped, &conformance::sample()), [""; 0], "from memory");
    }

    #[test]
    fn what_went_ahead_is_not_asked_for() {
        let tree: Arc<dyn Tree> =
            Arc::new(MemoryTree::from_files([("a/b/c.yaml", "text"), ("a/d", "")]).unwrap());
        let mut writer = AnswerWriter::default();
        for (question, at) in
            [(Question::List, "a/b"), (Question::Read, "a/b/c.yaml"), (Question::Id, "a/b/c.yaml")]
        {
            let answer = question.ask(&*tree, &path(at));
            writer.write(&AnswerRecord { tree: 0, path: path(at), question, answer });
        }
        let (piped, asked) = piped(Arc::clone(&tree), writer.into_bytes().into());
        assert_eq!(piped.kind(&path("a")).unwrap(), Some(Kind::Folder));
        assert_eq!(piped.kind(&path("a/b/none/x")).unwrap(), None);
        assert_eq!(piped.read(&path("a/b/none")), Err(Error::NotFound(path("a/b/none"))));
        assert_eq!(piped.size(&path("a/b/c.yaml")).unwrap(), 4);
        assert_eq!(piped.id(&path("a/b/c.yaml")).unwrap(), tree.id(&path("a/b/c.yaml")).unwrap());
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        assert_eq!(piped.kind(&path("a/d")).unwrap(), Some(Kind::File));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
