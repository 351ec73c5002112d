//! `IAMPolicyGenerator`: a Kubernetes service account bound to one of Google Cloud.
//!
//! Source: kustomize 5.8.1 `api/filters/iampolicygenerator`.

use crate::error::{Error, Result};
use crate::node::{Map, Node};
use crate::resource::Resource;
use crate::strict::record;
use crate::version::Profile;

record! {
    /// What to bind to what.
    Policy as "plugin" {
        cloud: String = "cloud",
        kubernetes: Account = "kubernetesService",
        google: Account = "serviceAccount",
    }
}

record! {
    /// An account of either side.
    Account as "plugin" {
        name: String = "name",
        namespace: String = "namespace",
        project: String = "projectId",
    }
}

const ANNOTATION: &str = "iam.gke.io/gcp-service-account";

/// The service account.
///
/// # Errors
/// Another cloud than `gke`.
pub(crate) fn service_account(policy: &Policy, profile: &'static Profile) -> Result<Resource> {
    if policy.cloud != "gke" {
        return Err(Error::new(format!("cloud provider {} not supported yet", policy.cloud)));
    }
    let (ours, theirs) = (&policy.kubernetes, &policy.google);
    let account = format!("{}@{}.iam.gserviceaccount.com", theirs.name, theirs.project);
    let mut annotations = Map::default();
    annotations.put(ANNOTATION, Node::untagged(&account));
    let mut metadata = Map::default();
    metadata.put("annotations", Node::Map(annotations));
    metadata.put("name", Node::untagged(&ours.name));
    if !ours.namespace.is_empty() {
        metadata.put("namespace", Node::untagged(&ours.namespace));
    }
    let mut map = Map::default();
    map.put("apiVersion", Node::untagged("v1"));
    map.put("kind", Node::untagged("ServiceAccount"));
    map.put("metadata", Node::Map(metadata));
    Ok(Resource::new(Node::Map(map), profile))
}
