//! Compiled patterns: kept per thread, searched with Go's rules for empty matches.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use gotmpl::{Machine, Value};
use regex_automata::Input;
use regex_automata::meta::{Config, Regex};
use regex_automata::util::captures::Captures;

use super::parse;
use crate::args::Result;

/// How many compiled patterns a thread keeps; the largest public charts use some dozens.
const KEPT: usize = 128;

/// The most bytes a compiled pattern may take. Go's own limits allow about as much.
const MAX_BYTES: usize = 16 << 20;

/// A pattern, or what Go says of it.
type Compiled = std::result::Result<Rc<Pattern>, String>;

thread_local! {
    static PATTERNS: RefCell<HashMap<Vec<u8>, Compiled>> = RefCell::default();
}

/// A pattern that can be searched for.
pub(super) struct Pattern {
    regex: Regex,
    /// The names of the groups, the whole match first; a group without a name has an empty one.
    pub(super) names: Vec<String>,
}

/// The pattern that `text` says. The error is that of Go's `regexp.Compile`.
pub(super) fn compiled(text: &[u8]) -> std::result::Result<Rc<Pattern>, String> {
    PATTERNS.with_borrow_mut(|patterns| {
        if let Some(known) = patterns.get(text) {
            return known.clone();
        }
        if patterns.len() >= KEPT {
            patterns.clear();
        }
        let pattern = Pattern::new(text).map(Rc::new);
        patterns.insert(text.to_vec(), pattern.clone());
        pattern
    })
}

impl Pattern {
    fn new(text: &[u8]) -> std::result::Result<Self, String> {
        let parsed = parse::parse(text).map_err(|error| format!("error parsing regexp: {error}"))?;
        let config = Config::new().nfa_size_limit(Some(MAX_BYTES)).onepass_size_limit(Some(MAX_BYTES / 8));
        let built = Regex::builder().configure(config).build_from_hir(&parsed.hir);
        let too_large =
            |_| format!("error parsing regexp: expression too large: `{}`", String::from_utf8_lossy(text));
        Ok(Self { regex: built.map_err(too_large)?, names: parsed.names })
    }

    /// The first match at or behind `from`.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        let input = Input::new(text).range(from..text.len());
        self.regex.find(input).map(|found| found.range())
    }

    /// The first `most` matches. An empty one right behind another match does not count.
    pub(super) fn find_all(&self, text: &[u8], most: usize) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        let (mut at, mut before) = (0, None);
        while all.len() < most && at <= text.len() {
            let Some(found) = self.find(text, at) else { break };
            let empty_at = found.end == at;
            let counts = !(empty_at && Some(found.start) == before);
            at = if empty_at { at + char_length(text, at).max(1) } else { found.end };
            before = Some(found.end);
            if counts {
                all.push(found);
            }
        }
        all
    }

    /// The text with every match replaced by what `with` writes for its groups. An empty match right behind another
    /// is not replaced. What `with` writes is accounted for by itself, before it is made.
    pub(super) fn replace_all(
        &self,
        machine: &mut Machine<'_>,
        text: &[u8],
        with: impl Fn(&mut Machine<'_>, &Captures, &mut Vec<u8>) -> Result<()>,
    ) -> Result {
        let mut groups = self.regex.create_captures();
        let mut out = Vec::new();
        let (mut at, mut copied) = (0, 0);
        while at <= text.len() {
            let input = Input::new(text).range(at..text.len());
            self.regex.captures(input, &mut groups);
            let Some(found) = groups.get_group(0) else { break };
            out.extend_from_slice(&text[copied..found.start]);
            if found.end > copied || found.start == 0 {
                with(machine, &groups, &mut out)?;
            }
            copied = found.end;
            at = found.end.max(at + char_length(text, at).max(1));
        }
        out.extend_from_slice(&text[copied..]);
        machine.spend(text.len())?;
        Ok(Value::from(out))
    }
}

/// The bytes of the character at `at`; 0 at the end.
fn char_length(text: &[u8], at: usize) -> usize {
    let head = &text[at..text.len().min(at + 4)];
    match head.utf8_chunks().next() {
        Some(chunk) => chunk.valid().chars().next().map_or(1, char::len_utf8),
        None => 0,
    }
}
