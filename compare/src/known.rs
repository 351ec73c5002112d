//! Differences that are meant, each with its reason: the rows of COMPATIBILITY.md that random inputs meet.

use crate::arguments::Engine;
use crate::difference::Kind;
use crate::input::Input;
use crate::run::Outcome;

/// A difference that is meant.
#[derive(Debug)]
pub(crate) struct Known {
    engine: Engine,
    kind: Kind,
    /// What the failing side's text holds; for outputs, what a file of the input holds.
    words: &'static str,
    /// Why it is so.
    pub(crate) reason: &'static str,
}

/// All of them.
const KNOWN: &[Known] = &[
    helm(Kind::OursFails, "nested too deep", "templates and values nest less deep"),
    helm(Kind::OursFails, "over the budget", "rendering has budgets"),
    helm(Kind::OursFails, "exceeded maximum template depth", "templates call each other 3,000 deep at most"),
    kustomize(Kind::OursFails, "is refused: no functions", "functions, plugins and programs are never run"),
    kustomize(Kind::OursFails, "add --kustomize-remotes on", "nothing is fetched unless it is asked for"),
    kustomize(Kind::OursFails, "contains itself", "an anchor that contains itself is an error"),
    kustomize(Kind::OursFails, "over the budget", "building has budgets"),
];

const fn helm(kind: Kind, words: &'static str, reason: &'static str) -> Known {
    Known { engine: Engine::Helm, kind, words, reason }
}

const fn kustomize(kind: Kind, words: &'static str, reason: &'static str) -> Known {
    Known { engine: Engine::Kustomize, kind, words, reason }
}

/// The row that says why these outcomes of `input` differ.
pub(crate) fn find(input: &Input, kind: Kind, ours: &Outcome, theirs: &Outcome) -> Option<&'static Known> {
    let holds = |outcome: &Outcome, words: &str| match outcome {
        Outcome::Failed(text) | Outcome::Crashed(text) => text.contains(words),
        Outcome::Done(_) | Outcome::Late => false,
    };
    let fits = |known: &&Known| {
        known.engine == input.engine
            && known.kind == kind
            && match kind {
                Kind::TheirsFails => holds(theirs, known.words),
                Kind::Output => input.files.keys().any(|path| input.text(path).contains(known.words)),
                _ => holds(ours, known.words),
            }
    };
    KNOWN.iter().find(fits)
}
