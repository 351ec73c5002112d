//! Calling functions and methods: counting, evaluating and checking arguments as Go's reflection does.

use super::frame::{Frame, Result};
use super::operand::Operand;
use crate::ast::{Command, Expr, ExprKind};
use crate::function::{Calling, Function, Type};
use crate::value::{IntType, Str, UintType, Value};

/// The arguments of a command: those written, and the value of the stage before.
pub(super) struct Call<'t, 'p> {
    pub(super) args: &'t [Expr],
    pub(super) piped: Option<&'p Operand>,
    /// The command, which errors of the function name; `None` for an operand among arguments.
    pub(super) from: Option<&'t Command>,
}

impl Call<'_, '_> {
    pub(super) const fn without_arguments() -> Self {
        Self { args: &[], piped: None, from: None }
    }

    pub(super) fn has_arguments(&self) -> bool {
        !self.args.is_empty() || self.piped.is_some()
    }
}

impl<'t> Frame<'t, '_, '_> {
    pub(super) fn method(&self, receiver: &Value, name: &str) -> Option<&'static Function> {
        match receiver {
            Value::Object(object) => self.machine.host.method(receiver, name).or_else(|| object.method(name)),
            Value::Map(_) | Value::List(_) | Value::Int(..) => self.machine.host.method(receiver, name),
            _ => None,
        }
    }

    pub(super) fn function(&mut self, dot: &Operand, expr: &'t Expr, call: &Call<'t, '_>) -> Result<Operand> {
        self.at_expr(expr);
        let ExprKind::Function(name, number) = &expr.kind else { return self.fail("not a function") };
        let functions = self.machine.functions();
        let Some(function) = functions.get(*number) else {
            return self.fail(format!("{:?} is not a defined function", &**name));
        };
        self.call(dot, function, None, (expr, call))
    }

    /// Calls `function`; a method's receiver comes before the arguments.
    pub(super) fn call(
        &mut self,
        dot: &Operand,
        function: &Function,
        receiver: Option<Value>,
        site: (&'t Expr, &Call<'t, '_>),
    ) -> Result<Operand> {
        let (expr, call) = site;
        self.check_count(function, call)?;
        if matches!(function.calling, Calling::And | Calling::Or) {
            return self.short_circuit(dot, function, call);
        }
        let is_method = receiver.is_some();
        let args = self.arguments(dot, function, receiver, call)?;
        match self.machine.call(function, &args) {
            Ok(value) if function.gives_any => Ok(Operand::boxed(value)),
            Ok(value) => Ok(Operand::plain(value)),
            Err(mut error) => {
                // Go stands at the command again for a function, at the chain for a method.
                match call.from {
                    Some(command) if !is_method => self.at_command(command),
                    _ => self.at_expr(expr),
                }
                error.message = format!("error calling {}: {}", function.name, error.message);
                self.fail_with(error)
            }
        }
    }

    fn check_count(&self, function: &Function, call: &Call<'t, '_>) -> Result<()> {
        let (name, fixed, written) = (function.name, function.params.len(), call.args.len());
        let given = written + usize::from(call.piped.is_some());
        if function.variadic.is_some() {
            if given < fixed {
                let text = format!("wrong number of args for {name}: want at least {fixed} got {written}");
                return self.fail(text);
            }
        } else if given != fixed {
            return self.fail(format!("wrong number of args for {name}: want {fixed} got {given}"));
        }
        Ok(())
    }

    fn short_circuit(&mut self, dot: &Operand, function: &Function, call: &Call<'t, '_>) -> Result<Operand> {
        let stops_at = function.calling == Calling::Or;
        let mut last = Operand::NONE;
        for arg in call.args {
            last = self.argument(dot, arg, Type::Reflect)?;
            if last.truth() == stops_at {
                return Ok(last);
            }
        }
        Ok(call.piped.map_or(last, Clone::clone))
    }

    fn arguments(
        &mut self,
        dot: &Operand,
        function: &Function,
        receiver: Option<Value>,
        call: &Call<'t, '_>,
    ) -> Result<Vec<Value>> {
        let mut args = Vec::with_capacity(call.args.len() + 2);
        args.extend(receiver);
        if function.calling == Calling::Named {
            args.push(named(call));
        }
        let of =
            |index: usize| function.params.get(index).copied().or(function.variadic).unwrap_or(Type::Any);
        for (index, arg) in call.args.iter().enumerate() {
            args.push(self.argument(dot, arg, of(index))?.into_value());
        }
        if let Some(piped) = call.piped {
            let checked = self.check_type(piped.clone(), Some(of(call.args.len())))?;
            args.push(checked.into_value());
        }
        Ok(args)
    }

    /// An operand whose type nobody prescribes: the head of a chain.
    pub(super) fn any_argument(&mut self, dot: &Operand, expr: &'t Expr) -> Result<Operand> {
        self.operand(dot, expr, None)
    }

    fn argument(&mut self, dot: &Operand, expr: &'t Expr, of: Type) -> Result<Operand> {
        self.operand(dot, expr, Some(of))
    }

    fn operand(&mut self, dot: &Operand, expr: &'t Expr, of: Option<Type>) -> Result<Operand> {
        self.at_expr(expr);
        let none = Call::without_arguments();
        let value = match &expr.kind {
            ExprKind::Dot => dot.clone(),
            ExprKind::Nil => return self.nil(of),
            ExprKind::Field(path) => self.chain(dot, dot.clone(), (expr, path), &none)?,
            ExprKind::Variable(path) => self.variable(dot, expr, path, &none)?,
            ExprKind::Pipe(pipe) => self.pipeline(dot, pipe)?,
            ExprKind::Function(..) => self.function(dot, expr, &none)?,
            ExprKind::Chain(..) => self.chained(dot, expr, &none)?,
            ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String(..) => {
                return self.constant_of(expr, of);
            }
        };
        self.check_type(value, of)
    }

    fn nil(&self, of: Option<Type>) -> Result<Operand> {
        match of.map_or(Some(Value::Nil), Type::nil) {
            Some(value) => Ok(Operand::plain(value)),
            None => self.fail(format!("cannot assign nil to {}", of.map_or("", Type::name))),
        }
    }

    /// A constant is checked by how it is written, not by a type of its own.
    fn constant_of(&mut self, expr: &'t Expr, of: Option<Type>) -> Result<Operand> {
        let of = of.unwrap_or(Type::Any);
        let value = match (of, &expr.kind) {
            (Type::Any | Type::Reflect, _) => return self.untyped_constant(expr),
            (Type::Bool, ExprKind::Bool(value)) => Value::Bool(*value),
            (Type::Bool, _) => return self.fail(format!("expected bool; found {expr}")),
            (Type::String, ExprKind::String(text, _)) => Value::Str(Str::from(text.clone())),
            (Type::String, _) => return self.fail(format!("expected string; found {expr}")),
            (Type::Int, ExprKind::Number(number)) if number.int.is_some() => {
                Value::int(number.int.unwrap_or_default())
            }
            (Type::Int64, ExprKind::Number(number)) if number.int.is_some() => {
                Value::int64(number.int.unwrap_or_default())
            }
            (Type::Duration, ExprKind::Number(number)) if number.int.is_some() => {
                Value::Int(IntType::Duration, number.int.unwrap_or_default())
            }
            (Type::Int | Type::Int64 | Type::Duration, _) => {
                return self.fail(format!("expected integer; found {expr}"));
            }
            (Type::Uint32, ExprKind::Number(number)) if number.uint.is_some() => {
                Value::Uint(UintType::Uint64, number.uint.unwrap_or_default() & u64::from(u32::MAX))
            }
            (Type::Uint32, _) => return self.fail(format!("expected unsigned integer; found {expr}")),
            (Type::Float64, ExprKind::Number(number)) if number.float.is_some() => {
                Value::Float(number.float.unwrap_or_default())
            }
            (Type::Float64, _) => return self.fail(format!("expected float; found {expr}")),
            _ => return self.fail(format!("can't handle {expr} for arg of type {}", of.name())),
        };
        Ok(Operand::plain(value))
    }

    fn untyped_constant(&mut self, expr: &'t Expr) -> Result<Operand> {
        self.literal(&Operand::NONE, expr)
    }

    /// Checks a value against a parameter's type, taking it out of its interface where that helps.
    fn check_type(&self, value: Operand, of: Option<Type>) -> Result<Operand> {
        let Some(of) = of else { return Ok(value) };
        let inner = match &value.value {
            None => return self.nothing(of),
            Some(inner) => inner,
        };
        let open = matches!(of, Type::Any | Type::Reflect);
        if open || (!matches!(inner, Value::Nil) && of.accepts(inner)) {
            return Ok(value);
        }
        self.fail(self.wrong_type(&value, inner, of))
    }

    fn wrong_type(&self, value: &Operand, inner: &Value, of: Type) -> String {
        let got = match inner {
            Value::Nil => value.type_name(),
            inner => inner.type_name(),
        };
        format!("wrong type for value; expected {}; got {got}", of.name())
    }

    /// No value at all is nil where the type has one.
    fn nothing(&self, of: Type) -> Result<Operand> {
        match of.nil() {
            Some(Value::Nil) => Ok(Operand::NONE),
            Some(value) => Ok(Operand::plain(value)),
            None => self.fail(format!("invalid value; expected {}", of.name())),
        }
    }
}

/// How the text of a failed `call` names what was to be called: as it is written, or by its value if it was piped.
fn named(call: &Call<'_, '_>) -> Value {
    if let Some(written) = call.args.first() {
        return Value::from(written.to_string());
    }
    match call.piped.map(|piped| &piped.value) {
        Some(Some(text @ Value::Str(_))) => text.clone(),
        Some(Some(value)) => Value::from(format!("<{} Value>", value.type_name())),
        _ => Value::from(""),
    }
}
