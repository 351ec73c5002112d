//! `crds`: definitions of types in OpenAPI's words whose marked fields join the field specs.
//!
//! Not manifests of CustomResourceDefinitions: a map from type names to `Schema` and `Dependencies`.
//! Source: kustomize 5.8.1 `api/internal/accumulator/loadconfigfromcrds.go`.

use yaml::{Value, json, v2};

use crate::configurations::{Config, NameReference};
use crate::error::{Error, ErrorKind, Result};
use crate::fieldspec::FieldSpec;
use crate::loader::{Loader, Shared};

/// Types nested deeper than this are taken for ones that hold themselves.
const MAX_DEPTH: usize = 50;

/// The most fields of one kind, those of a type once for every path that leads to it. The largest kinds of Kubernetes
/// have some thousand.
const MAX_FIELDS: usize = 100_000;

/// What looking at a field costs.
const FIELD_WORK: usize = 32;

/// The field specs that the files of `crds` ask for.
///
/// # Errors
/// A file is missing or holds something else.
pub(crate) fn load(loader: &Loader<'_>, files: &[String]) -> Result<Config> {
    let mut all = Config::default();
    for file in files {
        let types = Types::read(&loader.load(file)?, loader.shared)
            .map_err(|error| error.under(format!("unable to parse open API definition from '{file}'")))?;
        all.merge(&types.config()?)?;
    }
    Ok(all)
}

/// Types by name.
struct Types(yaml::Map);

impl Types {
    fn read(bytes: &[u8], shared: &Shared<'_>) -> Result<Self> {
        let limits = &shared.yaml_limits();
        let (value, prefix) = match bytes.first() {
            Some(b'{') => (json::from_str(&String::from_utf8_lossy(bytes), limits)?, ""),
            _ => (v2::to_value(bytes, limits)?, "error unmarshaling JSON: while decoding JSON: "),
        };
        let wrong = |value: &Value, place: &str, into: &str| {
            let kind = value.json_kind();
            Error::new(format!("{prefix}json: cannot unmarshal {kind} into Go {place} of type {into}"))
        };
        let map = match &value {
            Value::Null => return Ok(Self(yaml::Map::new())),
            Value::Map(map) => map,
            other => return Err(wrong(other, "value", "accumulator.nameToApiMap")),
        };
        let mut entries: Vec<_> = map.iter().collect();
        entries.sort_unstable_by_key(|(name, _)| *name);
        match entries.iter().find(|(_, value)| !matches!(value, Value::Map(_) | Value::Null)) {
            Some((name, value)) => {
                let json_v2 = shared.profile().has_json_v2;
                let place = if json_v2 { format!("struct field .{name}") } else { "value".to_owned() };
                Err(wrong(value, &place, "accumulator.OpenAPIDefinition"))
            }
            None => Ok(Self((**map).clone())),
        }
    }

    fn properties(&self, name: &str) -> Option<&yaml::Map> {
        let definition = self.0.get(name)?.as_map()?;
        let (_, schema) = definition.iter().find(|(key, _)| key.eq_ignore_ascii_case("schema"))?;
        schema.get("properties")?.as_map()
    }

    fn config(&self) -> Result<Config> {
        let mut config = Config::default();
        let mut names: Vec<_> = self.0.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        for name in names {
            let is_resource = self.properties(name).is_some_and(|fields| {
                ["kind", "apiVersion", "metadata"].iter().all(|field| fields.get(field).is_some())
            });
            if is_resource {
                let kind = name.rsplit('.').next().unwrap_or(name);
                let mut walk = Walk { types: self, kind, found: Config::default(), fields: 0 };
                walk.visit(name, &mut Vec::new())?;
                config.merge(&walk.found)?;
            }
        }
        Ok(config)
    }
}

/// Goes through the fields of one kind.
struct Walk<'w> {
    types: &'w Types,
    kind: &'w str,
    /// What its marked fields ask for.
    found: Config,
    /// Fields seen so far, once for every path that leads to them.
    fields: usize,
}

impl Walk<'_> {
    fn visit(&mut self, name: &str, path: &mut Vec<String>) -> Result<()> {
        if path.len() > MAX_DEPTH {
            let text = format!("the type '{name}' in crds nests more than {MAX_DEPTH} deep, or holds itself");
            return Err(Error::of(ErrorKind::Limit, text));
        }
        let types = self.types;
        for (field, property) in types.properties(name).into_iter().flat_map(yaml::Map::iter) {
            self.count()?;
            path.push(field.to_string());
            self.mark(property, path)?;
            if let Some(next) = property.get("$ref").and_then(Value::as_str) {
                self.visit(next, path)?;
            }
            path.pop();
        }
        Ok(())
    }

    /// Types that name each other are walked along every path.
    fn count(&mut self) -> Result<()> {
        budget::work(FIELD_WORK)?;
        self.fields += 1;
        if self.fields > MAX_FIELDS {
            let text = format!("the kind '{}' in crds has more than {MAX_FIELDS} fields", self.kind);
            return Err(Error::of(ErrorKind::Limit, text));
        }
        Ok(())
    }

    fn mark(&mut self, property: &Value, path: &[String]) -> Result<()> {
        let text = |key: &str| property.get(key).and_then(Value::as_str);
        let kind = self.kind;
        let spec = |path: String| FieldSpec { kind: kind.to_owned(), ..FieldSpec::new(&path, false) };
        let here = spec(path.join("/"));
        budget::charge(4 * size_of::<FieldSpec>() + here.path.len())?;
        let found = &mut self.found;
        if text("x-kubernetes-annotation").is_some() {
            found.common_annotations.push(here.clone());
        }
        if text("x-kubernetes-label-selector").is_some() {
            found.common_labels.push(here.clone());
        }
        if text("x-kubernetes-identity").is_some() {
            found.name_prefix.push(here);
        }
        let target = text("x-kubernetes-object-ref-api-version").zip(text("x-kubernetes-object-ref-kind"));
        if let Some((version, kind)) = target {
            let key = text("x-kubernetes-object-ref-name-key").unwrap_or("name");
            let referrer = spec(format!("{}/{key}", path.join("/")));
            budget::work(found.name_references.len())?;
            match found.name_references.iter_mut().find(|old| old.version == version && old.kind == kind) {
                Some(old) => old.referrers.push(referrer),
                None => found.name_references.push(NameReference {
                    version: version.to_owned(),
                    kind: kind.to_owned(),
                    referrers: vec![referrer],
                    ..NameReference::default()
                }),
            }
        }
        Ok(())
    }
}
