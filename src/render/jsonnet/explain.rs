//! The words for what can be wrong with a Jsonnet program, and the span where it is.

use std::collections::BTreeSet;

use rsjsonnet_lang::lexer::LexError;
use rsjsonnet_lang::parser::{ExpectedToken, ParseError};
use rsjsonnet_lang::program::{
    AnalyzeError, EvalError, EvalErrorKind as E, EvalErrorValueType as Type, EvalStackTraceItem as Frame,
    LoadError,
};
use rsjsonnet_lang::span::SpanId;
use rsjsonnet_lang::token::STokenKind as Token;

/// What is wrong, and the spans that say where, the best first.
pub(super) struct Words {
    pub text: String,
    pub spans: Vec<SpanId>,
    /// What stands at the first span completes the text: ``text `source` ``.
    pub quote: bool,
}

impl Words {
    fn at(span: SpanId, text: impl Into<String>) -> Self {
        Self { text: text.into(), spans: vec![span], quote: false }
    }
}

/// Why a text is not a program.
pub(super) fn load(error: &LoadError) -> Words {
    match error {
        LoadError::Lex(error) => lex(error),
        LoadError::Parse(ParseError::Expected { span, expected, .. }) => {
            Words { quote: true, ..Words::at(*span, wanted(expected)) }
        }
        LoadError::Analyze(error) => analyze(error),
    }
}

/// Why a program has no value. The innermost span comes first: the error's own, then those of the calls around it.
pub(super) fn eval(error: &EvalError) -> Words {
    let (own, text) = [limits, indexing, calls, numbers, comparisons]
        .iter()
        .find_map(|explain| explain(&error.kind))
        .unwrap_or_else(|| (None, format!("{:?}", error.kind)));
    let around = error.stack_trace.iter().rev().filter_map(span_of);
    Words { text, spans: own.into_iter().chain(around).collect(), quote: false }
}

fn span_of(frame: &Frame) -> Option<SpanId> {
    match frame {
        Frame::Expr { span } | Frame::Variable { span, .. } | Frame::Import { span } => Some(*span),
        Frame::Call { span, .. } | Frame::ArrayItem { span, .. } | Frame::ObjectField { span, .. } => *span,
        Frame::CompareArrayItem { .. }
        | Frame::CompareObjectField { .. }
        | Frame::ManifestArrayItem { .. }
        | Frame::ManifestObjectField { .. } => None,
    }
}

fn lex(error: &LexError) -> Words {
    match error {
        LexError::InvalidChar { span, chr } => {
            Words::at(*span, format!("the character {chr:?} means nothing here"))
        }
        LexError::InvalidUtf8 { span, .. } => Words::at(*span, "the text is not UTF-8"),
        LexError::UnfinishedMultilineComment { span } => Words::at(*span, "the comment has no end"),
        LexError::LeadingZeroInNumber { span } => Words::at(*span, "a number may not begin with 0"),
        LexError::MissingFracDigits { span } => Words::at(*span, "digits are missing after the point"),
        LexError::MissingExpDigits { span } => Words::at(*span, "digits are missing in the exponent"),
        LexError::MissingDigitAfterUnderscore { span } => {
            Words::at(*span, "a digit is missing after the underscore")
        }
        LexError::ExpOverflow { span } => Words::at(*span, "the exponent is too large"),
        LexError::InvalidEscapeInString { span, chr } => Words::at(*span, format!("\\{chr} is no escape")),
        LexError::IncompleteUnicodeEscape { span } => Words::at(*span, "\\u needs four hexadecimal digits"),
        LexError::InvalidUtf16EscapeSequence { span, .. } => Words::at(*span, "\\u names no character"),
        LexError::UnfinishedString { span } => Words::at(*span, "the string has no end"),
        LexError::MissingLineBreakAfterTextBlockStart { span } => {
            Words::at(*span, "a line must end after |||")
        }
        LexError::MissingWhitespaceTextBlockStart { span } => {
            Words::at(*span, "the first line of a text block must be indented")
        }
        LexError::InvalidTextBlockTermination { span } => {
            Words::at(*span, "the text block does not end with |||")
        }
    }
}

/// What would have been fine, if it is one of the tokens people forget.
fn wanted(expected: &BTreeSet<ExpectedToken>) -> String {
    const TELLING: [(Token, &str); 8] = [
        (Token::Semicolon, ";"),
        (Token::Comma, ","),
        (Token::RightBrace, "}"),
        (Token::RightBracket, "]"),
        (Token::RightParen, ")"),
        (Token::Colon, ":"),
        (Token::Eq, "="),
        (Token::Then, "then"),
    ];
    let wanted = TELLING.iter().filter(|(token, _)| expected.contains(&ExpectedToken::Simple(*token)));
    let wanted: Vec<_> = wanted.map(|(_, text)| *text).collect();
    if wanted.is_empty() {
        "unexpected".to_owned()
    } else {
        format!("expected {} but found", wanted.join(" or "))
    }
}

fn analyze(error: &AnalyzeError) -> Words {
    match error {
        AnalyzeError::UnknownVariable { span, name } => Words::at(*span, format!("unknown variable: {name}")),
        AnalyzeError::SelfOutsideObject { self_span } => {
            Words::at(*self_span, "self is only known inside an object")
        }
        AnalyzeError::SuperOutsideObject { super_span } => {
            Words::at(*super_span, "super is only known inside an object")
        }
        AnalyzeError::DollarOutsideObject { dollar_span } => {
            Words::at(*dollar_span, "$ is only known inside an object")
        }
        AnalyzeError::RepeatedLocalName { repeated_span, name, .. } => {
            Words::at(*repeated_span, format!("the local {name} is there twice"))
        }
        AnalyzeError::RepeatedFieldName { repeated_span, name, .. } => {
            Words::at(*repeated_span, format!("the field {name} is there twice"))
        }
        AnalyzeError::RepeatedParamName { repeated_span, name, .. } => {
            Words::at(*repeated_span, format!("the parameter {name} is there twice"))
        }
        AnalyzeError::PositionalArgAfterNamed { arg_span } => {
            Words::at(*arg_span, "a positional argument follows a named one")
        }
        AnalyzeError::TextBlockAsImportPath { span } | AnalyzeError::ComputedImportPath { span } => {
            Words::at(*span, "the path of an import must be a plain string")
        }
    }
}

type Found = Option<(Option<SpanId>, String)>;

fn limits(kind: &E) -> Found {
    Some(match kind {
        E::StackOverflow => {
            (None, "calls nest deeper than the limit allows (infinite recursion?)".to_owned())
        }
        E::InfiniteRecursion => (None, "a value needs itself: infinite recursion".to_owned()),
        E::ImportFailed { span, path } => (Some(*span), format!("cannot import {path:?}")),
        E::UnknownExtVar { name } => (None, format!("undefined external variable: {name}")),
        E::NativeCallFailed => (None, "there are no native functions here".to_owned()),
        E::AssertFailed { span, message } => {
            (Some(*span), message.clone().unwrap_or_else(|| "object assertion failed".to_owned()))
        }
        E::AssertEqualFailed { lhs, rhs } => (None, format!("assertion failed: {lhs} != {rhs}")),
        E::ExplicitError { span, message } => (Some(*span), message.clone()),
        E::ManifestFunction => (None, "a function cannot become JSON".to_owned()),
        E::Other { span, message } => (*span, message.clone()),
        _ => return None,
    })
}

fn indexing(kind: &E) -> Found {
    Some(match kind {
        E::InvalidIndexedType { span, got_type } => {
            (Some(*span), format!("a {} has no index", name(*got_type)))
        }
        E::InvalidSlicedType { span, got_type } => {
            (Some(*span), format!("a {} has no slices", name(*got_type)))
        }
        E::SliceIndexOrStepIsNotNumber { span, got_type }
        | E::StringIndexIsNotNumber { span, got_type }
        | E::ArrayIndexIsNotNumber { span, got_type } => {
            (Some(*span), format!("the index must be a number, not a {}", name(*got_type)))
        }
        E::NumericIndexIsNotValid { span, index } => (Some(*span), format!("{index} is no index")),
        E::NumericIndexOutOfRange { span, index, length } => {
            (Some(*span), format!("index {index} is out of bounds, not within [0, {length})"))
        }
        E::ObjectIndexIsNotString { span, got_type } => {
            (Some(*span), format!("an object's index must be a string, not a {}", name(*got_type)))
        }
        E::RepeatedFieldName { span, name } => (Some(*span), format!("the field {name} is there twice")),
        E::FieldNameIsNotString { span, got_type } => {
            (Some(*span), format!("a field's name must be a string, not a {}", name(*got_type)))
        }
        E::UnknownObjectField { span, field_name } => {
            (Some(*span), format!("field does not exist: {field_name}"))
        }
        E::FieldOfNonObject { span } => (Some(*span), "only objects have fields".to_owned()),
        E::SuperWithoutSuperObject { span } => (Some(*span), "there is no super object".to_owned()),
        _ => return None,
    })
}

fn calls(kind: &E) -> Found {
    Some(match kind {
        E::CalleeIsNotFunction { span, got_type } => {
            (*span, format!("a {} cannot be called", name(*got_type)))
        }
        E::TooManyCallArgs { span, num_params } => {
            (*span, format!("too many arguments: the function takes {num_params}"))
        }
        E::UnknownCallParam { span, param_name } => {
            (*span, format!("the function has no parameter {param_name}"))
        }
        E::RepeatedCallParam { span, param_name } => {
            (*span, format!("the parameter {param_name} is there twice"))
        }
        E::CallParamNotBound { span, param_name } => (*span, format!("missing argument: {param_name}")),
        E::InvalidStdFuncArgType { func_name, arg_index, expected_types, got_type } => {
            let expected: Vec<_> = expected_types.iter().map(|expected| name(*expected)).collect();
            let (number, expected) = (arg_index + 1, expected.join(" or "));
            (
                None,
                format!("argument {number} of std.{func_name} must be {expected}, not {}", name(*got_type)),
            )
        }
        E::ForSpecValueIsNotArray { span, got_type } => {
            (Some(*span), format!("for needs an array, not a {}", name(*got_type)))
        }
        E::CondIsNotBool { span, got_type } => {
            (Some(*span), format!("a condition must be a boolean, not a {}", name(*got_type)))
        }
        _ => return None,
    })
}

fn numbers(kind: &E) -> Found {
    Some(match kind {
        E::InvalidUnaryOpType { span, rhs_type, .. } => {
            (Some(*span), format!("the operator does not work on a {}", name(*rhs_type)))
        }
        E::InvalidBinaryOpTypes { span, lhs_type, rhs_type, .. } => {
            (*span, format!("the operator does not work on a {} and a {}", name(*lhs_type), name(*rhs_type)))
        }
        E::NumberNotBitwiseSafe { span } => (*span, "the number is too large for bit operations".to_owned()),
        E::NumberOverflow { span } => (*span, "the number is too large".to_owned()),
        E::NumberNan { span } => (*span, "the result is not a number".to_owned()),
        E::DivByZero { span } => (*span, "division by zero".to_owned()),
        E::ShiftByNegative { span } => (*span, "shift by a negative number".to_owned()),
        _ => return None,
    })
}

fn comparisons(kind: &E) -> Found {
    let text = match kind {
        E::CompareNullInequality => "null has no order".to_owned(),
        E::CompareBooleanInequality => "booleans have no order".to_owned(),
        E::CompareObjectInequality => "objects have no order".to_owned(),
        E::CompareFunctions => "functions cannot be compared".to_owned(),
        E::CompareDifferentTypesInequality { lhs_type, rhs_type } => {
            format!("a {} and a {} have no order", name(*lhs_type), name(*rhs_type))
        }
        E::PrimitiveEqualsNonPrimitive { got_type } => {
            format!("std.primitiveEquals does not take a {}", name(*got_type))
        }
        _ => return None,
    };
    Some((None, text))
}

fn name(value: Type) -> &'static str {
    match value {
        Type::Null => "null",
        Type::Bool => "boolean",
        Type::Number => "number",
        Type::String => "string",
        Type::Array => "array",
        Type::Object => "object",
        Type::Function => "function",
    }
}
