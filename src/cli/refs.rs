//! `manifestd refs`.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::ArgMatches;

use super::{Done, output, render, report, say, start};
use crate::request::Refs;

pub(super) fn run(matches: &ArgMatches) -> Done {
    let settings = start::settings(matches)?;
    let (origin, _) = render::place(matches).find()?;
    let refs = start::local(settings, async |service| service.sources().refs(&origin, true).await)?;
    if refs.commits.is_empty() {
        say(&report::warning("the repository is empty: it has no branches and no tags"));
    }
    output::written(io::stdout().lock().write_all(lines(&refs).as_bytes()))?;
    Ok(())
}

/// HEAD first, then every ref in the order of its name.
fn lines(refs: &Refs) -> String {
    let mut lines = String::new();
    let head = refs.head.as_ref().and_then(|name| refs.commits.get_key_value(name));
    for (name, commit) in head.into_iter().chain(&refs.commits) {
        let _ = writeln!(lines, "{commit}\t{name}");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_comes_first() {
        let commits = [("refs/heads/a", "1"), ("refs/heads/main", "2"), ("refs/tags/v1", "3")];
        let commits = commits.into_iter().map(|(name, commit)| (name.into(), commit.into())).collect();
        let refs = Refs { commits, head: Some("refs/heads/main".into()) };
        assert_eq!(
            lines(&refs),
            "2\trefs/heads/main\n1\trefs/heads/a\n2\trefs/heads/main\n3\trefs/tags/v1\n"
        );
    }
}
