//! What stands in an action: pipelines, commands, operands.

use std::sync::Arc;

use super::{Parser, Result, pos};
use crate::ast::{Command, Expr, ExprKind, Pipe, Pos, Word};
use crate::token::{Kind, Token};
use crate::{number, quote};

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe> {
        self.deeper()?;
        let mut pipe = Pipe {
            pos: pos(self.peek_solid()),
            variables: Vec::new(),
            assigns: false,
            commands: Vec::with_capacity(1),
        };
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
            pipe.variables.push(self.kept(variable));
            let name = self.word(variable);
            self.scope.declare(name);
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
        let mut args = Vec::with_capacity(1);
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
        let first = self.next();
        let mut path = self.kept(first);
        while self.peek().kind == Kind::Field {
            let field = self.next();
            path = path.up_to(&self.kept(field));
        }
        self.chain(term, at, path).map(Some)
    }

    fn chain(&mut self, term: Expr, at: Pos, path: Word) -> Result<Expr> {
        let kind = match term.kind {
            ExprKind::Field(own) => ExprKind::Field(own.up_to(&path)),
            ExprKind::Variable(own) => ExprKind::Variable(own.up_to(&path)),
            ExprKind::Bool(_)
            | ExprKind::String(..)
            | ExprKind::Number(_)
            | ExprKind::Nil
            | ExprKind::Dot => {
                let term = quote::quoted(term.to_string().as_bytes());
                return self.error(format!("unexpected . after term {term}"));
            }
            _ => ExprKind::Chain(Box::new(term), path),
        };
        Ok(Expr { pos: at, kind })
    }

    fn term(&mut self) -> Result<Option<Expr>> {
        let token = self.next_solid();
        let word = self.word(token);
        let kind = match token.kind {
            Kind::Identifier => self.function(token)?,
            Kind::Dot => ExprKind::Dot,
            Kind::Nil => ExprKind::Nil,
            Kind::Variable => self.variable(token)?,
            Kind::Field => ExprKind::Field(self.kept(token)),
            Kind::Bool => ExprKind::Bool(word == "true"),
            Kind::Char => {
                ExprKind::Number(Box::new(number::character(word).or_else(|message| self.error(message))?))
            }
            Kind::Number => {
                ExprKind::Number(Box::new(number::constant(word).or_else(|message| self.error(message))?))
            }
            Kind::LeftParen => {
                let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
                return Ok(Some(Expr { pos: pipe.pos, kind: ExprKind::Pipe(Box::new(pipe)) }));
            }
            Kind::String | Kind::RawString => {
                let value = quote::unquote(word).or_else(|message| self.error(message))?;
                ExprKind::String(Arc::from(value), self.kept(token))
            }
            _ => {
                self.give_back(token);
                return Ok(None);
            }
        };
        Ok(Some(Expr { pos: pos(token), kind }))
    }

    fn function(&mut self, token: Token) -> Result<ExprKind> {
        let name = self.word(token);
        match (self.functions)(name) {
            Some(number) => Ok(ExprKind::Function(self.kept(token), number)),
            None => self.error(format!("function {} not defined", quote::quoted(name.as_bytes()))),
        }
    }

    fn variable(&mut self, token: Token) -> Result<ExprKind> {
        let name = self.word(token);
        match self.scope.knows(name) {
            true => Ok(ExprKind::Variable(self.kept(token))),
            false => self.error(format!("undefined variable {}", quote::quoted(name.as_bytes()))),
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
