//! The flags that say what to render with, and the [`Renderer`] they make.

mod kustomize;

use clap::{Arg, ArgAction, ArgMatches};

use crate::request::{
    DirectoryOptions, HelmFileParameter, HelmOptions, HelmParameter, JsonnetOptions, JsonnetVar, Renderer,
};

const DIRECTORY: &str = "Plain files (imply --type directory)";
const HELM: &str = "Helm (imply --type helm)";
const KUSTOMIZE: &str = "Kustomize (imply --type kustomize)";

/// The names of the types, as `--type` takes them.
const TYPES: [&str; 3] = ["directory", "helm", "kustomize"];

/// The flags.
pub(super) fn args() -> Vec<Arg> {
    let mut args = vec![
        Arg::new("type")
            .long("type")
            .value_name("TYPE")
            .value_parser(TYPES)
            .help("What to render with [default: Kustomize where there is a kustomization, else Helm where there is a chart, else plain files]"),
    ];
    args.extend(directory_args().map(|arg| arg.help_heading(DIRECTORY)));
    args.extend(helm_args().map(|arg| arg.help_heading(HELM)));
    args.extend(kustomize::args().map(|arg| arg.help_heading(KUSTOMIZE)));
    args
}

fn directory_args() -> impl Iterator<Item = Arg> {
    [
        switch("directory-recurse", "Also the folders beneath"),
        one("include", "GLOB", "Only files that match, such as `*.yaml` or `{a,b}/*.yml`"),
        one("exclude", "GLOB", "Not the files that match; stronger than --include"),
        many("jsonnet-ext", "NAME=TEXT", "A Jsonnet external variable; may be given several times"),
        many("jsonnet-ext-code", "NAME=CODE", "The same, its value Jsonnet code"),
        many("jsonnet-tla", "NAME=TEXT", "A Jsonnet top-level argument; may be given several times"),
        many("jsonnet-tla-code", "NAME=CODE", "The same, its value Jsonnet code"),
        many(
            "jsonnet-lib",
            "FOLDER",
            "A folder of Jsonnet libraries, relative to the root of the repository",
        ),
    ]
    .into_iter()
}

fn helm_args() -> impl Iterator<Item = Arg> {
    [
        many(
            "helm-values",
            "FILE",
            "A values file, relative to the chart or with `/` to the repository's root; weakest first",
        ),
        switch("helm-ignore-missing-values", "Leave out values files that do not exist"),
        one("helm-values-text", "YAML", "Values as text, stronger than every values file"),
        many("helm-set", "PATH=VALUE", "One value, in helm's notation; several may be given"),
        many("helm-set-string", "PATH=TEXT", "One value that stays a string"),
        many("helm-set-file", "PATH=FILE", "One value taken from a file"),
        one("helm-release-name", "NAME", "The release name [default: --name]"),
        switch("helm-skip-crds", "Leave out the chart's crds/ folder"),
        switch("helm-skip-tests", "Leave out the chart's tests"),
        switch("helm-skip-schema-validation", "Do not check values.schema.json"),
    ]
    .into_iter()
}

/// What the flags say.
///
/// # Errors
/// In words, for a usage error: flags of two renderers, a `NAME=VALUE` without `=`.
pub(super) fn renderer(matches: &ArgMatches) -> Result<Renderer, String> {
    let explicit = matches.get_one::<String>("type").map(String::as_str);
    let given = |arg: &Arg| is_given(matches, arg.get_id().as_str());
    let implied = [
        ("directory", directory_args().any(|arg| given(&arg))),
        ("helm", helm_args().any(|arg| given(&arg))),
        ("kustomize", kustomize::is_any_given(matches)),
    ];
    let mut types = implied.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).chain(explicit);
    let chosen = types.next();
    if let Some(other) = types.find(|other| Some(*other) != chosen) {
        return Err(format!("options of {} and {other} cannot be mixed", chosen.unwrap_or_default()));
    }
    Ok(match chosen {
        Some("directory") => Renderer::Directory(directory(matches)?),
        Some("helm") => Renderer::Helm(helm(matches)?),
        Some("kustomize") => Renderer::Kustomize(kustomize::options(matches)?),
        _ => Renderer::Detect,
    })
}

fn directory(matches: &ArgMatches) -> Result<DirectoryOptions, String> {
    Ok(DirectoryOptions {
        recurse: matches.get_flag("directory-recurse"),
        include: text(matches, "include"),
        exclude: text(matches, "exclude"),
        jsonnet: JsonnetOptions {
            ext_vars: vars(matches, ["jsonnet-ext", "jsonnet-ext-code"])?,
            tlas: vars(matches, ["jsonnet-tla", "jsonnet-tla-code"])?,
            libs: texts(matches, "jsonnet-lib"),
        },
    })
}

fn helm(matches: &ArgMatches) -> Result<HelmOptions, String> {
    let parameter = |(name, value, force_string)| HelmParameter { name, value, force_string };
    let file = |(name, path, _)| HelmFileParameter { name, path };
    Ok(HelmOptions {
        release_name: text(matches, "helm-release-name"),
        namespace: String::new(),
        value_files: texts(matches, "helm-values"),
        ignore_missing_value_files: matches.get_flag("helm-ignore-missing-values"),
        values: text(matches, "helm-values-text"),
        parameters: pairs(matches, ["helm-set", "helm-set-string"])?.into_iter().map(parameter).collect(),
        file_parameters: pairs(matches, ["helm-set-file"])?.into_iter().map(file).collect(),
        skip_crds: matches.get_flag("helm-skip-crds"),
        skip_tests: matches.get_flag("helm-skip-tests"),
        skip_schema_validation: matches.get_flag("helm-skip-schema-validation"),
        // `--helm-version` is the server's setting, and this command its own server.
        version: None,
    })
}

fn vars(matches: &ArgMatches, flags: [&str; 2]) -> Result<Vec<JsonnetVar>, String> {
    let var = |(name, value, code)| JsonnetVar { name, value, code };
    Ok(pairs(matches, flags)?.into_iter().map(var).collect())
}

/// The `NAME=VALUE`s of several flags in the order they were given, and whether each is of the second flag.
fn pairs<const N: usize>(
    matches: &ArgMatches,
    flags: [&str; N],
) -> Result<Vec<(String, String, bool)>, String> {
    let mut given = Vec::new();
    for (position, flag) in flags.into_iter().enumerate() {
        let places = matches.indices_of(flag).into_iter().flatten();
        for (place, text) in places.zip(texts(matches, flag)) {
            let wrong = || format!("--{flag} {text}: must be like NAME=VALUE");
            let (name, value) =
                text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(wrong)?;
            given.push((place, (name.to_owned(), value.to_owned(), position == 1)));
        }
    }
    given.sort_by_key(|(place, _)| *place);
    Ok(given.into_iter().map(|(_, pair)| pair).collect())
}

fn is_given(matches: &ArgMatches, name: &str) -> bool {
    matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine)
}

fn text(matches: &ArgMatches, name: &str) -> String {
    matches.get_one::<String>(name).cloned().unwrap_or_default()
}

fn texts(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.get_many::<String>(name).into_iter().flatten().cloned().collect()
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn one(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn many(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    one(name, value, help).action(ArgAction::Append)
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;
    use crate::request::KustomizeOptions;

    fn read(flags: &[&str]) -> Result<Renderer, String> {
        let command = Command::new("render").args(args());
        renderer(&command.get_matches_from([&["render"], flags].concat()))
    }

    #[test]
    fn flags_make_options() {
        assert_eq!(read(&[]).unwrap(), Renderer::Detect);
        assert_eq!(read(&["--type", "helm"]).unwrap(), Renderer::Helm(HelmOptions::default()));
        let directory =
            DirectoryOptions { recurse: true, include: "*.yaml".into(), ..DirectoryOptions::default() };
        assert_eq!(
            read(&["--directory-recurse", "--include", "*.yaml"]).unwrap(),
            Renderer::Directory(directory)
        );
        let kustomize = KustomizeOptions { load_restrictions_none: true, ..KustomizeOptions::default() };
        assert_eq!(read(&["--kustomize-load-restrictions-none"]).unwrap(), Renderer::Kustomize(kustomize));
    }

    #[test]
    fn the_order_across_flags_is_kept() {
        let flags = ["--helm-set", "a=1", "--helm-set-string", "a=2", "--helm-set", "a=3=4"];
        let Renderer::Helm(options) = read(&flags).unwrap() else { panic!("not helm") };
        let seen: Vec<_> =
            options.parameters.iter().map(|one| (one.value.as_str(), one.force_string)).collect();
        assert_eq!(seen, [("1", false), ("2", true), ("3=4", false)]);
        let flags = ["--jsonnet-tla-code", "a=1", "--jsonnet-tla", "a=2", "--jsonnet-lib", "lib"];
        let Renderer::Directory(options) = read(&flags).unwrap() else { panic!("not directory") };
        let seen: Vec<_> = options.jsonnet.tlas.iter().map(|one| (one.value.as_str(), one.code)).collect();
        assert_eq!(seen, [("1", true), ("2", false)]);
        assert_eq!(options.jsonnet.libs, ["lib"]);
    }

    #[test]
    fn renderers_cannot_be_mixed() {
        let wrong = read(&["--helm-skip-crds", "--directory-recurse"]).unwrap_err();
        assert_eq!(wrong, "options of directory and helm cannot be mixed");
        assert!(read(&["--type", "kustomize", "--include", "a"]).is_err());
        assert!(read(&["--type", "helm", "--helm-skip-crds"]).is_ok());
    }

    #[test]
    fn a_pair_needs_its_sign() {
        assert_eq!(read(&["--helm-set", "a"]).unwrap_err(), "--helm-set a: must be like NAME=VALUE");
        assert!(read(&["--jsonnet-ext", "=b"]).is_err());
    }
}
