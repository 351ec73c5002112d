//! The values with fields and methods of their own: `.Capabilities`, `.Values`, `.Chart` of helm 3.

use std::any::Any;
use std::rc::Rc;

use gotmpl::{CallError, Function, List, ListType, Machine, Map, MapType, Object, Str, Type, Value};

use super::host::{Host, Looked};
use crate::version::{Build, Profile, Types};

/// `.Capabilities.KubeVersion`. Its methods belong to the pointer: a copy, which is what functions get, has none.
#[derive(Clone, Debug)]
pub(crate) struct KubeVersion {
    /// `v1.36.0`, perhaps with what follows the numbers.
    pub(crate) version: String,
    /// The same without what follows the numbers.
    pub(crate) normalized: String,
    /// The first number.
    pub(crate) major: String,
    /// The second number.
    pub(crate) minor: String,
    /// Go's names of types.
    pub(crate) types: &'static Types,
    /// Whether it is a copy.
    pub(crate) is_copy: bool,
}

/// `.Capabilities.HelmVersion`.
#[derive(Clone, Copy, Debug)]
struct BuildInfo {
    build: Build,
    client: Option<&'static str>,
}

/// `.Capabilities`.
struct Capabilities {
    kube: Rc<KubeVersion>,
    api_versions: Value,
    build: BuildInfo,
    types: &'static Types,
    looked: Rc<Looked>,
}

/// The members of a struct as a map.
pub(super) fn as_json_map(object: &dyn Object) -> Value {
    let members = object.json_members().into_iter().flatten();
    Value::Map(Map::any(members.map(|(name, value)| (Str::from(name), value))))
}

/// `.Capabilities` of a run.
pub(crate) fn capabilities(
    kube: KubeVersion,
    api_versions: &[String],
    profile: &Profile,
    looked: &Rc<Looked>,
) -> Value {
    let items = api_versions.iter().map(|version| Value::from(version.as_str())).collect();
    Value::Object(Rc::new(Capabilities {
        kube: Rc::new(kube),
        api_versions: Value::List(List::new(ListType::Named(profile.types.version_set), items)),
        build: BuildInfo {
            build: profile.build,
            client: profile.has_client_version.then_some(profile.client.name),
        },
        types: profile.types,
        looked: looked.clone(),
    }))
}

impl Object for Capabilities {
    fn type_name(&self) -> &'static str {
        self.types.capabilities
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "KubeVersion" => {
                self.looked.kube_version.set(true);
                Some(Value::Object(self.kube.clone()))
            }
            "APIVersions" => Some(self.api_versions.clone()),
            "HelmVersion" => Some(Value::Object(Rc::new(self.build))),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        CAPABILITIES_METHODS.iter().find(|method| method.name == name)
    }

    fn go_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        self.json_members()
    }

    fn size(&self) -> usize {
        let Value::List(versions) = &self.api_versions else { return 4_096 };
        let text = |version: &Value| if let Value::Str(version) = version { version.len() + 4 } else { 4 };
        4_096 + versions.iter().map(text).sum::<usize>()
    }

    fn json(&self) -> Value {
        as_json_map(self)
    }

    fn json_members(&self) -> Option<Vec<(&'static str, Value)>> {
        self.looked.kube_version.set(true);
        self.looked.all_api_versions.set(true);
        Some(vec![
            ("KubeVersion", self.kube.copy()),
            ("APIVersions", self.api_versions.clone()),
            ("HelmVersion", Value::Object(Rc::new(self.build))),
        ])
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl KubeVersion {
    fn copy(&self) -> Value {
        Value::Object(Rc::new(Self { is_copy: true, ..self.clone() }))
    }
}

impl Object for KubeVersion {
    fn type_name(&self) -> &'static str {
        self.types.kube_version
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Version" => Some(Value::from(self.version.as_str())),
            "Major" => Some(Value::from(self.major.as_str())),
            "Minor" => Some(Value::from(self.minor.as_str())),
            _ => None,
        }
    }

    fn print(&self) -> String {
        match self.is_copy {
            true => gotmpl::struct_text(self),
            false => self.normalized.clone(),
        }
    }

    fn is_stringer(&self) -> bool {
        !self.is_copy
    }

    fn go_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let mut fields = self.json_members()?;
        // Helm 3 has no such field.
        if self.types.reads_base {
            fields.insert(1, ("normalizedVersion", Value::from(self.normalized.as_str())));
        }
        Some(fields)
    }

    fn as_argument(&self) -> Option<Value> {
        (!self.is_copy).then(|| self.copy())
    }

    fn json(&self) -> Value {
        as_json_map(self)
    }

    fn json_members(&self) -> Option<Vec<(&'static str, Value)>> {
        let fields = ["Version", "Major", "Minor"];
        Some(fields.into_iter().filter_map(|name| Some((name, self.field(name)?))).collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for BuildInfo {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Version" => Some(Value::from(self.build.version)),
            "GitCommit" => Some(Value::from(self.build.commit)),
            "GitTreeState" => Some(Value::from(self.build.tree_state)),
            "GoVersion" => Some(Value::from(self.build.go)),
            "KubeClientVersion" => self.client.map(Value::from),
            _ => None,
        }
    }

    fn go_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let Build { version, commit, tree_state, go } = self.build;
        let fields = [
            ("Version", Some(version)),
            ("GitCommit", Some(commit)),
            ("GitTreeState", Some(tree_state)),
            ("GoVersion", Some(go)),
            ("KubeClientVersion", self.client),
        ];
        Some(fields.into_iter().filter_map(|(name, text)| Some((name, Value::from(text?)))).collect())
    }

    fn json(&self) -> Value {
        as_json_map(self)
    }

    fn json_members(&self) -> Option<Vec<(&'static str, Value)>> {
        let Build { version, commit, tree_state, go } = self.build;
        let fields = [
            ("version", version),
            ("git_commit", commit),
            ("git_tree_state", tree_state),
            ("go_version", go),
            ("kube_client_version", self.client.unwrap_or_default()),
        ];
        let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
        Some(fields.map(|(key, value)| (key, Value::from(value))).collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

static KUBE_METHODS: [Function; 2] = [
    Function::new("String", &[], |_, args| Ok(kube_text(args, |kube| &kube.normalized))),
    Function::new("GitVersion", &[], |_, args| Ok(kube_text(args, |kube| &kube.version))),
];

static CAPABILITIES_METHODS: [Function; 1] = [Function::new("Copy", &[], |_, args| Ok(args[0].clone()))];

static SET_METHODS: [Function; 1] = [Function::new("Has", &[Type::String], has)];

static VALUES_METHODS: [Function; 5] = [
    Function::careful("YAML", &[], yaml_of),
    Function::new("Table", &[Type::String], |_, args| table(args)).taking(4),
    Function::new("AsMap", &[], |_, args| Ok(as_map(args))),
    Function::new("PathValue", &[Type::String], |_, args| path_value(args)).any().taking(8),
    Function::new("Encode", &[Type::Any], |_, _| Err(CallError::new("there is nothing to write to"))),
];

fn yaml_of(machine: &mut Machine<'_>, args: &[Value]) -> Result<Value, CallError> {
    let budget = machine.budget();
    let mut text = super::to_yaml(budget, &args[0])?.map_err(CallError::new)?;
    budget.spend_text(2 * text.len() + 2)?;
    text.push(b'\n');
    Ok(Value::from(text))
}

/// The method `name` of a value that has methods.
pub(crate) fn method(receiver: &Value, name: &str) -> Option<&'static Function> {
    let methods: &'static [Function] = match receiver {
        Value::Object(object) => match object.as_any().downcast_ref::<KubeVersion>() {
            Some(kube) if !kube.is_copy => &KUBE_METHODS,
            _ => return None,
        },
        Value::List(list) if matches!(list.of, ListType::Named(_)) => &SET_METHODS,
        Value::Map(map) if matches!(map.of, MapType::Named(_)) => &VALUES_METHODS,
        _ => return None,
    };
    methods.iter().find(|method| method.name == name)
}

/// Every method of a value that has methods.
#[cfg(test)]
pub(super) fn methods() -> impl Iterator<Item = &'static Function> {
    KUBE_METHODS.iter().chain(&SET_METHODS).chain(&VALUES_METHODS)
}

fn kube_text(args: &[Value], text: fn(&KubeVersion) -> &String) -> Value {
    match args.first() {
        Some(Value::Object(object)) => {
            object.as_any().downcast_ref().map_or(Value::Nil, |kube| Value::from(text(kube).as_str()))
        }
        _ => Value::Nil,
    }
}

fn has(machine: &mut Machine<'_>, args: &[Value]) -> Result<Value, CallError> {
    let (Some(Value::List(set)), Some(Value::Str(wanted))) = (args.first(), args.get(1)) else {
        return Ok(Value::Bool(false));
    };
    machine.spend(4 * wanted.len() + 256)?;
    machine.work(set.len() as u64)?;
    if let Some(host) = machine.host.as_any().downcast_mut::<Host>() {
        host.looked.api_versions.borrow_mut().insert(wanted.lossy().into_owned());
    }
    Ok(Value::Bool(set.iter().any(|version| matches!(version, Value::Str(version) if version == wanted))))
}

fn values(args: &[Value]) -> Map {
    match args.first() {
        Some(Value::Map(map)) => map.clone(),
        _ => Map::nil(MapType::Any),
    }
}

fn as_map(args: &[Value]) -> Value {
    let map = values(args);
    Value::Map(if map.is_empty() { Map::any([]) } else { map.seen_as(MapType::Any) })
}

fn path(args: &[Value]) -> String {
    match args.get(1) {
        Some(Value::Str(path)) => path.lossy().into_owned(),
        _ => String::new(),
    }
}

/// The table at a dotted path.
pub(crate) fn table_at(values: &Map, path: &str) -> Option<Map> {
    path.split('.').try_fold(values.clone(), |map, name| match map.get(name.as_bytes()) {
        Some(Value::Map(inner)) => Some(inner),
        _ => None,
    })
}

/// Helm's text for a dotted path that leads to no table: it names the first name that is none.
pub(crate) fn table_error(values: &Map, path: &str) -> String {
    let mut at = values.clone();
    for name in path.split('.') {
        match at.get(name.as_bytes()) {
            Some(Value::Map(inner)) => at = inner,
            _ => return format!("{} is not a table", gotmpl::quote::excerpt(name.as_bytes())),
        }
    }
    String::new()
}

fn table(args: &[Value]) -> Result<Value, CallError> {
    let (map, path) = (values(args), path(args));
    let table = table_at(&map, &path).ok_or_else(|| CallError::new(table_error(&map, &path)))?;
    Ok(Value::Map(table.seen_as(map.of)))
}

/// The value at a dotted path; tables are refused.
fn path_value(args: &[Value]) -> Result<Value, CallError> {
    let path = path(args);
    if path.is_empty() {
        return Err(CallError::new("YAML path cannot be empty"));
    }
    let missing = || CallError::new(format!("{} is not a value", gotmpl::quote::excerpt(path.as_bytes())));
    let (parent, name) = match path.rsplit_once('.') {
        Some((parent, name)) => (table_at(&values(args), parent).ok_or_else(missing)?, name),
        None => (values(args), path.as_str()),
    };
    match parent.get(name.as_bytes()) {
        None | Some(Value::Map(_)) => Err(missing()),
        Some(value) => Ok(value),
    }
}
