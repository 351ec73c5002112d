//! TOML as BurntSushi/toml writes and reads it.

use gotmpl::{List, Map, Str, Value};

/// Writes a value: plain keys first, then tables, each sorted; nested tables indented by two spaces.
///
/// # Errors
/// The library's text.
pub(crate) fn to_toml(value: &Value) -> Result<String, String> {
    let mut writer = Writer { out: String::new(), wrote: false };
    match value {
        Value::Map(map) => writer.table(map, &[])?,
        Value::Nil => return Err("toml: cannot encode a nil value".to_owned()),
        other => writer.out.push_str(&inline(other)?),
    }
    Ok(writer.out)
}

struct Writer {
    out: String,
    /// Whether anything was written: a blank line comes before later top-level tables.
    wrote: bool,
}

const NIL_ELEMENT: &str = "toml: cannot encode array with nil element";

impl Writer {
    fn table(&mut self, map: &Map, path: &[String]) -> Result<(), String> {
        let entries = map.entries();
        let indent = "  ".repeat(path.len().saturating_sub(1));
        for (key, value) in entries.iter().filter(|(_, value)| !is_table(value) && !matches!(value, Value::Nil)) {
            self.out.push_str(&format!("{indent}{} = {}\n", key_text(key), inline(value)?));
            self.wrote = true;
        }
        for (key, value) in entries.iter().filter(|(_, value)| is_table(value)) {
            let path = [path, &[key_text(key)]].concat();
            match value {
                Value::Map(map) => self.header(&path, "[", "]", map)?,
                Value::List(list) => {
                    for item in list.iter() {
                        let Value::Map(map) = item else { continue };
                        self.header(&path, "[[", "]]", map)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn header(&mut self, path: &[String], open: &str, close: &str, map: &Map) -> Result<(), String> {
        if path.len() == 1 && self.wrote {
            self.out.push('\n');
        }
        let indent = "  ".repeat(path.len() - 1);
        self.out.push_str(&format!("{indent}{open}{}{close}\n", path.join(".")));
        self.wrote = true;
        self.table_body(map, path)
    }

    fn table_body(&mut self, map: &Map, path: &[String]) -> Result<(), String> {
        let inner: Vec<String> = path.to_vec();
        let indent = "  ".repeat(inner.len());
        let entries = map.entries();
        for (key, value) in entries.iter().filter(|(_, value)| !is_table(value) && !matches!(value, Value::Nil)) {
            self.out.push_str(&format!("{indent}{} = {}\n", key_text(key), inline(value)?));
        }
        for (key, value) in entries.iter().filter(|(_, value)| is_table(value)) {
            let path = [&inner[..], &[key_text(key)]].concat();
            match value {
                Value::Map(map) => self.header(&path, "[", "]", map)?,
                Value::List(list) => {
                    for item in list.iter() {
                        let Value::Map(map) = item else { continue };
                        self.header(&path, "[[", "]]", map)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether a value is written as a table of its own: a map, or a list of nothing but maps.
fn is_table(value: &Value) -> bool {
    match value {
        Value::Map(_) => true,
        Value::List(list) => !list.is_empty() && list.iter().all(|item| matches!(item, Value::Map(_))),
        _ => false,
    }
}

fn inline(value: &Value) -> Result<String, String> {
    Ok(match value {
        Value::Nil => return Err(NIL_ELEMENT.to_owned()),
        Value::Bool(value) => value.to_string(),
        Value::Int(_, value) => value.to_string(),
        Value::Uint(_, value) => value.to_string(),
        Value::Float(value) => float(*value),
        Value::Str(text) | Value::Bytes(text) => string(&text.lossy()),
        Value::List(list) => {
            let items: Result<Vec<String>, String> = list.iter().map(inline).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Map(map) => {
            let entries = map.entries();
            let entries = entries.iter().filter(|(_, value)| !matches!(value, Value::Nil));
            let pairs: Result<Vec<String>, String> =
                entries.map(|(key, value)| Ok(format!("{} = {}", key_text(key), inline(value)?))).collect();
            format!("{{{}}}", pairs?.join(", "))
        }
        Value::Object(object) => string(&object.print()),
    })
}

/// A float always shows that it is one.
fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+inf" } else { "-inf" }.to_owned();
    }
    let text = gotmpl::float::shortest(value);
    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}

fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\x0c' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if u32::from(c) < 0x20 || c == '\x7f' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn key_text(key: &Str) -> String {
    let bare = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !key.is_empty() && key.iter().all(bare) { key.lossy().into_owned() } else { string(&key.lossy()) }
}

/// Reads a TOML text; what cannot be read is told under `Error`.
pub(crate) fn from_toml(text: &str) -> Value {
    match text.parse::<::toml::Table>() {
        Ok(table) => from_table(&table),
        Err(error) => {
            let message = Value::from(format!("toml: {}", error.message()));
            Value::Map(Map::any([(Str::from("Error"), message)]))
        }
    }
}

fn from_table(table: &::toml::Table) -> Value {
    Value::Map(Map::any(table.iter().map(|(key, value)| (Str::from(key.as_str()), from_value(value)))))
}

fn from_value(value: &::toml::Value) -> Value {
    match value {
        ::toml::Value::String(text) => Value::from(text.as_str()),
        ::toml::Value::Integer(value) => Value::int64(*value),
        ::toml::Value::Float(value) => Value::Float(*value),
        ::toml::Value::Boolean(value) => Value::Bool(*value),
        ::toml::Value::Datetime(time) => Value::from(time.to_string()),
        ::toml::Value::Array(items) => Value::List(List::any(items.iter().map(from_value).collect())),
        ::toml::Value::Table(table) => from_table(table),
    }
}
