//! A stream of YAML documents as text: where one ends and the next begins.

/// One document of a stream: its text, and where it stands in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    /// The text between two separators, never empty.
    pub text: &'a [u8],
    /// The line of the stream on which the text begins, from 1.
    pub line: u32,
}

/// A separator with something other than a comment behind it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid Yaml document separator: {trailing}")]
pub struct BadSeparator {
    /// What stands behind the `---`.
    pub trailing: String,
    /// Its line in the stream, from 1.
    pub line: u32,
}

/// The documents of `stream`, split at every line that begins with `---`, as Kubernetes does (apimachinery
/// `pkg/util/yaml/decoder.go:YAMLReader`): by the text alone, before anything is parsed.
///
/// A separator may be followed by blanks and a comment only. The document in front of a bad separator is lost with
/// it, and nothing follows a bad separator.
///
/// ```
/// let texts: Vec<_> = manifestd_manifest::split(b"a: 1\n---\n---\nb: 2\n").map(|d| d.unwrap().text).collect();
/// assert_eq!(texts, [b"a: 1\n", b"b: 2\n"]);
/// ```
#[must_use]
pub fn split(stream: &[u8]) -> Documents<'_> {
    Documents { rest: stream, line: 1 }
}

/// The iterator [`split`] makes.
#[derive(Clone, Debug)]
pub struct Documents<'a> {
    rest: &'a [u8],
    line: u32,
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<Document<'a>, BadSeparator>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match self.document() {
                Ok(document) if document.text.is_empty() => {}
                found => return Some(found),
            }
        }
        None
    }
}

impl<'a> Documents<'a> {
    /// The text up to the next separator, which is taken too; empty when a separator stands right here.
    fn document(&mut self) -> Result<Document<'a>, BadSeparator> {
        let (stream, line) = (self.rest, self.line);
        let mut end = 0;
        while !self.rest.is_empty() {
            let current = self.take_line();
            if let Some(after) = current.strip_prefix(b"---") {
                self.check(after)?;
                break;
            }
            end += current.len();
        }
        Ok(Document { text: &stream[..end], line })
    }

    /// One line with its end.
    fn take_line(&mut self) -> &'a [u8] {
        let length = self.rest.iter().position(|&byte| byte == b'\n').map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.line = self.line.saturating_add(1);
        line
    }

    fn check(&mut self, after: &[u8]) -> Result<(), BadSeparator> {
        let trailing = String::from_utf8_lossy(after);
        let trailing = trailing.trim();
        if trailing.is_empty() || trailing.starts_with('#') {
            return Ok(());
        }
        self.rest = &[];
        Err(BadSeparator { trailing: trailing.to_owned(), line: self.line - 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(stream: &str) -> Vec<(u32, String)> {
        split(stream.as_bytes())
            .map(|found| match found {
                Ok(document) => (document.line, String::from_utf8_lossy(document.text).into_owned()),
                Err(bad) => (bad.line, bad.to_string()),
            })
            .collect()
    }

    #[test]
    fn separators_are_lines_that_begin_with_three_dashes() {
        assert_eq!(texts(""), []);
        assert_eq!(texts("---"), []);
        assert_eq!(texts("---\n--- # nothing\n---\t\r\n"), []);
        assert_eq!(texts("a\n---\nb"), [(1, "a\n".into()), (3, "b".into())]);
        assert_eq!(texts("\n# c\n---\r\nb\r\n---"), [(1, "\n# c\n".into()), (4, "b\r\n".into())]);
        assert_eq!(texts("a: |\n ---\n  --- x\n"), [(1, "a: |\n ---\n  --- x\n".into())]);
    }

    #[test]
    fn text_behind_a_separator_ends_the_stream() {
        let bad = "invalid Yaml document separator: ";
        assert_eq!(texts("a\n---\nb\n--- x \nc\n"), [(1, "a\n".into()), (4, format!("{bad}x"))]);
        assert_eq!(texts("----\nc"), [(1, format!("{bad}-"))]);
        assert_eq!(texts("---{a: 1}\n"), [(1, format!("{bad}{{a: 1}}"))]);
    }

    #[test]
    fn the_documents_and_separators_are_the_whole_stream() {
        let stream = "a\n---\nb\n\n---\n---\nc";
        let total: usize = split(stream.as_bytes()).map(|d| d.unwrap().text.len()).sum();
        assert_eq!(total, stream.len() - 3 * "---\n".len());
    }
}
