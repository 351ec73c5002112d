//! `.Files`: a chart's other files, with their methods.

use std::collections::BTreeMap;

use gotmpl::{CallError, Function, ListBuffer, ListType, Machine, Map, MapType, Str, Type, Value};

use super::encode::to_yaml;
use super::host::Host;

/// Go's name of the type.
pub(crate) const FILES_TYPE: &str = "engine.files";

/// `.Files` of a chart before its files are read.
pub(crate) fn no_files() -> Map {
    Map::new(MapType::Other(FILES_TYPE))
}

const S: &[Type] = &[Type::String];

pub(super) static METHODS: [Function; 6] = [
    Function::new("Get", S, |_, args| Ok(Value::Str(content(args)))),
    Function::new("GetBytes", S, |_, args| Ok(Value::Bytes(content(args)))),
    Function::new("Lines", S, lines),
    Function::new("Glob", S, glob),
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
    let text = content.strip_suffix(b"\n").unwrap_or(&content);
    let mut lines = ListBuffer::new(machine.budget());
    for line in text.split(|byte| *byte == b'\n') {
        lines.push_text(line)?;
    }
    lines.into_value(ListType::Strings)
}

/// The longest pattern of a glob, and the most names times bytes of pattern: matching may take their product.
const MAX_PATTERN: usize = 4 << 10;

fn glob(machine: &mut Machine<'_>, args: &[Value]) -> Result<Value, CallError> {
    let pattern = argument(args);
    if pattern.len() > MAX_PATTERN {
        let message = format!("a pattern is longer than the budget allows ({MAX_PATTERN} bytes)");
        return Err(CallError::budget(message));
    }
    let budget = machine.budget();
    budget.spend(PATTERN_BYTES * (1 + pattern.len()))?;
    let every =
        glob::gobwas::Pattern::compile("**", &[]).map_err(|error| CallError::new(error.to_string()))?;
    let pattern_text = pattern.lossy();
    let pattern = glob::gobwas::Pattern::compile(&pattern_text, &['/']).unwrap_or(every);
    budget.spend_map(0)?;
    let matching = no_files();
    let mut outcome = Ok(());
    files(args).each(|name, content| {
        outcome = (|| {
            budget.work((1 + name.len() * (1 + pattern_text.len()) / 16) as u64)?;
            budget.spend(16 * pattern_text.len() + 4 * name.len())?;
            if pattern.matches(&name.lossy()) {
                budget.spend_entry()?;
                matching.set(name.clone(), content.clone());
            }
            Ok(())
        })();
        outcome.is_ok()
    });
    outcome.map(|()| Value::Map(matching))
}

/// What each byte of a pattern takes once it is compiled.
const PATTERN_BYTES: usize = 256;

/// `AsConfig` and `AsSecrets`: base name → content, as YAML.
fn yaml_of(machine: &mut Machine<'_>, args: &[Value], encoded: bool) -> Result<Value, CallError> {
    let mut data = BTreeMap::new();
    let budget = machine.budget();
    budget.spend_map(2 * files(args).len())?;
    for (name, content) in files(args).entries() {
        let Value::Bytes(content) = content else { continue };
        budget.spend_text(name.len())?;
        let base = name.rsplit(|byte| *byte == b'/').next().unwrap_or(&name).to_vec();
        let value = if encoded { Value::Bytes(content) } else { Value::Str(content) };
        data.insert(Str::from(base), value);
    }
    if data.is_empty() {
        return Ok(Value::from(if files(args).is_nil() { "" } else { "{}" }));
    }
    let text = to_yaml(budget, &Value::Map(Map::any(data)))?.unwrap_or_default();
    budget.spend_text(text.len())?;
    Ok(Value::from(text))
}
