//! Defaults, emptiness, choices.

use gotmpl::{Function, Type, Value};

use crate::args::truth;

const ANY: &[Type] = &[Type::Any];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("default", ANY, |_, args| {
        let given = args.get(1).filter(|value| value.truth());
        Ok(given.unwrap_or(&args[0]).clone())
    })
    .and_more(Type::Any)
    .any(),
    Function::new("empty", ANY, |_, args| Ok(Value::Bool(!args[0].truth()))),
    Function::new("coalesce", &[], |_, args| {
        Ok(args.iter().find(|value| value.truth()).cloned().unwrap_or(Value::Nil))
    })
    .and_more(Type::Any)
    .any(),
    Function::new("all", &[], |_, args| Ok(Value::Bool(args.iter().all(Value::truth)))).and_more(Type::Any),
    Function::new("any", &[], |_, args| Ok(Value::Bool(args.iter().any(Value::truth)))).and_more(Type::Any),
    Function::new("ternary", &[Type::Any, Type::Any, Type::Bool], |_, args| {
        Ok(args[usize::from(!truth(args, 2))].clone())
    })
    .any(),
];
