//! What the unit tests of transformers share: resources from text, and text from resources.

use yaml::{Limits, Value, json};

use crate::node::Node;
use crate::reader;
use crate::resmap::ResMap;
use crate::strict::{self, Decode};
use crate::version::{KustomizeVersion, Profile};
use crate::{data, error::Result};

/// What is special about the newest version.
pub(crate) fn profile() -> &'static Profile {
    KustomizeVersion::default().profile()
}

/// The resources of a text.
pub(crate) fn resources(text: &str) -> ResMap {
    ResMap { list: reader::resources(text.as_bytes(), &Limits::default(), profile()).unwrap() }
}

/// The first document of a text.
pub(crate) fn node(text: &str) -> Node {
    reader::parse(text.as_bytes(), &Limits::default()).unwrap().unwrap()
}

/// A text as data.
pub(crate) fn value(text: &str) -> Value {
    yaml::v2::to_value(text.as_bytes(), &Limits::default()).unwrap()
}

/// Something read as the kustomization file is.
pub(crate) fn read<T: Decode + Default>(text: &str) -> T {
    strict::read(&value(text), true, profile()).unwrap()
}

/// A node as sorted JSON.
pub(crate) fn shown(node: &Node) -> Result<String> {
    Ok(json::to_string(&data::of(node, profile())?)?)
}

/// The field at a path of the only resource, as JSON; empty when it is not there.
pub(crate) fn field(map: &ResMap, path: &str) -> String {
    let names: Vec<_> = path.split('/').collect();
    map.list[0].node.at(&names).map_or_else(String::new, |node| shown(node).unwrap())
}
