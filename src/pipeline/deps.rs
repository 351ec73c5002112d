//! Reuse: does an earlier result of the same request, at other revisions or for another cluster, still hold?
//!
//! Every fact the earlier render saw is compared with the new trees. Where all hold, rendering again could only give
//! the same manifests.

use std::sync::Arc;

use tree::{Fact, Reads, Tree};

use super::answers::{Answers, FactSet};
use super::gather;
use super::plan::Plan;
use crate::error::Result;

/// The files of each source, in the request's order.
pub(super) type Trees = Arc<[Arc<dyn Tree>]>;

/// The earlier results of a request.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// Newest first.
    pub(super) sets: Vec<FactSet>,
    /// Why the newest does not hold, in words; `None` when there is none, or before anything was checked.
    pub(super) because: Option<String>,
}

impl Earlier {
    /// The earlier results of this reuse key.
    pub(super) async fn load(answers: &Answers, reuse: &[u8; 32]) -> Self {
        Self { sets: answers.load_facts(reuse).await, because: None }
    }

    /// Whether any of them looked at something that is mounted: then the same must be mounted before they are checked.
    pub(super) fn looked_elsewhere(&self) -> bool {
        let facts = self.sets.iter().flat_map(|set| &set.reads).flat_map(Reads::facts);
        let mut paths = facts.filter_map(Fact::path);
        paths.any(gather::is_mounted)
    }

    /// The newest set that holds, from the one at `from` on; notes why the newest of all does not.
    ///
    /// # Errors
    /// When a tree's store fails: then nothing is known.
    pub(super) fn first_holding(&mut self, from: usize, plan: &Plan, trees: &Trees) -> Result<Option<usize>> {
        for (at, set) in self.sets.iter().enumerate().skip(from) {
            match broken(set, plan, trees)? {
                None => return Ok(Some(at)),
                Some(because) if at == 0 => self.because = Some(because),
                Some(_) => {}
            }
        }
        Ok(None)
    }

    /// Notes that the set at `at` holds but its manifests are gone.
    pub(super) fn gone(&mut self, at: usize) {
        if at == 0 {
            self.because = Some("the earlier result is no longer in the cache".to_owned());
        }
    }
}

fn broken(set: &FactSet, plan: &Plan, trees: &Trees) -> Result<Option<String>> {
    for (position, (reads, tree)) in set.reads.iter().zip(trees.iter()).enumerate() {
        if let Some(broken) = reads.check(tree.as_ref(), &|name| plan.input(name))? {
            let several = trees.len() > 1 && position > 0;
            let of = if several { format!("source {}: ", position + 1) } else { String::new() };
            return Ok(Some(format!("{of}{broken}")));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use tree::{Inputs, MemoryTree, Recorder, TreePath};

    use super::*;
    use crate::render::Job;
    use crate::request::{Origin, RenderRequest, Renderer, Source};
    use crate::source::{Pinned, Scope};

    fn tree(files: &[(&str, &str)]) -> Arc<dyn Tree> {
        let files = files.iter().map(|(path, text)| (*path, (*text).to_owned()));
        Arc::new(MemoryTree::from_files(files).unwrap())
    }

    fn plan(kube_version: &str) -> Plan {
        let origin = || Origin::Folder("unused".into());
        let source = |path: &str, ref_name: &str| Source {
            origin: origin(),
            path: path.into(),
            ref_name: ref_name.into(),
            renderer: Renderer::Detect,
        };
        let pinned = Pinned::never_opened("i", "r", Scope([0; 32]));
        let request = RenderRequest {
            sources: vec![source("a", ""), source("", "v")],
            kube_version: Some(kube_version.into()),
            ..RenderRequest::default()
        };
        Plan::new(request, vec![pinned.clone(), pinned]).unwrap()
    }

    /// What reading one file of each of two sources depended on.
    fn reading(trees: &Trees, files: [&str; 2], inputs: &Inputs) -> FactSet {
        let recorders = trees.iter().map(|tree| Recorder::new(Arc::clone(tree)));
        let mut reads: Vec<_> = recorders
            .zip(files)
            .map(|(recorder, file)| {
                recorder.read(&TreePath::parse(file).unwrap()).unwrap();
                recorder.reads()
            })
            .collect();
        reads[0] = std::mem::take(&mut reads[0]).with_inputs(inputs);
        FactSet { body: [0; 32], reads }
    }

    fn earlier(sets: impl IntoIterator<Item = FactSet>) -> Earlier {
        Earlier { sets: sets.into_iter().collect(), because: None }
    }

    #[test]
    fn each_source_is_checked_on_its_own_tree() {
        let old: Trees = [tree(&[("a", "1"), ("b", "1")]), tree(&[("a", "2"), ("b", "2")])].into();
        let set = reading(&old, ["a", "b"], &Inputs::default());
        let cases: [(&str, &str, Option<&str>); 4] = [
            ("1", "2", None),
            ("x", "2", Some("a changed")),
            ("1", "x", Some("source 2: b changed")),
            ("2", "1", Some("a changed")),
        ];
        for (a_of_first, b_of_second, because) in cases {
            let new: Trees =
                [tree(&[("a", a_of_first), ("b", "other")]), tree(&[("a", "other"), ("b", b_of_second)])]
                    .into();
            let mut earlier = earlier([set.clone()]);
            let held = earlier.first_holding(0, &plan("1.33"), &new).unwrap();
            assert_eq!((held, earlier.because.as_deref()), (because.is_none().then_some(0), because));
        }
    }

    #[test]
    fn inputs_that_were_looked_at_are_checked() {
        let trees: Trees = [tree(&[("a", "1")]), tree(&[("b", "1")])].into();
        let inputs = Inputs::default();
        inputs.note(Job::KUBE_VERSION, Job::kube_version_value(Some("1.33")));
        let set = reading(&trees, ["a", "b"], &inputs);
        let mut earlier = earlier([set]);
        assert_eq!(earlier.first_holding(0, &plan("1.33"), &trees).unwrap(), Some(0));
        assert_eq!(earlier.first_holding(0, &plan("1.34"), &trees).unwrap(), None);
        assert_eq!(earlier.because.as_deref(), Some("the kube version changed"));
    }

    #[test]
    fn an_older_set_may_hold_and_the_newest_says_why_it_does_not() {
        let trees = |text: &str| -> Trees { [tree(&[("a", text)]), tree(&[("b", "1")])].into() };
        let set = |text: &str| reading(&trees(text), ["a", "b"], &Inputs::default());
        let mut earlier = earlier([set("3"), set("2"), set("1")]);
        assert_eq!(earlier.first_holding(0, &plan(""), &trees("2")).unwrap(), Some(1));
        assert_eq!(earlier.because.as_deref(), Some("a changed"));
        assert_eq!(earlier.first_holding(2, &plan(""), &trees("2")).unwrap(), None);
        assert_eq!(earlier.because.as_deref(), Some("a changed"));
    }
}
