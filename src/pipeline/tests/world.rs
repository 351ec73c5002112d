//! Stand-ins for what lies around the pipeline: repositories in memory and a small renderer, both counted, held up and
//! broken at will.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cache::{Cache, Memory};
use tree::{ContentId, Kind as What, MemoryTree, Named, Tree, TreePath};

use crate::credentials::Credential;
use crate::error::{Error, Kind, Place, Result};
use crate::pipeline::{Pipeline, Settings, Stages};
use crate::render::{Job, RenderOrder, RenderOutcome, Want};
use crate::request::{
    Answered, HelmOptions, Manifest, Manifests, Origin, RenderRequest, Rendered, Renderer, Source,
};
use crate::source::{Part, Pinned, Scope};

/// A file's name and its text; a text that begins with `->` makes a link.
pub(super) type Files = BTreeMap<String, String>;

/// Everything outside.
#[derive(Clone, Default)]
pub(super) struct World(Arc<Inner>);

#[derive(Default)]
struct Inner {
    commits: Mutex<BTreeMap<(String, String), Arc<dyn Tree>>>,
    /// What stands elsewhere under a name, now.
    parts: Mutex<BTreeMap<String, Arc<dyn Tree>>>,
    pub(super) fetches: AtomicUsize,
    pub(super) opens: AtomicUsize,
    pub(super) renders: AtomicUsize,
    reads: Arc<AtomicU64>,
    /// Part of every manifest: stands for whatever no fact knows of.
    salt: AtomicU64,
    gate: Gate,
    trouble: Mutex<Option<Trouble>>,
}

/// What goes wrong.
#[derive(Clone)]
pub(super) enum Trouble {
    Pin(Error),
    Open(Error),
    /// Whoever opens waits there for others who do.
    Meet(Arc<tokio::sync::Barrier>),
    Render(Error),
    Panic,
    /// The render runs until it is told to stop.
    Endless,
}

/// A door renders wait at while it is closed.
#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    opened: Condvar,
}

impl World {
    pub(super) fn commit(&self, url: &str, revision: &str, files: &Files) {
        let mut builder = MemoryTree::builder();
        for (path, text) in files {
            let path = TreePath::parse(path).unwrap();
            match text.strip_prefix("->") {
                Some(target) => builder.link(path, target),
                None => builder.file(path, text.clone()),
            };
        }
        let tree = Counting { tree: builder.build().unwrap(), reads: Arc::clone(&self.0.reads) };
        self.0.commits.lock().unwrap().insert((url.into(), revision.into()), Arc::new(tree));
    }

    /// What stands elsewhere under this name from now on.
    pub(super) fn elsewhere(&self, name: &str, files: &Files) {
        let files = files.iter().map(|(path, text)| (path.as_str(), text.clone()));
        let tree = MemoryTree::from_files(files).unwrap();
        self.0.parts.lock().unwrap().insert(name.to_owned(), Arc::new(tree));
    }

    /// How often something elsewhere was asked for.
    pub(super) fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }

    pub(super) fn pipeline(&self) -> Pipeline<World> {
        self.pipeline_with(Settings { parallelism: 2, ..Settings::default() })
    }

    pub(super) fn pipeline_with(&self, settings: Settings) -> Pipeline<World> {
        Pipeline::new(settings, self.clone(), Cache::new(Memory::new(64 << 20)))
    }

    pub(super) fn opens(&self) -> usize {
        self.0.opens.load(Ordering::SeqCst)
    }

    pub(super) fn renders(&self) -> usize {
        self.0.renders.load(Ordering::SeqCst)
    }

    /// Contents of files read so far.
    pub(super) fn reads(&self) -> u64 {
        self.0.reads.load(Ordering::SeqCst)
    }

    pub(super) fn close_gate(&self) {
        *self.0.gate.closed.lock().unwrap() = true;
    }

    pub(super) fn open_gate(&self) {
        *self.0.gate.closed.lock().unwrap() = false;
        self.0.gate.opened.notify_all();
    }

    pub(super) fn change_salt(&self) {
        self.0.salt.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn trouble(&self, trouble: impl Into<Option<Trouble>>) {
        *self.0.trouble.lock().unwrap() = trouble.into();
    }

    fn now(&self) -> Option<Trouble> {
        self.0.trouble.lock().unwrap().clone()
    }
}

impl Stages for World {
    async fn pin(&self, sources: &[Source], _: bool) -> Result<Vec<Pinned>> {
        if let Some(Trouble::Pin(error)) = self.now() {
            return Err(error);
        }
        Ok(sources.iter().map(pin).collect())
    }

    async fn open(&self, pinned: &Pinned) -> Result<Arc<dyn Tree>> {
        self.0.opens.fetch_add(1, Ordering::SeqCst);
        match self.now() {
            Some(Trouble::Open(error)) => return Err(error),
            Some(Trouble::Meet(barrier)) => _ = barrier.wait().await,
            _ => {}
        }
        let name = (pinned.identity.to_string(), pinned.revision.to_string());
        let found = self.0.commits.lock().unwrap().get(&name).cloned();
        found.ok_or_else(|| Error::new(Kind::NotFound, "no such commit"))
    }

    fn wants(&self, order: &RenderOrder, at: usize) -> Result<Vec<Want>> {
        let job = &order.unrecorded_job(at);
        let missing = |name: &String| !job.remotes.contains_key(name);
        Ok(Toy { job, salt: 0 }.elsewhere()?.into_iter().filter(missing).map(want).collect())
    }

    async fn part(&self, want: &Want, beside: &[Pinned], _: bool) -> Result<Part> {
        assert!(!beside.is_empty());
        self.0.fetches.fetch_add(1, Ordering::SeqCst);
        let found = self.0.parts.lock().unwrap().get(&want.entry).cloned();
        found.map(Part::Repository).ok_or_else(|| Error::new(Kind::NotFound, "nothing of this name"))
    }

    fn render(&self, order: &RenderOrder) -> Result<RenderOutcome> {
        order.run(|job| self.render_one(job))
    }

    fn profile(&self) -> String {
        "toy 1".into()
    }
}

impl World {
    fn render_one(&self, job: &Job) -> Result<Manifests> {
        self.0.renders.fetch_add(1, Ordering::SeqCst);
        let mut closed = self.0.gate.closed.lock().unwrap();
        while *closed {
            closed = self.0.gate.opened.wait(closed).unwrap();
        }
        drop(closed);
        match self.now() {
            Some(Trouble::Render(error)) => return Err(error),
            Some(Trouble::Panic) => panic!("on purpose"),
            Some(Trouble::Endless) => loop {
                job.stop.check()?;
                std::thread::yield_now();
            },
            _ => {}
        }
        Toy { job, salt: self.0.salt.load(Ordering::SeqCst) }.render()
    }
}

fn want(entry: String) -> Want {
    let place = Place { file: "app/elsewhere".into(), line: 1, column: 0, text: "".into() };
    let repository = Some((entry.clone(), String::new()));
    Want { shown: entry.clone(), entry, file: None, repository, place }
}

fn pin(source: &Source) -> Pinned {
    let Origin::Git { url, revision, credential, .. } = &source.origin else { panic!("only git here") };
    let mut scope = [0; 32];
    let user = credential.as_ref().map_or("", |credential| credential.username.as_str());
    scope[..user.len()].copy_from_slice(user.as_bytes());
    Pinned::never_opened(url, revision, Scope(scope))
}

/// A renderer that makes one manifest of each file beneath its folder. It looks at the world in every way a tree
/// allows: a file `bad` is an error, `kube` makes it look at the Kubernetes version, `optional` at a file elsewhere
/// that need not exist, `elsewhere` names what lies there; the values files of Helm options are read from the sources that lend them.
struct Toy<'a> {
    job: &'a Job,
    salt: u64,
}

impl Toy<'_> {
    fn render(&self) -> Result<Manifests> {
        let mut objects = Vec::new();
        self.folder(&self.job.path, &mut objects)?;
        if let Renderer::Helm(options) = &self.job.renderer {
            for file in &options.value_files {
                let (name, path) = file.strip_prefix('$').unwrap().split_once('/').unwrap();
                let tree = &self.job.lent[name].tree;
                let text = tree::read(tree.as_ref(), &TreePath::parse(path).unwrap())?;
                objects.push(self.manifest(path, &text));
            }
        }
        Ok(Manifests { objects, renderers: vec!["Directory".into()], warnings: Vec::new() })
    }

    /// The names in the file `elsewhere` of the folder, and in the files `more` of what they stand for.
    fn elsewhere(&self) -> Result<Vec<String>> {
        let tree = self.job.tree.as_ref();
        let mut names = Vec::new();
        let mut files = vec![self.job.path.child("elsewhere")];
        while let Some(file) = files.pop() {
            let Ok(text) = tree::read(tree, &file) else { continue };
            for name in String::from_utf8_lossy(&text).lines() {
                let root = self.job.remotes.get(name).and_then(|mounted| mounted.repository.as_ref());
                files.extend(root.map(|root| root.child("more")));
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn folder(&self, folder: &TreePath, objects: &mut Vec<Manifest>) -> Result<()> {
        let tree = self.job.tree.as_ref();
        for entry in &*tree::list(tree, folder)? {
            let path = folder.child(&entry.name);
            match tree::kind_of(tree, &path)? {
                Some(What::Folder) if entry.kind == What::Folder => self.folder(&path, objects)?,
                Some(What::File) => objects.push(self.file(&path)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn file(&self, path: &TreePath) -> Result<Manifest> {
        let tree = self.job.tree.as_ref();
        let mut text = tree::read(tree, path)?.to_vec();
        match path.name() {
            Some("bad") => {
                let place = Place { file: path.as_str().into(), line: 1, column: 1, text: "".into() };
                return Err(Error::new(Kind::Invalid, format!("{path} is bad")).at(place));
            }
            Some("elsewhere") => {
                for name in self.elsewhere()? {
                    let root = self.job.remotes[&name].repository.as_ref().unwrap();
                    text.extend(tree::read(tree, &root.child("x"))?);
                }
            }
            Some("kube") => text.extend(format!(" {:?}", self.job.look_at_kube_version()).into_bytes()),
            Some("optional") => {
                let other = tree::kind_of(tree, &TreePath::parse("shared/x").unwrap())?;
                text.extend(format!(" {other:?}").into_bytes());
            }
            _ => {}
        }
        Ok(self.manifest(path.as_str(), &text))
    }

    fn manifest(&self, file: &str, text: &[u8]) -> Manifest {
        let json = [self.job.name.as_bytes(), b":", text, &self.salt.to_be_bytes()].concat();
        Manifest { json: json.into(), file: file.into(), ..Manifest::default() }
    }
}

/// A tree that counts how often the content of a file is read.
struct Counting {
    tree: MemoryTree,
    reads: Arc<AtomicU64>,
}

impl Tree for Counting {
    fn kind(&self, path: &TreePath) -> Result<Option<What>, tree::Error> {
        self.tree.kind(path)
    }

    fn id(&self, path: &TreePath) -> Result<Option<ContentId>, tree::Error> {
        self.tree.id(path)
    }

    fn list(&self, path: &TreePath) -> Result<Arc<[Named]>, tree::Error> {
        self.tree.list(path)
    }

    fn size(&self, path: &TreePath) -> Result<u64, tree::Error> {
        self.tree.size(path)
    }

    fn read(&self, path: &TreePath) -> Result<Bytes, tree::Error> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.tree.read(path)
    }

    fn link(&self, path: &TreePath) -> Result<Arc<str>, tree::Error> {
        self.tree.link(path)
    }
}

pub(super) fn files(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

/// A request for the folder `path` of the repository `r` at `revision`.
pub(super) fn request(revision: &str, path: &str) -> RenderRequest {
    RenderRequest { sources: vec![source("r", revision, path, "")], ..RenderRequest::default() }
}

pub(super) fn source(url: &str, revision: &str, path: &str, ref_name: &str) -> Source {
    let origin = Origin::Git {
        url: url.into(),
        revision: revision.into(),
        credential: None,
        tag_prefix: String::new(),
    };
    Source { origin, path: path.into(), ref_name: ref_name.into(), renderer: Renderer::Detect }
}

/// A request whose first source reads `file` of the second, which only lends.
pub(super) fn lending(revision: &str, lent: &str, file: &str) -> RenderRequest {
    let options = HelmOptions { value_files: vec![format!("$v/{file}")], ..HelmOptions::default() };
    let first = Source { renderer: Renderer::Helm(options), ..source("r", revision, "app", "") };
    RenderRequest { sources: vec![first, source("values", lent, "", "v")], ..RenderRequest::default() }
}

pub(super) fn fresh(request: RenderRequest) -> RenderRequest {
    RenderRequest { no_cache: true, ..request }
}

pub(super) fn by(user: &str, mut request: RenderRequest) -> RenderRequest {
    for source in &mut request.sources {
        if let Origin::Git { credential, .. } = &mut source.origin {
            *credential = Some(Credential { username: user.into(), ..Credential::default() });
        }
    }
    request
}

pub(super) fn rendered(because: Option<&str>) -> Answered {
    Answered::Rendered { because: because.map(str::to_owned) }
}

/// The texts of the manifests, as the toy made them.
pub(super) fn texts(rendered: &Rendered) -> Vec<String> {
    let text = |json: &Bytes| String::from_utf8_lossy(&json[..json.len() - 8]).into_owned();
    rendered.body.decode().unwrap().objects.iter().map(|object| text(&object.json)).collect()
}

/// Waits until something holds that other tasks or threads bring about.
pub(super) async fn until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never came to hold");
        tokio::task::yield_now().await;
    }
}
