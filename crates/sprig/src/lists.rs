//! Lists. Every function makes a new list; none changes its argument.

use std::borrow::Cow;
use std::collections::HashSet;

use foldhash::quality::RandomState;
use gotmpl::{CallError, Function, IntType, List, ListBuffer, ListType, Machine, Str, Type, UintType, Value};

use crate::args::{Result, elements, fail, int};
use crate::numbers::to_int;

const ANY: &[Type] = &[Type::Any];
const TWO: &[Type] = &[Type::Any, Type::Any];

/// What Go says when a nil list reaches reflection.
const NIL: &str = "runtime error: invalid memory address or nil pointer dereference";

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("list", &[], |machine, args| copied(machine, args)).and_more(Type::Any),
    Function::new("tuple", &[], |machine, args| copied(machine, args)).and_more(Type::Any),
    Function::new("append", TWO, push),
    Function::new("push", TWO, push),
    Function::new("mustAppend", TWO, push),
    Function::new("mustPush", TWO, push),
    Function::new("prepend", TWO, prepend),
    Function::new("mustPrepend", TWO, prepend),
    Function::new("first", ANY, first).any(),
    Function::new("mustFirst", ANY, first).any(),
    Function::new("last", ANY, last).any(),
    Function::new("mustLast", ANY, last).any(),
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

/// `[]interface {}` of these elements.
fn copied(machine: &Machine<'_>, items: &[Value]) -> Result {
    machine.budget().spend_list(items.len())?;
    Ok(Value::List(List::any(items.to_vec())))
}

/// The elements of the list a function works on, or Go's complaint in the words of `verb`.
fn of<'v>(machine: &Machine<'_>, value: &'v Value, verb: &str) -> Result<Cow<'v, [Value]>> {
    match elements(machine, value)? {
        Some(items) => Ok(items),
        None if matches!(value, Value::Nil) => fail(NIL),
        None => fail(format!("Cannot {verb} type {}", value.kind())),
    }
}

/// A list of these parts one after the other.
fn joined(machine: &Machine<'_>, parts: &[&[Value]]) -> Result {
    machine.budget().spend_list(parts.iter().map(|part| part.len()).sum())?;
    Ok(Value::List(List::any(parts.concat())))
}

fn push(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = of(machine, &args[0], "push on")?;
    joined(machine, &[&items, &args[1..2]])
}

fn prepend(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = of(machine, &args[0], "prepend on")?;
    joined(machine, &[&args[1..2], &items])
}

fn first(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    Ok(of(machine, &args[0], "find first on")?.first().cloned().unwrap_or(Value::Nil))
}

fn last(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    Ok(of(machine, &args[0], "find last on")?.last().cloned().unwrap_or(Value::Nil))
}

/// A nil list, as Go returns it for an empty one.
fn none() -> Result {
    Ok(Value::List(List::nil(ListType::Any)))
}

fn rest(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = of(machine, &args[0], "find rest on")?;
    if items.is_empty() { none() } else { copied(machine, &items[1..]) }
}

fn initial(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = of(machine, &args[0], "find initial on")?;
    if items.is_empty() { none() } else { copied(machine, &items[..items.len() - 1]) }
}

fn reverse(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = of(machine, &args[0], "find reverse on")?;
    machine.budget().spend_list(items.len())?;
    Ok(Value::List(List::any(items.iter().rev().cloned().collect())))
}

/// How much of the elements of a list is compared before the flag is looked at: what is in them was measured once, but
/// each comparison goes through it again.
fn holds(machine: &Machine<'_>, items: &[Value], wanted: &Value) -> Result<bool> {
    for item in items {
        if equal(machine, item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(machine: &Machine<'_>, a: &Value, b: &Value) -> Result<bool> {
    machine.work(1)?;
    // Collections of the same size are gone through, and so are texts of the same length.
    match (a, b) {
        (Value::List(own), Value::List(other)) if own.len() != other.len() => return Ok(false),
        (Value::Map(own), Value::Map(other)) if own.len() != other.len() => return Ok(false),
        (Value::List(_), Value::List(_)) | (Value::Map(_), Value::Map(_)) => {
            machine.measure(std::slice::from_ref(a), gotmpl::Walk::Careful)?;
        }
        (Value::Str(own), Value::Str(other)) if own.len() == other.len() => {
            machine.budget().read(own.len())?;
        }
        _ => {}
    }
    Ok(a.deep_equal(b))
}

/// What can be looked up among values that were seen: a text, a number, a boolean or nothing. No collection equals one.
#[derive(PartialEq, Eq, Hash)]
enum Scalar {
    Nil,
    Bool(bool),
    Int(IntType, i64),
    Uint(UintType, u64),
    Float(u64),
    Str(Str),
}

impl Scalar {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Nil => Some(Self::Nil),
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Int(of, value) => Some(Self::Int(*of, *value)),
            Value::Uint(of, value) => Some(Self::Uint(*of, *value)),
            // The two zeros are equal, and what is no number equals nothing.
            Value::Float(value) if !value.is_nan() => Some(Self::Float((value + 0.0).to_bits())),
            Value::Str(text) => Some(Self::Str(text.clone())),
            _ => None,
        }
    }
}

/// Values that were seen, to be asked whether one equals another: scalars by a table, the rest one by one.
#[derive(Default)]
struct Seen {
    scalars: HashSet<Scalar, RandomState>,
    others: Vec<Value>,
}

impl Seen {
    /// Adds a value; false when an equal one was there.
    fn add(&mut self, machine: &Machine<'_>, value: &Value) -> Result<bool> {
        match Scalar::of(value) {
            Some(scalar) => {
                machine.work(1)?;
                if let Scalar::Str(text) = &scalar {
                    machine.budget().read(text.len())?;
                }
                machine.spend(SEEN_BYTES)?;
                Ok(self.scalars.insert(scalar))
            }
            None if holds(machine, &self.others, value)? => Ok(false),
            None => {
                machine.spend(SEEN_BYTES)?;
                self.others.push(value.clone());
                Ok(true)
            }
        }
    }

    fn holds(&self, machine: &Machine<'_>, value: &Value) -> Result<bool> {
        match Scalar::of(value) {
            Some(scalar) => {
                machine.work(1)?;
                if let Scalar::Str(text) = &scalar {
                    machine.budget().read(text.len())?;
                }
                Ok(self.scalars.contains(&scalar))
            }
            None => holds(machine, &self.others, value),
        }
    }
}

/// What one value takes in a table that grows by doubling.
const SEEN_BYTES: usize = 160;

fn uniq(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (mut seen, mut kept) = (Seen::default(), ListBuffer::new(machine.budget()));
    for item in &*of(machine, &args[0], "find uniq on")? {
        if seen.add(machine, item)? {
            kept.push(item.clone())?;
        }
    }
    kept.into_value(ListType::Any)
}

fn compact(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut kept = ListBuffer::new(machine.budget());
    for item in of(machine, &args[0], "compact on")?.iter().filter(|item| item.truth()) {
        kept.push(item.clone())?;
    }
    kept.into_value(ListType::Any)
}

fn without(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (mut unwanted, mut kept) = (Seen::default(), ListBuffer::new(machine.budget()));
    for item in &args[1..] {
        unwanted.add(machine, item)?;
    }
    for item in &*of(machine, &args[0], "find without on")? {
        if !unwanted.holds(machine, item)? {
            kept.push(item.clone())?;
        }
    }
    kept.into_value(ListType::Any)
}

fn has(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    if matches!(args[1], Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let items = of(machine, &args[1], "find has on")?;
    holds(machine, &items, &args[0]).map(Value::Bool)
}

fn slice(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = match &args[0] {
        Value::Nil => return fail(NIL),
        value => elements(machine, value)?.ok_or_else(|| {
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
    machine.budget().spend_list(index(to) - index(from))?;
    let cut = items[index(from)..index(to)].to_vec();
    let kind = if let Value::List(list) = &args[0] { list.of } else { ListType::Any };
    Ok(Value::List(List::new(kind, cut)))
}

fn chunk(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let items = of(machine, &args[1], "chunk")?;
    let Ok(size @ 1..) = usize::try_from(int(args, 0)) else {
        return fail("runtime error: makeslice: len out of range");
    };
    let mut chunks = ListBuffer::new(machine.budget());
    for chunk in items.chunks(size) {
        chunks.push(copied(machine, chunk)?)?;
    }
    chunks.into_value(ListType::Lists)
}

fn concat(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let mut all = ListBuffer::new(machine.budget());
    for arg in args {
        if matches!(arg, Value::Nil) {
            return fail(NIL);
        }
        let Some(items) = elements(machine, arg)? else {
            return fail(format!("Cannot concat type {} as list", arg.kind()));
        };
        all.reserve(items.len())?;
        for item in &*items {
            all.push(item.clone())?;
        }
    }
    if args.is_empty() { none() } else { all.into_value(ListType::Any) }
}
