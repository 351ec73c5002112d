//! Helm versions as rows of a table: every difference in output between them is a switch here.
//!
//! Source: the switch matrix measured against the released programs.

use std::fmt;
use std::str::FromStr;

use crate::capabilities;

/// A version of helm to be equal to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HelmVersion {
    /// Helm 3.21.4.
    V3_21_4,
    /// Helm 4.2.1: what Argo CD 3.5 ships.
    V4_2_1,
    /// Helm 4.2.4.
    V4_2_4,
    /// Helm 4.3.1: what Argo CD 3.6 ships.
    V4_3_1,
    /// Helm 4.3.2.
    #[default]
    V4_3_2,
}

/// What differs in output between versions.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The version as users write it.
    pub name: &'static str,
    /// Documents are split at `^---[ \t]*` instead of `(?:^|\s*\n)---\s*`.
    pub splits_at_line_start: bool,
    /// White space after a document is kept.
    pub keeps_trailing_space: bool,
    /// `.Chart` is a map of Go field names instead of a struct.
    pub chart_is_map: bool,
    /// All documents of a values file count, not only the first.
    pub merges_value_documents: bool,
    /// A chart default of `null` whose key the user does not set is dropped.
    pub drops_null_defaults: bool,
    /// A parent's `sub.key: null` deletes a subchart's default even when the user sets nothing under `sub`.
    pub parent_null_deletes: bool,
    /// Webhook configurations have a place in the install order.
    pub orders_webhooks: bool,
    /// Execution errors are printed as blocks of lines, and other helm 4 texts.
    pub prints_error_blocks: bool,
    /// `mustToYaml`, helm's own `mustToJson`, `--set-json '{…}'`.
    pub has_must_encoders: bool,
    /// `mustToToml`.
    pub has_must_to_toml: bool,
    /// `.Files.Lines` of an empty file fails instead of giving no lines.
    pub empty_lines_fail: bool,
    /// `.Capabilities.HelmVersion.KubeClientVersion` exists.
    pub has_client_version: bool,
    /// `--kube-version` keeps what follows the numbers.
    pub keeps_kube_suffix: bool,
    /// A chart of `apiVersion: v3` is refused.
    pub refuses_chart_v3: bool,
    /// Metadata of an aliased dependency is copied before it is renamed.
    pub copies_aliased: bool,
    /// `mustToDuration`, `durationSeconds` and their kin.
    pub has_durations: bool,
    /// A file of more than 5 MiB refuses the chart.
    pub limits_files: bool,
    /// A folder of more than 100 MiB refuses the chart, as an archive does in every version.
    pub limits_folders: bool,
    /// The last line of a values file without a newline is lost where its length is a multiple of 4,096.
    pub loses_long_last_line: bool,
    /// The cluster that is rendered for where nobody names one.
    pub client: &'static Client,
    /// What the program says of its own build.
    pub build: Build,
    /// Go's names of the types that templates can ask for.
    pub types: &'static Types,
}

/// The Kubernetes client a version is built with.
#[derive(Debug)]
pub struct Client {
    /// Major and minor version (`.Capabilities.HelmVersion.KubeClientVersion`).
    pub name: &'static str,
    /// The default of `.Capabilities.KubeVersion`.
    pub kube_version: &'static str,
    /// The default of `.Capabilities.APIVersions`.
    pub api_versions: &'static [&'static str],
}

/// What a program says of its own build (`.Capabilities.HelmVersion`). Empty where it is not known for sure.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// The version with its `v`.
    pub version: &'static str,
    /// The commit it was built from.
    pub commit: &'static str,
    /// `clean`
    pub tree_state: &'static str,
    /// The version of Go.
    pub go: &'static str,
}

/// Go's names of types (`typeOf`, and error texts).
#[derive(Debug)]
pub struct Types {
    /// `.Values`
    pub values: &'static str,
    /// `.Capabilities`
    pub capabilities: &'static str,
    /// `.Capabilities.KubeVersion`
    pub kube_version: &'static str,
    /// `.Capabilities.APIVersions`
    pub version_set: &'static str,
    /// The package of what `Chart.yaml` is read into.
    pub chart_package: &'static str,
    /// `Chart.yaml` of the outermost chart is read once before, for its version of the format.
    pub reads_base: bool,
}

const COMMON: Types = Types {
    values: "common.Values",
    capabilities: "*common.Capabilities",
    kube_version: "common.KubeVersion",
    version_set: "common.VersionSet",
    chart_package: "v2",
    reads_base: true,
};

const CHARTUTIL: Types = Types {
    values: "chartutil.Values",
    capabilities: "*chartutil.Capabilities",
    kube_version: "chartutil.KubeVersion",
    version_set: "chartutil.VersionSet",
    chart_package: "chart",
    reads_base: false,
};

const V4: Profile = Profile {
    name: "4.3.2",
    splits_at_line_start: true,
    keeps_trailing_space: true,
    chart_is_map: true,
    merges_value_documents: true,
    drops_null_defaults: true,
    parent_null_deletes: false,
    orders_webhooks: true,
    prints_error_blocks: true,
    has_must_encoders: true,
    has_must_to_toml: true,
    empty_lines_fail: false,
    has_client_version: true,
    keeps_kube_suffix: true,
    refuses_chart_v3: true,
    copies_aliased: true,
    has_durations: true,
    limits_files: false,
    limits_folders: true,
    loses_long_last_line: false,
    client: &capabilities::CLIENT_1_37,
    build: Build { version: "v4.3.2", commit: "", tree_state: "clean", go: "go1.26.8" },
    types: &COMMON,
};

const V4_3_1: Profile = Profile { name: "4.3.1", build: Build { version: "v4.3.1", ..V4.build }, ..V4 };

const V4_2_4: Profile = Profile {
    name: "4.2.4",
    empty_lines_fail: true,
    has_durations: false,
    limits_files: true,
    limits_folders: false,
    loses_long_last_line: true,
    client: &capabilities::CLIENT_1_36,
    build: Build { version: "v4.2.4", commit: "", tree_state: "clean", go: "go1.26.6" },
    ..V4
};

const V4_2_1: Profile = Profile {
    name: "4.2.1",
    splits_at_line_start: false,
    build: Build {
        version: "v4.2.1",
        commit: "d591a19b953bd9cfdf7d9ddd83c2f4ffdaeafb29",
        tree_state: "clean",
        go: "go1.26.6",
    },
    ..V4_2_4
};

const V3: Profile = Profile {
    name: "3.21.4",
    splits_at_line_start: false,
    keeps_trailing_space: false,
    chart_is_map: false,
    merges_value_documents: false,
    drops_null_defaults: false,
    parent_null_deletes: true,
    orders_webhooks: false,
    prints_error_blocks: false,
    has_must_encoders: false,
    has_must_to_toml: false,
    empty_lines_fail: false,
    has_client_version: false,
    keeps_kube_suffix: false,
    refuses_chart_v3: false,
    copies_aliased: false,
    has_durations: false,
    limits_files: true,
    limits_folders: false,
    loses_long_last_line: false,
    client: &capabilities::CLIENT_1_36,
    build: Build { version: "v3.21.4", commit: "", tree_state: "", go: "go1.26.6" },
    types: &CHARTUTIL,
};

impl HelmVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 5] = [Self::V3_21_4, Self::V4_2_1, Self::V4_2_4, Self::V4_3_1, Self::V4_3_2];

    /// The version's switches.
    #[must_use]
    pub const fn profile(self) -> &'static Profile {
        match self {
            Self::V3_21_4 => &V3,
            Self::V4_2_1 => &V4_2_1,
            Self::V4_2_4 => &V4_2_4,
            Self::V4_3_1 => &V4_3_1,
            Self::V4_3_2 => &V4,
        }
    }
}

impl fmt::Display for HelmVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.profile().name)
    }
}

impl FromStr for HelmVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.strip_prefix('v').unwrap_or(text);
        Self::ALL.into_iter().find(|version| version.profile().name == wanted).ok_or_else(|| {
            let known = Self::ALL.map(|version| version.to_string()).join(", ");
            format!("helm version {text:?} is not known; known are {known}")
        })
    }
}
