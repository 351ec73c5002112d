//! Paths with `/`, by their text alone (Go's `path`; on Unix `path/filepath` says the same).

use gotmpl::{Function, Type, Value};

use crate::args::{Result, bytes};

const S: &[Type] = &[Type::String];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("base", S, base),
    Function::new("osBase", S, base),
    Function::new("dir", S, dir),
    Function::new("osDir", S, dir),
    Function::new("ext", S, ext),
    Function::new("osExt", S, ext),
    Function::new("clean", S, |_, args| Ok(Value::from(clean(bytes(args, 0))))),
    Function::new("osClean", S, |_, args| Ok(Value::from(clean(bytes(args, 0))))),
    Function::new("isAbs", S, is_abs),
    Function::new("osIsAbs", S, is_abs),
];

/// What stands behind the last `/`, those at the end not counted.
fn base(_: &mut gotmpl::Machine<'_>, args: &[Value]) -> Result {
    let path = bytes(args, 0);
    if path.is_empty() {
        return Ok(Value::from("."));
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let name = path[..end].rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    Ok(if name.is_empty() { Value::from("/") } else { Value::from(name.to_vec()) })
}

/// What stands before the last `/`, cleaned.
fn dir(_: &mut gotmpl::Machine<'_>, args: &[Value]) -> Result {
    let path = bytes(args, 0);
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |last| last + 1);
    Ok(Value::from(clean(&path[..end])))
}

/// The last `.` of the last name and what is behind it.
fn ext(_: &mut gotmpl::Machine<'_>, args: &[Value]) -> Result {
    let name = bytes(args, 0).rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let dot = name.iter().rposition(|byte| *byte == b'.').unwrap_or(name.len());
    Ok(Value::from(name[dot..].to_vec()))
}

fn is_abs(_: &mut gotmpl::Machine<'_>, args: &[Value]) -> Result {
    Ok(Value::Bool(bytes(args, 0).starts_with(b"/")))
}

/// The shortest path that means the same: no `.`, no empty names, `..` resolved as far as the text allows.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match (name, names.last()) {
            (b"" | b".", _) => {}
            (b"..", Some(last)) if *last != b".." => {
                names.pop();
            }
            (b"..", _) if rooted => {}
            (name, _) => names.push(name),
        }
    }
    let joined = names.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
