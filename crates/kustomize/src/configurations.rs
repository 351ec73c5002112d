//! Transformer configurations: the field specs of every transformer, the built-in ones and those of `configurations`.

use std::sync::{Arc, LazyLock};

use yaml::v2;

use crate::error::{Error, Result};
use crate::fieldspec::{self, FieldSpec};
use crate::id::Gvk;
use crate::loader::Loader;
use crate::sort;
use crate::strict::{self, record};
use crate::version::{KustomizeVersion, Profile};

record! {
    /// Where each transformer looks.
    Config as "TransformerConfig" {
        name_prefix: Vec<FieldSpec> = "namePrefix",
        name_suffix: Vec<FieldSpec> = "nameSuffix",
        namespace: Vec<FieldSpec> = "namespace",
        common_labels: Vec<FieldSpec> = "commonLabels",
        labels: Vec<FieldSpec> = "labels",
        template_labels: Vec<FieldSpec> = "templateLabels",
        claim_labels: Vec<FieldSpec> = "volumeClaimTemplateLabels" since V5_8_3,
        common_annotations: Vec<FieldSpec> = "commonAnnotations",
        name_references: Vec<NameReference> = "nameReference",
        var_references: Vec<FieldSpec> = "varReference",
        images: Vec<FieldSpec> = "images",
        replicas: Vec<FieldSpec> = "replicas",
    }
}

record! {
    /// A kind and the places that hold names of such resources.
    NameReference as "NameBackReferences" {
        group: String = "group" in "Gvk",
        version: String = "version" in "Gvk",
        kind: String = "kind" in "Gvk",
        referrers: Vec<FieldSpec> = "fieldSpecs",
    }
}

/// What is configured where nothing is said.
fn defaults(profile: &Profile) -> &'static Arc<Config> {
    static OF_5_8_1: LazyLock<Arc<Config>> = LazyLock::new(|| defaults_of(KustomizeVersion::V5_8_1));
    static OF_5_8_3: LazyLock<Arc<Config>> = LazyLock::new(|| defaults_of(KustomizeVersion::V5_8_3));
    match profile.version {
        KustomizeVersion::V5_8_1 => &OF_5_8_1,
        KustomizeVersion::V5_8_3 => &OF_5_8_3,
    }
}

fn defaults_of(version: KustomizeVersion) -> Arc<Config> {
    let mut read = read_defaults(include_str!("../data/fieldspecs.txt"));
    let profile = version.profile();
    if profile.templates_include_claims {
        read.template_labels.append(&mut read.claim_labels);
    }
    if !profile.changes_image_volumes_of_jobs {
        read.images.retain(|spec| !spec.path.starts_with("spec/jobTemplate/"));
    }
    read.sort();
    let mut config = Config::default();
    config.merge(&read).expect("no two defaults contradict each other");
    Arc::new(config)
}

/// What a kustomization and those below it have configured. Nearly all configure nothing and share the defaults.
#[derive(Clone)]
pub(crate) struct Configured {
    config: Option<Arc<Config>>,
    profile: &'static Profile,
}

impl Configured {
    /// Nothing yet.
    pub(crate) fn new(profile: &'static Profile) -> Self {
        Self { config: None, profile }
    }

    /// The field specs in force.
    pub(crate) fn get(&self) -> &Config {
        self.config.as_deref().unwrap_or(defaults(self.profile))
    }

    fn is_default(&self) -> bool {
        self.config.as_ref().is_none_or(|config| Arc::ptr_eq(config, defaults(self.profile)))
    }

    /// Adds the defaults with what the files of one kustomization say over them.
    ///
    /// # Errors
    /// As [`Config::merge`].
    pub(crate) fn add_defaults(&mut self, own: &Config) -> Result<()> {
        let defaults = defaults(self.profile);
        if *own == Config::default() {
            return self.absorb(&Self { config: Some(defaults.clone()), ..*self });
        }
        let mut config = (**defaults).clone();
        config.merge(own)?;
        // Merged into nothing, a spec makes later ones superfluous that name fewer kinds.
        let mut before = self.config.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        before.merge(&config)?;
        self.config = Some(Arc::new(before));
        Ok(())
    }

    /// Adds what another has.
    ///
    /// # Errors
    /// As [`Config::merge`].
    pub(crate) fn absorb(&mut self, other: &Self) -> Result<()> {
        match (&self.config, &other.config) {
            (_, None) => Ok(()),
            (None, Some(_)) => {
                self.config.clone_from(&other.config);
                Ok(())
            }
            _ if self.is_default() && other.is_default() => Ok(()),
            (Some(_), Some(other)) => self.add(other),
        }
    }

    /// Adds field specs.
    ///
    /// # Errors
    /// As [`Config::merge`].
    pub(crate) fn add(&mut self, more: &Config) -> Result<()> {
        let mut config = self.config.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        config.merge(more)?;
        self.config = Some(Arc::new(config));
        Ok(())
    }
}

impl NameReference {
    fn is_about_the_kind_of(&self, other: &Self) -> bool {
        (&self.group, &self.version, &self.kind) == (&other.group, &other.version, &other.kind)
    }

    pub(crate) fn gvk(&self) -> Gvk {
        Gvk {
            group: self.group.as_str().into(),
            version: self.version.as_str().into(),
            kind: self.kind.as_str().into(),
        }
    }
}

impl Config {
    /// Reads the files of `configurations`, one after the other.
    ///
    /// # Errors
    /// A file is missing or has fields that no configuration has.
    pub(crate) fn load(loader: &Loader<'_>, files: &[String]) -> Result<Self> {
        let mut all = Self::default();
        for file in files {
            let bytes = loader.load(file)?;
            let value = v2::to_value(&bytes, &loader.shared.yaml_limits())
                .map_err(|error| Error::from(error).under("error converting YAML to JSON"))?;
            let mut config: Self = strict::read(&value, true, loader.shared.profile()).map_err(|text| {
                Error::new(format!("error unmarshaling JSON: while decoding JSON: {text}"))
            })?;
            config.sort();
            all.merge(&config)?;
        }
        Ok(all)
    }

    /// Puts every list into the order of its kinds, which decides what is superfluous in a merge.
    fn sort(&mut self) {
        let lists = [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_annotations,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.claim_labels,
            &mut self.common_labels,
            &mut self.var_references,
            &mut self.images,
            &mut self.replicas,
        ];
        lists.into_iter().for_each(|list| sort_specs(list));
        sort_references(&mut self.name_references);
    }

    /// Adds another configuration.
    ///
    /// # Errors
    /// `conflicting fieldspecs`, naming the transformer.
    pub(crate) fn merge(&mut self, more: &Self) -> Result<()> {
        let merge = |into: &mut Vec<FieldSpec>, from: &[FieldSpec], what: &str| -> Result<()> {
            let grown = fieldspec::merge(into, from)
                .map_err(|error| error.under(format!("failed to merge {what} fieldSpec")))?;
            if grown {
                sort_specs(into);
            }
            Ok(())
        };
        merge(&mut self.name_prefix, &more.name_prefix, "NamePrefix")?;
        merge(&mut self.name_suffix, &more.name_suffix, "NameSuffix")?;
        merge(&mut self.namespace, &more.namespace, "NameSpace")?;
        merge(&mut self.common_annotations, &more.common_annotations, "CommonAnnotations")?;
        merge(&mut self.labels, &more.labels, "Labels")?;
        merge(&mut self.template_labels, &more.template_labels, "TemplateLabels")?;
        merge(&mut self.claim_labels, &more.claim_labels, "VolumeClaimTemplateLabels")?;
        merge(&mut self.common_labels, &more.common_labels, "CommonLabels")?;
        merge(&mut self.var_references, &more.var_references, "VarReference")?;
        merge(&mut self.images, &more.images, "Images")?;
        merge(&mut self.replicas, &more.replicas, "Replicas")?;
        let before = self.name_references.len();
        more.name_references.iter().try_for_each(|reference| self.add_reference(reference))?;
        if self.name_references.len() > before {
            sort_references(&mut self.name_references);
        }
        Ok(())
    }

    fn add_reference(&mut self, more: &NameReference) -> Result<()> {
        match self.name_references.iter_mut().find(|old| old.is_about_the_kind_of(more)) {
            Some(old) => {
                fieldspec::merge(&mut old.referrers, &more.referrers)
                    .map_err(|error| error.under("failed to merge NameReference fieldSpec"))?;
            }
            None => self.name_references.push(more.clone()),
        }
        Ok(())
    }
}

fn sort_specs(specs: &mut [FieldSpec]) {
    specs.sort_by_cached_key(|spec| sort::gvk_key(&spec.gvk()));
}

fn sort_references(references: &mut [NameReference]) {
    references.sort_by_cached_key(|reference| sort::gvk_key(&reference.gvk()));
}

/// Reads our own format; see the head of the file.
fn read_defaults(text: &str) -> Config {
    let mut config = Config::default();
    let mut section = "";
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        } else if let Some(kind) = line.strip_prefix("> ") {
            let spec = spec_of("", false, kind);
            let (group, version, kind) = (spec.group, spec.version, spec.kind);
            config.name_references.push(NameReference { group, version, kind, referrers: Vec::new() });
        } else {
            let specs = read_line(line);
            if let Some(into) = section_of(&mut config, section) {
                into.extend(specs);
            }
        }
    }
    let templates = config.template_labels.clone();
    config.common_labels.extend(
        templates.into_iter().filter(|spec| !config.common_labels.contains(spec)).collect::<Vec<_>>(),
    );
    config
}

fn section_of<'c>(config: &'c mut Config, section: &str) -> Option<&'c mut Vec<FieldSpec>> {
    Some(match section {
        "namePrefix" => &mut config.name_prefix,
        "nameSuffix" => &mut config.name_suffix,
        "namespace" => &mut config.namespace,
        "commonLabels" => &mut config.common_labels,
        "templateLabels" => &mut config.template_labels,
        "volumeClaimTemplateLabels" => &mut config.claim_labels,
        "commonAnnotations" => &mut config.common_annotations,
        "varReference" => &mut config.var_references,
        "images" => &mut config.images,
        "replicas" => &mut config.replicas,
        "nameReference" => &mut config.name_references.last_mut()?.referrers,
        _ => return None,
    })
}

fn read_line(line: &str) -> Vec<FieldSpec> {
    let mut words = line.split(' ');
    let (path, create) = (words.next().unwrap_or_default(), words.next() == Some("!"));
    words.map(|kind| spec_of(path, create, kind)).collect()
}

/// `[group:]Kind[@version]`
fn spec_of(path: &str, create: bool, kind: &str) -> FieldSpec {
    let (group, kind) = kind.split_once(':').unwrap_or(("", kind));
    let (kind, version) = kind.split_once('@').unwrap_or((kind, ""));
    let kind = if kind == "*" { "" } else { kind };
    FieldSpec {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        ..FieldSpec::new(path, create)
    }
}
