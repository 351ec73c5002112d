//! Evaluating what stands in an action: pipelines, commands, operands, chains of fields.

use std::rc::Rc;

use super::call::Call;
use super::frame::{Frame, Result};
use super::operand::Operand;
use crate::ast::{Command, Expr, ExprKind, Number, Pipe, Word};
use crate::complex::Complex;
use crate::quote;
use crate::value::{Str, Value};

impl<'t> Frame<'t, '_, '_> {
    /// The value of a pipeline; its variables are declared or assigned.
    pub(super) fn pipeline(&mut self, dot: &Operand, pipe: &'t Pipe) -> Result<Operand> {
        self.at_pipe(pipe);
        let value = self.nested(|frame| frame.stages(dot, pipe))?;
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    /// The value of the last command.
    fn stages(&mut self, dot: &Operand, pipe: &'t Pipe) -> Result<Operand> {
        let mut value: Option<Operand> = None;
        for command in &pipe.commands {
            value = Some(self.command(dot, command, value.as_ref())?.unboxed());
        }
        Ok(value.unwrap_or(Operand::NONE))
    }

    /// A command; `piped` is the value of the stage before it.
    fn command(&mut self, dot: &Operand, command: &'t Command, piped: Option<&Operand>) -> Result<Operand> {
        let (first, rest) = (&command.args[0], &command.args[1..]);
        let call = Call { args: rest, piped, from: Some(command) };
        match &first.kind {
            ExprKind::Field(path) => {
                self.at_expr(first);
                self.chain(dot, dot.clone(), (first, path), &call)
            }
            ExprKind::Chain(..) => self.chained(dot, first, &call),
            ExprKind::Variable(path) => self.variable(dot, first, path, &call),
            ExprKind::Function(..) => self.function(dot, first, &call),
            ExprKind::Pipe(pipe) => {
                self.not_a_function(first, &call)?;
                self.pipeline(dot, pipe)
            }
            _ => {
                self.at_expr(first);
                self.not_a_function(first, &call)?;
                self.literal(dot, first)
            }
        }
    }

    pub(super) fn literal(&mut self, dot: &Operand, expr: &'t Expr) -> Result<Operand> {
        match &expr.kind {
            ExprKind::Bool(value) => Ok(Operand::plain(Value::Bool(*value))),
            ExprKind::Dot => Ok(dot.clone()),
            ExprKind::Nil => self.fail("nil is not a command"),
            ExprKind::Number(number) => self.constant(expr, number),
            ExprKind::String(text, _) => Ok(Operand::plain(Value::Str(Str::from(text.clone())))),
            _ => self.fail(format!("can't evaluate command {}", quote::quoted(expr.to_string().as_bytes()))),
        }
    }

    /// A number where nothing says of which type: a float if it looks like one, else an `int`.
    fn constant(&mut self, expr: &'t Expr, number: &Number) -> Result<Operand> {
        self.at_expr(expr);
        let text = &*number.text;
        let hex = text.len() > 2 && text.starts_with('0') && text[1..].starts_with(['x', 'X']);
        let looks_float = !text.starts_with('\'')
            && (text.contains(['.', 'p', 'P']) || (!hex && text.contains(['e', 'E'])));
        match (number.float, number.int, number.complex) {
            (Some(float), ..) if looks_float => Ok(Operand::plain(Value::Float(float))),
            (_, Some(int), _) => Ok(Operand::plain(Value::int(int))),
            (.., Some((real, imaginary))) => {
                Ok(Operand::plain(Value::Object(Rc::new(Complex { real, imaginary }))))
            }
            _ => self.fail(format!("{text} overflows int")),
        }
    }

    fn not_a_function(&self, expr: &Expr, call: &Call<'t, '_>) -> Result<()> {
        if call.args.is_empty() && call.piped.is_none() {
            return Ok(());
        }
        self.fail(format!("can't give argument to non-function {expr}"))
    }

    /// `(pipeline).a.b`
    pub(super) fn chained(&mut self, dot: &Operand, expr: &'t Expr, call: &Call<'t, '_>) -> Result<Operand> {
        let ExprKind::Chain(inner, path) = &expr.kind else {
            return self.fail("not a chain");
        };
        self.at_expr(expr);
        if matches!(inner.kind, ExprKind::Nil) {
            return self.fail(format!("indirection through explicit nil in {expr}"));
        }
        let receiver = self.any_argument(dot, inner)?;
        self.chain(dot, receiver, (expr, path), call)
    }

    /// `$x` and `$x.a.b`
    pub(super) fn variable(
        &mut self,
        dot: &Operand,
        expr: &'t Expr,
        path: &'t Word,
        call: &Call<'t, '_>,
    ) -> Result<Operand> {
        self.at_expr(expr);
        let name = path.variable();
        let Some(place) = self.place_of(name)? else {
            return self.fail(format!("undefined variable: {name}"));
        };
        let value = self.variables[place].1.clone();
        if name.len() == path.len() {
            self.not_a_function(expr, call)?;
            return Ok(value);
        }
        self.chain(dot, value, (expr, path), call)
    }

    /// Fields one after the other; the last one may be a method that takes the call's arguments.
    pub(super) fn chain(
        &mut self,
        dot: &Operand,
        receiver: Operand,
        chain: (&'t Expr, &'t Word),
        call: &Call<'t, '_>,
    ) -> Result<Operand> {
        let (expr, path) = chain;
        let none = Call::without_arguments();
        let mut value = receiver;
        let mut names = path.fields().peekable();
        while let Some(name) = names.next() {
            let call = if names.peek().is_none() { call } else { &none };
            value = self.field(dot, value, (expr, name), call)?;
        }
        Ok(value)
    }

    fn field(
        &mut self,
        dot: &Operand,
        receiver: Operand,
        field: (&'t Expr, &'t str),
        call: &Call<'t, '_>,
    ) -> Result<Operand> {
        let (expr, name) = field;
        let type_name = receiver.type_name();
        let value = match receiver.value {
            None => return Ok(Operand::NONE),
            Some(Value::Nil) => return self.fail(format!("nil pointer evaluating {type_name}.{name}")),
            Some(value) => value,
        };
        if let Some(method) = self.method(&value, name) {
            return self.call(dot, method, Some(value), (expr, call));
        }
        match &value {
            Value::Map(map) => {
                if call.has_arguments() {
                    return self.fail(format!("{name} is not a method but has arguments"));
                }
                let element = map.get(name.as_bytes()).unwrap_or_else(|| map.zero());
                Ok(Operand { value: Some(element), boxed: map.holds_any() })
            }
            Value::Object(object) => match object.field(name) {
                Some(_) if call.has_arguments() => {
                    self.fail(format!("{name} has arguments but cannot be invoked as function"))
                }
                Some(value) => Ok(Operand::plain(value)),
                None => self.fail(format!("can't evaluate field {name} in type {type_name}")),
            },
            _ => self.fail(format!("can't evaluate field {name} in type {type_name}")),
        }
    }
}
