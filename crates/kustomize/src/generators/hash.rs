//! The suffix of generated names: ten characters made from what the resource holds.
//!
//! Source: kustomize 5.8.1 `api/hasher/hasher.go`. The name itself is always hashed as empty.

use sha2::{Digest, Sha256};
use yaml::{Map, Value, json};

use crate::error::Result;
use crate::resmap::ResMap;
use crate::resource::Resource;

/// Puts the suffix on every resource that wants one.
pub(crate) fn transform(map: &mut ResMap) -> Result<()> {
    for resource in map.list.iter_mut().filter(|resource| resource.history.needs_hash) {
        let hash = budget::temporarily(|| suffix(resource))?;
        resource.store_previous_id()?;
        let name = format!("{}-{hash}", resource.name());
        resource.set_name(&name);
    }
    Ok(())
}

fn suffix(resource: &Resource) -> Result<String> {
    let value = resource.value()?;
    let hashed = match resource.kind() {
        "ConfigMap" => of_fields(&value, "ConfigMap", &["binaryData"]),
        "Secret" => {
            let mut map = of_fields(&value, "Secret", &["stringData"]);
            map.insert("type", value.get("type").cloned().unwrap_or_else(|| "".into()));
            map
        }
        _ => value.as_map().cloned().unwrap_or_default(),
    };
    let digest = Sha256::digest(json::to_string(&hashed.into())?.as_bytes());
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(10);
    Ok(digits.map(|digit| char::from(LETTERS[usize::from(digit)])).collect())
}

/// Hexadecimal digits, those that could spell words replaced.
const LETTERS: &[u8; 16] = b"gh2k456789mbcdtf";

fn of_fields(value: &Value, kind: &str, optional: &[&str]) -> Map {
    let mut map = Map::new();
    map.insert("kind", kind.into());
    map.insert("name", "".into());
    map.insert("data", value.get("data").cloned().unwrap_or_else(|| "".into()));
    for field in optional {
        if let Some(found) = value.get(field) {
            map.insert(*field, found.clone());
        }
    }
    map
}

#[cfg(test)]
mod tests;
