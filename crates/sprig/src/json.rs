//! JSON: values to Go's JSON text and back.

use std::sync::Arc;

use gotmpl::{Budget, CallError, Function, List, Machine, Map, MapType, Str, TextBuffer, Type, Value};

use crate::args::{Result, fail, text};

const ANY: &[Type] = &[Type::Any];
const S: &[Type] = &[Type::String];

/// How deep values may nest on their way to text; a map may hold itself.
const MAX_DEPTH: usize = 900;
const CYCLE: &str = "json: unsupported value: encountered a cycle";

/// JSON text, or why there is none in Go's words.
pub type Encoded = std::result::Result<Vec<u8>, String>;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::careful("toJson", ANY, |machine, args| quiet(machine, encoded(machine, args, compact)?)),
    Function::careful("mustToJson", ANY, |machine, args| loud(machine, encoded(machine, args, compact)?)),
    Function::careful("toPrettyJson", ANY, |machine, args| quiet(machine, encoded(machine, args, indented)?)),
    Function::careful("mustToPrettyJson", ANY, |machine, args| {
        loud(machine, encoded(machine, args, indented)?)
    }),
    Function::careful("toRawJson", ANY, |machine, args| loud(machine, encoded(machine, args, unescaped)?)),
    Function::careful("mustToRawJson", ANY, |machine, args| {
        loud(machine, encoded(machine, args, unescaped)?)
    }),
    Function::new("fromJson", S, |machine, args| {
        Ok(parse(machine.budget(), &text(machine, args, 0)?)?.unwrap_or(Value::Nil))
    })
    .any(),
    Function::new("mustFromJson", S, |machine, args| {
        parse(machine.budget(), &text(machine, args, 0)?)?.or_else(fail)
    })
    .any(),
];

fn encoded(
    machine: &Machine<'_>,
    args: &[Value],
    encode: fn(&Budget<'_>, &Value) -> Result<Encoded>,
) -> Result<Encoded> {
    encode(machine.budget(), &args[0])
}

fn quiet(machine: &Machine<'_>, text: Encoded) -> Result {
    shared(machine, text.unwrap_or_default())
}

fn loud(machine: &Machine<'_>, text: Encoded) -> Result {
    shared(machine, text.or_else(fail)?)
}

fn shared(machine: &Machine<'_>, text: Vec<u8>) -> Result {
    machine.budget().spend_text(text.len())?;
    Ok(Value::from(text))
}

/// `encoding/json` of a value: sorted keys, members of structs as declared, `<`, `>` and `&` escaped. The inner error
/// is Go's: a number JSON does not have, or values nested too deeply.
///
/// # Errors
/// The budget is used up.
pub fn compact(budget: &Budget<'_>, value: &Value) -> Result<Encoded> {
    let mut out = TextBuffer::new(budget);
    let written = write(value, 0, &mut out);
    let text = out.into_bytes()?;
    Ok(written.map(|()| text))
}

fn indented(budget: &Budget<'_>, value: &Value) -> Result<Encoded> {
    match compact(budget, value)? {
        Ok(text) => pretty(budget, &text).map(Ok),
        Err(why) => Ok(Err(why)),
    }
}

fn unescaped(budget: &Budget<'_>, value: &Value) -> Result<Encoded> {
    match compact(budget, value)? {
        Ok(text) => raw(budget, &text).map(Ok),
        Err(why) => Ok(Err(why)),
    }
}

type Written = std::result::Result<(), String>;

fn write(value: &Value, depth: usize, out: &mut TextBuffer<'_>) -> Written {
    if depth > MAX_DEPTH {
        return Err(CYCLE.to_owned());
    }
    match value {
        Value::Str(text) => {
            write_text(text, out);
            Ok(())
        }
        Value::Bytes(bytes) => {
            write_base64(bytes, out);
            Ok(())
        }
        Value::List(list) if !list.is_nil() => write_list(list, depth, out),
        Value::Map(map) if !map.is_nil() => write_map(map, depth, out),
        Value::Object(object) => {
            if let Err(error) = out.budget().spend(object.size().saturating_mul(4)) {
                out.fail(error);
                return Ok(());
            }
            match object.json_members() {
                Some(members) => write_members(&members, depth, out),
                None => write(&object.json(), depth + 1, out),
            }
        }
        scalar => {
            let mut text = String::new();
            let scalar = scalar_value(scalar)?;
            yaml::json::write(&scalar, &mut text).map_err(|error| error.to_string())?;
            out.put(text.as_bytes());
            Ok(())
        }
    }
}

fn write_list(list: &List, depth: usize, out: &mut TextBuffer<'_>) -> Written {
    out.put_byte(b'[');
    for (at, item) in list.iter().enumerate() {
        if out.is_spent() {
            break;
        }
        if at > 0 {
            out.put_byte(b',');
        }
        write(item, depth + 1, out)?;
    }
    out.put_byte(b']');
    Ok(())
}

fn write_map(map: &Map, depth: usize, out: &mut TextBuffer<'_>) -> Written {
    let (mut written, mut first) = (Ok(()), true);
    out.put_byte(b'{');
    map.each(|key, value| {
        if !first {
            out.put_byte(b',');
        }
        first = false;
        write_text(key, out);
        out.put_byte(b':');
        written = write(value, depth + 1, out);
        written.is_ok() && !out.is_spent()
    });
    out.put_byte(b'}');
    written
}

fn write_members(members: &[(&'static str, Value)], depth: usize, out: &mut TextBuffer<'_>) -> Written {
    out.put_byte(b'{');
    for (at, (name, value)) in members.iter().enumerate() {
        if at > 0 {
            out.put_byte(b',');
        }
        write_text(name.as_bytes(), out);
        out.put_byte(b':');
        write(value, depth + 1, out)?;
    }
    out.put_byte(b'}');
    Ok(())
}

/// How much of a text is escaped at once.
const PIECE: usize = 4 << 10;

/// A string. A byte that is no UTF-8 is written as an escape, unlike a replacement character of the text itself.
fn write_text(text: &[u8], out: &mut TextBuffer<'_>) {
    out.put_byte(b'"');
    let is_plain =
        |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&');
    if text.iter().all(is_plain) {
        out.put(text);
        return out.put_byte(b'"');
    }
    let mut quoted = String::new();
    for chunk in text.utf8_chunks() {
        let mut rest = chunk.valid();
        while !rest.is_empty() && !out.is_spent() {
            let (piece, behind) = rest.split_at(rest.floor_char_boundary(PIECE));
            quoted.clear();
            yaml::json::write_string(piece, &mut quoted);
            out.put(&quoted.as_bytes()[1..quoted.len() - 1]);
            rest = behind;
        }
        chunk.invalid().iter().for_each(|_| out.put(b"\\ufffd"));
    }
    out.put_byte(b'"');
}

fn write_base64(bytes: &[u8], out: &mut TextBuffer<'_>) {
    out.put_byte(b'"');
    crate::encode::put_base64(bytes, out);
    out.put_byte(b'"');
}

/// Go's JSON decoder on any JSON text: numbers are floats. The inner error is Go's.
///
/// # Errors
/// The budget is used up.
pub fn parse(budget: &Budget<'_>, text: &str) -> Result<std::result::Result<Value, String>> {
    match yaml::json::from_str(text, &yaml::Limits::default()) {
        Ok(value) => from_value(budget, &value).map(Ok),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// A value as `encoding/json` sees it: bytes in base64, nil collections null, objects by their JSON form. The inner
/// error is Go's: a number JSON does not have, or values nested too deeply.
///
/// # Errors
/// The budget is used up.
pub fn to_value(budget: &Budget<'_>, value: &Value) -> Result<std::result::Result<yaml::Value, String>> {
    match nested_to_value(budget, value, 0) {
        Ok(value) => Ok(Ok(value)),
        Err(Failure::Encoding(why)) => Ok(Err(why)),
        Err(Failure::Budget(error)) => Err(error),
    }
}

/// Why a value has no JSON.
enum Failure {
    Encoding(String),
    Budget(CallError),
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Budget(error)
    }
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self::Encoding(why)
    }
}

/// What a value takes as an element of a list or map of JSON.
const ELEMENT: usize = 64;

/// What an entry of a map of JSON takes, its place in a table counted.
const ENTRY: usize = 160;

fn nested_to_value(
    budget: &Budget<'_>,
    value: &Value,
    depth: usize,
) -> std::result::Result<yaml::Value, Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::Encoding(CYCLE.to_owned()));
    }
    Ok(match value {
        Value::Str(text) => {
            budget.spend_text(text.len())?;
            yaml::Value::String(budget.lossy(text)?.into())
        }
        Value::Bytes(bytes) => {
            let length = bytes.len().div_ceil(3) * 4;
            budget.spend_text(length.saturating_mul(2))?;
            yaml::Value::String(data_encoding::BASE64.encode(bytes).into())
        }
        Value::List(list) if list.is_nil() => yaml::Value::Null,
        Value::List(list) => {
            budget.spend(ELEMENT.saturating_mul(list.len() + 1))?;
            budget.work(list.len() as u64)?;
            let mut items = Vec::with_capacity(list.len());
            for item in list.iter() {
                items.push(nested_to_value(budget, item, depth + 1)?);
            }
            yaml::Value::List(items.into())
        }
        Value::Map(map) if map.is_nil() => yaml::Value::Null,
        Value::Map(map) => yaml::Value::Map(map_to_value(budget, map, depth)?.into()),
        Value::Object(object) => {
            budget.spend(object.size().saturating_mul(4))?;
            nested_to_value(budget, &object.json(), depth + 1)?
        }
        scalar => scalar_value(scalar)?,
    })
}

fn map_to_value(budget: &Budget<'_>, map: &Map, depth: usize) -> std::result::Result<yaml::Map, Failure> {
    budget.spend(ENTRY.saturating_mul(map.len() + 1))?;
    budget.work(map.len() as u64)?;
    let mut entries = yaml::Map::with_capacity(map.len());
    let mut outcome = Ok(());
    map.each(|key, value| {
        outcome =
            budget.spend_text(key.len()).and_then(|()| budget.lossy(key)).map_err(Failure::from).and_then(
                |key| {
                    entries.insert(&*key, nested_to_value(budget, value, depth + 1)?);
                    Ok(())
                },
            );
        outcome.is_ok()
    });
    outcome.map(|()| entries)
}

/// A value that holds no others and no text.
fn scalar_value(value: &Value) -> std::result::Result<yaml::Value, String> {
    Ok(match value {
        Value::Bool(value) => yaml::Value::Bool(*value),
        Value::Int(_, value) => yaml::Value::Int(*value),
        Value::Uint(_, value) => i64::try_from(*value).map_or(yaml::Value::Uint(*value), yaml::Value::Int),
        Value::Float(value) if value.is_finite() => yaml::Value::Float(*value),
        Value::Float(value) => {
            return Err(format!("json: unsupported value: {}", gotmpl::float::shortest(*value)));
        }
        _ => yaml::Value::Null,
    })
}

/// A value read from JSON or YAML as templates see it: every number a float. Texts are shared.
///
/// # Errors
/// The budget is used up.
pub fn from_value(budget: &Budget<'_>, value: &yaml::Value) -> Result {
    Ok(match value {
        yaml::Value::Null => Value::Nil,
        yaml::Value::Bool(value) => Value::Bool(*value),
        yaml::Value::Int(value) => Value::Float(*value as f64),
        yaml::Value::Uint(value) => Value::Float(*value as f64),
        yaml::Value::Float(value) => Value::Float(*value),
        yaml::Value::String(text) => Value::Str(shared_text(text)),
        yaml::Value::List(items) => {
            budget.spend_list(items.len())?;
            budget.work(items.len() as u64)?;
            let mut list = Vec::with_capacity(items.len());
            for item in items.iter() {
                list.push(from_value(budget, item)?);
            }
            Value::List(List::any(list))
        }
        yaml::Value::Map(entries) => {
            budget.spend_map(entries.len())?;
            let map = Map::new(MapType::Any);
            for (key, value) in entries.iter() {
                map.set(shared_text(key), from_value(budget, value)?);
            }
            Value::Map(map)
        }
    })
}

fn shared_text(text: &Arc<str>) -> Str {
    Str::from(Arc::<[u8]>::from(text.clone()))
}

/// `json.MarshalIndent` with two spaces, made from compact text.
fn pretty(budget: &Budget<'_>, compact: &[u8]) -> Result<Vec<u8>> {
    let mut out = TextBuffer::new(budget);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut bytes = compact.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if quoted {
            out.put_byte(byte);
            quoted = byte != b'"' || escaped;
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'"' => {
                quoted = true;
                out.put_byte(byte);
            }
            b'[' | b'{' => {
                out.put_byte(byte);
                if let Some(close) = bytes.next_if(|next| matches!(next, b']' | b'}')) {
                    out.put_byte(close);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            b']' | b'}' => {
                depth -= 1;
                line(&mut out, depth);
                out.put_byte(byte);
            }
            b',' => {
                out.put_byte(byte);
                line(&mut out, depth);
            }
            b':' => out.put(b": "),
            byte => out.put_byte(byte),
        }
        if out.is_spent() {
            break;
        }
    }
    out.into_bytes()
}

fn line(out: &mut TextBuffer<'_>, depth: usize) {
    out.put_byte(b'\n');
    out.put_repeated(b' ', 2 * depth);
}

/// Without the escapes of `<`, `>` and `&`.
fn raw(budget: &Budget<'_>, compact: &[u8]) -> Result<Vec<u8>> {
    let mut out = TextBuffer::with_room(budget, compact.len());
    let mut rest = compact;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.put(&rest[..at]);
        let (escape, plain): (usize, &[u8]) = match rest.get(at..at + 6) {
            Some(b"\\u003c") => (6, b"<"),
            Some(b"\\u003e") => (6, b">"),
            Some(b"\\u0026") => (6, b"&"),
            _ => (2, &rest[at..at + 2]),
        };
        out.put(plain);
        rest = &rest[at + escape..];
    }
    out.put(rest);
    out.into_bytes()
}
