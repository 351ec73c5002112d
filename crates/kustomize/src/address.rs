//! Addresses of repositories, as entries of kustomizations write them: taken apart as kustomize does, and refused where
//! they could be read as more than an address.
//!
//! Source: kustomize 5.8.1 `api/internal/git/repospec.go`; the test's table was made by asking the program.

use crate::error::{Error, ErrorKind, Result};

/// A folder of a repository at a revision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// What git would be given: a URL, or `user@host:path`.
    pub repository: String,
    /// The branch, tag, ref or commit id; empty is the remote's `HEAD`.
    pub reference: String,
    /// The folder in the repository, relative to its root; empty is the root.
    pub folder: String,
}

const FILE: &str = "file://";

/// The schemes an address may begin with, in any case.
const SCHEMES: [&str; 4] = ["ssh://", "https://", "http://", FILE];

/// How many names of a path are the repository where nothing else says so: the organisation and its repository.
const REPOSITORY_NAMES: usize = 2;

/// Takes an entry apart; `None` for one that is no address, and so names something local.
///
/// # Errors
/// [`ErrorKind::Address`] for what a program could read as an option or a command, for local repositories, and for a
/// query that cannot be read.
pub(crate) fn parse(entry: &str) -> Result<Option<Address>> {
    let (text, query) = entry.split_once('?').unwrap_or((entry, ""));
    let text = without(text, "git::").unwrap_or(text);
    if let Some(helper) = helper(text) {
        return refuse(entry, &format!("addresses of the kind '{helper}::' are never used"));
    }
    let Some((host, path)) = split_host(text) else { return Ok(None) };
    let Some((repository, folder)) = split_path(path, host.starts_with(FILE)) else { return Ok(None) };
    if leaves(folder) {
        return Ok(None);
    }
    if host.starts_with(FILE) {
        return refuse(entry, "repositories of the machine itself are never used");
    }
    let reference = reference(entry, query)?;
    let repository = format!("{host}{repository}");
    check(entry, &repository, &reference)?;
    Ok(Some(Address { repository, reference, folder: folder.trim_start_matches('/').to_owned() }))
}

/// Whether an address says by itself where its repository ends, as those of files hardly ever do.
pub(crate) fn is_marked(entry: &str) -> bool {
    let text = entry.split('?').next().unwrap_or_default();
    let path = text.split_once("://").map_or(text, |(_, rest)| rest);
    path.ends_with(".git") || ["//", ".git/", "_git/"].iter().any(|mark| path.contains(mark))
}

/// The name before `::`, which git takes for a program of its own.
fn helper(text: &str) -> Option<&str> {
    let (name, _) = text.split_once("::")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "+.-_".contains(c);
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

fn without<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// Scheme, user and host with what ends them, and the path.
fn split_host(text: &str) -> Option<(String, &str)> {
    let scheme = SCHEMES.into_iter().find(|scheme| without(text, scheme).is_some());
    let text = &text[scheme.map_or(0, str::len)..];
    let (user, text) = user(text);
    let github = ["github.com/", "github.com:"].iter().any(|host| without(text, host).is_some());
    let scp = scheme.is_none() && (github || !user.is_empty());
    match scheme {
        None if !scp => return None,
        Some(FILE) => return Some((FILE.to_owned(), text)),
        _ => {}
    }
    let (host, path) = text.split_at(separator(text, scp).map_or(text.len(), |at| at + 1));
    if host.is_empty() {
        return None;
    }
    let scheme = scheme.unwrap_or_default();
    let host = match (github, scheme == "ssh://" || !user.is_empty()) {
        (true, true) => format!("{user}github.com:"),
        (true, false) => "https://github.com/".to_owned(),
        (false, _) => format!("{scheme}{user}{host}"),
    };
    Some((host, path))
}

/// `user@` at the beginning; a password, or a name kustomize does not know as one, stays with the host.
fn user(text: &str) -> (&str, &str) {
    let end = text.find('@').map_or(0, |at| at + 1);
    let name = &text[..end.saturating_sub(1)];
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    text.split_at(if plain { end } else { 0 })
}

/// Where the host ends.
fn separator(text: &str, scp: bool) -> Option<usize> {
    let slash = text.find('/');
    let colon = text.find(':').filter(|&at| scp && at > 0 && slash.is_none_or(|slash| at < slash));
    colon.or(slash)
}

/// The path of the repository, and the folder in it.
fn split_path(path: &str, whole: bool) -> Option<(&str, &str)> {
    let (repository, folder) = match (path.find("_git/"), path.find("//"), path.find(".git")) {
        (Some(mark), ..) => {
            let end = path[mark + 5..].find('/').map_or(path.len(), |at| mark + 5 + at);
            path.split_at(end)
        }
        (_, Some(mark), _) => (&path[..mark], &path[mark + 2..]),
        (.., Some(mark)) => path.split_at(mark + 4),
        _ if whole => (path, ""),
        _ => first_names(path)?,
    };
    (!repository.is_empty()).then_some((repository, folder))
}

fn first_names(path: &str) -> Option<(&str, &str)> {
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    slashes.nth(REPOSITORY_NAMES - 2)?;
    Some(path.split_at(slashes.next().unwrap_or(path.len())))
}

/// Whether a folder leads out of its repository.
fn leaves(folder: &str) -> bool {
    tree::TreePath::parse(folder.trim_start_matches('/')) == Err(tree::PathError::Outside)
}

/// The revision a query asks for: `ref`, or else `version`.
fn reference(entry: &str, query: &str) -> Result<String> {
    let mut found = [None, None];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value), false) = (decode(name), decode(value), pair.contains(';')) else {
            return refuse(entry, "its query cannot be read");
        };
        if let Some(at) = ["ref", "version"].iter().position(|known| *known == name) {
            found[at].get_or_insert(value);
        }
    }
    let given = found.into_iter().flatten().find(|value| !value.is_empty());
    Ok(given.unwrap_or_default())
}

/// Takes percent-encoding off a part of a query.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |at: usize| rest.get(at).and_then(|&byte| char::from(byte).to_digit(16));
                let byte = digit(0)? * 16 + digit(1)?;
                rest = &rest[2..];
                u8::try_from(byte).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Refuses the address of a file that is none.
///
/// # Errors
/// [`ErrorKind::Address`].
pub(crate) fn check_url(url: &str) -> Result<()> {
    check(url, url, &option_in_query(url).unwrap_or_default())
}

/// A revision of a query that begins like an option. Such an address is hostile even where it names a file of the web,
/// to which the query means nothing; what else is odd about the query is left to the web.
fn option_in_query(url: &str) -> Option<String> {
    let pairs = url.split_once('?')?.1.split(['&', ';']);
    let mut values = pairs.filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        matches!(&*decode(name)?, "ref" | "version").then(|| decode(value)).flatten()
    });
    values.find(|value| value.starts_with('-'))
}

/// Nothing of an address may look like an option, or hide something.
fn check(entry: &str, repository: &str, reference: &str) -> Result<()> {
    let hidden = |text: &str| text.chars().any(char::is_control);
    if hidden(entry) || hidden(reference) {
        return refuse(entry, "it holds a control character");
    }
    let (host, ends): (_, &[char]) = match repository.split_once("://") {
        Some((_, rest)) => (rest, &['/']),
        None => (repository, &['/', ':']),
    };
    let host = host.split_once('@').map_or(host, |(_, host)| host);
    let path = host.split_once(ends).map_or("", |(_, path)| path.trim_start_matches('/'));
    let parts = [("revision", reference), ("host", host), ("path", path), ("address", entry)];
    match parts.iter().find(|(_, part)| part.starts_with('-')) {
        Some((name, _)) => refuse(entry, &format!("its {name} begins with '-'")),
        None => Ok(()),
    }
}

fn refuse<T>(entry: &str, why: &str) -> Result<T> {
    Err(Error::of(ErrorKind::Address, format!("the remote entry '{}' is refused: {why}", shown(entry))))
}

/// An entry as messages show it: without a password, on one line.
pub(crate) fn shown(entry: &str) -> String {
    let (scheme, rest) = entry.split_once("://").map_or(("", entry), |(scheme, rest)| (scheme, rest));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let shown = match rest[..end].rsplit_once('@') {
        Some((user, host)) if user.contains(':') => {
            format!("{scheme}://{}:***@{host}{}", user.split(':').next().unwrap_or_default(), &rest[end..])
        }
        _ => entry.to_owned(),
    };
    shown.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entry → repository, revision and folder. What kustomize 5.8.1 hands to git; the folder is what is left.
    const READ: &[(&str, [&str; 3])] = &[
        ("github.com/org/repo", ["https://github.com/org/repo", "", ""]),
        ("github.com/org/repo?ref=v1", ["https://github.com/org/repo", "v1", ""]),
        ("github.com/org/repo/sub/dir?ref=v1", ["https://github.com/org/repo", "v1", "sub/dir"]),
        ("github.com/org/repo//sub/dir?ref=v1", ["https://github.com/org/repo", "v1", "sub/dir"]),
        ("GitHub.com/org/repo", ["https://github.com/org/repo", "", ""]),
        ("github.com:org/repo.git", ["https://github.com/org/repo.git", "", ""]),
        ("git@github.com:org/repo.git//sub", ["git@github.com:org/repo.git", "", "sub"]),
        ("git@github.com/org/repo", ["git@github.com:org/repo", "", ""]),
        ("ssh://git@github.com/org/repo", ["git@github.com:org/repo", "", ""]),
        ("ssh://github.com/org/repo//a", ["github.com:org/repo", "", "a"]),
        ("git@host:org/repo//sub", ["git@host:org/repo", "", "sub"]),
        ("git@host:org/repo.git/sub", ["git@host:org/repo.git", "", "sub"]),
        ("git@host:22/org/repo", ["git@host:22/org", "", "repo"]),
        ("git@host/org/repo", ["git@host/org/repo", "", ""]),
        ("user-1@host:a/b/c", ["user-1@host:a/b", "", "c"]),
        ("git@host:/a/b/c", ["git@host:/a", "", "b/c"]),
        ("git@host:a//b/c", ["git@host:a", "", "b/c"]),
        ("git@host:~/a/b", ["git@host:~/a", "", "b"]),
        ("ssh://git@host:2222/org/repo//x", ["ssh://git@host:2222/org/repo", "", "x"]),
        (
            "ssh://git@host/org/repo.git?ref=x&timeout=10&submodules=false",
            ["ssh://git@host/org/repo.git", "x", ""],
        ),
        ("git::https://host/org/repo", ["https://host/org/repo", "", ""]),
        ("git::git@host:org/repo", ["git@host:org/repo", "", ""]),
        ("GIT::ssh://host/a/b", ["ssh://host/a/b", "", ""]),
        ("https://host:9/org/repo.git/sub?ref=v1", ["https://host:9/org/repo.git", "v1", "sub"]),
        (
            "https://host/org/project/_git/repo/sub?version=v1",
            ["https://host/org/project/_git/repo", "v1", "sub"],
        ),
        ("https://host/a/_git/", ["https://host/a/_git/", "", ""]),
        ("https://host/a/b/c/d", ["https://host/a/b", "", "c/d"]),
        ("https://host/a/b/?ref=v1", ["https://host/a/b", "v1", ""]),
        ("https://host/a//b", ["https://host/a", "", "b"]),
        ("https://host//a/b", ["https://host//a", "", "b"]),
        ("https://host/a/b//c//d", ["https://host/a/b", "", "c//d"]),
        ("https://host/a/b//c/../d", ["https://host/a/b", "", "c/../d"]),
        ("https://host/a.git/b//c", ["https://host/a.git/b", "", "c"]),
        ("https://host/a.github/b/c", ["https://host/a.git", "", "hub/b/c"]),
        ("https://user:pw@host/a/b//c", ["https://user:pw@host/a/b", "", "c"]),
        ("hTTps://host/a/b//c", ["https://host/a/b", "", "c"]),
        ("https://host/a/b//c?ref=v1&version=v2", ["https://host/a/b", "v1", "c"]),
        ("https://host/a/b//c?version=v2", ["https://host/a/b", "v2", "c"]),
        ("https://host/a/b//c?ref=&version=v2", ["https://host/a/b", "v2", "c"]),
        ("https://host/a/b//c?ref=a%2Fb", ["https://host/a/b", "a/b", "c"]),
        ("https://host/a/b//c?ref=a+b", ["https://host/a/b", "a b", "c"]),
        ("https://host/a/b//c?ref=a?b", ["https://host/a/b", "a?b", "c"]),
        ("https://host/a/b//c?ref=a#b", ["https://host/a/b", "a#b", "c"]),
    ];

    /// What kustomize takes for something local, too.
    const LOCAL: &[&str] = &[
        "base",
        "../base",
        "./github.com/org/repo",
        "github.com/org",
        "github.com/",
        "user_1@host:a/b/c",
        "host:org/repo",
        "host.com/org/repo",
        "git://host/org/repo",
        "-u@host:a/b",
        "git@host",
        "git@host:",
        "git@host:a",
        "https://host/org",
        "https://host/",
        "https://host",
        "https://host/a/b//../c",
        "https://host/a/b//c/../../d",
        "kind: X\nmetadata: {name: a::b}",
        "",
        "?",
        "é://@",
    ];

    /// What kustomize would hand to git, and is not used here.
    const REFUSED: &[(&str, &str)] = &[
        ("https://host/a/b?ref=--upload-pack=touch%20x", "its revision begins with '-'"),
        ("https://host/a/b?ref=%2D%2Dupload-pack=x", "its revision begins with '-'"),
        ("https://host/a/b?version=-x", "its revision begins with '-'"),
        ("git@host:a/b?ref=-x", "its revision begins with '-'"),
        ("https://host/a/b?ref=v1%0A--upload-pack=x", "it holds a control character"),
        ("https://host/a/b\n--upload-pack=x", "it holds a control character"),
        ("ssh://-oProxyCommand=x/a/b", "its host begins with '-'"),
        ("ssh://git@-oProxyCommand=x/a/b", "its host begins with '-'"),
        ("git@-host:a/b", "its host begins with '-'"),
        ("git@host:-a/b", "its path begins with '-'"),
        ("git@host:/-a/b", "its path begins with '-'"),
        ("github.com/-org/repo", "its path begins with '-'"),
        ("https://host:8443/-org/repo", "its path begins with '-'"),
        ("file:///tmp/repo", "repositories of the machine itself are never used"),
        ("FILE:///tmp/repo//sub", "repositories of the machine itself are never used"),
        ("git::file:///tmp/repo", "repositories of the machine itself are never used"),
        ("ext::sh -c touch% /tmp/x", "addresses of the kind 'ext::' are never used"),
        ("git::ext::sh", "addresses of the kind 'ext::' are never used"),
        ("fd::17/foo", "addresses of the kind 'fd::' are never used"),
        ("https://host/a/b?ref=a%", "its query cannot be read"),
        ("https://host/a/b?ref=a;b", "its query cannot be read"),
        ("https://host/a/b?ref=%FF", "its query cannot be read"),
    ];

    #[test]
    fn addresses_are_read_as_kustomize_reads_them() {
        for (entry, [repository, reference, folder]) in READ {
            let address = parse(entry).unwrap().unwrap_or_else(|| panic!("{entry} is no address"));
            let Address { repository: r, reference: v, folder: f } = &address;
            assert_eq!([r, v, f], [repository, reference, folder], "{entry}");
        }
        for entry in LOCAL {
            assert_eq!(parse(entry), Ok(None), "{entry}");
        }
    }

    #[test]
    fn what_could_be_an_option_is_refused() {
        for (entry, why) in REFUSED {
            let error = parse(entry).expect_err(entry);
            assert_eq!(error.kind(), ErrorKind::Address);
            assert!(error.to_string().ends_with(why), "{entry}: {error}");
        }
    }

    #[test]
    fn a_file_whose_query_holds_an_option_is_refused_by_name() {
        for url in [
            "https://h/r?ref=--upload-pack=touch%20x",
            "https://h/r?a=b&version=%2d%2dupload-pack=x",
            "https://h/r.yaml?a;ref=-x",
        ] {
            let error = check_url(url).unwrap_err().to_string();
            assert!(error.ends_with("its revision begins with '-'"), "{url}: {error}");
        }
        for url in ["https://h/r?ref=v1", "https://h/r?token=--x", "https://h/r?a;b=%", "https://h/r?ref="] {
            assert!(check_url(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn messages_show_no_password_and_no_line_break() {
        assert_eq!(shown("https://user:pw@host/a\nb"), "https://user:***@host/a\\nb");
        assert_eq!(shown("https://user:p@w@host"), "https://user:***@host");
        assert_eq!(shown("git@host:a/b"), "git@host:a/b");
    }

    #[test]
    fn marks() {
        for entry in ["https://h/a/b//c", "https://h/a/b.git", "https://h/a.git/c", "https://h/p/_git/r"] {
            assert!(is_marked(entry), "{entry}");
        }
        for entry in ["https://h/a/b", "https://h/a/b.yaml?ref=a//b", "https://x.github.io/a/b"] {
            assert!(!is_marked(entry), "{entry}");
        }
    }
}
