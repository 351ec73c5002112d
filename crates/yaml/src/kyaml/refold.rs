//! What becomes of a folded scalar when kustomize writes it with `>` and reads it again.
//!
//! go-yaml's emitter puts an extra line break before a more indented line and at the end of a kept scalar, and none
//! at all when the text begins with a blank. The text is written as it does and read by our own scanner.

use budget::Charge;

use crate::error::Dialect;
use crate::input::Source;
use crate::limits::Limits;
use crate::node::Document;

/// The text after the round, if it is not the same.
pub(super) fn refold(text: &str) -> Option<String> {
    if !text.contains('\n') || !stays_folded(text) {
        return None;
    }
    // Whoever asked goes on with the text as it was; a budget that is used up does not forget it.
    let mut memory = Charge::default();
    memory.add(2 * text.len()).ok()?;
    let written = write(text);
    let limits = Limits { bytes: usize::MAX, ..Limits::default() };
    let source = Source::new(written.as_bytes(), &limits).ok()?;
    let document = Document::first(&source, Dialect::V3, &limits).ok()??;
    let item = document.root().children().next()?;
    Some(item.value().to_owned())
}

/// Lines the text takes below its `>`.
pub(super) fn written_lines(text: &str) -> usize {
    write(text).lines().count() - 1
}

/// Whether the emitter keeps `>`: it takes quotes for blanks before breaks and for what needs escapes.
fn stays_folded(text: &str) -> bool {
    let printable =
        |c: char| matches!(c, '\t' | '\n' | ' '..='~' | '\u{A0}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFFD}');
    !text.ends_with(' ') && !text.contains(" \n") && text.chars().all(printable)
}

fn write(text: &str) -> String {
    let mut out = String::from("- >");
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    out.push_str(if !text.ends_with('\n') {
        "-"
    } else if text == "\n" || text.ends_with("\n\n") {
        "+"
    } else {
        ""
    });
    out.push('\n');
    let begins_blank = text.trim_start_matches('\n').starts_with([' ', '\t']);
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches('\n');
        if content.is_empty() {
            out.push('\n');
            continue;
        }
        out.push_str("  ");
        out.push_str(line);
        let folds = !begins_blank && !content.starts_with([' ', '\t']);
        if folds && line.len() > content.len() {
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_breaks_of_the_emitter() {
        let same = |text: &str| assert_eq!(refold(text).as_deref(), Some(text));
        same("a\nb\n");
        same("a\n\nb");
        assert_eq!(refold("a\n  b\nc\n").as_deref(), Some("a\n\n  b\nc\n"));
        assert_eq!(refold("a\n\n").as_deref(), Some("a\n\n\n"));
        assert_eq!(refold(" a\nb\nc\n").as_deref(), Some(" a\nb c\n"));
        assert_eq!(refold("a"), None);
        assert_eq!(refold("a \nb"), None);
    }
}
