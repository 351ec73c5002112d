//! The resources of a build, in order, and how they are found.

use std::collections::HashSet;
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

fn key(id: &ResId, profile: &Profile) -> Key {
    (id.gvk.clone(), id.name.clone(), id.effective_namespace(profile).to_owned())
}

impl ResMap {
    /// Adds resources at the end.
    ///
    /// # Errors
    /// One has the identity of another.
    pub(crate) fn append(&mut self, more: Vec<Resource>) -> Result<()> {
        let mut seen: HashSet<Key> =
            self.list.iter().map(|resource| key(&resource.id(), resource.profile)).collect();
        for resource in more {
            let id = resource.id();
            if !seen.insert(key(&id, resource.profile)) {
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
    pub(crate) fn absorb(&mut self, new: Resource) -> Result<()> {
        let id = new.id();
        let matches: Vec<usize> = (0..self.list.len()).filter(|&at| self.list[at].is_or_was(&id)).collect();
        let complain = |what: &str| Err(Error::new(format!("id {} {what}", go_id(&id, new.profile))));
        match (matches.as_slice(), new.history.behavior) {
            ([], Behavior::Merge | Behavior::Replace) => complain("does not exist; cannot merge or replace"),
            ([], _) => {
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
