//! A search that can be ended at any time, for long texts: the library's own searches cannot be.
//!
//! Pike's simulation of the automaton that the library compiled: all of its states that may be active go through the text
//! side by side, a byte at a time, the preferred ones first. Time is the length of the text times the number of states
//! at most, and is accounted for as it passes.

use std::ops::Range;

use gotmpl::Budget;
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::{NonMaxUsize, StateID};

use crate::args::Result;

/// Where each group begins and ends.
pub(super) type Slots = Vec<Option<NonMaxUsize>>;

/// How many visits to states make one step of the budget.
const VISITS_PER_STEP: usize = 16;

/// States in the order in which they are preferred, each with its groups.
struct Active {
    /// The states, in order.
    dense: Vec<StateID>,
    /// Where a state is in `dense`, if it is there.
    sparse: Vec<usize>,
    /// The groups of each state.
    slots: Vec<Option<NonMaxUsize>>,
}

impl Active {
    fn new(states: usize, slots: usize) -> Self {
        Self { dense: Vec::with_capacity(states), sparse: vec![0; states], slots: vec![None; states * slots] }
    }

    /// Adds a state; false when it is there already.
    fn add(&mut self, state: StateID) -> bool {
        let at = self.sparse[state.as_usize()];
        if self.dense.get(at) == Some(&state) {
            return false;
        }
        self.sparse[state.as_usize()] = self.dense.len();
        self.dense.push(state);
        true
    }

    fn slots_of(&self, state: StateID, wanted: usize) -> &[Option<NonMaxUsize>] {
        let from = state.as_usize() * wanted;
        &self.slots[from..from + wanted]
    }
}

/// What is still to be followed of the states reachable without a byte.
enum Follow {
    State(StateID),
    /// A group's slot gets back what it was.
    Restore(usize, Option<NonMaxUsize>),
}

/// A search within one text, its memory used again for each match.
pub(super) struct Search<'s> {
    nfa: &'s NFA,
    budget: &'s Budget<'s>,
    text: &'s [u8],
    /// How many slots are wanted: 2 for the whole match.
    wanted: usize,
    current: Active,
    next: Active,
    follow: Vec<Follow>,
    /// The groups of the state in hand.
    slots: Slots,
    /// The groups of the match that was found.
    found: Slots,
    visits: usize,
}

/// What following the states takes at most for each byte of the automaton: a place for each of its edges.
const FOLLOWED: usize = 12;

impl<'s> Search<'s> {
    /// A search for all groups, or only for the whole match.
    ///
    /// # Errors
    /// The budget is used up.
    pub(super) fn new(nfa: &'s NFA, budget: &'s Budget<'s>, text: &'s [u8], groups: bool) -> Result<Self> {
        let states = nfa.states().len();
        let wanted = if groups { nfa.group_info().slot_len().max(2) } else { 2 };
        // Each state holds its place twice over, and its groups.
        budget.spend(states.saturating_mul(2 * (8 * wanted + 32)) + FOLLOWED * nfa.memory_usage())?;
        Ok(Self {
            nfa,
            budget,
            text,
            wanted,
            current: Active::new(states, wanted),
            next: Active::new(states, wanted),
            follow: Vec::new(),
            slots: vec![None; wanted],
            found: vec![None; wanted],
            visits: 0,
        })
    }

    /// The groups of the first match at or behind `from`.
    ///
    /// # Errors
    /// The budget is used up, or the search is to stop.
    pub(super) fn find(&mut self, from: usize) -> Result<Option<&Slots>> {
        let mut from = from;
        loop {
            if from > self.text.len() || !self.find_any(from)? {
                return Ok(None);
            }
            let end = self.found[1].map_or(from, NonMaxUsize::get);
            // An empty match within a character is none.
            if !(self.nfa.has_empty() && self.nfa.is_utf8()) || self.is_boundary(end) {
                return Ok(Some(&self.found));
            }
            from += 1;
        }
    }

    fn is_boundary(&self, at: usize) -> bool {
        self.text.get(at).is_none_or(|byte| !(0x80..0xc0).contains(byte))
    }

    /// Looks for a match at or behind `from`, whose groups are then in `found`.
    fn find_any(&mut self, from: usize) -> Result<bool> {
        self.current.dense.clear();
        let mut found = false;
        for at in from..=self.text.len() {
            if self.current.dense.is_empty() && (found || self.is_anchored_behind(at)) {
                break;
            }
            if !found {
                self.slots.fill(None);
                self.reach(self.nfa.start_anchored(), at, false)?;
            }
            found |= self.step(at)?;
            std::mem::swap(&mut self.current, &mut self.next);
            self.next.dense.clear();
        }
        self.current.dense.clear();
        Ok(found)
    }

    /// Whether a match can begin at the beginning of the text only.
    fn is_anchored_behind(&self, at: usize) -> bool {
        at > 0 && self.nfa.is_always_start_anchored()
    }

    /// Takes the byte at `at` into all active states; true when the most preferred match so far ends here.
    fn step(&mut self, at: usize) -> Result<bool> {
        for index in 0..self.current.dense.len() {
            let state = self.current.dense[index];
            self.visit()?;
            let next = match self.nfa.state(state) {
                State::ByteRange { trans } => trans.matches(self.text, at).then_some(trans.next),
                State::Sparse(transitions) => transitions.matches(self.text, at),
                State::Dense(transitions) => transitions.matches(self.text, at),
                State::Match { .. } => {
                    // What comes behind is less preferred.
                    self.found.copy_from_slice(self.current.slots_of(state, self.wanted));
                    return Ok(true);
                }
                _ => None,
            };
            if let Some(next) = next {
                self.slots.copy_from_slice(self.current.slots_of(state, self.wanted));
                self.reach(next, at + 1, true)?;
            }
        }
        Ok(false)
    }

    /// Adds a state and all that can be reached from it without a byte.
    fn reach(&mut self, state: StateID, at: usize, is_next: bool) -> Result<()> {
        self.follow.push(Follow::State(state));
        while let Some(follow) = self.follow.pop() {
            match follow {
                Follow::State(state) => self.reach_one(state, at, is_next)?,
                Follow::Restore(slot, value) => self.slots[slot] = value,
            }
        }
        Ok(())
    }

    fn reach_one(&mut self, mut state: StateID, at: usize, is_next: bool) -> Result<()> {
        loop {
            self.visit()?;
            let active = if is_next { &mut self.next } else { &mut self.current };
            if !active.add(state) {
                return Ok(());
            }
            state = match self.nfa.state(state) {
                State::Look { look, next } if self.nfa.look_matcher().matches(*look, self.text, at) => *next,
                State::Union { alternates } => {
                    let Some((first, others)) = alternates.split_first() else { return Ok(()) };
                    self.follow.extend(others.iter().rev().map(|other| Follow::State(*other)));
                    *first
                }
                State::BinaryUnion { alt1, alt2 } => {
                    self.follow.push(Follow::State(*alt2));
                    *alt1
                }
                State::Capture { next, slot, .. } => {
                    if let Some(value) = self.slots.get_mut(slot.as_usize()) {
                        self.follow.push(Follow::Restore(slot.as_usize(), *value));
                        *value = NonMaxUsize::new(at);
                    }
                    *next
                }
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) | State::Match { .. } => {
                    let from = state.as_usize() * self.wanted;
                    active.slots[from..from + self.wanted].copy_from_slice(&self.slots);
                    return Ok(());
                }
                State::Look { .. } | State::Fail => return Ok(()),
            };
        }
    }

    fn visit(&mut self) -> Result<()> {
        self.visits += 1;
        if self.visits.is_multiple_of(VISITS_PER_STEP) { self.budget.work(1) } else { Ok(()) }
    }
}

/// The range of the whole match.
pub(super) fn whole(slots: &[Option<NonMaxUsize>]) -> Option<Range<usize>> {
    group(slots, 0)
}

/// The range of a group.
pub(super) fn group(slots: &[Option<NonMaxUsize>], index: usize) -> Option<Range<usize>> {
    let [from, to] = slots.get(2 * index..2 * index + 2)? else { return None };
    Some((*from)?.get()..(*to)?.get())
}
