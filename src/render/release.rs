//! What the options of a Helm source mean, whichever engine renders: names, the cluster's version, parameters
//! (spec: argocd.md §3.3).

use super::Job;
use crate::error::{Error, Kind, Result};
use crate::request::{HelmOptions, HelmParameter};

/// The release name; empty where nobody gave one.
///
/// # Errors
/// [`Kind::Invalid`] for a template, which helm's flag would render.
pub(super) fn name<'a>(job: &'a Job, options: &'a HelmOptions) -> Result<&'a str> {
    let release = first(&[&options.release_name, application(&job.name)]);
    if release.contains("{{") {
        let message = format!("the release name {release:?} is a template");
        return Err(Error::new(Kind::Invalid, message).help("give the name itself"));
    }
    Ok(release)
}

/// The release's namespace; empty where nobody gave one.
pub(super) fn namespace<'a>(job: &'a Job, options: &'a HelmOptions) -> &'a str {
    first(&[&options.namespace, &job.namespace])
}

/// The parameters that count, in order: texts as `--set` takes them, or `--set-string` where it says so.
pub(super) fn parameters(options: &HelmOptions) -> impl Iterator<Item = (bool, String)> {
    let parameters = &options.parameters;
    // The last of a name counts, and helm takes all `--set` before all `--set-string`.
    let last = |at: usize, parameter: &HelmParameter| {
        let same = |other: &HelmParameter| {
            other.name == parameter.name && other.force_string == parameter.force_string
        };
        !parameters[at + 1..].iter().any(same)
    };
    let kept = parameters.iter().enumerate().filter(move |(at, parameter)| last(*at, parameter));
    kept.map(|(_, parameter)| {
        (parameter.force_string, format!("{}={}", parameter.name, escape_commas(&parameter.value)))
    })
}

/// The numbers at the beginning of a version, as Kubernetes reads it (apimachinery `version.ParseGeneric`):
/// `v1.30.2+k3s1` is `1.30.2`.
///
/// # Errors
/// [`Kind::Invalid`] for what is no version.
pub(super) fn kube_version(text: &str) -> Result<String> {
    let wrong =
        |why: String| Error::new(Kind::Invalid, format!("could not parse kubernetes version {text}: {why}"));
    let rest = text.trim_start();
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    let end = rest.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(rest.len());
    let mut numbers: Vec<&str> = rest[..end].split('.').collect();
    if numbers.first().is_some_and(|number| number.is_empty()) {
        return Err(wrong(format!("could not parse {text:?} as version")));
    }
    // What is no number any more belongs to the rest.
    numbers.truncate(numbers.iter().position(|number| number.is_empty()).unwrap_or(numbers.len()));
    if numbers.len() < 2 {
        return Err(wrong(format!("illegal version string {text:?}")));
    }
    match numbers.iter().find(|number| number.len() > 1 && number.starts_with('0')) {
        Some(number) => Err(wrong(format!("illegal zero-prefixed version component {number:?} in {text:?}"))),
        None => Ok(numbers.join(".")),
    }
}

/// The value with its commas escaped, unless they are or the value is a list: helm would split it there.
fn escape_commas(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    let mut before = ' ';
    for char in value.chars() {
        if char == ',' && before != '\\' {
            escaped.push('\\');
        }
        escaped.push(char);
        before = char;
    }
    escaped
}

fn first<'a>(texts: &[&'a str]) -> &'a str {
    texts.iter().find(|text| !text.is_empty()).copied().unwrap_or("")
}

/// The application in a name that Argo CD has put the namespace before (`<namespace>_<name>`).
fn application(name: &str) -> &str {
    name.split_once('_').map_or(name, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_cut_to_their_numbers() {
        for (text, version) in [
            ("v1.30.2+k3s1", "1.30.2"),
            ("1.33", "1.33"),
            ("v1.29.1-gke.100", "1.29.1"),
            (" 1.2.3.4x", "1.2.3.4"),
            ("1.30.", "1.30"),
        ] {
            assert_eq!(kube_version(text).unwrap(), version);
        }
        for (text, why) in [
            ("1", "illegal version string \"1\""),
            ("latest", "could not parse \"latest\" as version"),
            ("1.02", "illegal zero-prefixed version component \"02\" in \"1.02\""),
            (".5", "could not parse \".5\" as version"),
        ] {
            let error = kube_version(text).unwrap_err();
            assert_eq!(error.message(), format!("could not parse kubernetes version {text}: {why}"));
        }
    }

    #[test]
    fn commas_are_escaped_once() {
        assert_eq!(escape_commas("a,b\\,c,,d"), "a\\,b\\,c\\,\\,d");
        assert_eq!(escape_commas("{a,b}"), "{a,b}");
    }

    #[test]
    fn the_name_is_behind_the_namespace() {
        assert_eq!(application("team_web"), "web");
        assert_eq!(application("web"), "web");
        assert_eq!(first(&["", "b", "c"]), "b");
    }
}
