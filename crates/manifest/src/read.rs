//! Documents as values: YAML the way sigs.k8s.io/yaml reads it, JSON the way Kubernetes does.

use yaml::{Error, Limits, Value};

/// The values of one document of a YAML stream: one as a rule, none when it is empty or null.
///
/// A text that begins with `{` may also be several JSON objects in a row (apimachinery
/// `pkg/util/yaml/decoder.go:YAMLOrJSONDecoder`); what is no JSON from the start is read as YAML.
///
/// # Errors
/// What the YAML or JSON reader says; lines count from the document's first line.
pub fn yaml_document(text: &[u8], limits: &Limits) -> Result<Vec<Value>, Error> {
    if let Some(values) = json_row(text, limits)? {
        return Ok(values);
    }
    let value = yaml::json::as_kubernetes(yaml::v2::to_value(text, limits)?);
    Ok(if value.is_null() { Vec::new() } else { vec![value] })
}

/// JSON objects in a row, or `None` where YAML has to be asked: the first is no JSON, or a comment follows it.
fn json_row(text: &[u8], limits: &Limits) -> Result<Option<Vec<Value>>, Error> {
    let Some(text) = std::str::from_utf8(text).ok().filter(|text| text.len() <= limits.bytes) else {
        return Ok(None);
    };
    let mut values = Vec::new();
    let mut rest = text.trim_ascii_start();
    // Even an empty object takes as much memory as a few dozen simple values.
    while let Some(end) = object_end(rest).filter(|_| values.len() <= limits.nodes / 32) {
        match yaml::json::from_str(&rest[..end], limits) {
            Ok(value) => values.push(value),
            Err(_) => break,
        }
        rest = rest[end..].trim_ascii_start();
    }
    if values.is_empty() || rest.starts_with('#') {
        return Ok(None);
    }
    if !rest.is_empty() {
        // YAML would drop what stands behind the first object; this says where it is.
        yaml::json::from_str(text, limits)?;
    }
    Ok(Some(values))
}

/// Where the JSON object at the start of `text` ends; `None` when none begins here or it has no end.
#[must_use]
pub fn object_end(text: &str) -> Option<usize> {
    if !text.starts_with('{') {
        return None;
    }
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted && depth == 1 => return Some(at + 1),
            b'}' if !quoted => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<Vec<String>, Error> {
        let values = yaml_document(text.as_bytes(), &Limits::default())?;
        values.iter().map(yaml::json::to_string).collect()
    }

    #[test]
    fn empty_documents_have_no_value() {
        for text in ["", "\n# nothing\n", "null", "~"] {
            assert_eq!(json(text).unwrap(), [""; 0], "{text:?}");
        }
    }

    #[test]
    fn json_is_read_as_json_where_it_is() {
        assert_eq!(
            json("{\"a\": 1}\n{\"b\":\t\"\\ud83d\\ude00\\/}\"} ").unwrap(),
            [r#"{"a":1}"#, r#"{"b":"😀/}"}"#]
        );
        assert_eq!(json("{a: yes, b: 0x10}").unwrap(), [r#"{"a":true,"b":16}"#]);
        assert_eq!(json("{\"a\": 1, \"a\": 2}").unwrap(), [r#"{"a":2}"#]);
    }

    #[test]
    fn numbers_are_those_of_kubernetes() {
        assert_eq!(
            json("a: 18446744073709551615\nb: 1e3\nc: 0.10\n").unwrap(),
            [r#"{"a":18446744073709552000,"b":1000,"c":0.1}"#]
        );
    }

    #[test]
    fn values_are_counted() {
        let limits = |nodes| Limits { nodes, ..Limits::default() };
        let json = |nodes| yaml_document(br#"{"a": [1, 2], "b": {}}"#, &limits(nodes));
        assert!(json(5).is_ok());
        assert!(json(4).unwrap_err().is_limit());
        let row = |nodes| yaml_document("{\"a\": 1}\n".repeat(100).as_bytes(), &limits(nodes));
        assert_eq!(row(32 * 100).map(|values| values.len()), Ok(100));
        assert!(row(32 * 50).is_err());
    }

    #[test]
    fn a_fault_has_its_place() {
        assert_eq!(json("a: 1\nb: [\n").unwrap_err().line(), Some(3));
        assert_eq!(json("{\"a\": 1}\n x").unwrap_err().line(), Some(2));
        assert!(json("{\"a\": 1}\n{\"a\": ]}").is_err());
        assert!(json("{\"a\": ").is_err());
        assert_eq!(json("{\"a\": 1} # x").unwrap(), [r#"{"a":1}"#]);
    }
}
