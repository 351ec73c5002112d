//! JSON patches (RFC 6902) with the behaviour of the library kustomize uses (evanphx/json-patch 4).

use std::sync::Arc;

use yaml::{Limits, Value, json, v2};

use crate::error::{Error, Result};

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

    /// Applies all operations; afterwards every number is a float, as after Go's decoder.
    ///
    /// # Errors
    /// An operation does not apply.
    pub(crate) fn apply(&self, mut document: Value) -> Result<Value> {
        for operation in &self.0 {
            let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default();
            let step = Step { path: text("path"), from: text("from"), value: operation.get("value") };
            step.run(text("op"), &mut document)?;
        }
        floats(&mut document);
        Ok(document)
    }
}

struct Step<'p> {
    path: &'p str,
    from: &'p str,
    value: Option<&'p Value>,
}

impl Step<'_> {
    fn run(&self, op: &str, document: &mut Value) -> Result<()> {
        let value = || self.value.cloned().unwrap_or_default();
        match op {
            "add" => self.add(document, value()),
            "remove" => remove(document, self.path).map(drop),
            "replace" => self.replace(document, value()),
            "test" => self.test(document),
            "move" => {
                let taken = remove(document, self.from).map_err(|_| self.no_source("move"))?;
                self.add(document, taken)
            }
            "copy" => {
                let found = get(document, self.from).cloned().ok_or_else(|| self.no_source("copy"))?;
                self.add(document, found)
            }
            other => Err(Error::new(format!("Unexpected kind: {other}"))),
        }
    }

    fn no_source(&self, op: &str) -> Error {
        Error::new(format!(
            "{op} operation does not apply: doc is missing from path: {}: missing value",
            self.from
        ))
    }

    fn add(&self, document: &mut Value, value: Value) -> Result<()> {
        let path = self.path;
        let (parent, key) = container(document, path).ok_or_else(|| {
            Error::new(format!("add operation does not apply: doc is missing path: {path:?}: missing value"))
        })?;
        match parent {
            Value::Map(map) => {
                Arc::make_mut(map).insert(key, value);
                Ok(())
            }
            Value::List(list) => {
                let list = Arc::make_mut(list);
                if key == "-" {
                    list.push(value);
                    return Ok(());
                }
                let at = index(&key, list.len() + 1)
                    .map_err(|error| error.under(format!("error in add for path: '{path}'")))?;
                list.insert(at, value);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn replace(&self, document: &mut Value, value: Value) -> Result<()> {
        let path = self.path;
        if path.is_empty() {
            *document = value;
            return Ok(());
        }
        let missing = |what: &str| {
            Error::new(format!(
                "replace operation does not apply: doc is missing {what}: {path}: missing value"
            ))
        };
        let (parent, key) = container(document, path).ok_or_else(|| missing("path"))?;
        match parent {
            Value::Map(map) => {
                Arc::make_mut(map).insert(key, value);
                Ok(())
            }
            Value::List(list) => {
                let list = Arc::make_mut(list);
                let at = index(&key, list.len()).map_err(|_| missing("key"))?;
                list[at] = value;
                Ok(())
            }
            _ => Err(missing("path")),
        }
    }

    fn test(&self, document: &mut Value) -> Result<()> {
        let expected = self.value.unwrap_or(&Value::Null);
        let found = get(document, self.path);
        let same = match found {
            None => expected.is_null(),
            Some(found) => json::as_kubernetes(found.clone()) == json::as_kubernetes(expected.clone()),
        };
        if same {
            Ok(())
        } else {
            Err(Error::new(format!("testing value {} failed: test failed", self.path)))
        }
    }
}

fn remove(document: &mut Value, path: &str) -> Result<Value> {
    let (parent, key) = container(document, path).ok_or_else(|| {
        Error::new(format!("remove operation does not apply: doc is missing path: {path:?}: missing value"))
    })?;
    let failed = |error: Error| error.under(format!("error in remove for path: '{path}'"));
    match parent {
        Value::Map(map) => Arc::make_mut(map).remove(&key).ok_or_else(|| {
            failed(Error::new(format!("Unable to remove nonexistent key: {key}: missing value")))
        }),
        Value::List(list) => {
            let list = Arc::make_mut(list);
            let at = index(&key, list.len()).map_err(failed)?;
            Ok(list.remove(at))
        }
        _ => Ok(Value::Null),
    }
}

/// The list or map that holds the last name of a path.
fn container<'v>(document: &'v mut Value, path: &str) -> Option<(&'v mut Value, String)> {
    let mut names: Vec<String> = path.split('/').skip(1).map(unescape).collect();
    let last = names.pop()?;
    let mut at = document;
    for name in names {
        at = match at {
            Value::Map(map) => Arc::make_mut(map).get_mut(&name)?,
            Value::List(list) => {
                let list = Arc::make_mut(list);
                let at = index(&name, list.len()).ok()?;
                list.get_mut(at)?
            }
            _ => return None,
        };
    }
    matches!(at, Value::Map(_) | Value::List(_)).then_some((at, last))
}

fn get<'v>(document: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('/').skip(1).map(unescape).try_fold(document, |at, name| match at {
        Value::Map(map) => map.get(&name),
        Value::List(list) => list.get(index(&name, list.len()).ok()?),
        _ => None,
    })
}

fn unescape(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

/// A place among `len`; negative ones count from the end.
fn index(name: &str, len: usize) -> Result<usize> {
    let number: i64 =
        name.parse().map_err(|_| Error::new(format!("strconv.Atoi: parsing {name:?}: invalid syntax")))?;
    let at = if number < 0 { number + len as i64 } else { number };
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
