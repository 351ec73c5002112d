//! From what each source gave to one body: order, warnings, size.

use super::Body;
use crate::error::Result;
use crate::request::Manifests;

/// One body of what the sources gave, in the request's order; a source that only lends its files gave `None`.
///
/// # Errors
/// [`crate::error::Kind::OverBudget`] when they take more than `most` bytes together.
pub(super) fn finish(sources: Vec<Option<Manifests>>, most: u64) -> Result<Body> {
    let mut all = Manifests::default();
    for (position, given) in sources.into_iter().enumerate() {
        let Manifests { objects, renderers, warnings } = given.unwrap_or_default();
        let source = u32::try_from(position).unwrap_or(u32::MAX);
        all.objects.extend(objects.into_iter().map(|object| crate::request::Manifest { source, ..object }));
        all.renderers.push(renderers.into_iter().next().unwrap_or_default());
        let new = warnings.into_iter().filter(|warning| !all.warnings.contains(warning));
        let new: Vec<String> = new.collect();
        all.warnings.extend(new);
    }
    Body::encode(all, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::request::Manifest;

    fn given(names: &[&str], renderer: &str, warning: &str) -> Option<Manifests> {
        let object = |name: &&str| Manifest { name: (*name).into(), ..Manifest::default() };
        Some(Manifests {
            objects: names.iter().map(object).collect(),
            renderers: vec![renderer.into()],
            warnings: vec![warning.into()],
        })
    }

    #[test]
    fn sources_follow_one_another_and_warnings_are_said_once() {
        let sources = vec![given(&["b", "a"], "Helm", "old"), None, given(&["c"], "Directory", "old")];
        let all = finish(sources, 1 << 20).unwrap().decode().unwrap();
        let objects: Vec<_> = all.objects.iter().map(|object| (&*object.name, object.source)).collect();
        assert_eq!(objects, [("b", 0), ("a", 0), ("c", 2)]);
        assert_eq!(all.renderers, ["Helm", "", "Directory"]);
        assert_eq!(all.warnings, ["old"]);
    }

    #[test]
    fn all_sources_share_one_budget() {
        let sources = || vec![given(&["a"], "Helm", "w"), given(&["b"], "Helm", "w")];
        let size = finish(sources(), u64::MAX).unwrap().size();
        assert!(finish(sources(), size).is_ok());
        assert_eq!(finish(sources(), size - 1).unwrap_err().kind(), Kind::OverBudget);
    }
}
