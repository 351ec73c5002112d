//! A server's certificate signed by itself alone, of the kinds that people make: right, out of date, for other names.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::Certificates;

/// A certificate that is about to be made.
pub struct SelfSigned(CertificateParams);

impl SelfSigned {
    /// A certificate for a server called `name`, valid now.
    ///
    /// # Panics
    /// When it is no name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).expect("it is the name of a host");
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        Self(params)
    }

    /// The same with `CA:TRUE`, as `openssl req -x509` makes it, or `CA:FALSE`.
    #[must_use]
    pub fn authority(mut self, is_authority: bool) -> Self {
        self.0.is_ca = match is_authority {
            true => IsCa::Ca(BasicConstraints::Unconstrained),
            false => IsCa::ExplicitNoCa,
        };
        self
    }

    /// The same, valid through these years only, both included.
    #[must_use]
    pub fn years(mut self, first: i32, last: i32) -> Self {
        self.0.not_before = date_time_ymd(first, 1, 1);
        self.0.not_after = date_time_ymd(last, 12, 31);
        self
    }

    /// The same, for servers alone.
    #[must_use]
    pub fn for_servers(self) -> Self {
        self.for_use(ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// The same, for clients alone.
    #[must_use]
    pub fn for_clients(self) -> Self {
        self.for_use(ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn for_use(mut self, purpose: ExtendedKeyUsagePurpose) -> Self {
        self.0.extended_key_usages = vec![purpose];
        self
    }

    /// The certificate, in the place of a server's and of its authority's. There is no client's.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn make(self) -> Certificates {
        let key = KeyPair::generate().expect("a key can be made");
        let certificate = self.0.self_signed(&key).expect("the key signs its own certificate");
        Certificates {
            authority: certificate.pem(),
            server: certificate.pem(),
            server_key: key.serialize_pem(),
            client: String::new(),
            client_key: String::new(),
        }
    }
}

impl Certificates {
    /// The server's certificate in DER.
    ///
    /// # Panics
    /// When the PEM text was changed to something else.
    #[must_use]
    pub fn server_der(&self) -> Vec<u8> {
        CertificateDer::from_pem_slice(self.server.as_bytes()).expect("the certificate is PEM").to_vec()
    }
}
