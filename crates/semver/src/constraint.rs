//! Constraints: alternatives (`||`) of groups of comparisons that must all hold.

use crate::scan::{Numbers, Pieces, space, version};
use crate::version::compare_pre;
use crate::{Error, Version};

const MAX_BYTES: usize = 512;
const MAX_GROUPS: usize = 32;

/// A constraint on versions.
///
/// Pre-releases are allowed only by a group in which some comparison names one (`>=1.2.0-0`).
#[derive(Clone, Debug)]
pub struct Constraint(Vec<Group>);

#[derive(Clone, Debug)]
struct Group {
    comparisons: Vec<Comparison>,
    /// Whether a comparison names a pre-release.
    pre: bool,
}

#[derive(Clone, Debug)]
struct Comparison {
    op: Op,
    version: Version,
    given: Given,
}

/// How much of a version was given; the rest is a wildcard or missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Nothing,
    Major,
    Minor,
    All,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// Operators by their spellings, longer ones before what they begin with.
const OPS: [(&str, Op); 11] = [
    ("!=", Op::NotEqual),
    (">=", Op::GreaterEqual),
    ("=>", Op::GreaterEqual),
    ("<=", Op::LessEqual),
    ("=<", Op::LessEqual),
    ("~>", Op::Tilde),
    ("=", Op::Equal),
    (">", Op::Greater),
    ("<", Op::Less),
    ("~", Op::Tilde),
    ("^", Op::Caret),
];

impl Constraint {
    /// Reads a constraint.
    ///
    /// # Errors
    /// [`Error`], in the words of the Go library's `NewConstraint`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            return Err(Error::ConstraintTooLong);
        }
        let text = rewrite_ranges(text);
        if text.split("||").count() > MAX_GROUPS {
            return Err(Error::TooManyGroups);
        }
        text.split("||").map(group).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the version satisfies it.
    #[must_use]
    pub fn allows(&self, version: &Version) -> bool {
        self.0.iter().any(|group| group.allows(version))
    }

    /// The name of the highest version that satisfies it, of equal ones the first. Names that are no versions are
    /// left out.
    pub fn highest<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let versions = names.into_iter().filter_map(|name| Some((Version::parse(name).ok()?, name)));
        let allowed = versions.filter(|(version, _)| self.allows(version));
        allowed.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, name)| name)
    }
}

impl Group {
    fn allows(&self, version: &Version) -> bool {
        (version.pre.is_empty() || self.pre)
            && self.comparisons.iter().all(|comparison| comparison.holds(version))
    }
}

impl Comparison {
    fn holds(&self, version: &Version) -> bool {
        match self.op {
            Op::Equal if self.given == Given::All => *version == self.version,
            Op::Equal | Op::Tilde => self.tilde(version),
            Op::NotEqual => self.not_equal(version),
            Op::Greater => self.greater(version),
            Op::Less => *version < self.version,
            Op::GreaterEqual => *version >= self.version,
            Op::LessEqual => self.less_equal(version),
            Op::Caret => self.caret(version),
        }
    }

    fn same_major(&self, version: &Version) -> bool {
        version.major == self.version.major
    }

    fn same_minor(&self, version: &Version) -> bool {
        version.minor == self.version.minor
    }

    fn not_equal(&self, version: &Version) -> bool {
        match self.given {
            // Without any number the library compares with 0.0.0, as if that had been given.
            Given::All | Given::Nothing => *version != self.version,
            _ if !self.same_major(version) => true,
            Given::Major => false,
            Given::Minor => !self.same_minor(version) || compare_pre(&version.pre, &self.version.pre).is_ne(),
        }
    }

    fn greater(&self, version: &Version) -> bool {
        match self.given {
            Given::All => *version > self.version,
            _ if !self.same_major(version) => version.major > self.version.major,
            Given::Major => false,
            Given::Minor => version.minor > self.version.minor,
            Given::Nothing => *version > self.version,
        }
    }

    fn less_equal(&self, version: &Version) -> bool {
        match self.given {
            Given::All => *version <= self.version,
            Given::Major => version.major <= self.version.major,
            Given::Minor | Given::Nothing => {
                (version.major, version.minor) <= (self.version.major, self.version.minor)
            }
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let zero = (self.version.major, self.version.minor, self.version.patch) == (0, 0, 0);
        let any = zero && matches!(self.given, Given::All | Given::Nothing);
        *version >= self.version
            && (any || self.same_major(version) && (self.given == Given::Major || self.same_minor(version)))
    }

    fn caret(&self, version: &Version) -> bool {
        if *version < self.version || !self.same_major(version) {
            return false;
        }
        if self.version.major > 0 || self.given == Given::Major {
            return true;
        }
        // Below 1.0.0 the first number that is not 0 must stay.
        let minor = self.version.minor > 0 || self.given == Given::Minor;
        self.same_minor(version) && (minor || version.patch == self.version.patch)
    }
}

fn group(text: &str) -> Result<Group, Error> {
    let improper = || Error::Constraint(text.to_owned());
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(space);
    loop {
        let (op, pieces, whole, behind) = comparison(rest).ok_or_else(improper)?;
        found.push((op, pieces, whole));
        rest = behind.trim_start_matches(space);
        if rest.is_empty() {
            break;
        }
        rest = match rest.strip_prefix(',') {
            Some(next) => next.trim_start_matches(space),
            None if rest.len() < behind.len() => rest,
            None => return Err(improper()),
        };
    }
    let comparisons: Vec<Comparison> =
        found.into_iter().map(|(op, pieces, whole)| compared(op, pieces, whole)).collect::<Result<_, _>>()?;
    let pre = comparisons.iter().any(|comparison| !comparison.version.pre.is_empty());
    Ok(Group { comparisons, pre })
}

/// An operator, a version in pieces and as a whole, and what is behind.
fn comparison(text: &str) -> Option<(Op, Pieces<'_>, &str, &str)> {
    let op = OPS.iter().find_map(|(spelling, op)| Some((*op, text.strip_prefix(spelling)?)));
    let (op, rest) = op.unwrap_or((Op::Equal, text));
    let rest = rest.trim_start_matches(space);
    let (pieces, behind) = version(rest, Numbers::Wild)?;
    Some((op, pieces, &rest[..rest.len() - behind.len()], behind))
}

fn compared(op: Op, pieces: Pieces<'_>, whole: &str) -> Result<Comparison, Error> {
    let pre = if pieces.pre.is_empty() { String::new() } else { format!("-{}", pieces.pre) };
    let (given, text) = if open(pieces.major) {
        (Given::Nothing, format!("0.0.0{pre}"))
    } else if open(pieces.minor) {
        (Given::Major, format!("{}.0.0{pre}", pieces.major))
    } else if open(pieces.patch) {
        (Given::Minor, format!("{}.{}.0{pre}", pieces.major, pieces.minor))
    } else {
        (Given::All, whole.to_owned())
    };
    let version = Version::parse(&text).map_err(|_| Error::ConstraintVersion)?;
    Ok(Comparison { op, version, given })
}

fn open(number: &str) -> bool {
    matches!(number, "" | "x" | "X" | "*")
}

/// Writes `1.2 - 3.4` as `>= 1.2, <= 3.4`, each where its text first occurs.
fn rewrite_ranges(text: &str) -> String {
    let mut rewritten = text.to_owned();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        rest = if let Some((range, low, high)) = range(rest) {
            rewritten = rewritten.replacen(range, &format!(">= {low}, <= {high} "), 1);
            &rest[range.len()..]
        } else {
            &rest[next.len_utf8()..]
        };
    }
    rewritten
}

/// A hyphen range at the beginning of `text` with the white space around it, and its two versions.
fn range(text: &str) -> Option<(&str, &str, &str)> {
    let begin = text.trim_start_matches(space);
    let (_, rest) = version(begin, Numbers::Wild)?;
    let low = &begin[..begin.len() - rest.len()];
    let begin = spaced(spaced(rest)?.strip_prefix('-')?)?;
    let (_, rest) = version(begin, Numbers::Wild)?;
    let high = &begin[..begin.len() - rest.len()];
    let rest = rest.trim_start_matches(space);
    Some((&text[..text.len() - rest.len()], low, high))
}

/// What is behind white space, if there is any.
fn spaced(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(space);
    (rest.len() < text.len()).then_some(rest)
}
