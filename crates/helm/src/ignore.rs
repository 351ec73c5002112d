//! `.helmignore`: which files of a chart's folder are not part of it.
//!
//! Not gitignore: a rule with `!` ignores everything it does not match. Source: helm `pkg/ignore/rules.go`.

use glob::path::Pattern;

/// The rules of one chart, helm's own among them.
#[derive(Debug)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    /// `None` matches nothing: without its marks the pattern is malformed.
    pattern: Option<Pattern>,
    /// `!`
    negated: bool,
    /// A `/` at the end.
    only_folders: bool,
    /// A `/` elsewhere: the pattern is for the whole path, not the last name.
    whole_path: bool,
}

impl Rules {
    /// The rules of a `.helmignore`; an empty text where there is none.
    ///
    /// # Errors
    /// A pattern that cannot be read, or `**`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rules: Vec<Rule> = Vec::new();
        for line in text.lines().map(str::trim) {
            if !line.is_empty() && !line.starts_with('#') {
                rules.push(Rule::parse(line)?);
            }
        }
        // Files with a dot directly in the templates are editors' leavings.
        rules.push(Rule::parse("templates/.?*")?);
        Ok(Self(rules))
    }

    /// Whether the entry at `path` is left out.
    pub(crate) fn ignores(&self, path: &str, is_folder: bool) -> bool {
        if path.is_empty() || path == "." {
            return false;
        }
        for rule in &self.0 {
            let applies = !rule.only_folders || is_folder;
            let matches = applies && rule.matches(path);
            if rule.negated != matches {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Self, String> {
        if line.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        glob::path::matches(line, "abc").map_err(|_| "syntax error in pattern".to_owned())?;
        let (negated, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (only_folders, line) = match line.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let whole_path = line.contains('/');
        let pattern = Pattern::compile(line.strip_prefix('/').unwrap_or(line)).ok();
        Ok(Self { pattern, negated, only_folders, whole_path })
    }

    fn matches(&self, path: &str) -> bool {
        let text = if self.whole_path { path } else { path.rsplit('/').next().unwrap_or(path) };
        self.pattern.as_ref().is_some_and(|pattern| pattern.matches(text))
    }
}
