//! What stands in an action: pipelines, commands, operands.

use std::sync::Arc;

use super::{Parser, Result, pos};
use crate::ast::{Command, Expr, ExprKind, Pipe, Pos};
use crate::token::Kind;
use crate::{number, quote};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe> {
        self.deeper()?;
        let mut pipe =
            Pipe { pos: pos(self.peek_solid()), variables: Vec::new(), assigns: false, commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.next_solid();
            if token.kind == end {
                break;
            }
            self.give_back(token);
            if !starts_operand(token.kind) {
                self.next();
                return self.unexpected(token, context);
            }
            let command = self.command()?;
            pipe.commands.push(command);
        }
        self.depth -= 1;
        self.check(pipe, context)
    }

    /// `$a :=`, `$a =`, `$a, $b :=` at the beginning of a pipeline.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Result<()> {
        while self.peek_solid().kind == Kind::Variable {
            let variable = self.next_solid();
            let after = self.next();
            let next = if after.kind == Kind::Space { self.next_solid() } else { after };
            let comma = next.kind == Kind::Char1 && self.word(next) == ",";
            if !comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
                self.give_back(next);
                if after.kind == Kind::Space {
                    self.give_back(after);
                }
                self.give_back(variable);
                return Ok(());
            }
            let name: Arc<str> = Arc::from(self.word(variable));
            pipe.variables.push(name.clone());
            self.scope.variables.push(name);
            if !comma {
                pipe.assigns = next.kind == Kind::Assign;
                return Ok(());
            }
            self.second_variable(pipe, context)?;
        }
        Ok(())
    }

    fn second_variable(&mut self, pipe: &Pipe, context: &str) -> Result<()> {
        if context != "range" || pipe.variables.len() >= 2 {
            return self.error(format!("too many declarations in {context}"));
        }
        match self.peek_solid().kind {
            Kind::Variable | Kind::RightDelim | Kind::RightParen => Ok(()),
            _ => self.error("range can only initialize variables"),
        }
    }

    fn check(&mut self, pipe: Pipe, context: &str) -> Result<Pipe> {
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let literal = matches!(
                command.args[0].kind,
                ExprKind::Bool(_)
                    | ExprKind::Dot
                    | ExprKind::Nil
                    | ExprKind::Number(_)
                    | ExprKind::String(..)
            );
            if literal {
                return self.error(format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(pipe)
    }

    fn command(&mut self) -> Result<Command> {
        let pos = pos(self.peek_solid());
        let mut args = Vec::new();
        loop {
            self.peek_solid();
            args.extend(self.operand()?);
            let token = self.next();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.give_back(token);
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(token, "operand"),
            }
        }
        if args.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { pos, args })
    }

    /// A term and the fields that follow it without a space.
    fn operand(&mut self) -> Result<Option<Expr>> {
        let Some(term) = self.term()? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(term));
        }
        let at = pos(self.peek());
        let mut names = Vec::new();
        while self.peek().kind == Kind::Field {
            let field = self.next();
            names.push(Arc::from(&self.word(field)[1..]));
        }
        self.chain(term, at, names).map(Some)
    }

    fn chain(&mut self, term: Expr, at: Pos, names: Vec<Arc<str>>) -> Result<Expr> {
        let kind = match term.kind {
            ExprKind::Field(mut own) => {
                own.extend(names);
                ExprKind::Field(own)
            }
            ExprKind::Variable(mut own) => {
                own.extend(names);
                ExprKind::Variable(own)
            }
            ExprKind::Bool(_)
            | ExprKind::String(..)
            | ExprKind::Number(_)
            | ExprKind::Nil
            | ExprKind::Dot => {
                let term = quote::quoted(term.to_string().as_bytes());
                return self.error(format!("unexpected . after term {term}"));
            }
            _ => ExprKind::Chain(Box::new(term), names),
        };
        Ok(Expr { pos: at, kind })
    }

    fn term(&mut self) -> Result<Option<Expr>> {
        let token = self.next_solid();
        let word = self.word(token);
        let kind = match token.kind {
            Kind::Identifier => self.function(word)?,
            Kind::Dot => ExprKind::Dot,
            Kind::Nil => ExprKind::Nil,
            Kind::Variable => self.variable(word)?,
            Kind::Field => ExprKind::Field(vec![Arc::from(&word[1..])]),
            Kind::Bool => ExprKind::Bool(word == "true"),
            Kind::Char => ExprKind::Number(number::character(word).or_else(|message| self.error(message))?),
            Kind::Number => ExprKind::Number(number::constant(word).or_else(|message| self.error(message))?),
            Kind::LeftParen => {
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                return Ok(Some(Expr { pos: pipe.pos, kind: ExprKind::Pipe(Box::new(pipe)) }));
            }
            Kind::String | Kind::RawString => {
                let value = quote::unquote(word).or_else(|message| self.error(message))?;
                ExprKind::String(Arc::from(value), word.into())
            }
            _ => {
                self.give_back(token);
                return Ok(None);
            }
        };
        Ok(Some(Expr { pos: pos(token), kind }))
    }

    fn function(&mut self, name: &str) -> Result<ExprKind> {
        match (self.functions)(name) {
            Some(number) => Ok(ExprKind::Function(Arc::from(name), number)),
            None => self.error(format!("function {} not defined", quote::quoted(name.as_bytes()))),
        }
    }

    fn variable(&mut self, name: &str) -> Result<ExprKind> {
        match self.scope.variables.iter().rev().find(|known| &***known == name) {
            Some(known) => Ok(ExprKind::Variable(vec![known.clone()])),
            None => self.error(format!("undefined variable {}", quote::quoted(name.as_bytes()))),
        }
    }
}

fn starts_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::Char
            | Kind::Dot
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::Nil
            | Kind::RawString
            | Kind::String
            | Kind::Variable
            | Kind::LeftParen
    )
}
