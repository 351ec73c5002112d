//! The functions of helm templates: Go's own, sprig's without `env`, and helm's on top.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use foldhash::quality::RandomState;
use gotmpl::{
    CallError, Cause, Function, Machine, Map, ParseError, Parsed, Set, Template, Type, Value, builtins,
};

use super::encode;
use super::errors::{MARK_END, MARK_START};
use super::host::Host;
use super::without_no_value;
use crate::memo::{Memo, OfText};
use crate::version::Profile;
use sprig::json::Encoded;

/// How often one name may be included inside itself.
const MAX_INCLUDES: usize = 1_000;

/// What calling a template takes besides its output: its name, variables, and its place among those being included.
const INCLUDE_BYTES: usize = 1 << 10;

/// How often `tpl` may be called inside itself: its errors quote the text of every level. Helm ends with Go's stack.
const MAX_TEXTS: usize = 200;

const ANY: &[Type] = &[Type::Any];
const S: &[Type] = &[Type::String];
const NAMED: &[Type] = &[Type::String, Type::Any];

const HELM: &[Function] = &[
    Function::new("include", NAMED, include),
    Function::new("tpl", NAMED, tpl),
    Function::new("required", NAMED, required).any(),
    Function::new("fail", S, |machine, args| Err(marked(machine, bytes(args, 0))?)),
    Function::new("lookup", &[Type::String; 4], |_, _| Ok(Value::Map(Map::any([])))),
    Function::new("getHostByName", S, |_, _| Ok(Value::from(""))),
    Function::careful("toYaml", ANY, |machine, args| {
        quiet(machine, encode::to_yaml(machine.budget(), &args[0])?)
    }),
    Function::careful("toYamlPretty", ANY, |machine, args| {
        quiet(machine, encode::to_yaml_pretty(machine.budget(), &args[0])?)
    }),
    Function::new("fromYaml", S, |machine, args| encode::from_yaml_map(machine.budget(), bytes(args, 0))),
    Function::new("fromYamlArray", S, |machine, args| {
        encode::from_yaml_list(machine.budget(), bytes(args, 0))
    }),
    Function::new("fromJson", S, |machine, args| encode::from_json_map(machine.budget(), bytes(args, 0))),
    Function::new("fromJsonArray", S, |machine, args| {
        encode::from_json_list(machine.budget(), bytes(args, 0))
    }),
    Function::careful("toJson", ANY, |machine, args| {
        quiet(machine, sprig::json::compact(machine.budget(), &args[0])?)
    }),
    Function::careful("toToml", ANY, |machine, args| {
        let text = super::toml::to_toml(machine.budget(), &args[0])?;
        made(machine, text.unwrap_or_else(String::into_bytes))
    }),
    Function::new("fromToml", S, |machine, args| super::toml::from_toml(machine.budget(), bytes(args, 0))),
];

/// What helm 4 added.
const MUST: &[Function] = &[
    Function::careful("mustToYaml", ANY, |machine, args| {
        loud(machine, encode::to_yaml(machine.budget(), &args[0])?)
    }),
    Function::careful("mustToJson", ANY, |machine, args| {
        loud(machine, sprig::json::compact(machine.budget(), &args[0])?)
    }),
];

/// What helm 4.2 added.
const MUST_TOML: &[Function] = &[Function::careful("mustToToml", ANY, |machine, args| {
    loud(machine, super::toml::to_toml(machine.budget(), &args[0])?)
})];

struct Table {
    functions: Vec<Function>,
    numbers: HashMap<&'static str, usize, RandomState>,
    /// Texts that were parsed against this table.
    parsed: Memo<Known>,
}

/// A parsed text.
struct Known {
    parsed: Parsed,
    /// Whether it speaks of `.Files` anywhere, by that name.
    says_files: bool,
}

impl OfText for Known {
    fn text(&self) -> &[u8] {
        self.parsed.text().as_bytes()
    }
}

/// How much source the parsed templates that are kept may have, in bytes. A parsed template takes some three times its source.
const KEPT_SOURCE: u64 = 4 << 20;

static HELM_3: OnceLock<Table> = OnceLock::new();
static HELM_4_2: OnceLock<Table> = OnceLock::new();
static HELM_4_3: OnceLock<Table> = OnceLock::new();

/// Gives up the parsed templates that are kept.
pub(crate) fn forget_parsed() {
    let tables = [&HELM_3, &HELM_4_2, &HELM_4_3];
    tables.into_iter().filter_map(OnceLock::get).for_each(|table| table.parsed.clear());
}

/// One table for each set of functions there is.
fn of(profile: &Profile) -> &'static Table {
    let must = profile.has_must_encoders && profile.has_must_to_toml;
    match (must, profile.has_durations) {
        (false, _) => HELM_3.get_or_init(|| build(&[])),
        (true, false) => HELM_4_2.get_or_init(|| build(&[MUST, MUST_TOML])),
        (true, true) => HELM_4_3.get_or_init(|| build(&[MUST, MUST_TOML, sprig::duration_functions()])),
    }
}

fn build(extra: &[&[Function]]) -> Table {
    let mut functions: Vec<Function> = Vec::new();
    let all = builtins::FUNCTIONS.iter().copied().chain(sprig::functions()).chain(HELM.iter().copied());
    let mut numbers = HashMap::default();
    for function in all.chain(extra.iter().flat_map(|functions| functions.iter().copied())) {
        match numbers.get(function.name) {
            Some(number) => functions[*number] = function,
            None => {
                numbers.insert(function.name, functions.len());
                functions.push(function);
            }
        }
    }
    Table { functions, numbers, parsed: Memo::new(KEPT_SOURCE) }
}

/// What a byte of an action takes once it is parsed: `{{.}}` is a node, a pipeline, a command and an operand.
const ACTION_BYTES: usize = 96;

/// No fewer bytes than the parsed templates of a text take. They are charged also where another run left them here.
pub(crate) fn parsed_bytes(text: &str) -> usize {
    let (mut actions, mut rest) = (0, text);
    while let Some(at) = rest.find("{{") {
        let length = rest[at..].find("}}").map_or(rest.len() - at, |end| end + 2);
        actions += length;
        rest = &rest[at + length..];
    }
    text.len().saturating_add(ACTION_BYTES.saturating_mul(actions)).saturating_add(1_024)
}

/// The functions a version has.
pub(crate) fn table(profile: &Profile) -> &'static [Function] {
    &of(profile).functions
}

/// The templates of a text that is called `name`, for the functions a version has, and whether it says `Files`.
pub(crate) fn parse(
    profile: &Profile,
    name: &str,
    text: &str,
) -> Result<(Vec<Arc<Template>>, bool), ParseError> {
    let table = of(profile);
    let known = table.parsed.get(text.as_bytes(), || {
        let number = |name: &str| table.numbers.get(name).copied();
        let parsed = Parsed::of(name, text, &number)?;
        Ok(Known { parsed, says_files: text.contains("Files") })
    })?;
    Ok((known.parsed.named(name)?, known.says_files))
}

fn bytes(args: &[Value], at: usize) -> &[u8] {
    match args.get(at) {
        Some(Value::Str(text)) => text,
        _ => &[],
    }
}

/// Nothing where there is no text of a value.
fn quiet(machine: &Machine<'_>, text: Encoded) -> Result<Value, CallError> {
    made(machine, text.unwrap_or_default())
}

fn loud(machine: &Machine<'_>, text: Encoded) -> Result<Value, CallError> {
    made(machine, text.map_err(CallError::new)?)
}

fn made(machine: &Machine<'_>, text: Vec<u8>) -> Result<Value, CallError> {
    machine.budget().spend_text(text.len())?;
    Ok(Value::from(text))
}

fn host<'m>(machine: &'m mut Machine<'_>) -> Result<&'m mut Host, CallError> {
    machine
        .host
        .as_any()
        .downcast_mut::<Host>()
        .ok_or_else(|| CallError::new("helm's functions run in helm only"))
}

/// A message that helm finds in the chain of errors. What a message takes grows with each template around it.
fn marked(machine: &Machine<'_>, message: &[u8]) -> Result<CallError, CallError> {
    machine.budget().spend(message.len().saturating_mul(8))?;
    let message = machine.budget().lossy(message)?;
    Ok(CallError::new(format!("{MARK_START}{message}{MARK_END}")))
}

fn required(machine: &mut Machine<'_>, args: &[Value]) -> Result<Value, CallError> {
    let missing = match &args[1] {
        Value::Nil => true,
        Value::Str(text) => text.is_empty(),
        _ => false,
    };
    if missing { Err(marked(machine, bytes(args, 0))?) } else { Ok(args[1].clone()) }
}

fn include(machine: &mut Machine<'_>, args: &[Value]) -> Result<Value, CallError> {
    let Some(Value::Str(name)) = args.first() else { return Ok(Value::from("")) };
    let including = &mut host(machine)?.including;
    match including.get_mut(&**name) {
        Some(nested) if *nested > MAX_INCLUDES => {
            return Err(CallError::new(format!(
                "rendering template has a nested reference name: {}: unable to execute template",
                name.lossy()
            )));
        }
        Some(nested) => *nested += 1,
        None => {
            including.insert(name.clone(), 1);
        }
    }
    machine.spend(INCLUDE_BYTES)?;
    let result = machine.execute(&name.lossy(), &args[1]);
    if let Some(nested) = host(machine)?.including.get_mut(&**name) {
        *nested -= 1;
    }
    made(machine, result?)
}

/// Parses and runs a text. What it defines is known inside this call only.
fn tpl(machine: &mut Machine<'_>, args: &[Value]) -> Result<Value, CallError> {
    let budget = machine.budget();
    let source = budget.lossy(bytes(args, 0))?;
    machine.work(source.len() as u64 / 8)?;
    if !source.contains("{{") {
        return made(machine, without_no_value(budget, source.into_owned().into_bytes())?);
    }
    budget.spend(parsed_bytes(&source))?;
    let quoted = || gotmpl::quote::excerpt(source.as_bytes());
    let (parsed, _) = parse(host(machine)?.profile, "gotpl", &source)
        .map_err(|error| CallError::new(format!("cannot parse template {}: {error}", quoted())))?;
    let mut layer = Set::over(machine.set.clone());
    let own = parsed.last().cloned();
    parsed.into_iter().for_each(|template| layer.add(template));
    let nested = &mut host(machine)?.nested_texts;
    if *nested >= MAX_TEXTS {
        return Err(CallError::budget(format!("tpl is called inside of itself more than {MAX_TEXTS} times")));
    }
    *nested += 1;
    let outer = std::mem::replace(&mut machine.set, Rc::new(layer));
    let result = match own {
        Some(own) => machine.run(&own, &args[1]),
        None => Ok(Vec::new()),
    };
    machine.set = outer;
    host(machine)?.nested_texts -= 1;
    match result {
        Ok(out) => made(machine, without_no_value(budget, out)?),
        Err(error) if error.cause != Cause::Template => Err(error.into()),
        Err(error) => {
            // Each level of the chain has a text of its own.
            budget.spend(8 * source.len().min(64 << 10))?;
            let message = format!("error during tpl function execution for {}: {error}", quoted());
            budget.spend(2 * message.len())?;
            Err(CallError::new(message))
        }
    }
}
