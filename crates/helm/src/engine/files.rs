//! `.Files`: a chart's other files, with their methods.

use std::collections::BTreeMap;

use gotmpl::{CallError, Function, Machine, Map, MapType, Str, Type, Value};

use super::encode::to_yaml;
use super::host::Host;

/// Go's name of the type.
pub(crate) const FILES_TYPE: &str = "engine.files";

/// `.Files` of a chart before its files are read.
pub(crate) fn no_files() -> Map {
    Map::new(MapType::Other(FILES_TYPE))
}

fn files_value(files: impl IntoIterator<Item = (Str, Value)>) -> Value {
    let map = no_files();
    for (name, content) in files {
        map.set(name, content);
    }
    Value::Map(map)
}

const S: &[Type] = &[Type::String];

static METHODS: [Function; 6] = [
    Function::new("Get", S, |_, args| Ok(Value::Str(content(args)))),
    Function::new("GetBytes", S, |_, args| Ok(Value::Bytes(content(args)))),
    Function::new("Lines", S, lines),
    Function::new("Glob", S, |_, args| glob(args)),
    Function::new("AsConfig", &[], |machine, args| yaml_of(machine, args, false)),
    Function::new("AsSecrets", &[], |machine, args| yaml_of(machine, args, true)),
];

/// The method `name` of a value, if the value is `.Files` or part of it.
pub(crate) fn method(receiver: &Value, name: &str) -> Option<&'static Function> {
    let Value::Map(map) = receiver else { return None };
    if map.of != MapType::Other(FILES_TYPE) {
        return None;
    }
    METHODS.iter().find(|method| method.name == name)
}

fn files(args: &[Value]) -> Map {
    match args.first() {
        Some(Value::Map(map)) => map.clone(),
        _ => Map::nil(MapType::Other(FILES_TYPE)),
    }
}

fn argument(args: &[Value]) -> Str {
    match args.get(1) {
        Some(Value::Str(text)) => text.clone(),
        _ => Str::from(""),
    }
}

/// The content of the named file; a missing one is empty.
fn content(args: &[Value]) -> Str {
    match files(args).get(&argument(args)) {
        Some(Value::Bytes(content)) => content,
        _ => Str::from(""),
    }
}

fn lines(machine: &mut Machine<'_>, args: &[Value]) -> Result<Value, CallError> {
    let Some(Value::Bytes(content)) = files(args).get(&argument(args)) else {
        return Ok(Value::strings(Vec::<Str>::new()));
    };
    if content.is_empty() {
        let fails =
            machine.host.as_any().downcast_mut::<Host>().is_some_and(|host| host.profile.empty_lines_fail);
        if fails {
            return Err(CallError::new("runtime error: index out of range [-1]"));
        }
        return Ok(Value::strings(Vec::<Str>::new()));
    }
    machine.spend(content.len())?;
    let text = content.strip_suffix(b"\n").unwrap_or(&content);
    Ok(Value::strings(text.split(|byte| *byte == b'\n')))
}

fn glob(args: &[Value]) -> Result<Value, CallError> {
    let pattern = argument(args);
    let every =
        glob::gobwas::Pattern::compile("**", &[]).map_err(|error| CallError::new(error.to_string()))?;
    let pattern = glob::gobwas::Pattern::compile(&pattern.lossy(), &['/']).unwrap_or(every);
    let matching = files(args).entries().into_iter().filter(|(name, _)| pattern.matches(&name.lossy()));
    Ok(files_value(matching))
}

/// `AsConfig` and `AsSecrets`: base name → content, as YAML.
fn yaml_of(machine: &mut Machine<'_>, args: &[Value], encoded: bool) -> Result<Value, CallError> {
    let mut data = BTreeMap::new();
    for (name, content) in files(args).entries() {
        let Value::Bytes(content) = content else { continue };
        machine.spend(content.len() * 2)?;
        let base = name.rsplit(|byte| *byte == b'/').next().unwrap_or(&name).to_vec();
        let value = if encoded { Value::Bytes(content) } else { Value::Str(content) };
        data.insert(Str::from(base), value);
    }
    if data.is_empty() {
        return Ok(Value::from(if files(args).is_nil() { "" } else { "{}" }));
    }
    Ok(Value::from(to_yaml(&Value::Map(Map::any(data))).unwrap_or_default()))
}
