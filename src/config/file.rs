//! The settings file: `name: value` with the names of the flags, weaker than flags and environment.

use std::fs;

use yaml::{Limits, Value};

use super::flags::{FLAGS, Flag, Given, Kind, Values};

/// Fills in what neither a flag nor the environment said from the file they name, if they name one.
pub(super) fn merge(mut values: Values, mistakes: &mut Vec<String>) -> Values {
    let Some(path) = values.get("config").and_then(|given| given.values.first()).cloned() else {
        return values;
    };
    match read(&path) {
        Ok(entries) => entries.iter().for_each(|entry| add(entry, &path, &mut values, mistakes)),
        Err(mistake) => mistakes.push(format!("{path}: {mistake}")),
    }
    values
}

fn read(path: &str) -> Result<Vec<(String, Value)>, String> {
    let content = fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    let value =
        yaml::v2::to_value(content.as_bytes(), &Limits::default()).map_err(|error| error.to_string())?;
    match value {
        Value::Map(entries) => {
            Ok(entries.iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
        }
        Value::Null => Ok(Vec::new()),
        _ => Err("must be a mapping of settings, like `listen: 127.0.0.1:8081`".into()),
    }
}

fn add((name, value): &(String, Value), path: &str, values: &mut Values, mistakes: &mut Vec<String>) {
    let known = FLAGS.iter().find(|flag| flag.name == name && name != "config");
    let texts =
        known.ok_or("is no setting; the names are those of the flags").and_then(|flag| texts(flag, value));
    match (known, texts) {
        (Some(flag), Ok(texts)) if is_open(values.get(flag.name)) => {
            values.insert(
                flag.name,
                Given { values: texts, from: format!("{path}: {name}"), is_default: false },
            );
        }
        (_, Ok(_)) => {}
        (_, Err(wrong)) => mistakes.push(format!("{path}: {name}: {wrong}")),
    }
}

fn is_open(given: Option<&Given>) -> bool {
    given.is_none_or(|given| given.is_default)
}

fn texts(flag: &Flag, value: &Value) -> Result<Vec<String>, &'static str> {
    match value {
        Value::List(items) if flag.kind == Kind::Many => items.iter().map(text).collect(),
        value => Ok(vec![text(value)?]),
    }
}

fn text(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text.to_string()),
        Value::Int(number) => Ok(number.to_string()),
        Value::Uint(number) => Ok(number.to_string()),
        Value::Bool(switch) => Ok(switch.to_string()),
        _ => Err("must be one value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(content: &str, mut values: Values) -> (Values, Vec<String>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        values.insert("config", given(&path, false));
        let mut mistakes = Vec::new();
        let values = merge(values, &mut mistakes);
        let mistakes = mistakes.iter().map(|mistake| mistake.replace(&path, "FILE")).collect();
        (values, mistakes)
    }

    fn given(value: &str, is_default: bool) -> Given {
        Given { values: vec![value.into()], from: "--flag".into(), is_default }
    }

    #[test]
    fn the_file_is_stronger_than_defaults_and_weaker_than_flags() {
        let values = Values::from([("drain-time", given("25s", true)), ("listen", given("[::]:1", false))]);
        let (values, mistakes) = merged("drain-time: 5s\nlisten: '[::]:2'\nreflection: true\n", values);
        assert_eq!(mistakes, [""; 0]);
        assert_eq!(values["drain-time"].values, ["5s"]);
        assert_eq!(values["listen"].values, ["[::]:1"]);
        assert_eq!(values["reflection"].values, ["true"]);
    }

    #[test]
    fn lists_are_for_what_may_be_given_several_times() {
        let (values, mistakes) = merged("allow-repo: [a, b]\nlisten: [c]\n", Values::new());
        assert_eq!(values["allow-repo"].values, ["a", "b"]);
        assert_eq!(mistakes, ["FILE: listen: must be one value"]);
    }

    #[test]
    fn every_mistake_is_named() {
        let (_, mistakes) = merged("lisen: a\nconfig: b\ndrain-time: {}\n", Values::new());
        let unknown = "is no setting; the names are those of the flags";
        let expected = [
            format!("FILE: lisen: {unknown}"),
            format!("FILE: config: {unknown}"),
            "FILE: drain-time: must be one value".into(),
        ];
        assert_eq!(mistakes, expected);
        assert_eq!(merged("- a\n", Values::new()).1.len(), 1);
        assert_eq!(merged("a: [\n", Values::new()).1.len(), 1);
        assert_eq!(merged("", Values::new()).1, [""; 0]);
    }
}
