//! Built-in transformers and generators written as resources of their own: `transformers`, `generators`, `validators`.
//!
//! Everything else such an entry may ask for (programs, containers, Go plugins, Starlark) is refused by name.

use std::collections::BTreeMap;

use yaml::{Value, v2};

use crate::accumulate::Build;
use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::FieldSpec;
use crate::generators::iam::{self, Policy};
use crate::generators::{self, hash, helm};
use crate::kustomization::{ConfigMapArgs, Image, Patch, Replica, SecretArgs};
use crate::loader::Loader;
use crate::names::{self, Affix};
use crate::namespace::{Namespace, Subjects};
use crate::origin::Origin;
use crate::patches::{Json6902, Loaded, StrategicList};
use crate::plugin_kinds::{GeneratorKind, TransformerKind};
use crate::replacements::{self, Replacement, ReplacementField};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::steps::{Generator, Make, Run, Step};
use crate::strict::{self, Decode, record};
use crate::value_add::ValueAdd;
use crate::version::Profile;
use crate::{images, labels, replicas};

record! {
    /// Labels or annotations.
    Texts as "plugin" {
        labels: BTreeMap<String, String> = "labels",
        annotations: BTreeMap<String, String> = "annotations",
        specs: Vec<FieldSpec> = "fieldSpecs",
    }
}

record! {
    /// Prefix and suffix.
    Affixes as "plugin" {
        prefix: String = "prefix",
        suffix: String = "suffix",
        specs: Option<Vec<FieldSpec>> = "fieldSpecs",
    }
}

record! {
    /// A namespace.
    Move as "plugin" {
        unset_only: bool = "unsetOnly",
        subjects: String = "setRoleBindingSubjects",
        specs: Vec<FieldSpec> = "fieldSpecs",
    }
}

record! {
    /// An image.
    ImageTag as "plugin" {
        image: Image = "imageTag",
        specs: Vec<FieldSpec> = "fieldSpecs",
    }
}

record! {
    /// Replicas.
    ReplicaCount as "plugin" {
        replica: Replica = "replica",
        specs: Vec<FieldSpec> = "fieldSpecs",
    }
}

record! {
    /// Strategic merges.
    Merges as "plugin" {
        paths: Vec<String> = "paths",
        patches: String = "patches",
    }
}

record! {
    /// A JSON patch.
    JsonOps as "plugin" {
        path: String = "path",
        ops: String = "jsonOp",
        target: Option<crate::selector::Selector> = "target",
    }
}

record! {
    /// Replacements.
    Replacements as "plugin" {
        list: Vec<ReplacementField> = "replacements",
    }
}

/// Where a plugin runs.
pub(crate) struct Plugins<'p, 't> {
    pub(crate) loader: &'p Loader<'t>,
    pub(crate) build: &'t Build,
    /// The kustomization file, for messages.
    pub(crate) file: &'static str,
}

impl<'t> Plugins<'_, 't> {
    fn check_builtin(&self, resource: &Resource) -> Result<()> {
        let gvk = resource.gvk();
        if gvk.group.is_empty() && &*gvk.version == "builtin" {
            return Ok(());
        }
        let (kind, id, program) = (&gvk.kind, resource.id(), program(resource));
        let (folder, file) = (self.loader.shown_root(), self.file);
        let text = format!(
            "external plugins disabled; unable to load external plugin '{kind}' \
             ({folder}/{file} names {id}, which asks to run {program}; nothing is ever run here)"
        );
        Err(Error::of(ErrorKind::Refused, text))
    }

    /// The transformer that a resource describes.
    ///
    /// # Errors
    /// It is none that is built in; its configuration is wrong.
    pub(crate) fn transformer(&self, resource: &Resource) -> Result<Step<'t>> {
        self.check_builtin(resource)?;
        let value = config_of(resource)?;
        let named = |error| fails(error, resource);
        let kind = self.kind_of(resource).map_err(named)?;
        let run = self.configured(kind, resource, &value).map_err(named)?;
        Ok(Step { kind, run, origin: Origin::of_plugin(resource) })
    }

    fn configured(&self, kind: TransformerKind, resource: &Resource, value: &Value) -> Result<Run<'t>> {
        let (build, profile) = (self.build, resource.profile);
        match kind {
            TransformerKind::Label => texts(value, profile, |config| (config.labels, config.specs)),
            TransformerKind::Annotations => {
                texts(value, profile, |config| (config.annotations, config.specs))
            }
            TransformerKind::Prefix | TransformerKind::Suffix | TransformerKind::PrefixSuffix => {
                affixes(value, profile)
            }
            TransformerKind::Namespace => namespace(resource, value),
            TransformerKind::ImageTag => {
                let config: ImageTag = read(value, profile)?;
                Ok(Box::new(move |map| images::transform(map, &config.image, &config.specs, profile)))
            }
            TransformerKind::ReplicaCount => {
                let config: ReplicaCount = read(value, profile)?;
                Ok(Box::new(move |map| replicas::transform(map, &config.replica, &config.specs)))
            }
            TransformerKind::ValueAdd => {
                let config = read::<ValueAdd>(value, profile)?.prepare(self.loader)?;
                Ok(Box::new(move |map| config.transform(map)))
            }
            TransformerKind::Hash => Ok(Box::new(hash::transform)),
            TransformerKind::Replacement => {
                let config: Replacements = read(value, profile)?;
                let list = Replacement::load_all(self.loader, &config.list)?;
                Ok(Box::new(move |map| replacements::transform(map, &list)))
            }
            TransformerKind::Patch => {
                let config: Patch = read(value, profile)?;
                let loaded = Loaded::read(self.loader, &config, &v2::emit(value))?;
                Ok(Box::new(move |map| loaded.apply(map, &build.schema())))
            }
            TransformerKind::PatchStrategicMerge => {
                let config: Merges = read(value, profile)?;
                if config.paths.is_empty() && config.patches.is_empty() {
                    return Err(Error::new("empty file path and empty patch content"));
                }
                let list = StrategicList::read(self.loader, &config.paths, &config.patches)?;
                Ok(Box::new(move |map| list.apply(map, &build.schema())))
            }
            TransformerKind::PatchJson6902 => {
                let config: JsonOps = read(value, profile)?;
                let entry =
                    Patch { path: config.path, patch: config.ops, target: config.target, options: None };
                let loaded = Json6902::read(self.loader, &entry)?;
                Ok(Box::new(move |map| loaded.apply(map)))
            }
        }
    }

    fn kind_of(&self, resource: &Resource) -> Result<TransformerKind> {
        let kind = resource.kind();
        TransformerKind::named(kind).ok_or_else(|| match GeneratorKind::named(kind) {
            Some(_) => is_other(resource, "transformer"),
            None => not_built_in(kind),
        })
    }

    /// The generator that a resource describes.
    ///
    /// # Errors
    /// It is none that is built in; its configuration is wrong.
    pub(crate) fn generator(&self, resource: &Resource) -> Result<Generator<'t>> {
        self.check_builtin(resource)?;
        let value = config_of(resource)?;
        let (kind, make) = self.making(resource, &value).map_err(|error| fails(error, resource))?;
        Ok(Generator { kind, make, origin: Origin::of_plugin(resource) })
    }

    fn making(&self, resource: &Resource, value: &Value) -> Result<(GeneratorKind, Make<'t>)> {
        let (loader, profile) = (self.loader.clone(), resource.profile);
        let named = |name: &mut String, namespace: &mut String| {
            if name.is_empty() {
                resource.name().clone_into(name);
            }
            if namespace.is_empty() {
                resource.namespace().clone_into(namespace);
            }
        };
        let kind = resource.kind();
        let kind = GeneratorKind::named(kind).ok_or_else(|| match TransformerKind::named(kind) {
            Some(_) => is_other(resource, "generator"),
            None => not_built_in(kind),
        })?;
        let make: Make<'t> = match kind {
            GeneratorKind::ConfigMap => {
                let mut args: ConfigMapArgs = read(value, profile)?;
                named(&mut args.name, &mut args.namespace);
                Box::new(move || Ok(vec![generators::config_map(&loader, &args, None)?]))
            }
            GeneratorKind::Secret => {
                let mut args: SecretArgs = read(value, profile)?;
                named(&mut args.name, &mut args.namespace);
                Box::new(move || Ok(vec![generators::secret(&loader, &args, None)?]))
            }
            GeneratorKind::HelmChartInflation => {
                let inflation = helm::Inflation::new(&loader, &read(value, profile)?, read(value, profile)?)?;
                Box::new(move || inflation.generate())
            }
            GeneratorKind::IamPolicy => {
                let policy: Policy = read(value, profile)?;
                Box::new(move || Ok(vec![iam::service_account(&policy, profile)?]))
            }
        };
        Ok((kind, make))
    }
}

fn is_other(resource: &Resource, wanted: &str) -> Error {
    Error::of(ErrorKind::Refused, format!("plugin {} not a {wanted}", resource.id()))
}

fn fails(error: Error, resource: &Resource) -> Error {
    if error.is_final() {
        return error;
    }
    let named = format!("Go struct field {}Plugin.", resource.kind());
    let text = error.to_string().replace("Go struct field plugin.", &named);
    error.saying(text).under(format!("plugin {} fails configuration", resource.id()))
}

/// The configuration that a resource is.
fn config_of(resource: &Resource) -> Result<Value> {
    resource.value().map_err(|error| error.under(format!("marshalling yaml from res {}", resource.id())))
}

/// What a resource that is no built-in plugin would have run.
fn program(resource: &Resource) -> String {
    let annotation = FUNCTION.iter().find_map(|key| resource.annotation(key));
    let function = annotation.and_then(|text| v2::to_value(text.as_bytes(), &yaml::Limits::default()).ok());
    let named = |path: [&str; 2]| {
        let text = function.as_ref()?.get(path[0])?.get(path[1])?.as_str()?;
        Some(text.to_owned())
    };
    let known = [
        (["container", "image"], "the container image"),
        (["exec", "path"], "the program"),
        (["starlark", "path"], "the Starlark script"),
        (["starlark", "url"], "the Starlark script"),
    ];
    let found = known.into_iter().find_map(|(path, what)| Some(format!("{what} '{}'", named(path)?)));
    found.unwrap_or_else(|| "a plugin program of its own".to_owned())
}

/// The annotations that make a resource a function.
const FUNCTION: [&str; 2] = ["config.kubernetes.io/function", "config.k8s.io/function"];

fn not_built_in(kind: &str) -> Error {
    Error::of(ErrorKind::Refused, format!("unable to load builtin {kind}.builtin.[noGrp]"))
}

fn read<T: Decode + Default>(value: &Value, profile: &'static Profile) -> Result<T> {
    strict::read(value, false, profile)
        .map_err(|text| Error::new(format!("error unmarshaling JSON: while decoding JSON: {text}")))
}

/// Texts and where they go.
type Places = (BTreeMap<String, String>, Vec<FieldSpec>);

fn texts<'t>(value: &Value, profile: &'static Profile, pick: impl Fn(Texts) -> Places) -> Result<Run<'t>> {
    let (texts, specs) = pick(read(value, profile)?);
    Ok(Box::new(move |map| labels::transform(map, &texts, &specs)))
}

fn affixes<'t>(value: &Value, profile: &'static Profile) -> Result<Run<'t>> {
    let config: Affixes = read(value, profile)?;
    let specs = config.specs.ok_or_else(|| Error::new("fieldSpecs is not expected to be nil"))?;
    Ok(Box::new(move |map: &mut ResMap| {
        for affix in [Affix::Prefix(&config.prefix), Affix::Suffix(&config.suffix)] {
            names::transform(map, affix, &specs)?;
        }
        Ok(())
    }))
}

fn namespace<'t>(resource: &Resource, value: &Value) -> Result<Run<'t>> {
    let config: Move = read(value, resource.profile)?;
    let subjects = match config.subjects.as_str() {
        "" | "defaultOnly" => Subjects::DefaultOnly,
        "allServiceAccounts" => Subjects::AllServiceAccounts,
        "none" => Subjects::None,
        other => {
            let text = format!(
                "invalid value {other:?} for setRoleBindingSubjects: must be one of [allServiceAccounts defaultOnly none]"
            );
            return Err(Error::new(text));
        }
    };
    let namespace = Namespace {
        namespace: resource.namespace().to_owned(),
        unset_only: config.unset_only,
        subjects,
        specs: config.specs,
    };
    Ok(Box::new(move |map| namespace.transform(map)))
}
