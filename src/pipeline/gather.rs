//! Parts that lie elsewhere: what an engine needs that is not in its tree is resolved, opened and mounted beside the
//! files of the source, until nothing is wanted any more. Waits for the network, and so comes before the permit.
//!
//! A part is mounted under the digest of its name, never of its content: what a render reads of it are facts like any
//! other, and an earlier result is checked against whatever stands under the same names now.

use std::fmt::Write;
use std::future::Future;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tokio::task::{JoinSet, spawn_blocking};
use tracing::Instrument;
use tree::{MemoryTree, Overlay, Tree, TreePath};

use super::Road;
use super::deps::Trees;
use super::key::Keys;
use super::plan::{self, Plan};
use super::stages::Stages;
use super::work::broke_off;
use crate::error::{Error, Kind, Result};
use crate::render::{Budgets, Chance, OrderOrigin, Remotes, RenderOrder, SourceOrder, Stop, Want};
use crate::source::{Part, Pinned};

/// The folder parts are mounted in. A repository that has one of this name cannot have parts elsewhere.
const FOLDER: &str = ".manifestd-parts";

/// The name of a file that is mounted.
const FILE: &str = "file";

/// How often parts may name further parts: real ones do so once or twice.
pub const MOST_ROUNDS: usize = 10;

/// How many parts are fetched at once for one source: with files of the largest size, 128 MiB.
const TOGETHER: usize = 8;

/// The trees of a request with what was mounted in them.
#[derive(Clone)]
pub(super) struct Gathered {
    pub(super) trees: Trees,
    /// What is mounted where, for each tree.
    pub(super) remotes: Arc<[Arc<Remotes>]>,
}

impl Gathered {
    /// The trees as they are.
    pub(super) fn nothing(trees: &Trees) -> Self {
        Self { trees: Arc::clone(trees), remotes: trees.iter().map(|_| Arc::default()).collect() }
    }

    /// Whether anything is mounted.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.remotes.iter().any(|remotes| !remotes.is_empty())
    }

    /// The order to render these trees as the plan says.
    pub(super) fn order(&self, plan: &Plan, budgets: Budgets, chance: Chance, stop: Stop) -> RenderOrder {
        let Plan { parts, name, namespace, kube_version, api_versions, fresh: _, fresh_names: _ } = plan;
        let source = |(at, part): (usize, &plan::Part)| SourceOrder {
            tree: Arc::clone(&self.trees[at]),
            remotes: self.remotes.get(at).cloned().unwrap_or_default(),
            path: part.path.clone(),
            ref_name: part.ref_name.clone(),
            only_lends: part.only_lends,
            renderer: part.renderer.clone(),
        };
        RenderOrder {
            sources: parts.iter().enumerate().map(source).collect(),
            name: name.clone(),
            namespace: namespace.clone(),
            kube_version: kube_version.clone(),
            api_versions: api_versions.clone(),
            chance,
            budgets,
            stop,
            origin: OrderOrigin::default(),
        }
    }

    fn mounts(&self, at: usize) -> Mounts {
        Mounts { tree: Arc::clone(&self.trees[at]), remotes: Remotes::clone(&self.remotes[at]) }
    }

    fn mounted(&self, at: usize, parts: Vec<(Want, Part)>) -> Result<Self> {
        let mut mounted = self.mounts(at);
        for (want, part) in parts {
            mounted.add(want, part)?;
        }
        let (mut trees, mut remotes) = (self.trees.to_vec(), self.remotes.to_vec());
        (trees[at], remotes[at]) = (mounted.tree, Arc::new(mounted.remotes));
        Ok(Self { trees: trees.into(), remotes: remotes.into() })
    }
}

/// What parts are looked for, for one request.
#[derive(Clone, Copy)]
pub(super) struct PartSearch<'a> {
    pub(super) plan: &'a Plan,
    pub(super) keys: Keys,
    pub(super) stop: &'a Stop,
}

/// Whether a path is one of something mounted.
pub(super) fn is_mounted(path: &TreePath) -> bool {
    path.names().next() == Some(FOLDER)
}

/// One tree and what is mounted in it.
pub struct Mounts {
    /// The tree with everything in it.
    pub tree: Arc<dyn Tree>,
    /// What is mounted where.
    pub remotes: Remotes,
}

impl Mounts {
    /// Fails where the tree itself has something at the place of the parts; for a tree in which nothing is mounted.
    ///
    /// # Errors
    /// [`Kind::Invalid`], and a tree that cannot answer.
    pub fn check_free(&self) -> Result<()> {
        let folder = TreePath::root().child(FOLDER);
        if self.remotes.is_empty() && self.tree.kind(&folder)?.is_some() {
            let message =
                format!("the repository has a '{FOLDER}', where parts of other repositories are put");
            return Err(Error::new(Kind::Invalid, message).help("give it another name"));
        }
        Ok(())
    }

    /// Mounts what a want named.
    ///
    /// # Errors
    /// A tree that cannot answer.
    pub fn add(&mut self, want: Want, part: Part) -> Result<()> {
        let Want { entry, file, repository, .. } = want;
        let mounted = self.remotes.entry(entry).or_default();
        match part {
            Part::File(content) => {
                let at = place(["file", &file.unwrap_or_default(), ""]);
                mounted.file = Some(at.child(FILE));
                let tree = MemoryTree::from_files([(FILE, content)])?;
                self.mount(at, Arc::new(tree))
            }
            Part::Repository(tree) => {
                let (url, revision) = repository.unwrap_or_default();
                let at = place(["repository", &url, &revision]);
                mounted.repository = Some(at.clone());
                self.mount(at, tree)
            }
        }
    }

    /// What is mounted under a name already stays: within one render a name stands for one thing.
    fn mount(&mut self, at: TreePath, tree: Arc<dyn Tree>) -> Result<()> {
        if self.tree.kind(&at)?.is_none() {
            self.tree = Arc::new(Overlay::mounted(Arc::clone(&self.tree), at, tree));
        }
        Ok(())
    }
}

/// Where something of this name is mounted.
fn place(name: [&str; 3]) -> TreePath {
    let mut hash = Sha256::new();
    for part in name {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut hex = String::new();
    for byte in &hash.finalize()[..16] {
        let _ = write!(hex, "{byte:02x}");
    }
    TreePath::root().child(FOLDER).child(&hex)
}

impl<S: Stages> Road<S> {
    /// The trees with everything mounted that the engines want of elsewhere.
    ///
    /// # Errors
    /// What is wrong with a name, what the policy does not allow, and what went wrong on the way; with the line that
    /// names the part.
    pub(super) async fn gather(self: &Arc<Self>, search: PartSearch<'_>, trees: &Trees) -> Result<Gathered> {
        let mut gathered = Gathered::nothing(trees);
        let rendered = search.plan.parts.iter().enumerate().filter(|(_, part)| !part.only_lends);
        for at in rendered.map(|(at, _)| at) {
            gathered = self.gather_one(search, gathered, at).await?;
        }
        Ok(gathered)
    }

    async fn gather_one(
        self: &Arc<Self>,
        search: PartSearch<'_>,
        mut gathered: Gathered,
        at: usize,
    ) -> Result<Gathered> {
        let mut left = self.rules.budgets.directory_bytes;
        for _ in 0..MOST_ROUNDS {
            let wants = self.wants(search, &gathered, at).await?;
            if wants.is_empty() {
                return Ok(gathered);
            }
            gathered.mounts(at).check_free()?;
            let parts = self.fetch(search.plan, wants, &mut left).await?;
            gathered = gathered.mounted(at, parts)?;
        }
        Err(too_deep())
    }

    async fn wants(
        self: &Arc<Self>,
        search: PartSearch<'_>,
        gathered: &Gathered,
        at: usize,
    ) -> Result<Vec<Want>> {
        let PartSearch { plan, keys, stop } = search;
        let _turn = self.searches.acquire(&plan.tenant()).await;
        let stop = stop.within(self.rules.budgets.time);
        let order = gathered.order(plan, self.rules.budgets, Chance::default(), stop);
        let order = RenderOrder { origin: plan.origin(keys), ..order };
        let (road, span) = (Arc::clone(self), tracing::Span::current());
        let search = spawn_blocking(move || span.in_scope(|| road.stages.wants(&order, at)));
        search.await.map_err(|broken| broke_off(&broken))?
    }

    /// The parts, a few side by side; the bytes of files count against `left`.
    async fn fetch(
        self: &Arc<Self>,
        plan: &Plan,
        wants: Vec<Want>,
        left: &mut u64,
    ) -> Result<Vec<(Want, Part)>> {
        let pins: Arc<[_]> = plan.pins().into();
        let mut parts = Vec::new();
        let mut waiting = wants.into_iter();
        let mut fetching = JoinSet::new();
        loop {
            for want in waiting.by_ref().take(TOGETHER - fetching.len()) {
                fetching.spawn(self.fetch_one(&pins, plan.fresh_names, want).in_current_span());
            }
            let Some(part) = fetching.join_next().await else { break };
            let (want, part) = part.map_err(|broken| broke_off(&broken))??;
            if let Part::File(content) = &part {
                *left = left.checked_sub(content.len() as u64).ok_or_else(|| named(too_much(), &want))?;
            }
            parts.push((want, part));
        }
        // In whatever order they came, they are mounted in the same.
        parts.sort_by(|(one, _), (other, _)| one.entry.cmp(&other.entry));
        Ok(parts)
    }

    fn fetch_one(
        self: &Arc<Self>,
        pins: &Arc<[Pinned]>,
        fresh: bool,
        want: Want,
    ) -> impl Future<Output = Result<(Want, Part)>> + Send + use<S> {
        let (road, pins) = (Arc::clone(self), Arc::clone(pins));
        async move {
            let part = road.stages.part(&want, &pins, fresh).await;
            part.map_err(|error| named(error, &want)).map(|part| (want, part))
        }
    }
}

fn too_much() -> Error {
    Error::new(
        Kind::OverBudget,
        "the files of the web that are named take more than is allowed for manifests",
    )
}

/// The failure of what ran out of rounds.
#[must_use]
pub fn too_deep() -> Error {
    let message = format!("parts of other repositories name further ones more than {MOST_ROUNDS} deep");
    Error::new(Kind::OverBudget, message)
}

/// A failure with the entry and the line that caused it.
#[must_use]
pub fn named(error: Error, want: &Want) -> Error {
    error.context(format!("'{}'", want.shown)).at(want.place.clone())
}
