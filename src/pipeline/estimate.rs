//! A guess of the memory a render takes, from the sizes of its input; made before a permit is asked for.

use tree::{Kind, Tree, TreePath};

/// What any render takes: the engine's own tables, the encoded answer of a small application.
const LEAST: u64 = 4 << 20;

/// Memory for each byte of input: the text, its node tree of small allocations, and the objects made from it.
const PER_BYTE: u64 = 12;

/// Folders with more entries are judged by so many of them: a guess must not take as long as a render.
const MOST_ENTRIES: usize = 2_000;

/// About how many bytes rendering the folder at `path` takes. What cannot be read counts nothing here, and fails where
/// it is used.
pub(super) fn estimate(tree: &dyn Tree, path: &TreePath) -> u64 {
    let mut folders = vec![path.clone()];
    let mut left = MOST_ENTRIES;
    let mut bytes: u64 = 0;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = tree.list(&folder) else { continue };
        for entry in entries.iter().take(left) {
            let path = folder.child(&entry.name);
            match entry.kind {
                Kind::File => bytes = bytes.saturating_add(tree.size(&path).unwrap_or(0)),
                Kind::Folder => folders.push(path),
                Kind::Link | Kind::Submodule | Kind::Other => {}
            }
        }
        left = left.saturating_sub(entries.len());
        if left == 0 {
            break;
        }
    }
    LEAST.saturating_add(bytes.saturating_mul(PER_BYTE))
}

#[cfg(test)]
mod tests {
    use tree::MemoryTree;

    use super::*;

    #[test]
    fn counts_the_folder_and_what_is_beneath() {
        let tree =
            MemoryTree::from_files([("app/a", "12345"), ("app/b/c", "12345"), ("other/d", "12345")]).unwrap();
        let of = |path: &str| estimate(&tree, &TreePath::parse(path).unwrap());
        assert_eq!(of("app"), LEAST + 10 * PER_BYTE);
        assert_eq!(of("."), LEAST + 15 * PER_BYTE);
        assert_eq!(of("none"), LEAST);
        assert_eq!(of("app/a"), LEAST);
    }

    #[test]
    fn a_huge_folder_is_judged_by_a_part_of_it() {
        let names: Vec<String> = (0..3_000).map(|number| format!("f{number:04}")).collect();
        let tree = MemoryTree::from_files(names.iter().map(|name| (name.as_str(), "x"))).unwrap();
        assert_eq!(estimate(&tree, &TreePath::root()), LEAST + MOST_ENTRIES as u64 * PER_BYTE);
    }
}
