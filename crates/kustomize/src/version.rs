//! Kustomize versions as rows of a table: every difference between them that shows in a build is a switch here.
//!
//! Source: the modules `api` and `kyaml` 0.21.1 and 0.21.3, and the released programs.

use std::fmt;
use std::str::FromStr;

/// A version of kustomize to be equal to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KustomizeVersion {
    /// Kustomize 5.8.1: what Argo CD 3.5 ships.
    V5_8_1,
    /// Kustomize 5.8.3: what Argo CD 3.6 ships.
    #[default]
    V5_8_3,
}

/// What differs between versions.
#[derive(Debug)]
pub(crate) struct Profile {
    /// The row this is.
    pub(crate) version: KustomizeVersion,
    /// The version as users write it.
    pub(crate) name: &'static str,
    /// `labels` with `includeTemplates` reach the `volumeClaimTemplates` of StatefulSets; otherwise only those with
    /// `includeVolumeClaimTemplates` or `includeSelectors` do.
    pub(crate) templates_include_claims: bool,
    /// `images` reach the image volumes of CronJobs.
    pub(crate) changes_image_volumes_of_jobs: bool,
    /// `images` match digests of any algorithm, not only of sha256.
    pub(crate) matches_any_digest: bool,
    /// An image name that is no regular expression matches nothing. The older program crashes.
    pub(crate) accepts_invalid_image_names: bool,
    /// The path of a base may not have `..` inside of a name.
    pub(crate) refuses_ambiguous_paths: bool,
    /// Replacements inside of structured text obey `delimiter`, `index` and `create`.
    pub(crate) structured_text_has_options: bool,
    /// A generated Secret merges with the `stringData` of an existing one too.
    pub(crate) merges_string_data: bool,
    /// ValidatingAdmissionPolicy and its binding are known to have no namespace.
    pub(crate) knows_admission_policies: bool,
    /// Names of charts and releases may not begin with `-`.
    pub(crate) refuses_dashed_charts: bool,
    /// Go's second JSON library is behind the first one: messages show where in the document a value is, and keys of
    /// inner maps may be whole numbers or times.
    pub(crate) has_json_v2: bool,
}

const V5_8_3: Profile = Profile {
    version: KustomizeVersion::V5_8_3,
    name: "5.8.3",
    templates_include_claims: false,
    changes_image_volumes_of_jobs: true,
    matches_any_digest: true,
    accepts_invalid_image_names: true,
    refuses_ambiguous_paths: true,
    structured_text_has_options: true,
    merges_string_data: true,
    knows_admission_policies: true,
    refuses_dashed_charts: true,
    has_json_v2: true,
};

const V5_8_1: Profile = Profile {
    version: KustomizeVersion::V5_8_1,
    name: "5.8.1",
    templates_include_claims: true,
    changes_image_volumes_of_jobs: false,
    matches_any_digest: false,
    accepts_invalid_image_names: false,
    refuses_ambiguous_paths: false,
    structured_text_has_options: false,
    merges_string_data: false,
    knows_admission_policies: false,
    refuses_dashed_charts: false,
    has_json_v2: false,
};

impl KustomizeVersion {
    /// All versions, oldest first.
    pub const ALL: [Self; 2] = [Self::V5_8_1, Self::V5_8_3];

    /// What is special about it.
    pub(crate) const fn profile(self) -> &'static Profile {
        match self {
            Self::V5_8_1 => &V5_8_1,
            Self::V5_8_3 => &V5_8_3,
        }
    }

    /// The version as users write it, such as `5.8.3`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.profile().name
    }
}

impl fmt::Display for KustomizeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KustomizeVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.strip_prefix('v').unwrap_or(text);
        Self::ALL.into_iter().find(|version| version.name() == wanted).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            format!("kustomize version {text:?} is not known; known are {known}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_they_are_written() {
        for version in KustomizeVersion::ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
            assert_eq!(version.profile().version, version);
        }
        let error = "5.8".parse::<KustomizeVersion>().unwrap_err();
        assert_eq!(error, "kustomize version \"5.8\" is not known; known are 5.8.1, 5.8.3");
    }

    #[test]
    fn the_newest_is_the_default() {
        assert_eq!(KustomizeVersion::ALL.last(), Some(&KustomizeVersion::default()));
    }
}
