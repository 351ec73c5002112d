//! What a remote lists: names and the commits they stand for.

use std::collections::BTreeMap;

use gix::ObjectId;

use crate::error::{Error, Kind, Result};
use crate::request::Refs;

/// The refs of a remote, all of them or those that begin with certain prefixes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Full name → what it stands for, annotated tags peeled. Without `HEAD`.
    pub refs: BTreeMap<String, ObjectId>,
    /// What `HEAD` stands for, if it was asked for and stands for something.
    pub head: Option<ObjectId>,
    /// The full name of the branch `HEAD` leads to, if the remote says.
    pub head_name: Option<String>,
}

impl Listing {
    /// Puts one ref in, peeled. Names that are no full ref names are left out: nothing could ask for them.
    pub fn insert(&mut self, name: &str, id: ObjectId) {
        if name == "HEAD" {
            self.head = Some(id);
        } else if name.starts_with("refs/") && !name.ends_with("^{}") {
            self.refs.insert(name.to_owned(), id);
        }
    }

    /// Whether nothing is listed, not even `HEAD`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.refs.is_empty() && self.head.is_none()
    }

    /// Fails when there are more than `max` names.
    ///
    /// # Errors
    /// [`Kind::OverBudget`].
    pub fn within(self, max: usize) -> Result<Self> {
        if self.refs.len() > max {
            return Err(Error::new(Kind::OverBudget, format!("the remote lists more than {max} refs")));
        }
        Ok(self)
    }

    /// Whether one of the names stands for `commit`.
    #[must_use]
    pub fn holds(&self, commit: ObjectId) -> bool {
        self.head == Some(commit) || self.refs.values().any(|id| *id == commit)
    }

    /// The commits of all branches and of `HEAD`, each once.
    #[must_use]
    pub fn branch_tips(&self) -> Vec<ObjectId> {
        let branches = self.refs.iter().filter(|(name, _)| name.starts_with("refs/heads/"));
        let mut tips: Vec<ObjectId> = branches.map(|(_, id)| *id).chain(self.head).collect();
        tips.sort_unstable();
        tips.dedup();
        tips
    }

    /// The listing in the words of the service.
    #[must_use]
    pub fn to_refs(&self) -> Refs {
        let commits = self.refs.iter().map(|(name, id)| (name.clone(), id.to_string())).collect();
        Refs { commits, head: self.head_name.clone() }
    }
}
