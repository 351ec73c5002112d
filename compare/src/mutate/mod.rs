//! Random changes of an input: some lines of YAML, or something that only its engine knows.

mod chart;
mod expression;
mod kustomization;
mod text;

use crate::arguments::Engine;
use crate::input::Input;
use crate::random::Chance;

/// The most changes of one input.
const MAX_CHANGES: usize = 2;

/// Changes an input at random, once or several times.
pub(crate) fn mutate(input: &mut Input, chance: &mut Chance) {
    for _ in 0..=chance.below(MAX_CHANGES) {
        match input.engine {
            Engine::Helm => chart::change(input, chance),
            Engine::Kustomize => kustomization::change(input, chance),
        }
    }
}
