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
    /// What `git fetch` would take: a name to the letter, a tag before a branch.
    Fetched(String),
    /// A version range over tags; a name when no tag fits (`1.x` is a usual name of a branch).
    Range(VersionRange),
}

/// A range of versions that tags may have.
#[derive(Clone, Debug)]
pub struct VersionRange {
    /// As it was written.
    text: String,
    /// What the names of the tags begin with, before their version.
    tag_prefix: String,
    constraint: semver::Constraint,
}

impl Revision {
    /// Reads a revision where the names of version tags begin with `tag_prefix`: a range chooses among those tags, and a
    /// single version is the name of the one behind the prefix. All else is as it is without (spec: argocd.md §6.3).
    ///
    /// # Errors
    /// As [`Revision::parse`]; [`Kind::Invalid`] for a prefix with which no tag's name can begin.
    pub fn parse_with_prefix(text: &str, tag_prefix: &str) -> Result<Self> {
        if tag_prefix.is_empty() {
            return Self::parse(text);
        }
        if tag_prefix.len() > MAX_REVISION || !is_ref_name(&format!("{tag_prefix}0")) {
            return Err(Error::new(Kind::Invalid, "no tag's name can begin with the tag prefix"));
        }
        match Self::parse(text)? {
            Self::Range(range) => {
                Ok(Self::Range(VersionRange { tag_prefix: tag_prefix.to_owned(), ..range }))
            }
            Self::Name(name) if semver::Version::parse(&name).is_ok() => {
                Ok(Self::Name(format!("{tag_prefix}{name}")))
            }
            other => Ok(other),
        }
    }

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
        if let Some(range) = range(text) {
            return Ok(Self::Range(range));
        }
        if !is_ref_name(text) {
            return Err(not_a_revision(text));
        }
        let full = text.starts_with("refs/");
        Ok(if full { Self::Full(text.to_owned()) } else { Self::Name(text.to_owned()) })
    }

    /// Reads the revision of an entry that kustomize would hand to `git fetch`: no version ranges, and no abbreviated
    /// commit ids.
    ///
    /// # Errors
    /// As [`Revision::parse`].
    pub fn parse_fetched(text: &str) -> Result<Self> {
        match Self::parse(text)? {
            Self::Name(name) | Self::Range(VersionRange { text: name, .. }) if is_ref_name(&name) => {
                Ok(Self::Fetched(name))
            }
            Self::Range(_) => Err(not_a_revision(text)),
            other => Ok(other),
        }
    }

    /// The prefixes of the ref names that decide it. An id asks for `HEAD` only: that the remote answers at all
    /// shows that the credential opens it.
    #[must_use]
    pub fn prefixes(&self) -> Vec<String> {
        match self {
            Self::Head | Self::Commit(_) => vec!["HEAD".to_owned()],
            Self::Full(name) => vec![name.clone()],
            Self::Name(name) | Self::Fetched(name) => candidates(name).to_vec(),
            Self::Range(range) => {
                let names = candidates(&range.text).into_iter().filter(|name| is_ref_name(name));
                std::iter::once(format!("refs/tags/{}", range.tag_prefix)).chain(names).collect()
            }
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
            Self::Fetched(name) => {
                let [branch, tag, other] = candidates(name);
                [other, tag, branch].iter().find_map(|full| listing.refs.get(full)).copied()
            }
            Self::Range(range) => range.highest(listing).or_else(|| by_name(&range.text, listing)),
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

impl VersionRange {
    /// The tag with the highest version in the range.
    fn highest(&self, listing: &Listing) -> Option<ObjectId> {
        let names = listing.refs.keys().filter_map(|name| name.strip_prefix("refs/tags/"));
        let versions = names.filter_map(|name| name.strip_prefix(&self.tag_prefix));
        let version = self.constraint.highest(versions)?;
        listing.refs.get(&format!("refs/tags/{}{version}", self.tag_prefix)).copied()
    }
}

/// A version range, but no single version: that is the name of a tag, to the letter.
fn range(text: &str) -> Option<VersionRange> {
    if semver::Version::parse(text).is_ok() {
        return None;
    }
    let constraint = semver::Constraint::parse(text).ok()?;
    Some(VersionRange { text: text.to_owned(), tag_prefix: String::new(), constraint })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A listing of these names, each standing for a commit of its own: the first for `1…`, and so on.
    fn listing(names: &[&str]) -> Listing {
        let mut listing = Listing::default();
        for (at, name) in names.iter().enumerate() {
            listing.insert(name, id(at));
        }
        listing
    }

    fn id(at: usize) -> ObjectId {
        ObjectId::from_hex(format!("{at:x}").repeat(40).as_bytes()).unwrap()
    }

    fn find(revision: &str, listing: &Listing) -> Option<ObjectId> {
        Revision::parse(revision).unwrap().find(listing)
    }

    #[test]
    fn a_branch_comes_before_a_tag_and_full_names_say_which() {
        let listing = listing(&["refs/tags/x", "refs/heads/x", "refs/x", "HEAD", "refs/heads/HEAD"]);
        for (revision, at) in [
            ("x", 1),
            ("refs/heads/x", 1),
            ("refs/tags/x", 0),
            ("tags/x", 0),
            ("refs/x", 2),
            ("", 3),
            ("HEAD", 3),
        ] {
            assert_eq!(find(revision, &listing), Some(id(at)), "{revision}");
        }
        assert_eq!(find("heads", &listing), None);
        assert_eq!(find("refs/tags/y", &listing), None);
    }

    #[test]
    fn forty_digits_are_an_id_even_where_a_branch_has_the_name() {
        let name = "5".repeat(40);
        let listing = listing(&["HEAD", &format!("refs/heads/{name}")]);
        assert_eq!(find(&name, &listing), Some(id(5)));
        let short = &name[..9];
        let named = self::listing(&["HEAD", &format!("refs/heads/{short}")]);
        assert_eq!(find(short, &named), Some(id(1)));
    }

    #[test]
    fn ranges_choose_the_highest_tag_and_else_are_names() {
        let listing = listing(&[
            "refs/tags/v1.0.0",
            "refs/tags/v1.10.0",
            "refs/tags/v1.9.0",
            "refs/tags/v2.0.0-rc.1",
            "refs/tags/release",
            "refs/heads/9.x",
            "refs/heads/v9.9.9",
        ]);
        for (revision, at) in [
            ("1.*", Some(1)),
            ("^1.0", Some(1)),
            (">=1.0 <1.10", Some(2)),
            (">=2.0.0-0", Some(3)),
            (">=2", None),
            ("9.x", Some(5)),
            ("1.0.0", None),
            ("v1.0.0", Some(0)),
            ("v9.9.9", Some(6)),
        ] {
            assert_eq!(find(revision, &listing), at.map(id), "{revision}");
        }
    }

    #[test]
    fn versions_are_those_behind_the_tag_prefix() {
        let listing = listing(&[
            "refs/tags/app-1.1.0",
            "refs/tags/app-1.2.0",
            "refs/tags/app-2.0.0-beta.1",
            "refs/tags/lib/v0.3.1",
            "refs/tags/v1.9.0",
            "refs/heads/main",
            "refs/heads/1.2.0",
            "refs/heads/9.x",
            "HEAD",
        ]);
        // The answers of argocd-repo-server 3.5.1 to the same questions.
        for (revision, prefix, at) in [
            ("1.1.0", "app-", Some(0)),
            ("1.x", "app-", Some(1)),
            ("*", "app-", Some(1)),
            (">=2.0.0-0", "app-", Some(2)),
            ("0.x", "lib/", Some(3)),
            ("v0.3.1", "lib/", Some(3)),
            ("0.3.1", "lib/", None),
            ("1.x", "zzz-", None),
            ("3.0.0", "app-", None),
            ("1.2.0", "", Some(6)),
            ("1.2.0", "zzz-", None),
            ("9.x", "app-", Some(7)),
            ("main", "app-", Some(5)),
            ("app-1.1.0", "app-", Some(0)),
            ("HEAD", "app-", Some(8)),
            ("", "app-", Some(8)),
        ] {
            let found = Revision::parse_with_prefix(revision, prefix).unwrap().find(&listing);
            assert_eq!(found, at.map(id), "{revision} behind {prefix}");
        }
        let prefixes = |text: &str| Revision::parse_with_prefix(text, "app-").unwrap().prefixes();
        assert_eq!(prefixes("^1.2"), ["refs/tags/app-"]);
        assert_eq!(prefixes("1.2.0"), ["refs/heads/app-1.2.0", "refs/tags/app-1.2.0", "refs/app-1.2.0"]);
        for wrong in ["a b", "a:", "../", "a\n"] {
            assert_eq!(
                Revision::parse_with_prefix("1.x", wrong).unwrap_err().kind(),
                Kind::Invalid,
                "{wrong}"
            );
        }
    }

    #[test]
    fn what_git_fetch_takes_is_a_name_to_the_letter() {
        let listing = listing(&["refs/tags/x", "refs/heads/x", "refs/tags/v1.2.0", "refs/heads/1.x", "HEAD"]);
        let find = |text: &str| Revision::parse_fetched(text).unwrap().find(&listing);
        assert_eq!((find("x"), find("refs/heads/x"), find("")), (Some(id(0)), Some(id(1)), Some(id(4))));
        assert_eq!((find("1.x"), find("v1.2.0"), find("v1.2")), (Some(id(3)), Some(id(2)), None));
        assert!(Revision::parse_fetched("abcdef01").unwrap().abbreviation().is_none());
        for wrong in ["^1.0", ">=1.0 <2", "--upload-pack=x", "a b", "a:b"] {
            assert_eq!(Revision::parse_fetched(wrong).unwrap_err().kind(), Kind::Invalid, "{wrong}");
        }
    }

    #[test]
    fn only_what_decides_is_asked_for() {
        let prefixes = |revision: &str| Revision::parse(revision).unwrap().prefixes();
        assert_eq!(prefixes("main"), ["refs/heads/main", "refs/tags/main", "refs/main"]);
        assert_eq!(prefixes("refs/heads/a"), ["refs/heads/a"]);
        assert_eq!(prefixes(""), ["HEAD"]);
        assert_eq!(prefixes(&"a".repeat(40)), ["HEAD"]);
        assert_eq!(prefixes("^1.2"), ["refs/tags/"]);
        assert_eq!(prefixes("1.x"), ["refs/tags/", "refs/heads/1.x", "refs/tags/1.x", "refs/1.x"]);
    }

    #[test]
    fn an_abbreviation_has_seven_digits_and_one_meaning() {
        let prefix = |text: &str| Revision::parse(text).unwrap().abbreviation();
        assert!(prefix("abcdef").is_none() && prefix("abcdefg").is_none() && prefix("abcdef0").is_some());
        let mut two = listing(&["refs/heads/a", "refs/heads/b"]);
        let one = prefix("0000000").unwrap();
        assert_eq!(tip_with(&one, &two).unwrap(), Some(id(0)));
        let near = format!("{}1", "0".repeat(39));
        two.insert("refs/heads/c", ObjectId::from_hex(near.as_bytes()).unwrap());
        assert_eq!(tip_with(&one, &two).unwrap_err().kind(), Kind::Invalid);
    }
}
