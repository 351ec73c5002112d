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

/// How often one name may be included inside itself.
const MAX_INCLUDES: usize = 1_000;

/// How often `tpl` may be called inside itself: its errors quote the text of every level. Helm ends with Go's stack.
const MAX_TEXTS: usize = 200;

const ANY: &[Type] = &[Type::Any];
const S: &[Type] = &[Type::String];
const NAMED: &[Type] = &[Type::String, Type::Any];

const HELM: &[Function] = &[
    Function::new("include", NAMED, include),
    Function::new("tpl", NAMED, tpl),
    Function::new("required", NAMED, |_, args| required(args)).any(),
    Function::new("fail", S, |_, args| Err(marked(&text(args, 0)))),
    Function::new("lookup", &[Type::String; 4], |_, _| Ok(Value::Map(Map::any([])))),
    Function::new("getHostByName", S, |_, _| Ok(Value::from(""))),
    Function::careful("toYaml", ANY, |machine, args| {
        spent(machine, encode::to_yaml(&args[0]).unwrap_or_default())
    }),
    Function::careful("toYamlPretty", ANY, |machine, args| {
        spent(machine, encode::to_yaml_pretty(&args[0]).unwrap_or_default())
    }),
    Function::new("fromYaml", S, |_, args| Ok(encode::from_yaml_map(&bytes(args, 0)))),
    Function::new("fromYamlArray", S, |_, args| Ok(encode::from_yaml_list(&bytes(args, 0)))),
    Function::new("fromJson", S, |_, args| Ok(encode::from_json_map(&text(args, 0)))),
    Function::new("fromJsonArray", S, |_, args| Ok(encode::from_json_list(&text(args, 0)))),
    Function::careful("toJson", ANY, |machine, args| {
        spent(machine, sprig::json::compact(&args[0]).unwrap_or_default())
    }),
    Function::careful("toToml", ANY, |machine, args| {
        spent(machine, super::toml::to_toml(&args[0]).unwrap_or_else(|error| error))
    }),
    Function::new("fromToml", S, |_, args| Ok(super::toml::from_toml(&text(args, 0)))),
];

/// What helm 4 added.
const MUST: &[Function] = &[
    Function::careful("mustToYaml", ANY, |machine, args| {
        let text = encode::to_yaml(&args[0]).map_err(CallError::new)?;
        spent(machine, text)
    }),
    Function::careful("mustToJson", ANY, |machine, args| {
        let text = sprig::json::compact(&args[0]).map_err(CallError::new)?;
        spent(machine, text)
    }),
];

/// What helm 4.2 added.
const MUST_TOML: &[Function] = &[Function::careful("mustToToml", ANY, |machine, args| {
    let text = super::toml::to_toml(&args[0]).map_err(CallError::new)?;
    spent(machine, text)
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

fn bytes(args: &[Value], at: usize) -> Vec<u8> {
    match args.get(at) {
        Some(Value::Str(text)) => text.to_vec(),
        _ => Vec::new(),
    }
}

fn text(args: &[Value], at: usize) -> String {
    gotmpl::lossy(&bytes(args, at)).into_owned()
}

fn spent(machine: &mut Machine<'_>, text: String) -> Result<Value, CallError> {
    machine.spend(text.len())?;
    Ok(Value::from(text))
}

fn host<'m>(machine: &'m mut Machine<'_>) -> Result<&'m mut Host, CallError> {
    machine
        .host
        .as_any()
        .downcast_mut::<Host>()
        .ok_or_else(|| CallError::new("helm's functions run in helm only"))
}

fn marked(message: &str) -> CallError {
    CallError::new(format!("{MARK_START}{message}{MARK_END}"))
}

fn required(args: &[Value]) -> Result<Value, CallError> {
    let missing = match &args[1] {
        Value::Nil => true,
        Value::Str(text) => text.is_empty(),
        _ => false,
    };
    if missing { Err(marked(&text(args, 0))) } else { Ok(args[1].clone()) }
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
    let result = machine.execute(&name.lossy(), &args[1]);
    if let Some(nested) = host(machine)?.including.get_mut(&**name) {
        *nested -= 1;
    }
    Ok(Value::from(result?))
}

/// Parses and runs a text. What it defines is known inside this call only.
fn tpl(machine: &mut Machine<'_>, args: &[Value]) -> Result<Value, CallError> {
    let source = text(args, 0);
    machine.work(1 + source.len() as u64 / 64)?;
    if !source.contains("{{") {
        return Ok(Value::from(without_no_value(source.into_bytes())));
    }
    let quoted = || gotmpl::quote::quoted(source.as_bytes());
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
        Ok(out) => Ok(Value::from(without_no_value(out))),
        Err(error) if error.cause != Cause::Template => Err(error.into()),
        Err(error) => {
            Err(CallError::new(format!("error during tpl function execution for {}: {error}", quoted())))
        }
    }
}
