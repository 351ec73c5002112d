//! How two outcomes differ, and what differences have in common.

use crate::run::Outcome;

/// How the outcomes of one input differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Both are done, with other bytes.
    Output,
    /// Only ours failed.
    OursFails,
    /// Only theirs failed.
    TheirsFails,
    /// Ours broke off.
    OursCrashes,
    /// Only ours takes too long.
    OursIsLate,
    /// Both failed, with other texts.
    Texts,
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) kind: Kind,
    /// What inputs with the same cause have in common, as a rule: the words of the failure, or the first line that
    /// differs, without names and numbers.
    pub(crate) shape: String,
}

/// How the outcomes differ, if they do. A crash of theirs is a failure.
pub(crate) fn compare(ours: &Outcome, theirs: &Outcome, texts: bool) -> Option<Difference> {
    use Outcome::{Crashed, Done, Failed, Late};
    let (kind, shape) = match (ours, theirs) {
        (Crashed(error), _) => (Kind::OursCrashes, shape_of(error)),
        (Late, Late) | (_, Late) => return None,
        (Late, _) => (Kind::OursIsLate, String::new()),
        (Done(ours), Done(theirs)) if ours == theirs => return None,
        (Done(ours), Done(theirs)) => (Kind::Output, first_difference(ours, theirs)),
        (Failed(ours), Done(_)) => (Kind::OursFails, shape_of(ours)),
        (Done(_), Failed(theirs) | Crashed(theirs)) => (Kind::TheirsFails, shape_of(theirs)),
        (Failed(ours), Failed(theirs)) if texts && ours != theirs => {
            (Kind::Texts, format!("{} / {}", shape_of(ours), shape_of(theirs)))
        }
        (Failed(_), Failed(_) | Crashed(_)) => return None,
    };
    Some(Difference { kind, shape })
}

/// The words of a text that say what happened: its last line, without what is quoted, paths and numbers.
fn shape_of(error: &str) -> String {
    let last = error.lines().rev().find(|line| line.contains("rror")).or_else(|| error.lines().last());
    let last = last.unwrap_or_default();
    let tail = &last[last.char_indices().rev().nth(160).map_or(0, |(at, _)| at)..];
    let words = tail.split_whitespace().filter(|word| {
        word.chars().all(|letter| letter.is_ascii_alphabetic() || ",.:;'()<>".contains(letter))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The first lines that differ, without names and numbers.
fn first_difference(ours: &[u8], theirs: &[u8]) -> String {
    let (ours, theirs) = (String::from_utf8_lossy(ours), String::from_utf8_lossy(theirs));
    let (mut left, mut right) = (ours.lines(), theirs.lines());
    loop {
        match (left.next(), right.next()) {
            (Some(left), Some(right)) if left == right => {}
            (None, None) => return "the end of the last line".to_owned(),
            (left, right) => {
                let plain = |line: Option<&str>| line.map_or_else(|| "nothing".to_owned(), without_names);
                return format!("{} / {}", plain(left), plain(right));
            }
        }
    }
}

/// A line with every word as one `w`, and every number as one `0`.
fn without_names(line: &str) -> String {
    let mut shape = String::new();
    for letter in line.chars().take(120) {
        let plain = match letter {
            'a'..='z' | 'A'..='Z' => 'w',
            '0'..='9' => '0',
            other => other,
        };
        if !(matches!(plain, 'w' | '0') && shape.ends_with(plain)) {
            shape.push(plain);
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(text: &str) -> Outcome {
        Outcome::Done(text.as_bytes().to_vec())
    }

    fn failed(text: &str) -> Outcome {
        Outcome::Failed(text.to_owned())
    }

    #[test]
    fn outcomes_are_compared() {
        let kind = |ours: &Outcome, theirs: &Outcome, texts| compare(ours, theirs, texts).map(|one| one.kind);
        assert_eq!(kind(&done("a"), &done("a"), true), None);
        assert_eq!(kind(&done("a"), &done("b"), false), Some(Kind::Output));
        assert_eq!(kind(&failed("a"), &done("b"), false), Some(Kind::OursFails));
        assert_eq!(kind(&done("a"), &failed("b"), false), Some(Kind::TheirsFails));
        assert_eq!(kind(&failed("a"), &failed("b"), false), None);
        assert_eq!(kind(&failed("a"), &failed("b"), true), Some(Kind::Texts));
        assert_eq!(kind(&Outcome::Crashed(String::new()), &failed("b"), false), Some(Kind::OursCrashes));
        assert_eq!(kind(&done("a"), &Outcome::Late, false), None);
        assert_eq!(kind(&Outcome::Late, &done("a"), false), Some(Kind::OursIsLate));
    }

    #[test]
    fn the_same_cause_has_the_same_shape() {
        let shape = |ours: &str, theirs: &str| compare(&done(ours), &done(theirs), false).unwrap().shape;
        assert_eq!(shape("a: 1\nb: 2\n", "a: 1\nb: 33\n"), "w: 0 / w: 0");
        assert_eq!(shape("a: x\n", "a: x\nb: y\n"), "nothing / w: w");
        let words = |text: &str| compare(&failed(text), &done(""), false).unwrap().shape;
        assert_eq!(
            words("Error: x/y.yaml:3: bad \"thing\" here"),
            words("Error: z.yaml:77: bad \"one\" here")
        );
    }
}
