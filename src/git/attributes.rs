//! `.gitattributes` on the way to a file: which conversion a checkout would apply to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::attrs::StateRef;
use gix::attrs::search::{MetadataCollection, Outcome};
use gix::bstr::BStr;
use gix::glob::pattern::Case;
use tree::TreePath;

use super::convert::{Conversion, Encoding, Lines};
use super::objects::Reason;

/// The attributes that change content at checkout, in the order [`Rules::conversion`] takes their states.
const NAMES: [&str; 5] = ["text", "crlf", "eol", "ident", "working-tree-encoding"];

/// The largest `.gitattributes` file that is read, in bytes.
pub(super) const MAX_RULES: u64 = 1 << 20;

/// The rules of every `.gitattributes` from the root to one folder, git's own macro `binary` included. Neither
/// the user's nor the system's files are looked at: a commit means the same everywhere.
pub(super) struct Rules {
    search: gix::attrs::Search,
    names: MetadataCollection,
}

impl Rules {
    /// The rules of these files, outermost first: each the folder it is in and its content.
    pub(super) fn new(files: impl IntoIterator<Item = (TreePath, bytes::Bytes)>) -> Result<Self, Reason> {
        let unreadable = |_| Reason::refused("a .gitattributes file cannot be read");
        let mut names = MetadataCollection::default();
        let built_in = gix::attrs::Search::new_globals(None::<PathBuf>, &mut Vec::new(), &mut names);
        let mut search = built_in.map_err(unreadable)?;
        for (folder, content) in files {
            let file = Path::new(folder.as_str()).join(".gitattributes");
            // Only the outermost file of a repository may define macros (gitattributes(5)).
            let macros = folder.is_root();
            // A checkout reads these files from the index, where git skips no byte order mark: the line that begins
            // with one is about files whose names do. The library would skip it at the very beginning only.
            let content = [b"\n", &content[..]].concat();
            search
                .add_patterns_buffer(&content, file, Some(Path::new("")), &mut names, macros)
                .map_err(unreadable)?;
        }
        Ok(Self { search, names })
    }

    /// What a checkout on Linux without configuration does to the file at `path`.
    pub(super) fn conversion(&self, path: &TreePath) -> Conversion {
        let mut found = Outcome::default();
        found.initialize_with_selection(&self.names, NAMES);
        let path = tree::name_to_bytes(path.as_str());
        let path: &BStr = (*path).into();
        self.search.pattern_matching_relative_path(path, Case::Sensitive, Some(false), &mut found);
        let states: Vec<StateRef<'_>> =
            found.iter_selected().map(|matched| matched.assignment.state).collect();
        match states[..] {
            [text, crlf, eol, ident, encoding] => Conversion {
                lines: lines(text, crlf, eol),
                ident: ident == StateRef::Set,
                encoding: encoding_of(encoding),
            },
            _ => Conversion::default(),
        }
    }
}

/// What `text`, its old name `crlf`, and `eol` say together (gitattributes(5), "End-of-line conversion").
fn lines(text: StateRef<'_>, crlf: StateRef<'_>, eol: StateRef<'_>) -> Lines {
    let text = said(text).or_else(|| said(crlf));
    let to_crlf = eol.as_bstr().is_some_and(|eol| eol == "crlf");
    match text {
        Some(Said::Binary) => Lines::Kept,
        Some(Said::Auto) if to_crlf => Lines::CrlfIfText,
        _ if to_crlf => Lines::Crlf,
        _ => Lines::Kept,
    }
}

enum Said {
    Binary,
    Auto,
    Text,
}

fn said(state: StateRef<'_>) -> Option<Said> {
    match state {
        StateRef::Set => Some(Said::Text),
        StateRef::Unset => Some(Said::Binary),
        StateRef::Value(value) if value.as_bstr() == "auto" => Some(Said::Auto),
        StateRef::Value(value) if value.as_bstr() == "input" => Some(Said::Text),
        StateRef::Value(_) | StateRef::Unspecified => None,
    }
}

fn encoding_of(state: StateRef<'_>) -> Encoding {
    match state {
        StateRef::Unspecified => Encoding::Kept,
        StateRef::Value(value) => Encoding::named(&value.as_bstr().to_string()),
        StateRef::Set => Encoding::Unknown(Arc::from("true")),
        StateRef::Unset => Encoding::Unknown(Arc::from("false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversion(files: &[(&str, &'static str)], path: &str) -> Conversion {
        let path_of = |text: &str| TreePath::parse(text).unwrap();
        let files = files.iter().map(|(folder, text)| (path_of(folder), bytes::Bytes::from(*text)));
        Rules::new(files).unwrap().conversion(&path_of(path))
    }

    fn lines_of(text: &'static str) -> Lines {
        conversion(&[("", text)], "a/b.yaml").lines
    }

    #[test]
    fn only_eol_crlf_changes_lines() {
        for kept in
            ["* text", "* text=auto", "* text eol=lf", "* -text eol=crlf", "* binary eol=crlf", "* crlf", ""]
        {
            assert_eq!(lines_of(kept), Lines::Kept, "{kept}");
        }
        for crlf in ["* eol=crlf", "* text eol=crlf", "*.yaml crlf=input eol=crlf", "a/** text=odd eol=crlf"]
        {
            assert_eq!(lines_of(crlf), Lines::Crlf, "{crlf}");
        }
        assert_eq!(lines_of("* text=auto eol=crlf"), Lines::CrlfIfText);
    }

    #[test]
    fn the_nearest_file_wins() {
        let root = ("", "*.yaml eol=crlf ident\n");
        assert!(conversion(&[root], "a/b.yaml").ident);
        let near = ("a", "b.yaml -ident !eol\n");
        assert_eq!(conversion(&[root, near], "a/b.yaml"), Conversion::default());
        assert_eq!(conversion(&[root, near], "b/b.yaml").lines, Lines::Crlf);
    }

    #[test]
    fn a_byte_order_mark_is_part_of_the_pattern() {
        let marked = "\u{feff}*.yaml ident\n*.txt ident\n";
        assert!(!conversion(&[("", marked)], "a.yaml").ident);
        assert!(conversion(&[("", marked)], "a.txt").ident);
    }

    #[test]
    fn macros_come_from_the_root_only() {
        let defined = "[attr]win text eol=crlf\n*.bat win\n";
        assert_eq!(conversion(&[("", defined)], "a/x.bat").lines, Lines::Crlf);
        assert_eq!(conversion(&[("a", defined)], "a/x.bat").lines, Lines::Kept);
    }

    #[test]
    fn encodings_are_names() {
        let of = |text| conversion(&[("", text)], "x").encoding;
        assert_eq!(of("* working-tree-encoding=UTF-8"), Encoding::Kept);
        assert_eq!(of("* working-tree-encoding=utf-16le"), Encoding::named("UTF-16LE"));
        assert!(matches!(of("* working-tree-encoding"), Encoding::Unknown(_)));
        assert!(matches!(of("* working-tree-encoding=KOI8-R"), Encoding::Unknown(_)));
    }
}
