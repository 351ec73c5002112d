//! What the embedded schema and one's own say about kinds and lists.

use super::*;
use crate::testing::value;

fn keys(schema: &Schema, api: &str, kind: &str, path: &[&str]) -> Option<Vec<String>> {
    let mut place = schema.kind(api, kind)?;
    for name in path {
        place = match *name {
            "[]" => schema.items(&place)?,
            name => schema.field(&place, name)?,
        };
    }
    place.keys.map(|keys| keys.to_vec())
}

#[test]
fn lists_of_kubernetes_merge_by_their_keys() {
    let schema = Schemas::default().get();
    let containers = ["spec", "template", "spec", "containers"];
    assert_eq!(keys(&schema, "apps/v1", "Deployment", &containers).unwrap(), ["name"]);
    let ports = [&containers[..], &["[]", "ports"]].concat();
    assert_eq!(keys(&schema, "apps/v1", "Deployment", &ports).unwrap(), ["containerPort", "protocol"]);
    assert_eq!(keys(&schema, "v1", "Service", &["metadata", "finalizers"]).unwrap(), [""; 0]);
    assert_eq!(keys(&schema, "v1", "Pod", &["spec", "tolerations"]), None);
    assert_eq!(keys(&schema, "extensions/v1beta1", "Deployment", &containers), None);
}

#[test]
fn scope_is_known_by_group_version_and_kind() {
    for (api, kind, wanted) in [
        ("v1", "Node", true),
        ("v1", "Namespace", true),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", true),
        ("v1", "Pod", false),
        ("example.org/v1", "Node", false),
        ("rbac.authorization.k8s.io/v9", "ClusterRole", false),
    ] {
        assert_eq!(
            is_cluster_scoped(&Gvk::new(api, kind), crate::testing::profile()),
            wanted,
            "{api} {kind}"
        );
    }
}

#[test]
fn a_schema_of_ones_own_replaces_the_embedded_one() {
    let document = value(
        "definitions:\n  A:\n    x-kubernetes-group-version-kind: [{group: x.org, version: v1, kind: A}]\n    properties:\n      l: {type: array, x-kubernetes-patch-merge-key: id, x-kubernetes-patch-strategy: merge, items: {$ref: '#/definitions/A'}}\n",
    );
    let mut schemas = Schemas::default();
    schemas.choose(Some(document));
    let schema = schemas.get();
    assert_eq!(keys(&schema, "x.org/v1", "A", &["l"]).unwrap(), ["id"]);
    assert_eq!(keys(&schema, "x.org/v1", "A", &["l", "[]", "l"]).unwrap(), ["id"]);
    assert_eq!(keys(&schema, "v1", "Pod", &["spec", "containers"]), None);
}
