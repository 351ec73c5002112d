//! From the text of one manifest file to objects, and from what is wrong with it to an error with its place.

use manifest::{Object, ObjectError};
use tree::TreePath;
use yaml::Value;

use super::text::Text;
use crate::error::{Error, Kind, Result};
use crate::render::document_limits;

/// What to do with a file that was taken for a manifest.
const OUT: &str =
    "if the file is no manifest, leave it out with exclude, or write +argocd:skip-file-rendering into it";

/// Stands for a message that may hold a part of a Secret.
const DISCREET: &str = "it cannot be read (how is left out, since the file may hold a Secret)";

/// What a YAML file turned out to be.
pub(super) enum Yaml {
    /// Manifests.
    Objects(Vec<Object>),
    /// Something else, for this reason.
    Foreign(String),
}

/// What is wrong with a text, and where in the file; line 0 is unknown.
struct Fault {
    kind: Kind,
    message: String,
    /// Whether the message may hold parts of the text.
    quotes: bool,
    line: u32,
    column: u32,
}

/// The objects of a YAML file (spec: argocd.md §3.5). A file none of whose documents could be read, and that does not
/// look like a manifest either, is foreign.
///
/// # Errors
/// What is wrong with a file that is meant to hold manifests, or that used up a budget.
pub(super) fn yaml(text: &Text<'_>, file: &TreePath) -> Result<Yaml> {
    let mut objects = Vec::new();
    let mut any = false;
    for value in documents(text) {
        match value.and_then(|(value, line)| object(value, line)) {
            Ok((object, line)) => {
                any = true;
                objects.extend(opened(object, line).map_err(|fault| fault.into_error(text, file))?);
            }
            Err(fault) if any || fault.kind != Kind::Invalid || looks_like_manifest(text) => {
                return Err(fault.into_error(text, file));
            }
            Err(fault) => return Ok(Yaml::Foreign(fault.words(text).to_owned())),
        }
    }
    Ok(Yaml::Objects(objects))
}

/// The objects of a JSON file, which holds exactly one value.
///
/// # Errors
/// What is wrong with it: any file named `.json` is meant to be a manifest.
pub(super) fn json(text: &Text<'_>, file: &TreePath) -> Result<Vec<Object>> {
    let value = json_value(text).map_err(|fault| fault.into_error(text, file))?;
    object(value, 1)
        .and_then(|(object, line)| opened(object, line))
        .map_err(|fault| fault.into_error(text, file))
}

/// The objects of a Jsonnet program's value: a list of them, one, or null for none.
///
/// # Errors
/// When the value is something else.
pub(super) fn generated(value: Value) -> Result<Vec<Object>, ObjectError> {
    match value {
        Value::List(items) => {
            let present = items.iter().filter(|item| !item.is_null()).cloned();
            Ok(present.map(manifest::flatten).collect::<Result<Vec<_>, _>>()?.concat())
        }
        Value::Null => Ok(Vec::new()),
        value => manifest::flatten(value),
    }
}

/// Values with the lines on which their documents begin.
fn documents(text: &Text<'_>) -> impl Iterator<Item = Result<(Value, u32), Fault>> {
    let limits = document_limits(text.bytes.len());
    manifest::split(&text.bytes).flat_map(move |document| {
        let document = match document {
            Ok(document) => document,
            Err(bad) => return vec![Err(Fault { quotes: true, ..Fault::new(bad.to_string(), bad.line, 1) })],
        };
        match manifest::yaml_document(document.text, &limits) {
            Ok(values) => values.into_iter().map(|value| Ok((value, first_line(&document)))).collect(),
            Err(error) => vec![Err(Fault::read(&error, document.line))],
        }
    })
}

/// The first line of a document that says something.
fn first_line(document: &manifest::Document<'_>) -> u32 {
    let lines = document.text.split(|&byte| byte == b'\n');
    let silent = lines.take_while(|line| matches!(line.trim_ascii().first(), None | Some(b'#'))).count();
    document.line.saturating_add(u32::try_from(silent).unwrap_or(u32::MAX))
}

fn object(value: Value, line: u32) -> Result<(Object, u32), Fault> {
    Object::new(value).map(|object| (object, line)).map_err(|error| Fault::new(error.to_string(), line, 1))
}

fn opened(object: Object, line: u32) -> Result<Vec<Object>, Fault> {
    manifest::flatten(object.into_value()).map_err(|error| Fault::new(error.to_string(), line, 1))
}

fn json_value(text: &Text<'_>) -> Result<Value, Fault> {
    let Ok(whole) = std::str::from_utf8(&text.bytes) else {
        return Err(Fault::new("it is not UTF-8".into(), 0, 0));
    };
    let value = yaml::json::from_str(whole, &document_limits(text.bytes.len()));
    value.map_err(|error| match manifest::object_end(whole.trim_start()) {
        Some(end) if !whole.trim_start()[end..].trim().is_empty() => {
            let behind = whole.len() - whole.trim_start().len() + end;
            let line = whole[..behind].matches('\n').count() + 1;
            let message = "found multiple objects; a JSON file may hold only one".to_owned();
            Fault::new(message, u32::try_from(line).unwrap_or(0), 0)
        }
        _ => Fault::read(&error, 1),
    })
}

/// The words by which Argo CD tells a broken manifest from another YAML file.
fn looks_like_manifest(text: &Text<'_>) -> bool {
    ["apiVersion:", "kind:", "metadata:"].iter().all(|word| text.contains(word))
}

impl Fault {
    fn new(message: String, line: u32, column: u32) -> Self {
        Self { kind: Kind::Invalid, message, quotes: false, line, column }
    }

    /// What a reader said of a document that begins on the file's line `first`.
    fn read(error: &yaml::Error, first: u32) -> Self {
        let line = error.line().map_or(0, |line| line.saturating_add(first - 1));
        Self {
            kind: if error.is_limit() { Kind::OverBudget } else { Kind::Invalid },
            message: without_line(error.message()).to_owned(),
            quotes: true,
            line: if line == 0 { first } else { line },
            column: if line == 0 { 0 } else { error.column().unwrap_or(0) },
        }
    }

    /// The message, unless it may hold a part of a text that may be confidential. Messages that quote do so in quotes
    /// or after a colon.
    fn words(&self, text: &Text<'_>) -> &str {
        let quotes = self.quotes && (self.message.contains(['`', '"', '\'']) || self.message.contains(": "));
        if quotes && text.is_confidential() { DISCREET } else { &self.message }
    }

    fn into_error(self, text: &Text<'_>, file: &TreePath) -> Error {
        let message = format!("failed to read the manifest: {}", self.words(text));
        Error::new(self.kind, message).at(text.place(file, self.line, self.column)).help(OUT)
    }
}

/// A reader's message without the line it counted, which is that of the document and not of the file.
fn without_line(message: &str) -> &str {
    let rest = message.strip_prefix("yaml: ").unwrap_or(message);
    let numbered = rest.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
    match numbered {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_lose_the_line_of_the_document() {
        assert_eq!(without_line("yaml: line 3: did not find expected key"), "did not find expected key");
        assert_eq!(
            without_line("yaml: control characters are not allowed"),
            "control characters are not allowed"
        );
        assert_eq!(without_line("line up: x"), "line up: x");
    }
}
