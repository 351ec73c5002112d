//! The few fields of an X.509 certificate (RFC 5280, §4.1) that rustls does not show: who signed it, and what for. Read
//! by [`super::tls`] from certificates whose structure rustls has checked.

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;

/// The context tags of `version` and `extensions`.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// `id-ce-extKeyUsage`, 2.5.29.37.
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];

/// `anyExtendedKeyUsage`, 2.5.29.37.0, and `id-kp-serverAuth`, 1.3.6.1.5.5.7.3.1.
const SERVER_USAGES: [&[u8]; 2] =
    [&[0x55, 0x1d, 0x25, 0x00], &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01]];

/// What a certificate says of its signer and its use.
#[derive(Debug)]
pub(super) struct CertificateFields<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    /// The value of the extension, if the certificate has it.
    extended_key_usage: Option<&'a [u8]>,
}

impl<'a> CertificateFields<'a> {
    /// Reads a certificate in DER; `None` for what is none.
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let mut outer = Reader(der);
        let mut certificate = Reader(outer.expect(SEQUENCE)?);
        let mut fields = Reader(certificate.expect(SEQUENCE)?);
        fields.skip_if(VERSION)?;
        // The serial number and the algorithm of the signature.
        fields.next()?;
        fields.next()?;
        let issuer = fields.expect(SEQUENCE)?;
        // How long it is valid.
        fields.next()?;
        let subject = fields.expect(SEQUENCE)?;
        // The public key.
        fields.next()?;
        let mut extended_key_usage = None;
        while let Some((tag, content)) = fields.next() {
            if tag == EXTENSIONS {
                extended_key_usage = find_extension(content, EXTENDED_KEY_USAGE)?;
            }
        }
        Some(Self { issuer, subject, extended_key_usage })
    }

    /// Whether it names itself as its signer.
    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether it may stand for a server: it names that use, any use, or none at all.
    pub(super) fn allows_servers(&self) -> bool {
        let Some(value) = self.extended_key_usage else { return true };
        let Some(usages) = Reader(value).expect(SEQUENCE) else { return false };
        let mut usages = Reader(usages);
        std::iter::from_fn(|| usages.next()).any(|(_, usage)| SERVER_USAGES.contains(&usage))
    }
}

/// The value of one extension: the outer `None` where the list cannot be read, the inner one where it is not in it.
fn find_extension<'a>(list: &'a [u8], wanted: &[u8]) -> Option<Option<&'a [u8]>> {
    let mut extensions = Reader(Reader(list).expect(SEQUENCE)?);
    while let Some((_, extension)) = extensions.next() {
        let mut fields = Reader(extension);
        if fields.expect(OBJECT_ID)? != wanted {
            continue;
        }
        let value = std::iter::from_fn(|| fields.next()).find(|(tag, _)| *tag == OCTET_STRING);
        return value.map(|(_, value)| Some(value));
    }
    Some(None)
}

/// The rest of a sequence of DER values.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next value's tag and content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // A length of more than four bytes is no certificate's.
            0x81..=0x84 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
                (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next value, which must have this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }

    /// Passes over the next value if it has this tag.
    fn skip_if(&mut self, tag: u8) -> Option<()> {
        if self.0.first() == Some(&tag) {
            self.next()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use testkit::{Certificates, SelfSigned};

    use super::*;

    fn self_signed(change: impl FnOnce(SelfSigned) -> SelfSigned) -> Vec<u8> {
        change(SelfSigned::new("localhost")).make().server_der()
    }

    #[test]
    fn a_signer_is_told_from_the_certificate_itself() {
        let own = self_signed(|made| made);
        assert!(CertificateFields::read(&own).unwrap().is_self_issued());
        let signed = Certificates::new().server_der();
        assert!(!CertificateFields::read(&signed).unwrap().is_self_issued());
    }

    #[test]
    fn the_use_of_a_certificate_is_read() {
        let allows = |der: &[u8]| CertificateFields::read(der).unwrap().allows_servers();
        assert!(allows(&self_signed(|made| made)));
        assert!(allows(&self_signed(SelfSigned::for_servers)));
        assert!(!allows(&self_signed(SelfSigned::for_clients)));
    }

    #[test]
    fn what_is_no_certificate_is_refused_at_any_length() {
        let der = self_signed(SelfSigned::for_clients);
        for length in 0..der.len() {
            assert!(CertificateFields::read(&der[..length]).is_none(), "{length}");
        }
        assert!(CertificateFields::read(&[0x30, 0x85, 1, 1, 1, 1, 1]).is_none());
    }
}
