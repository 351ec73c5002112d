//! Questions about types, and deep equality.

use gotmpl::{Function, Type, Value};

use crate::args::bytes;

const ANY: &[Type] = &[Type::Any];
const NAMED: &[Type] = &[Type::String, Type::Any];

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("kindOf", ANY, |_, args| Ok(Value::from(args[0].kind()))),
    Function::new("kindIs", NAMED, |_, args| Ok(Value::Bool(bytes(args, 0) == args[1].kind().as_bytes()))),
    Function::new("typeOf", ANY, |_, args| Ok(Value::from(args[0].type_name()))),
    Function::new("typeIs", NAMED, |_, args| {
        Ok(Value::Bool(bytes(args, 0) == args[1].type_name().as_bytes()))
    }),
    Function::new("typeIsLike", NAMED, |_, args| {
        let (wanted, found) = (bytes(args, 0), args[1].type_name().as_bytes());
        Ok(Value::Bool(wanted == found || found.strip_prefix(b"*") == Some(wanted)))
    }),
    Function::walking("deepEqual", &[Type::Any, Type::Any], |_, args| {
        Ok(Value::Bool(args[0].deep_equal(&args[1])))
    }),
];
