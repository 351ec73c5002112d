//! What the documents are called where each becomes a file of a folder (`kustomize build -o FOLDER`).
//!
//! Source: kustomize 5.8.1 `kustomize/commands/build/writer.go`.

use std::collections::BTreeSet;

use yaml::{Limits, Value, v2};

use crate::Output;
use crate::error::{Error, Result};
use crate::id::{CLUSTER, Gvk, ResId};
use crate::version::Profile;

impl Output {
    /// The documents with the names of their files: `group_version_kind_name.yaml` in lower case, with the namespace in
    /// front where there are several. Names of resources may hold slashes, and two documents the same name.
    ///
    /// # Errors
    /// Never for the output of a build: a document that is no object.
    pub fn files(&self) -> Result<Vec<(String, &str)>, Error> {
        let ids: Vec<_> = self.documents.iter().map(|document| id(document)).collect::<Result<_>>()?;
        let profile = self.version.profile();
        let namespaces = ids.iter().map(|id| id.effective_namespace(profile));
        let namespaces: BTreeSet<_> = namespaces.filter(|namespace| *namespace != CLUSTER).collect();
        let named = ids.iter().map(|id| name(id, profile, namespaces.len() > 1));
        Ok(named.zip(self.documents.iter().map(String::as_str)).collect())
    }
}

fn id(document: &str) -> Result<ResId> {
    let value = v2::to_value(document.as_bytes(), &Limits::default())?;
    let metadata = value.get("metadata");
    let meta =
        |field: &str| metadata.and_then(|meta| meta.get(field)).and_then(Value::as_str).unwrap_or_default();
    let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
    Ok(ResId {
        gvk: Gvk::new(text("apiVersion"), text("kind")),
        name: meta("name").into(),
        namespace: meta("namespace").into(),
    })
}

fn name(id: &ResId, profile: &Profile, with_namespace: bool) -> String {
    let namespace = Some(id.effective_namespace(profile));
    let namespace = namespace.filter(|namespace| with_namespace && *namespace != CLUSTER);
    let Gvk { group, version, kind } = &id.gvk;
    let parts = namespace.into_iter().chain([&**group, version, kind]).filter(|part| !part.is_empty());
    let parts: Vec<_> = parts.chain([&*id.name]).map(str::to_lowercase).collect();
    format!("{}.yaml", parts.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(documents: &[&str]) -> Vec<String> {
        let documents = documents.iter().map(|&document| document.to_owned()).collect();
        let output = Output { documents, ..Output::default() };
        output.files().unwrap().into_iter().map(|(name, _)| name).collect()
    }

    const NAMESPACE: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: X}}";
    const MAP: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: Prod}}";
    const ROLE: &str = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: b}}";

    #[test]
    fn the_namespace_is_in_the_name_where_there_are_several() {
        assert_eq!(names(&[NAMESPACE, MAP]), ["v1_namespace_x.yaml", "v1_configmap_a.yaml"]);
        assert_eq!(
            names(&[NAMESPACE, MAP, ROLE]),
            [
                "v1_namespace_x.yaml",
                "prod_v1_configmap_a.yaml",
                "default_rbac.authorization.k8s.io_v1_role_b.yaml"
            ]
        );
    }
}
