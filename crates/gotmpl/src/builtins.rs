//! The functions every Go template has, as a table.
//!
//! Source of the rules: Go 1.26 `text/template/funcs.go`.

use std::cmp::Ordering;
use std::fmt::Write;

use crate::exec::Machine;
use crate::format::sprintf;
use crate::function::{CallError, Calling, Function, Type, Walk};
use crate::print::{sprint, sprintln};
use crate::text::TextBuffer;
use crate::value::{UintType, Value};

/// Go's own functions. `call` is among them only to say that its argument is no function: no value here is one.
pub const FUNCTIONS: &[Function] = &[
    Function::new("and", &[Type::Reflect], never).and_more(Type::Reflect).any().calling(Calling::And),
    Function::new("or", &[Type::Reflect], never).and_more(Type::Reflect).any().calling(Calling::Or),
    Function::new("not", &[Type::Reflect], |_, args| Ok(Value::Bool(!args[0].truth()))),
    Function::new("len", &[Type::Reflect], |_, args| length(&args[0])),
    Function::new("index", &[Type::Reflect], |_, args| index(&args[0], &args[1..]))
        .and_more(Type::Reflect)
        .any(),
    Function::new("slice", &[Type::Reflect], slice).and_more(Type::Reflect),
    Function::new("call", &[Type::Reflect], |_, args| not_callable(&args[0], &args[1]))
        .and_more(Type::Reflect)
        .calling(Calling::Named),
    Function::walking("print", &[], |machine, args| printed(machine, |out| sprint(args, out)))
        .and_more(Type::Any),
    Function::walking("println", &[], |machine, args| printed(machine, |out| sprintln(args, out)))
        .and_more(Type::Any),
    Function::walking("printf", &[Type::String], printf).and_more(Type::Any),
    Function::walking("html", &[], |machine, args| escaped(machine, args, html)).and_more(Type::Any),
    Function::walking("js", &[], |machine, args| escaped(machine, args, js)).and_more(Type::Any),
    Function::walking("urlquery", &[], |machine, args| escaped(machine, args, query_escape))
        .and_more(Type::Any),
    Function::new("eq", &[Type::Reflect], eq).and_more(Type::Reflect),
    Function::new("ne", PAIR, |machine, args| Ok(Value::Bool(!equal(machine, &args[0], &args[1])?))),
    Function::new("lt", PAIR, |_, args| less(&args[0], &args[1]).map(Value::Bool)),
    Function::new("le", PAIR, |machine, args| less_or_equal(machine, args).map(Value::Bool)),
    Function::new("gt", PAIR, |machine, args| Ok(Value::Bool(!less_or_equal(machine, args)?))),
    Function::new("ge", PAIR, |_, args| Ok(Value::Bool(!less(&args[0], &args[1])?))),
];

const PAIR: &[Type] = &[Type::Reflect, Type::Reflect];

type Result<T> = std::result::Result<T, CallError>;

/// The body of functions the executor handles itself.
fn never(_: &mut Machine<'_>, _: &[Value]) -> Result<Value> {
    Err(CallError::new("called without its special rule"))
}

fn printed<'a>(machine: &mut Machine<'a>, print: impl FnOnce(&mut TextBuffer<'a>)) -> Result<Value> {
    let mut out = TextBuffer::new(machine.budget());
    print(&mut out);
    out.into_value()
}

fn printf(machine: &mut Machine<'_>, args: &[Value]) -> Result<Value> {
    let Value::Str(format) = &args[0] else { return Err(CallError::new("printf: the format is no string")) };
    printed(machine, |out| sprintf(format, &args[1..], out))
}

fn not_callable(name: &Value, value: &Value) -> Result<Value> {
    match value {
        Value::Nil => Err(CallError::new("call of nil")),
        value => Err(CallError::new(format!("non-function {name:?} of type {}", value.type_name()))),
    }
}

fn length(value: &Value) -> Result<Value> {
    let length = match value {
        Value::Str(text) | Value::Bytes(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Nil => return Err(CallError::new("len of nil pointer")),
        other => return Err(CallError::new(format!("len of type {}", other.type_name()))),
    };
    Ok(Value::int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index(item: &Value, indexes: &[Value]) -> Result<Value> {
    if matches!(item, Value::Nil) {
        return Err(CallError::new("index of untyped nil"));
    }
    indexes.iter().try_fold(item.clone(), |item, index| index_once(&item, index))
}

fn index_once(item: &Value, index: &Value) -> Result<Value> {
    match item {
        Value::Nil => Err(CallError::new("index of nil pointer")),
        Value::List(list) => {
            let at = position(index, list.len())?;
            list.get(at).cloned().ok_or_else(|| CallError::new("reflect: slice index out of range"))
        }
        Value::Str(text) | Value::Bytes(text) => {
            let at = position(index, text.len())?;
            let byte = text.get(at).ok_or_else(|| CallError::new("reflect: string index out of range"))?;
            Ok(Value::Uint(UintType::Uint8, u64::from(*byte)))
        }
        Value::Map(map) => match index {
            Value::Str(key) => Ok(map.get(key).unwrap_or_else(|| map.zero())),
            Value::Nil => Err(CallError::new("value is nil; should be of type string")),
            other => Err(CallError::new(format!("value has type {}; should be string", other.type_name()))),
        },
        other => Err(CallError::new(format!("can't index item of type {}", other.type_name()))),
    }
}

fn position(index: &Value, length: usize) -> Result<usize> {
    let number = match index {
        Value::Int(_, number) => *number,
        Value::Uint(_, number) => i64::try_from(*number).unwrap_or(i64::MAX),
        Value::Nil => return Err(CallError::new("cannot index slice/array with nil")),
        other => {
            return Err(CallError::new(format!("cannot index slice/array with type {}", other.type_name())));
        }
    };
    usize::try_from(number)
        .ok()
        .filter(|at| *at <= length)
        .ok_or_else(|| CallError::new(format!("index out of range: {number}")))
}

fn slice(machine: &mut Machine<'_>, args: &[Value]) -> Result<Value> {
    let (item, indexes) = (&args[0], &args[1..]);
    let length = match item {
        Value::Str(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Nil => return Err(CallError::new("slice of untyped nil")),
        other => return Err(CallError::new(format!("can't slice item of type {}", other.type_name()))),
    };
    if indexes.len() > 2 {
        return Err(CallError::new(format!("too many slice indexes: {}", indexes.len())));
    }
    let from = indexes.first().map_or(Ok(0), |index| position(index, length))?;
    let to = indexes.get(1).map_or(Ok(length), |index| position(index, length))?;
    if from > to {
        return Err(CallError::new(format!("invalid slice index: {from} > {to}")));
    }
    match item {
        Value::List(list) => {
            machine.budget().spend_list(to - from)?;
            Ok(Value::List(crate::value::List::new(list.of, list[from..to].to_vec())))
        }
        Value::Str(text) => machine.budget().copied(&text[from..to]),
        other => Ok(other.clone()),
    }
}

/// What `html`, `js` and `urlquery` do: one string as it is, else the arguments printed.
fn escaped<'a>(
    machine: &mut Machine<'a>,
    args: &[Value],
    escape: fn(&[u8], &mut TextBuffer<'a>),
) -> Result<Value> {
    if let [Value::Str(text)] = args {
        return printed(machine, |out| escape(text, out));
    }
    let shown = |arg: &Value| if matches!(arg, Value::Nil) { Value::from("<no value>") } else { arg.clone() };
    let mut joined = TextBuffer::new(machine.budget());
    sprint(&args.iter().map(shown).collect::<Vec<_>>(), &mut joined);
    let joined = joined.into_bytes()?;
    printed(machine, |out| escape(&joined, out))
}

fn html(text: &[u8], out: &mut TextBuffer<'_>) {
    for byte in text {
        match byte {
            0 => out.put("\u{fffd}".as_bytes()),
            b'"' => out.put(b"&#34;"),
            b'\'' => out.put(b"&#39;"),
            b'&' => out.put(b"&amp;"),
            b'<' => out.put(b"&lt;"),
            b'>' => out.put(b"&gt;"),
            byte => out.put_byte(*byte),
        }
    }
}

fn js(text: &[u8], out: &mut TextBuffer<'_>) {
    for chunk in text.utf8_chunks() {
        let replaced = if chunk.invalid().is_empty() { "" } else { "\u{fffd}" };
        chunk.valid().chars().chain(replaced.chars()).for_each(|c| js_char(c, out));
    }
}

fn js_char(c: char, out: &mut TextBuffer<'_>) {
    match c {
        '\\' => out.put(b"\\\\"),
        '\'' => out.put(b"\\'"),
        '"' => out.put(b"\\\""),
        c if matches!(c, '<' | '>' | '&' | '=') || u32::from(c) < 0x20 || !crate::quote::is_print(c) => {
            // What is wrong is said at the end of the text that is made.
            let _ = write!(out, "\\u{:04X}", u32::from(c));
        }
        c => out.put_char(c),
    }
}

/// `url.QueryEscape`
fn query_escape(text: &[u8], out: &mut TextBuffer<'_>) {
    for byte in text {
        match byte {
            b' ' => out.put_byte(b'+'),
            b'-' | b'_' | b'.' | b'~' => out.put_byte(*byte),
            byte if byte.is_ascii_alphanumeric() => out.put_byte(*byte),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

fn eq(machine: &mut Machine<'_>, args: &[Value]) -> Result<Value> {
    let (first, others) = (&args[0], &args[1..]);
    if others.is_empty() {
        return Err(CallError::new("missing argument for comparison"));
    }
    for other in others {
        if equal(machine, first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// The kinds Go's comparison knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Bool,
    Int,
    Uint,
    Float,
    String,
    Other,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(..) => Basic::Int,
        Value::Uint(..) => Basic::Uint,
        Value::Float(_) => Basic::Float,
        Value::Str(_) => Basic::String,
        _ => Basic::Other,
    }
}

fn equal(machine: &Machine<'_>, a: &Value, b: &Value) -> Result<bool> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Int(_, a), Value::Int(_, b)) => Ok(a == b),
        (Value::Uint(_, a), Value::Uint(_, b)) => Ok(a == b),
        (Value::Int(_, a), Value::Uint(_, b)) | (Value::Uint(_, b), Value::Int(_, a)) => {
            Ok(u64::try_from(*a) == Ok(*b))
        }
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::Str(a), Value::Str(b)) => Ok(a == b),
        (Value::Nil, other) | (other, Value::Nil) => Ok(is_nil(other)),
        (a, b) if basic(a) == Basic::Other && basic(b) == Basic::Other => not_comparable(machine, a, b),
        (a, b) => Err(incompatible(a, b)),
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

fn not_comparable(machine: &Machine<'_>, a: &Value, b: &Value) -> Result<bool> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => Ok(a.equal(&**b)),
        _ if is_nil(a) || is_nil(b) => Ok(is_nil(a) == is_nil(b)),
        _ => {
            let shown = std::slice::from_ref(a);
            machine.measure(shown, Walk::Through)?;
            let mut printed = TextBuffer::new(machine.budget());
            sprintf(b"%s", shown, &mut printed);
            let printed = printed.into_bytes()?;
            machine.budget().spend(4 * printed.len())?;
            let printed = String::from_utf8_lossy(&printed);
            Err(CallError::new(format!("non-comparable type {printed}: {}", a.type_name())))
        }
    }
}

fn incompatible(a: &Value, b: &Value) -> CallError {
    CallError::new(format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name()))
}

fn less(a: &Value, b: &Value) -> Result<bool> {
    Ok(compare(a, b)? == Some(Ordering::Less))
}

fn less_or_equal(machine: &Machine<'_>, args: &[Value]) -> Result<bool> {
    let (a, b) = (&args[0], &args[1]);
    Ok(less(a, b)? || equal(machine, a, b)?)
}

/// `None` where a NaN is involved.
fn compare(a: &Value, b: &Value) -> Result<Option<Ordering>> {
    match (a, b) {
        (Value::Int(_, a), Value::Int(_, b)) => Ok(Some(a.cmp(b))),
        (Value::Uint(_, a), Value::Uint(_, b)) => Ok(Some(a.cmp(b))),
        (Value::Int(_, a), Value::Uint(_, b)) => Ok(Some(i128::from(*a).cmp(&i128::from(*b)))),
        (Value::Uint(_, a), Value::Int(_, b)) => Ok(Some(i128::from(*a).cmp(&i128::from(*b)))),
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        (Value::Str(a), Value::Str(b)) => Ok(Some(a.cmp(b))),
        (a, b) if basic(a) == Basic::Other || basic(b) == Basic::Other || basic(a) == basic(b) => {
            Err(CallError::new("invalid type for comparison"))
        }
        (a, b) => Err(incompatible(a, b)),
    }
}
