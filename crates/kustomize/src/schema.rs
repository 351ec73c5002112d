//! What the embedded Kubernetes schema says that matters here: which kinds have no namespace, which lists merge by key.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use yaml::Value;

use crate::hints::Hints;
use crate::id::Gvk;
use crate::version::Profile;

/// The types of one schema. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema(Arc<Types>);

#[derive(Clone, Debug, Default)]
struct Types {
    types: Vec<Type>,
    /// By the name of the definition.
    names: HashMap<String, usize>,
    /// By apiVersion and kind.
    kinds: HashMap<(String, String), usize>,
}

/// A type: what is known of its fields.
#[derive(Clone, Debug, Default)]
struct Type {
    fields: HashMap<String, Place>,
    /// Of every other field.
    rest: Option<Place>,
}

/// Where in a schema a node is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// The type of an object, or of a list's items.
    of: Option<usize>,
    /// The keys a list merges by, none for a list of plain values; `None` when it does not merge.
    pub(crate) keys: Option<Arc<[String]>>,
    is_list: bool,
}

static BUILTIN: LazyLock<Schema> =
    LazyLock::new(|| Schema(Arc::new(read(include_str!("../data/merge.txt")))));
/// Whether a kind, by group, version and name, has a namespace.
static SCOPE: LazyLock<HashMap<(&str, &str, &str), bool>> = LazyLock::new(|| {
    let lines = include_str!("../data/scope.txt").lines().filter(|line| !line.starts_with('#'));
    let kinds = lines.flat_map(|line| {
        let (line, has_namespace) = line.strip_prefix("+ ").map_or((line, false), |line| (line, true));
        let (api, kinds) = line.split_once(' ').unwrap_or((line, ""));
        let (group, version) = api.split_once('/').unwrap_or(("", api));
        kinds.split(' ').map(move |kind| ((group, version, kind), has_namespace))
    });
    kinds.collect()
});

/// Whether the kind is known to have no namespace.
pub(crate) fn is_cluster_scoped(gvk: &Gvk, profile: &Profile) -> bool {
    known_scope(gvk, profile) == Some(false)
}

/// Whether the kind has a namespace, as far as kustomize knows without asking its schema.
fn known_scope(gvk: &Gvk, profile: &Profile) -> Option<bool> {
    let (group, version, kind) = (&*gvk.group, &*gvk.version, &*gvk.kind);
    if !profile.knows_admission_policies
        && group == "admissionregistration.k8s.io"
        && POLICIES.contains(&kind)
    {
        return None;
    }
    SCOPE.get(&(group, version, kind)).copied()
}

/// Kinds whose scope older versions do not know.
const POLICIES: [&str; 2] = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];

/// The schema of one build. What comes first decides: kinds that are read before a kustomization brings its own
/// schema can make the embedded one stay beside it, as in kustomize.
#[derive(Debug, Default)]
pub(crate) struct Schemas {
    own: Option<Value>,
    is_chosen: bool,
    /// The schema in use; `None` before the first merge after a choice.
    current: Option<Schema>,
    builtin: Builtin,
}

/// How far the embedded schema is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Builtin {
    #[default]
    Unknown,
    /// It will be read together with the next schema, and wins.
    Wanted,
    Read,
}

impl Schemas {
    /// Whether a kustomization has chosen one.
    pub(crate) fn is_chosen(&self) -> bool {
        self.is_chosen
    }

    /// A kustomization's choice: an OpenAPI document, or the embedded schema.
    pub(crate) fn choose(&mut self, own: Option<Value>) {
        self.own = own;
        self.is_chosen = true;
        self.current = None;
    }

    /// Notes a kind that has been read.
    pub(crate) fn notice(&mut self, gvk: &Gvk, profile: &Profile) {
        let undecided = self.builtin == Builtin::Unknown && self.current.is_none() && self.own.is_none();
        if undecided && known_scope(gvk, profile).is_none() {
            self.builtin = Builtin::Wanted;
        }
    }

    /// The schema in force.
    pub(crate) fn get(&mut self) -> Schema {
        if let Some(schema) = &self.current {
            return schema.clone();
        }
        let schema = match (&self.own, self.builtin) {
            (None, _) => builtin(),
            (Some(own), Builtin::Unknown) => Schema::from_openapi(own, Beneath::Nothing),
            (Some(own), Builtin::Wanted) => Schema::from_openapi(own, Beneath::WinningBuiltin),
            (Some(own), Builtin::Read) => Schema::from_openapi(own, Beneath::Builtin),
        };
        if self.own.is_none() || self.builtin == Builtin::Wanted {
            self.builtin = Builtin::Read;
        }
        self.current.insert(schema).clone()
    }
}

/// What a schema of a kustomization's own is put on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beneath {
    Nothing,
    Builtin,
    /// Where both define a name, the embedded schema counts.
    WinningBuiltin,
}

/// The schema of Kubernetes 1.21.2.
fn builtin() -> Schema {
    BUILTIN.clone()
}

/// A schema together with what the comments of the two sides of a merge say over it.
#[derive(Debug)]
pub(crate) struct Hinted {
    pub(crate) schema: Schema,
    pub(crate) places: HashMap<Vec<String>, Place>,
}

impl Schema {
    /// Adds hints; those of the first side win.
    pub(crate) fn with_hints(&self, sides: [Option<&Hints>; 2]) -> Hinted {
        if sides.iter().all(Option::is_none) {
            return Hinted { schema: self.clone(), places: HashMap::new() };
        }
        let types = (*self.0).clone();
        let named = types.names.clone();
        let mut reader = OpenApi { document: &Value::Null, types, named, depth: 0 };
        let hints = sides.into_iter().rev().flatten().flatten();
        let places = hints.map(|(path, hint)| (path.clone(), reader.place(hint))).collect();
        Hinted { schema: Self(Arc::new(reader.types)), places }
    }

    /// The place of a whole resource.
    pub(crate) fn kind(&self, api_version: &str, kind: &str) -> Option<Place> {
        let of = *self.0.kinds.get(&(api_version.to_owned(), kind.to_owned()))?;
        Some(Place { of: Some(of), ..Place::default() })
    }

    /// The place of a field of an object.
    pub(crate) fn field(&self, place: &Place, name: &str) -> Option<Place> {
        if place.is_list {
            return None;
        }
        let found = self.0.types.get(place.of?)?;
        found.fields.get(name).or(found.rest.as_ref()).cloned()
    }

    /// The place of the items of a list.
    pub(crate) fn items(&self, place: &Place) -> Option<Place> {
        place.is_list.then(|| Place { of: place.of, ..Place::default() }).filter(|place| place.of.is_some())
    }

    /// A schema from the `definitions` of an OpenAPI document.
    fn from_openapi(document: &Value, beneath: Beneath) -> Self {
        let (mut types, mut named) = (Types::default(), HashMap::new());
        if beneath != Beneath::Nothing {
            types = (*builtin().0).clone();
        }
        if beneath == Beneath::WinningBuiltin {
            named.clone_from(&types.names);
        }
        let mut reader = OpenApi { document, types, named, depth: 0 };
        let definitions = document.get("definitions").and_then(Value::as_map);
        for (name, _) in definitions.into_iter().flat_map(yaml::Map::iter) {
            reader.named(name);
        }
        Self(Arc::new(reader.types))
    }
}

/// Reads our own format; see the head of the file.
fn read(text: &str) -> Types {
    let mut names: HashMap<&str, usize> = HashMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("type ") {
            names.insert(name, names.len());
        }
    }
    let mut out = Types::default();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with("type ") {
            out.types.push(Type::default());
        } else if let Some(names) = line.strip_prefix("names ") {
            let at = out.types.len() - 1;
            out.names.extend(names.split(' ').map(|name| (name.to_owned(), at)));
        } else if let Some(kinds) = line.strip_prefix("kinds ") {
            let at = out.types.len() - 1;
            let kinds = kinds.split(' ').filter_map(|kind| kind.rsplit_once('/'));
            out.kinds.extend(kinds.map(|(api, kind)| ((api.to_owned(), kind.to_owned()), at)));
        } else if let (Some((field, rest)), Some(at)) = (line.split_once(" > "), out.types.last_mut()) {
            let (of, keys) = rest.split_once(" +").map_or((rest, None), |(of, keys)| (of, Some(keys)));
            let keys =
                keys.map(|keys| keys.split(',').filter(|k| !k.is_empty()).map(str::to_owned).collect());
            let name = field.trim_end_matches('*');
            let place = Place { of: names.get(of).copied(), keys, is_list: field.ends_with('*') };
            at.fields.insert(name.to_owned(), place);
        }
    }
    out
}

/// Reads an OpenAPI document.
struct OpenApi<'v> {
    document: &'v Value,
    types: Types,
    named: HashMap<String, usize>,
    depth: usize,
}

/// Deeper anonymous schemas are not looked into.
const MAX_DEPTH: usize = 100;

impl OpenApi<'_> {
    fn named(&mut self, name: &str) -> Option<usize> {
        if let Some(&at) = self.named.get(name) {
            return Some(at);
        }
        let Some(schema) = self.document.get("definitions").and_then(|all| all.get(name)) else {
            return self.types.names.get(name).copied();
        };
        let at = self.add();
        self.named.insert(name.to_owned(), at);
        self.types.names.insert(name.to_owned(), at);
        self.fill(at, schema);
        for gvk in schema.get("x-kubernetes-group-version-kind").and_then(Value::as_list).unwrap_or_default()
        {
            let part = |key: &str| gvk.get(key).and_then(Value::as_str).unwrap_or_default();
            let group = part("group");
            let slash = if group.is_empty() { "" } else { "/" };
            let api_version = format!("{group}{slash}{}", part("version"));
            self.types.kinds.insert((api_version, part("kind").to_owned()), at);
        }
        Some(at)
    }

    fn add(&mut self) -> usize {
        self.types.types.push(Type::default());
        self.types.types.len() - 1
    }

    fn fill(&mut self, at: usize, schema: &Value) {
        if self.depth >= MAX_DEPTH {
            return;
        }
        self.depth += 1;
        let properties = schema.get("properties").and_then(Value::as_map);
        for (name, property) in properties.into_iter().flat_map(yaml::Map::iter) {
            let place = self.place(property);
            self.types.types[at].fields.insert(name.to_string(), place);
        }
        if let Some(rest) = schema.get("additionalProperties").filter(|rest| rest.as_map().is_some()) {
            self.types.types[at].rest = Some(self.place(rest));
        }
        self.depth -= 1;
    }

    fn place(&mut self, schema: &Value) -> Place {
        if let Some(name) = reference(schema) {
            return Place { of: self.named(name), ..Place::default() };
        }
        let is_list = schema.get("type").and_then(Value::as_str) == Some("array");
        let strategy = schema.get("x-kubernetes-patch-strategy").and_then(Value::as_str).unwrap_or_default();
        let keys = strategy.contains("merge").then(|| merge_keys(schema));
        let inner = if is_list { schema.get("items") } else { Some(schema) };
        let of = inner.and_then(|inner| match reference(inner) {
            Some(name) => self.named(name),
            None => {
                let at = self.add();
                self.fill(at, inner);
                Some(at)
            }
        });
        Place { of, keys, is_list }
    }
}

fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/definitions/")
}

fn merge_keys(schema: &Value) -> Arc<[String]> {
    let listed = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_list).unwrap_or_default();
    let listed: Vec<_> = listed.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if !listed.is_empty() {
        return listed.into();
    }
    schema
        .get("x-kubernetes-patch-merge-key")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests;
