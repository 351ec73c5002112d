//! The built-in generators and transformers of one kustomization, in kustomize's order, configured and ready to run.
//!
//! Source: kustomize 5.8.1 `api/internal/target/kusttarget_configplugin.go`.

use yaml::{Value, v2};

use crate::accumulate::Target;
use crate::configurations::Config;
use crate::error::{Error, Result};
use crate::fieldspec::{self, FieldSpec};
use crate::generators::{self, helm};
use crate::kustomization::{Label, Patch};
use crate::names::{self, Affix};
use crate::namespace::{Namespace, Subjects};
use crate::origin::Origin;
use crate::patches::{self, Json6902, StrategicList};
use crate::plugin_kinds::{GeneratorKind, TransformerKind};
use crate::replacements::{self, Replacement};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::{images, labels, replicas};

/// A generator, ready to run.
pub(crate) struct Generator<'s> {
    pub(crate) kind: GeneratorKind,
    pub(crate) make: Make<'s>,
    pub(crate) origin: Option<Origin>,
}

/// What a generator does.
pub(crate) type Make<'s> = Box<dyn Fn() -> Result<Vec<Resource>> + 's>;

/// A transformer, ready to run.
pub(crate) struct Step<'s> {
    pub(crate) kind: TransformerKind,
    pub(crate) run: Run<'s>,
    pub(crate) origin: Option<Origin>,
}

/// What a transformer does.
pub(crate) type Run<'s> = Box<dyn Fn(&mut ResMap) -> Result<()> + 's>;

impl Generator<'_> {
    /// An error of its resources meeting others, as Go prints the generator.
    pub(crate) fn merging(&self, error: Error) -> Error {
        let origin = if self.origin.is_some() { "0x0" } else { "<nil>" };
        error.under(format!("merging from generator &{{0x0 {origin}}}"))
    }
}

/// The generators of a kustomization's own fields.
///
/// # Errors
/// The configuration of a chart.
pub(crate) fn generators<'s>(target: &'s Target<'_>) -> Result<Vec<Generator<'s>>> {
    let (k, loader) = (&target.kustomization, &target.loader);
    let global = k.generator_options.as_ref();
    let mut all = Vec::new();
    let mut add = |kind: GeneratorKind, make: Make<'s>| {
        all.push(Generator { kind, make, origin: target.origin_of(kind.name()) });
    };
    for args in &k.config_maps {
        let make = move || Ok(vec![generators::config_map(loader, args, global)?]);
        add(GeneratorKind::ConfigMap, Box::new(make));
    }
    for args in &k.secrets {
        let make = move || Ok(vec![generators::secret(loader, args, global)?]);
        add(GeneratorKind::Secret, Box::new(make));
    }
    let globals = k.helm_globals.clone().unwrap_or_default();
    for chart in &k.helm_charts {
        let mut chart = chart.clone();
        if chart.namespace.is_empty() {
            target.helm_namespace().clone_into(&mut chart.namespace);
        }
        let config = helm::config_of(&globals, &chart);
        let inflation = helm::Inflation::new(loader, &globals, chart)
            .map_err(|error| configuring(error, "HelmChartInflationGenerator", &config))?;
        add(GeneratorKind::HelmChartInflation, Box::new(move || inflation.generate()));
    }
    Ok(all)
}

/// The transformers of a kustomization's own fields.
///
/// # Errors
/// The configuration of one of them.
pub(crate) fn transformers<'s>(target: &'s Target<'_>, config: &'s Config) -> Result<Vec<Step<'s>>> {
    let mut steps = Steps { target, config, list: Vec::new() };
    steps.patches()?;
    steps.namespace();
    steps.names();
    steps.labels()?;
    steps.json_patches()?;
    steps.counts_and_images();
    steps.replacements()?;
    Ok(steps.list)
}

struct Steps<'s, 't> {
    target: &'s Target<'t>,
    config: &'s Config,
    list: Vec<Step<'s>>,
}

impl<'s> Steps<'s, '_> {
    fn add(&mut self, kind: TransformerKind, run: impl Fn(&mut ResMap) -> Result<()> + 's) {
        self.list.push(Step { kind, run: Box::new(run), origin: self.target.origin_of(kind.name()) });
    }

    fn patches(&mut self) -> Result<()> {
        let Target { loader, kustomization: k, build, .. } = self.target;
        if let Some(paths) = k.patches_strategic_merge.as_ref().filter(|paths| !paths.is_empty()) {
            let list = StrategicList::read(loader, paths, "").map_err(|error| {
                configuring(error, "PatchStrategicMergeTransformer", &paths_config(paths))
            })?;
            self.add(TransformerKind::PatchStrategicMerge, move |map| list.apply(map, &build.schema()));
        }
        for patch in &k.patches {
            let config = patches::config_of(patch);
            let loaded = patches::Loaded::read(loader, patch, &v2::emit(&config))
                .map_err(|error| configuring(error, "PatchTransformer", &config))?;
            self.add(TransformerKind::Patch, move |map| loaded.apply(map, &build.schema()));
        }
        Ok(())
    }

    fn namespace(&mut self) {
        let namespace = &self.target.kustomization.namespace;
        if namespace.is_empty() {
            return;
        }
        let namespace = Namespace {
            namespace: namespace.clone(),
            unset_only: false,
            subjects: Subjects::default(),
            specs: self.config.namespace.clone(),
        };
        self.add(TransformerKind::Namespace, move |map| namespace.transform(map));
    }

    fn names(&mut self) {
        let (k, config) = (&self.target.kustomization, self.config);
        if !k.name_prefix.is_empty() {
            let prefix = Affix::Prefix(&k.name_prefix);
            self.add(TransformerKind::Prefix, move |map| names::transform(map, prefix, &config.name_prefix));
        }
        if !k.name_suffix.is_empty() {
            let suffix = Affix::Suffix(&k.name_suffix);
            self.add(TransformerKind::Suffix, move |map| names::transform(map, suffix, &config.name_suffix));
        }
    }

    fn labels(&mut self) -> Result<()> {
        let (k, config) = (&self.target.kustomization, self.config);
        for label in &k.labels {
            let specs = label_specs(label, config)?;
            self.add(TransformerKind::Label, move |map| labels::transform(map, &label.pairs, &specs));
        }
        let common = k.common_labels.as_ref().filter(|labels| !labels.is_empty());
        if common.is_some() || !k.labels.is_empty() {
            self.add(TransformerKind::Label, move |map| {
                common.map_or(Ok(()), |pairs| labels::transform(map, pairs, &config.common_labels))
            });
        }
        let annotations = &k.common_annotations;
        if !annotations.is_empty() {
            self.add(TransformerKind::Annotations, move |map| {
                labels::transform(map, annotations, &config.common_annotations)
            });
        }
        Ok(())
    }

    fn json_patches(&mut self) -> Result<()> {
        for patch in self.target.kustomization.patches_json6902.iter().flatten() {
            let loaded = Json6902::read(&self.target.loader, patch)
                .map_err(|error| configuring(error, "PatchJson6902Transformer", &json_config(patch)))?;
            self.add(TransformerKind::PatchJson6902, move |map| loaded.apply(map));
        }
        Ok(())
    }

    fn counts_and_images(&mut self) {
        let (k, config) = (&self.target.kustomization, self.config);
        let profile = self.target.loader.shared.profile();
        for replica in &k.replicas {
            self.add(TransformerKind::ReplicaCount, move |map| {
                replicas::transform(map, replica, &config.replicas)
            });
        }
        for image in &k.images {
            self.add(TransformerKind::ImageTag, move |map| {
                images::transform(map, image, &config.images, profile)
            });
        }
    }

    fn replacements(&mut self) -> Result<()> {
        let k = &self.target.kustomization;
        if k.replacements.is_empty() {
            return Ok(());
        }
        let list = Replacement::load_all(&self.target.loader, &k.replacements)?;
        self.add(TransformerKind::Replacement, move |map| replacements::transform(map, &list));
        Ok(())
    }
}

fn paths_config(paths: &[String]) -> Value {
    let mut config = yaml::Map::new();
    let paths: Vec<Value> = paths.iter().map(|path| path.as_str().into()).collect();
    config.insert("paths", paths.into());
    config.into()
}

fn configuring(error: Error, plugin: &str, config: &Value) -> Error {
    let config = v2::emit(config);
    error.under(format!("trouble configuring builtin {plugin} with config: `\n{config}`"))
}

fn json_config(patch: &Patch) -> Value {
    let mut map = yaml::Map::new();
    for (key, text) in [("path", &patch.path), ("jsonOp", &patch.patch)] {
        if !text.is_empty() {
            map.insert(key, text.as_str().into());
        }
    }
    if let Some(target) = &patch.target {
        map.insert("target", patches::selector_value(target));
    }
    map.into()
}

/// Where the labels of an entry go.
fn label_specs(label: &Label, config: &Config) -> Result<Vec<FieldSpec>> {
    let merge_as = |what: &'static str, into: &mut Vec<FieldSpec>, more: &[FieldSpec]| {
        fieldspec::merge(into, more).map_err(|error| error.under(format!("failed to merge {what}")))
    };
    let merge = |into: &mut Vec<FieldSpec>, more: &[FieldSpec]| merge_as("labels", into, more);
    let mut specs = label.fields.clone();
    merge(&mut specs, &config.labels)?;
    if label.include_selectors {
        merge(&mut specs, &config.common_labels)?;
    } else {
        if label.include_templates {
            merge_as("template fieldSpec", &mut specs, &config.template_labels)?;
        }
        if label.include_claims {
            merge_as("volumeClaimTemplate fieldSpec", &mut specs, &config.claim_labels)?;
        }
        merge(&mut specs, &[FieldSpec::new("metadata/labels", true)])?;
    }
    Ok(specs)
}
