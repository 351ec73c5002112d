//! `images`: names, tags and digests of images, wherever containers are.

use crate::error::Result;
use crate::expression::Expression;
use crate::fieldspec::{self, Create, FieldSpec};
use crate::kustomization::Image;
use crate::namespace::wrong_kind;
use crate::node::Node;
use crate::resmap::ResMap;
use crate::selector;
use crate::version::Profile;

/// Changes an image everywhere: first in every list of containers at any depth, then at the places of field specs,
/// which is why a tag suffix appears twice there, as in kustomize.
///
/// # Errors
/// The name is no regular expression, where that is a mistake; an image is no scalar.
pub(crate) fn transform(
    map: &mut ResMap,
    image: &Image,
    specs: &[FieldSpec],
    profile: &Profile,
) -> Result<()> {
    let Some(name) = Name::of(&image.name, profile)? else { return Ok(()) };
    let change = Change { image, name };
    for resource in &mut map.list {
        if resource.kind() == "CustomResourceDefinition" {
            continue;
        }
        change.visit(&mut resource.node)?;
        for spec in specs {
            fieldspec::apply(resource, spec, Create::Never, &mut |node| change.apply(node))?;
        }
    }
    Ok(())
}

struct Change<'i> {
    image: &'i Image,
    name: Name<'i>,
}

/// The name of images, which kustomize puts into a regular expression as it is.
enum Name<'i> {
    /// One in which nothing is special but dots, which stand for any character. Compiling it would cost more than the
    /// rest of the transformer.
    Dotted {
        name: &'i str,
        any_digest: bool,
    },
    Expression(Expression),
}

impl<'i> Name<'i> {
    /// `None` for one that matches nothing.
    fn of(name: &'i str, profile: &Profile) -> Result<Option<Self>> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
        if name.bytes().all(is_plain) {
            return Ok(Some(Self::Dotted { name, any_digest: profile.matches_any_digest }));
        }
        let algorithm = if profile.matches_any_digest { ANY_ALGORITHM } else { "sha256" };
        let text = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@{algorithm}:[a-zA-Z0-9_.{{}}-]*)?$");
        match selector::compile(&text) {
            Ok(found) => Ok(Some(Self::Expression(found))),
            Err(error) if profile.accepts_invalid_image_names && selector::is_mistake_in_go(&error) => {
                Ok(None)
            }
            Err(error) => {
                Err(error.under(format!("the image name '{name}' in images is no regular expression")))
            }
        }
    }

    /// Whether an image has this name, whatever its tag and digest.
    fn is_of(&self, image: &str) -> Result<bool> {
        match self {
            Self::Expression(expression) => expression.is_match(image),
            Self::Dotted { name, any_digest } => {
                let mut rest = image.chars();
                let same = |c: char| rest.next().is_some_and(|own| own == c || c == '.' && own != '\n');
                Ok(name.chars().all(same) && is_tag_and_digest(rest.as_str(), *any_digest))
            }
        }
    }
}

/// The algorithm of a digest as OCI writes it.
const ANY_ALGORITHM: &str = "[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*";

/// `:tag`, `@algorithm:digest`, both or neither.
fn is_tag_and_digest(text: &str, any_digest: bool) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_.{}-".contains(c);
    let rest = text.strip_prefix(':').map_or(text, |tag| tag.trim_start_matches(is_word));
    let Some(digest) = rest.strip_prefix('@') else { return rest.is_empty() };
    digest.split_once(':').is_some_and(|(algorithm, digest)| {
        let known = if any_digest { is_algorithm(algorithm) } else { algorithm == "sha256" };
        known && digest.chars().all(is_word)
    })
}

fn is_algorithm(text: &str) -> bool {
    let mut parts = text.split(['.', '+', '_', '-']);
    parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl Change<'_> {
    fn visit(&self, node: &mut Node) -> Result<()> {
        budget::work(1)?;
        match node {
            Node::Scalar(_) => Ok(()),
            Node::List(list) => list.items.iter_mut().try_for_each(|item| self.visit(item)),
            Node::Map(map) => {
                for (key, value) in &mut map.entries {
                    self.visit(value)?;
                    if matches!(&*key.text, "containers" | "initContainers") {
                        self.containers(value)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn containers(&self, node: &mut Node) -> Result<()> {
        let Node::List(list) = node else { return Ok(()) };
        for item in &mut list.items {
            if let Some(image) = item.get_mut("image") {
                self.apply(image)?;
            }
        }
        Ok(())
    }

    fn apply(&self, node: &mut Node) -> Result<()> {
        if node.is_null() {
            return Ok(());
        }
        let Node::Scalar(scalar) = &*node else { return Err(wrong_kind("ScalarNode", node)) };
        if self.name.is_of(&scalar.text)? {
            let image = self.image;
            let made = [&image.new_name, &image.new_tag, &image.digest, &image.tag_suffix];
            budget::charge(scalar.text.len() + made.iter().map(|text| text.len()).sum::<usize>())?;
            let text = self.changed(&scalar.text);
            node.set_text(&text);
        }
        Ok(())
    }

    fn changed(&self, old: &str) -> String {
        let (name, tag, digest) = split(old);
        let image = self.image;
        let name = if image.new_name.is_empty() { name } else { &image.new_name };
        let (tag, digest) = match (image.new_tag.as_str(), image.digest.as_str(), image.tag_suffix.as_str()) {
            ("", "", "") => (tag.to_owned(), digest),
            ("", "", suffix) => (format!("{tag}{suffix}"), ""),
            ("", new, _) => (String::new(), new),
            (new, digest, _) => (new.to_owned(), digest),
        };
        let tag = if tag.is_empty() { tag } else { format!(":{tag}") };
        let at = if digest.is_empty() { "" } else { "@" };
        format!("{name}{tag}{at}{digest}")
    }
}

/// Name, tag and digest of an image.
fn split(image: &str) -> (&str, &str, &str) {
    let start = image.find('/').unwrap_or(0);
    let rest = &image[start..];
    let (name_and_tag, digest) = match rest.find('@') {
        Some(at) => (&image[..start + at], &rest[at + 1..]),
        None => (image, ""),
    };
    match name_and_tag[start..].find(':') {
        Some(at) => (&image[..start + at], &name_and_tag[start + at + 1..], digest),
        None => (name_and_tag, "", digest),
    }
}

#[cfg(test)]
mod tests;
