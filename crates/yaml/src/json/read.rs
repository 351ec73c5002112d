//! JSON text to values. Without recursion.

use std::sync::Arc;

use crate::bytes::find;
use crate::error::{Error, Mark};
use crate::limits::Limits;
use crate::value::{Map, Value};

/// What a value takes beside its text: its place in a list or a map, and what a growing one leaves behind.
const VALUE_BYTES: usize = 96;

struct Reader<'a> {
    text: &'a str,
    pos: usize,
}

/// A list or map under way, the map with the key that waits for its value.
enum Open {
    List(Vec<Value>),
    Map(Map, Arc<str>),
}

pub(super) fn read(text: &str, limits: &Limits) -> Result<Value, Error> {
    let mut reader = Reader { text, pos: 0 };
    let mut open: Vec<Open> = Vec::new();
    let mut nodes = 0_usize;
    loop {
        let before = reader.pos;
        let mut done = reader.start(&mut open)?;
        nodes += 1;
        budget::charge(VALUE_BYTES + (reader.pos - before))
            .map_err(|why| Error::exhausted(why, reader.mark()))?;
        if open.len() > limits.depth {
            return Err(reader.limit(&format!("exceeded max depth of {}", limits.depth)));
        }
        if nodes > limits.nodes {
            return Err(reader.limit(&format!("more than {} values", limits.nodes)));
        }
        while let Some(value) = done {
            let Some(top) = open.pop() else { return reader.finish(value) };
            done = reader.resume(top, value, &mut open)?;
        }
    }
}

impl Reader<'_> {
    /// Begins a value; answers it if it is complete.
    fn start(&mut self, open: &mut Vec<Open>) -> Result<Option<Value>, Error> {
        match self.next()? {
            b'{' => {
                self.pos += 1;
                if self.closes(b'}')? {
                    return Ok(Some(Map::new().into()));
                }
                let key = self.key("looking for beginning of object key string")?;
                open.push(Open::Map(Map::new(), key));
                Ok(None)
            }
            b'[' => {
                self.pos += 1;
                if self.closes(b']')? {
                    return Ok(Some(Vec::new().into()));
                }
                open.push(Open::List(Vec::new()));
                Ok(None)
            }
            b'"' => self.string().map(|text| Some(text.into())),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'n' => self.word("null", Value::Null),
            b'-' | b'0'..=b'9' => self.number().map(Some),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    /// Puts a value where it belongs; answers the list or map if that is complete with it.
    fn resume(&mut self, top: Open, value: Value, open: &mut Vec<Open>) -> Result<Option<Value>, Error> {
        match top {
            Open::List(mut items) => {
                items.push(value);
                if self.continues(b']', "after array element")? {
                    open.push(Open::List(items));
                    return Ok(None);
                }
                Ok(Some(items.into()))
            }
            Open::Map(mut map, key) => {
                map.insert(key, value);
                if self.continues(b'}', "after object key:value pair")? {
                    let key = self.key("looking for beginning of object key string")?;
                    open.push(Open::Map(map, key));
                    return Ok(None);
                }
                Ok(Some(map.into()))
            }
        }
    }

    fn finish(mut self, value: Value) -> Result<Value, Error> {
        self.skip_space();
        if self.pos < self.text.len() {
            return Err(self.unexpected("after top-level value"));
        }
        Ok(value)
    }

    fn key(&mut self, place: &str) -> Result<Arc<str>, Error> {
        if self.next()? != b'"' {
            return Err(self.unexpected(place));
        }
        let key = self.string()?;
        if self.next()? != b':' {
            return Err(self.unexpected("after object key"));
        }
        self.pos += 1;
        Ok(key.into())
    }

    fn closes(&mut self, bracket: u8) -> Result<bool, Error> {
        let closes = self.next()? == bracket;
        self.pos += usize::from(closes);
        Ok(closes)
    }

    fn continues(&mut self, bracket: u8, place: &str) -> Result<bool, Error> {
        let b = self.next()?;
        if b != b',' && b != bracket {
            return Err(self.unexpected(place));
        }
        self.pos += 1;
        Ok(b == b',')
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Option<Value>, Error> {
        if !self.text[self.pos..].starts_with(word) {
            return Err(self.unexpected(&format!("in literal {word}")));
        }
        self.pos += word.len();
        Ok(Some(value))
    }

    fn number(&mut self) -> Result<Value, Error> {
        let rest = &self.text[self.pos..];
        let length = number_length(rest.as_bytes()).ok_or_else(|| self.unexpected("in numeric literal"))?;
        let text = &rest[..length];
        let whole = if text.contains(['.', 'e', 'E']) { None } else { text.parse().ok() };
        let value = match whole {
            Some(n) => Value::Int(n),
            None => Value::Float(self.float(text)?),
        };
        self.pos += length;
        Ok(value)
    }

    fn float(&self, text: &str) -> Result<f64, Error> {
        let value = text.parse::<f64>().ok().filter(|x| x.is_finite());
        value.ok_or_else(|| {
            self.error(&format!("json: cannot unmarshal number {text} into Go value of type float64"))
        })
    }

    fn string(&mut self) -> Result<String, Error> {
        self.pos += 1;
        let mut out = String::new();
        loop {
            let bytes = self.text.as_bytes();
            let end = find(bytes, self.pos, |b| (b == b'"') | (b == b'\\') | (b < 0x20));
            if end == bytes.len() {
                return Err(self.end());
            }
            budget::work(end - self.pos + 1).map_err(|why| Error::exhausted(why, self.mark()))?;
            out.push_str(&self.text[self.pos..end]);
            self.pos = end;
            match bytes[end] {
                b'"' => {
                    self.pos += 1;
                    return Ok(out);
                }
                b'\\' => self.escape(&mut out)?,
                _ => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), Error> {
        let escape = self.text.as_bytes().get(self.pos + 1).copied().ok_or_else(|| self.end())?;
        out.push(match escape {
            b'"' | b'\\' | b'/' => char::from(escape),
            b'b' => '\x08',
            b'f' => '\x0C',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(out),
            _ => {
                self.pos += 1;
                return Err(self.unexpected("in string escape code"));
            }
        });
        self.pos += 2;
        Ok(())
    }

    /// `\u` and four hexadecimal digits, two of them for a character beyond the first plane; a lone half becomes U+FFFD.
    fn unicode_escape(&mut self, out: &mut String) -> Result<(), Error> {
        let first =
            self.hex(self.pos).ok_or_else(|| self.unexpected("in \\u hexadecimal character escape"))?;
        self.pos += 6;
        let mut c = char::from_u32(first);
        if (0xD800..0xDC00).contains(&first)
            && let Some(second @ 0xDC00..0xE000) = self.hex(self.pos)
        {
            self.pos += 6;
            c = char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
        }
        out.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    fn hex(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        if hex { u32::from_str_radix(digits, 16).ok() } else { None }
    }

    fn skip_space(&mut self) {
        while matches!(self.text.as_bytes().get(self.pos), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.pos += 1;
        }
    }

    fn next(&mut self) -> Result<u8, Error> {
        self.skip_space();
        self.text.as_bytes().get(self.pos).copied().ok_or_else(|| self.end())
    }

    fn end(&self) -> Error {
        Reader { text: self.text, pos: self.text.len() }.error("unexpected end of JSON input")
    }

    fn unexpected(&self, place: &str) -> Error {
        match self.text[self.pos..].chars().next() {
            Some('\'') => self.error(&format!("invalid character '\\'' {place}")),
            Some(c) => self.error(&format!("invalid character '{}' {place}", c.escape_debug())),
            None => self.end(),
        }
    }

    fn limit(&self, text: &str) -> Error {
        Error::limit(text, Some(self.mark()))
    }

    fn error(&self, text: &str) -> Error {
        Error::new(text, Some(self.mark()))
    }

    fn mark(&self) -> Mark {
        let before = &self.text[..self.pos];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line = before.bytes().filter(|&b| b == b'\n').count();
        Mark { pos: self.pos as u32, line: line as u32, column: before[line_start..].chars().count() as u32 }
    }
}

/// Length of the JSON number at the start; `None` if it is malformed.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    at += match bytes.get(at)? {
        b'0' => 1,
        _ => Some(digits(at)).filter(|&n| n > 0)?,
    };
    if bytes.get(at) == Some(&b'.') {
        at += 1 + Some(digits(at + 1)).filter(|&n| n > 0)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at += Some(digits(at)).filter(|&n| n > 0)?;
    }
    Some(at)
}
