//! TOML as BurntSushi/toml writes and reads it.

use gotmpl::{IntType, List, Map, Str, Value};

/// Writes a value: plain keys first, then tables, each sorted; nested tables indented by two spaces.
///
/// # Errors
/// The library's text.
pub(crate) fn to_toml(value: &Value) -> Result<String, String> {
    // A map may hold itself; JSON's own limit of depth finds that out.
    if let Err(error) = sprig::json::to_value(value)
        && error.contains("cycle")
    {
        return Err(error);
    }
    let mut writer = Writer { out: String::new(), wrote: false };
    match value {
        Value::Nil => return Err("toml: cannot encode a nil value".to_owned()),
        list @ Value::List(_) if is_table(list) => {
            return Err("toml: top-level values must be Go maps or structs".to_owned());
        }
        other => match members(other) {
            Some(members) => writer.table(&members, &[])?,
            None => writer.out.push_str(&inline(other)?),
        },
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
    /// What a table holds; its header is written. `path` is empty for the document.
    fn table(&mut self, members: &[(Str, Value)], path: &[String]) -> Result<(), String> {
        let indent = "  ".repeat(path.len());
        for (key, value) in
            members.iter().filter(|(_, value)| !is_table(value) && !matches!(value, Value::Nil))
        {
            self.out.push_str(&format!("{indent}{} = {}\n", key_text(key), inline(value)?));
            self.wrote = true;
        }
        for (key, value) in members.iter().filter(|(_, value)| is_table(value)) {
            let path = [path, &[key_text(key)]].concat();
            match value {
                Value::List(items) => {
                    items.iter().try_for_each(|item| self.nested(&path, ("[[", "]]"), item))?;
                }
                single => self.nested(&path, ("[", "]"), single)?,
            }
        }
        Ok(())
    }

    /// A table with its header.
    fn nested(&mut self, path: &[String], (open, close): (&str, &str), value: &Value) -> Result<(), String> {
        let is_one_of_many = open.len() == 2;
        if self.wrote && (path.len() == 1 || is_one_of_many) {
            self.out.push('\n');
        }
        let indent = "  ".repeat(path.len() - 1);
        self.out.push_str(&format!("{indent}{open}{}{close}\n", path.join(".")));
        self.wrote = true;
        self.table(&members(value).unwrap_or_default(), path)
    }
}

/// The members of a map, sorted, or of a struct, as declared.
fn members(value: &Value) -> Option<Vec<(Str, Value)>> {
    match value {
        Value::Map(map) => Some(map.entries()),
        Value::Object(object) if object.is_stringer() => None,
        Value::Object(object) => object.go_fields().map(|fields| {
            let exported = fields.into_iter().filter(|(name, _)| name.starts_with(char::is_uppercase));
            exported.flat_map(|(name, value)| flattened(name, value)).collect()
        }),
        _ => None,
    }
}

/// A field; the fields of an embedded struct stand for it.
fn flattened(name: &'static str, value: Value) -> Vec<(Str, Value)> {
    match members(&value) {
        Some(members) if name == "Metadata" => members,
        _ => vec![(Str::from(name), value)],
    }
}

/// Whether a value is written as a table of its own: a map, or a list of nothing but maps.
fn is_table(value: &Value) -> bool {
    match value {
        Value::List(list) => !list.is_empty() && list.iter().all(|item| members(item).is_some()),
        other => members(other).is_some(),
    }
}

fn inline(value: &Value) -> Result<String, String> {
    Ok(match value {
        Value::Nil => return Err(NIL_ELEMENT.to_owned()),
        Value::Bool(value) => value.to_string(),
        Value::Int(IntType::Duration, _) => string(&format!("{value:?}")),
        Value::Int(_, value) => value.to_string(),
        Value::Uint(_, value) => value.to_string(),
        Value::Float(value) => float(*value),
        Value::Str(text) | Value::Bytes(text) => string(&text.lossy()),
        Value::List(list) => {
            let items: Result<Vec<String>, String> = list.iter().map(inline).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Object(object) if object.type_name() == "time.Time" => moment(&object.print(), &object.json()),
        Value::Map(_) | Value::Object(_) => match members(value) {
            Some(members) => inline_table(&members)?,
            None => string(&format!("{value:?}")),
        },
    })
}

fn inline_table(members: &[(Str, Value)]) -> Result<String, String> {
    let members = members.iter().filter(|(_, value)| !matches!(value, Value::Nil));
    let pairs: Result<Vec<String>, String> =
        members.map(|(key, value)| Ok(format!("{} = {}", key_text(key), inline(value)?))).collect();
    Ok(format!("{{{}}}", pairs?.join(", ")))
}

/// A time, as much of it as TOML's text had: the zone's name says so.
fn moment(printed: &str, json: &Value) -> String {
    let Value::Str(text) = json else { return string(printed) };
    let text = text.lossy();
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    let clock = clock.trim_end_matches('Z');
    match printed.rsplit(' ').next() {
        Some("date-local") => date.to_owned(),
        Some("time-local") => clock.to_owned(),
        Some("datetime-local") => format!("{date}T{clock}"),
        _ => text.into_owned(),
    }
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
            let at = error.span().map_or(text.len(), |span| span.start.min(text.len()));
            let message = Value::from(failure(text, at, error.message()));
            Value::Map(Map::any([(Str::from("Error"), message)]))
        }
    }
}

/// Line and key in the library's form, and the commonest failures in its words; the others in the words of `toml`.
fn failure(text: &str, at: usize, message: &str) -> String {
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let found = after.trim_start_matches([' ', '\t']);
    let word = || found.chars().take_while(|c| c.is_alphanumeric() || "_-".contains(*c)).collect::<String>();
    let (key, told) = match message {
        "string values must be quoted, expected literal string"
        | "invalid boolean, expected `true`"
        | "invalid boolean, expected `false`" => no_value(before, found, &word()),
        "key with no value, expected `=`" => match found.chars().next() {
            None => (None, "unexpected EOF; expected key separator '='".to_owned()),
            Some(c) => (None, format!("expected '.' or '=', but got {c:?} instead")),
        },
        "duplicate key" => {
            let is_header = before.ends_with(['[', '.']);
            ((!is_header).then(word), format!("Key '{}' has already been defined.", word()))
        }
        other => (last_key(before), other.to_owned()),
    };
    let key = key.map_or_else(String::new, |key| format!(" (last key {key:?})"));
    format!("toml: line {}{key}: {told}", 1 + before.matches('\n').count())
}

fn no_value(before: &str, found: &str, word: &str) -> (Option<String>, String) {
    match found.chars().next() {
        None => (last_key(before), "unexpected EOF; expected value".to_owned()),
        Some(c) if c.is_alphabetic() => {
            (last_key(before), format!("expected value but found {word:?} instead"))
        }
        Some(c) if c.is_ascii_digit() => {
            let next = found[word.len()..].trim_start().chars().next().unwrap_or(c);
            let told = "expected a top-level item to end with a newline, comment, or EOF, but got";
            (None, format!("{told} {next:?} instead"))
        }
        Some(c) => (last_key(before), format!("expected value but found {c:?} instead")),
    }
}

/// The key whose value is being read where `before` ends.
fn last_key(before: &str) -> Option<String> {
    let line = before.rsplit('\n').next()?;
    let key = line.split('=').next()?.trim();
    (!key.is_empty() && !key.starts_with('[')).then(|| key.to_owned())
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
        ::toml::Value::Datetime(time) => from_datetime(time),
        ::toml::Value::Array(items) => Value::List(List::any(items.iter().map(from_value).collect())),
        ::toml::Value::Table(table) => from_table(table),
    }
}

/// A time with the zone's name that tells which parts the text had.
fn from_datetime(datetime: &::toml::value::Datetime) -> Value {
    let (name, offset) = match (datetime.date, datetime.time, datetime.offset) {
        (_, _, Some(::toml::value::Offset::Z)) => ("UTC", 0),
        (_, _, Some(::toml::value::Offset::Custom { minutes })) => ("", i64::from(minutes) * 60),
        (None, _, None) => ("time-local", 0),
        (_, None, None) => ("date-local", 0),
        _ => ("datetime-local", 0),
    };
    let date =
        datetime.date.map_or([0, 1, 1], |date| [i64::from(date.year), date.month.into(), date.day.into()]);
    let clock = datetime.time.map_or([0, 0, 0], |time| {
        [time.hour.into(), time.minute.into(), i64::from(time.second.unwrap_or(0))]
    });
    let nanos = datetime.time.and_then(|time| time.nanosecond).unwrap_or(0);
    sprig::moment(date, clock, nanos, (name, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let Value::Map(map) = from_toml(text) else { return String::new() };
        map.get(b"Error").map_or_else(String::new, |error| format!("{error:?}"))
    }

    #[test]
    fn failures_are_told_as_the_library_does() {
        for (text, told) in [
            ("a = ", "toml: line 1 (last key \"a\"): unexpected EOF; expected value"),
            ("\na = b", "toml: line 2 (last key \"a\"): expected value but found \"b\" instead"),
            ("a = truex", "toml: line 1 (last key \"a\"): expected value but found \"truex\" instead"),
            ("a", "toml: line 1: unexpected EOF; expected key separator '='"),
            ("a b = 1", "toml: line 1: expected '.' or '=', but got 'b' instead"),
            ("a = 1\na = 2", "toml: line 2 (last key \"a\"): Key 'a' has already been defined."),
            ("[a]\n[a]", "toml: line 2: Key 'a' has already been defined."),
            ("a = é", "toml: line 1 (last key \"a\"): expected value but found \"é\" instead"),
        ] {
            assert_eq!(error(text), told, "{text:?}");
        }
        assert!(error("a = \"x").starts_with("toml: line 1 (last key \"a\"): "));
    }

    #[test]
    fn tables_in_lists_stand_apart() {
        let list = from_toml("[t]\nk = 1\n[[t.l]]\nq = 1979-05-27\n[[t.l]]\nq = 2\n");
        assert_eq!(
            to_toml(&list).unwrap(),
            "[t]\n  k = 1\n\n  [[t.l]]\n    q = 1979-05-27\n\n  [[t.l]]\n    q = 2\n"
        );
    }
}
