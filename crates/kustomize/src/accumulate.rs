//! One kustomization after the other: resources, bases, generators, components, transformers.
//!
//! Source: kustomize 5.8.1 `api/internal/target/kusttarget.go`.

use std::cell::RefCell;

use crate::builtin_plugins::Plugins;
use crate::configurations::{Config, Configured};
use crate::error::{Error, ErrorKind, Result};
use crate::kustomization::{Kustomization, Var};
use crate::loader::Loader;
use crate::origin::{ORIGIN, Origin};
use crate::resmap::{Registered, ResMap};
use crate::resource::Resource;
use crate::schema::{Schema, Schemas};
use crate::steps::{self, Generator};
use crate::version::Profile;
use crate::{crds, openapi, vars};

/// What has been gathered on the way up.
pub(crate) struct Accumulator {
    pub(crate) map: ResMap,
    pub(crate) config: Configured,
    pub(crate) vars: Vec<Var>,
    /// The identities in the map while resources are read: many files may be added to many resources.
    registered: Option<Registered>,
}

impl Accumulator {
    /// Nothing yet.
    pub(crate) fn new(profile: &'static Profile) -> Self {
        Self { map: ResMap::default(), config: Configured::new(profile), vars: Vec::new(), registered: None }
    }
}

/// What the whole build shares besides the tree.
#[derive(Default)]
pub(crate) struct Build {
    /// The schema; the first kustomization that brings one decides.
    pub(crate) schemas: RefCell<Schemas>,
}

impl Build {
    /// The schema in force.
    pub(crate) fn schema(&self) -> Schema {
        self.schemas.borrow_mut().get()
    }
}

/// What a kustomization takes from the one that names it.
#[derive(Clone, Default)]
pub(crate) struct Inherited {
    /// The namespace that charts without one are rendered for.
    helm_namespace: String,
    /// Where it is, if the build notes where resources come from.
    origin: Option<Origin>,
}

/// A kustomization and where it lies.
pub(crate) struct Target<'t> {
    pub(crate) loader: Loader<'t>,
    pub(crate) kustomization: Kustomization,
    pub(crate) build: &'t Build,
    /// The name of its file.
    file: &'static str,
    inherited: Inherited,
}

impl<'t> Target<'t> {
    /// Reads the kustomization that is built.
    ///
    /// # Errors
    /// As [`Kustomization::load`].
    pub(crate) fn root(loader: Loader<'t>, build: &'t Build) -> Result<Self> {
        let mut root = Self::load(loader, build, Inherited::default())?;
        if !root.kustomization.build_metadata.is_empty() {
            root.inherited.origin = Some(Origin::default());
        }
        Ok(root)
    }

    fn load(loader: Loader<'t>, build: &'t Build, inherited: Inherited) -> Result<Self> {
        let (kustomization, file) = Kustomization::load(&loader)?;
        Ok(Self { loader, kustomization, build, file, inherited })
    }

    /// The namespace of charts that name none.
    pub(crate) fn helm_namespace(&self) -> &str {
        match self.kustomization.namespace.as_str() {
            "" => &self.inherited.helm_namespace,
            own => own,
        }
    }

    /// A built-in generator or transformer of this kustomization, if the build notes such things.
    pub(crate) fn origin_of(&self, plugin: &str) -> Option<Origin> {
        Some(self.inherited.origin.as_ref()?.builtin(self.file, plugin))
    }

    /// Goes through the whole kustomization on top of what `into` holds.
    pub(crate) fn accumulate(&self, into: &mut Accumulator) -> Result<()> {
        openapi::apply(&self.loader, &self.kustomization.openapi, self.build)?;
        self.loader.shared.check_stop()?;
        into.registered = Some(into.map.registered()?);
        for path in &self.kustomization.resources {
            self.add_resource(into, path).map_err(|error| error.under("accumulating resources"))?;
        }
        into.registered = None;
        self.configure(into)?;
        self.generate(into)?;
        for path in &self.kustomization.components {
            self.add_component(into, path).map_err(|error| error.under("accumulating components"))?;
        }
        self.transform(into)?;
        self.validate(into)?;
        match &self.kustomization.vars {
            Some(vars) => vars::add(&mut into.vars, &mut into.map, vars),
            None => Ok(()),
        }
    }

    fn configure(&self, into: &mut Accumulator) -> Result<()> {
        let Kustomization { configurations, crds, .. } = &self.kustomization;
        into.config.add_defaults(&Config::load(&self.loader, configurations)?)?;
        if crds.is_empty() {
            return Ok(());
        }
        let named = |error: Error| error.under(format!("loading CRDs [{}]", crds.join(" ")));
        let found = crds::load(&self.loader, crds).map_err(named)?;
        into.config.add(&found)
    }

    /// The resources that entries of `generators`, `transformers` or `validators` describe: those written in place,
    /// then those of files and folders.
    fn plugin_resources(&self, entries: &[String]) -> Result<ResMap> {
        let mut found = Accumulator::new(self.loader.shared.profile());
        let mut paths = Vec::new();
        for entry in entries {
            let Ok(mut resources) = self.loader.shared.read_resources(entry.as_bytes()) else {
                paths.push(entry);
                continue;
            };
            if let Some(origin) = &self.inherited.origin {
                let here = origin.below(self.file);
                resources.iter_mut().try_for_each(|resource| here.add(resource))?;
            }
            found.map.append(resources)?;
        }
        found.registered = Some(found.map.registered()?);
        paths.into_iter().try_for_each(|path| self.add_resource(&mut found, path))?;
        Ok(found.map)
    }

    fn plugins(&self) -> Plugins<'_, 't> {
        Plugins { loader: &self.loader, build: self.build, file: self.file }
    }

    /// All generators, configured before the first one runs.
    fn generators(&self) -> Result<Vec<Generator<'_>>> {
        let mut all = steps::generators(self)?;
        let named = |error: Error| error.under("loading generator plugins");
        let resources = self.plugin_resources(&self.kustomization.generators).map_err(named)?;
        for resource in &resources.list {
            let generator = self.plugins().generator(resource);
            all.push(generator.map_err(|error| named(error.under("failed to load generator")))?);
        }
        Ok(all)
    }

    fn generate(&self, into: &mut Accumulator) -> Result<()> {
        let mut names = into.map.names()?;
        for generator in self.generators()? {
            self.loader.shared.check_stop()?;
            let made = (generator.make)().map_err(|error| self.over_budget(error, generator.kind.name()))?;
            for mut made in made {
                if let Some(origin) = generator.origin.as_ref().filter(|_| made.annotation(ORIGIN).is_none())
                {
                    origin.put(&mut made);
                }
                into.map.absorb(made, &mut names).map_err(|error| generator.merging(error))?;
            }
        }
        self.check_size(into)
    }

    /// The built-in transformers, then those of files; all are configured before the first one runs.
    fn transform(&self, into: &mut Accumulator) -> Result<()> {
        let Accumulator { map, config, .. } = into;
        let mut all = steps::transformers(self, config.get())?;
        let resources = self.plugin_resources(&self.kustomization.transformers)?;
        for resource in &resources.list {
            all.push(self.plugins().transformer(resource)?);
        }
        for step in &all {
            self.loader.shared.check_stop()?;
            let done = (step.run)(map).and_then(|()| Ok(budget::look()?));
            done.map_err(|error| self.over_budget(error, step.kind.name()))?;
            if let Some(origin) = &step.origin {
                origin.transformed(map);
            }
            map.drop_gone();
        }
        Ok(())
    }

    /// Names the generator or transformer that used up a budget; what else is wrong says so in kustomize's words.
    fn over_budget(&self, error: Error, plugin: &str) -> Error {
        match error.kind() {
            ErrorKind::Limit => {
                error.under(format!("{plugin} of {}/{}", self.loader.shown_root(), self.file))
            }
            _ => error,
        }
    }

    /// Validators are transformers that may change nothing but the label `validated-by`, which stays.
    fn validate(&self, into: &mut Accumulator) -> Result<()> {
        let resources = self.plugin_resources(&self.kustomization.validators)?;
        for resource in &resources.list {
            let step = self.plugins().transformer(resource)?;
            budget::look()?;
            let copies: usize = into.map.list.iter().map(|resource| resource.node.weight()).sum();
            // One before and one after, until they have been compared.
            let mut memory = budget::Charge::default();
            memory.add(2 * copies)?;
            let before = into.map.clone();
            (step.run)(&mut into.map)?;
            let mut after = into.map.clone();
            for resource in &mut after.list {
                let mut labels = resource.texts("labels");
                if labels.remove("validated-by").is_some() {
                    resource.set_texts("labels", &labels);
                }
            }
            unchanged(&before, &after)
                .map_err(|error| error.under("validator shouldn't modify the resource map"))?;
        }
        Ok(())
    }

    /// A file of resources, or else a folder with a kustomization.
    fn add_resource(&self, into: &mut Accumulator, path: &str) -> Result<()> {
        let Err(file_error) = self.add_file(into, path) else { return Ok(()) };
        if file_error.is_final() {
            return Err(file_error);
        }
        let done = self.loader.enter(path).and_then(|loader| self.add_base(into, loader, path));
        done.map_err(|error| match (error.is_final(), file_error.kind()) {
            (true, _) => error,
            (false, ErrorKind::Malformed) => file_error,
            (false, _) => error.under(format!("accumulation err='{file_error}'")),
        })
    }

    fn add_file(&self, into: &mut Accumulator, path: &str) -> Result<()> {
        let read = || -> Result<ResMap> {
            let shared = self.loader.shared;
            let resources = self.loader.resources(path, |bytes| {
                shared.read_resources(bytes).map_err(|error| malformed(error, path))
            })?;
            let mut map = ResMap::default();
            map.append(resources)?;
            self.notice_kinds(&map);
            Ok(map)
        };
        let mut file =
            read().map_err(|error| error.under(format!("accumulating resources from '{path}'")))?;
        if let Some(origin) = &self.inherited.origin {
            let here = origin.below(path);
            let added = file.list.iter_mut().try_for_each(|resource| here.add(resource));
            added.map_err(|error| error.under(format!("cannot add path annotation for '{path}'")))?;
        }
        self.append(into, file).map_err(|error| error.under(format!("merging resources from '{path}'")))
    }

    fn notice_kinds(&self, map: &ResMap) {
        let mut schemas = self.build.schemas.borrow_mut();
        map.list.iter().for_each(|resource| schemas.notice(&resource.gvk(), resource.profile));
    }

    fn append(&self, into: &mut Accumulator, more: ResMap) -> Result<()> {
        match &mut into.registered {
            Some(registered) => into.map.append_to(more.list, registered)?,
            None => into.map.append(more.list)?,
        }
        self.check_size(into)
    }

    fn check_size(&self, into: &Accumulator) -> Result<()> {
        let most = self.loader.shared.options.limits.resources;
        if into.map.list.len() > most {
            return Err(Error::of(ErrorKind::Limit, format!("the build has more than {most} resources")));
        }
        Ok(())
    }

    fn add_base(&self, into: &mut Accumulator, loader: Loader<'t>, name: &str) -> Result<()> {
        let path = loader.shown_root();
        let base = Self::load(loader, self.build, self.passed_on(name))
            .map_err(|error| error.under(format!("couldn't make target for path '{path}'")))?;
        if base.kustomization.is_component() {
            return Err(Error::new(format!("expected kind != 'Component' for path '{path}'")));
        }
        let mut found = Accumulator::new(self.loader.shared.profile());
        base.accumulate(&mut found)
            .map_err(|error| error.under(format!("recursed accumulation of path '{path}'")))?;
        let merged = self
            .append(into, found.map)
            .and_then(|()| into.config.absorb(&found.config))
            .and_then(|()| vars::merge(&mut into.vars, &found.vars));
        merged.map_err(|error| error.under(format!("recursed merging from path '{path}'")))
    }

    fn add_component(&self, into: &mut Accumulator, path: &str) -> Result<()> {
        let quoted = |error: Error, what: &str| match error.is_final() {
            true => error,
            false => Error::new(format!("{what} {:?}", error.to_string())),
        };
        let loader = self.loader.enter(path).map_err(|error| quoted(error, "loader.New"))?;
        self.run_component(into, loader, path).map_err(|error| quoted(error, "accumulateDirectory:"))
    }

    fn run_component(&self, into: &mut Accumulator, loader: Loader<'t>, name: &str) -> Result<()> {
        let path = loader.shown_root();
        let component = Self::load(loader, self.build, self.passed_on(name))
            .map_err(|error| error.under(format!("couldn't make target for path '{path}'")))?;
        if !component.kustomization.is_component() {
            let kind = &component.kustomization.kind;
            return Err(Error::new(format!("expected kind 'Component' for path '{path}' but got '{kind}'")));
        }
        component
            .accumulate(into)
            .map_err(|error| error.under(format!("recursed accumulation of path '{path}'")))
    }

    /// What a base or component of this name takes from here.
    fn passed_on(&self, name: &str) -> Inherited {
        Inherited {
            helm_namespace: self.helm_namespace().to_owned(),
            origin: self.inherited.origin.as_ref().map(|origin| origin.below(name)),
        }
    }
}

/// Whether both hold the same resources; the text shows two that differ, as Go prints them.
fn unchanged(before: &ResMap, after: &ResMap) -> Result<()> {
    if before.list.len() != after.list.len() {
        let (old, new) = (before.list.len(), after.list.len());
        return Err(Error::new(format!("lists have different number of entries: {old} vs {new}")));
    }
    let text = |resource: &Resource| -> Result<String> { Ok(yaml::json::to_string(&resource.value()?)?) };
    for (old, new) in before.list.iter().zip(&after.list) {
        let (old, new) = (text(old)?, text(new)?);
        if old != new {
            return Err(Error::new(format!(
                "nodes unequal: \n -- {old},\n -- {new}\n\n--\n{GO_RESOURCE}\n------\n{GO_RESOURCE}\n"
            )));
        }
    }
    Ok(())
}

/// A resource as Go prints the struct.
const GO_RESOURCE: &str = "&resource.Resource{RNode:yaml.RNode{fieldPath:[]string(nil), value:(*yaml.Node)(0x0), \
     ShouldKeep:false, Match:[]string(nil)}, refVarNames:[]string(nil)}";

/// Names the file of a mistake in YAML.
pub(crate) fn malformed(error: Error, path: &str) -> Error {
    match error.kind() {
        ErrorKind::Malformed => {
            Error::of(ErrorKind::Malformed, format!("MalformedYAMLError: {error} in File: {path}"))
        }
        _ => error,
    }
}
