//! From the nodes of a pattern to the automaton.
//!
//! A state is a node together with whether a name may begin there, since that decides what `**` means.

use std::collections::HashMap;

use super::parse::{Graph, Id, Node};
use crate::nfa::{Chars, Machine, State};

/// A node, and whether a name may begin there.
type Key = (Id, bool);

struct Builder<'a> {
    graph: &'a Graph,
    /// Whether what is left of the pattern from each node matches nothing.
    nothing: Vec<bool>,
    machine: Machine,
    states: HashMap<Key, State>,
    open: Vec<Key>,
}

/// The automaton of a pattern.
pub(super) fn machine(graph: &Graph) -> Machine {
    let nothing = nothing(&graph.nodes);
    let mut builder =
        Builder { graph, nothing, machine: Machine::default(), states: HashMap::new(), open: Vec::new() };
    let start = builder.state(graph.first, true);
    builder.machine.start(start);
    while let Some(key) = builder.open.pop() {
        builder.fill(key);
    }
    builder.machine
}

impl Builder<'_> {
    /// The state of a node; its way on is made later.
    fn state(&mut self, node: Id, begins: bool) -> State {
        if let Some(state) = self.states.get(&(node, begins)) {
            return *state;
        }
        let state = self.machine.stop(self.nothing[node]);
        self.states.insert((node, begins), state);
        self.open.push((node, begins));
        state
    }

    fn fill(&mut self, (node, begins): Key) {
        let from = self.states[&(node, begins)];
        match &self.graph.nodes[node] {
            Node::End => {}
            Node::Star(next) => self.star(from, *next, begins),
            Node::Slash(next) => self.one(from, Chars::One('/'), *next),
            Node::One(chars, next) => self.one(from, chars.clone(), *next),
            Node::Either(ways) => {
                let ways = ways.iter().map(|way| self.state(*way, true)).collect();
                self.machine.fork(from, ways);
            }
        }
    }

    fn one(&mut self, from: State, chars: Chars, next: Id) {
        let begins = matches!(chars, Chars::One('/'));
        let next = self.state(next, begins);
        self.machine.take(from, chars, next);
    }

    /// A `*` at `from` with `next` behind it: perhaps the second one.
    fn star(&mut self, from: State, next: Id, begins: bool) {
        let Node::Star(second) = self.graph.nodes[next] else { return self.run(from, next) };
        match self.graph.nodes[second] {
            Node::End if begins => self.rest(from),
            Node::Slash(after) if begins => self.folders(from, after),
            _ => self.run(from, second),
        }
    }

    /// Any run without `/`. Behind a run that took something, only what follows decides about the end. Of several
    /// runs in a row the last one takes everything, as the library does it.
    fn run(&mut self, from: State, next: Id) {
        let (after, accepts) = (self.state(next, false), self.nothing[next]);
        if matches!(self.graph.nodes[next], Node::Star(_)) {
            return self.machine.fork(from, vec![after]);
        }
        let again = self.machine.stop(accepts);
        let taking = self.machine.one(Chars::Except(vec!['/']), again);
        self.machine.fork(again, vec![taking, after]);
        self.machine.fork(from, vec![taking, after]);
    }

    /// `**` at the end: everything.
    fn rest(&mut self, from: State) {
        let all = self.machine.stop(true);
        self.machine.take(all, Chars::All, all);
        self.machine.take(from, Chars::All, all);
    }

    /// `**/`: any number of whole folders.
    fn folders(&mut self, from: State, next: Id) {
        let (after, accepts) = (self.state(next, true), self.nothing[next]);
        let within = self.machine.stop(false);
        let begin = self.machine.stop(accepts);
        let name = self.machine.one(Chars::Except(vec!['/']), within);
        let slash = self.machine.one(Chars::One('/'), begin);
        self.machine.fork(within, vec![name, slash]);
        self.machine.fork(begin, vec![after, within]);
        self.machine.fork(from, vec![after, within]);
    }
}

/// For each node, whether the library lets what is left of the pattern match nothing. It looks at the spelling.
fn nothing(nodes: &[Node]) -> Vec<bool> {
    let mut nothing: Vec<bool> = Vec::with_capacity(nodes.len());
    for (id, node) in nodes.iter().enumerate() {
        let matches = match node {
            Node::Either(ways) => ways.iter().any(|way| nothing[*way]),
            _ => matches!(spelling(nodes, id).as_deref(), Some("" | "*" | "**" | "/**" | "**/" | "/**/")),
        };
        nothing.push(matches);
    }
    nothing
}

/// What is left of the pattern from `node`, if that is at most four stars and slashes.
fn spelling(nodes: &[Node], mut node: Id) -> Option<String> {
    let mut text = String::new();
    while text.len() <= 4 {
        node = match &nodes[node] {
            Node::End => return Some(text),
            Node::Star(next) => push(&mut text, '*', *next),
            Node::Slash(next) => push(&mut text, '/', *next),
            Node::One(..) | Node::Either(_) => return None,
        };
    }
    None
}

fn push(text: &mut String, char: char, next: Id) -> Id {
    text.push(char);
    next
}
