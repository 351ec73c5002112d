//! The lines nodes are on once kustomize has written a document again: go-yaml counts those in its messages.
//!
//! Block collections take a line per entry, flow collections one line, block scalars their own lines.
//! Comments and what aliases bring in are not counted.

use crate::event::ScalarStyle;
use crate::node::{Kind, NodeRef};

use super::refold;

/// A step of the walk.
enum Step<'d, 'a> {
    Node(NodeRef<'d, 'a>),
    NextLine,
}

/// The line (from 1) of `wanted` after rewriting the document of `root`.
pub(super) fn rewritten(root: NodeRef<'_, '_>, wanted: NodeRef<'_, '_>) -> u32 {
    let mut line = 1;
    let mut steps = vec![Step::Node(root)];
    while let Some(step) = steps.pop() {
        let Step::Node(node) = step else {
            line += 1;
            continue;
        };
        if node.index() == wanted.index() {
            break;
        }
        let before = steps.len();
        match node.kind() {
            Kind::Mapping => push_mapping(node, &mut steps),
            Kind::Sequence => push_sequence(node, &mut steps),
            Kind::Scalar | Kind::Alias => line += scalar_lines(node),
        }
        steps[before..].reverse();
    }
    line
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
