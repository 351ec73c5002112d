//! Functions as templates call them: a name, Go's parameter types, and a Rust function.
//!
//! The executor checks arguments against the types exactly as Go's reflection does, so a function gets values of
//! the types it declares and nothing else.

use crate::exec::{ExecError, Machine};
use crate::value::{IntType, ListType, MapType, Value};

/// A parameter's Go type: decides which constants and values are accepted, and the text when they are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`: anything; nil comes as [`Value::Nil`].
    Any,
    /// `reflect.Value`: anything, for Go's own functions.
    Reflect,
    /// `string`
    String,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `time.Duration`
    Duration,
    /// `uint32`: comes as an unsigned integer.
    Uint32,
    /// `float64`
    Float64,
    /// `map[string]interface {}`; nil comes as a nil map.
    Map,
    /// `[]interface {}`; nil comes as a nil slice.
    List,
    /// `[]string`
    Strings,
    /// A type of an [`Object`](crate::Object), by Go's name.
    Named(&'static str),
}

impl Type {
    /// Go's name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Duration => "time.Duration",
            Self::Uint32 => "uint32",
            Self::Float64 => "float64",
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Strings => "[]string",
            Self::Named(name) => name,
        }
    }

    /// Whether nil is a value of the type, and which.
    pub(crate) fn nil(self) -> Option<Value> {
        match self {
            Self::Any | Self::Reflect => Some(Value::Nil),
            Self::Map => Some(Value::Map(crate::value::Map::nil(MapType::Any))),
            Self::List => Some(Value::List(crate::value::List::nil(ListType::Any))),
            Self::Strings => Some(Value::List(crate::value::List::nil(ListType::Strings))),
            _ => None,
        }
    }

    /// Whether a value of this dynamic type can be assigned to it.
    pub(crate) fn accepts(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any | Self::Reflect, _)
            | (Self::String, Value::Str(_))
            | (Self::Bool, Value::Bool(_))
            | (Self::Int, Value::Int(IntType::Int, _))
            | (Self::Int64, Value::Int(IntType::Int64, _))
            | (Self::Duration, Value::Int(IntType::Duration, _))
            | (Self::Float64, Value::Float(_)) => true,
            (Self::Map, Value::Map(map)) => map.holds_any(),
            (Self::List, Value::List(list)) => list.of == ListType::Any,
            (Self::Strings, Value::List(list)) => matches!(list.of, ListType::Strings | ListType::Named(_)),
            (Self::Named(name), Value::Object(object)) => object.type_name() == name,
            _ => false,
        }
    }
}

/// What is special about calling a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Calling {
    /// Nothing: all arguments are evaluated first.
    #[default]
    Plain,
    /// `and`: stops at the first false argument.
    And,
    /// `or`: stops at the first true argument.
    Or,
    /// `call`: the text of the first argument comes before the arguments.
    Named,
}

/// How a function goes through its arguments. Values may hold one another many times, and themselves: a small template
/// makes what is endless to walk through, so it is measured before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Walk {
    /// It does not go into collections.
    #[default]
    No,
    /// Everywhere: what is nested too deeply is refused.
    Through,
    /// Everywhere, up to a depth of its own.
    Careful,
}

/// A function in a template's table.
#[derive(Clone, Copy)]
pub struct Function {
    /// The name templates use.
    pub name: &'static str,
    /// The fixed parameters.
    pub params: &'static [Type],
    /// The type of further arguments, if any number of them may follow.
    pub variadic: Option<Type>,
    /// Whether the result's Go type is `interface {}`.
    pub gives_any: bool,
    /// What is special about calling it.
    pub calling: Calling,
    /// How it goes through its arguments.
    pub walk: Walk,
    /// How many bytes it takes for each byte of a text among its arguments: charged before the call.
    pub bytes_per_byte: usize,
    /// The function.
    pub call: Body,
}

/// The Rust side of a function. Arguments have been checked against the declared types.
pub type Body = fn(&mut Machine<'_>, &[Value]) -> Result<Value, CallError>;

impl Function {
    /// A function of fixed parameters.
    #[must_use]
    pub const fn new(name: &'static str, params: &'static [Type], call: Body) -> Self {
        Self {
            name,
            params,
            variadic: None,
            gives_any: false,
            calling: Calling::Plain,
            walk: Walk::No,
            bytes_per_byte: 0,
            call,
        }
    }

    /// The same, for a function that goes through everything its arguments hold.
    #[must_use]
    pub const fn walking(name: &'static str, params: &'static [Type], call: Body) -> Self {
        Self { walk: Walk::Through, ..Self::new(name, params, call) }
    }

    /// The same, for one that ends at values that are nested too deeply by itself.
    #[must_use]
    pub const fn careful(name: &'static str, params: &'static [Type], call: Body) -> Self {
        Self { walk: Walk::Careful, ..Self::new(name, params, call) }
    }

    /// The same, taking any number of further arguments.
    #[must_use]
    pub const fn and_more(mut self, of: Type) -> Self {
        self.variadic = Some(of);
        self
    }

    /// The same, its Go result type being `interface {}`.
    #[must_use]
    pub const fn any(mut self) -> Self {
        self.gives_any = true;
        self
    }

    /// The same, taking so many bytes for each byte of a text among its arguments. A function that does not say so
    /// charges by itself what it takes.
    #[must_use]
    pub const fn taking(mut self, bytes_per_byte: usize) -> Self {
        self.bytes_per_byte = bytes_per_byte;
        self
    }

    /// The same, called specially.
    #[must_use]
    pub const fn calling(mut self, calling: Calling) -> Self {
        self.calling = calling;
        self
    }
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// Go's text of the error or panic; what comes before that of `inner` when there is one.
    pub message: String,
    /// What kind of failure it is.
    pub cause: Cause,
    /// The failed execution of another template.
    pub inner: Option<Box<ExecError>>,
}

/// What kind of failure ended an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// The template is wrong, or said `fail`.
    #[default]
    Template,
    /// A budget ran out: steps, output, memory.
    Budget,
    /// The stop flag was raised, or time was up.
    Stopped,
}

impl CallError {
    /// A failure of the template.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: Cause::Template, inner: None }
    }

    /// A budget that ran out.
    pub fn budget(message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: Cause::Budget, inner: None }
    }
}

impl From<ExecError> for CallError {
    fn from(error: ExecError) -> Self {
        Self { message: String::new(), cause: error.cause, inner: Some(Box::new(error)) }
    }
}

impl From<String> for CallError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for CallError {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}
