//! Tags and the parts of them that `%TAG` shares: handles and URIs with percent escapes.

use std::borrow::Cow;

use crate::error::Mark;

use super::cursor::{is_word, utf8_width};
use super::{Scan, Scanner, TokenKind};

impl<'a> Scanner<'a> {
    pub(super) fn scan_tag(&mut self) -> Scan {
        let at = self.cursor.mark();
        let (handle, suffix) = match self.cursor.byte(1) {
            b'<' => (Cow::Borrowed(""), self.scan_verbatim_tag(at)?),
            _ => self.scan_short_tag(at)?,
        };
        if !self.cursor.is_blankz(0) {
            return Err(self.fault(Some(at), "did not find expected whitespace or line break"));
        }
        self.push(TokenKind::Tag(Box::new((handle, suffix))), at);
        Ok(())
    }

    fn scan_verbatim_tag(&mut self, at: Mark) -> Scan<Cow<'a, str>> {
        self.cursor.skip(2);
        let uri = self.scan_uri("", at)?;
        if self.cursor.byte(0) != b'>' {
            return Err(self.fault(Some(at), "did not find the expected '>'"));
        }
        self.cursor.skip(1);
        Ok(uri)
    }

    fn scan_short_tag(&mut self, at: Mark) -> Scan<(Cow<'a, str>, Cow<'a, str>)> {
        let handle = self.scan_tag_handle(false, at)?;
        if handle.len() > 1 && handle.ends_with('!') {
            return Ok((Cow::Borrowed(handle), self.scan_uri("", at)?));
        }
        let suffix = self.scan_uri(handle, at)?;
        // A lone `!` is a tag of its own without a handle.
        Ok(if suffix.is_empty() { (suffix, Cow::Borrowed("!")) } else { (Cow::Borrowed("!"), suffix) })
    }

    /// `!`, `!!` or `!word!`; outside of a directive also `!word`, which the caller takes apart.
    pub(super) fn scan_tag_handle(&mut self, directive: bool, at: Mark) -> Scan<&'a str> {
        if self.cursor.byte(0) != b'!' {
            return Err(self.fault(Some(at), "did not find expected '!'"));
        }
        let start = self.cursor.pos();
        self.cursor.skip(1);
        let passed = self.cursor.skip_while(is_word);
        self.spent(passed)?;
        if self.cursor.byte(0) == b'!' {
            self.cursor.skip(1);
        } else if directive && self.cursor.pos() > start + 1 {
            return Err(self.fault(Some(at), "did not find expected '!'"));
        }
        Ok(self.cursor.slice(start, self.cursor.pos()))
    }

    /// A URI that goes on from `head`, whose first character (`!`) does not belong to it.
    pub(super) fn scan_uri(&mut self, head: &'a str, at: Mark) -> Scan<Cow<'a, str>> {
        let start = self.cursor.pos();
        let passed = self.cursor.skip_while(|b| is_uri(b) && b != b'%');
        self.spent(passed)?;
        let plain = self.cursor.slice(start, self.cursor.pos());
        let mut uri = match head.get(1..) {
            None | Some("") => Cow::Borrowed(plain),
            Some(rest) => Cow::Owned(format!("{rest}{plain}")),
        };
        while is_uri(self.cursor.byte(0)) {
            let c = self.scan_uri_character(at)?;
            self.spent(budget::work(1))?;
            uri.to_mut().push(c);
        }
        if head.is_empty() && uri.is_empty() {
            return Err(self.fault(Some(at), "did not find expected tag URI"));
        }
        Ok(uri)
    }

    fn scan_uri_character(&mut self, at: Mark) -> Scan<char> {
        if self.cursor.byte(0) != b'%' {
            let c = char::from(self.cursor.byte(0));
            self.cursor.skip(1);
            return Ok(c);
        }
        let mut octets = [self.scan_uri_octet(at)?, 0, 0, 0];
        if octets[0] & 0xC0 == 0x80 || octets[0] >= 0xF8 {
            return Err(self.fault(Some(at), "found an incorrect leading UTF-8 octet"));
        }
        let width = utf8_width(octets[0]);
        for octet in &mut octets[1..width] {
            *octet = self.scan_uri_octet(at)?;
            if *octet & 0xC0 != 0x80 {
                return Err(self.fault(Some(at), "found an incorrect trailing UTF-8 octet"));
            }
        }
        let c = std::str::from_utf8(&octets[..width]).ok().and_then(|s| s.chars().next());
        c.ok_or_else(|| self.fault(Some(at), "found an incorrect trailing UTF-8 octet"))
    }

    fn scan_uri_octet(&mut self, at: Mark) -> Scan<u8> {
        let digit = |b: u8| char::from(b).to_digit(16);
        match (self.cursor.byte(0), digit(self.cursor.byte(1)), digit(self.cursor.byte(2))) {
            (b'%', Some(high), Some(low)) => {
                self.cursor.skip(3);
                Ok((high * 16 + low) as u8)
            }
            _ => Err(self.fault(Some(at), "did not find URI escaped octet")),
        }
    }
}

fn is_uri(b: u8) -> bool {
    is_word(b) || b";/?:@&=+$,.!~*'()[]%".contains(&b)
}
