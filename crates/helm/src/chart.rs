//! A loaded chart: what `load` makes and everything behind it reads.

use std::sync::Arc;

use bytes::Bytes;
use tree::TreePath;

/// A chart with its subcharts. Immutable and shared: many renders use one.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// `Chart.yaml`, with what `requirements.yaml` adds.
    pub metadata: Metadata,
    /// Files of `templates/`, names from the chart's root (`templates/x.yaml`), in loading order.
    pub templates: Vec<File>,
    /// All files that are no part of the chart's machinery: what `.Files` shows, `crds/` among them.
    pub files: Vec<File>,
    /// `values.yaml`, its documents merged as the version does; always a map.
    pub values: yaml::Value,
    /// `values.schema.json`.
    pub schema: Option<File>,
    /// The charts of `charts/`, in a deterministic order, then those of `file://` repositories.
    pub dependencies: Vec<Arc<Chart>>,
    /// Whether the chart was loaded for a `file://` dependency of another.
    pub is_local: bool,
    /// The `file://` dependencies that could not be loaded.
    pub refusals: Vec<Refusal>,
}

/// Why a `file://` repository did not lead to a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The name of the dependency.
    pub name: String,
    /// Why, as part of a sentence.
    pub why: String,
}

/// A file of a chart: its name, and where its content is.
#[derive(Clone, Debug)]
pub struct File {
    /// The name from the chart's root.
    pub name: Arc<str>,
    /// The content, or where it is.
    pub content: Content,
}

/// Where a file's content is. What nobody asks for is never read, so that it is no fact of the render.
#[derive(Clone, Debug)]
pub enum Content {
    /// From an archive, or already read.
    Here(Bytes),
    /// In the tree.
    Tree(TreePath),
}

/// `Chart.yaml`. Texts are empty where the file says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// `apiVersion`
    pub api_version: String,
    /// `name`; after alias processing the alias.
    pub name: String,
    /// `version`
    pub version: String,
    /// `kubeVersion`: a constraint.
    pub kube_version: String,
    /// `description`
    pub description: String,
    /// `type`: empty, `application` or `library`.
    pub kind: String,
    /// `keywords`
    pub keywords: Vec<String>,
    /// `home`
    pub home: String,
    /// `sources`
    pub sources: Vec<String>,
    /// `dependencies`, and those of `requirements.yaml`; `None` for an empty entry, which validation refuses.
    pub dependencies: Vec<Option<Dependency>>,
    /// `maintainers`; `None` for an empty entry, which validation refuses.
    pub maintainers: Vec<Option<Maintainer>>,
    /// `icon`
    pub icon: String,
    /// `appVersion`
    pub app_version: String,
    /// `condition`
    pub condition: String,
    /// `tags`
    pub tags: String,
    /// `deprecated`
    pub deprecated: bool,
    /// `annotations`, in key order; `None` where the file has none.
    pub annotations: Option<Vec<(String, String)>>,
}

/// An entry of `dependencies`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependency {
    /// `name`; after processing the alias, if there is one.
    pub name: String,
    /// `version`: a constraint.
    pub version: String,
    /// `repository`: a URL, `@name`, `alias:name`, or empty for `charts/`.
    pub repository: String,
    /// `condition`: paths into the values, comma separated.
    pub condition: String,
    /// `tags`
    pub tags: Vec<String>,
    /// Whether conditions and tags leave it in.
    pub enabled: bool,
    /// `import-values`
    pub import_values: Vec<yaml::Value>,
    /// `alias`
    pub alias: String,
}

/// An entry of `maintainers`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintainer {
    /// `name`
    pub name: String,
    /// `email`
    pub email: String,
    /// `url`
    pub url: String,
}

impl Chart {
    /// Whether it is a library chart, which renders nothing of its own.
    #[must_use]
    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }
}
