//! `--set` and its family: `a.b[1]=x,c={1,2}` written into a map of values.
//!
//! Behaviour and messages: helm `pkg/strvals`.

use gotmpl::{Budget, CallError, List, Map, Str, Value};

/// The largest list index.
const MAX_INDEX: usize = 65_536;

/// How many maps a key may lead through.
const MAX_NESTED: usize = 30;

/// How the text after `=` becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typing {
    /// `--set`: numbers, booleans and null are recognised.
    Typed,
    /// `--set-string`: always text.
    Text,
    /// `--set-literal`: text to the end, nothing is escaped.
    Literal,
    /// `--set-json`: one JSON value.
    Json,
}

/// Reads the file a `--set-file` value names; the answer is its content.
pub(crate) type Reader<'a> = dyn FnMut(&str) -> Result<Vec<u8>, String> + 'a;

/// Writes what `text` says into `values`. With `files`, the values are paths and their files' contents are meant.
///
/// # Errors
/// Helm's message, without the flag's name.
pub(crate) fn set(
    budget: &Budget<'_>,
    values: &Map,
    text: &str,
    typing: Typing,
    files: Option<&mut Reader<'_>>,
) -> Result<(), Problem> {
    // The characters, and the keys and values they make.
    budget.spend(text.len().saturating_mul(TEXT_BYTES))?;
    budget.work(text.len() as u64 / 4)?;
    let mut chars = Vec::with_capacity(text.len());
    chars.extend(text.chars());
    let mut parser = Parser { budget, chars, at: 0, typing, files };
    while parser.at < parser.chars.len() {
        match parser.key(values, 0) {
            Ok(()) => {}
            Err(Failure::End) => return Ok(()),
            Err(Failure::Wrong(problem)) => return Err(problem),
        }
    }
    Ok(())
}

/// What a byte of the text takes: a character, and its share of what is set.
const TEXT_BYTES: usize = 128;

/// What is wrong with a text.
#[derive(Debug)]
pub(crate) enum Problem {
    /// Helm's message, without the flag's name.
    Wrong(String),
    /// The budget is used up.
    Budget(CallError),
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self::Wrong(message)
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        Self::Budget(error)
    }
}

/// Why a key was not finished.
enum Failure {
    /// The text ended inside of it: helm keeps what was set before, and says nothing.
    End,
    /// It is wrong.
    Wrong(Problem),
}

impl<T: Into<Problem>> From<T> for Failure {
    fn from(problem: T) -> Self {
        Self::Wrong(problem.into())
    }
}

type Parsed<T> = Result<T, Failure>;

struct Parser<'a, 'f> {
    budget: &'a Budget<'a>,
    chars: Vec<char>,
    at: usize,
    typing: Typing,
    files: Option<&'a mut Reader<'f>>,
}

/// What ended a run of characters.
type Stop = Option<char>;

impl Parser<'_, '_> {
    /// Characters up to one of `stops`, which is taken too; a backslash makes the next character plain.
    fn until(&mut self, stops: &[char]) -> (String, Stop) {
        let mut out = String::new();
        while let Some(c) = self.chars.get(self.at).copied() {
            self.at += 1;
            match c {
                c if stops.contains(&c) => return (out, Some(c)),
                '\\' if self.typing != Typing::Literal => {
                    let Some(escaped) = self.chars.get(self.at) else { return (out, None) };
                    out.push(*escaped);
                    self.at += 1;
                }
                c => out.push(c),
            }
        }
        (out, None)
    }

    fn key_stops(&self) -> &'static [char] {
        if self.typing == Typing::Literal { &['=', '[', '.'] } else { &['=', '[', ',', '.'] }
    }

    /// One `key=value`, `key.…` or `key[…`, into `into`.
    fn key(&mut self, into: &Map, depth: usize) -> Parsed<()> {
        let (key, stop) = self.until(self.key_stops());
        match stop {
            None if key.is_empty() => Err(Failure::End),
            None => Err(format!("key {key:?} has no value").into()),
            Some('[') => {
                let index = self.index()?;
                let mut list = match into.get(key.as_bytes()) {
                    None => Vec::new(),
                    Some(Value::List(list)) => self.copied(&list)?,
                    Some(other) => return Err(not_a("[]interface {}", &other).into()),
                };
                let outcome = self.item(&mut list, index, depth);
                if !matches!(outcome, Err(Failure::Wrong(_))) {
                    set_key(into, &key, Value::List(List::any(list)));
                }
                outcome
            }
            Some('=') => {
                let value = self.value()?;
                set_key(into, &key, value);
                Ok(())
            }
            Some(',') => Err(format!("key {key:?} has no value (cannot end with ,)").into()),
            Some(_) => self.nested(into, &key, depth),
        }
    }

    /// `key.` has been read: the rest goes into the map at `key`.
    fn nested(&mut self, into: &Map, key: &str, depth: usize) -> Parsed<()> {
        if depth + 1 > MAX_NESTED {
            return Err(format!(
                "value name nested level is greater than maximum supported nested level of {MAX_NESTED}"
            )
            .into());
        }
        let inner = match into.get(key.as_bytes()) {
            Some(Value::Map(map)) if !map.is_nil() => map,
            None | Some(Value::Map(_)) => Map::any([]),
            Some(other) => return Err(not_a("map[string]interface {}", &other).into()),
        };
        let outcome = self.key(&inner, depth + 1);
        if outcome.is_ok() && inner.is_empty() {
            return Err(format!("key map {key:?} has no value").into());
        }
        if !inner.is_empty() {
            set_key(into, key, Value::Map(inner));
        }
        outcome
    }

    /// `[` has been read: the number and the `]`.
    fn index(&mut self) -> Parsed<usize> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            return Err(Failure::End);
        }
        let number: i64 = text.parse().map_err(|_| {
            let quoted = gotmpl::quote::quoted(text.as_bytes());
            format!("error parsing index: strconv.Atoi: parsing {quoted}: invalid syntax")
        })?;
        Ok(usize::try_from(number).map_err(|_| format!("negative {number} index not allowed"))?)
    }

    /// `[n]` has been read: what follows goes into place `index` of `list`.
    fn item(&mut self, list: &mut Vec<Value>, index: usize, depth: usize) -> Parsed<()> {
        let stops: &[char] =
            if self.typing == Typing::Literal { &['[', '.', '='] } else { &['[', '.', '=', ','] };
        let (extra, stop) = self.until(stops);
        if !extra.is_empty() {
            let shown: Vec<String> = extra.chars().map(|c| gotmpl::quote::quoted_char(c, false)).collect();
            return Err(format!("unexpected data at end of array index: [{}]", shown.join(" ")).into());
        }
        let value = match stop {
            None => return Err(Failure::End),
            Some(',') => return Ok(()),
            Some('=') => self.value()?,
            Some('[') => {
                let next = self.index()?;
                let mut inner = match list.get(index) {
                    Some(Value::List(inner)) => self.copied(inner)?,
                    _ => Vec::new(),
                };
                self.item(&mut inner, next, depth)?;
                Value::List(List::any(inner))
            }
            Some(_) => {
                let inner = match list.get(index) {
                    Some(Value::Map(map)) if !map.is_nil() => map.clone(),
                    _ => Map::any([]),
                };
                self.key(&inner, depth)?;
                Value::Map(inner)
            }
        };
        self.set_index(list, index, value)
    }

    /// A copy of a list that gets another element.
    fn copied(&self, list: &[Value]) -> Result<Vec<Value>, CallError> {
        self.budget.spend_list(list.len())?;
        Ok(list.to_vec())
    }

    fn set_index(&self, list: &mut Vec<Value>, index: usize, value: Value) -> Parsed<()> {
        if index > MAX_INDEX {
            return Err(
                format!("index of {index} is greater than maximum supported index of {MAX_INDEX}").into()
            );
        }
        if list.len() <= index {
            self.budget.spend_list(2 * (index + 1))?;
            list.resize(index + 1, Value::Nil);
        }
        list[index] = value;
        Ok(())
    }

    /// `=` has been read: the value.
    fn value(&mut self) -> Result<Value, Problem> {
        match self.typing {
            Typing::Json => self.json(),
            Typing::Literal => {
                let text: String = self.chars[self.at..].iter().collect();
                self.at = self.chars.len();
                Ok(Value::from(text))
            }
            Typing::Typed | Typing::Text if self.chars.get(self.at) == Some(&'{') => {
                self.at += 1;
                self.list()
            }
            // No file has no name.
            Typing::Text if self.files.is_some() && self.at == self.chars.len() => Ok(Value::from("")),
            Typing::Typed | Typing::Text => {
                let (text, _) = self.until(&[',']);
                self.scalar(&text)
            }
        }
    }

    /// `{` has been read: items up to `}`.
    fn list(&mut self) -> Result<Value, Problem> {
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            match stop {
                None => return Err("list must terminate with '}'".to_owned().into()),
                Some(stop) => {
                    items.push(self.scalar(&text)?);
                    if stop == '}' {
                        break;
                    }
                }
            }
        }
        // A comma after the list belongs to it.
        if self.chars.get(self.at) == Some(&',') {
            self.at += 1;
        }
        Ok(Value::List(List::any(items)))
    }

    fn scalar(&mut self, text: &str) -> Result<Value, Problem> {
        if let Some(read) = &mut self.files {
            return Ok(read(text).map(Value::from)?);
        }
        Ok(if self.typing == Typing::Typed { typed(text) } else { Value::from(text) })
    }

    /// One JSON value; nothing is null. What follows must be a comma or the end.
    fn json(&mut self) -> Result<Value, Problem> {
        // What is left is looked through for each value.
        self.budget.spend_text(4 * (self.chars.len() - self.at))?;
        let rest: String = self.chars[self.at..].iter().collect();
        let length = json_length(&rest);
        let text = rest[..length].trim();
        let value = match text {
            "" => Value::Nil,
            text => sprig::json::parse(self.budget, text)??,
        };
        self.at += rest[..length].chars().count();
        if self.chars.get(self.at) == Some(&',') {
            self.at += 1;
        }
        Ok(value)
    }
}

/// How much of `text` is one JSON value with the space around it: up to a comma outside of brackets and strings.
fn json_length(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

/// An empty key holds nothing.
fn set_key(into: &Map, key: &str, value: Value) {
    if !key.is_empty() {
        into.set(Str::from(key), value);
    }
}

/// The panic of a Go type assertion. A null that is there is no value of the wanted type either.
fn not_a(wanted: &str, found: &Value) -> String {
    let found = if matches!(found, Value::Nil) { "nil" } else { found.type_name() };
    format!("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}")
}

/// Booleans and null in any case, and integers that do not begin with a zero.
fn typed(text: &str) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        "null" => return Value::Nil,
        "0" => return Value::int64(0),
        _ => {}
    }
    if text.starts_with('0') {
        return Value::from(text);
    }
    text.parse().map_or_else(|_| Value::from(text), Value::int64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Result<String, String> {
        let values = Map::any([]);
        let budget = Budget::unlimited();
        match set(&budget, &values, text, Typing::Typed, None) {
            Ok(()) => {}
            Err(Problem::Wrong(message)) => return Err(message),
            Err(Problem::Budget(error)) => return Err(error.message),
        }
        let text = sprig::json::compact(&budget, &Value::Map(values)).unwrap().unwrap();
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn a_key_that_ends_early_keeps_what_was_set_before() {
        for (text, values) in [
            ("a[", "{}"),
            ("a[0", "{}"),
            ("a.b[", "{}"),
            ("a.", "{}"),
            ("[", "{}"),
            ("b=1,a[", r#"{"b":1}"#),
            ("a[0]", r#"{"a":[]}"#),
            ("a[0].", r#"{"a":[]}"#),
            ("a[0]=1,a[1].", r#"{"a":[1]}"#),
            ("a[0][1", r#"{"a":[]}"#),
        ] {
            assert_eq!(after(text).as_deref(), Ok(values), "{text}");
        }
        assert_eq!(after("a").unwrap_err(), "key \"a\" has no value");
        assert_eq!(
            after("a[]").unwrap_err(),
            "error parsing index: strconv.Atoi: parsing \"\": invalid syntax"
        );
    }

    #[test]
    fn nothing_is_put_into_null() {
        for (text, wanted) in [
            ("a=null,a.b=1", "map[string]interface {}"),
            ("a=null,a[0]=1", "[]interface {}"),
            ("b.a=null,b.a.c.d=1", "map[string]interface {}"),
        ] {
            let told =
                format!("unable to parse key: interface conversion: interface {{}} is nil, not {wanted}");
            assert_eq!(after(text), Err(told), "{text}");
        }
        assert_eq!(after("a[1]=x,a[0].b=1,a[0].b=2").as_deref(), Ok(r#"{"a":[{"b":2},"x"]}"#));
    }

    #[test]
    fn an_empty_file_name_at_the_end_is_no_file() {
        let values = Map::any([]);
        let read = &mut |name: &str| Err(format!("{name:?} was read"));
        set(&Budget::unlimited(), &values, "a=", Typing::Text, Some(read)).unwrap();
        assert!(matches!(values.get(b"a"), Some(Value::Str(text)) if text.is_empty()));
    }
}
