//! Kustomizations to manifests, in process: the same bytes as `kustomize build`, with nothing executed.
//!
//! [`build`] is pure: it reads the tree it is given and nothing else. What a kustomization names outside of the tree
//! is an error of kind [`ErrorKind::Remote`] unless the caller has mounted it ([`Options::remotes`]).
//!
//! ```
//! use manifestd_kustomize::{Options, build};
//! use tree::{MemoryTree, TreePath};
//!
//! let tree = MemoryTree::from_files([
//!     ("app/kustomization.yaml", "resources: [cm.yaml]\nnamePrefix: dev-\n"),
//!     ("app/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {on: 'yes'}\n"),
//! ])?;
//! let output = build(&tree, &TreePath::parse("app")?, &Options::default())?;
//! assert_eq!(
//!     output.text(),
//!     "apiVersion: v1\ndata:\n  \"on\": \"yes\"\nkind: ConfigMap\nmetadata:\n  name: dev-web\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Road
//! `address` and `wants` say what lies elsewhere, `loader` finds files, `kustomization` reads the file, `accumulate`
//! runs its parts in kustomize's order over a `resmap` of `resource`s, whose documents are `node` trees; `data` turns
//! those into values at the end.

mod accumulate;
mod address;
mod builtin_plugins;
mod comments;
mod configurations;
mod crds;
mod data;
mod error;
mod expression;
mod fieldspec;
mod files;
mod generators;
mod growth;
mod hints;
mod id;
mod images;
mod json6902;
mod kustomization;
mod label_selector;
mod labels;
mod loader;
mod merge_list;
mod name_references;
mod names;
mod namespace;
mod node;
mod openapi;
mod origin;
mod output;
mod parsed;
mod patches;
mod paths;
mod plugin_kinds;
mod reader;
mod replacements;
mod replicas;
mod resmap;
mod resource;
mod schema;
mod selector;
mod shares;
mod sort;
mod steps;
mod strategic;
mod strict;
mod structured;
#[cfg(test)]
mod testing;
mod value_add;
mod vars;
mod version;
mod wants;
mod yaml3;

use std::collections::BTreeMap;

use tree::{Tree, TreePath};

use accumulate::{Accumulator, Build, Target};
use loader::{Loader, Shared};

pub use address::Address;
pub use error::{Error, ErrorKind};
pub use generators::helm::{HelmOptions, HelmRenderer, HelmRequest};
pub use parsed::Parsed;
pub use plugin_kinds::{GeneratorKind, TransformerKind};
pub use version::KustomizeVersion;
pub use wants::{Want, wants};

/// How to build.
pub struct Options<'o> {
    /// The version of kustomize to be equal to.
    pub version: KustomizeVersion,
    /// The order of the output where the kustomization does not say.
    pub reorder: Reorder,
    /// Where files may lie.
    pub load_restrictor: LoadRestrictor,
    /// Put the label `app.kubernetes.io/managed-by` on everything, as `buildMetadata: [managedByLabel]` does.
    pub add_managed_by: bool,
    /// What paths in messages begin with; empty: `/` is the root of the tree.
    pub display_root: &'o str,
    /// Entries that lie elsewhere, as they are written, and where in the tree they are mounted (see [`wants`]).
    pub remotes: BTreeMap<String, Mounted>,
    /// Whether the tree is the whole disk, so that a path that begins with `/` leads somewhere. Such paths are never
    /// found otherwise.
    pub whole_disk: bool,
    /// Renders the charts of `helmCharts`; `None` refuses them, as without `--enable-helm`.
    pub helm: Option<HelmOptions<'o>>,
    /// Parsed files that are shared with other builds; `None` shares nothing.
    pub parsed: Option<&'o Parsed>,
    /// Budgets.
    pub limits: Limits,
    /// Asked now and then; `true` ends the build with [`ErrorKind::Limit`].
    pub stop: &'o dyn Fn() -> bool,
}

/// Where in the tree an entry is mounted that lies elsewhere. An address of the web may be both, a file that is no YAML
/// and so a repository: kustomize tries them in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounted {
    /// The file.
    pub file: Option<TreePath>,
    /// The root of the repository, which nothing in it leads out of.
    pub repository: Option<TreePath>,
}

/// The order of resources where `sortOptions` does not say (`--reorder`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reorder {
    /// Nothing is said: by kind.
    #[default]
    Unspecified,
    /// By kind; a kustomization that says another order is told of.
    Legacy,
    /// As they were accumulated.
    None,
}

/// Where the files of a kustomization may lie (`--load-restrictor`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadRestrictor {
    /// In or below its own folder.
    #[default]
    RootOnly,
    /// Anywhere in the tree.
    None,
}

/// How much one build may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Kustomizations under each other. Default 100: real ones stay below 10.
    pub depth: usize,
    /// Files read. Default 20,000.
    pub files: usize,
    /// Bytes read. Default 512 MiB.
    pub bytes: u64,
    /// Resources. Default 200,000.
    pub resources: usize,
    /// Entries that lie elsewhere. Default 64: real ones stay below 20.
    pub remotes: usize,
    /// Budgets of one document.
    pub yaml: yaml::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 100,
            files: 20_000,
            bytes: 512 << 20,
            resources: 200_000,
            remotes: 64,
            yaml: yaml::Limits::default(),
        }
    }
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            version: KustomizeVersion::default(),
            reorder: Reorder::default(),
            load_restrictor: LoadRestrictor::default(),
            add_managed_by: false,
            display_root: "",
            remotes: BTreeMap::new(),
            whole_disk: false,
            helm: None,
            parsed: None,
            limits: Limits::default(),
            stop: &|| false,
        }
    }
}

/// A finished build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    version: KustomizeVersion,
    documents: Vec<String>,
    warnings: Vec<String>,
}

impl Output {
    /// One YAML document per resource, each ending in a line break.
    #[must_use]
    pub fn documents(&self) -> &[String] {
        &self.documents
    }

    /// What kustomize says on standard error, a line each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What kustomize prints.
    #[must_use]
    pub fn text(&self) -> String {
        self.documents.join("---\n")
    }
}

/// The names of all fields a kustomization may have.
#[must_use]
pub fn kustomization_fields() -> &'static [&'static str] {
    <kustomization::Kustomization as strict::Decode>::FIELDS
}

/// Builds the kustomization in the folder `path` of a tree.
///
/// # Errors
/// Whatever kustomize refuses, in its words; what is never done here ([`ErrorKind::Refused`]); what is not in the
/// tree ([`ErrorKind::Remote`]); a budget, that of the thread ([`budget::Budget`]) included ([`ErrorKind::Limit`]).
pub fn build(tree: &dyn Tree, path: &TreePath, options: &Options<'_>) -> Result<Output, Error> {
    let shared = Shared::new(tree, options);
    let build = Build::default();
    let documents = run(&shared, &build, path).and_then(|documents| {
        // A refusal that something took for another failure is one all the same.
        budget::look()?;
        Ok(documents)
    });
    let warnings = shared.warnings.take();
    match documents {
        Ok(documents) => Ok(Output { version: options.version, documents, warnings }),
        Err(error) => Err(error.after(warnings)),
    }
}

const TWO_ORDERS: &str = "Warning: Sorting order is set both in 'kustomization.yaml' ('sortOptions') and in a CLI flag \
     ('--reorder'). Using the kustomization file over the CLI flag.";

fn run<'t>(shared: &'t Shared<'t>, build: &'t Build, path: &TreePath) -> Result<Vec<String>, Error> {
    let target = Target::root(Loader::start(shared, path)?, build)?;
    let mut all = Accumulator::new(shared.profile());
    target.accumulate(&mut all)?;
    let Accumulator { mut map, config, vars, .. } = all;
    generators::hash::transform(&mut map)?;
    name_references::transform(&mut map, &config.get().name_references)?;
    let unused = vars::transform(&mut map, &vars, &config.get().var_references)?;
    shared.warnings.borrow_mut().extend(unused);
    output::drop_local(&mut map)?;
    let options = target.kustomization.sort_options.as_ref();
    let reorder = shared.options.reorder;
    sort::transform(&mut map, options, reorder != Reorder::None)?;
    if options.is_some() && reorder != Reorder::Unspecified {
        shared.warnings.borrow_mut().push(TWO_ORDERS.to_owned());
    }
    let metadata = &target.kustomization.build_metadata;
    let wants = |name: &str| metadata.iter().any(|wanted| wanted == name);
    if shared.options.add_managed_by || wants("managedByLabel") {
        output::add_managed_by(&mut map, shared.options.version)?;
    }
    let shown = output::Shown {
        origin: wants("originAnnotations"),
        transformations: wants("transformerAnnotations"),
    };
    output::documents(&mut map, shown)
}
