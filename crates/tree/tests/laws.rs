//! The laws of trees, over random trees: paths never escape, links never leave, and facts that hold mean that the
//! same questions get the same answers.

#![expect(clippy::unwrap_used, reason = "a helper of tests may end the test")]

use std::sync::Arc;

use manifestd_tree as tree;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use tree::{Error, MemoryTree, Mount, Overlay, Reads, Recorder, Tree, TreePath, conformance};

/// One thing in a random tree.
#[derive(Clone, Debug)]
enum Leaf {
    File(&'static str),
    Link(String),
    Folder,
    Submodule(u8),
}

/// One question, with everything that can be asked of a tree.
#[derive(Clone, Copy, Debug)]
enum Question {
    Kind,
    Id,
    List,
    Size,
    Read,
    Link,
    Resolve,
    ReadThroughLinks,
}

const QUESTIONS: [Question; 8] = [
    Question::Kind,
    Question::Id,
    Question::List,
    Question::Size,
    Question::Read,
    Question::Link,
    Question::Resolve,
    Question::ReadThroughLinks,
];

/// Few names, so that random trees and random questions meet.
fn name() -> impl Strategy<Value = &'static str> {
    select(vec!["a", "b", "a-b", "c"])
}

fn path() -> impl Strategy<Value = TreePath> {
    vec(name(), 0..4).prop_map(|names| TreePath::parse(&names.join("/")).unwrap())
}

fn link_text() -> impl Strategy<Value = String> {
    vec(select(vec!["a", "b", "c", "..", ".", ""]), 0..4).prop_map(|names| names.join("/"))
}

fn leaf() -> impl Strategy<Value = Leaf> {
    prop_oneof![
        4 => select(vec!["", "x", "y"]).prop_map(Leaf::File),
        2 => link_text().prop_map(Leaf::Link),
        1 => Just(Leaf::Folder),
        1 => (0..2_u8).prop_map(Leaf::Submodule),
    ]
}

type Leaves = Vec<(TreePath, Leaf)>;

fn leaves() -> impl Strategy<Value = Leaves> {
    vec((path(), leaf()), 0..8)
}

/// The tree of those leaves that fit together, the first come first.
fn grow(leaves: &Leaves) -> MemoryTree {
    let mut kept: Leaves = Vec::new();
    for leaf in leaves {
        kept.push(leaf.clone());
        if plant(&kept).is_err() {
            kept.pop();
        }
    }
    plant(&kept).unwrap()
}

fn plant(leaves: &Leaves) -> Result<MemoryTree, Error> {
    let mut builder = MemoryTree::builder();
    for (path, leaf) in leaves {
        match leaf {
            Leaf::File(text) => builder.file(path.clone(), *text),
            Leaf::Link(text) => builder.link(path.clone(), text),
            Leaf::Folder => builder.folder(path.clone()),
            Leaf::Submodule(id) => builder.submodule(path.clone(), [*id; 20]),
        };
    }
    builder.build()
}

/// Two trees that are often nearly the same.
fn two_trees() -> impl Strategy<Value = (Leaves, Leaves)> {
    let edited = (leaves(), leaves(), 0..8_usize).prop_map(|(one, other, keep)| {
        let kept = one.iter().take(keep).cloned().chain(other.into_iter().take(2)).collect();
        (one, kept)
    });
    prop_oneof![4 => edited, 1 => (leaves(), leaves())]
}

fn answer(tree: &dyn Tree, question: Question, path: &TreePath) -> String {
    match question {
        Question::Kind => format!("{:?}", tree.kind(path)),
        Question::Id => format!("{:?}", tree.id(path)),
        Question::List => format!("{:?}", tree.list(path)),
        Question::Size => format!("{:?}", tree.size(path)),
        Question::Read => format!("{:?}", tree.read(path)),
        Question::Link => format!("{:?}", tree.link(path)),
        Question::Resolve => format!("{:?}", tree::resolve(tree, path)),
        Question::ReadThroughLinks => format!("{:?}", tree::read(tree, path)),
    }
}

type Asked = Vec<(Question, TreePath)>;

fn asked() -> impl Strategy<Value = Asked> {
    vec((select(QUESTIONS.to_vec()), path()), 0..6)
}

fn record(tree: Arc<dyn Tree>, asked: &Asked) -> (Reads, Vec<String>) {
    let recorder = Recorder::new(tree);
    let answers = asked.iter().map(|(question, path)| answer(&recorder, *question, path)).collect();
    (recorder.reads(), answers)
}

/// What held before still gives the same answers, and what a tree said holds for itself.
fn law(one: &Arc<dyn Tree>, other: &dyn Tree, asked: &Asked) -> Result<bool, TestCaseError> {
    let (reads, answers) = record(one.clone(), asked);
    let reads = Reads::decode(&reads.encode()).unwrap();
    prop_assert_eq!(reads.check(&**one, &|_| None).unwrap().is_none(), reads.can_hold());
    let holds = reads.check(other, &|_| None).unwrap().is_none();
    if holds {
        let now: Vec<_> = asked.iter().map(|(question, path)| answer(other, *question, path)).collect();
        prop_assert_eq!(now, answers, "{:?}", reads.facts().map(ToString::to_string).collect::<Vec<_>>());
    }
    Ok(holds)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn facts_that_hold_mean_the_same_answers((one, other) in two_trees(), asked in asked()) {
        let one: Arc<dyn Tree> = Arc::new(grow(&one));
        law(&one, &grow(&other), &asked)?;
    }

    #[test]
    fn the_same_for_overlays((one, other) in two_trees(), upper in leaves(), asked in asked()) {
        let over = |lower: &Leaves| Overlay::new(Arc::new(grow(lower)), Arc::new(grow(&upper)));
        let one: Arc<dyn Tree> = Arc::new(over(&one));
        law(&one, &over(&other), &asked)?;
    }

    #[test]
    fn overlays_and_mounts_are_trees(lower in leaves(), upper in leaves(), at in path(), asked in path()) {
        let over = Arc::new(Overlay::mounted(Arc::new(grow(&lower)), at, Arc::new(grow(&upper))));
        prop_assert_eq!(conformance::violations(&*over, &*over), Vec::<String>::new());
        for folder in asked.ancestors() {
            prop_assert!(over.kind(&asked) == Ok(None) || over.kind(&asked).is_err()
                || over.kind(&folder) == Ok(Some(tree::Kind::Folder)));
        }
    }

    #[test]
    fn a_mounted_tree_is_found_where_it_is_mounted(leaves in leaves(), at in path(), asked in path()) {
        let inner = Arc::new(grow(&leaves));
        let mount = Mount::new(at.clone(), inner.clone());
        prop_assert_eq!(mount.kind(&at.append(&asked)).ok(), inner.kind(&asked).ok());
        prop_assert_eq!(mount.id(&at.append(&asked)).ok(), inner.id(&asked).ok());
    }

    #[test]
    fn what_resolves_is_no_link(leaves in leaves(), asked in path()) {
        let tree = grow(&leaves);
        if let Ok(end) = tree::resolve(&tree, &asked) {
            prop_assert!(!matches!(tree.kind(&end), Ok(Some(tree::Kind::Link))), "{end}");
            prop_assert_eq!(tree::resolve(&tree, &end), Ok(end));
        }
    }

    #[test]
    fn no_text_makes_a_path_that_escapes(text in "[./a\\\\ \u{0}é-]{0,12}", base in path()) {
        if let Ok(joined) = base.join(&text) {
            prop_assert!(!joined.as_str().starts_with('/'));
            prop_assert!(joined.as_str().is_empty() || joined.names().count() == joined.as_str().split('/').count());
            prop_assert!(joined.names().all(|name| name != "." && name != ".."));
            prop_assert!(!joined.as_str().contains('\0'));
            prop_assert_eq!(TreePath::parse(joined.as_str()), Ok(joined));
        }
    }

    #[test]
    fn what_strips_joins_again(one in path(), two in path()) {
        if let Some(rest) = one.strip(&two) {
            prop_assert_eq!(two.join(rest), Ok(one.clone()));
        }
        prop_assert_eq!(one.append(&two).beneath(&one), Some(two));
    }

    #[test]
    fn foreign_bytes_never_panic(bytes in vec(any::<u8>(), 0..200), version in prop::bool::ANY) {
        let bytes = if version { [vec![1], bytes].concat() } else { bytes };
        if let Ok(reads) = Reads::decode(&bytes) {
            prop_assert_eq!(Reads::decode(&reads.encode()), Ok(reads));
        }
    }
}

/// The law above says nothing if the facts never hold; over these trees they do, and they break.
#[test]
fn facts_hold_often_enough_to_mean_something() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut held, mut broke) = (0, 0);
    for _ in 0..500 {
        let ((one, other), asked) = (two_trees(), asked()).new_tree(&mut runner).unwrap().current();
        let one: Arc<dyn Tree> = Arc::new(grow(&one));
        match law(&one, &grow(&other), &asked).unwrap() {
            true => held += 1,
            false => broke += 1,
        }
    }
    assert!(held > 100 && broke > 100, "{held} held, {broke} broke");
}
