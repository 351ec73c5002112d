//! Go's text/template: lexer, parser, execution, values and fmt verbs.
//!
//! A text is parsed once into shared [`Template`]s and executed many times on [`Value`]s, with Go's kinds and Go's
//! error texts. Functions are typed rows of a table; [`builtins::FUNCTIONS`] holds Go's own.
//!
//! ```
//! use std::rc::Rc;
//! use manifestd_gotmpl::{Budget, Machine, Map, NoHost, Set, Value, builtins, parse};
//!
//! let functions = builtins::FUNCTIONS;
//! let number = |name: &str| functions.iter().position(|function| function.name == name);
//! let mut set = Set::new();
//! for template in parse("greeting", "Hello {{ .name | printf \"%q\" }}", &number)? {
//!     set.add(template);
//! }
//! let dot = Value::Map(Map::any([("name".into(), Value::from("you"))]));
//! let mut host = NoHost;
//! let budget = Budget::unlimited();
//! let text = Machine::new(functions, Rc::new(set), &mut host, &budget).execute("greeting", &dot)?;
//! assert_eq!(text, b"Hello \"you\"");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ast;
mod budget;
pub mod builtins;
mod complex;
mod exec;
pub mod float;
mod format;
mod function;
mod lexer;
pub mod named_int;
pub mod number;
mod parse;
mod print;
pub mod quote;
mod text;
mod token;
mod value;

pub use ast::{Source, Template};
pub use budget::{Budget, Limits, MAX_TEXT, StopCheck};
pub use exec::{ExecError, Host, Machine, NoHost, Place, Set};
pub use format::sprintf;
pub use function::{Body, CallError, Calling, Cause, Function, Type, Walk};
pub use parse::{ParseError, Parsed, parse};
pub use print::{print_value, sprint, sprint_value, sprintln};
pub use text::{ListBuffer, TextBuffer};
pub use value::{IntType, List, ListType, Map, MapType, Object, Str, UintType, Value, lossy, struct_text};
