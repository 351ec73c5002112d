//! What evaluation passes around: a value, or none at all, and whether it came out of an interface.

use crate::value::Value;

/// The result of evaluating something (Go's `reflect.Value`).
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    /// The value; `None` is Go's invalid value, which prints as `<no value>`.
    pub(crate) value: Option<Value>,
    /// Its static type is `interface {}`: an element of a map or slice of anything. A nil one is valid.
    pub(crate) boxed: bool,
}

impl Operand {
    /// No value at all.
    pub(crate) const NONE: Self = Self { value: None, boxed: false };

    /// A value of its own type; nil is no value.
    pub(crate) fn plain(value: Value) -> Self {
        match value {
            Value::Nil => Self::NONE,
            value => Self { value: Some(value), boxed: false },
        }
    }

    /// A value inside an interface.
    pub(crate) fn boxed(value: Value) -> Self {
        Self { value: Some(value), boxed: true }
    }

    /// The same out of its interface, as the end of a pipeline does it.
    pub(crate) fn unboxed(self) -> Self {
        if self.boxed { self.value.map_or(Self::NONE, Self::plain) } else { self }
    }

    /// Go's name of the static type.
    pub(crate) fn type_name(&self) -> &'static str {
        match &self.value {
            _ if self.boxed => "interface {}",
            Some(value) => value.type_name(),
            None => "<nil>",
        }
    }

    /// Whether it counts as true.
    pub(crate) fn truth(&self) -> bool {
        self.value.as_ref().is_some_and(Value::truth)
    }

    /// The value as an argument of a function.
    pub(crate) fn into_value(self) -> Value {
        match self.value {
            None => Value::Nil,
            Some(Value::Object(object)) => object.as_argument().unwrap_or(Value::Object(object)),
            Some(value) => value,
        }
    }
}
