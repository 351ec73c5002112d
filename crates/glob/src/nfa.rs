//! The automaton all pattern languages compile to, and its run: one pass over the name with a set of states.

/// The number of a state.
pub(crate) type State = usize;

/// One set of characters.
#[derive(Clone, Debug)]
pub(crate) enum Chars {
    /// Exactly this one.
    One(char),
    /// All.
    All,
    /// All but these.
    Except(Vec<char>),
    /// Those within one of the ranges (ends included), or with `not` the others.
    Ranges {
        /// Lowest and highest character of each range.
        ranges: Vec<(char, char)>,
        /// Whether the set is the others.
        not: bool,
    },
}

impl Chars {
    fn holds(&self, char: char) -> bool {
        match self {
            Self::One(one) => *one == char,
            Self::All => true,
            Self::Except(others) => !others.contains(&char),
            Self::Ranges { ranges, not } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&char)) != *not
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Move {
    /// Takes one character of the set, then is in the state.
    Take(Chars, State),
    /// Is in all of the states at once.
    Fork(Vec<State>),
    /// No way on.
    Stop,
}

/// States under construction, then a machine that runs over names. States are numbered in order of creation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    moves: Vec<Move>,
    accepts: Vec<bool>,
    start: State,
}

impl Machine {
    /// A state without a way on.
    pub(crate) fn stop(&mut self, accepts: bool) -> State {
        self.moves.push(Move::Stop);
        self.accepts.push(accepts);
        self.moves.len() - 1
    }

    /// Gives the state its way on: one character of `chars`, then `next`.
    pub(crate) fn take(&mut self, state: State, chars: Chars, next: State) {
        self.moves[state] = Move::Take(chars, next);
    }

    /// Gives the state its ways on, without taking a character.
    pub(crate) fn fork(&mut self, state: State, next: Vec<State>) {
        self.moves[state] = Move::Fork(next);
    }

    /// A new state: one character of `chars`, then `next`.
    pub(crate) fn one(&mut self, chars: Chars, next: State) -> State {
        let state = self.stop(false);
        self.take(state, chars, next);
        state
    }

    /// A new state: any number of characters of `chars`, then `next`, whose acceptance must be settled.
    pub(crate) fn repeat(&mut self, chars: Chars, next: State) -> State {
        let state = self.stop(self.accepts[next]);
        let again = self.one(chars, state);
        self.fork(state, vec![again, next]);
        state
    }

    /// A new state: in all of `ways` at once, whose acceptance must be settled.
    pub(crate) fn either(&mut self, ways: Vec<State>) -> State {
        let accepts = ways.iter().any(|way| self.accepts[*way]);
        let state = self.stop(accepts);
        self.fork(state, ways);
        state
    }

    /// Says where a run begins.
    pub(crate) fn start(&mut self, state: State) {
        self.start = state;
    }

    /// Whether the whole name leads to an accepting state.
    pub(crate) fn run(&self, name: &str) -> bool {
        let mut now = Set::new(self.moves.len());
        let mut next = Set::new(self.moves.len());
        now.add(self.start);
        for char in name.chars() {
            self.step(&mut now, &mut next, char);
            if next.members.is_empty() {
                return false;
            }
            std::mem::swap(&mut now, &mut next);
        }
        now.members.iter().any(|state| self.accepts[*state])
    }

    /// Fills `next` with the states `char` leads to. Forks add to `now` while it is walked.
    fn step(&self, now: &mut Set, next: &mut Set, char: char) {
        next.clear();
        let mut walked = 0;
        while let Some(state) = now.members.get(walked).copied() {
            walked += 1;
            match &self.moves[state] {
                Move::Take(chars, to) if chars.holds(char) => next.add(*to),
                Move::Fork(to) => to.iter().for_each(|state| now.add(*state)),
                Move::Take(..) | Move::Stop => {}
            }
        }
    }
}

/// A set of states that remembers the order they came in.
struct Set {
    members: Vec<State>,
    held: Vec<bool>,
}

impl Set {
    fn new(states: usize) -> Self {
        Self { members: Vec::with_capacity(states), held: vec![false; states] }
    }

    fn add(&mut self, state: State) {
        if !std::mem::replace(&mut self.held[state], true) {
            self.members.push(state);
        }
    }

    fn clear(&mut self) {
        for state in self.members.drain(..) {
            self.held[state] = false;
        }
    }
}
