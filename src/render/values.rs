//! Which files the options of a Helm source name: values files with their globs, and file parameters
//! (spec: argocd.md §3.3.4 to §3.3.6).

use std::collections::HashSet;
use std::sync::Arc;

use glob::doublestar::Pattern;
use tree::{Tree, TreePath};

use super::{Job, environment};
use crate::error::{Error, Kind, Result};
use crate::request::HelmOptions;

/// The most entries one glob may look at.
const MAX_LOOKED_AT: usize = 100_000;

/// A file of one of the job's trees, where it really stands.
#[derive(Clone)]
pub(super) struct File {
    /// The tree that holds it.
    pub(super) tree: Arc<dyn Tree>,
    /// What the tree is called in a room.
    pub(super) area: String,
    /// Its path, through no link.
    pub(super) path: TreePath,
}

/// What an option names, before links are followed.
struct Named<'a> {
    tree: Arc<dyn Tree>,
    area: String,
    path: TreePath,
    text: &'a str,
}

/// The area of a room that holds the job's own tree.
pub(super) const SOURCE: &str = "source";

/// The values files in the order in which helm reads them, each once: the first mention counts, but a file that is
/// named as itself does not come earlier through a glob.
///
/// # Errors
/// [`Kind::Invalid`] for a URL, an unknown `$ref`, a bad pattern or a path that leaves its tree; [`Kind::NotFound`] for
/// what does not exist and is not ignored.
pub(super) fn value_files(job: &Job, folder: &TreePath, options: &HelmOptions) -> Result<Vec<File>> {
    let context = |error: Error| error.context("values files");
    if let Some(at) = options.value_files.iter().position(|text| text.trim().is_empty()) {
        let message = format!("entry {} of the values files is empty", at + 1);
        return Err(Error::new(Kind::Invalid, message).help("name a file, or leave the entry out"));
    }
    let named: Vec<Named<'_>> = options
        .value_files
        .iter()
        .map(|text| name(job, folder, text))
        .collect::<Result<_>>()
        .map_err(context)?;
    let explicit: HashSet<(String, TreePath)> = explicit(&named).map_err(context)?;
    let mut seen = HashSet::new();
    let mut files = Vec::new();
    for named in &named {
        let found = if named.is_glob() {
            let found = named.expand(job, options.ignore_missing_value_files).map_err(context)?;
            found.into_iter().filter(|file| !explicit.contains(&file.key())).collect()
        } else {
            named.file(options.ignore_missing_value_files).map_err(context)?
        };
        files.extend(found.into_iter().filter(|file| seen.insert(file.key())));
    }
    Ok(files)
}

/// The file that a file parameter names.
///
/// # Errors
/// As [`value_files`].
pub(super) fn parameter_file(job: &Job, folder: &TreePath, text: &str) -> Result<File> {
    let found = name(job, folder, text).and_then(|named| named.file(false));
    let found = found.map_err(|error| error.context("file parameters"))?;
    found.into_iter().next().ok_or_else(|| Error::new(Kind::NotFound, format!("{text}: no such file")))
}

impl File {
    fn key(&self) -> (String, TreePath) {
        (self.area.clone(), self.path.clone())
    }
}

/// Those of the files that are named as themselves, where they really stand.
fn explicit(named: &[Named<'_>]) -> Result<HashSet<(String, TreePath)>> {
    let plain = named.iter().filter(|named| !named.is_glob());
    plain.map(|named| Ok((named.area.clone(), named.resolve()?))).collect()
}

fn name<'a>(job: &Job, folder: &TreePath, text: &'a str) -> Result<Named<'a>> {
    let is_variable = environment::begins_with_variable(text);
    let (tree, area, base, rest) = match text.strip_prefix('$') {
        Some(rest) if !is_variable || job.lent.contains_key(rest.split('/').next().unwrap_or(rest)) => {
            lent(job, rest)?
        }
        _ => (Arc::clone(&job.tree), SOURCE.to_owned(), folder.clone(), text),
    };
    let rest = environment::substitute(job, rest)?;
    let is_own = area == SOURCE;
    if let Some(scheme) = scheme(&rest).filter(|_| is_own) {
        let message = format!("the URL scheme '{scheme}' is not allowed");
        return Err(Error::new(Kind::Invalid, message).help("values files come from the repository itself"));
    }
    let base = if rest.starts_with('/') { TreePath::root() } else { base };
    let path = base.join(rest.trim_start_matches('/')).map_err(|error| match error {
        tree::PathError::Outside => outside(text),
        other => Error::new(Kind::Invalid, format!("{text:?}: {other}")),
    })?;
    Ok(Named { tree, area, path, text })
}

/// What a text behind `$` names: a source's tree, its area, its root, and the path there.
fn lent<'a>(job: &Job, text: &'a str) -> Result<(Arc<dyn Tree>, String, TreePath, &'a str)> {
    let (name, path) = text.split_once('/').unwrap_or((text, ""));
    let place = job.lent.keys().position(|lent| lent == name);
    match (place, job.lent.get(name)) {
        (Some(place), Some(lent)) => {
            Ok((Arc::clone(&lent.tree), format!("lent-{place}"), TreePath::root(), path))
        }
        _ if job.lent.is_empty() => Err(Error::new(
            Kind::Invalid,
            format!("source referenced \"${name}\", but no source has a 'ref' field defined"),
        )),
        _ => {
            let names: Vec<String> = job.lent.keys().map(|name| format!("${name}")).collect();
            let names = names.join(", ");
            let message =
                format!("source referenced \"${name}\", which is not one of the available sources ({names})");
            Err(Error::new(Kind::Invalid, message))
        }
    }
}

/// The scheme of a text that Go's `net/url` would take for a URL.
fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once(':')?;
    let good = |char: char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.');
    let begins = scheme.starts_with(|char: char| char.is_ascii_alphabetic());
    (begins && scheme.chars().all(good)).then(|| scheme.to_ascii_lowercase())
}

fn outside(text: &str) -> Error {
    Error::new(Kind::Invalid, format!("file '{text}' resolved to outside repository root"))
}

impl Named<'_> {
    fn is_glob(&self) -> bool {
        self.path.as_str().contains(['*', '?', '['])
    }

    fn resolve(&self) -> Result<TreePath> {
        tree::resolve(&*self.tree, &self.path).map_err(|error| match error {
            tree::Error::OutOfBounds { .. } => outside(self.text),
            other => other.into(),
        })
    }

    fn at(&self, path: TreePath) -> File {
        File { tree: Arc::clone(&self.tree), area: self.area.clone(), path }
    }

    /// The one file it names; none if that does not exist and need not.
    fn file(&self, ignore_missing: bool) -> Result<Vec<File>> {
        let path = self.resolve()?;
        match self.tree.kind(&path)? {
            Some(tree::Kind::Folder) => Err(Error::new(Kind::Invalid, format!("{}: is a folder", self.text))),
            Some(_) => Ok(vec![self.at(path)]),
            None if ignore_missing => Ok(Vec::new()),
            None => Err(Error::new(Kind::NotFound, format!("{}: no such file or directory", self.text))),
        }
    }

    /// The files that match its pattern: those of a folder by name, then those of the folders in it.
    fn expand(&self, job: &Job, ignore_missing: bool) -> Result<Vec<File>> {
        let pattern = Pattern::compile(self.path.as_str())
            .map_err(|error| Error::new(Kind::Invalid, format!("{}: {error}", self.text)))?;
        let mut search = Search { named: self, job, pattern, found: Vec::new(), looked_at: 0 };
        let start = self.path.names().take_while(|name| !name.contains(['*', '?', '[', '{', '\\']));
        let start = start.fold(TreePath::root(), |path, name| path.child(name));
        if tree::kind_of(&*self.tree, &start)? == Some(tree::Kind::Folder) {
            let real = tree::resolve(&*self.tree, &start)?;
            search.folder(&start, &[real])?;
        }
        if search.found.is_empty() && !ignore_missing {
            let message = format!("values file glob \"{}\" matched no files", self.text);
            return Err(Error::new(Kind::NotFound, message));
        }
        Ok(search.found)
    }
}

/// A search for the files that match a pattern.
struct Search<'a> {
    named: &'a Named<'a>,
    job: &'a Job,
    pattern: Pattern,
    found: Vec<File>,
    looked_at: usize,
}

impl Search<'_> {
    /// Looks through the folder called `shown`; `chain` holds where it and those above it really are.
    fn folder(&mut self, shown: &TreePath, chain: &[TreePath]) -> Result<()> {
        let Some(real) = chain.last() else { return Ok(()) };
        let mut folders = Vec::new();
        for entry in self.named.tree.list(real)?.iter() {
            self.count()?;
            let (name, at) = (shown.child(&entry.name), real.child(&entry.name));
            let Some(end) = self.end(&name, &at, entry.kind)? else { continue };
            match self.named.tree.kind(&end)? {
                Some(tree::Kind::Folder) => folders.push((name, end)),
                Some(_) if self.pattern.matches(name.as_str()) => self.found.push(self.named.at(end)),
                _ => {}
            }
        }
        for (name, end) in folders {
            // A link up would lead here again and again.
            if !chain.contains(&end) {
                self.folder(&name, &[chain, &[end]].concat())?;
            }
        }
        Ok(())
    }

    /// Where an entry really is; none for a link that cannot be followed and does not match.
    fn end(&self, name: &TreePath, at: &TreePath, kind: tree::Kind) -> Result<Option<TreePath>> {
        if kind != tree::Kind::Link {
            return Ok(Some(at.clone()));
        }
        match tree::resolve(&*self.named.tree, at) {
            Ok(end) => Ok(Some(end)),
            Err(_) if !self.pattern.matches(name.as_str()) => Ok(None),
            Err(tree::Error::OutOfBounds { .. }) => {
                let message = format!(
                    "glob pattern \"{}\": glob match \"{name}\" resolved to outside repository root",
                    self.named.text
                );
                Err(Error::new(Kind::Invalid, message))
            }
            Err(other) => Err(other.into()),
        }
    }

    fn count(&mut self) -> Result<()> {
        self.job.stop.check()?;
        self.looked_at += 1;
        if self.looked_at <= MAX_LOOKED_AT {
            return Ok(());
        }
        let message = format!("the pattern {} looks at more than {MAX_LOOKED_AT} files", self.named.text);
        Err(Error::new(Kind::OverBudget, message).help("begin the pattern with the folder that is meant"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::exec::testing::job;
    use super::*;
    use crate::render::Lent;

    const FILES: [(&str, &str); 8] = [
        ("app/values.yaml", ""),
        ("app/envs/b.yaml", ""),
        ("app/envs/a.yaml", ""),
        ("app/envs/deep/0.yaml", ""),
        ("app/envs/x.json", ""),
        ("shared/base.yaml", ""),
        ("app/[odd].yaml", ""),
        ("secret/x.yaml", ""),
    ];
    const LINKS: [(&str, &str); 5] = [
        ("app/link.yaml", "../shared/base.yaml"),
        ("app/out.yaml", "../../etc/passwd"),
        ("app/abs.yaml", "/etc/passwd"),
        ("app/round", "."),
        ("app/envs/z.yaml", "a.yaml"),
    ];

    fn options(names: &[&str], ignore_missing: bool) -> HelmOptions {
        let value_files = names.iter().map(|&name| name.to_owned()).collect();
        HelmOptions { value_files, ignore_missing_value_files: ignore_missing, ..HelmOptions::default() }
    }

    fn found(names: &[&str], ignore_missing: bool) -> Result<Vec<String>> {
        let mut job = job(&FILES, &LINKS);
        let lent = super::super::exec::testing::job(&[("prod/v.yaml", "")], &[]).tree;
        job.lent.insert("values".to_owned(), Lent { tree: lent });
        let folder = TreePath::parse("app").unwrap();
        let files = value_files(&job, &folder, &options(names, ignore_missing))?;
        Ok(files.iter().map(|file| format!("{}:{}", file.area, file.path)).collect())
    }

    fn refused(name: &str) -> (Kind, String) {
        let error = found(&[name], true).unwrap_err();
        (error.kind(), error.message().to_owned())
    }

    #[test]
    fn files_are_named_from_the_chart_the_root_or_another_source() {
        assert_eq!(
            found(&["values.yaml", "/shared/base.yaml", "$values/prod/v.yaml", "../secret/x.yaml"], false)
                .unwrap(),
            [
                "source:app/values.yaml",
                "source:shared/base.yaml",
                "lent-0:prod/v.yaml",
                "source:secret/x.yaml"
            ]
        );
    }

    #[test]
    fn globs_give_files_first_and_each_file_once() {
        assert_eq!(
            found(&["envs/**/*.yaml"], false).unwrap(),
            ["source:app/envs/a.yaml", "source:app/envs/b.yaml", "source:app/envs/deep/0.yaml"]
        );
        assert_eq!(
            found(&["envs/*.yaml", "envs/a.yaml", "link.yaml", "/shared/base.yaml"], false).unwrap(),
            ["source:app/envs/b.yaml", "source:app/envs/a.yaml", "source:shared/base.yaml"]
        );
        assert_eq!(found(&["$values/*/v.yaml"], false).unwrap(), ["lent-0:prod/v.yaml"]);
        assert_eq!(found(&["none/*.yaml", "none.yaml"], true).unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_missing_is_said() {
        let error = found(&["none.yaml"], false).unwrap_err();
        assert_eq!(error.message(), "values files: none.yaml: no such file or directory");
        let error = found(&["envs/*.yml"], false).unwrap_err();
        assert_eq!(error.kind(), Kind::NotFound);
        assert_eq!(error.message(), "values files: values file glob \"envs/*.yml\" matched no files");
    }

    #[test]
    fn nothing_leads_out_of_its_tree() {
        for name in ["../../etc/passwd", "/../x", "out.yaml", "abs.yaml", "$values/../../x"] {
            let message = format!("values files: file '{name}' resolved to outside repository root");
            assert_eq!(refused(name), (Kind::Invalid, message));
        }
        assert_eq!(
            refused("o*.yaml").1,
            "values files: glob pattern \"o*.yaml\": glob match \"app/out.yaml\" resolved to outside repository root"
        );
    }

    #[test]
    fn urls_are_no_files() {
        for (name, scheme) in [
            ("https://h/v.yaml", "https"),
            ("SECRETS://x", "secrets"),
            ("file:///etc/passwd", "file"),
            ("data:x", "data"),
        ] {
            assert_eq!(
                refused(name),
                (Kind::Invalid, format!("values files: the URL scheme '{scheme}' is not allowed"))
            );
        }
        assert_eq!(scheme("envs/a:b.yaml"), None);
        assert_eq!(scheme(":x"), None);
    }

    #[test]
    fn the_application_may_be_part_of_a_path() {
        let mut job = job(&[("app/values.yaml", ""), ("envs/shop.yaml", ""), ("shop/v.yaml", "")], &[]);
        job.name = "shop".to_owned();
        let names = ["/envs/$ARGOCD_APP_NAME.yaml", "../${ARGOCD_APP_NAME}/v.yaml"];
        let files = value_files(&job, &TreePath::parse("app").unwrap(), &options(&names, false)).unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["envs/shop.yaml", "shop/v.yaml"]);
        let files = value_files(&job, &TreePath::root(), &options(&["$ARGOCD_APP_NAME/v.yaml"], false));
        assert_eq!(files.unwrap()[0].path.as_str(), "shop/v.yaml");
    }

    #[test]
    fn an_empty_entry_says_so() {
        assert_eq!(
            found(&["values.yaml", ""], false).unwrap_err().message(),
            "entry 2 of the values files is empty"
        );
    }

    #[test]
    fn unknown_sources_are_named() {
        assert_eq!(
            refused("$other/v.yaml").1,
            "values files: source referenced \"$other\", which is not one of the available sources ($values)"
        );
        let job = job(&FILES, &[]);
        let error = parameter_file(&job, &TreePath::root(), "$x/y").err().unwrap();
        assert_eq!(
            error.message(),
            "file parameters: source referenced \"$x\", but no source has a 'ref' field defined"
        );
    }
}
