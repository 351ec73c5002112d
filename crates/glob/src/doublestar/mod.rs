//! Patterns as github.com/bmatcuk/doublestar v4.10.0 reads them, with `/` between names.
//!
//! `*` any run without `/`, `?` one character but `/`, `[a-z]`, `[^a-z]` and `[!a-z]` one of a class, `{a,b}`
//! alternatives, `\` before any character. `**` is any number of whole folders where it stands alone between slashes (or
//! at an end); elsewhere it is `*`. `a/**` and `a/**/` match `a` too.
//!
//! The library puts each alternative in place of its group and reads on from there as if a name began there. That shows:
//! in `a{,b}**/c` the `**` counts as standing alone. And once the name is used up, what is left of the pattern matches
//! nothing only in a few spellings (`*`, `**`, `/**`, `**/`, `/**/`). Both are kept.

mod build;
mod parse;

use crate::nfa::Machine;
use crate::{Error, error};

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern(Machine);

/// Whether `path` as a whole matches `pattern`.
///
/// # Errors
/// [`Error`] when the pattern is malformed.
pub fn matches(pattern: &str, path: &str) -> Result<bool, Error> {
    Ok(Pattern::compile(pattern)?.matches(path))
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`Error`] when it is malformed anywhere (the library's `ValidatePattern`), when a comma or brace inside a class
    /// would split the class, or when it is longer or deeper than ours may be.
    pub fn compile(text: &str) -> Result<Self, Error> {
        error::check(text)?;
        Ok(Self(build::machine(&parse::pattern(text)?)))
    }

    /// Whether `path` as a whole matches.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.0.run(path)
    }
}
