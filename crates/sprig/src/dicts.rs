//! Dictionaries. `set`, `unset` and the merges change their argument in place, which every holder sees.

use gotmpl::{Function, List, ListType, Machine, Map, MapType, Str, Type, Value};

use crate::args::{Result, bytes, fail, list, map, strval};

const M: Type = Type::Map;
const S: Type = Type::String;

/// How deep `deepCopy` and the merges go; a map may hold itself.
const MAX_DEPTH: usize = 500;

const TOO_DEEP: &str = "the values are nested too deeply, or hold themselves";

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("dict", &[], dict).and_more(Type::Any),
    Function::new("get", &[M, S], |_, args| {
        Ok(map(args, 0).get(bytes(args, 1)).unwrap_or_else(|| Value::from("")))
    })
    .any(),
    Function::new("hasKey", &[M, S], |_, args| Ok(Value::Bool(map(args, 0).has(bytes(args, 1))))),
    Function::new("set", &[M, S, Type::Any], set),
    Function::new("unset", &[M, S], |machine, args| {
        let target = map(args, 0);
        machine.note_change(&target);
        target.remove(bytes(args, 1));
        Ok(Value::Map(target.seen_as(MapType::Any)))
    }),
    Function::new("pluck", &[S], pluck).and_more(M),
    Function::new("pick", &[M], |_, args| {
        let source = map(args, 0);
        let kept = args[1..]
            .iter()
            .filter_map(|key| key_of(key).and_then(|key| Some((key.clone(), source.get(&key)?))));
        Ok(Value::Map(Map::any(kept)))
    })
    .and_more(S),
    Function::new("omit", &[M], |_, args| {
        let dropped: Vec<Str> = args[1..].iter().filter_map(key_of).collect();
        let kept = map(args, 0).entries().into_iter().filter(|(key, _)| !dropped.contains(key));
        Ok(Value::Map(Map::any(kept)))
    })
    .and_more(S),
    Function::new("keys", &[], |machine, args| {
        let keys: Vec<Str> = (0..args.len()).flat_map(|at| map(args, at).keys()).collect();
        machine.spend(keys.len() * std::mem::size_of::<Value>())?;
        Ok(Value::strings(keys))
    })
    .and_more(M),
    Function::new("values", &[M], |_, args| {
        list(map(args, 0).entries().into_iter().map(|entry| entry.1).collect())
    }),
    Function::careful("merge", &[M], |machine, args| merge_all(machine, args, false)).and_more(M).any(),
    Function::careful("mustMerge", &[M], |machine, args| merge_all(machine, args, false)).and_more(M).any(),
    Function::careful("mergeOverwrite", &[M], |machine, args| merge_all(machine, args, true))
        .and_more(M)
        .any(),
    Function::careful("mustMergeOverwrite", &[M], |machine, args| merge_all(machine, args, true))
        .and_more(M)
        .any(),
    Function::careful("deepCopy", &[Type::Any], deep_copy_of).any(),
    Function::careful("mustDeepCopy", &[Type::Any], deep_copy_of).any(),
    Function::new("dig", &[], |_, args| dig(args)).and_more(Type::Any).any(),
];

fn key_of(value: &Value) -> Option<Str> {
    match value {
        Value::Str(key) => Some(key.clone()),
        _ => None,
    }
}

/// What a map takes that holds one entry: room for eleven.
const MAP_BYTES: usize = 600;

fn dict(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    machine.spend(MAP_BYTES + std::mem::size_of_val(args))?;
    let pairs = args.chunks(2).map(|pair| {
        let value = pair.get(1).cloned().unwrap_or_else(|| Value::from(""));
        (Str::from(strval(&pair[0])), value)
    });
    Ok(Value::Map(Map::any(pairs)))
}

fn set(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let target = map(args, 0);
    machine.spend(std::mem::size_of::<Value>() * 2)?;
    machine.note_change(&target);
    if !target.set(Str::from(bytes(args, 1)), args[2].clone()) {
        return fail("assignment to entry in nil map");
    }
    Ok(Value::Map(target.seen_as(MapType::Any)))
}

fn pluck(_: &mut Machine<'_>, args: &[Value]) -> Result {
    let key = bytes(args, 0);
    list((1..args.len()).filter_map(|at| map(args, at).get(key)).collect())
}

/// mergo's merge: into the first map, from the second, then the third, …
fn merge_all(machine: &mut Machine<'_>, args: &[Value], overwrites: bool) -> Result {
    let given = map(args, 0);
    // mergo makes the map that is missing.
    let target = if given.is_nil() { Map::new(MapType::Any) } else { given };
    for at in 1..args.len() {
        merge(machine, (&target, &map(args, at)), overwrites, 0)?;
    }
    Ok(Value::Map(target))
}

/// Without `overwrites` the target's value stays unless it is empty; with it the source's value always wins. Maps in
/// both are merged; a nested map that only the source has is shared, not copied.
fn merge(machine: &mut Machine<'_>, maps: (&Map, &Map), overwrites: bool, depth: usize) -> Result<()> {
    let (target, source) = maps;
    if depth > MAX_DEPTH {
        return fail(TOO_DEEP);
    }
    machine.note_change(target);
    machine.work(source.len() as u64)?;
    for (key, value) in source.entries() {
        let own = target.get(&key);
        match (&own, &value) {
            (Some(Value::Map(own)), Value::Map(value)) if own.holds_any() && value.holds_any() => {
                if !own.same(value) {
                    merge(machine, (own, value), overwrites, depth + 1)?;
                }
            }
            (Some(own), _) if !overwrites && own.truth() => {}
            _ => {
                machine.spend(std::mem::size_of::<Value>() * 2)?;
                if !target.set(key, value) {
                    return fail("assignment to entry in nil map");
                }
            }
        }
    }
    Ok(())
}

fn deep_copy_of(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    if matches!(args[0], Value::Nil) {
        return fail("reflect: call of reflect.Value.Type on zero Value");
    }
    deep_copy(machine, &args[0], 0)
}

/// A copy that shares no map with the original.
fn deep_copy(machine: &mut Machine<'_>, value: &Value, depth: usize) -> Result {
    if depth > MAX_DEPTH {
        return fail(TOO_DEEP);
    }
    machine.spend(std::mem::size_of::<Value>())?;
    machine.work(1)?;
    Ok(match value {
        Value::Map(map) if !map.is_nil() => {
            machine.spend(MAP_BYTES)?;
            let copy = Map::new(map.of);
            for (key, value) in map.entries() {
                copy.set(key, deep_copy(machine, &value, depth + 1)?);
            }
            Value::Map(copy)
        }
        Value::List(list) if list.of == ListType::Any && !list.is_nil() => {
            let items: Result<Vec<Value>> =
                list.iter().map(|item| deep_copy(machine, item, depth + 1)).collect();
            Value::List(List::any(items?))
        }
        shared => shared.clone(),
    })
}

/// `dig "a" "b" default map`
fn dig(args: &[Value]) -> Result {
    let [keys @ .., default, last] = args else {
        return fail("dig needs at least three arguments");
    };
    if keys.is_empty() {
        return fail("dig needs at least three arguments");
    }
    let mut value = last.clone();
    for (index, key) in keys.iter().enumerate() {
        let Value::Str(key) = key else {
            return fail(format!("interface conversion: interface {{}} is {}, not string", go_type(key)));
        };
        let Some(map) = plain_map(&value) else {
            let wanted = "map[string]interface {}";
            return fail(format!(
                "interface conversion: interface {{}} is {}, not {wanted}",
                go_type(&value)
            ));
        };
        match map.get(key) {
            Some(found) if index + 1 == keys.len() => return Ok(found),
            Some(found) => value = found,
            None => return Ok(default.clone()),
        }
    }
    Ok(default.clone())
}

/// Go's type assertion accepts the one type, no named one over it.
fn plain_map(value: &Value) -> Option<&Map> {
    match value {
        Value::Map(map) if map.of == MapType::Any => Some(map),
        _ => None,
    }
}

fn go_type(value: &Value) -> &'static str {
    if let Value::Nil = value { "nil" } else { value.type_name() }
}
