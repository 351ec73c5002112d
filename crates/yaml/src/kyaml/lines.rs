//! The lines nodes are on once kustomize has written a document again: go-yaml counts those in its messages.
//!
//! Block collections take a line per entry, flow collections one line, block scalars their own lines.
//! Comments and what aliases bring in are not counted.

use std::collections::HashMap;

use budget::Exhausted;

use crate::event::ScalarStyle;
use crate::node::{Kind, NodeRef};

use super::refold;

/// A step of the walk.
enum Step<'d, 'a> {
    Node(NodeRef<'d, 'a>),
    NextLine,
}

/// The lines (from 1) of the `wanted` nodes, by index, after rewriting the document of `root`.
///
/// # Errors
/// The thread's budget is used up.
pub(super) fn rewritten<'d, 'a>(
    root: NodeRef<'d, 'a>,
    wanted: impl Iterator<Item = NodeRef<'d, 'a>>,
) -> Result<HashMap<u32, u32>, Exhausted> {
    let mut lines: HashMap<u32, u32> = wanted.map(|node| (node.index(), 1)).collect();
    let mut line = 1;
    let mut steps = vec![Step::Node(root)];
    while let Some(step) = steps.pop() {
        let Step::Node(node) = step else {
            line += 1;
            continue;
        };
        budget::work(1)?;
        if let Some(found) = lines.get_mut(&node.index()) {
            *found = line;
        }
        let before = steps.len();
        match node.kind() {
            Kind::Mapping => push_mapping(node, &mut steps),
            Kind::Sequence => push_sequence(node, &mut steps),
            Kind::Scalar | Kind::Alias => line += scalar_lines(node),
        }
        steps[before..].reverse();
    }
    Ok(lines)
}

fn push_mapping<'d, 'a>(mapping: NodeRef<'d, 'a>, steps: &mut Vec<Step<'d, 'a>>) {
    for (at, (key, value)) in mapping.pairs().enumerate() {
        if at > 0 && !mapping.is_flow() {
            steps.push(Step::NextLine);
        }
        steps.push(Step::Node(key));
        let complex = !matches!(key.kind(), Kind::Scalar | Kind::Alias);
        if !mapping.is_flow() && (complex || is_block(value)) {
            steps.push(Step::NextLine);
        }
        steps.push(Step::Node(value));
    }
}

fn push_sequence<'d, 'a>(sequence: NodeRef<'d, 'a>, steps: &mut Vec<Step<'d, 'a>>) {
    for (at, item) in sequence.children().enumerate() {
        if at > 0 && !sequence.is_flow() {
            steps.push(Step::NextLine);
        }
        steps.push(Step::Node(item));
    }
}

fn is_block(node: NodeRef<'_, '_>) -> bool {
    let collection = matches!(node.kind(), Kind::Mapping | Kind::Sequence);
    collection && !node.is_flow() && node.children().next().is_some()
}

/// Lines a scalar adds to the one it starts on.
fn scalar_lines(node: NodeRef<'_, '_>) -> u32 {
    let lines = match node.scalar_style() {
        ScalarStyle::Literal => node.value().lines().count(),
        ScalarStyle::Folded => refold::written_lines(node.value()),
        _ => 0,
    };
    lines as u32
}
