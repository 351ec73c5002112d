//! Orders of the output.

use super::*;
use crate::testing::{read, resources};

fn sorted(options: Option<&str>, legacy: bool) -> Result<Vec<String>> {
    let kinds = ["v1 Service", "apps/v1 Deployment", "x/v1 Own", "v1 Own", "v1 ConfigMap", "v1 Namespace"];
    let docs = kinds.map(|kind| {
        let (api, kind) = kind.split_once(' ').unwrap();
        format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\n")
    });
    let mut map = resources(&docs.join("---\n"));
    transform(&mut map, options.map(read::<SortOptions>).as_ref(), legacy)?;
    Ok(map
        .list
        .iter()
        .map(|resource| format!("{} {}", resource.gvk().api_version(), resource.kind()))
        .collect())
}

#[test]
fn by_rank_then_by_group() {
    let wanted = ["v1 Namespace", "v1 ConfigMap", "v1 Service", "apps/v1 Deployment", "x/v1 Own", "v1 Own"];
    assert_eq!(sorted(None, true).unwrap(), wanted);
    assert_eq!(sorted(Some("{order: legacy}"), false).unwrap(), wanted);
}

#[test]
fn as_it_came() {
    assert_eq!(sorted(Some("{order: fifo}"), true).unwrap()[0], "v1 Service");
    assert_eq!(sorted(None, false).unwrap()[0], "v1 Service");
}

#[test]
fn kinds_first_and_last() {
    let options = "{order: legacy, legacySortOptions: {orderFirst: [Own], orderLast: [Namespace]}}";
    let found = sorted(Some(options), false).unwrap();
    assert_eq!([&found[0], &found[1], &found[5]], ["x/v1 Own", "v1 Own", "v1 Namespace"]);
}

#[test]
fn namespaces_come_after_none_and_names_last() {
    let pod = |namespace, name| format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}{namespace}}}\n");
    let texts = [pod("", "b"), pod("", "a"), pod(", namespace: z", "a")];
    let mut map = resources(&texts.join("---\n"));
    transform(&mut map, None, true).unwrap();
    let names: Vec<_> = map.list.iter().map(|r| format!("{}/{}", r.namespace(), r.name())).collect();
    assert_eq!(names, ["z/a", "/a", "/b"]);
}

#[test]
fn wrong_options() {
    let error = sorted(Some("{order: x}"), true).unwrap_err().to_string();
    assert_eq!(error, "the field 'sortOptions.order' must be one of [fifo, legacy]");
    assert!(sorted(Some("{order: fifo, legacySortOptions: {}}"), true).is_err());
}
