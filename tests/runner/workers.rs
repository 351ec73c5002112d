//! Renders in worker processes: the same answers as in this process, and walls around what is hostile.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use manifestd::error::{Error, Kind};
use manifestd::inspect;
use manifestd::render::worker::{WorkerPool, WorkerSettings};
use manifestd::render::{
    Budgets, Chance, Engines, OrderOrigin, RenderOrder, RenderOutcome, SourceOrder, Stop, jsonnet, render,
    wants, worker,
};
use manifestd::request::Renderer;
use rustix::process::{Pid, Signal, kill_process};
use tree::{ContentId, MemoryTree, Named, Tree, TreePath};

/// A program that takes ever more memory.
const HOG: &str = "local f(s, n) = if n == 0 then s else f(s + s, n - 1); {kind: f('x', 60)}";

/// A program that never ends and takes no memory.
const ENDLESS: &str = "local f(x) = f(x + 1) tailstrict; f(1)";

fn engines(count: usize, megabytes: u64) -> Engines {
    let program = env!("CARGO_BIN_EXE_manifestd").into();
    let pool = WorkerPool::new(WorkerSettings { program, memory: megabytes << 20, count, reserved: 0 });
    Engines { jsonnet: jsonnet::Evaluation::InWorker(pool), ..Engines::default() }
}

fn pool(engines: &Engines) -> &WorkerPool {
    match &engines.jsonnet {
        jsonnet::Evaluation::InWorker(pool) => pool,
        jsonnet::Evaluation::Here => panic!("there is no pool"),
    }
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

/// An order to render a folder of a tree with whatever it asks for, in a scope and with a key of its own.
fn order(tree: Arc<dyn Tree>, folder: &str, scope: u8) -> RenderOrder {
    let mut key = [scope; 32];
    key[1..9].copy_from_slice(&(folder.len() as u64).to_le_bytes());
    let source = SourceOrder {
        tree,
        remotes: Arc::default(),
        path: path(folder),
        ref_name: String::new(),
        only_lends: false,
        renderer: Renderer::Detect,
    };
    RenderOrder {
        sources: vec![source],
        name: "web".to_owned(),
        namespace: "prod".to_owned(),
        kube_version: Some("1.33.0".to_owned()),
        api_versions: vec!["v1".to_owned()],
        chance: Chance::default(),
        budgets: Budgets::default(),
        stop: Stop::after(Duration::from_secs(60)),
        origin: OrderOrigin { key, scope: [scope; 32], ..OrderOrigin::default() },
    }
}

fn files(files: &[(&str, &str)]) -> Arc<dyn Tree> {
    Arc::new(MemoryTree::from_files(files.iter().map(|(path, text)| (*path, (*text).to_owned()))).unwrap())
}

fn one_file(name: &str, text: &str) -> RenderOrder {
    order(files(&[(&format!("app/{name}"), text)]), "app", 1)
}

fn config_map(name: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n")
}

/// A folder of this machine as a tree.
fn folder_tree(folder: &Path) -> Arc<dyn Tree> {
    fn add(found: &mut Vec<(String, Vec<u8>)>, folder: &Path, at: &str) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = format!("{at}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                add(found, &entry.path(), &format!("{name}/"));
            } else if entry.file_type().unwrap().is_file() {
                found.push((name, fs::read(entry.path()).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    add(&mut found, folder, "");
    Arc::new(
        MemoryTree::from_files(found.iter().map(|(path, content)| (path.as_str(), content.clone()))).unwrap(),
    )
}

/// An error with everything that belongs to it.
fn whole(error: &Error) -> String {
    format!("{error:?} {:?} {:?}", error.place(), error.advice())
}

fn compared(outcome: Result<RenderOutcome, Error>) -> Result<RenderOutcome, String> {
    outcome.map_err(|error| whole(&error))
}

/// The charts and kustomizations of a tree.
fn applications(tree: &Arc<dyn Tree>) -> Vec<TreePath> {
    let found = inspect::apps(&**tree, &Stop::after(Duration::from_secs(60))).unwrap();
    found.into_keys().collect()
}

/// All folders beneath one.
fn folders(tree: &dyn Tree, folder: &TreePath) -> Vec<TreePath> {
    let entries = tree.list(folder).unwrap();
    let inner = entries.iter().filter(|entry| entry.kind == tree::Kind::Folder);
    let inner = inner.map(|entry| folder.child(&entry.name));
    inner.flat_map(|path| [vec![path.clone()], folders(tree, &path)].concat()).collect()
}

/// Renders every folder of `testdata` that can be, here and in a worker: bodies, facts, warnings and failures are equal.
#[test]
fn a_worker_gives_the_same() {
    let engines = engines(2, 256);
    let mut rendered = BTreeSet::new();
    let (mut failed, mut compared_count) = (0, 0);
    for suite in ["apps", "directory", "jsonnet", "helm", "kustomize"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(suite);
        let tree = folder_tree(&folder);
        let found = match suite {
            "helm" | "kustomize" => applications(&tree),
            _ => folders(&*tree, &TreePath::root()),
        };
        for (number, folder) in found.iter().enumerate() {
            // Programs that take memory or time are tested for themselves.
            if suite == "jsonnet"
                && ["huge", "doubling", "endless", "forever", "spin"]
                    .iter()
                    .any(|word| folder.as_str().contains(word))
            {
                continue;
            }
            let mut order = order(Arc::clone(&tree), folder.as_str(), u8::try_from(number % 2).unwrap());
            let here = compared(order.run(|job| render(job, &engines)));
            let there = compared(worker::render(&order, &engines));
            assert_eq!(there, here, "{suite}/{folder}");
            compared_count += 1;
            match here {
                Ok(outcome) => {
                    rendered.extend(outcome.renderers.clone());
                    // Once more, with what was read going ahead.
                    order.origin.earlier = outcome.reads.clone();
                    assert_eq!(
                        compared(worker::render(&order, &engines)),
                        Ok(outcome),
                        "{suite}/{folder} again"
                    );
                }
                Err(_) => failed += 1,
            }
            let wanted_here = wants(&order.unrecorded_job(0), &engines).map_err(|error| whole(&error));
            let wanted_there = worker::wants(&order, 0, &engines).map_err(|error| whole(&error));
            assert_eq!(wanted_there, wanted_here, "{suite}/{folder} elsewhere");
        }
    }
    assert_eq!(rendered.into_iter().collect::<Vec<_>>(), ["Directory", "Helm", "Kustomize"]);
    assert!(failed > 10 && compared_count - failed > 100, "{failed} of {compared_count}");
}

#[test]
fn a_hog_costs_itself_and_is_refused_for_a_while() {
    let engines = engines(2, 128);
    let hog = one_file("a.jsonnet", HOG);
    let small = order(files(&[("app/a.yaml", &config_map("a"))]), "app", 2);
    thread::scope(|scope| {
        let dying = scope.spawn(|| worker::render(&hog, &engines).unwrap_err());
        for _ in 0..20 {
            assert_eq!(worker::render(&small, &engines).unwrap().renderers, ["Directory"]);
        }
        let error = dying.join().unwrap();
        assert_eq!(error.kind(), Kind::OverBudget, "{error}");
        assert!(error.message().contains("more than 128 MiB of memory"), "{error}");
    });
    let begun = Instant::now();
    let error = worker::render(&hog, &engines).unwrap_err();
    assert_eq!(error.kind(), Kind::OverBudget);
    assert!(error.message().contains("are refused for"), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(1), "no worker was asked");
    let mut other = hog.clone();
    other.origin.key = [9; 32];
    let error = worker::render(&other, &engines).unwrap_err();
    assert!(!error.message().contains("are refused for"), "other inputs are not the same: {error}");
}

#[test]
fn what_never_ends_is_ended() {
    let engines = engines(1, 128);
    let mut endless = one_file("a.jsonnet", ENDLESS);
    endless.stop = Stop::after(Duration::from_millis(500));
    let begun = Instant::now();
    let error = worker::render(&endless, &engines).unwrap_err();
    assert_eq!(error.kind(), Kind::Deadline, "{error}");
    assert!(begun.elapsed() >= Duration::from_millis(500) && begun.elapsed() < Duration::from_secs(20));
    let small = one_file("a.yaml", &config_map("a"));
    assert!(worker::render(&small, &engines).is_err(), "it has the key of what was ended");
    let small = RenderOrder { origin: OrderOrigin::default(), ..small };
    assert!(worker::render(&small, &engines).is_ok());
}

#[test]
fn nobody_waits_and_the_worker_is_gone() {
    let engines = engines(1, 128);
    let endless = one_file("a.jsonnet", ENDLESS);
    let stop = endless.stop.clone();
    thread::scope(|scope| {
        let rendering = scope.spawn(|| worker::render(&endless, &engines).unwrap_err());
        until(|| pool(&engines).counts().busy == 1);
        stop.raise();
        assert_eq!(rendering.join().unwrap().kind(), Kind::Cancelled);
    });
    assert_eq!((pool(&engines).counts().busy, pool(&engines).counts().idle), (0, 0));
    let again = one_file("a.yaml", &config_map("a"));
    assert!(worker::render(&again, &engines).is_ok(), "inputs are not refused because a caller left");
}

#[test]
fn a_worker_killed_from_outside_costs_one_error() {
    let engines = engines(1, 128);
    pool(&engines).warm_up().unwrap();
    let [number] = pool(&engines).idle_processes()[..] else { panic!("there is one worker") };
    let endless = one_file("a.jsonnet", ENDLESS);
    thread::scope(|scope| {
        let rendering = scope.spawn(|| worker::render(&endless, &engines).unwrap_err());
        until(|| pool(&engines).counts().busy == 1);
        kill(number);
        let error = rendering.join().unwrap();
        assert_eq!(error.kind(), Kind::Internal, "{error}");
    });
    let small = one_file("a.yaml", &config_map("a"));
    worker::render(&small, &engines).unwrap();
    // One that waits for work is replaced before anybody gets it.
    let [number] = pool(&engines).idle_processes()[..] else { panic!("there is one worker") };
    kill(number);
    until(|| !is_running(number));
    worker::render(&small, &engines).unwrap();
}

#[test]
fn a_worker_reaches_nothing() {
    let engines = engines(1, 128);
    let order = one_file("a.yaml", &config_map("a"));
    assert_eq!(worker::try_walls(&order, &engines).unwrap(), [""; 0]);
    let [number] = pool(&engines).idle_processes()[..] else { panic!("there is one worker") };
    assert_eq!(fs::read(format!("/proc/{number}/environ")).unwrap(), b"", "no environment");
    let open = fs::read_dir(format!("/proc/{number}/fd")).unwrap().map(|entry| {
        let target = fs::read_link(entry.unwrap().path()).unwrap();
        target.to_str().unwrap().split(':').next().unwrap().to_owned()
    });
    let mut open: Vec<_> = open.collect();
    open.sort();
    assert_eq!(
        open,
        ["/dev/null", "pipe", "socket", "socket"],
        "its socket, twice, and where it says last words"
    );
}

/// A tree that calls every file by the same id.
struct Liar(MemoryTree);

impl Tree for Liar {
    fn kind(&self, path: &TreePath) -> Result<Option<tree::Kind>, tree::Error> {
        self.0.kind(path)
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, tree::Error> {
        Ok(self
            .0
            .id(path)?
            .map(|id| if path.name() == Some("kustomization.yaml") { id } else { ContentId::Git([7; 20]) }))
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, tree::Error> {
        self.0.list(path)
    }

    fn size(&self, path: &TreePath) -> Result<u64, tree::Error> {
        self.0.size(path)
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, tree::Error> {
        self.0.read(path)
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, tree::Error> {
        self.0.link(path)
    }
}

#[test]
fn what_a_worker_remembers_belongs_to_one_scope() {
    let engines = engines(1, 128);
    let named = |name: &str, scope| {
        let kustomization = "resources: [cm.yaml]\n".to_owned();
        let files = [("app/kustomization.yaml", kustomization), ("app/cm.yaml", config_map(name))];
        order(Arc::new(Liar(MemoryTree::from_files(files).unwrap())), "app", scope)
    };
    let name_in = |order: &RenderOrder| {
        let outcome = worker::render(order, &engines).unwrap();
        outcome.body.decode().unwrap().objects[0].name.clone()
    };
    assert_eq!(name_in(&named("secret", 1)), "secret");
    assert_eq!(name_in(&named("other", 2)), "other", "what was read for another scope is forgotten");
    assert_eq!(name_in(&named("third", 1)), "third", "and stays so");
    assert_eq!(pool(&engines).counts().idle, 1, "it was the same worker");
}

#[test]
fn many_share_a_few() {
    let engines = engines(2, 128);
    let tree = files(&[("a/a.yaml", &config_map("a")), ("b/b.yaml", &config_map("b"))]);
    thread::scope(|scope| {
        for caller in 0..8_u8 {
            let (engines, tree) = (&engines, &tree);
            scope.spawn(move || {
                let folder = if caller % 2 == 0 { "a" } else { "b" };
                for _ in 0..20 {
                    let order = order(Arc::clone(tree), folder, caller % 3);
                    let outcome = worker::render(&order, engines).unwrap();
                    assert_eq!(outcome.body.decode().unwrap().objects[0].name, folder);
                }
            });
        }
    });
    let counts = pool(&engines).counts();
    assert!(counts.busy == 0 && (1..=2).contains(&counts.idle), "{counts:?}");
}

#[test]
fn a_worker_that_has_grown_is_replaced() {
    let engines = engines(1, 128);
    let small = one_file("a.yaml", &config_map("a"));
    worker::render(&small, &engines).unwrap();
    let first = pool(&engines).idle_processes();
    worker::render(&small, &engines).unwrap();
    assert_eq!(pool(&engines).idle_processes(), first, "one that is small works on");
    // 16 MiB of text, and several times as much while it is put together.
    let large = "local f(s, n) = if n == 0 then s else f(s + s, n - 1); \
                 {apiVersion: 'v1', kind: 'A', metadata: {name: 'n' + std.length(f('x', 24))}}";
    worker::render(&one_file("a.jsonnet", large), &engines).unwrap();
    worker::render(&small, &engines).unwrap();
    assert_ne!(pool(&engines).idle_processes(), first);
}

#[test]
fn no_worker_outlives_its_pool() {
    let engines = engines(3, 128);
    pool(&engines).warm_up().unwrap();
    let numbers = pool(&engines).idle_processes();
    assert!(numbers.len() == 3 && numbers.iter().all(|number| is_running(*number)));
    drop(engines);
    assert!(!numbers.iter().any(|number| is_running(*number)));
}

fn kill(number: u32) {
    kill_process(Pid::from_raw(i32::try_from(number).unwrap()).unwrap(), Signal::KILL).unwrap();
}

/// Whether any thread of a process still runs: the first one may be gone before the others.
fn is_running(number: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{number}/task")).into_iter().flatten().flatten();
    let states = threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    let mut states = states.filter_map(|stat| stat.rsplit(')').next()?.trim().chars().next());
    states.any(|state| state != 'Z' && state != 'X')
}

/// Waits until something holds that another thread or process brings about.
fn until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never came to hold");
        thread::sleep(Duration::from_millis(2));
    }
}
