//! Identities: how they are compared and printed.

use super::*;
use crate::testing::profile;

fn id(api: &str, kind: &str, name: &str, namespace: &str) -> ResId {
    ResId { gvk: Gvk::new(api, kind), name: name.into(), namespace: namespace.into() }
}

#[test]
fn parts_that_are_missing_are_printed_as_such() {
    assert_eq!(id("apps/v1", "Deployment", "d", "n").to_string(), "Deployment.v1.apps/d.n");
    assert_eq!(id("v1", "Pod", "p", "").to_string(), "Pod.v1.[noGrp]/p.[noNs]");
    assert_eq!(ResId::default().to_string(), "[noKind].[noVer].[noGrp]/[noName].[noNs]");
}

#[test]
fn no_namespace_is_the_default_one_except_where_there_is_none() {
    assert!(id("v1", "Pod", "p", "").same(&id("v1", "Pod", "p", "default"), profile()));
    assert!(!id("v1", "Pod", "p", "").same(&id("v1", "Pod", "p", "x"), profile()));
    assert!(id("v1", "Node", "n", "a").same(&id("v1", "Node", "n", "b"), profile()));
    assert!(!id("v1", "Pod", "p", "").same(&id("v2", "Pod", "p", ""), profile()));
}

#[test]
fn empty_parts_select_anything() {
    let deployment = Gvk::new("apps/v1", "Deployment");
    assert!(deployment.is_selected(&Gvk::default()));
    assert!(deployment.is_selected(&Gvk { kind: "Deployment".into(), ..Gvk::default() }));
    assert!(!deployment.is_selected(&Gvk::new("apps/v1", "StatefulSet")));
    assert!(!deployment.is_selected(&Gvk::new("batch/v1", "Deployment")));
    assert_eq!(deployment.api_version(), "apps/v1");
}
