//! The flags of `manifestd template`: those of `helm template`, and a few of our own.

use clap::{Arg, ArgMatches, Command, value_parser};
use helm::HelmVersion;

use super::elsewhere;
use crate::cli::flags::{many, one, switch, texts};
use crate::cli::report;

const EXAMPLES: &str = "\
Examples:
  A chart with values, as helm would print it:
    manifestd template web charts/web -n prod -f values-prod.yaml --set image.tag=1.2.3
  As helm 3 would print it:
    manifestd template web charts/web --helm-version 3.21.4
  What one template printed, before it is split into documents:
    manifestd template web charts/web --raw web/templates/deployment.yaml
  The same random passwords and certificates again:
    manifestd template web charts/web --seed mine --now 1700000000";

/// The command.
pub(in crate::cli) fn command() -> Command {
    Command::new("template")
        .about("Render a chart as `helm template` does, to the byte")
        .long_about(
            "Render a local chart as `helm template` does: the same bytes on standard output, helm's text on standard error. \
             The helm program is not needed, and nothing is fetched: dependencies are taken from the chart's charts/ folder.",
        )
        .override_usage("manifestd template [OPTIONS] [NAME] <CHART>")
        .arg(Arg::new("first").value_name("NAME").required(true).help("The release name [default: release-name]"))
        .arg(Arg::new("second").value_name("CHART").help("The chart: a folder or an archive of this machine"))
        .args(release_args())
        .args(values_args().map(|arg| arg.help_heading("Values")))
        .args(output_args().map(|arg| arg.help_heading("Output")))
        .args(repeat_args().map(|arg| arg.help_heading("Repeating")))
        .args(elsewhere::args())
        .after_help(format!("{EXAMPLES}\n\n{}", report::EXIT_CODES))
}

fn release_args() -> impl Iterator<Item = Arg> {
    [
        one("namespace", "NAME", "The namespace of the release").short('n').default_value("default"),
        switch("generate-name", "Ask for a generated name, for which `helm template` takes the default one").short('g'),
        one("name-template", "TEMPLATE", "A template that makes the release name"),
        switch("is-upgrade", "Set .Release.IsUpgrade instead of .Release.IsInstall"),
        one("kube-version", "VERSION", "The Kubernetes version to render for"),
        many("api-versions", "LIST", "More API versions that the cluster has, with commas or several times").short('a'),
        one("helm-version", "VERSION", "The version of helm to be equal to: 4.3.2, 4.3.1, 4.2.4, 4.2.1 or 3.21.4")
            .env("MANIFESTD_HELM_VERSION")
            .default_value("4.3.2")
            .value_parser(|text: &str| text.parse::<HelmVersion>()),
        one("root", "FOLDER", "What the chart may read of: links never lead out of it [default: the git work tree the chart is in, else /]"),
    ]
    .into_iter()
}

fn values_args() -> impl Iterator<Item = Arg> {
    [
        many(
            "values",
            "FILES",
            "Values files, weakest first, with commas or several times; `-` is standard input",
        )
        .short('f'),
        many("set", "PATH=VALUE", "Values; commas separate several"),
        many("set-string", "PATH=TEXT", "Values that stay strings"),
        many("set-json", "PATH=JSON", "Values as JSON, or one JSON object"),
        many("set-literal", "PATH=TEXT", "One value, taken as it is"),
        many("set-file", "PATH=FILE", "Values taken from files"),
        switch("skip-schema-validation", "Do not check values.schema.json"),
    ]
    .into_iter()
}

fn output_args() -> impl Iterator<Item = Arg> {
    [
        switch("include-crds", "Print the charts' crds/ folders too"),
        switch("skip-tests", "Leave out the charts' tests"),
        switch("no-hooks", "Leave out hooks"),
        one(
            "output-dir",
            "FOLDER",
            "Write the documents to files beneath this folder instead of standard output",
        ),
        switch("release-name", "Put the release name between --output-dir and the chart's name"),
        switch("debug", "Print what the templates made even where a document cannot be read"),
        many(
            "show-only",
            "TEMPLATE",
            "Only the documents of this template, as a path in the chart; may be given several times",
        )
        .short('s'),
        one(
            "raw",
            "NAME",
            "What one template printed as it is, by its full name such as web/charts/db/templates/x.yaml",
        )
        .conflicts_with("show-only"),
    ]
    .into_iter()
}

/// The flags that make charts come out the same again.
pub(in crate::cli) fn repeat_args() -> impl Iterator<Item = Arg> {
    [
        one(
            "seed",
            "TEXT",
            "Where the functions of chance begin, such as randAlphaNum and genCA [default: chance]",
        ),
        one(
            "now",
            "SECONDS",
            "The time that the functions of time see, in seconds since 1970 [default: the clock]",
        )
        .allow_negative_numbers(true)
        .value_parser(value_parser!(i64)),
    ]
    .into_iter()
}

/// The parts of a flag that is a list: each use is one line of comma separated values, quoted where they hold commas.
///
/// # Errors
/// In words, for a quote that does not belong there.
pub(super) fn lists(matches: &ArgMatches, name: &str) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for line in texts(matches, name) {
        let fields =
            fields(&line).ok_or_else(|| format!("--{name} {line}: the quotes are not those of a list"))?;
        all.extend(fields);
    }
    Ok(all)
}

/// The fields of one line of CSV; `None` where its quotes are wrong. An empty line has none.
pub(super) fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = Some(line).filter(|line| !line.is_empty());
    while let Some(text) = rest {
        let (field, after) = match text.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => plain_field(text)?,
        };
        fields.push(field);
        rest = after;
    }
    Some(fields)
}

/// A field without quotes, and what follows its comma.
fn plain_field(text: &str) -> Option<(String, Option<&str>)> {
    let (field, rest) = match text.split_once(',') {
        Some((field, rest)) => (field, Some(rest)),
        None => (text, None),
    };
    (!field.contains('"')).then(|| (field.to_owned(), rest))
}

/// A field from behind its first quote, in which two quotes are one.
fn quoted_field(text: &str) -> Option<(String, Option<&str>)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None if after.is_empty() => return Some((field, None)),
            None => return Some((field, Some(after.strip_prefix(',')?))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_lines_of_csv() {
        let read = |line: &str| fields(line).map(|fields| fields.join("|"));
        assert_eq!(read("a,b").as_deref(), Some("a|b"));
        assert_eq!(read("a,").as_deref(), Some("a|"));
        assert_eq!(read("\"a,b\",c").as_deref(), Some("a,b|c"));
        assert_eq!(read("\"a\"\"b\"").as_deref(), Some("a\"b"));
        assert_eq!(fields(""), Some(Vec::new()));
        for wrong in ["a\"b", "\"a", "\"a\"b"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
