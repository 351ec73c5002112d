//! `images`: names, tags and digests of images, wherever containers are.

use regex::Regex;

use crate::error::Result;
use crate::fieldspec::{self, Create, FieldSpec};
use crate::kustomization::Image;
use crate::namespace::wrong_kind;
use crate::node::Node;
use crate::resmap::ResMap;
use crate::selector;

/// Changes an image everywhere: first in every list of containers at any depth, then at the places of field specs,
/// which is why a tag suffix appears twice there, as in kustomize.
///
/// # Errors
/// The name is no regular expression; an image is no scalar.
pub(crate) fn transform(map: &mut ResMap, image: &Image, specs: &[FieldSpec]) -> Result<()> {
    let change = Change { image, name: Name::of(&image.name)? };
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
    Dotted(&'i str),
    Regex(Regex),
}

impl<'i> Name<'i> {
    fn of(name: &'i str) -> Result<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
        if name.bytes().all(is_plain) {
            return Ok(Self::Dotted(name));
        }
        let text = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
        selector::compile(&text).map(Self::Regex).map_err(|error| {
            error.under(format!("the image name '{name}' in images is no regular expression"))
        })
    }

    /// Whether an image has this name, whatever its tag and digest.
    fn is_of(&self, image: &str) -> bool {
        match self {
            Self::Regex(regex) => regex.is_match(image),
            Self::Dotted(name) => {
                let mut rest = image.chars();
                let same = |c: char| rest.next().is_some_and(|own| own == c || c == '.' && own != '\n');
                name.chars().all(same) && is_tag_and_digest(rest.as_str())
            }
        }
    }
}

/// `:tag`, `@sha256:digest`, both or neither.
fn is_tag_and_digest(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_.{}-".contains(c);
    let after = |mark: &str, text| -> &str {
        let Some(rest) = str::strip_prefix(text, mark) else { return text };
        rest.trim_start_matches(is_word)
    };
    after("@sha256:", after(":", text)).is_empty()
}

impl Change<'_> {
    fn visit(&self, node: &mut Node) -> Result<()> {
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
        if self.name.is_of(&scalar.text) {
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
