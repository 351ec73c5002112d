//! `ValueAddTransformer`: one value put into fields of many resources, also as a part of a path.
//!
//! Sources: kustomize 5.8.1 `api/internal/builtins/ValueAddTransformer.go`, `api/filters/valueadd`.

use yaml::v2;

use crate::error::{Error, Result};
use crate::fieldspec;
use crate::loader::Loader;
use crate::namespace::{Namespace, Subjects, wrong_kind};
use crate::node::Node;
use crate::paths::{Path, Request};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::selector::Selector;
use crate::strict::{self, record};

record! {
    /// The transformer as it is written.
    ValueAdd as "plugin" {
        value: String = "value",
        targets: Vec<Target> = "targets",
        file: String = "targetFilePath",
    }
}

record! {
    /// A file of targets.
    Targets as "plugin" {
        targets: Vec<Target> = "targets",
    }
}

record! {
    /// A field.
    Target as "plugin" {
        selector: Option<Selector> = "selector",
        path: String = "fieldPath",
        position: i64 = "filePathPosition",
    }
}

const NAMESPACE: &str = "metadata/namespace";

impl ValueAdd {
    /// Reads the file of targets and checks them all.
    ///
    /// # Errors
    /// There is no target, or one has no path.
    pub(crate) fn prepare(mut self, loader: &Loader<'_>) -> Result<Self> {
        self.value = self.value.trim().to_owned();
        if self.value.is_empty() {
            loader.root.name().unwrap_or("/").clone_into(&mut self.value);
        }
        if !self.file.is_empty() {
            let value = v2::to_value(&loader.load(&self.file)?, &loader.shared.yaml_limits())?;
            let more: Targets = strict::read(&value, false, loader.shared.profile()).map_err(|text| {
                Error::new(format!("error unmarshaling JSON: while decoding JSON: {text}"))
            })?;
            self.targets.extend(more.targets);
        }
        if self.targets.is_empty() {
            return Err(Error::new("must specify at least one target"));
        }
        if self.targets.iter().any(|target| target.path.is_empty()) {
            return Err(Error::new("fieldPath cannot be empty"));
        }
        if let Some(target) = self.targets.iter().find(|target| target.position < 0) {
            let at = target.position;
            return Err(Error::new(format!("value of FilePathPosition ({at}) cannot be negative")));
        }
        Ok(self)
    }

    /// Puts the value everywhere.
    ///
    /// # Errors
    /// A field is no scalar.
    pub(crate) fn transform(&self, map: &mut ResMap) -> Result<()> {
        for target in &self.targets {
            let matcher = target.selector.as_ref().map(Selector::matcher).transpose()?;
            for resource in &mut map.list {
                if matcher.as_ref().map_or(Ok(true), |matcher| matcher.selects(resource))? {
                    self.apply(resource, target)?;
                }
            }
        }
        Ok(())
    }

    fn apply(&self, resource: &mut Resource, target: &Target) -> Result<()> {
        if target.path == NAMESPACE {
            let namespace = Namespace {
                namespace: self.value.clone(),
                unset_only: false,
                subjects: Subjects::default(),
                specs: Vec::new(),
            };
            return namespace.apply(resource);
        }
        let path = Path(fieldspec::split_path(&target.path));
        let made = Node::untagged("");
        let request = Request { path: &path, text: &target.path, create: Some(&made) };
        request.visit(&mut resource.node, &mut |node| {
            if !matches!(node, Node::Scalar(_)) {
                return Err(wrong_kind("ScalarNode", node));
            }
            let text = match usize::try_from(target.position - 1) {
                Ok(at) => {
                    budget::charge(2 * node.raw().len() + self.value.len())?;
                    inserted(node.raw(), at, &self.value)
                }
                Err(_) => {
                    budget::charge(self.value.len())?;
                    self.value.clone()
                }
            };
            node.set_text(&text);
            Ok(())
        })
    }
}

/// A path with another name in it; one that begins with a slash goes on doing so.
fn inserted(path: &str, at: usize, name: &str) -> String {
    let (root, rest) = path.strip_prefix('/').map_or(("", path), |rest| ("/", rest));
    let mut names: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    names.insert(at.min(names.len()), name);
    format!("{root}{}", names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::inserted;

    #[test]
    fn a_name_goes_into_a_path() {
        let cases = [
            ("", 0, "P"),
            ("/", 0, "/P"),
            ("pie", 0, "P/pie"),
            ("/pie", 0, "/P/pie"),
            ("raw", 1, "raw/P"),
            ("/raw", 9, "/raw/P"),
            ("/a/b", 1, "/a/P/b"),
        ];
        for (path, at, expected) in cases {
            assert_eq!(inserted(path, at, "P"), expected, "{path} at {at}");
        }
    }
}
