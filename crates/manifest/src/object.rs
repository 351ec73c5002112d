//! One Kubernetes object: a map that says of which kind it is.

use yaml::Value;

/// A Kubernetes object. It is a map with a `kind`; nothing else about it was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Object(Value);

/// Why a value is no Kubernetes object. The texts never hold any of the value: it may be a Secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The value is no map.
    #[error("expected a Kubernetes object but found {0}")]
    NotAMap(&'static str),
    /// The map has no `kind`, or it is empty (apimachinery says the same, followed by the whole object).
    #[error("Object 'Kind' is missing{}", of(.0))]
    NoKind(Option<String>),
    /// `kind` or `apiVersion` is no text.
    #[error("{field} must be a string, not {found}")]
    NotText {
        /// Which of the two.
        field: &'static str,
        /// What it is instead.
        found: &'static str,
    },
    /// One item of a list is no object.
    #[error("items[{index}]: {error}")]
    Item {
        /// Its position, from 0.
        index: usize,
        /// Why.
        error: Box<ObjectError>,
    },
}

impl Object {
    /// Takes a value that is an object.
    ///
    /// # Errors
    /// [`ObjectError`] when it is no map, has no `kind`, or `kind` or `apiVersion` is no text
    /// (apimachinery `unstructured/helpers.go:unstructuredJSONScheme`).
    pub fn new(value: Value) -> Result<Self, ObjectError> {
        if value.as_map().is_none() {
            return Err(ObjectError::NotAMap(kind_of(&value)));
        }
        text(&value, "apiVersion")?;
        match text(&value, "kind")? {
            "" => Err(ObjectError::NoKind(name_of(&value))),
            _ => Ok(Self(value)),
        }
    }

    /// The object's content.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The object's content for changing; `kind` has to stay what it is.
    pub(crate) fn value_mut(&mut self) -> &mut Value {
        &mut self.0
    }

    /// The object's content.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.0
    }

    /// The API group; empty for the core group, and where `apiVersion` is none.
    #[must_use]
    pub fn group(&self) -> &str {
        self.group_version().0
    }

    /// The API version without its group; empty where `apiVersion` is none.
    #[must_use]
    pub fn version(&self) -> &str {
        self.group_version().1
    }

    /// The kind, never empty.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// `metadata.namespace`; empty when there is none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.metadata("namespace")
    }

    /// `metadata.name`; empty when there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata("name")
    }

    /// Whether it defines a kind of object.
    #[must_use]
    pub fn is_crd(&self) -> bool {
        self.kind() == "CustomResourceDefinition" && self.group() == "apiextensions.k8s.io"
    }

    /// The object as Go's `encoding/json` writes it: compact, keys sorted bytewise, `<`, `>` and `&` escaped.
    ///
    /// # Errors
    /// An infinite number or NaN, which no document holds but a program may make.
    pub fn json(&self) -> Result<String, yaml::Error> {
        yaml::json::to_string(&self.0)
    }

    /// The bytes of all text in it, and one for everything else: its JSON is never smaller. Quick, and safe to ask of
    /// an object whose parts are shared so often that its JSON would fill the memory.
    #[must_use]
    pub fn weight(&self) -> u64 {
        weight(&self.0)
    }

    pub(crate) fn api_version(&self) -> &str {
        self.0.get("apiVersion").and_then(Value::as_str).unwrap_or_default()
    }

    /// More than one `/` is no API version, and then there is neither (apimachinery `schema.ParseGroupVersion`).
    fn group_version(&self) -> (&str, &str) {
        match self.api_version().split_once('/') {
            None => ("", self.api_version()),
            Some((_, version)) if version.contains('/') => ("", ""),
            Some(parts) => parts,
        }
    }

    fn metadata(&self, field: &str) -> &str {
        self.0
            .get("metadata")
            .and_then(|metadata| metadata.get(field))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

fn weight(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        Value::List(items) => items.iter().fold(1, |sum, item| sum.saturating_add(weight(item))),
        Value::Map(map) => map
            .iter()
            .fold(1, |sum, (key, value)| sum.saturating_add(key.len() as u64).saturating_add(weight(value))),
        _ => 1,
    }
}

/// A field that must be text or absent.
fn text<'a>(value: &'a Value, field: &'static str) -> Result<&'a str, ObjectError> {
    match value.get(field) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(ObjectError::NotText { field, found: kind_of(other) }),
    }
}

pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    }
}

fn name_of(value: &Value) -> Option<String> {
    value.get("metadata")?.get("name")?.as_str().map(str::to_owned)
}

fn of(name: &Option<String>) -> String {
    name.as_ref().map_or_else(String::new, |name| format!(" in the object named {name:?}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn object(text: &str) -> Object {
        Object::new(value(text)).unwrap()
    }

    pub(crate) fn value(text: &str) -> Value {
        crate::yaml_document(text.as_bytes(), &yaml::Limits::default()).unwrap().remove(0)
    }

    #[test]
    fn an_object_knows_who_it_is() {
        let deployment = object("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: b}}");
        assert_eq!(
            (deployment.group(), deployment.version(), deployment.kind()),
            ("apps", "v1", "Deployment")
        );
        assert_eq!((deployment.namespace(), deployment.name()), ("b", "a"));
        let bare = object("{apiVersion: v1, kind: Pod, metadata: {name: 5}}");
        assert_eq!((bare.group(), bare.version(), bare.namespace(), bare.name()), ("", "v1", "", ""));
        let odd = object("{apiVersion: a/b/c, kind: X}");
        assert_eq!((odd.group(), odd.version()), ("", ""));
        assert!(object("{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition}").is_crd());
    }

    #[test]
    fn the_weight_is_never_above_the_size_of_the_json() {
        for text in ["{kind: A}", "{kind: A, b: [1, '', {c: null, d: [x, [true]]}]}"] {
            let object = object(text);
            assert!(object.weight() <= object.json().unwrap().len() as u64, "{text}");
        }
        let long = "x".repeat(1000);
        assert!(object(&format!("{{kind: A, {long}: [&x {long}, *x, *x]}}")).weight() > 4000);
    }

    #[test]
    fn what_is_no_object_is_refused_without_quoting_it() {
        let refused = |text: &str| Object::new(value(text)).unwrap_err().to_string();
        assert_eq!(refused("[hunter2]"), "expected a Kubernetes object but found a list");
        assert_eq!(refused("hunter2"), "expected a Kubernetes object but found a string");
        assert_eq!(refused("{data: {password: hunter2}}"), "Object 'Kind' is missing");
        assert_eq!(
            refused("{kind: '', metadata: {name: a}}"),
            "Object 'Kind' is missing in the object named \"a\""
        );
        assert_eq!(refused("{kind: 5}"), "kind must be a string, not a number");
        assert_eq!(refused("{kind: A, apiVersion: 1.0}"), "apiVersion must be a string, not a number");
    }
}
