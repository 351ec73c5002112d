//! What a revision means, given what the remote lists. Pure: nothing is read and nobody is asked here.
//!
//! The order, as `git clone --branch` has it: `HEAD`, a full ref name, a branch, a tag, anything else under `refs/`.
//! A branch and a tag of one name are told apart by their full names (`refs/tags/x`). Forty hexadecimal digits are
//! always a commit id, even where a branch has that name; fewer digits are a name first (spec: Argo CD §6.3).

use gix::ObjectId;
use gix::hash::Prefix;

use crate::error::{Error, Kind, Result};

use super::refs::Listing;

/// The longest revision read; git refuses names beyond what a file system takes.
const MAX_REVISION: usize = 1024;

/// The fewest digits of an abbreviated commit id, as git and Argo CD have it.
const MIN_ABBREVIATION: usize = 7;

/// A revision as asked for, read and checked.
#[derive(Clone, Debug)]
pub enum Revision {
    /// `HEAD`, or nothing.
    Head,
    /// A full commit id.
    Commit(ObjectId),
    /// A full ref name, `refs/…`.
    Full(String),
    /// A short name; it may also be an abbreviated commit id.
    Name(String),
}

impl Revision {
    /// Reads a revision.
    ///
    /// # Errors
    /// [`Kind::Invalid`] for what is neither an id, nor a ref name, nor a version range.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_REVISION {
            return Err(Error::new(Kind::Invalid, "the revision is longer than 1 KiB"));
        }
        if text.starts_with('-') || text.chars().any(char::is_control) {
            return Err(Error::new(
                Kind::Invalid,
                "the revision begins with '-' or holds a control character",
            ));
        }
        if text.is_empty() || text == "HEAD" {
            return Ok(Self::Head);
        }
        if let Some(id) = full_id(text) {
            return Ok(Self::Commit(id));
        }
        if !is_ref_name(text) {
            return Err(not_a_revision(text));
        }
        let full = text.starts_with("refs/");
        Ok(if full { Self::Full(text.to_owned()) } else { Self::Name(text.to_owned()) })
    }

    /// The prefixes of the ref names that decide it. An id asks for `HEAD` only: that the remote answers at all
    /// shows that the credential opens it.
    #[must_use]
    pub fn prefixes(&self) -> Vec<String> {
        match self {
            Self::Head | Self::Commit(_) => vec!["HEAD".to_owned()],
            Self::Full(name) => vec![name.clone()],
            Self::Name(name) => candidates(name).to_vec(),
        }
    }

    /// The commit it stands for in `listing`, if that says.
    #[must_use]
    pub fn find(&self, listing: &Listing) -> Option<ObjectId> {
        match self {
            Self::Head => listing.head,
            Self::Commit(id) => Some(*id),
            Self::Full(name) => listing.refs.get(name).copied(),
            Self::Name(name) => by_name(name, listing),
        }
    }

    /// The beginning of a commit id it may be.
    #[must_use]
    pub fn abbreviation(&self) -> Option<Prefix> {
        match self {
            Self::Name(name) if name.len() >= MIN_ABBREVIATION && is_hex(name) => Prefix::from_hex(name).ok(),
            _ => None,
        }
    }
}

/// The tips that begin with `prefix`: the one, none, or an error when there are several.
///
/// # Errors
/// [`Kind::Invalid`] when the abbreviation is ambiguous.
pub fn tip_with(prefix: &Prefix, listing: &Listing) -> Result<Option<ObjectId>> {
    let tips = listing.refs.values().chain(listing.head.iter());
    one(prefix, tips.filter(|id| prefix.cmp_oid(id).is_eq()).copied())
}

/// The one id of `ids`; several different ones are an error.
///
/// # Errors
/// [`Kind::Invalid`].
pub(super) fn one(prefix: &Prefix, mut ids: impl Iterator<Item = ObjectId>) -> Result<Option<ObjectId>> {
    let Some(first) = ids.next() else { return Ok(None) };
    if ids.any(|id| id != first) {
        return Err(Error::new(Kind::Invalid, format!("the abbreviated commit id '{prefix}' is ambiguous"))
            .help("write more of its digits"));
    }
    Ok(Some(first))
}

/// The full names a short name may mean, the first that exists wins.
fn candidates(name: &str) -> [String; 3] {
    [format!("refs/heads/{name}"), format!("refs/tags/{name}"), format!("refs/{name}")]
}

fn by_name(name: &str, listing: &Listing) -> Option<ObjectId> {
    candidates(name).iter().find_map(|full| listing.refs.get(full)).copied()
}

fn full_id(text: &str) -> Option<ObjectId> {
    if text.len() == 40 { ObjectId::from_hex(text.as_bytes()).ok() } else { None }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_ref_name(text: &str) -> bool {
    let full = if text.starts_with("refs/") { text.to_owned() } else { format!("refs/heads/{text}") };
    gix::validate::reference::name(full.as_str().into()).is_ok()
}

fn not_a_revision(text: &str) -> Error {
    let shown: String = text.chars().take(80).collect();
    Error::new(Kind::Invalid, format!("'{shown}' is no revision"))
        .help("a revision is a branch, a tag, a ref (refs/…), a commit id of 7 to 40 digits, HEAD, or a version range")
}
