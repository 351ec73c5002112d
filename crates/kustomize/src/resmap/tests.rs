//! Adding, finding and absorbing resources.

use super::*;
use crate::testing::{field, resources};

fn map(name: &str, data: &str) -> ResMap {
    resources(&format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {data}\n"))
}

fn generated(name: &str, data: &str, behavior: Behavior) -> Resource {
    let mut resource = map(name, data).list.remove(0);
    resource.history.behavior = behavior;
    resource
}

fn absorb(map: &mut ResMap, new: Resource) -> Result<()> {
    let mut names = map.names()?;
    map.absorb(new, &mut names)
}

#[test]
fn two_of_one_identity_are_refused() {
    let mut all = map("a", "{}");
    all.append(map("b", "{}").list).unwrap();
    let error = all.append(map("a", "{}").list).unwrap_err();
    assert_eq!(
        error.to_string(),
        "may not add resource with an already registered id: ConfigMap.v1.[noGrp]/a.[noNs]"
    );
}

#[test]
fn behaviors() {
    for (behavior, wanted) in
        [(Behavior::Merge, r#"{"x":"1","y":"3","z":"4"}"#), (Behavior::Replace, r#"{"y":"3","z":"4"}"#)]
    {
        let mut all = map("a", "{x: '1', y: '2'}");
        absorb(&mut all, generated("a", "{y: '3', z: '4'}", behavior)).unwrap();
        assert_eq!(field(&all, "data"), wanted, "{behavior:?}");
    }
}

#[test]
fn behaviors_that_do_not_fit() {
    let error = absorb(&mut map("a", "{}"), generated("a", "{}", Behavior::Create)).unwrap_err().to_string();
    assert!(
        error.ends_with("exists; can not use behavior: 'create', behavior must be merge or replace"),
        "{error}"
    );
    let error = absorb(&mut map("a", "{}"), generated("b", "{}", Behavior::Merge)).unwrap_err().to_string();
    assert!(error.ends_with("does not exist; cannot merge or replace"), "{error}");
}

#[test]
fn patches_find_one_resource_by_any_name_it_had() {
    let mut all = map("a", "{}");
    all.list[0].store_previous_id().unwrap();
    all.list[0].set_name("b");
    for name in ["a", "b"] {
        assert_eq!(all.position(&map(name, "{}").list[0].id()).unwrap(), 0);
    }
    let error = all.position(&map("c", "{}").list[0].id()).unwrap_err().to_string();
    assert!(error.starts_with("no matches for Id ConfigMap.v1.[noGrp]/c.[noNs]"), "{error}");
}
