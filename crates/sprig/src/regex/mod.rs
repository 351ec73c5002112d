//! Regular expressions in Go's syntax (RE2), matched by `regex-automata`.
//!
//! `parse.rs` and `class.rs` read a pattern, `pattern.rs` compiles and searches, `expand.rs` fills in replacements.

mod class;
mod expand;
mod parse;
mod pattern;

use std::rc::Rc;

use gotmpl::{Function, List, ListType, Machine, Type, Value};

use crate::args::{Result, bytes, fail, int};
use pattern::{Pattern, compiled};

const S: Type = Type::String;
const MATCH: &[Type] = &[S, S];
const COUNTED: &[Type] = &[S, S, Type::Int];
const REPLACE: &[Type] = &[S, S, S];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("regexMatch", MATCH, |machine, args| {
        let pattern = compiled(bytes(args, 0));
        pattern.map_or(Ok(Value::Bool(false)), |pattern| matches(machine, &pattern, args))
    }),
    Function::new("mustRegexMatch", MATCH, |machine, args| matches(machine, &*must(args)?, args)),
    Function::new("regexFind", MATCH, |machine, args| find(machine, &*sure(args)?, args)),
    Function::new("mustRegexFind", MATCH, |machine, args| find(machine, &*must(args)?, args)),
    Function::new("regexFindAll", COUNTED, |machine, args| find_all(machine, &*sure(args)?, args)),
    Function::new("mustRegexFindAll", COUNTED, |machine, args| find_all(machine, &*must(args)?, args)),
    Function::new("regexSplit", COUNTED, |machine, args| split(machine, &*sure(args)?, args)),
    Function::new("mustRegexSplit", COUNTED, |machine, args| split(machine, &*must(args)?, args)),
    Function::new("regexReplaceAll", REPLACE, |machine, args| replace(machine, &*sure(args)?, args)),
    Function::new("mustRegexReplaceAll", REPLACE, |machine, args| replace(machine, &*must(args)?, args)),
    Function::new("regexReplaceAllLiteral", REPLACE, |machine, args| literally(machine, &*sure(args)?, args)),
    Function::new("mustRegexReplaceAllLiteral", REPLACE, |machine, args| {
        literally(machine, &*must(args)?, args)
    }),
    Function::new("regexQuoteMeta", &[S], |_, args| Ok(Value::from(quote_meta(bytes(args, 0))))),
];

/// The pattern, or Go's error (`regexp.Compile`).
fn must(args: &[Value]) -> Result<Rc<Pattern>> {
    compiled(bytes(args, 0)).or_else(fail)
}

/// The pattern, or Go's panic (`regexp.MustCompile`).
fn sure(args: &[Value]) -> Result<Rc<Pattern>> {
    let text = bytes(args, 0);
    compiled(text).or_else(|error| fail(format!("regexp: Compile({}): {error}", backquoted(text))))
}

/// In back quotes if Go can read that, else in quotes.
fn backquoted(text: &[u8]) -> String {
    let plain = |c: char| c != '`' && c != '\u{feff}' && (c == '\t' || !c.is_ascii_control());
    match std::str::from_utf8(text) {
        Ok(text) if text.chars().all(plain) => format!("`{text}`"),
        _ => gotmpl::quote::quoted(text),
    }
}

/// How many bytes are searched for one step of the budget.
const BYTES_PER_STEP: u64 = 16;

/// Accounts for searching the text of argument 1.
fn searched<'a>(machine: &mut Machine<'_>, args: &'a [Value]) -> Result<&'a [u8]> {
    let text = bytes(args, 1);
    machine.work(text.len() as u64 / BYTES_PER_STEP)?;
    Ok(text)
}

fn matches(machine: &mut Machine<'_>, pattern: &Pattern, args: &[Value]) -> Result {
    Ok(Value::Bool(pattern.find(searched(machine, args)?, 0).is_some()))
}

fn find(machine: &mut Machine<'_>, pattern: &Pattern, args: &[Value]) -> Result {
    let text = searched(machine, args)?;
    let found = pattern.find(text, 0).map(|range| text[range].to_vec());
    Ok(Value::from(found.unwrap_or_default()))
}

/// How many of them are wanted; a negative number means all.
fn wanted(args: &[Value]) -> usize {
    usize::try_from(int(args, 2)).unwrap_or(usize::MAX)
}

fn find_all(machine: &mut Machine<'_>, pattern: &Pattern, args: &[Value]) -> Result {
    let text = searched(machine, args)?;
    let found = pattern.find_all(text, wanted(args));
    if found.is_empty() {
        return Ok(Value::List(List::nil(ListType::Strings)));
    }
    machine.spend(found.len() * std::mem::size_of::<Value>())?;
    Ok(Value::strings(found.into_iter().map(|range| &text[range])))
}

fn split(machine: &mut Machine<'_>, pattern: &Pattern, args: &[Value]) -> Result {
    let (text, most) = (searched(machine, args)?, wanted(args));
    if most == 0 {
        return Ok(Value::List(List::nil(ListType::Strings)));
    }
    if text.is_empty() && !bytes(args, 0).is_empty() {
        return Ok(Value::strings([""]));
    }
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for range in pattern.find_all(text, most) {
        if parts.len() + 1 == most {
            break;
        }
        end = range.start;
        if range.end != 0 {
            parts.push(&text[begin..end]);
        }
        begin = range.end;
    }
    if end != text.len() {
        parts.push(&text[begin..]);
    }
    machine.spend(parts.len() * std::mem::size_of::<Value>())?;
    Ok(Value::strings(parts))
}

fn replace(machine: &mut Machine<'_>, pattern: &Pattern, args: &[Value]) -> Result {
    let text = searched(machine, args)?;
    let template = expand::parse(bytes(args, 2), pattern);
    pattern.replace_all(machine, text, |machine, groups, out| {
        expand::fill(machine, &template, (text, groups), out)
    })
}

fn literally(machine: &mut Machine<'_>, pattern: &Pattern, args: &[Value]) -> Result {
    let (text, with) = (searched(machine, args)?, bytes(args, 2));
    pattern.replace_all(machine, text, |machine, _, out| {
        machine.spend(with.len())?;
        out.extend_from_slice(with);
        Ok(())
    })
}

fn quote_meta(text: &[u8]) -> Vec<u8> {
    let special = |byte: u8| b"\\.+*?()|[]{}^$".contains(&byte);
    text.iter().flat_map(|byte| special(*byte).then_some(b'\\').into_iter().chain([*byte])).collect()
}
