//! Regular expressions of kustomizations, with a limit on what compiling and matching one may cost.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use crate::error::{Error, ErrorKind, Result};

/// A compiled expression. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    regex: Regex,
    /// The bytes it takes at most: what matching a character costs, in the worst case.
    size: usize,
}

/// The bytes an expression may take, tried one after the other: most fit into the first.
const SIZES: [usize; 3] = [16 << 10, 128 << 10, 1 << 20];

/// The most that matching a text may cost, in bytes of the expression times bytes of the text. A search cannot be broken
/// off; this much takes some fifty milliseconds at worst, and names and images of 400 bytes are always below it.
const MAX_COST: usize = 400 << 20;

/// How much of that is a unit of work.
const COST_PER_WORK: usize = 1 << 10;

/// Expressions a thread keeps: paths of replacements are compiled again for every list they lead through.
const KEPT: usize = 64;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Expression>> = RefCell::default();
}

impl Expression {
    /// Compiles an expression in the syntax of this library.
    pub(crate) fn compile(text: &str) -> Result<Self, regex::Error> {
        if let Some(known) = COMPILED.with_borrow(|kept| kept.get(text).cloned()) {
            return Ok(known);
        }
        let compiled = Self::compile_anew(text)?;
        COMPILED.with_borrow_mut(|kept| {
            if kept.len() >= KEPT {
                kept.clear();
            }
            kept.insert(text.to_owned(), compiled.clone());
        });
        Ok(compiled)
    }

    fn compile_anew(text: &str) -> Result<Self, regex::Error> {
        let [small, middle, large] = SIZES;
        let with = |size| RegexBuilder::new(text).size_limit(size).build().map(|regex| Self { regex, size });
        with(small).or_else(|_| with(middle)).or_else(|_| with(large))
    }

    /// Whether it matches anywhere in a text.
    ///
    /// # Errors
    /// That would take too long, or the budget is used up.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool> {
        let cost = self.size.saturating_mul(text.len());
        if cost > MAX_COST {
            let (expression, length) = (self.regex.as_str(), text.len());
            let shown = &expression[..expression.floor_char_boundary(80)];
            let text = format!(
                "the regular expression `{shown}` is too large for a text of {length} bytes; simplify it"
            );
            return Err(Error::of(ErrorKind::Limit, text));
        }
        budget::work(cost / COST_PER_WORK)?;
        Ok(self.regex.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_take_too_long_is_refused() {
        let large = Expression::compile("((a{1,20}){1,20}){1,10}b").unwrap();
        assert!(large.size > SIZES[0]);
        assert!(!large.is_match(&"a".repeat(300)).unwrap());
        assert_eq!(large.is_match(&"a".repeat(1 << 20)).unwrap_err().kind(), ErrorKind::Limit);
        let small = Expression::compile("^(?:web|db).*$").unwrap();
        assert!(small.is_match(&format!("web{}", "a".repeat(10_000))).unwrap());
        assert!(Expression::compile("(((a{1,200}){1,200}){1,200}){1,200}").is_err());
    }
}
