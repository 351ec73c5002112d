//! Paths with `/`, by their text alone (Go's `path`; on Unix `path/filepath` says the same).

use gotmpl::{Function, Machine, Type, Value};

use crate::args::{Result, bytes};

const S: &[Type] = &[Type::String];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("base", S, base),
    Function::new("osBase", S, base),
    Function::new("dir", S, dir),
    Function::new("osDir", S, dir),
    Function::new("ext", S, ext),
    Function::new("osExt", S, ext),
    Function::new("clean", S, |machine, args| cleaned(machine, bytes(args, 0))),
    Function::new("osClean", S, |machine, args| cleaned(machine, bytes(args, 0))),
    Function::new("isAbs", S, is_abs),
    Function::new("osIsAbs", S, is_abs),
];

/// What stands behind the last `/`, those at the end not counted.
fn base(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let path = bytes(args, 0);
    if path.is_empty() {
        return Ok(Value::from("."));
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let name = path[..end].rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    machine.budget().copied(if name.is_empty() { b"/" } else { name })
}

/// What stands before the last `/`, cleaned.
fn dir(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let path = bytes(args, 0);
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |last| last + 1);
    cleaned(machine, &path[..end])
}

/// The last `.` of the last name and what is behind it.
fn ext(machine: &mut Machine<'_>, args: &[Value]) -> Result {
    let name = bytes(args, 0).rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let dot = name.iter().rposition(|byte| *byte == b'.').unwrap_or(name.len());
    machine.budget().copied(&name[dot..])
}

fn is_abs(_: &mut Machine<'_>, args: &[Value]) -> Result {
    Ok(Value::Bool(bytes(args, 0).starts_with(b"/")))
}

/// The shortest path that means the same: no `.`, no empty names, `..` resolved as far as the text allows.
fn cleaned(machine: &Machine<'_>, path: &[u8]) -> Result {
    let rooted = path.starts_with(b"/");
    machine.budget().spend_text(path.len() + 1)?;
    let mut clean = Vec::with_capacity(path.len() + 1);
    // How much of it no `..` takes away.
    let mut kept = 0;
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." if clean.len() > kept => {
                let slash = clean.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                clean.truncate(slash.max(kept));
            }
            b".." if rooted => {}
            name => {
                if rooted || !clean.is_empty() {
                    clean.push(b'/');
                }
                clean.extend_from_slice(name);
                if name == b".." {
                    kept = clean.len();
                }
            }
        }
    }
    match (rooted, clean.is_empty()) {
        (true, true) => Ok(Value::from("/")),
        (false, true) => Ok(Value::from(".")),
        (_, false) => machine.budget().copied(&clean),
    }
}
