//! Regular expressions in Go's syntax (RE2), matched by `regex-automata`.
//!
//! `parse.rs` and `class.rs` read a pattern, `pattern.rs` compiles and searches, `bounded.rs` searches what is long,
//! `expand.rs` fills in replacements.

mod bounded;
mod class;
mod expand;
mod parse;
mod pattern;

use std::rc::Rc;

use gotmpl::{Function, List, ListBuffer, ListType, Machine, TextBuffer, Type, Value};

use crate::args::{Result, bytes, fail, int, write_text};
use pattern::{Pattern, compiled};

const S: Type = Type::String;
const MATCH: &[Type] = &[S, S];
const COUNTED: &[Type] = &[S, S, Type::Int];
const REPLACE: &[Type] = &[S, S, S];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("regexMatch", MATCH, |machine, args| {
        let pattern = compiled(machine, bytes(args, 0))?;
        pattern.map_or(Ok(Value::Bool(false)), |pattern| matches(&pattern, machine, args))
    }),
    Function::new("mustRegexMatch", MATCH, |machine, args| matches(&*must(machine, args)?, machine, args)),
    Function::new("regexFind", MATCH, |machine, args| find(&*sure(machine, args)?, machine, args)),
    Function::new("mustRegexFind", MATCH, |machine, args| find(&*must(machine, args)?, machine, args)),
    Function::new("regexFindAll", COUNTED, |machine, args| find_all(&*sure(machine, args)?, machine, args)),
    Function::new("mustRegexFindAll", COUNTED, |machine, args| {
        find_all(&*must(machine, args)?, machine, args)
    }),
    Function::new("regexSplit", COUNTED, |machine, args| split(&*sure(machine, args)?, machine, args)),
    Function::new("mustRegexSplit", COUNTED, |machine, args| split(&*must(machine, args)?, machine, args)),
    Function::new("regexReplaceAll", REPLACE, |machine, args| replace(&*sure(machine, args)?, machine, args)),
    Function::new("mustRegexReplaceAll", REPLACE, |machine, args| {
        replace(&*must(machine, args)?, machine, args)
    }),
    Function::new("regexReplaceAllLiteral", REPLACE, |machine, args| {
        literally(&*sure(machine, args)?, machine, args)
    }),
    Function::new("mustRegexReplaceAllLiteral", REPLACE, |machine, args| {
        literally(&*must(machine, args)?, machine, args)
    }),
    Function::new("regexQuoteMeta", &[S], |machine, args| {
        write_text(machine, |out| quote_meta(bytes(args, 0), out))
    }),
];

/// The pattern, or Go's error (`regexp.Compile`).
fn must(machine: &mut Machine<'_>, args: &[Value]) -> Result<Rc<Pattern>> {
    compiled(machine, bytes(args, 0))?.or_else(fail)
}

/// The pattern, or Go's panic (`regexp.MustCompile`).
fn sure(machine: &mut Machine<'_>, args: &[Value]) -> Result<Rc<Pattern>> {
    let text = bytes(args, 0);
    let pattern = compiled(machine, text)?;
    pattern.or_else(|error| fail(format!("regexp: Compile({}): {error}", backquoted(text))))
}

/// In back quotes if Go can read that, else in quotes.
fn backquoted(text: &[u8]) -> String {
    let plain = |c: char| c != '`' && c != '\u{feff}' && (c == '\t' || !c.is_ascii_control());
    match std::str::from_utf8(text) {
        Ok(text) if text.chars().all(plain) => format!("`{text}`"),
        _ => gotmpl::quote::quoted(text),
    }
}

fn matches(pattern: &Pattern, machine: &Machine<'_>, args: &[Value]) -> Result {
    Ok(Value::Bool(pattern.find(machine.budget(), bytes(args, 1))?.is_some()))
}

fn find(pattern: &Pattern, machine: &Machine<'_>, args: &[Value]) -> Result {
    let text = bytes(args, 1);
    let found = pattern.find(machine.budget(), text)?;
    machine.budget().copied(found.map_or(&[], |range| &text[range]))
}

/// How many of them are wanted; a negative number means all.
fn wanted(args: &[Value]) -> usize {
    usize::try_from(int(args, 2)).unwrap_or(usize::MAX)
}

fn find_all(pattern: &Pattern, machine: &Machine<'_>, args: &[Value]) -> Result {
    let (text, mut found) = (bytes(args, 1), ListBuffer::new(machine.budget()));
    pattern.find_all(machine.budget(), text, wanted(args), |range| found.push_text(&text[range]))?;
    if found.items().is_empty() {
        return Ok(Value::List(List::nil(ListType::Strings)));
    }
    found.into_value(ListType::Strings)
}

fn split(pattern: &Pattern, machine: &Machine<'_>, args: &[Value]) -> Result {
    let (text, most) = (bytes(args, 1), wanted(args));
    if most == 0 {
        return Ok(Value::List(List::nil(ListType::Strings)));
    }
    let mut parts = ListBuffer::new(machine.budget());
    if text.is_empty() && !bytes(args, 0).is_empty() {
        parts.push_text(b"")?;
        return parts.into_value(ListType::Strings);
    }
    let (mut begin, mut end) = (0, 0);
    pattern.find_all(machine.budget(), text, most, |range| {
        // Of as many matches as there may be parts the last one separates nothing.
        if parts.items().len() + 1 == most {
            return Ok(());
        }
        end = range.start;
        if range.end != 0 {
            parts.push_text(&text[begin..end])?;
        }
        begin = range.end;
        Ok(())
    })?;
    if end != text.len() {
        parts.push_text(&text[begin..])?;
    }
    parts.into_value(ListType::Strings)
}

fn replace(pattern: &Pattern, machine: &Machine<'_>, args: &[Value]) -> Result {
    let template = expand::parse(machine.budget(), bytes(args, 2), pattern)?;
    let mut out = TextBuffer::new(machine.budget());
    pattern.replace_all(bytes(args, 1), &mut out, |groups, out| expand::fill(&template, groups, out))?;
    out.into_value()
}

fn literally(pattern: &Pattern, machine: &Machine<'_>, args: &[Value]) -> Result {
    let (with, mut out) = (bytes(args, 2), TextBuffer::new(machine.budget()));
    pattern.replace_all(bytes(args, 1), &mut out, |_, out| out.put(with))?;
    out.into_value()
}

fn quote_meta(text: &[u8], out: &mut TextBuffer<'_>) {
    for byte in text {
        if b"\\.+*?()|[]{}^$".contains(byte) {
            out.put_byte(b'\\');
        }
        out.put_byte(*byte);
    }
}
