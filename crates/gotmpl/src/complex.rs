//! Complex constants: Go's templates have them, and can do nothing with them but print them.

use std::any::Any;

use crate::float;
use crate::value::{Object, Value};

/// A `complex128`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Complex {
    pub(crate) real: f64,
    pub(crate) imaginary: f64,
}

impl Object for Complex {
    fn type_name(&self) -> &'static str {
        "complex128"
    }

    fn kind(&self) -> &'static str {
        "complex128"
    }

    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    fn print(&self) -> String {
        let sign = if self.imaginary.is_sign_negative() { "" } else { "+" };
        format!("({}{sign}{}i)", float::shortest(self.real), float::shortest(self.imaginary))
    }

    fn is_stringer(&self) -> bool {
        true
    }

    fn json(&self) -> Value {
        Value::Nil
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
