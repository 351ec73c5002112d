//! Flags as the commands have them that stand for another program: `template` and `build`.

use clap::{Arg, ArgAction, ArgMatches};

/// A flag with a value.
pub(super) fn one(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    // Values such as `-1` and `-` are those of the programs too.
    Arg::new(name).long(name).value_name(value).allow_hyphen_values(true).help(help)
}

/// A flag with a value that may be given several times.
pub(super) fn many(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    one(name, value, help).action(ArgAction::Append)
}

/// A flag that is on when it is given, and says `=false` in scripts.
pub(super) fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .num_args(0..=1)
        .require_equals(true)
        .default_value("false")
        .default_missing_value("true")
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_parser(go_bool)
        .help(help)
}

/// A truth value as Go's `strconv.ParseBool` reads it.
fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// Whether a switch is on.
pub(super) fn is_on(matches: &ArgMatches, name: &str) -> bool {
    matches.get_one::<bool>(name).copied().unwrap_or_default()
}

/// The value of a flag.
pub(super) fn text<'m>(matches: &'m ArgMatches, name: &str) -> Option<&'m str> {
    matches.get_one::<String>(name).map(String::as_str)
}

/// The values of a flag.
pub(super) fn texts(matches: &ArgMatches, name: &str) -> Vec<String> {
    matches.get_many::<String>(name).into_iter().flatten().cloned().collect()
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    #[test]
    fn switches_can_be_put_off() {
        let read = |flag: &str| {
            let command = Command::new("x").arg(switch("no-hooks", "None"));
            command.try_get_matches_from(["x", flag]).map(|matches| is_on(&matches, "no-hooks"))
        };
        assert!(read("--no-hooks").unwrap());
        assert!(!read("--no-hooks=false").unwrap() && !read("--no-hooks=0").unwrap());
        assert!(read("--no-hooks=maybe").is_err());
    }
}
