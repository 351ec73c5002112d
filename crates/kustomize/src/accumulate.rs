//! One kustomization after the other: resources, bases, generators, components, transformers.
//!
//! Source: kustomize 5.8.1 `api/internal/target/kusttarget.go`.

use std::cell::RefCell;

use yaml::{Value, v2};

use crate::builtin_plugins::Plugins;
use crate::configurations::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::{self, FieldSpec};
use crate::kustomization::{Kustomization, Label, Patch, Var};
use crate::loader::Loader;
use crate::names::Affix;
use crate::namespace::{Namespace, Subjects};
use crate::patches::{self, Json6902, StrategicList};
use crate::replacements::Replacement;
use crate::resmap::ResMap;
use crate::schema::{self, Schema};
use crate::{generators, images, labels, names, openapi, reader, replacements, replicas, vars};

/// What has been gathered on the way up.
#[derive(Default)]
pub(crate) struct Accumulator {
    pub(crate) map: ResMap,
    pub(crate) config: Config,
    pub(crate) vars: Vec<Var>,
}

/// What the whole build shares besides the tree.
pub(crate) struct Build {
    /// The schema in force; the first kustomization that brings one decides.
    pub(crate) schema: RefCell<Schema>,
    pub(crate) has_own_schema: RefCell<bool>,
}

impl Default for Build {
    fn default() -> Self {
        Self { schema: RefCell::new(schema::builtin()), has_own_schema: RefCell::new(false) }
    }
}

impl Build {
    /// The schema in force.
    pub(crate) fn schema(&self) -> Schema {
        self.schema.borrow().clone()
    }
}

/// A kustomization and where it lies.
pub(crate) struct Target<'t> {
    pub(crate) loader: Loader<'t>,
    pub(crate) kustomization: Kustomization,
    build: &'t Build,
}

impl<'t> Target<'t> {
    /// Reads the kustomization of a folder.
    ///
    /// # Errors
    /// As [`Kustomization::load`], or it asks for something that is never done here.
    pub(crate) fn load(loader: Loader<'t>, build: &'t Build) -> Result<Self> {
        let (kustomization, file) = Kustomization::load(&loader)?;
        let target = Self { loader, kustomization, build };
        target.refuse_programs(file)?;
        Ok(target)
    }

    /// What is not built here yet, or never.
    fn refuse_programs(&self, file: &str) -> Result<()> {
        let k = &self.kustomization;
        let path = self.loader.shown_root();
        let refuse = |what: &str, why: &str| {
            Err(Error::of(ErrorKind::Refused, format!("{path}/{file}: {what} {why}")))
        };
        if !k.helm_charts.is_empty() {
            return refuse("helmCharts", "are not available in this engine");
        }
        if !k.crds.is_empty() {
            return refuse("crds", "are not available in this engine");
        }
        if k.build_metadata.iter().any(|name| name == "originAnnotations" || name == "transformerAnnotations")
        {
            return refuse("buildMetadata annotations", "are not available in this engine");
        }
        Ok(())
    }

    /// Goes through the whole kustomization on top of what `into` holds.
    pub(crate) fn accumulate(&self, into: &mut Accumulator) -> Result<()> {
        openapi::apply(&self.loader, &self.kustomization.openapi, self.build)?;
        self.loader.shared.check_stop()?;
        for path in &self.kustomization.resources {
            self.add_resource(into, path).map_err(|error| error.under("accumulating resources"))?;
        }
        let mut config = Config::defaults().clone();
        config.merge(&Config::load(&self.loader, &self.kustomization.configurations)?)?;
        into.config.merge(&config)?;
        self.generate(into)?;
        for path in &self.kustomization.components {
            self.add_component(into, path).map_err(|error| error.under("accumulating components"))?;
        }
        self.transform(into)?;
        self.transform_externally(into)?;
        self.validate(into)?;
        match &self.kustomization.vars {
            Some(vars) => vars::add(&mut into.vars, &mut into.map, vars),
            None => Ok(()),
        }
    }

    /// The resources that entries of `generators`, `transformers` or `validators` describe: those written in place,
    /// then those of files and folders.
    fn plugin_resources(&self, entries: &[String]) -> Result<ResMap> {
        let mut found = Accumulator::default();
        let mut paths = Vec::new();
        for entry in entries {
            match reader::resources(entry.as_bytes(), &self.loader.shared.yaml_limits()) {
                Ok(resources) => found.map.append(resources)?,
                Err(_) => paths.push(entry),
            }
        }
        paths.into_iter().try_for_each(|path| self.add_resource(&mut found, path))?;
        Ok(found.map)
    }

    fn plugins(&self) -> Plugins<'_, 't> {
        Plugins { loader: &self.loader, build: self.build }
    }

    fn generate_externally(&self, into: &mut Accumulator) -> Result<()> {
        let named = |error: Error| error.under("loading generator plugins");
        let resources = self.plugin_resources(&self.kustomization.generators).map_err(named)?;
        for resource in &resources.list {
            let made = self
                .plugins()
                .generate(resource)
                .map_err(|error| error.under("failed to load generator"))
                .map_err(named)?;
            into.map.absorb(made).map_err(merging)?;
        }
        Ok(())
    }

    fn transform_externally(&self, into: &mut Accumulator) -> Result<()> {
        let resources = self.plugin_resources(&self.kustomization.transformers)?;
        let steps: Result<Vec<_>> =
            resources.list.iter().map(|resource| self.plugins().transformer(resource)).collect();
        for step in steps? {
            step(&mut into.map)?;
            into.map.drop_gone();
        }
        Ok(())
    }

    /// Validators are transformers that may change nothing but the label `validated-by`.
    fn validate(&self, into: &mut Accumulator) -> Result<()> {
        let resources = self.plugin_resources(&self.kustomization.validators)?;
        for resource in &resources.list {
            let step = self.plugins().transformer(resource)?;
            let mut copy = into.map.clone();
            step(&mut copy)?;
            for resource in &mut copy.list {
                let mut labels = resource.texts("labels");
                if labels.remove("validated-by").is_some() {
                    resource.set_texts("labels", &labels);
                }
            }
            let same = copy.list.len() == into.map.list.len()
                && copy.list.iter().zip(&into.map.list).all(|(a, b)| a.node == b.node);
            if !same {
                return Err(Error::new("validator shouldn't modify the resource map"));
            }
        }
        Ok(())
    }

    /// A file of resources, or else a folder with a kustomization.
    fn add_resource(&self, into: &mut Accumulator, path: &str) -> Result<()> {
        let Err(file_error) = self.add_file(into, path) else { return Ok(()) };
        if file_error.is_final() {
            return Err(file_error);
        }
        let done = self.loader.enter(path).and_then(|loader| self.add_base(into, loader));
        done.map_err(|error| match (error.is_final(), file_error.kind()) {
            (true, _) => error,
            (false, ErrorKind::Malformed) => file_error,
            (false, _) => error.under(format!("accumulation err='{file_error}'")),
        })
    }

    fn add_file(&self, into: &mut Accumulator, path: &str) -> Result<()> {
        let read = || -> Result<ResMap> {
            let bytes = self.loader.load(path)?;
            let resources = reader::resources(&bytes, &self.loader.shared.yaml_limits())
                .map_err(|error| malformed(error, path))?;
            let mut map = ResMap::default();
            map.append(resources)?;
            Ok(map)
        };
        let file = read().map_err(|error| error.under(format!("accumulating resources from '{path}'")))?;
        self.append(into, file).map_err(|error| error.under(format!("merging resources from '{path}'")))
    }

    fn append(&self, into: &mut Accumulator, more: ResMap) -> Result<()> {
        into.map.append(more.list)?;
        let most = self.loader.shared.options.limits.resources;
        if into.map.list.len() > most {
            return Err(Error::of(ErrorKind::Limit, format!("the build has more than {most} resources")));
        }
        Ok(())
    }

    fn add_base(&self, into: &mut Accumulator, loader: Loader<'t>) -> Result<()> {
        let path = loader.shown_root();
        let base = Self::load(loader, self.build)
            .map_err(|error| error.under(format!("couldn't make target for path '{path}'")))?;
        if base.kustomization.is_component() {
            return Err(Error::new(format!("expected kind != 'Component' for path '{path}'")));
        }
        let mut found = Accumulator::default();
        base.accumulate(&mut found)
            .map_err(|error| error.under(format!("recursed accumulation of path '{path}'")))?;
        let merged = self
            .append(into, found.map)
            .and_then(|()| into.config.merge(&found.config))
            .and_then(|()| vars::merge(&mut into.vars, &found.vars));
        merged.map_err(|error| error.under(format!("recursed merging from path '{path}'")))
    }

    fn add_component(&self, into: &mut Accumulator, path: &str) -> Result<()> {
        let quoted = |error: Error, what: &str| match error.is_final() {
            true => error,
            false => Error::new(format!("{what} {:?}", error.to_string())),
        };
        let loader = self.loader.enter(path).map_err(|error| quoted(error, "loader.New"))?;
        self.run_component(into, loader).map_err(|error| quoted(error, "accumulateDirectory:"))
    }

    fn run_component(&self, into: &mut Accumulator, loader: Loader<'t>) -> Result<()> {
        let path = loader.shown_root();
        let component = Self::load(loader, self.build)
            .map_err(|error| error.under(format!("couldn't make target for path '{path}'")))?;
        if !component.kustomization.is_component() {
            let kind = &component.kustomization.kind;
            return Err(Error::new(format!("expected kind 'Component' for path '{path}' but got '{kind}'")));
        }
        component
            .accumulate(into)
            .map_err(|error| error.under(format!("recursed accumulation of path '{path}'")))
    }

    fn generate(&self, into: &mut Accumulator) -> Result<()> {
        let k = &self.kustomization;
        let global = k.generator_options.as_ref();
        for args in &k.config_maps {
            let made = generators::config_map(&self.loader, args, global)?;
            into.map.absorb(made).map_err(merging)?;
        }
        for args in &k.secrets {
            let made = generators::secret(&self.loader, args, global)?;
            into.map.absorb(made).map_err(merging)?;
        }
        self.generate_externally(into)
    }

    /// All built-in transformers in their order; all are read before the first one runs.
    fn transform(&self, into: &mut Accumulator) -> Result<()> {
        let Accumulator { map, config, .. } = into;
        let steps = self.steps(config)?;
        for step in &steps {
            self.loader.shared.check_stop()?;
            step(map)?;
            map.drop_gone();
        }
        Ok(())
    }

    fn steps<'s>(&'s self, config: &'s Config) -> Result<Vec<Step<'s>>> {
        let k = &self.kustomization;
        let mut steps: Vec<Step<'s>> = Vec::new();
        self.patch_steps(&mut steps)?;
        if !k.namespace.is_empty() {
            let namespace = Namespace {
                namespace: k.namespace.clone(),
                unset_only: false,
                subjects: Subjects::default(),
                specs: config.namespace.clone(),
            };
            steps.push(Box::new(move |map| namespace.transform(map)));
        }
        if !k.name_prefix.is_empty() {
            steps.push(Box::new(|map| {
                names::transform(map, Affix::Prefix(&k.name_prefix), &config.name_prefix)
            }));
        }
        if !k.name_suffix.is_empty() {
            steps.push(Box::new(|map| {
                names::transform(map, Affix::Suffix(&k.name_suffix), &config.name_suffix)
            }));
        }
        self.label_steps(config, &mut steps)?;
        self.json_steps(&mut steps)?;
        for replica in &k.replicas {
            steps.push(Box::new(|map| replicas::transform(map, replica, &config.replicas)));
        }
        for image in &k.images {
            steps.push(Box::new(|map| images::transform(map, image, &config.images)));
        }
        if !k.replacements.is_empty() {
            let list = Replacement::load_all(&self.loader, &k.replacements)?;
            steps.push(Box::new(move |map| replacements::transform(map, &list)));
        }
        Ok(steps)
    }

    fn patch_steps<'s>(&'s self, steps: &mut Vec<Step<'s>>) -> Result<()> {
        let k = &self.kustomization;
        let schema = || self.build.schema();
        if let Some(paths) = k.patches_strategic_merge.as_ref().filter(|paths| !paths.is_empty()) {
            let mut config = yaml::Map::new();
            config.insert(
                "paths",
                paths.iter().map(|path| Value::from(path.as_str())).collect::<Vec<_>>().into(),
            );
            let list = StrategicList::read(&self.loader, paths, "")
                .map_err(|error| configuring(error, "PatchStrategicMergeTransformer", &config.into()))?;
            steps.push(Box::new(move |map| list.apply(map, &schema())));
        }
        for patch in &k.patches {
            let config = patches::config_of(patch);
            let text = v2::emit(&config);
            let loaded = patches::Loaded::read(&self.loader, patch, &text)
                .map_err(|error| configuring(error, "PatchTransformer", &config))?;
            steps.push(Box::new(move |map| loaded.apply(map, &schema())));
        }
        Ok(())
    }

    fn json_steps<'s>(&'s self, steps: &mut Vec<Step<'s>>) -> Result<()> {
        for patch in self.kustomization.patches_json6902.iter().flatten() {
            let loaded = Json6902::read(&self.loader, patch)
                .map_err(|error| configuring(error, "PatchJson6902Transformer", &json_config(patch)))?;
            steps.push(Box::new(move |map| loaded.apply(map)));
        }
        Ok(())
    }

    fn label_steps<'s>(&'s self, config: &'s Config, steps: &mut Vec<Step<'s>>) -> Result<()> {
        let k = &self.kustomization;
        for label in &k.labels {
            let specs = label_specs(label, config)?;
            steps.push(Box::new(move |map| labels::transform(map, &label.pairs, &specs)));
        }
        if let Some(pairs) = k.common_labels.as_ref() {
            steps.push(Box::new(|map| labels::transform(map, pairs, &config.common_labels)));
        }
        let annotations = &k.common_annotations;
        steps.push(Box::new(|map| labels::transform(map, annotations, &config.common_annotations)));
        Ok(())
    }
}

fn merging(error: Error) -> Error {
    error.under("merging from generator &{0x0 <nil>}")
}

/// A transformer, ready to run.
pub(crate) type Step<'s> = Box<dyn Fn(&mut ResMap) -> Result<()> + 's>;

fn malformed(error: Error, path: &str) -> Error {
    match error.kind() {
        ErrorKind::Malformed => {
            Error::of(ErrorKind::Malformed, format!("MalformedYAMLError: {error} in File: {path}"))
        }
        _ => error,
    }
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
    let merge = |into: &mut Vec<FieldSpec>, more: &[FieldSpec]| {
        fieldspec::merge(into, more).map_err(|error| error.under("failed to merge labels"))
    };
    let mut specs = label.fields.clone();
    merge(&mut specs, &config.labels)?;
    if label.include_selectors {
        merge(&mut specs, &config.common_labels)?;
    } else {
        if label.include_templates {
            merge(&mut specs, &config.template_labels)?;
        }
        merge(&mut specs, &[FieldSpec::new("metadata/labels", true)])?;
    }
    Ok(specs)
}
