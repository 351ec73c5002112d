//! Our own words for what is asked and what is answered. The wire (`api/`) and the command line (`cli/`) are turned
//! into these, and everything behind them knows nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use helm::HelmVersion;
use kustomize::KustomizeVersion;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::credentials::Credential;
use crate::render::Body;

/// "This source, at this revision, with these options."
#[derive(Clone, Debug, Default)]
pub struct RenderRequest {
    /// The sources, in order; their manifests follow one another in the answer.
    pub sources: Vec<Source>,
    /// The application's name: the Helm release name unless the options say otherwise. May be empty.
    pub name: String,
    /// The namespace the manifests are for; empty leaves it to the renderer's default.
    pub namespace: String,
    /// The Kubernetes version to render for, such as `1.33.0`; `None` is the renderer's default.
    pub kube_version: Option<String>,
    /// The API versions of the cluster (`group/version` and `group/version/Kind`), in any order.
    pub api_versions: Vec<String>,
    /// Do not answer from a cached or reused result.
    pub no_cache: bool,
    /// Do not answer from cached names of revisions.
    pub no_revision_cache: bool,
}

/// One source of manifests, or with a `ref_name` and no path only files for the other sources.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where the files come from.
    pub origin: Origin,
    /// The folder to render, relative to the root; empty is the root.
    pub path: String,
    /// The name other sources use for this one's files (`$name/values.yaml`); empty when none.
    pub ref_name: String,
    /// What to render with.
    pub renderer: Renderer,
}

/// Where the files of a source come from.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are a handful per request; a box would only move the bytes"
)]
pub enum Origin {
    /// A git repository at a revision.
    Git {
        /// The URL as given.
        url: String,
        /// Branch, tag, commit id, ref or semver range; empty is `HEAD`.
        revision: String,
        /// What the names of version tags begin with, before the version; empty when nothing.
        tag_prefix: String,
        /// The credential sent with the request, if any; it wins over the server's own.
        credential: Option<Credential>,
    },
    /// A local folder as it is now, on the command line only.
    Folder(std::path::PathBuf),
}

/// What to render with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Renderer {
    /// Look at the files: Kustomize, else Helm, else directory.
    #[default]
    Detect,
    /// Plain YAML, JSON and Jsonnet.
    Directory(DirectoryOptions),
    /// A Helm chart.
    Helm(HelmOptions),
    /// A kustomization.
    Kustomize(KustomizeOptions),
}

impl Renderer {
    /// The name by which logs call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Detect => "detected",
            Self::Directory(_) => "Directory",
            Self::Helm(_) => "Helm",
            Self::Kustomize(_) => "Kustomize",
        }
    }
}

/// Options of a directory source (spec: Argo CD's `ApplicationSourceDirectory`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DirectoryOptions {
    /// Also the folders beneath.
    pub recurse: bool,
    /// Only files matching this pattern; empty is all.
    pub include: String,
    /// Not the files matching this pattern; empty is none.
    pub exclude: String,
    /// How `.jsonnet` files are evaluated.
    pub jsonnet: JsonnetOptions,
}

/// Options of Jsonnet files in a directory source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JsonnetOptions {
    /// External variables (`std.extVar`), the last of a name wins.
    pub ext_vars: Vec<JsonnetVar>,
    /// Top-level arguments, the last of a name wins.
    pub tlas: Vec<JsonnetVar>,
    /// Library folders, relative to the root of the repository.
    pub libs: Vec<String>,
}

/// A Jsonnet variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JsonnetVar {
    /// The name.
    pub name: String,
    /// The value: text, or Jsonnet code when `code` is set.
    pub value: String,
    /// Whether `value` is code.
    pub code: bool,
}

/// Options of a Helm source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HelmOptions {
    /// The release name; empty is the request's name.
    pub release_name: String,
    /// The release's namespace; empty is the request's.
    pub namespace: String,
    /// Values files in order: relative to the chart, `/` from the root, or `$ref/` of another source.
    pub value_files: Vec<String>,
    /// Leave out values files that do not exist.
    pub ignore_missing_value_files: bool,
    /// Inline values as YAML, stronger than every values file.
    pub values: String,
    /// `--set` and `--set-string`, in order.
    pub parameters: Vec<HelmParameter>,
    /// `--set-file`, in order.
    pub file_parameters: Vec<HelmFileParameter>,
    /// Leave out the `crds/` folder.
    pub skip_crds: bool,
    /// Leave out tests.
    pub skip_tests: bool,
    /// Do not check `values.schema.json`.
    pub skip_schema_validation: bool,
    /// The version of helm to be equal to; the server's where a request does not say.
    #[serde(serialize_with = "write_version", deserialize_with = "read_version")]
    pub version: Option<HelmVersion>,
}

/// One `--set name=value`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HelmParameter {
    /// The path of the value.
    pub name: String,
    /// The value in helm's notation.
    pub value: String,
    /// Keep the value a string (`--set-string`).
    pub force_string: bool,
}

/// One `--set-file name=path`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HelmFileParameter {
    /// The path of the value.
    pub name: String,
    /// The file, by the same rules as a values file.
    pub path: String,
}

/// Options of a Kustomize source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KustomizeOptions {
    /// Let files outside the kustomization's own folder be read (never outside the tree).
    pub load_restrictions_none: bool,
    /// Render the charts of `helmCharts`, which must be in the tree.
    pub enable_helm: bool,
    /// Leave the objects in the order they were found in, where the kustomization does not say.
    pub reorder_none: bool,
    /// What is changed in the kustomization before it is built.
    pub edits: KustomizeEdits,
    /// The version of kustomize to be equal to; `None` is the server's.
    #[serde(serialize_with = "write_version", deserialize_with = "read_version")]
    pub version: Option<KustomizeVersion>,
}

/// Changes of a kustomization, as Argo CD makes them with `kustomize edit`; the source stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KustomizeEdits {
    /// `namePrefix`; empty leaves it.
    pub name_prefix: String,
    /// `nameSuffix`; empty leaves it.
    pub name_suffix: String,
    /// `namespace`; empty leaves it.
    pub namespace: String,
    /// Images, such as `name=newname:tag@digest`.
    pub images: Vec<String>,
    /// Numbers of replicas.
    pub replicas: Vec<KustomizeReplica>,
    /// Labels.
    pub common_labels: BTreeMap<String, String>,
    /// Labels may replace those of the kustomization.
    pub force_common_labels: bool,
    /// Labels go to metadata only, not to selectors.
    pub label_without_selector: bool,
    /// Labels without selectors go to templates too.
    pub label_include_templates: bool,
    /// Annotations.
    pub common_annotations: BTreeMap<String, String>,
    /// Annotations may replace those of the kustomization.
    pub force_common_annotations: bool,
    /// Patches, behind those of the kustomization.
    pub patches: Vec<KustomizePatch>,
    /// Components, behind those of the kustomization: folders relative to it, or patterns.
    pub components: Vec<String>,
    /// Leave out components that do not exist.
    pub ignore_missing_components: bool,
}

impl KustomizeEdits {
    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { name_prefix, name_suffix, namespace, images, replicas, common_labels, .. } = self;
        let Self { common_annotations, patches, components, .. } = self;
        [name_prefix, name_suffix, namespace].into_iter().all(String::is_empty)
            && images.is_empty()
            && replicas.is_empty()
            && common_labels.is_empty()
            && common_annotations.is_empty()
            && patches.is_empty()
            && components.is_empty()
    }
}

/// How many replicas a workload has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KustomizeReplica {
    /// The name of the workload.
    pub name: String,
    /// How many.
    pub count: i64,
}

/// An entry of `patches`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KustomizePatch {
    /// A file, relative to the kustomization; empty when `patch` is given.
    pub path: String,
    /// The patch itself.
    pub patch: String,
    /// What it is for; `None`: what it names itself.
    pub target: Option<KustomizeTarget>,
    /// `allowNameChange` and `allowKindChange`.
    pub options: BTreeMap<String, bool>,
}

/// Which objects a patch is for: those that fit every part that is not empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KustomizeTarget {
    /// API group.
    pub group: String,
    /// API version without the group.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// A regular expression.
    pub name: String,
    /// A regular expression.
    pub namespace: String,
    /// In the notation of label selectors.
    pub annotation_selector: String,
    /// In the notation of label selectors.
    pub label_selector: String,
}

/// The answer to a [`RenderRequest`]. Cheap to clone: the body is shared.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The manifests of all sources in order, encoded once.
    pub body: Body,
    /// What each source was pinned to, in the request's order: a full commit id, or the digest of a folder.
    pub revisions: Vec<String>,
    /// How the answer came about.
    pub answered: Answered,
    /// How long the stages took, in the order they ran.
    pub timings: Vec<(&'static str, Duration)>,
}

/// What rendering yields, before it is encoded into a [`Body`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests {
    /// The objects in order.
    pub objects: Vec<Manifest>,
    /// What rendered each source, in the request's order: `Directory`, `Helm`, `Kustomize`, or empty for a source
    /// that only lends files.
    pub renderers: Vec<String>,
    /// Things the user should know that are no errors.
    pub warnings: Vec<String>,
}

/// One Kubernetes object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifest {
    /// The object as compact JSON in Go's form: sorted keys, `<`, `>` and `&` escaped.
    pub json: Bytes,
    /// API group; empty for the core group.
    pub group: String,
    /// API version without the group.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// `metadata.namespace`, as rendered; may be empty.
    pub namespace: String,
    /// `metadata.name`; may be empty.
    pub name: String,
    /// The file of the repository it came from; empty where the renderer does not say.
    pub file: String,
    /// The position of its source in the request.
    pub source: u32,
}

/// How an answer came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The exact request was answered before.
    Cache,
    /// Another revision's result still holds: every fact it depended on is unchanged.
    Reuse,
    /// It was rendered now; `because` names the first fact of the newest earlier result that no longer held.
    Rendered {
        /// The fact, in words; `None` when there was no earlier result.
        because: Option<String>,
    },
}

/// Names and what they stand for, as a remote lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refs {
    /// Full ref name → commit id in hex (annotated tags peeled).
    pub commits: BTreeMap<String, String>,
    /// The full name `HEAD` points to, when the remote says so.
    pub head: Option<String>,
}

fn write_version<T: fmt::Display, S: Serializer>(version: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    version.as_ref().map(T::to_string).serialize(to)
}

fn read_version<'de, T: FromStr<Err = String>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    let version = Option::<String>::deserialize(from)?;
    version.map(|version| version.parse()).transpose().map_err(serde::de::Error::custom)
}
