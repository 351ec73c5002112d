//! Strings: trimming, cutting, padding, quoting, splitting, joining.
//!
//! Lengths are bytes, as in Go: cutting may split a character.

use gotmpl::{Function, Machine, Map, MapType, Type, Value, quote};

use crate::args::{Result, bytes, elements, fail, int, strval, text};

const S: Type = Type::String;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("trim", &[S], |_, args| Ok(Value::from(text(args, 0).trim()))),
    Function::new("trimAll", &[S, S], |_, args| trim_all(args)),
    Function::new("trimall", &[S, S], |_, args| trim_all(args)),
    Function::new("trimSuffix", &[S, S], |_, args| {
        let (suffix, whole) = (bytes(args, 0), bytes(args, 1));
        Ok(Value::from(whole.strip_suffix(suffix).unwrap_or(whole).to_vec()))
    }),
    Function::new("trimPrefix", &[S, S], |_, args| {
        let (prefix, whole) = (bytes(args, 0), bytes(args, 1));
        Ok(Value::from(whole.strip_prefix(prefix).unwrap_or(whole).to_vec()))
    }),
    Function::new("nospace", &[S], |_, args| Ok(without_spaces(bytes(args, 0)))),
    Function::new("trunc", &[Type::Int, S], |_, args| trunc(int(args, 0), bytes(args, 1))),
    Function::new("substr", &[Type::Int, Type::Int, S], |_, args| substr(args)),
    Function::new("abbrev", &[Type::Int, S], |_, args| {
        Ok(Value::from(abbreviate(bytes(args, 1), 0, int(args, 0))))
    }),
    Function::new("abbrevboth", &[Type::Int, Type::Int, S], |_, args| {
        Ok(Value::from(abbreviate(bytes(args, 2), int(args, 0), int(args, 1))))
    }),
    Function::new("repeat", &[Type::Int, S], repeat),
    Function::new("indent", &[Type::Int, S], |machine, args| indent(machine, args, "")),
    Function::new("nindent", &[Type::Int, S], |machine, args| indent(machine, args, "\n")),
    Function::walking("quote", &[], |_, args| Ok(quoted(args, quote::quoted))).and_more(Type::Any),
    Function::walking("squote", &[], |_, args| Ok(single_quoted(args))).and_more(Type::Any),
    Function::walking("cat", &[], |_, args| Ok(cat(args))).and_more(Type::Any),
    Function::new("replace", &[S, S, S], replace),
    Function::new("contains", &[S, S], |_, args| {
        Ok(Value::Bool(find(bytes(args, 1), bytes(args, 0)).is_some()))
    }),
    Function::new("hasPrefix", &[S, S], |_, args| {
        Ok(Value::Bool(bytes(args, 1).starts_with(bytes(args, 0))))
    }),
    Function::new("hasSuffix", &[S, S], |_, args| Ok(Value::Bool(bytes(args, 1).ends_with(bytes(args, 0))))),
    Function::new("plural", &[S, S, Type::Int], |_, args| Ok(args[usize::from(int(args, 2) != 1)].clone())),
    Function::new("wrap", &[Type::Int, S], |machine, args| {
        wrap(machine, (bytes(args, 1), b"\n"), int(args, 0), false)
    }),
    Function::new("wrapWith", &[Type::Int, S, S], |machine, args| {
        wrap(machine, (bytes(args, 2), bytes(args, 1)), int(args, 0), true)
    }),
    Function::walking("toString", &[Type::Any], |_, args| Ok(Value::from(strval(&args[0])))),
    Function::walking("toStrings", &[Type::Any], |_, args| Ok(Value::strings(texts(&args[0])))),
    Function::new("split", &[S, S], |machine, args| {
        numbered(machine, pieces(bytes(args, 1), bytes(args, 0), None))
    }),
    Function::new("splitn", &[S, Type::Int, S], |machine, args| {
        numbered(machine, pieces(bytes(args, 2), bytes(args, 0), Some(int(args, 1))))
    }),
    Function::new("splitList", &[S, S], |machine, args| {
        let pieces = pieces(bytes(args, 1), bytes(args, 0), None);
        machine.spend(pieces.len() * std::mem::size_of::<Value>())?;
        Ok(Value::strings(pieces))
    }),
    Function::walking("join", &[S, Type::Any], join),
    Function::walking("sortAlpha", &[Type::Any], |_, args| sort_alpha(&args[0])),
    Function::new("hello", &[], |_, _| Ok(Value::from("Hello!"))),
];

fn trim_all(args: &[Value]) -> Result {
    let (set, whole) = (text(args, 0), text(args, 1));
    Ok(Value::from(whole.trim_matches(|c| set.contains(c))))
}

/// sprig drops spaces byte by byte and takes each byte for a character: when there is a space, text beyond ASCII comes
/// out mangled.
fn without_spaces(whole: &[u8]) -> Value {
    let kept: String = whole.iter().map(|byte| char::from(*byte)).filter(|c| !c.is_whitespace()).collect();
    if kept.chars().count() == whole.len() { Value::from(whole.to_vec()) } else { Value::from(kept) }
}

fn trunc(length: i64, whole: &[u8]) -> Result {
    let count = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    let kept = match length {
        _ if count >= whole.len() && length != 0 => whole,
        length if length < 0 => &whole[whole.len() - count..],
        _ => &whole[..count.min(whole.len())],
    };
    Ok(Value::from(kept.to_vec()))
}

fn substr(args: &[Value]) -> Result {
    let (start, end, whole) = (int(args, 0), int(args, 1), bytes(args, 2));
    let length = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    let (from, to) = match (start, end) {
        (start, end) if start < 0 => (0, end),
        (start, end) if end < 0 || end > length => (start, length),
        range => range,
    };
    if from > to || to < 0 || to > length {
        let shown = if from == 0 && start < 0 { format!("[:{to}]") } else { format!("[{from}:{to}]") };
        if to < 0 || to > length {
            return fail(format!("runtime error: slice bounds out of range {}", out_of(&shown, to, length)));
        }
        return fail(format!("runtime error: slice bounds out of range {shown}"));
    }
    let index = |number: i64| usize::try_from(number).unwrap_or(0);
    Ok(Value::from(whole[index(from)..index(to)].to_vec()))
}

fn out_of(shown: &str, to: i64, length: i64) -> String {
    if to < 0 { format!("[:{to}]") } else { format!("{shown} with length {length}") }
}

/// Cuts the middle out so that at most `width` bytes stay, `...` marking the cuts.
fn abbreviate(whole: &[u8], offset: i64, width: i64) -> Vec<u8> {
    if width < 4 || (offset > 0 && width < 7) {
        return whole.to_vec();
    }
    let (length, width) = (whole.len(), usize::try_from(width).unwrap_or(usize::MAX));
    if length <= width {
        return whole.to_vec();
    }
    let mut offset = usize::try_from(offset).unwrap_or(0).min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return [&whole[..width - 3], b"..."].concat();
    }
    if offset + width - 3 < length {
        let inner = i64::try_from(width - 3).unwrap_or(i64::MAX);
        return [b"...", abbreviate(&whole[offset..], 0, inner).as_slice()].concat();
    }
    [b"...", &whole[length - (width - 3)..]].concat()
}

fn count(number: i64) -> Result<usize> {
    usize::try_from(number).or_else(|_| fail("strings: negative Repeat count"))
}

fn repeat(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (times, whole) = (count(int(args, 0))?, bytes(args, 1));
    machine.spend(whole.len().saturating_mul(times))?;
    Ok(Value::from(whole.repeat(times)))
}

/// Pads every line, also an empty one and the one after the last newline.
fn indent(machine: &mut Machine<'_>, args: &[Value], before: &str) -> Result {
    let (width, whole) = (count(int(args, 0))?, bytes(args, 1));
    let lines = 1 + whole.iter().filter(|byte| **byte == b'\n').count();
    let size = lines.saturating_mul(width).saturating_add(whole.len() + before.len());
    machine.spend(size)?;
    let pad = vec![b' '; width];
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(before.as_bytes());
    for (index, line) in whole.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(&pad);
        out.extend_from_slice(line);
    }
    Ok(Value::from(out))
}

fn spaced(parts: &[Vec<u8>]) -> Value {
    Value::from(parts.join(&b' '))
}

fn present(args: &[Value]) -> impl Iterator<Item = &Value> {
    args.iter().filter(|arg| !matches!(arg, Value::Nil))
}

fn quoted(args: &[Value], quote: fn(&[u8]) -> String) -> Value {
    spaced(&present(args).map(|arg| quote(&strval(arg)).into_bytes()).collect::<Vec<_>>())
}

fn single_quoted(args: &[Value]) -> Value {
    spaced(
        &present(args)
            .map(|arg| [b"'", gotmpl::sprint_value(arg).as_slice(), b"'"].concat())
            .collect::<Vec<_>>(),
    )
}

fn cat(args: &[Value]) -> Value {
    spaced(&present(args).map(gotmpl::sprint_value).collect::<Vec<_>>())
}

/// Where `part` first stands in `whole`.
fn find(whole: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    // Most bytes are not the first one of the part.
    let first = part[0];
    let mut at = 0;
    while let Some(next) = whole[at..].iter().position(|byte| *byte == first) {
        at += next;
        if whole[at..].starts_with(part) {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn replace(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let (old, new, whole) = (bytes(args, 0), bytes(args, 1), bytes(args, 2));
    let parts = pieces(whole, old, None);
    let grown = parts.len().saturating_mul(new.len()).saturating_add(whole.len());
    machine.spend(grown)?;
    if old.is_empty() {
        // Go puts the new text before every character and at the end.
        let (head, tail) = if whole.is_empty() { (new, &[][..]) } else { (new, new) };
        return Ok(Value::from([head, &parts.join(new), tail].concat()));
    }
    Ok(Value::from(parts.join(new)))
}

/// `strings.SplitN(whole, separator, limit)`; an empty separator splits into characters.
fn pieces(whole: &[u8], separator: &[u8], limit: Option<i64>) -> Vec<Vec<u8>> {
    let limit = match limit {
        Some(0) => return Vec::new(),
        Some(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    let mut parts = Vec::new();
    let mut rest = whole;
    while parts.len() + 1 < limit {
        let cut = if separator.is_empty() { char_length(rest) } else { find(rest, separator) };
        let Some(cut) = cut else { break };
        parts.push(rest[..cut].to_vec());
        rest = &rest[cut + separator.len()..];
    }
    if !separator.is_empty() || !rest.is_empty() {
        parts.push(rest.to_vec());
    }
    parts
}

/// The bytes of the first character; `None` when it is the last one.
fn char_length(rest: &[u8]) -> Option<usize> {
    let head = &rest[..rest.len().min(4)];
    let chunk = head.utf8_chunks().next()?;
    let length = chunk.valid().chars().next().map_or(1, char::len_utf8);
    (length < rest.len()).then_some(length)
}

/// `_0`, `_1`, … → piece.
fn numbered(machine: &mut Machine<'_>, parts: Vec<Vec<u8>>) -> Result {
    machine.spend(parts.len() * 2 * std::mem::size_of::<Value>())?;
    let map = Map::new(MapType::Strings);
    for (index, part) in parts.into_iter().enumerate() {
        map.set(format!("_{index}").into(), Value::from(part));
    }
    Ok(Value::Map(map))
}

/// The texts of a list's elements, nil ones left out; anything else is a list of itself.
pub(crate) fn texts(value: &Value) -> Vec<Vec<u8>> {
    match elements(value) {
        Some(items) => items.iter().filter(|item| !matches!(item, Value::Nil)).map(strval).collect(),
        None if matches!(value, Value::Nil) => Vec::new(),
        None => vec![strval(value)],
    }
}

fn join(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let parts = texts(&args[1]);
    machine.spend(parts.iter().map(Vec::len).sum::<usize>() + parts.len() * bytes(args, 0).len())?;
    Ok(Value::from(parts.join(bytes(args, 0))))
}

fn sort_alpha(value: &Value) -> Result {
    // Nothing is no list of nothing here.
    let mut parts = if matches!(value, Value::Nil) { vec![strval(value)] } else { texts(value) };
    parts.sort();
    Ok(Value::strings(parts))
}

/// Greedy wrapping at spaces; a word longer than the width is cut only if `cuts`.
fn wrap(machine: &mut Machine<'_>, texts: (&[u8], &[u8]), width: i64, cuts: bool) -> Result {
    let (whole, newline) = texts;
    let width = usize::try_from(width.max(1)).unwrap_or(1);
    let newline = if newline.is_empty() { b"\n" } else { newline };
    let lines = whole.iter().filter(|byte| **byte == b' ').count() + whole.len() / width;
    machine.spend(newline.len().saturating_mul(lines))?;
    let mut out = Vec::with_capacity(whole.len());
    let mut rest = whole;
    while rest.len() > width {
        if rest[0] == b' ' {
            rest = &rest[1..];
            continue;
        }
        let space = rest[..=width].iter().rposition(|byte| *byte == b' ');
        let cut = match space {
            Some(space) => space,
            None if cuts => width,
            None => match rest[width..].iter().position(|byte| *byte == b' ') {
                Some(space) => width + space,
                None => break,
            },
        };
        out.extend_from_slice(&rest[..cut]);
        out.extend_from_slice(newline);
        rest = &rest[cut + usize::from(space.is_some() || !cuts)..];
    }
    out.extend_from_slice(rest);
    Ok(Value::from(out))
}
