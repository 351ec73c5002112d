//! The kustomization file: its fields, how it is found and read, and what its old fields mean.
//!
//! Sources: kustomize 5.8.1 `api/types/kustomization.go`, `api/internal/target/kusttarget.go:Load`.

use std::collections::BTreeMap;

use tree::TreePath;
use yaml::{Value, v2};

use crate::error::{Error, Result};
use crate::fieldspec::FieldSpec;
use crate::generators::helm;
use crate::loader::Loader;
use crate::replacements::ReplacementField;
use crate::selector::Selector;
use crate::strict::{self, record};

record! {
    /// A kustomization or component.
    Kustomization as "Kustomization" {
        api_version: String = "apiVersion" in "TypeMeta",
        kind: String = "kind" in "TypeMeta",
        metadata: Option<Metadata> = "metadata",
        openapi: BTreeMap<String, String> = "openapi",
        name_prefix: String = "namePrefix",
        name_suffix: String = "nameSuffix",
        namespace: String = "namespace",
        common_labels: Option<BTreeMap<String, String>> = "commonLabels",
        labels: Vec<Label> = "labels",
        common_annotations: BTreeMap<String, String> = "commonAnnotations",
        patches_strategic_merge: Option<Vec<String>> = "patchesStrategicMerge",
        patches_json6902: Option<Vec<Patch>> = "patchesJson6902",
        patches: Vec<Patch> = "patches",
        images: Vec<Image> = "images",
        image_tags: Option<Vec<Image>> = "imageTags",
        replacements: Vec<ReplacementField> = "replacements",
        replicas: Vec<Replica> = "replicas",
        sort_options: Option<SortOptions> = "sortOptions",
        vars: Option<Vec<Var>> = "vars",
        resources: Vec<String> = "resources",
        components: Vec<String> = "components",
        crds: Vec<String> = "crds",
        bases: Option<Vec<String>> = "bases",
        config_maps: Vec<ConfigMapArgs> = "configMapGenerator",
        secrets: Vec<SecretArgs> = "secretGenerator",
        helm_globals: Option<helm::Globals> = "helmGlobals",
        helm_charts: Vec<helm::Chart> = "helmCharts",
        helm_inflation: Vec<helm::OldChart> = "helmChartInflationGenerator",
        generator_options: Option<GeneratorOptions> = "generatorOptions",
        configurations: Vec<String> = "configurations",
        generators: Vec<String> = "generators",
        transformers: Vec<String> = "transformers",
        validators: Vec<String> = "validators",
        build_metadata: Vec<String> = "buildMetadata",
    }
}

record! {
    /// What a kustomization says about itself; nothing is made of it.
    Metadata as "ObjectMeta" {
        name: String = "name",
        namespace: String = "namespace",
        labels: BTreeMap<String, String> = "labels",
        annotations: BTreeMap<String, String> = "annotations",
    }
}

record! {
    /// Labels and where they go.
    Label as "Label" {
        pairs: BTreeMap<String, String> = "pairs",
        include_selectors: bool = "includeSelectors",
        include_templates: bool = "includeTemplates",
        include_claims: bool = "includeVolumeClaimTemplates" since V5_8_3,
        fields: Vec<FieldSpec> = "fields",
    }
}

record! {
    /// A patch of either kind, in a file or written here.
    Patch as "Patch" {
        path: String = "path",
        patch: String = "patch",
        target: Option<Selector> = "target",
        options: Option<PatchOptions> = "options",
    }
}

record! {
    /// What a strategic merge may change besides.
    PatchOptions as "PatchArgs" {
        allow_name_change: bool = "allowNameChange",
        allow_kind_change: bool = "allowKindChange",
    }
}

record! {
    /// A change of an image.
    Image as "Image" {
        name: String = "name",
        new_name: String = "newName",
        tag_suffix: String = "tagSuffix",
        new_tag: String = "newTag",
        digest: String = "digest",
    }
}

record! {
    /// A number of replicas.
    Replica as "Replica" {
        name: String = "name",
        count: i64 = "count",
    }
}

record! {
    /// The order of the output.
    SortOptions as "SortOptions" {
        order: String = "order",
        legacy: Option<LegacySort> = "legacySortOptions",
    }
}

record! {
    /// The kinds that come first and last.
    LegacySort as "LegacySortOptions" {
        first: Vec<String> = "orderFirst",
        last: Vec<String> = "orderLast",
    }
}

record! {
    /// A variable.
    Var as "Var" {
        name: String = "name",
        object: VarTarget = "objref",
        field: VarField = "fieldref",
    }
}

record! {
    /// The resource a variable is taken from.
    VarTarget as "Target" {
        api_version: String = "apiVersion",
        group: String = "group" in "Gvk",
        version: String = "version" in "Gvk",
        kind: String = "kind" in "Gvk",
        name: String = "name",
        namespace: String = "namespace",
    }
}

record! {
    /// The field a variable is taken from.
    VarField as "FieldSelector" {
        path: String = "fieldPath",
    }
}

record! {
    /// A ConfigMap to make.
    ConfigMapArgs as "ConfigMapArgs" {
        name: String = "name" in "GeneratorArgs",
        namespace: String = "namespace" in "GeneratorArgs",
        behavior: String = "behavior" in "GeneratorArgs",
        literals: Vec<String> = "literals" in "GeneratorArgs.KvPairSources",
        files: Vec<String> = "files" in "GeneratorArgs.KvPairSources",
        envs: Vec<String> = "envs" in "GeneratorArgs.KvPairSources",
        env: String = "env" in "GeneratorArgs.KvPairSources",
        options: Option<GeneratorOptions> = "options" in "GeneratorArgs",
    }
}

record! {
    /// A Secret to make.
    SecretArgs as "SecretArgs" {
        name: String = "name" in "GeneratorArgs",
        namespace: String = "namespace" in "GeneratorArgs",
        behavior: String = "behavior" in "GeneratorArgs",
        literals: Vec<String> = "literals" in "GeneratorArgs.KvPairSources",
        files: Vec<String> = "files" in "GeneratorArgs.KvPairSources",
        envs: Vec<String> = "envs" in "GeneratorArgs.KvPairSources",
        env: String = "env" in "GeneratorArgs.KvPairSources",
        options: Option<GeneratorOptions> = "options" in "GeneratorArgs",
        r#type: String = "type",
    }
}

record! {
    /// What generated resources look like besides their data.
    GeneratorOptions as "GeneratorOptions" {
        labels: BTreeMap<String, String> = "labels",
        annotations: BTreeMap<String, String> = "annotations",
        disable_hash: bool = "disableNameSuffixHash",
        immutable: bool = "immutable",
    }
}

/// The names of the file; exactly one may be there.
pub(crate) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

impl Kustomization {
    pub(crate) fn is_component(&self) -> bool {
        self.kind == "Component"
    }

    /// Reads the kustomization of a folder and answers it with the name of its file.
    ///
    /// # Errors
    /// None or several are there; it is not what kustomize takes.
    pub(crate) fn load(loader: &Loader<'_>) -> Result<(Self, &'static str)> {
        let (name, file) = find(loader)?;
        let invalid = |text: String| Error::new(format!("invalid Kustomization: {text}"));
        let limits = loader.shared.yaml_limits();
        let value = loader.kustomization(&file, |bytes| {
            v2::to_value(bytes, &limits).map_err(|error| invalid(error.to_string()))
        })?;
        let mut out: Self =
            strict::read_as("Kustomization", &value, true, loader.shared.profile()).map_err(invalid)?;
        out.warn(loader);
        out.fix();
        if is_empty(&value) {
            return Err(Error::new("kustomization.yaml is empty"));
        }
        out.check_type(loader)?;
        Ok((out, name))
    }

    /// Old fields are told on standard error.
    fn warn(&self, loader: &Loader<'_>) {
        let old = [
            (self.bases.is_some(), "bases", "resources"),
            (self.common_labels.is_some(), "commonLabels", "labels"),
            (self.image_tags.is_some(), "imageTags", "images"),
            (self.patches_json6902.is_some(), "patchesJson6902", "patches"),
            (self.patches_strategic_merge.is_some(), "patchesStrategicMerge", "patches"),
            (self.vars.is_some(), "vars", "replacements"),
        ];
        for (_, field, instead) in old.iter().filter(|(used, ..)| *used) {
            let note = if *field == "vars" { " [EXPERIMENTAL]" } else { "" };
            loader.shared.warnings.borrow_mut().push(format!(
                "# Warning: '{field}' is deprecated. Please use '{instead}' instead.{note} \
                 Run 'kustomize edit fix' to update your Kustomization automatically."
            ));
        }
    }

    /// Old fields become new ones.
    fn fix(&mut self) {
        if self.kind.is_empty() {
            "Kustomization".clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            let version = if self.is_component() { "v1alpha1" } else { "v1beta1" };
            self.api_version = format!("kustomize.config.k8s.io/{version}");
        }
        self.resources.extend(self.bases.take().unwrap_or_default());
        self.images.extend(self.image_tags.take().unwrap_or_default());
        for args in &mut self.config_maps {
            args.envs.extend(Some(std::mem::take(&mut args.env)).filter(|env| !env.is_empty()));
        }
        for args in &mut self.secrets {
            args.envs.extend(Some(std::mem::take(&mut args.env)).filter(|env| !env.is_empty()));
        }
        let charts = std::mem::take(&mut self.helm_inflation);
        if self.helm_globals.is_none() {
            self.helm_globals = helm::old_globals(&charts);
        }
        self.helm_charts.extend(charts.into_iter().map(helm::OldChart::modern));
    }

    fn check_type(&self, loader: &Loader<'_>) -> Result<()> {
        let version = match self.kind.as_str() {
            "Component" => "kustomize.config.k8s.io/v1alpha1",
            _ => "kustomize.config.k8s.io/v1beta1",
        };
        let mut wrong = Vec::new();
        if !matches!(self.kind.as_str(), "Component" | "Kustomization") {
            wrong.push("kind should be Kustomization or Component".to_owned());
        }
        if self.api_version != version {
            wrong.push(format!("apiVersion for {} should be {version}", self.kind));
        }
        if wrong.is_empty() { Ok(()) } else { Err(refused_type(loader, &wrong.join("\n"))) }
    }
}

fn refused_type(loader: &Loader<'_>, text: &str) -> Error {
    Error::new(format!("Failed to read kustomization file under {}:\n{text}", loader.shown_root()))
}

fn find(loader: &Loader<'_>) -> Result<(&'static str, TreePath)> {
    let mut found = Vec::new();
    for name in NAMES {
        match loader.locate(name) {
            Ok(file) => found.push((name, file)),
            Err(error) if error.is_final() => return Err(error),
            Err(_) => {}
        }
    }
    let root = loader.shown_root();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Error::new(format!(
            "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{root}'"
        ))),
        _ => Err(Error::new(format!("Found multiple kustomization files under: {root}\n"))),
    }
}

/// Whether nothing but the type is said; an empty list says something.
fn is_empty(value: &Value) -> bool {
    let zero = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    let is_type = |key: &str| key.eq_ignore_ascii_case("kind") || key.eq_ignore_ascii_case("apiVersion");
    value.as_map().is_none_or(|map| map.iter().all(|(key, value)| is_type(key) || zero(value)))
}
