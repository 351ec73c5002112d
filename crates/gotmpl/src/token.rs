//! The words of a template: what the lexer yields and the parser takes.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Literal text between actions, already trimmed.
    Text,
    /// `{{`, with or without a trim mark.
    LeftDelim,
    /// `}}`, with or without a trim mark.
    RightDelim,
    /// White space inside an action.
    Space,
    /// An identifier that is no keyword: a function's name.
    Identifier,
    /// `.Name`
    Field,
    /// `$` or `$name`
    Variable,
    /// `.` alone.
    Dot,
    /// A number or a complex constant, not yet checked.
    Number,
    /// A character constant with its quotes.
    Char,
    /// An interpreted string with its quotes.
    String,
    /// A raw string with its back quotes.
    RawString,
    /// `true` or `false`
    Bool,
    /// `nil`
    Nil,
    /// `=`
    Assign,
    /// `:=`
    Declare,
    /// `|`
    Pipe,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// Any other printable ASCII character, such as `,`.
    Char1,
    /// `block`, `if`, … one of [`Keyword`].
    Keyword(Keyword),
    /// The end of the source.
    Eof,
    /// The source cannot be split further; [`crate::lexer::Lexer::message`] says why.
    Error,
}

/// The words that structure a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

impl Keyword {
    /// The keyword that `word` is, if it is one.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "block" => Self::Block,
            "break" => Self::Break,
            "continue" => Self::Continue,
            "define" => Self::Define,
            "else" => Self::Else,
            "end" => Self::End,
            "if" => Self::If,
            "range" => Self::Range,
            "template" => Self::Template,
            "with" => Self::With,
            _ => return None,
        })
    }
}

/// One token: its kind and where it stands in the source, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// First byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
}
