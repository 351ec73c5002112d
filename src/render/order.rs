//! What is rendered for one request: all its sources with their trees. [`RenderOrder::run`] turns it into one body and
//! the facts it depends on, in this process or in a worker.

use std::collections::BTreeMap;
use std::sync::Arc;

use tree::{Inputs, Reads, Recorder, Tree, TreePath};

use super::finish::finish;
use super::{Body, Budgets, Chance, Job, Lent, Remotes, Stop};
use crate::error::Result;
use crate::request::{Manifests, Renderer};

/// One request to render. Cheap to clone as far as files are concerned.
#[derive(Clone)]
pub struct RenderOrder {
    /// The sources, in the request's order.
    pub sources: Vec<SourceOrder>,
    /// The application's name; may be empty.
    pub name: String,
    /// The namespace; may be empty.
    pub namespace: String,
    /// The Kubernetes version, as asked for.
    pub kube_version: Option<String>,
    /// The API versions, sorted, each once.
    pub api_versions: Vec<String>,
    /// What stands for chance and time.
    pub chance: Chance,
    /// What the render may use up.
    pub budgets: Budgets,
    /// Raised when nobody waits any more, or time is up.
    pub stop: Stop,
    /// Who asks for what.
    pub origin: OrderOrigin,
}

/// Who asks for what, as far as workers and logs need to know.
#[derive(Clone, Debug, Default)]
pub struct OrderOrigin {
    /// Digest over every input: the same key, the same render.
    pub key: [u8; 32],
    /// Digest over the sources and the credentials they were proven with: what a worker remembers belongs to one scope.
    pub scope: [u8; 32],
    /// The sources as the log shows them, without secrets.
    pub shown: Vec<String>,
    /// What the last render of the same request read of each source; empty when there was none.
    pub earlier: Vec<Reads>,
}

/// One source of an order.
#[derive(Clone)]
pub struct SourceOrder {
    /// Its files, not recorded yet.
    pub tree: Arc<dyn Tree>,
    /// Where in the tree the parts are mounted that lie elsewhere.
    pub remotes: Arc<Remotes>,
    /// The folder to render.
    pub path: TreePath,
    /// The name it lends its files under; empty when it lends none.
    pub ref_name: String,
    /// Whether it only lends its files and is not rendered.
    pub only_lends: bool,
    /// What to render it with.
    pub renderer: Renderer,
}

/// What rendering an order yields.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderOutcome {
    /// The manifests of all sources, encoded.
    pub body: Body,
    /// What rendered each source that is not only lent, in order.
    pub renderers: Vec<String>,
    /// What was read of each source; the inputs that are not files stand with the first.
    pub reads: Vec<Reads>,
}

impl RenderOrder {
    /// Renders every source with `render`, recording what it reads.
    ///
    /// # Errors
    /// What `render` answers, with the number of the source where there are several;
    /// [`crate::error::Kind::OverBudget`] when the manifests of all sources are too large together.
    pub fn run(&self, render: impl Fn(&Job) -> Result<Manifests>) -> Result<RenderOutcome> {
        let record = |source: &SourceOrder| Arc::new(Recorder::new(Arc::clone(&source.tree)));
        let recorders: Vec<Arc<Recorder>> = self.sources.iter().map(record).collect();
        let trees: Vec<Arc<dyn Tree>> = recorders.iter().cloned().map(|tree| tree as Arc<dyn Tree>).collect();
        let inputs = Arc::<Inputs>::default();
        let (mut given, mut renderers) = (Vec::new(), Vec::new());
        for (at, source) in self.sources.iter().enumerate() {
            if source.only_lends {
                given.push(None);
                continue;
            }
            let made = render(&self.job(at, &trees, &inputs));
            let made = made.map_err(|error| {
                if self.sources.len() > 1 { error.context(format!("source {}", at + 1)) } else { error }
            })?;
            renderers.extend(made.renderers.iter().cloned());
            given.push(Some(made));
        }
        let body = finish(given, self.budgets.output_bytes)?;
        let mut reads: Vec<Reads> = recorders.iter().map(|recorder| recorder.reads()).collect();
        if let Some(first) = reads.first_mut() {
            *first = std::mem::take(first).with_inputs(&inputs);
        }
        Ok(RenderOutcome { body, renderers, reads })
    }

    /// The job of the source at `at` that records nothing: for looks at what it needs.
    #[must_use]
    pub fn unrecorded_job(&self, at: usize) -> Job {
        let trees: Vec<Arc<dyn Tree>> = self.sources.iter().map(|source| Arc::clone(&source.tree)).collect();
        self.job(at, &trees, &Arc::default())
    }

    fn job(&self, at: usize, trees: &[Arc<dyn Tree>], inputs: &Arc<Inputs>) -> Job {
        let SourceOrder { tree: _, remotes, path, ref_name: _, only_lends: _, renderer } = &self.sources[at];
        Job {
            tree: Arc::clone(&trees[at]),
            path: path.clone(),
            remotes: Arc::clone(remotes),
            lent: self.lent(trees),
            renderer: renderer.clone(),
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            kube_version: self.kube_version.clone(),
            api_versions: self.api_versions.clone(),
            inputs: Arc::clone(inputs),
            chance: self.chance,
            budgets: self.budgets,
            stop: self.stop.clone(),
        }
    }

    /// The files of every source that has a ref name, whether it is rendered as well or not.
    fn lent(&self, trees: &[Arc<dyn Tree>]) -> BTreeMap<String, Lent> {
        let named = self.sources.iter().zip(trees).filter(|(source, _)| !source.ref_name.is_empty());
        named.map(|(source, tree)| (source.ref_name.clone(), Lent { tree: Arc::clone(tree) })).collect()
    }
}
