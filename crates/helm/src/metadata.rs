//! `Chart.yaml` and `requirements.yaml`: reading into [`Metadata`], and helm's validation. Locks are only checked.

use crate::chart::{Dependency, Maintainer, Metadata};
use crate::manifests::{get, scalar_text};
use crate::version::{Profile, Types};

type Result<T> = std::result::Result<T, String>;

/// Reads a YAML file over what `metadata` already says: keys the file has replace it.
///
/// # Errors
/// Go's text.
pub(crate) fn read_over(metadata: &mut Metadata, text: &[u8], types: &Types) -> Result<()> {
    read(metadata, &parsed(text)?, types)
}

/// [`read_over`] for the `Chart.yaml` of the outermost chart, of which helm 4 reads the version of the format first.
///
/// # Errors
/// Go's text.
pub(crate) fn read_outermost(metadata: &mut Metadata, text: &[u8], types: &Types) -> Result<()> {
    let value = parsed(text)?;
    match &value {
        yaml::Value::Map(map) if types.reads_base => {
            self::text(map, "apiVersion", "chartBase", &mut String::new())?;
        }
        yaml::Value::Null | yaml::Value::Map(_) => {}
        other if types.reads_base => return Err(wrong(other, "value of type loader.chartBase")),
        _ => {}
    }
    read(metadata, &value, types)
}

fn read(metadata: &mut Metadata, value: &yaml::Value, types: &Types) -> Result<()> {
    match value {
        yaml::Value::Null => Ok(()),
        yaml::Value::Map(map) => fields(metadata, map, types.chart_package),
        other => Err(wrong(other, &format!("value of type {}.Metadata", types.chart_package))),
    }
}

/// Checks a `Chart.lock`: helm loads no chart whose lock it cannot read, and makes nothing of it.
///
/// # Errors
/// Go's text.
pub(crate) fn check_lock(text: &[u8], types: &Types) -> Result<()> {
    let value = parsed(text)?;
    let map = match &value {
        yaml::Value::Null => return Ok(()),
        yaml::Value::Map(map) => map,
        other => return Err(wrong(other, &format!("value of type {}.Lock", types.chart_package))),
    };
    match field(map, "generated") {
        None => {}
        Some(yaml::Value::String(time)) => {
            sprig::check_time(time).map_err(|why| format!("{DECODING}: {why}"))?;
        }
        Some(_) => return Err(format!("{DECODING}: Time.UnmarshalJSON: input is not a JSON string")),
    }
    self::text(map, "digest", "Lock", &mut String::new())?;
    dependencies(map, "Lock", types.chart_package).map(drop)
}

/// How Go's errors of values that do not fit begin.
const DECODING: &str = "error unmarshaling JSON: while decoding JSON";

fn parsed(text: &[u8]) -> Result<yaml::Value> {
    yaml::v2::to_value(text, &yaml::Limits::default())
        .map_err(|error| format!("error converting YAML to JSON: {error}"))
}

fn fields(metadata: &mut Metadata, map: &yaml::Map, package: &str) -> Result<()> {
    for (key, into) in [
        ("name", &mut metadata.name),
        ("home", &mut metadata.home),
        ("version", &mut metadata.version),
        ("description", &mut metadata.description),
        ("icon", &mut metadata.icon),
        ("apiVersion", &mut metadata.api_version),
        ("condition", &mut metadata.condition),
        ("tags", &mut metadata.tags),
        ("appVersion", &mut metadata.app_version),
        ("kubeVersion", &mut metadata.kube_version),
        ("type", &mut metadata.kind),
    ] {
        text(map, key, "Metadata", into)?;
    }
    flag(map, "deprecated", "Metadata", &mut metadata.deprecated)?;
    texts(map, "sources", "Metadata", &mut metadata.sources)?;
    texts(map, "keywords", "Metadata", &mut metadata.keywords)?;
    if let Some(list) = list(map, "maintainers", "Metadata", &format!("[]*{package}.Maintainer"))? {
        let of = format!("struct field Metadata.maintainers of type {package}.Maintainer");
        metadata.maintainers = list.iter().map(|value| maintainer(value, &of)).collect::<Result<_>>()?;
    }
    if let Some(dependencies) = dependencies(map, "Metadata", package)? {
        metadata.dependencies = dependencies;
    }
    annotations(map, metadata)
}

fn dependencies(map: &yaml::Map, owner: &str, package: &str) -> Result<Option<Vec<Option<Dependency>>>> {
    let Some(list) = list(map, "dependencies", owner, &format!("[]*{package}.Dependency"))? else {
        return Ok(None);
    };
    let of = format!("struct field {owner}.dependencies of type {package}.Dependency");
    list.iter().map(|value| dependency(value, &of)).collect::<Result<_>>().map(Some)
}

fn wrong(value: &yaml::Value, of: &str) -> String {
    let kind = value.json_kind();
    format!("{DECODING}: json: cannot unmarshal {kind} into Go {of}")
}

fn field<'v>(map: &'v yaml::Map, key: &str) -> Option<&'v yaml::Value> {
    get(map, key).filter(|value| !value.is_null())
}

fn text(map: &yaml::Map, key: &str, owner: &str, into: &mut String) -> Result<()> {
    if let Some(value) = field(map, key) {
        *into = scalar_text(value)
            .ok_or_else(|| wrong(value, &format!("struct field {owner}.{key} of type string")))?;
    }
    Ok(())
}

fn flag(map: &yaml::Map, key: &str, owner: &str, into: &mut bool) -> Result<()> {
    match field(map, key) {
        None => Ok(()),
        Some(yaml::Value::Bool(value)) => {
            *into = *value;
            Ok(())
        }
        Some(value) => Err(wrong(value, &format!("struct field {owner}.{key} of type bool"))),
    }
}

fn list<'v>(map: &'v yaml::Map, key: &str, owner: &str, of: &str) -> Result<Option<&'v [yaml::Value]>> {
    match field(map, key) {
        None => Ok(None),
        Some(yaml::Value::List(list)) => Ok(Some(list)),
        Some(value) => Err(wrong(value, &format!("struct field {owner}.{key} of type {of}"))),
    }
}

fn texts(map: &yaml::Map, key: &str, owner: &str, into: &mut Vec<String>) -> Result<()> {
    if let Some(list) = list(map, key, owner, "[]string")? {
        let of = format!("struct field {owner}.{key} of type string");
        let items = list.iter().map(|item| scalar_text(item).ok_or_else(|| wrong(item, &of)));
        *into = items.collect::<Result<_>>()?;
    }
    Ok(())
}

fn maintainer(value: &yaml::Value, of: &str) -> Result<Option<Maintainer>> {
    let map = match value {
        yaml::Value::Null => return Ok(None),
        yaml::Value::Map(map) => map,
        other => return Err(wrong(other, of)),
    };
    let mut maintainer = Maintainer::default();
    text(map, "name", "Maintainer.maintainers", &mut maintainer.name)?;
    text(map, "email", "Maintainer.maintainers", &mut maintainer.email)?;
    text(map, "url", "Maintainer.maintainers", &mut maintainer.url)?;
    Ok(Some(maintainer))
}

fn dependency(value: &yaml::Value, of: &str) -> Result<Option<Dependency>> {
    let map = match value {
        yaml::Value::Null => return Ok(None),
        yaml::Value::Map(map) => map,
        other => return Err(wrong(other, of)),
    };
    let mut dependency = Dependency::default();
    for (key, into) in [
        ("name", &mut dependency.name),
        ("version", &mut dependency.version),
        ("repository", &mut dependency.repository),
        ("condition", &mut dependency.condition),
        ("alias", &mut dependency.alias),
    ] {
        text(map, key, "Dependency.dependencies", into)?;
    }
    texts(map, "tags", "Dependency.dependencies", &mut dependency.tags)?;
    flag(map, "enabled", "Dependency.dependencies", &mut dependency.enabled)?;
    if let Some(list) = list(map, "import-values", "Dependency.dependencies", "[]interface {}")? {
        dependency.import_values = list.to_vec();
    }
    Ok(Some(dependency))
}

fn annotations(map: &yaml::Map, metadata: &mut Metadata) -> Result<()> {
    let annotations = match field(map, "annotations") {
        None => return Ok(()),
        Some(yaml::Value::Map(annotations)) => annotations,
        Some(value) => {
            return Err(wrong(value, "struct field Metadata.annotations of type map[string]string"));
        }
    };
    let of = "struct field Metadata.annotations of type string";
    let entries = annotations.iter().map(|(key, value)| {
        scalar_text(value).map(|value| (key.to_string(), value)).ok_or_else(|| wrong(value, of))
    });
    let mut entries: Vec<(String, String)> = entries.collect::<Result<_>>()?;
    entries.sort();
    metadata.annotations = Some(entries);
    Ok(())
}

/// Helm's validation; texts are cleaned on the way.
///
/// # Errors
/// Helm's text, which begins with `validation: `.
pub(crate) fn validate(metadata: &mut Metadata, profile: &Profile) -> Result<()> {
    check(metadata, profile).map_err(|error| format!("validation: {error}"))
}

fn check(metadata: &mut Metadata, profile: &Profile) -> Result<()> {
    for text in [
        &mut metadata.name,
        &mut metadata.description,
        &mut metadata.home,
        &mut metadata.icon,
        &mut metadata.condition,
        &mut metadata.tags,
        &mut metadata.app_version,
        &mut metadata.kube_version,
    ] {
        clean(text);
    }
    metadata.sources.iter_mut().chain(&mut metadata.keywords).for_each(clean);
    if metadata.api_version.is_empty() {
        return Err("chart.metadata.apiVersion is required".to_owned());
    }
    check_name(&metadata.name)?;
    if metadata.version.is_empty() {
        return Err("chart.metadata.version is required".to_owned());
    }
    if semver::Version::parse(&metadata.version).is_err() {
        return Err(format!("chart.metadata.version {:?} is invalid", metadata.version));
    }
    if !matches!(metadata.kind.as_str(), "" | "application" | "library") {
        return Err("chart.metadata.type must be application or library".to_owned());
    }
    if metadata.maintainers.iter().any(Option::is_none) {
        return Err("maintainers must not contain empty or null nodes".to_owned());
    }
    let _ = profile;
    check_dependencies(metadata)
}

fn check_name(name: &str) -> Result<()> {
    match name {
        "" => Err("chart.metadata.name is required".to_owned()),
        "." | ".." => Err(format!("chart.metadata.name {name:?} is not allowed")),
        name if name.contains(['/', '\\']) => Err(format!("chart.metadata.name {name:?} is invalid")),
        _ => Ok(()),
    }
}

fn check_dependencies(metadata: &mut Metadata) -> Result<()> {
    let mut seen: Vec<String> = Vec::new();
    for dependency in &mut metadata.dependencies {
        let Some(dependency) = dependency else {
            return Err("dependencies must not contain empty or null nodes".to_owned());
        };
        for text in [
            &mut dependency.name,
            &mut dependency.version,
            &mut dependency.repository,
            &mut dependency.condition,
        ] {
            clean(text);
        }
        dependency.tags.iter_mut().for_each(clean);
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !dependency.alias.chars().all(fine) {
            return Err(format!("dependency {:?} has disallowed characters in the alias", dependency.name));
        }
        let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
        if seen.contains(key) {
            return Err(format!("more than one dependency with name or alias {key:?}"));
        }
        seen.push(key.clone());
    }
    Ok(())
}

/// Every kind of space becomes a space; what cannot be printed goes.
fn clean(text: &mut String) {
    let kept = text.chars().filter_map(|c| match c {
        c if c.is_whitespace() => Some(' '),
        c if gotmpl::quote::is_print(c) => Some(c),
        _ => None,
    });
    *text = kept.collect();
}
