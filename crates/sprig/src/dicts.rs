//! Dictionaries. `set`, `unset` and the merges change their argument in place, which every holder sees.

use std::collections::BTreeSet;

use gotmpl::{Budget, Function, List, ListBuffer, ListType, Machine, Map, MapType, Str, Type, Value};

use crate::args::{Result, bytes, fail, map, strval};

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
        machine.note_change(&target)?;
        target.remove(bytes(args, 1));
        Ok(Value::Map(target.seen_as(MapType::Any)))
    }),
    Function::new("pluck", &[S], pluck).and_more(M),
    Function::new("pick", &[M], pick).and_more(S),
    Function::new("omit", &[M], omit).and_more(S),
    Function::new("keys", &[], keys).and_more(M),
    Function::new("values", &[M], |machine, args| {
        let mut values = ListBuffer::new(machine.budget());
        let mut pushed = Ok(());
        map(args, 0).each(|_, value| {
            pushed = values.push(value.clone());
            pushed.is_ok()
        });
        pushed?;
        values.into_value(ListType::Any)
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

fn dict(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let budget = machine.budget();
    budget.spend_map(0)?;
    let made = Map::new(MapType::Any);
    for pair in args.chunks(2) {
        let value = pair.get(1).cloned().unwrap_or_else(|| Value::from(""));
        let key = match &pair[0] {
            Value::Str(key) => key.clone(),
            other => text_of(machine, other)?,
        };
        budget.spend_entry()?;
        made.set(key, value);
    }
    Ok(Value::Map(made))
}

/// sprig's text of a value that is no string.
fn text_of(machine: &Machine<'_>, value: &Value) -> Result<Str> {
    machine.measure(std::slice::from_ref(value), gotmpl::Walk::Through)?;
    let text = strval(machine, value)?;
    machine.budget().spend_text(text.len())?;
    Ok(Str::from(&*text))
}

fn set(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let target = map(args, 0);
    machine.budget().spend_entry()?;
    machine.note_change(&target)?;
    let key = key_of(&args[1]).unwrap_or_else(|| Str::from(bytes(args, 1)));
    if !target.set(key, args[2].clone()) {
        return fail("assignment to entry in nil map");
    }
    Ok(Value::Map(target.seen_as(MapType::Any)))
}

fn pick(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (source, picked) = (map(args, 0), Map::new(MapType::Any));
    machine.budget().spend_map(args.len() - 1)?;
    for key in args[1..].iter().filter_map(key_of) {
        if let Some(value) = source.get(&key) {
            picked.set(key, value);
        }
    }
    Ok(Value::Map(picked))
}

fn omit(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (source, kept) = (map(args, 0), Map::new(MapType::Any));
    let dropped: BTreeSet<&[u8]> = (1..args.len()).map(|at| bytes(args, at)).collect();
    machine.budget().spend_map(source.len())?;
    source.each(|key, value| {
        if !dropped.contains(&**key) {
            kept.set(key.clone(), value.clone());
        }
        true
    });
    Ok(Value::Map(kept))
}

fn keys(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut keys = ListBuffer::new(machine.budget());
    for at in 0..args.len() {
        let mut pushed = Ok(());
        map(args, at).each(|key, _| {
            pushed = keys.push(Value::Str(key.clone()));
            pushed.is_ok()
        });
        pushed?;
    }
    keys.into_value(ListType::Strings)
}

fn pluck(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (key, mut found) = (bytes(args, 0), ListBuffer::new(machine.budget()));
    for value in (1..args.len()).filter_map(|at| map(args, at).get(key)) {
        found.push(value)?;
    }
    found.into_value(ListType::Any)
}

/// mergo's merge: into the first map, from the second, then the third, …
fn merge_all(machine: &mut Machine<'_>, args: &[Value], overwrites: bool) -> Result {
    let given = map(args, 0);
    // mergo makes the map that is missing.
    machine.budget().spend_map(0)?;
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
    machine.note_change(target)?;
    machine.budget().spend_entries(source.len())?;
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
                machine.budget().spend_entry()?;
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
    deep_copy(machine.budget(), &args[0], 0)
}

/// A copy that shares no map with the original.
fn deep_copy(budget: &Budget<'_>, value: &Value, depth: usize) -> Result {
    if depth > MAX_DEPTH {
        return fail(TOO_DEEP);
    }
    budget.work(1)?;
    Ok(match value {
        Value::Map(map) if !map.is_nil() => {
            budget.spend_map(map.len())?;
            let copy = Map::new(map.of);
            let mut copied = Ok(());
            map.each(|key, value| {
                copied = deep_copy(budget, value, depth + 1).map(|value| {
                    copy.set(key.clone(), value);
                });
                copied.is_ok()
            });
            copied?;
            Value::Map(copy)
        }
        Value::List(list) if list.of == ListType::Any && !list.is_nil() => {
            budget.spend_list(list.len())?;
            let mut items = Vec::with_capacity(list.len());
            for item in list.iter() {
                items.push(deep_copy(budget, item, depth + 1)?);
            }
            Value::List(List::any(items))
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
