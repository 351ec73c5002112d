//! `%YAML` and `%TAG` lines.

use std::borrow::Cow;

use crate::error::Mark;

use super::cursor::is_word;
use super::{Scan, Scanner, TokenKind};

impl<'a> Scanner<'a> {
    pub(super) fn scan_directive(&mut self) -> Scan {
        let at = self.cursor.mark();
        self.cursor.skip(1);
        let kind = match self.scan_directive_name(at)? {
            "YAML" => self.scan_version(at)?,
            "TAG" => self.scan_tag_directive(at)?,
            _ => return Err(self.fault(Some(at), "found unknown directive name")),
        };
        self.push(kind, at);
        let passed = self.cursor.skip_blanks();
        self.spent(passed)?;
        if self.cursor.byte(0) == b'#' {
            self.cursor.skip_line_rest();
        }
        if !self.cursor.is_breakz() {
            return Err(self.fault(Some(at), "did not find expected comment or line break"));
        }
        self.cursor.skip_break();
        Ok(())
    }

    fn scan_directive_name(&mut self, at: Mark) -> Scan<&'a str> {
        let start = self.cursor.pos();
        let passed = self.cursor.skip_while(is_word);
        self.spent(passed)?;
        let name = self.cursor.slice(start, self.cursor.pos());
        if name.is_empty() {
            return Err(self.fault(Some(at), "could not find expected directive name"));
        }
        if !self.cursor.is_blankz(0) {
            return Err(self.fault(Some(at), "found unexpected non-alphabetical character"));
        }
        Ok(name)
    }

    fn scan_version(&mut self, at: Mark) -> Scan<TokenKind<'a>> {
        let passed = self.cursor.skip_blanks();
        self.spent(passed)?;
        let major = self.scan_version_number(at)?;
        if self.cursor.byte(0) != b'.' {
            return Err(self.fault(Some(at), "did not find expected digit or '.' character"));
        }
        self.cursor.skip(1);
        let minor = self.scan_version_number(at)?;
        Ok(TokenKind::VersionDirective(major, minor))
    }

    fn scan_version_number(&mut self, at: Mark) -> Scan<u8> {
        let mut value = 0;
        let mut length = 0;
        while self.cursor.byte(0).is_ascii_digit() {
            length += 1;
            if length > 2 {
                return Err(self.fault(Some(at), "found extremely long version number"));
            }
            value = value * 10 + (self.cursor.byte(0) - b'0');
            self.cursor.skip(1);
        }
        if length == 0 {
            return Err(self.fault(Some(at), "did not find expected version number"));
        }
        Ok(value)
    }

    fn scan_tag_directive(&mut self, at: Mark) -> Scan<TokenKind<'a>> {
        let passed = self.cursor.skip_blanks();
        self.spent(passed)?;
        let handle = self.scan_tag_handle(true, at)?;
        if !self.cursor.is_blank(0) {
            return Err(self.fault(Some(at), "did not find expected whitespace"));
        }
        let passed = self.cursor.skip_blanks();
        self.spent(passed)?;
        let prefix = self.scan_uri("", at)?;
        if !self.cursor.is_blankz(0) {
            return Err(self.fault(Some(at), "did not find expected whitespace or line break"));
        }
        Ok(TokenKind::TagDirective(Cow::Borrowed(handle), prefix))
    }
}
