//! Compiled patterns: kept per thread, searched with Go's rules for empty matches.
//!
//! Short texts are searched by the library, which is fast and cannot be stopped; long ones by `bounded.rs`.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::ops::Range;
use std::rc::Rc;

use foldhash::fast::FixedState;
use gotmpl::{Budget, CallError, Machine, TextBuffer};
use regex_automata::Input;
use regex_automata::meta::{Config, Regex};
use regex_automata::nfa::thompson::NFA;
use regex_automata::util::captures::Captures;
use regex_automata::util::primitives::NonMaxUsize;
use regex_syntax::hir::Hir;

use super::bounded::{Search, Slots, group, whole};
use super::parse;
use crate::args::Result;

/// How much memory the compiled patterns that a thread keeps may take, each counted with what searches leave in it. The
/// largest public charts use some dozens of small ones.
const KEPT_BYTES: usize = 64 << 20;

/// What a pattern counts besides its automata: the tables that searches fill.
const SEARCHED_BYTES: usize = 256 << 10;

/// The most bytes a compiled pattern may take. Go's own limits allow about as much.
const MAX_BYTES: usize = 16 << 20;

/// The most bytes that the tables of one direction of a search may take.
const MAX_TABLES: usize = 512 << 10;

/// What compiling takes at most: the automaton in both directions, and what they are made of.
const COMPILING_BYTES: usize = 8 * MAX_BYTES;

/// The longest pattern. Go has no limit; real patterns have some hundred bytes.
const MAX_LENGTH: usize = 64 << 10;

/// What each byte of a pattern takes while it is read, and each class of Unicode.
const READ_BYTES: usize = 512;
const CLASS_BYTES: usize = 32 << 10;

/// The most that the groups of all states of a pattern may take: a search holds them twice.
const MAX_GROUP_BYTES: usize = 64 << 20;

/// The most visits to states in a search that cannot be stopped: some ten milliseconds.
const MAX_VISITS: usize = 2 << 20;

/// Texts up to here are never long.
const SHORT: usize = 1 << 10;

/// A pattern, or what Go says of it.
type Compiled = std::result::Result<Rc<Pattern>, String>;

#[derive(Default)]
struct Kept {
    patterns: HashMap<Vec<u8>, Compiled>,
    bytes: usize,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// A pattern that can be searched for.
pub(super) struct Pattern {
    regex: Regex,
    hir: Hir,
    /// The automaton for searches that can be stopped.
    nfa: OnceCell<Option<NFA>>,
    /// The names of the groups, the whole match first; a group without a name has an empty one.
    pub(super) names: Vec<String>,
}

/// The pattern that `text` says; the inner error is that of Go's `regexp.Compile`. What it takes is charged once in each
/// run, whether or not another run left it here.
///
/// # Errors
/// The budget is used up, or the pattern is too long.
pub(super) fn compiled(machine: &mut Machine<'_>, text: &[u8]) -> Result<Compiled> {
    if text.len() > MAX_LENGTH {
        let message = format!("a regular expression is longer than the budget allows ({MAX_LENGTH} bytes)");
        return Err(CallError::budget(message));
    }
    let known = KEPT.with_borrow(|kept| kept.patterns.get(text).cloned());
    let is_first = machine.is_first(FixedState::default().hash_one(text));
    if !is_first && let Some(known) = known {
        return Ok(known);
    }
    let classes =
        memchr::memmem::find_iter(text, b"\\p").count() + memchr::memmem::find_iter(text, b"\\P").count();
    let taken = COMPILING_BYTES + READ_BYTES * text.len() + CLASS_BYTES * classes;
    machine.spend(taken)?;
    machine.work(text.len() as u64)?;
    let pattern = known.unwrap_or_else(|| {
        let pattern = Pattern::new(text).map(Rc::new);
        keep(text, &pattern);
        pattern
    });
    let held = pattern.as_ref().map_or(text.len(), |pattern| pattern.memory());
    machine.budget().give_back(taken.saturating_sub(held));
    Ok(pattern)
}

fn keep(text: &[u8], pattern: &Compiled) {
    let bytes = text.len() + pattern.as_ref().map_or(0, |pattern| pattern.memory());
    KEPT.with_borrow_mut(|kept| {
        if kept.bytes + bytes > KEPT_BYTES {
            *kept = Kept::default();
        }
        kept.bytes += bytes;
        kept.patterns.insert(text.to_vec(), pattern.clone());
    });
}

impl Pattern {
    fn new(text: &[u8]) -> std::result::Result<Self, String> {
        let parsed = parse::parse(text).map_err(|error| format!("error parsing regexp: {error}"))?;
        let config = Config::new()
            .nfa_size_limit(Some(MAX_BYTES))
            .onepass_size_limit(Some(MAX_TABLES))
            .hybrid_cache_capacity(MAX_TABLES);
        let built = Regex::builder().configure(config).build_from_hir(&parsed.hir);
        let too_large =
            || format!("error parsing regexp: expression too large: `{}`", String::from_utf8_lossy(text));
        let regex = built.map_err(|_| too_large())?;
        let groups = regex.memory_usage().saturating_mul(parsed.names.len());
        if groups > MAX_GROUP_BYTES {
            return Err(too_large());
        }
        Ok(Self { regex, hir: parsed.hir, nfa: OnceCell::new(), names: parsed.names })
    }

    /// What it takes, and what searches leave in it.
    fn memory(&self) -> usize {
        self.regex.memory_usage() + SEARCHED_BYTES
    }

    /// The automaton, where a search of `text` has to be one that can be stopped.
    fn bounded(&self, budget: &Budget<'_>, text: &[u8]) -> Result<Option<&NFA>> {
        if text.len() <= SHORT && self.regex.memory_usage() < MAX_VISITS {
            return Ok(None);
        }
        if self.nfa.get().is_none() {
            budget.spend(self.regex.memory_usage().saturating_mul(4))?;
        }
        let compile = || {
            let config = NFA::config().nfa_size_limit(Some(MAX_BYTES));
            NFA::compiler().configure(config).build_from_hir(&self.hir).ok()
        };
        let nfa = self.nfa.get_or_init(compile).as_ref();
        Ok(nfa.filter(|nfa| nfa.states().len().saturating_mul(text.len()) > MAX_VISITS))
    }

    /// The first match.
    pub(super) fn find(&self, budget: &Budget<'_>, text: &[u8]) -> Result<Option<Range<usize>>> {
        self.finder(budget, text)?.find(0)
    }

    fn finder<'s>(&'s self, budget: &'s Budget<'s>, text: &'s [u8]) -> Result<Finder<'s>> {
        Ok(match self.bounded(budget, text)? {
            Some(nfa) => Finder::Bounded(Search::new(nfa, budget, text, false)?),
            None => Finder::Library { regex: &self.regex, pace: Pace::new(budget, text) },
        })
    }

    /// Shows the first `most` matches to `found`. An empty one right behind another match does not count.
    pub(super) fn find_all(
        &self,
        budget: &Budget<'_>,
        text: &[u8],
        most: usize,
        mut found: impl FnMut(Range<usize>) -> Result<()>,
    ) -> Result<()> {
        let mut finder = self.finder(budget, text)?;
        let (mut at, mut before, mut count) = (0, None, 0);
        while count < most && at <= text.len() {
            let Some(range) = finder.find(at)? else { break };
            let empty_at = range.end == at;
            let counts = !(empty_at && Some(range.start) == before);
            at = if empty_at { at + char_length(text, at).max(1) } else { range.end };
            before = Some(range.end);
            if counts {
                count += 1;
                found(range)?;
            }
        }
        Ok(())
    }

    /// Writes the text with every match replaced by what `with` writes for its groups. An empty match right behind
    /// another is not replaced.
    pub(super) fn replace_all(
        &self,
        text: &[u8],
        out: &mut TextBuffer<'_>,
        with: impl Fn(&Groups<'_>, &mut TextBuffer<'_>),
    ) -> Result<()> {
        let budget = out.budget();
        let mut finder = match self.bounded(budget, text)? {
            Some(nfa) => GroupFinder::Bounded(Search::new(nfa, budget, text, true)?),
            None => {
                let groups = self.regex.create_captures();
                GroupFinder::Library { regex: &self.regex, groups, pace: Pace::new(budget, text) }
            }
        };
        let (mut at, mut copied) = (0, 0);
        while at <= text.len() && !out.is_spent() {
            let Some(groups) = finder.find(text, at)? else { break };
            let Some(found) = groups.range(0) else { break };
            out.put(&text[copied..found.start]);
            if found.end > copied || found.start == 0 {
                with(&groups, out);
            }
            copied = found.end;
            at = found.end.max(at + char_length(text, at).max(1));
        }
        out.put(&text[copied..]);
        Ok(())
    }
}

/// How much the library has searched since the flag was looked at. It does not say how far a search went.
struct Pace<'s> {
    budget: &'s Budget<'s>,
    text: &'s [u8],
    searched: usize,
}

impl<'s> Pace<'s> {
    /// How many bytes are searched between two looks at the stop flag.
    const LOOK: usize = 64 << 10;

    /// How many bytes up to the end of a match make one step.
    const BYTES_PER_STEP: usize = 16;

    fn new(budget: &'s Budget<'s>, text: &'s [u8]) -> Self {
        Self { budget, text, searched: 0 }
    }

    fn search(&mut self, from: usize) -> Result<Input<'s>> {
        self.searched += 1 + self.text.len() - from;
        if self.searched > Self::LOOK {
            self.searched = 0;
            self.budget.look()?;
        }
        Ok(Input::new(self.text).range(from..self.text.len()))
    }

    fn found(&self, from: usize, end: Option<usize>) -> Result<()> {
        let searched = end.unwrap_or(self.text.len()).saturating_sub(from);
        self.budget.work(1 + (searched / Self::BYTES_PER_STEP) as u64)
    }
}

/// Looks for whole matches.
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for one search")]
enum Finder<'s> {
    Library { regex: &'s Regex, pace: Pace<'s> },
    Bounded(Search<'s>),
}

impl Finder<'_> {
    fn find(&mut self, from: usize) -> Result<Option<Range<usize>>> {
        match self {
            Self::Bounded(search) => Ok(search.find(from)?.and_then(|slots| whole(slots))),
            Self::Library { regex, pace } => {
                let found = regex.find(pace.search(from)?).map(|found| found.range());
                pace.found(from, found.as_ref().map(|found| found.end))?;
                Ok(found)
            }
        }
    }
}

/// Looks for matches and their groups.
enum GroupFinder<'s> {
    Library { regex: &'s Regex, groups: Captures, pace: Pace<'s> },
    Bounded(Search<'s>),
}

/// Where the groups of a match are.
pub(super) enum Groups<'g> {
    Library(&'g [u8], &'g Captures),
    Bounded(&'g [u8], &'g [Option<NonMaxUsize>]),
}

impl GroupFinder<'_> {
    fn find<'g>(&'g mut self, text: &'g [u8], from: usize) -> Result<Option<Groups<'g>>> {
        match self {
            Self::Bounded(search) => {
                let slots: Option<&Slots> = search.find(from)?;
                Ok(slots.map(|slots| Groups::Bounded(text, slots)))
            }
            Self::Library { regex, groups, pace } => {
                regex.captures(pace.search(from)?, groups);
                pace.found(from, groups.get_group(0).map(|found| found.end))?;
                Ok(groups.is_match().then_some(Groups::Library(text, groups)))
            }
        }
    }
}

impl Groups<'_> {
    fn range(&self, index: usize) -> Option<Range<usize>> {
        match self {
            Self::Library(_, groups) => groups.get_group(index).map(|span| span.range()),
            Self::Bounded(_, slots) => group(slots, index),
        }
    }

    /// The text of a group that took part in the match.
    pub(super) fn text(&self, index: usize) -> Option<&[u8]> {
        let (Self::Library(text, _) | Self::Bounded(text, _)) = self;
        self.range(index).map(|range| &text[range])
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
