//! The worker process: our own binary, started again by the server, walls itself in and does what comes over its
//! standard input, which is a socket. What takes all memory or never ends takes this process with it and nothing else.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tree::{Tree, TreePath};

use super::pipe_tree::{PipeTrees, SharedPipe};
use super::protocol::{
    self, FromWorker, JsonnetWork, ToWorker, WireError, WireOrder, WireSource, WireVersions, WireWant, Work,
};
use crate::error::{Error, Kind, Result};
use crate::process::{breaches, wall_in};
use crate::render::{
    Chance, Engines, Job, Mounted, OrderOrigin, RenderOrder, SourceOrder, Stop, helm, jsonnet, on_stack,
    render, wants,
};

/// The first argument that makes this process a worker; the second is its data limit in bytes, the third the number of
/// the process that started it.
pub(super) const ARGUMENT: &str = "__worker";

/// How far workers stand back behind the server: two thirds of its share where both want a processor. More would starve
/// them on machines that have other things to do.
const NICE: i32 = 2;

/// Works if the arguments ask for a worker: `<self> __worker <data bytes> <parent>`. `main` calls it before anything
/// else and ends with the code if there is one.
pub fn worked(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let mut number = || arguments.next()?.to_str()?.parse::<u64>().ok();
    let (Some(data), Some(parent)) = (number(), number()) else { return Some(ExitCode::FAILURE) };
    Some(match work(data, parent) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The server reads it; there is nobody else to tell.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    })
}

fn work(data: u64, parent: u64) -> Result<(), String> {
    let input = io::stdin().as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
    yield_to_server();
    wall_in(data, parent)?;
    let pipe: SharedPipe = Arc::new(Mutex::new(Box::new(Socket(BufReader::new(File::from(input))))));
    let mut next = receive(&pipe)?;
    while let Some(first) = next {
        // Whatever a thread remembers ends with it; so does what the engines keep.
        next = on_stack(|| Memory::new(&first.order).serve(&pipe, first))
            .map_err(|error| error.to_string())??;
        ::helm::forget();
    }
    Ok(())
}

/// Where processor or memory are short, the server comes first: answers from memory and health checks wait for no render,
/// and a kernel that is out of memory ends a worker.
fn yield_to_server() {
    // Neither is a wall: where the system does not grant it, workers do without.
    let _ = rustix::process::nice(NICE);
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// The socket to the server.
struct Socket(BufReader<File>);

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An order with the answers that went ahead.
struct Received {
    order: Box<WireOrder>,
    ahead: Bytes,
}

/// The next order; `None` when the server has closed its end.
fn receive(pipe: &SharedPipe) -> Result<Option<Received>, String> {
    let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
    match protocol::receive(&mut *pipe, u64::MAX, u64::MAX).map_err(|error| error.to_string())? {
        None => Ok(None),
        Some((ToWorker::Order(order), ahead)) => Ok(Some(Received { order, ahead: ahead.into() })),
        Some((ToWorker::Answers, _)) => Err("answers came without a question".to_owned()),
    }
}

/// What a worker remembers, for one scope.
struct Memory {
    scope: [u8; 32],
    engines: Engines,
}

impl Memory {
    fn new(order: &WireOrder) -> Self {
        let engines = Engines { jsonnet: jsonnet::Evaluation::Here, ..Engines::default() };
        Self { scope: order.scope, engines }
    }

    /// Works until an order of another scope comes, which is returned, or there are no more.
    fn serve(mut self, pipe: &SharedPipe, first: Received) -> Result<Option<Received>, String> {
        let mut received = first;
        loop {
            let (answer, body) = self.answer(pipe, received);
            let mut to = pipe.lock().unwrap_or_else(PoisonError::into_inner);
            protocol::send(&mut *to, &answer, &body).map_err(|error| error.to_string())?;
            drop(to);
            received = match receive(pipe)? {
                Some(next) if next.order.scope == self.scope => next,
                other => return Ok(other),
            };
        }
    }

    fn answer(&mut self, pipe: &SharedPipe, received: Received) -> (FromWorker, Bytes) {
        let done = self.done(pipe, received);
        done.unwrap_or_else(|error| (FromWorker::Failed(WireError::from(&error)), Bytes::new()))
    }

    fn done(&mut self, pipe: &SharedPipe, received: Received) -> Result<(FromWorker, Bytes)> {
        let Received { order: wire, ahead } = received;
        self.use_settings(&wire)?;
        let trees = PipeTrees::new(Arc::clone(pipe), wire.sources.len(), ahead)
            .map_err(|_| broken("the answers that went ahead cannot be read"))?;
        let order = order(&wire, |at| trees.tree(at))?;
        match wire.work {
            Work::Render => self.render(pipe, &order),
            Work::Wants(at) => {
                let found = wants(&order.unrecorded_job(at), &self.engines)?;
                let found = found.into_iter().map(WireWant::from).collect();
                Ok((FromWorker::Wants(found), Bytes::new()))
            }
            Work::Jsonnet(work) => evaluate(&order.unrecorded_job(0), work),
            Work::TryWalls => Ok((FromWorker::Reached(breaches()), Bytes::new())),
        }
    }

    fn use_settings(&mut self, wire: &WireOrder) -> Result<()> {
        let WireVersions { helm, kustomize } = &wire.versions;
        let version = helm.parse().map_err(|error: String| broken(&error))?;
        self.engines.native_helm =
            helm::Settings { version, seed_key: helm::SeedKey::of_one_render(wire.seed) };
        let version = kustomize.parse().map_err(|error: String| broken(&error))?;
        self.engines.native_kustomize = self.engines.native_kustomize.with_version(version);
        Ok(())
    }

    fn render(&self, pipe: &SharedPipe, order: &RenderOrder) -> Result<(FromWorker, Bytes)> {
        let outcome = order.run(|job| render(job, &self.engines))?;
        let reads: Vec<Vec<u8>> = outcome.reads.iter().map(tree::Reads::encode).collect();
        let facts = FromWorker::Facts { lengths: reads.iter().map(Vec::len).collect() };
        let mut to = pipe.lock().unwrap_or_else(PoisonError::into_inner);
        protocol::send(&mut *to, &facts, &reads.concat()).map_err(|error| broken(&error.to_string()))?;
        Ok((FromWorker::Rendered { renderers: outcome.renderers }, outcome.body.0))
    }
}

fn evaluate(job: &Job, work: JsonnetWork) -> Result<(FromWorker, Bytes)> {
    let JsonnetWork { folder, file, code, options, import_bytes } = work;
    let (folder, file) = (path(&folder)?, path(&file)?);
    let mut evaluator = jsonnet::LocalEvaluator::new(job, &folder, &options)?;
    evaluator.set_import_bytes(import_bytes);
    let json = evaluator.evaluate(&file, code.as_bytes())?;
    Ok((FromWorker::Value { import_bytes: evaluator.import_bytes() }, json.into()))
}

/// The order as the engines know it, over these trees.
fn order(wire: &WireOrder, tree: impl Fn(usize) -> Arc<dyn Tree>) -> Result<RenderOrder> {
    let source = |(at, source): (usize, &WireSource)| {
        let mounted = source.remotes.iter().map(|(entry, (file, repository))| {
            let at = |text: &Option<String>| text.as_deref().map(path).transpose();
            Ok((entry.clone(), Mounted { file: at(file)?, repository: at(repository)? }))
        });
        Ok(SourceOrder {
            tree: tree(at),
            remotes: Arc::new(mounted.collect::<Result<_>>()?),
            path: path(&source.path)?,
            ref_name: source.ref_name.clone(),
            only_lends: source.only_lends,
            renderer: source.renderer.clone(),
        })
    };
    Ok(RenderOrder {
        sources: wire.sources.iter().enumerate().map(source).collect::<Result<_>>()?,
        name: wire.name.clone(),
        namespace: wire.namespace.clone(),
        kube_version: wire.kube_version.clone(),
        api_versions: wire.api_versions.clone(),
        chance: Chance { of: [0; 32], now: wire.now },
        budgets: wire.budgets,
        stop: Stop::after(Duration::from_millis(wire.milliseconds)),
        origin: OrderOrigin::default(),
    })
}

fn path(text: &str) -> Result<TreePath> {
    TreePath::parse(text).map_err(|error| broken(&error.to_string()))
}

fn broken(why: &str) -> Error {
    Error::new(Kind::Internal, format!("the worker does not understand its order: {why}"))
}
