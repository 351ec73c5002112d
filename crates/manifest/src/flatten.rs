//! Lists of objects inside one document.

use yaml::Value;

use crate::object::kind_of;
use crate::{Object, ObjectError};

/// The objects that a document's value stands for.
///
/// - nothing (`null`) is no object;
/// - a map whose `items` is a list is those items, whatever its `kind`; items are taken as they are, and lists among
///   them are not opened;
/// - a map whose `items` is null and that has neither `spec` nor `status` is an empty list;
/// - anything else is one object.
///
/// Source: argo-cd `reposerver/repository/repository.go:GenerateManifests`. Unlike there, an item must have a `kind`:
/// its next reader would refuse it.
///
/// # Errors
/// [`ObjectError`] when the value or an item is no object.
pub fn flatten(value: Value) -> Result<Vec<Object>, ObjectError> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let object = Object::new(value)?;
    match object.value().get("items") {
        Some(Value::List(items)) => {
            items.iter().enumerate().map(|(index, value)| item(index, value)).collect()
        }
        Some(Value::Null) if is_bare(&object) => Ok(Vec::new()),
        _ => Ok(vec![object]),
    }
}

fn item(index: usize, value: &Value) -> Result<Object, ObjectError> {
    let object = match value {
        Value::Map(_) => Object::new(value.clone()),
        other => Err(ObjectError::NotAMap(kind_of(other))),
    };
    object.map_err(|error| ObjectError::Item { index, error: Box::new(error) })
}

fn is_bare(object: &Object) -> bool {
    object.value().get("spec").is_none() && object.value().get("status").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::tests::value;

    fn kinds(text: &str) -> Vec<String> {
        flatten(value(text)).unwrap().iter().map(|object| object.kind().to_owned()).collect()
    }

    #[test]
    fn lists_are_opened_once() {
        assert_eq!(
            kinds("{kind: List, items: [{kind: A}, {kind: BList, items: [{kind: C}]}]}"),
            ["A", "BList"]
        );
        assert_eq!(kinds("{kind: Anything, spec: {}, items: [{kind: A}]}"), ["A"]);
        assert_eq!(kinds("{kind: List, items: []}"), [""; 0]);
        assert_eq!(kinds("{kind: List, items: null}"), [""; 0]);
        assert_eq!(kinds("{kind: Odd, items: null, spec: {}}"), ["Odd"]);
        assert_eq!(kinds("{kind: Odd, items: {a: 1}}"), ["Odd"]);
        assert_eq!(flatten(Value::Null), Ok(vec![]));
    }

    #[test]
    fn a_bad_item_is_named_by_its_position() {
        let refused = |text: &str| flatten(value(text)).unwrap_err().to_string();
        assert_eq!(refused("{kind: L, items: [{kind: A}, {a: 1}]}"), "items[1]: Object 'Kind' is missing");
        assert_eq!(
            refused("{kind: L, items: [null]}"),
            "items[0]: expected a Kubernetes object but found nothing"
        );
        assert_eq!(refused("{items: [{kind: A}]}"), "Object 'Kind' is missing");
    }
}
