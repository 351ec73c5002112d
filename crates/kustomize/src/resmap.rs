//! The resources of a build, in order, and how they are found.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::id::{Gvk, ResId};
use crate::resource::{Behavior, Resource};
use crate::version::Profile;

/// Resources in the order they were added.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResMap {
    pub(crate) list: Vec<Resource>,
}

type Key = (Gvk, Arc<str>, String);

/// The identities of the resources of a map, while only whole files are added to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Registered(HashSet<Key>);

/// Which resources of a map have, or had, a name.
#[derive(Debug, Default)]
pub(crate) struct NameIndex(HashMap<Arc<str>, Vec<usize>>);

/// What a resource takes in such a table.
const INDEX_BYTES: usize = 2 * size_of::<Key>();

fn charged_key(resource: &Resource) -> Result<Key> {
    let id = resource.id();
    budget::charge(INDEX_BYTES + id.name.len() + 2 * id.namespace.len())?;
    let namespace = id.effective_namespace(resource.profile).to_owned();
    Ok((id.gvk, id.name, namespace))
}

impl ResMap {
    /// Adds resources at the end.
    ///
    /// # Errors
    /// One has the identity of another.
    pub(crate) fn append(&mut self, more: Vec<Resource>) -> Result<()> {
        let mut registered = self.registered()?;
        self.append_to(more, &mut registered)
    }

    /// The identities of all resources.
    ///
    /// # Errors
    /// The budget is used up.
    pub(crate) fn registered(&self) -> Result<Registered> {
        let mut registered = HashSet::with_capacity(self.list.len());
        for resource in &self.list {
            registered.insert(charged_key(resource)?);
        }
        Ok(Registered(registered))
    }

    /// Which resources have, or had, which name.
    ///
    /// # Errors
    /// The budget is used up.
    pub(crate) fn names(&self) -> Result<NameIndex> {
        let mut names = NameIndex::default();
        self.list.iter().enumerate().try_for_each(|(at, resource)| names.add(at, resource))?;
        Ok(names)
    }

    /// Adds resources at the end, where the identities of those that are there are known.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub(crate) fn append_to(&mut self, more: Vec<Resource>, registered: &mut Registered) -> Result<()> {
        budget::charge(more.len() * size_of::<Resource>())?;
        for resource in more {
            let id = resource.id();
            if !registered.0.insert(charged_key(&resource)?) {
                return Err(Error::new(format!("may not add resource with an already registered id: {id}")));
            }
            self.list.push(resource);
        }
        Ok(())
    }

    /// Whether a change has given two resources one identity.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub(crate) fn check_unique(&mut self) -> Result<()> {
        let all = std::mem::take(&mut self.list);
        self.append(all)
    }

    /// Takes in a generated resource by its behavior.
    pub(crate) fn absorb(&mut self, new: Resource, names: &mut NameIndex) -> Result<()> {
        let id = new.id();
        let named = names.0.get(&id.name).map_or(&[][..], Vec::as_slice);
        budget::work(named.len() * INDEX_BYTES)?;
        let matches: Vec<usize> = named.iter().copied().filter(|&at| self.list[at].is_or_was(&id)).collect();
        let complain = |what: &str| Err(Error::new(format!("id {} {what}", go_id(&id, new.profile))));
        match (matches.as_slice(), new.history.behavior) {
            ([], Behavior::Merge | Behavior::Replace) => complain("does not exist; cannot merge or replace"),
            ([], _) => {
                names.add(self.list.len(), &new)?;
                self.list.push(new);
                Ok(())
            }
            (&[at], Behavior::Replace) => {
                let old = &self.list[at];
                self.list[at] = crate::generators::replaced(old, new);
                Ok(())
            }
            (&[at], Behavior::Merge) => {
                let old = &self.list[at];
                self.list[at] = crate::generators::merged(old, new)?;
                Ok(())
            }
            ([_], behavior) => complain(&format!(
                "exists; can not use behavior: '{}', behavior must be merge or replace",
                behavior.name()
            )),
            (several, _) => {
                let shown: Vec<_> = several.iter().map(|&at| self.list[at].id().to_string()).collect();
                let shown = shown.join(" ");
                Err(Error::new(format!("found multiple objects [{shown}] that could accept merge of {id}")))
            }
        }
    }

    /// The one resource that has or had this identity.
    pub(crate) fn position(&self, id: &ResId) -> Result<usize> {
        let mut found = (0..self.list.len()).filter(|&at| self.list[at].is_or_was(id));
        let problem = match (found.next(), found.next()) {
            (Some(at), None) => return Ok(at),
            (None, _) => "no matches",
            (Some(_), Some(_)) => "multiple matches",
        };
        Err(Error::new(format!("{problem} for Id {id}; failed to find unique target for patch {id}")))
    }

    /// Forgets resources of which nothing is left.
    pub(crate) fn drop_gone(&mut self) {
        self.list.retain(|resource| !resource.is_gone());
    }
}

impl NameIndex {
    fn add(&mut self, at: usize, resource: &Resource) -> Result<()> {
        for id in std::iter::once(resource.id()).chain(resource.previous_ids()) {
            budget::charge(INDEX_BYTES)?;
            budget::work(id.name.len())?;
            let places = self.0.entry(id.name).or_default();
            if places.last() != Some(&at) {
                places.push(at);
            }
        }
        Ok(())
    }
}

/// An identity as Go prints the struct.
fn go_id(id: &ResId, profile: &Profile) -> String {
    let cluster = id.gvk.is_cluster_scoped(profile);
    format!(
        "resid.ResId{{Gvk:resid.Gvk{{Group:{:?}, Version:{:?}, Kind:{:?}, isClusterScoped:{cluster}}}, Name:{:?}, Namespace:{:?}}}",
        id.gvk.group, id.gvk.version, id.gvk.kind, id.name, id.namespace
    )
}

#[cfg(test)]
mod tests;
