//! Renders in processes of our own that hold no secret and reach nothing: what takes all memory or never ends in one
//! of them costs its request an error, and nobody else anything.
//!
//! `pool.rs` hands out workers (`process.rs`, started by `starter.rs`); `protocol.rs` and `answers.rs` are what is said
//! to them, `ahead.rs` what they are told before they ask. In the worker, `inside.rs` does the work over the trees of
//! `pipe_tree.rs`. `death.rs` says what one died of, `refused.rs` which inputs are refused because of it.

mod ahead;
mod answers;
mod death;
mod inside;
mod pipe_tree;
mod pool;
mod process;
mod protocol;
mod refused;
mod starter;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tree::{Reads, Tree, TreePath};

pub use inside::worked;
pub use pool::{WorkerCounts, WorkerPool, WorkerSettings};

use self::answers::Question;
use self::death::Cause;
use self::pool::WorkerLease;
use self::protocol::{FromWorker, JsonnetWork, ToWorkerRef, WireOrder, WireSource, WireVersions, Work};
use super::detect::Type;
use super::jsonnet::Evaluation;
use super::{
    Body, Engine, Engines, Job, OrderOrigin, RenderOrder, RenderOutcome, SourceOrder, Want, detect, folder,
};
use crate::error::{Error, Kind, Result};
use crate::request::{JsonnetOptions, Renderer};

/// The most bytes of encoded facts: some hundred thousand files.
const MAX_FACTS: u64 = 64 << 20;

/// The most bytes that a worker's message has beside its body: texts of errors and names of parts.
const MAX_HEAD: u64 = 64 << 20;

/// Renders an order in a worker. What is rendered by a program of its own stays here: workers start none, and the program
/// has walls of its own.
///
/// # Errors
/// As [`RenderOrder::run`]; [`Kind::OverBudget`] when it takes more memory than a worker has, [`Kind::Deadline`] when it
/// has to be killed, [`Kind::Internal`] when the worker ends for no reason that is known. Inputs that ended a worker
/// are refused for a while.
pub fn render(order: &RenderOrder, engines: &Engines) -> Result<RenderOutcome> {
    if runs_programs(order, engines) {
        return order.run(|job| super::render(job, engines));
    }
    match Errand::new(order, engines, Work::Render)?.run(&ahead::collect_ahead(order))? {
        Reply::Rendered(outcome) => Ok(outcome),
        _ => Err(unexpected()),
    }
}

/// As [`super::wants`] for the source at `at`, in a worker where files have to be parsed for it.
///
/// # Errors
/// As [`super::wants`] and [`render`].
pub fn wants(order: &RenderOrder, at: usize, engines: &Engines) -> Result<Vec<Want>> {
    let is_kustomize =
        order.sources.get(at).is_some_and(|source| kind_of_renderer(source) == Some(Type::Kustomize));
    // The program fetches nothing, and what is no kustomization names nothing elsewhere.
    if !is_kustomize || engines.kustomize == Engine::Exec {
        return Ok(Vec::new());
    }
    match Errand::new(order, engines, Work::Wants(at))?.run(&ahead::collect_ahead(order))? {
        Reply::Wants(wants) => Ok(wants),
        _ => Err(unexpected()),
    }
}

/// Fails for inputs that ended a worker lately, by the key of their order.
///
/// # Errors
/// The failure of then, which says that it is one.
pub fn check_refused(key: &[u8; 32], engines: &Engines) -> Result<()> {
    match &engines.jsonnet {
        Evaluation::InWorker(pool) => pool.refused().check(key),
        Evaluation::Here => Ok(()),
    }
}

/// Evaluates a Jsonnet program of a job in a worker, for commands that render in their own process. Returns its value as
/// JSON, and the bytes that may still be imported.
///
/// # Errors
/// What the program has wrong; as [`render`].
pub(super) fn evaluate(job: &Job, pool: &WorkerPool, program: &JsonnetProgram<'_>) -> Result<(String, u64)> {
    let JsonnetProgram { folder, file, code, options, import_bytes } = *program;
    let source = SourceOrder {
        tree: Arc::clone(&job.tree),
        remotes: Arc::default(),
        path: folder.clone(),
        ref_name: String::new(),
        only_lends: false,
        renderer: Renderer::Detect,
    };
    let order = RenderOrder {
        sources: vec![source],
        name: String::new(),
        namespace: String::new(),
        kube_version: None,
        api_versions: Vec::new(),
        chance: job.chance,
        budgets: job.budgets,
        stop: job.stop.clone(),
        origin: OrderOrigin { shown: vec![format!("the jsonnet program {file}")], ..OrderOrigin::default() },
    };
    let work = Work::Jsonnet(JsonnetWork {
        folder: folder.as_str().to_owned(),
        file: file.as_str().to_owned(),
        code: String::from_utf8_lossy(code).into_owned(),
        options: options.clone(),
        import_bytes,
    });
    let wire = wire_order(&order, &Engines::default(), work);
    // Every question is a fact of the job's own: nothing is answered that was not asked.
    match (Errand { order: &order, pool, wire, bare: true }).run(&[])? {
        Reply::Value(json, left) => Ok((json, left)),
        _ => Err(unexpected()),
    }
}

/// A Jsonnet program of a directory source.
pub(super) struct JsonnetProgram<'a> {
    /// The application's folder.
    pub(super) folder: &'a TreePath,
    /// The program's path.
    pub(super) file: &'a TreePath,
    /// Its text.
    pub(super) code: &'a [u8],
    pub(super) options: &'a JsonnetOptions,
    /// The bytes that may still be imported.
    pub(super) import_bytes: u64,
}

/// What a worker can reach of the things it must not, in words; for tests.
///
/// # Errors
/// As [`render`].
pub fn try_walls(order: &RenderOrder, engines: &Engines) -> Result<Vec<String>> {
    match Errand::new(order, engines, Work::TryWalls)?.run(&[])? {
        Reply::Reached(breaches) => Ok(breaches),
        _ => Err(unexpected()),
    }
}

/// Whether a source of the order is rendered by a program.
fn runs_programs(order: &RenderOrder, engines: &Engines) -> bool {
    let runs = |source: &SourceOrder| match kind_of_renderer(source) {
        Some(Type::Helm) => engines.helm == Engine::Exec,
        Some(Type::Kustomize) => engines.kustomize == Engine::Exec,
        Some(Type::Directory) | None => false,
    };
    let any = engines.helm == Engine::Exec || engines.kustomize == Engine::Exec;
    any && order.sources.iter().filter(|source| !source.only_lends).any(runs)
}

/// What a source is rendered with; only names are looked at. `None` where that cannot be told: rendering says why.
fn kind_of_renderer(source: &SourceOrder) -> Option<Type> {
    match &source.renderer {
        Renderer::Detect => {
            let folder = folder(&*source.tree, &source.path).ok()?;
            Some(detect::marked(&source.tree.list(&folder).ok()?).unwrap_or(Type::Directory))
        }
        Renderer::Directory(_) => Some(Type::Directory),
        Renderer::Helm(_) => Some(Type::Helm),
        Renderer::Kustomize(_) => Some(Type::Kustomize),
    }
}

/// One order on its way to a worker and back.
struct Errand<'a> {
    order: &'a RenderOrder,
    pool: &'a WorkerPool,
    wire: WireOrder,
    /// Questions are answered and nothing is added.
    bare: bool,
}

/// What a worker answers in the end.
enum Reply {
    Rendered(RenderOutcome),
    Wants(Vec<Want>),
    Value(String, u64),
    Reached(Vec<String>),
    Failed(Error),
}

impl<'a> Errand<'a> {
    fn new(order: &'a RenderOrder, engines: &'a Engines, work: Work) -> Result<Self> {
        let Evaluation::InWorker(pool) = &engines.jsonnet else {
            return Err(Error::new(Kind::Internal, "a worker has no workers"));
        };
        let wire = wire_order(order, engines, work);
        Ok(Self { order, pool, wire, bare: false })
    }

    fn run(&self, ahead: &[u8]) -> Result<Reply> {
        let OrderOrigin { key, scope, .. } = self.order.origin;
        if !self.bare {
            self.pool.refused().check(&key)?;
        }
        let mut lease = self.pool.check_out(scope, &self.order.stop)?;
        lease.worker().wait_as_long_as(&self.order.stop);
        match self.converse(&mut lease, ahead) {
            Ok(Reply::Failed(error)) if error.kind() == Kind::Internal => {
                // Something broke in it: what it said is worth knowing, and it is not used again.
                let said = lease.worker().examine_death(&self.order.stop, true).said;
                self.report("a worker failed", &error, &said);
                Err(error)
            }
            Ok(Reply::Failed(error)) => {
                lease.give_back();
                Err(error)
            }
            Ok(reply) => {
                lease.give_back();
                Ok(reply)
            }
            Err(broken) if broken.kind() == io::ErrorKind::FileTooLarge => {
                Err(Error::new(Kind::Internal, "the worker's answer is larger than it may be"))
            }
            Err(broken) => Err(self.died(&mut lease, broken.kind() == io::ErrorKind::TimedOut)),
        }
    }

    /// Gives the order and answers questions until it is done.
    ///
    /// # Errors
    /// When the worker is gone or silent for too long.
    fn converse(&self, lease: &mut WorkerLease, ahead: &[u8]) -> io::Result<Reply> {
        let most = self.order.budgets.output_bytes.max(MAX_FACTS);
        let socket = &mut lease.worker().socket;
        let mut facts = Vec::new();
        protocol::send(socket, &ToWorkerRef::Order(&self.wire), ahead)?;
        loop {
            let (head, body) =
                protocol::receive(socket, MAX_HEAD, most)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            return Ok(match head {
                FromWorker::Ask { tree, question, path } => {
                    let answers = self.answers(tree, question, &path).ok_or(io::ErrorKind::InvalidData)?;
                    protocol::send(socket, &ToWorkerRef::Answers, &answers)?;
                    continue;
                }
                FromWorker::Facts { lengths } => {
                    facts = decode_facts(&lengths, &body).ok_or(io::ErrorKind::InvalidData)?;
                    continue;
                }
                FromWorker::Rendered { renderers } => {
                    Reply::Rendered(RenderOutcome { body: Body(body.into()), renderers, reads: facts })
                }
                FromWorker::Wants(wants) => Reply::Wants(wants.into_iter().map(Want::from).collect()),
                FromWorker::Value { import_bytes } => {
                    let json = String::from_utf8(body).map_err(|_| io::ErrorKind::InvalidData)?;
                    Reply::Value(json, import_bytes)
                }
                FromWorker::Failed(error) => Reply::Failed(error.into()),
                FromWorker::Reached(breaches) => Reply::Reached(breaches),
            });
        }
    }

    fn answers(&self, at: usize, question: Question, path: &str) -> Option<Vec<u8>> {
        let (source, path) = (self.order.sources.get(at)?, TreePath::parse(path).ok()?);
        let tree: &dyn Tree = &*source.tree;
        Some(if self.bare {
            ahead::answer_bare(at, tree, &path, question)
        } else {
            ahead::answer_question(at, tree, &path, question)
        })
    }

    /// The one error of a request whose worker is gone.
    fn died(&self, lease: &mut WorkerLease, killed_by_us: bool) -> Error {
        let death = lease.worker().examine_death(&self.order.stop, killed_by_us);
        let error = death.error(self.pool.settings().memory);
        self.pool.count_death(death.cause());
        match death.cause() {
            Cause::Cancelled => {}
            cause => {
                self.report(&format!("a worker died ({cause:?}, {:?})", death.status), &error, &death.said);
                if !self.bare {
                    self.pool.refused().note(self.order.origin.key, cause, &error);
                }
            }
        }
        error
    }

    /// Tells the log what reproduces a failure.
    fn report(&self, what: &str, error: &Error, said: &str) {
        let OrderOrigin { key, shown, .. } = &self.order.origin;
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        tracing::error!(%error, sources = ?shown, inputs = key, said, "{what}");
    }
}

fn wire_order(order: &RenderOrder, engines: &Engines, work: Work) -> WireOrder {
    let RenderOrder { sources, name, namespace, kube_version, api_versions, chance, budgets, stop, origin } =
        order;
    // Programs, and what runs them, stay with the server.
    let Engines { jsonnet: _, helm: _, native_helm, kustomize: _, native_kustomize, exec: _ } = engines;
    let versions = WireVersions {
        helm: native_helm.version.to_string(),
        kustomize: native_kustomize.version().to_string(),
    };
    WireOrder {
        work,
        scope: origin.scope,
        milliseconds: u64::try_from(stop.left().as_millis()).unwrap_or(u64::MAX),
        budgets: *budgets,
        versions,
        sources: sources.iter().map(wire_source).collect(),
        name: name.clone(),
        namespace: namespace.clone(),
        kube_version: kube_version.clone(),
        api_versions: api_versions.clone(),
        seed: native_helm.seed_key.seed(&chance.of),
        now: chance.now,
    }
}

fn wire_source(source: &SourceOrder) -> WireSource {
    let SourceOrder { tree: _, remotes, path, ref_name, only_lends, renderer } = source;
    let text = |path: &Option<TreePath>| path.as_ref().map(|path| path.as_str().to_owned());
    let remotes: BTreeMap<_, _> = remotes
        .iter()
        .map(|(entry, mounted)| (entry.clone(), (text(&mounted.file), text(&mounted.repository))))
        .collect();
    WireSource {
        path: path.as_str().to_owned(),
        ref_name: ref_name.clone(),
        only_lends: *only_lends,
        renderer: renderer.clone(),
        remotes,
    }
}

fn decode_facts(lengths: &[usize], mut body: &[u8]) -> Option<Vec<Reads>> {
    let mut facts = Vec::new();
    for length in lengths {
        let (reads, rest) = body.split_at_checked(*length)?;
        facts.push(Reads::decode(reads).ok()?);
        body = rest;
    }
    Some(facts)
}

fn unexpected() -> Error {
    Error::new(Kind::Internal, "the worker did something else than it was told")
}
