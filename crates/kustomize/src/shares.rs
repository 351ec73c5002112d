//! Values that are one and the same: a label put at several places of a resource is one node in kustomize, so a patch
//! or a replacement that changes it at one place changes it everywhere, selectors included.
//!
//! Each such value has a number in [`Scalar::share`]; what the numbers stand for is kept in the resource's history.
//! A JSON patch ends the sharing, because it writes the resource anew.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::node::{Map, Node, Scalar};
use crate::resource::Resource;

/// Values for the places of one resource, in the order of the texts.
pub(crate) fn values(resource: &mut Resource, texts: &[Scalar]) -> Vec<Scalar> {
    let shares = &mut resource.history.shares;
    let before = shares.len();
    for text in texts {
        let share = u32::try_from(shares.len() + 1).unwrap_or(0);
        shares.push(Scalar { share, ..text.clone() });
    }
    shares[before..].to_vec()
}

/// Brings a change at one place to the others.
///
/// # Errors
/// The budget is used up.
pub(crate) fn settle(resource: &mut Resource) -> Result<()> {
    let Resource { node, history, .. } = resource;
    if history.shares.is_empty() {
        return Ok(());
    }
    let (before, mut changed) = (&history.shares, BTreeMap::new());
    visit(node, &mut |scalar| {
        let known = number(scalar).and_then(|at| before.get(at));
        if known.is_some_and(|known| known.text != scalar.text || known.tag != scalar.tag) {
            changed.insert(scalar.share, scalar.clone());
        }
    });
    budget::look()?;
    if changed.is_empty() {
        return Ok(());
    }
    visit(node, &mut |scalar| {
        if let Some(new) = changed.get(&scalar.share) {
            scalar.clone_from(new);
        }
    });
    for (_, new) in changed {
        if let Some(known) = number(&new).and_then(|at| history.shares.get_mut(at)) {
            *known = new;
        }
    }
    Ok(())
}

/// Where what a value shares is kept.
fn number(scalar: &Scalar) -> Option<usize> {
    usize::try_from(scalar.share).ok()?.checked_sub(1)
}

/// Ends the sharing of values that leave their resource.
pub(crate) fn forget(node: &mut Node) {
    visit(node, &mut |scalar| scalar.share = 0);
}

fn visit(node: &mut Node, each: &mut dyn FnMut(&mut Scalar)) {
    if budget::work(1).is_err() {
        // Nothing is made of the resource any more.
        return;
    }
    match node {
        Node::Scalar(scalar) => each(scalar),
        Node::List(list) => list.items.iter_mut().for_each(|item| visit(item, each)),
        Node::Map(Map { entries, .. }) => entries.iter_mut().for_each(|(_, value)| visit(value, each)),
    }
}

#[cfg(test)]
mod tests;
