//! `kustomize edit set image`.

use std::collections::BTreeMap;

use yaml::Value;

use super::fields::Fields;
use super::invalid;
use crate::error::Result;

/// In place of a part: the one of the kustomization stays.
const PRESERVE: &str = "*";

/// The parts of an image that can be set, and what they are called in a kustomization.
const PARTS: [&str; 3] = ["newName", "newTag", "digest"];

/// What is given for each part; empty where nothing is.
type Parts = [String; 3];

/// Sets images. Those of the kustomization stay, unless they have the name of one that is given; then they are replaced
/// as a whole but for parts that are `*`. The list is sorted by name, with one entry each.
///
/// # Errors
/// An image that kustomize would not take.
pub(super) fn set(fields: &mut Fields, images: &[String]) -> Result<()> {
    let given: BTreeMap<String, Parts> = images.iter().map(|image| parse(image)).collect::<Result<_>>()?;
    // Those of the deprecated field come behind the others.
    let (Some(mut old), Some(older)) = (fields.take_list("images"), fields.take_list("imageTags")) else {
        return Ok(());
    };
    old.extend(older);
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    let mut kept: BTreeMap<String, Fields> = BTreeMap::new();
    for entry in old {
        let entry_fields = entry.as_map().map(Fields::of).unwrap_or_default();
        let name = entry_fields.text("name").to_owned();
        if given.contains_key(&name) {
            kept.entry(name).or_insert(entry_fields);
        } else {
            all.entry(name).or_insert(entry);
        }
    }
    for (name, parts) in given {
        let entry = entry(&name, &parts, kept.get(&name));
        all.insert(name, entry);
    }
    fields.put("images", all.into_values().collect::<Vec<_>>().into());
    Ok(())
}

fn entry(name: &str, parts: &Parts, old: Option<&Fields>) -> Value {
    let mut entry = Fields::default();
    entry.set_text("name", name);
    for (field, part) in PARTS.into_iter().zip(parts) {
        match part.as_str() {
            PRESERVE => entry.set_text(field, old.map_or("", |old| old.text(field))),
            part => entry.set_text(field, part),
        }
    }
    entry.into_value()
}

/// `name=newname:tag@digest` with at least one part behind the name.
fn parse(image: &str) -> Result<(String, Parts)> {
    match image.split_once('=') {
        Some((name, to)) if !name.is_empty() => {
            let (new_name, tag, digest) = split(to);
            Ok((name.to_owned(), [new_name, tag.unwrap_or_default(), digest.unwrap_or_default()]))
        }
        pair => match split(pair.map_or(image, |(_, to)| to)) {
            (_, None, None) => Err(invalid(format!(
                "the image {image:?} has an invalid format: it must be like name=newname:tag@digest, name=newname, \
                 name:tag or name@digest"
            ))),
            (name, tag, digest) => {
                Ok((name, [String::new(), tag.unwrap_or_default(), digest.unwrap_or_default()]))
            }
        },
    }
}

/// Name, tag and digest.
fn split(image: &str) -> (String, Option<String>, Option<String>) {
    let (image, digest) = match image.split_once('@') {
        Some((image, digest)) => (image, Some(digest.to_owned())),
        None => (image, None),
    };
    // A colon before the last slash is that of a port.
    let start = image.rfind('/').map_or(0, |slash| slash + 1);
    match image[start..].find(':').map(|colon| start + colon) {
        Some(colon) => (image[..colon].to_owned(), Some(image[colon + 1..].to_owned()), digest),
        None => (image.to_owned(), None, digest),
    }
}
