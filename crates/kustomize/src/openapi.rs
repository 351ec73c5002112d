//! `openapi`: a schema of the kustomization's own instead of the embedded one.

use std::collections::BTreeMap;

use yaml::v2;

use crate::accumulate::Build;
use crate::error::{Error, Result};
use crate::loader::Loader;

/// The version that is embedded.
const VERSION: &str = "v1.21.2";

/// Puts the schema of a kustomization into force, unless one before it did.
///
/// # Errors
/// Version and path are both given, the version is unknown, or the file is missing or no schema.
pub(crate) fn apply(loader: &Loader<'_>, fields: &BTreeMap<String, String>, build: &Build) -> Result<()> {
    let (version, path) = (fields.get("version"), fields.get("path"));
    if build.schemas.borrow().is_chosen() {
        return Ok(());
    }
    let own = match (version, path) {
        (None, None) => return Ok(()),
        (Some(_), Some(_)) => {
            return Err(Error::new("builtin version and custom schema provided, cannot use both"));
        }
        (Some(version), None) if version == VERSION => None,
        (Some(_), None) => return Err(Error::new("the specified OpenAPI version is not built in")),
        (None, Some(path)) => {
            let bytes = loader.load(path)?;
            Some(v2::to_value(&bytes, &loader.shared.yaml_limits())?)
        }
    };
    build.schemas.borrow_mut().choose(own);
    Ok(())
}
