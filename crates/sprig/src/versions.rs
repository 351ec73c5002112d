//! Semantic versions: `semver` and `semverCompare`, and the version object with its methods.

use std::cmp::Ordering;
use std::rc::Rc;

use gotmpl::{Function, Machine, Object, Type, UintType, Value};
use semver::{Constraint, Error, Version};

use crate::args::{Result, fail, text};

/// Go's name of the type.
const TYPE: &str = "*semver.Version";

const OTHER: &[Type] = &[Type::Named(TYPE)];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("semver", &[Type::String], |machine, args| parsed(&text(machine, args, 0)?)),
    Function::new("semverCompare", &[Type::String, Type::String], |machine, args| {
        let constraint = Constraint::parse(&text(machine, args, 0)?).or_else(|error| told(&error))?;
        let version = Version::parse(&text(machine, args, 1)?).or_else(|error| told(&error))?;
        Ok(Value::Bool(constraint.allows(&version)))
    }),
];

pub(crate) static METHODS: &[Function] = &[
    Function::new("Major", &[], |_, args| number(args, |version| version.major)),
    Function::new("Minor", &[], |_, args| number(args, |version| version.minor)),
    Function::new("Patch", &[], |_, args| number(args, |version| version.patch)),
    Function::new("Prerelease", &[], |_, args| said(args, |version| version.pre.clone())),
    Function::new("Metadata", &[], |_, args| said(args, |version| version.metadata.clone())),
    Function::new("Original", &[], |_, args| said(args, |version| version.original().to_owned())),
    Function::new("String", &[], |_, args| said(args, ToString::to_string)),
    Function::new("Compare", OTHER, |_, args| {
        let (own, other) = two(args)?;
        Ok(Value::int(own.cmp(&other) as i64))
    }),
    Function::new("Equal", OTHER, |_, args| compare(args, Ordering::is_eq)),
    Function::new("LessThan", OTHER, |_, args| compare(args, Ordering::is_lt)),
    Function::new("LessThanEqual", OTHER, |_, args| compare(args, Ordering::is_le)),
    Function::new("GreaterThan", OTHER, |_, args| compare(args, Ordering::is_gt)),
    Function::new("GreaterThanEqual", OTHER, |_, args| compare(args, Ordering::is_ge)),
    Function::new("IncMajor", &[], |_, args| next(args, |version| (version.major + 1, 0, 0))),
    Function::new("IncMinor", &[], |_, args| next(args, |version| (version.major, version.minor + 1, 0))),
    Function::new("IncPatch", &[], |_, args| {
        next(args, |version| {
            let patch = version.patch + u64::from(version.pre.is_empty());
            (version.major, version.minor, patch)
        })
    }),
    Function::new("SetPrerelease", &[Type::String], |machine, args| {
        changed(machine, args, |version, pre| version.pre = pre)
    })
    .taking(8),
    Function::new("SetMetadata", &[Type::String], |machine, args| {
        changed(machine, args, |version, metadata| version.metadata = metadata)
    })
    .taking(8),
];

struct VersionObject(Version);

impl Object for VersionObject {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<&'static Function> {
        METHODS.iter().find(|method| method.name == name)
    }

    fn print(&self) -> String {
        self.0.to_string()
    }

    fn is_stringer(&self) -> bool {
        true
    }

    fn go_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let Version { major, minor, patch, pre, metadata, .. } = &self.0;
        let number = |number: &u64| Value::Uint(UintType::Uint64, *number);
        Some(vec![
            ("major", number(major)),
            ("minor", number(minor)),
            ("patch", number(patch)),
            ("pre", Value::from(pre.as_str())),
            ("metadata", Value::from(metadata.as_str())),
            ("original", Value::from(self.0.original())),
        ])
    }

    fn json(&self) -> Value {
        Value::from(self.0.to_string())
    }

    fn size(&self) -> usize {
        1_024
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

fn told<T>(error: &Error) -> Result<T> {
    fail(error.to_string())
}

fn parsed(text: &str) -> Result {
    let version = Version::parse(text).or_else(|error| told(&error))?;
    Ok(Value::Object(Rc::new(VersionObject(version))))
}

fn given(args: &[Value], at: usize) -> Result<Version> {
    match args.get(at) {
        Some(Value::Object(object)) => match object.as_any().downcast_ref::<VersionObject>() {
            Some(version) => Ok(version.0.clone()),
            None => fail("not a semantic version"),
        },
        _ => fail("runtime error: invalid memory address or nil pointer dereference"),
    }
}

fn two(args: &[Value]) -> Result<(Version, Version)> {
    Ok((given(args, 0)?, given(args, 1)?))
}

fn number(args: &[Value], part: fn(&Version) -> u64) -> Result {
    Ok(Value::Uint(UintType::Uint64, part(&given(args, 0)?)))
}

fn said(args: &[Value], part: fn(&Version) -> String) -> Result {
    Ok(Value::from(part(&given(args, 0)?)))
}

fn compare(args: &[Value], holds: fn(Ordering) -> bool) -> Result {
    let (own, other) = two(args)?;
    Ok(Value::Bool(holds(own.cmp(&other))))
}

/// `v` where the original text has one: it stays in the versions made from it.
fn mark(version: &Version) -> &'static str {
    if version.original().starts_with('v') { "v" } else { "" }
}

fn next(args: &[Value], step: fn(&Version) -> (u64, u64, u64)) -> Result {
    let version = given(args, 0)?;
    let bounded = [version.major, version.minor, version.patch].iter().all(|number| *number < u64::MAX);
    if !bounded {
        return fail("the version's numbers are too large to be increased");
    }
    let (major, minor, patch) = step(&version);
    parsed(&format!("{}{major}.{minor}.{patch}", mark(&version)))
}

fn changed(machine: &Machine<'_>, args: &[Value], change: fn(&mut Version, String)) -> Result {
    let mut version = given(args, 0)?;
    change(&mut version, text(machine, args, 1)?.into_owned());
    parsed(&format!("{}{version}", mark(&version)))
}
