//! TOML as BurntSushi/toml writes and reads it.

use gotmpl::{Budget, CallError, IntType, List, Map, Str, TextBuffer, Value};
use sprig::json::Encoded;

/// Writes a value: plain keys first, then tables, each sorted; nested tables indented by two spaces. The inner error is
/// the library's.
///
/// # Errors
/// The budget is used up.
pub(crate) fn to_toml(budget: &Budget<'_>, value: &Value) -> Result<Encoded, CallError> {
    // A map may hold itself; the limit of depth finds that out.
    if !fits(value, 0) {
        return Ok(Err("json: unsupported value: encountered a cycle".to_owned()));
    }
    let mut writer = Writer { out: TextBuffer::new(budget), wrote: false };
    let written = match value {
        Value::Nil => Err("toml: cannot encode a nil value".to_owned()),
        list @ Value::List(_) if is_table(list) => {
            Err("toml: top-level values must be Go maps or structs".to_owned())
        }
        other => match members(other) {
            Some(members) => writer.table(&members, &mut Vec::new()),
            None => inline(other, &mut writer.out),
        },
    };
    let text = writer.out.into_bytes()?;
    Ok(written.map(|()| text))
}

/// How deep values may nest.
const MAX_DEPTH: usize = 900;

fn fits(value: &Value, depth: usize) -> bool {
    let mut all = depth <= MAX_DEPTH;
    match value {
        Value::List(list) => all = all && list.iter().all(|item| fits(item, depth + 1)),
        Value::Map(map) if all => map.each(|_, value| {
            all = fits(value, depth + 1);
            all
        }),
        _ => {}
    }
    all
}

struct Writer<'b> {
    out: TextBuffer<'b>,
    /// Whether anything was written: a blank line comes before later top-level tables.
    wrote: bool,
}

const NIL_ELEMENT: &str = "toml: cannot encode array with nil element";

/// Why there is no TOML of a value.
type Written = Result<(), String>;

impl Writer<'_> {
    /// What a table holds; its header is written. `path` is empty for the document.
    fn table(&mut self, members: &[(Str, Value)], path: &mut Vec<String>) -> Written {
        for (key, value) in
            members.iter().filter(|(_, value)| !is_table(value) && !matches!(value, Value::Nil))
        {
            self.out.put_repeated(b' ', 2 * path.len());
            put_key(key, &mut self.out);
            self.out.put(b" = ");
            inline(value, &mut self.out)?;
            self.out.put_byte(b'\n');
            self.wrote = true;
            if self.out.is_spent() {
                return Ok(());
            }
        }
        for (key, value) in members.iter().filter(|(_, value)| is_table(value)) {
            if let Err(error) = self.out.budget().spend(8 * key.len() + 64) {
                self.out.fail(error);
                return Ok(());
            }
            path.push(key_text(key));
            match value {
                Value::List(items) => {
                    items.iter().try_for_each(|item| self.nested(path, ("[[", "]]"), item))?;
                }
                single => self.nested(path, ("[", "]"), single)?,
            }
            path.pop();
        }
        Ok(())
    }

    /// A table with its header.
    fn nested(&mut self, path: &mut Vec<String>, (open, close): (&str, &str), value: &Value) -> Written {
        let is_one_of_many = open.len() == 2;
        if self.wrote && (path.len() == 1 || is_one_of_many) {
            self.out.put_byte(b'\n');
        }
        self.out.put_repeated(b' ', 2 * (path.len() - 1));
        self.out.put(open.as_bytes());
        for (index, name) in path.iter().enumerate() {
            self.out.put(if index > 0 { b"." } else { b"" });
            self.out.put(name.as_bytes());
        }
        self.out.put(close.as_bytes());
        self.out.put_byte(b'\n');
        self.wrote = true;
        if self.out.is_spent() {
            return Ok(());
        }
        let count = if let Value::Map(map) = value { map.len() } else { 64 };
        if let Err(error) = self.out.budget().spend_entries(count) {
            self.out.fail(error);
            return Ok(());
        }
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
        Value::List(list) => !list.is_empty() && list.iter().all(has_members),
        other => has_members(other),
    }
}

fn has_members(value: &Value) -> bool {
    match value {
        Value::Map(_) => true,
        Value::Object(_) => members(value).is_some(),
        _ => false,
    }
}

fn inline(value: &Value, out: &mut TextBuffer<'_>) -> Written {
    match value {
        Value::Nil => return Err(NIL_ELEMENT.to_owned()),
        Value::Bool(value) => out.put(if *value { b"true" } else { b"false" }),
        Value::Int(IntType::Duration, _) => put_string(&gotmpl::sprint_value(value), out),
        Value::Int(_, value) => out.put(value.to_string().as_bytes()),
        Value::Uint(..) => gotmpl::print_value(value, out),
        Value::Float(value) => out.put(float(*value).as_bytes()),
        Value::Str(text) | Value::Bytes(text) => put_string(text, out),
        Value::List(list) => {
            out.put_byte(b'[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.put(b", ");
                }
                inline(item, out)?;
                if out.is_spent() {
                    break;
                }
            }
            out.put_byte(b']');
        }
        Value::Object(object) if object.type_name() == "time.Time" => {
            out.put(moment(&object.print(), &object.json()).as_bytes());
        }
        Value::Map(map) => {
            if let Err(error) = out.budget().spend_entries(map.len()) {
                out.fail(error);
                return Ok(());
            }
            inline_table(&map.entries(), out)?;
        }
        Value::Object(object) => {
            if let Err(error) = out.budget().spend(object.size().saturating_mul(8)) {
                out.fail(error);
                return Ok(());
            }
            match members(value) {
                Some(members) => inline_table(&members, out)?,
                None => put_string(object.print().as_bytes(), out),
            }
        }
    }
    Ok(())
}

fn inline_table(members: &[(Str, Value)], out: &mut TextBuffer<'_>) -> Written {
    out.put_byte(b'{');
    let present = members.iter().filter(|(_, value)| !matches!(value, Value::Nil));
    for (index, (key, value)) in present.enumerate() {
        if index > 0 {
            out.put(b", ");
        }
        put_key(key, out);
        out.put(b" = ");
        inline(value, out)?;
        if out.is_spent() {
            break;
        }
    }
    out.put_byte(b'}');
    Ok(())
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
    let budget = Budget::unlimited();
    let mut out = TextBuffer::new(&budget);
    put_string(text.as_bytes(), &mut out);
    String::from_utf8(out.into_bytes().unwrap_or_default()).unwrap_or_default()
}

/// Writes a text in quotes, what is no UTF-8 replaced.
fn put_string(text: &[u8], out: &mut TextBuffer<'_>) {
    out.put_byte(b'"');
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|c| put_char(c, out));
        if !chunk.invalid().is_empty() {
            out.put_char(char::REPLACEMENT_CHARACTER);
        }
    }
    out.put_byte(b'"');
}

fn put_char(c: char, out: &mut TextBuffer<'_>) {
    match c {
        '"' => out.put(b"\\\""),
        '\\' => out.put(b"\\\\"),
        '\x08' => out.put(b"\\b"),
        '\t' => out.put(b"\\t"),
        '\n' => out.put(b"\\n"),
        '\x0c' => out.put(b"\\f"),
        '\r' => out.put(b"\\r"),
        c if u32::from(c) < 0x20 || c == '\x7f' => out.put(format!("\\u{:04x}", u32::from(c)).as_bytes()),
        c => out.put_char(c),
    }
}

fn is_bare(key: &[u8]) -> bool {
    !key.is_empty() && key.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn put_key(key: &[u8], out: &mut TextBuffer<'_>) {
    if is_bare(key) { out.put(key) } else { put_string(key, out) }
}

fn key_text(key: &Str) -> String {
    if is_bare(key) { key.lossy().into_owned() } else { string(&key.lossy()) }
}

/// The longest TOML text that is read: its parser knows no budget. Real ones have some thousand bytes.
const MAX_READ: usize = 1 << 20;

/// What reading takes for each byte: tokens, then values.
const READ_BYTES: usize = 400;

/// Reads a TOML text; what cannot be read is told under `Error`.
///
/// # Errors
/// The text is too long, or the budget is used up.
pub(crate) fn from_toml(budget: &Budget<'_>, text: &[u8]) -> Result<Value, CallError> {
    if text.len() > MAX_READ {
        let message = format!("a TOML text is longer than the budget allows ({MAX_READ} bytes)");
        return Err(CallError::budget(message));
    }
    budget.spend(READ_BYTES * text.len() + 4_096)?;
    budget.work(text.len() as u64)?;
    Ok(read(&gotmpl::lossy(text)))
}

fn read(text: &str) -> Value {
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
        let Value::Map(map) = read(text) else { return String::new() };
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
        let list = read("[t]\nk = 1\n[[t.l]]\nq = 1979-05-27\n[[t.l]]\nq = 2\n");
        let text = to_toml(&Budget::unlimited(), &list).unwrap().unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "[t]\n  k = 1\n\n  [[t.l]]\n    q = 1979-05-27\n\n  [[t.l]]\n    q = 2\n"
        );
    }
}
