//! Lists. Every function makes a new list; none changes its argument.

use gotmpl::{CallError, Function, List, ListType, Machine, Type, Value};

use crate::args::{Result, elements, fail, int, list};
use crate::numbers::to_int;

const ANY: &[Type] = &[Type::Any];
const TWO: &[Type] = &[Type::Any, Type::Any];

/// What Go says when a nil list reaches reflection.
const NIL: &str = "runtime error: invalid memory address or nil pointer dereference";

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("list", &[], |machine, args| made(machine, args.to_vec())).and_more(Type::Any),
    Function::new("tuple", &[], |machine, args| made(machine, args.to_vec())).and_more(Type::Any),
    Function::new("append", TWO, push),
    Function::new("push", TWO, push),
    Function::new("mustAppend", TWO, push),
    Function::new("mustPush", TWO, push),
    Function::new("prepend", TWO, prepend),
    Function::new("mustPrepend", TWO, prepend),
    Function::new("first", ANY, |_, args| first(args)).any(),
    Function::new("mustFirst", ANY, |_, args| first(args)).any(),
    Function::new("last", ANY, |_, args| last(args)).any(),
    Function::new("mustLast", ANY, |_, args| last(args)).any(),
    Function::new("rest", ANY, rest),
    Function::new("mustRest", ANY, rest),
    Function::new("initial", ANY, initial),
    Function::new("mustInitial", ANY, initial),
    Function::new("reverse", ANY, reverse),
    Function::new("mustReverse", ANY, reverse),
    Function::walking("uniq", ANY, uniq),
    Function::walking("mustUniq", ANY, uniq),
    Function::new("compact", ANY, compact),
    Function::new("mustCompact", ANY, compact),
    Function::walking("without", ANY, without).and_more(Type::Any),
    Function::walking("mustWithout", ANY, without).and_more(Type::Any),
    Function::walking("has", TWO, has),
    Function::walking("mustHas", TWO, has),
    Function::new("slice", ANY, slice).and_more(Type::Any).any(),
    Function::new("mustSlice", ANY, slice).and_more(Type::Any).any(),
    Function::new("chunk", &[Type::Int, Type::Any], chunk),
    Function::new("mustChunk", &[Type::Int, Type::Any], chunk),
    Function::new("concat", &[], concat).and_more(Type::Any).any(),
];

fn made(machine: &mut Machine<'_>, items: Vec<Value>) -> Result {
    machine.spend(items.len() * std::mem::size_of::<Value>())?;
    list(items)
}

/// The elements of the list a function works on, or Go's complaint in the words of `verb`.
fn of(value: &Value, verb: &str) -> Result<Vec<Value>> {
    match elements(value) {
        Some(items) => Ok(items),
        None if matches!(value, Value::Nil) => fail(NIL),
        None => fail(format!("Cannot {verb} type {}", value.kind())),
    }
}

fn push(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut items = of(&args[0], "push on")?;
    items.push(args[1].clone());
    made(machine, items)
}

fn prepend(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut items = of(&args[0], "prepend on")?;
    items.insert(0, args[1].clone());
    made(machine, items)
}

fn first(args: &[Value]) -> Result {
    Ok(of(&args[0], "find first on")?.first().cloned().unwrap_or(Value::Nil))
}

fn last(args: &[Value]) -> Result {
    Ok(of(&args[0], "find last on")?.last().cloned().unwrap_or(Value::Nil))
}

/// A nil list, as Go returns it for an empty one.
fn none() -> Result {
    Ok(Value::List(List::nil(ListType::Any)))
}

fn rest(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = of(&args[0], "find rest on")?;
    if items.is_empty() { none() } else { made(machine, items[1..].to_vec()) }
}

fn initial(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = of(&args[0], "find initial on")?;
    if items.is_empty() { none() } else { made(machine, items[..items.len() - 1].to_vec()) }
}

fn reverse(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut items = of(&args[0], "find reverse on")?;
    items.reverse();
    made(machine, items)
}

fn holds(machine: &mut Machine<'_>, items: &[Value], wanted: &Value) -> Result<bool> {
    machine.work(items.len() as u64)?;
    Ok(items.iter().any(|item| item.deep_equal(wanted)))
}

fn uniq(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut kept = Vec::new();
    for item in of(&args[0], "find uniq on")? {
        if !holds(machine, &kept, &item)? {
            kept.push(item);
        }
    }
    made(machine, kept)
}

fn compact(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = of(&args[0], "compact on")?;
    made(machine, items.into_iter().filter(Value::truth).collect())
}

fn without(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut kept = Vec::new();
    for item in of(&args[0], "find without on")? {
        if !holds(machine, &args[1..], &item)? {
            kept.push(item);
        }
    }
    made(machine, kept)
}

fn has(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    if matches!(args[1], Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let items = of(&args[1], "find has on")?;
    holds(machine, &items, &args[0]).map(Value::Bool)
}

fn slice(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = match &args[0] {
        Value::Nil => return fail(NIL),
        value => elements(value).ok_or_else(|| {
            CallError::new(format!("list should be type of slice or array but {}", value.kind()))
        })?,
    };
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let from = args.get(1).map_or(0, to_int);
    let to = args.get(2).map_or(length, to_int);
    if to < 0 || to > length || from < 0 || from > to {
        return fail("reflect.Value.Slice: slice index out of bounds");
    }
    let index = |number: i64| usize::try_from(number).unwrap_or(0);
    let cut = items[index(from)..index(to)].to_vec();
    machine.spend(cut.len() * std::mem::size_of::<Value>())?;
    let kind = if let Value::List(list) = &args[0] { list.of } else { ListType::Any };
    Ok(Value::List(List::new(kind, cut)))
}

fn chunk(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = of(&args[1], "chunk")?;
    let Ok(size @ 1..) = usize::try_from(int(args, 0)) else {
        return fail("runtime error: makeslice: len out of range");
    };
    machine.spend(items.len() * std::mem::size_of::<Value>() * 2)?;
    let chunks = items.chunks(size).map(|chunk| Value::List(List::any(chunk.to_vec()))).collect();
    Ok(Value::List(List::new(ListType::Lists, chunks)))
}

fn concat(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut all = Vec::new();
    for arg in args {
        let wrong = || CallError::new(format!("Cannot concat type {} as list", arg.kind()));
        let items = if matches!(arg, Value::Nil) { None } else { Some(elements(arg).ok_or_else(wrong)?) };
        all.extend(items.ok_or(NIL)?);
    }
    if args.is_empty() { none() } else { made(machine, all) }
}
