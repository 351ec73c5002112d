//! JSON patches (RFC 6902) with the behaviour of the library kustomize uses (evanphx/json-patch 4).

use std::sync::Arc;

use yaml::{Limits, Value, json, v2};

use crate::error::{Error, Result};
use crate::growth::Growth;

/// The operations of a patch.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct JsonPatch(Vec<Value>);

impl JsonPatch {
    /// Reads a patch: JSON when it begins with a bracket, else the first document of YAML.
    ///
    /// # Errors
    /// It is no list of operations.
    pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Self> {
        if text.is_empty() {
            return Err(Error::new("empty json patch operations"));
        }
        let value = if text.starts_with('[') {
            json::from_str(text, limits)?
        } else {
            v2::to_value(text.as_bytes(), limits)?
        };
        let wrong = |kind: &str, into: &str| {
            Error::new(format!("json: cannot unmarshal {kind} into Go value of type {into}"))
        };
        match value {
            Value::Null => Ok(Self::default()),
            Value::List(list) => match list.iter().find(|item| item.as_map().is_none()) {
                Some(item) => Err(wrong(item.json_kind(), "jsonpatch.Operation")),
                None => Ok(Self(list.to_vec())),
            },
            other => Err(wrong(other.json_kind(), "jsonpatch.Patch")),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Applies all operations and answers by how much the document has grown at most; afterwards every number is a
    /// float, as after Go's decoder.
    ///
    /// # Errors
    /// An operation does not apply.
    pub(crate) fn apply(&self, mut document: Value) -> Result<(Value, usize)> {
        let mut growth = Growth::default();
        for operation in &self.0 {
            budget::look()?;
            let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default();
            let step = Step { path: text("path"), from: text("from"), value: operation.get("value") };
            let op = operation.get("op").and_then(Value::as_str).unwrap_or("unknown");
            check_path(operation, op)?;
            step.run(op, &mut document, &mut growth)?;
        }
        floats(&mut document);
        Ok((document, growth.copied()))
    }
}

/// Every operation has a path.
fn check_path(operation: &Value, op: &str) -> Result<()> {
    if operation.get("path").is_some_and(|path| !path.is_null()) {
        return Ok(());
    }
    let why = match op {
        "add" | "remove" => "missing value",
        "replace" | "test" => "operation missing path field: missing value",
        _ => return Ok(()),
    };
    Err(Error::new(format!("{op} operation failed to decode path: {why}")))
}

struct Step<'p> {
    path: &'p str,
    from: &'p str,
    value: Option<&'p Value>,
}

impl Step<'_> {
    fn run(&self, op: &str, document: &mut Value, growth: &mut Growth) -> Result<()> {
        if matches!(op, "add" | "replace") {
            growth.value(self.value.unwrap_or(&Value::Null), depth_of(self.path))?;
        }
        match op {
            "add" => self.add(document),
            "remove" => self.remove(document),
            "replace" => self.replace(document),
            "test" => self.test(document),
            "move" => self.relocate(document, growth),
            "copy" => self.copy(document, growth),
            other => Err(Error::new(format!("Unexpected kind: {other}"))),
        }
    }

    fn value(&self) -> Value {
        self.value.cloned().unwrap_or_default()
    }

    fn add(&self, document: &mut Value) -> Result<()> {
        let path = self.path;
        let at = Slot::find(document, path)
            .ok_or_else(|| absent(&format!("add operation does not apply: doc is missing path: {path:?}")))?;
        at.add(self.value()).map_err(|error| error.under(format!("error in add for path: '{path}'")))
    }

    fn remove(&self, document: &mut Value) -> Result<()> {
        let path = self.path;
        let at = Slot::find(document, path).ok_or_else(|| {
            absent(&format!("remove operation does not apply: doc is missing path: {path:?}"))
        })?;
        at.remove().map_err(|error| error.under(format!("error in remove for path: '{path}'")))
    }

    fn replace(&self, document: &mut Value) -> Result<()> {
        let path = self.path;
        if path.is_empty() {
            *document = self.value();
            return Ok(());
        }
        let missing =
            |what: &str| absent(&format!("replace operation does not apply: doc is missing {what}: {path}"));
        let at = Slot::find(document, path).ok_or_else(|| missing("path"))?;
        at.set(self.value()).map_err(|_| missing("key"))
    }

    fn relocate(&self, document: &mut Value, growth: &mut Growth) -> Result<()> {
        let (from, path) = (self.from, self.path);
        let missing = |what: &str| absent(&format!("move operation does not apply: doc is missing {what}"));
        let source = Slot::find(document, from).ok_or_else(|| missing(&format!("from path: {from}")))?;
        let key = source.key.clone();
        let under = |error: Error| error.under(format!("error in move for path: '{key}'"));
        let taken = source.get().map_err(under)?.cloned().unwrap_or_default();
        growth.value(&taken, depth_of(path))?;
        source.remove().map_err(under)?;
        let at = Slot::find(document, path).ok_or_else(|| missing(&format!("destination path: {path}")))?;
        at.add(taken).map_err(|error| error.under(format!("error in move for path: '{path}'")))
    }

    /// Something that is not there is copied as null.
    fn copy(&self, document: &mut Value, growth: &mut Growth) -> Result<()> {
        let (from, path) = (self.from, self.path);
        let missing = |what: &str| absent(&format!("copy operation does not apply: doc is missing {what}"));
        let source = Slot::find(document, from).ok_or_else(|| missing(&format!("from path: {from}")))?;
        let found = source.get().map_err(|error| error.under(format!("error in copy for from: '{from}'")))?;
        let found = found.cloned().unwrap_or_default();
        growth.value(&found, depth_of(path))?;
        let at = Slot::find(document, path).ok_or_else(|| missing(&format!("destination path: {path}")))?;
        at.add(found).map_err(|error| error.under("error while adding value during copy"))
    }

    fn test(&self, document: &mut Value) -> Result<()> {
        let path = self.path;
        let expected = self.value.unwrap_or(&Value::Null);
        let found = if path.is_empty() {
            document.clone()
        } else {
            let at = Slot::find(document, path)
                .ok_or_else(|| absent(&format!("test operation does not apply: is missing path: {path}")))?;
            let found = at.get().map_err(|error| error.under(format!("error in test for path: '{path}'")))?;
            found.cloned().unwrap_or_default()
        };
        if json::as_kubernetes(found) == json::as_kubernetes(expected.clone()) {
            return Ok(());
        }
        Err(Error::new(format!("testing value {path} failed: test failed")))
    }
}

fn depth_of(path: &str) -> usize {
    path.split('/').count()
}

fn absent(what: &str) -> Error {
    Error::new(format!("{what}: missing value"))
}

/// The list or map that holds the last name of a path, and that name.
struct Slot<'v> {
    holder: Holder<'v>,
    key: String,
}

enum Holder<'v> {
    Map(&'v mut yaml::Map),
    List(&'v mut Vec<Value>),
}

impl<'v> Holder<'v> {
    fn of(value: &'v mut Value) -> Option<Self> {
        match value {
            Value::Map(map) => Some(Self::Map(Arc::make_mut(map))),
            Value::List(list) => Some(Self::List(Arc::make_mut(list))),
            _ => None,
        }
    }
}

impl<'v> Slot<'v> {
    fn find(document: &'v mut Value, path: &str) -> Option<Self> {
        let mut names: Vec<String> = path.split('/').skip(1).map(unescape).collect();
        let key = names.pop()?;
        let mut at = document;
        for name in names {
            at = match Holder::of(at)? {
                Holder::Map(map) => map.get_mut(&name)?,
                Holder::List(list) => {
                    let at = index(&name, list.len()).ok()?;
                    list.get_mut(at)?
                }
            };
        }
        Some(Self { holder: Holder::of(at)?, key })
    }

    fn get(&self) -> Result<Option<&Value>> {
        match &self.holder {
            Holder::Map(map) => Ok(map.get(&self.key)),
            Holder::List(list) => Ok(list.get(index(&self.key, list.len())?)),
        }
    }

    fn add(self, value: Value) -> Result<()> {
        match self.holder {
            Holder::Map(map) => drop(map.insert(self.key, value)),
            Holder::List(list) if self.key == "-" => list.push(value),
            Holder::List(list) => {
                let key = &self.key;
                if key.parse::<i64>().is_err() {
                    let text = format!("value was not a proper array index: '{key}'");
                    return Err(not_a_number(key).under(text));
                }
                list.insert(index(key, list.len() + 1)?, value);
            }
        }
        Ok(())
    }

    fn set(self, value: Value) -> Result<()> {
        match self.holder {
            Holder::Map(map) => drop(map.insert(self.key, value)),
            Holder::List(list) => {
                let at = index(&self.key, list.len())?;
                list[at] = value;
            }
        }
        Ok(())
    }

    fn remove(self) -> Result<()> {
        match self.holder {
            Holder::Map(map) => {
                let key = &self.key;
                let gone = map.remove(key);
                gone.map(drop).ok_or_else(|| absent(&format!("Unable to remove nonexistent key: {key}")))
            }
            Holder::List(list) => {
                list.remove(index(&self.key, list.len())?);
                Ok(())
            }
        }
    }
}

fn unescape(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

fn not_a_number(name: &str) -> Error {
    Error::new(format!("strconv.Atoi: parsing {name:?}: invalid syntax"))
}

/// A place among `len`; negative ones count from the end.
fn index(name: &str, len: usize) -> Result<usize> {
    let number: i64 = name.parse().map_err(|_| not_a_number(name))?;
    let at = if number < 0 { number.saturating_add_unsigned(len as u64) } else { number };
    usize::try_from(at).ok().filter(|&at| at < len).ok_or_else(|| {
        Error::new(format!("Unable to access invalid index: {number}: invalid index referenced"))
    })
}

fn floats(value: &mut Value) {
    match value {
        Value::Int(n) => *value = Value::Float(*n as f64),
        Value::Uint(n) => *value = Value::Float(*n as f64),
        Value::List(list) => Arc::make_mut(list).iter_mut().for_each(floats),
        Value::Map(map) => Arc::make_mut(map).iter_mut().for_each(|(_, value)| floats(value)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
