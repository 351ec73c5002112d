//! JSON: values to Go's JSON text and back.

use gotmpl::{Function, List, Machine, Map, Str, Type, Value};

use crate::args::{Result, fail, text};

const ANY: &[Type] = &[Type::Any];
const S: &[Type] = &[Type::String];

/// How deep values may nest on their way to text; a map may hold itself.
const MAX_DEPTH: usize = 900;
const CYCLE: &str = "json: unsupported value: encountered a cycle";

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::careful("toJson", ANY, |machine, args| quiet(machine, compact(&args[0]))),
    Function::careful("mustToJson", ANY, |machine, args| loud(machine, compact(&args[0]))),
    Function::careful("toPrettyJson", ANY, |machine, args| {
        quiet(machine, compact(&args[0]).map(|text| pretty(&text)))
    }),
    Function::careful("mustToPrettyJson", ANY, |machine, args| {
        loud(machine, compact(&args[0]).map(|text| pretty(&text)))
    }),
    Function::careful("toRawJson", ANY, |machine, args| {
        loud(machine, compact(&args[0]).map(|text| raw(&text)))
    }),
    Function::careful("mustToRawJson", ANY, |machine, args| {
        loud(machine, compact(&args[0]).map(|text| raw(&text)))
    }),
    Function::new("fromJson", S, |_, args| Ok(parse(&text(args, 0)).unwrap_or(Value::Nil))).any(),
    Function::new("mustFromJson", S, |_, args| parse(&text(args, 0)).or_else(fail)).any(),
];

fn quiet(machine: &mut Machine<'_>, text: std::result::Result<String, String>) -> Result {
    let text = text.unwrap_or_default();
    machine.spend(text.len())?;
    Ok(Value::from(text))
}

fn loud(machine: &mut Machine<'_>, text: std::result::Result<String, String>) -> Result {
    let text = text.or_else(fail)?;
    machine.spend(text.len())?;
    Ok(Value::from(text))
}

/// `encoding/json` of a value: sorted keys, members of structs as declared, `<`, `>` and `&` escaped.
///
/// # Errors
/// A number JSON does not have, or values nested too deeply.
pub fn compact(value: &Value) -> std::result::Result<String, String> {
    let mut out = String::new();
    write(value, 0, &mut out)?;
    Ok(out)
}

fn write(value: &Value, depth: usize, out: &mut String) -> std::result::Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(CYCLE.to_owned());
    }
    match value {
        Value::Str(text) => {
            write_text(text, out);
            Ok(())
        }
        Value::List(list) if !list.is_nil() => write_list(list, depth, out),
        Value::Map(map) if !map.is_nil() => {
            let entries = map.entries();
            let members = entries.iter().map(|(key, value)| (&key[..], value));
            write_members(members, depth, out)
        }
        Value::Object(object) => match object.json_members() {
            Some(members) => {
                let members = members.iter().map(|(name, value)| (name.as_bytes(), value));
                write_members(members, depth, out)
            }
            None => write(&object.json(), depth + 1, out),
        },
        scalar => {
            let scalar = nested_to_value(scalar, depth)?;
            yaml::json::write(&scalar, out).map_err(|error| error.to_string())
        }
    }
}

fn write_list(list: &List, depth: usize, out: &mut String) -> std::result::Result<(), String> {
    out.push('[');
    for (at, item) in list.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(item, depth + 1, out)?;
    }
    out.push(']');
    Ok(())
}

fn write_members<'m>(
    members: impl Iterator<Item = (&'m [u8], &'m Value)>,
    depth: usize,
    out: &mut String,
) -> std::result::Result<(), String> {
    out.push('{');
    for (at, (name, value)) in members.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_text(name, out);
        out.push(':');
        write(value, depth + 1, out)?;
    }
    out.push('}');
    Ok(())
}

/// A string. A byte that is no UTF-8 is written as an escape, unlike a replacement character of the text itself.
fn write_text(text: &[u8], out: &mut String) {
    let Err(_) = std::str::from_utf8(text).map(|text| yaml::json::write_string(text, out)) else { return };
    out.push('"');
    for chunk in text.utf8_chunks() {
        let mut quoted = String::new();
        yaml::json::write_string(chunk.valid(), &mut quoted);
        out.push_str(&quoted[1..quoted.len() - 1]);
        chunk.invalid().iter().for_each(|_| out.push_str("\\ufffd"));
    }
    out.push('"');
}

/// Go's JSON decoder on any JSON text: numbers are floats.
///
/// # Errors
/// Go's message.
pub fn parse(text: &str) -> std::result::Result<Value, String> {
    let value = yaml::json::from_str(text, &yaml::Limits::default()).map_err(|error| error.to_string())?;
    Ok(from_value(&value))
}

/// A value as `encoding/json` sees it: bytes in base64, nil collections null, objects by their JSON form.
///
/// # Errors
/// A number JSON does not have, or values nested too deeply.
pub fn to_value(value: &Value) -> std::result::Result<yaml::Value, String> {
    nested_to_value(value, 0)
}

fn nested_to_value(value: &Value, depth: usize) -> std::result::Result<yaml::Value, String> {
    if depth > MAX_DEPTH {
        return Err(CYCLE.to_owned());
    }
    Ok(match value {
        Value::Nil => yaml::Value::Null,
        Value::Bool(value) => yaml::Value::Bool(*value),
        Value::Int(_, value) => yaml::Value::Int(*value),
        Value::Uint(_, value) => i64::try_from(*value).map_or(yaml::Value::Uint(*value), yaml::Value::Int),
        Value::Float(value) if value.is_finite() => yaml::Value::Float(*value),
        Value::Float(value) => {
            return Err(format!("json: unsupported value: {}", gotmpl::float::shortest(*value)));
        }
        Value::Str(text) => yaml::Value::String(text.lossy().into()),
        Value::Bytes(bytes) => yaml::Value::String(data_encoding::BASE64.encode(bytes).into()),
        Value::List(list) if list.is_nil() => yaml::Value::Null,
        Value::List(list) => {
            let items: std::result::Result<Vec<_>, String> =
                list.iter().map(|item| nested_to_value(item, depth + 1)).collect();
            yaml::Value::List(items?.into())
        }
        Value::Map(map) if map.is_nil() => yaml::Value::Null,
        Value::Map(map) => {
            let mut entries = yaml::Map::with_capacity(map.len());
            for (key, value) in map.entries() {
                entries.insert(&*key.lossy(), nested_to_value(&value, depth + 1)?);
            }
            yaml::Value::Map(entries.into())
        }
        Value::Object(object) => nested_to_value(&object.json(), depth + 1)?,
    })
}

/// A value read from JSON or YAML as templates see it: every number a float.
#[must_use]
pub fn from_value(value: &yaml::Value) -> Value {
    match value {
        yaml::Value::Null => Value::Nil,
        yaml::Value::Bool(value) => Value::Bool(*value),
        yaml::Value::Int(value) => Value::Float(*value as f64),
        yaml::Value::Uint(value) => Value::Float(*value as f64),
        yaml::Value::Float(value) => Value::Float(*value),
        yaml::Value::String(text) => Value::Str(Str::from(&**text)),
        yaml::Value::List(items) => Value::List(List::any(items.iter().map(from_value).collect())),
        yaml::Value::Map(map) => {
            Value::Map(Map::any(map.iter().map(|(key, value)| (Str::from(&**key), from_value(value)))))
        }
    }
}

/// `json.MarshalIndent` with two spaces, made from compact text.
fn pretty(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut chars = compact.chars().peekable();
    while let Some(c) = chars.next() {
        if quoted {
            out.push(c);
            quoted = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' => {
                quoted = true;
                out.push(c);
            }
            '[' | '{' => {
                out.push(c);
                if let Some(close) = chars.next_if(|next| matches!(next, ']' | '}')) {
                    out.push(close);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            ']' | '}' => {
                depth -= 1;
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => out.push(c),
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

/// Without the escapes of `<`, `>` and `&`.
fn raw(compact: &str) -> String {
    let mut out = String::with_capacity(compact.len());
    let mut rest = compact;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (escape, plain) = match rest.get(at..at + 6) {
            Some("\\u003c") => (6, "<"),
            Some("\\u003e") => (6, ">"),
            Some("\\u0026") => (6, "&"),
            _ => (2, &rest[at..at + 2]),
        };
        out.push_str(plain);
        rest = &rest[at + escape..];
    }
    out.push_str(rest);
    out
}
