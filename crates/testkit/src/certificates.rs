//! Certificates made at test time: an authority, a server for loopback and a client.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// An authority and what it signed, as PEM.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate: what a client must trust.
    pub authority: String,
    /// The certificate of a server on `localhost` and `127.0.0.1`.
    pub server: String,
    /// Its key.
    pub server_key: String,
    /// A client's certificate.
    pub client: String,
    /// Its key.
    pub client_key: String,
}

impl Default for Certificates {
    fn default() -> Self {
        Self::new()
    }
}

impl Certificates {
    /// A fresh authority with a server and a client.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "testkit authority");
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("an authority can sign itself");
        let (server, server_key) = signed(&issuer, &["localhost", "127.0.0.1"]);
        let (client, client_key) = signed(&issuer, &["client.example"]);
        Self { authority: issuer.pem(), server, server_key, client, client_key }
    }

    /// The settings of a server with these certificates; with `mutual` it asks clients for theirs.
    ///
    /// # Panics
    /// When the PEM texts were changed to something else.
    #[must_use]
    pub fn server_config(&self, mutual: bool) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let config = config.expect("the provider speaks the default versions");
        let config = if mutual {
            let verifier = WebPkiClientVerifier::builder_with_provider(self.roots(), provider).build();
            config.with_client_cert_verifier(verifier.expect("there is an authority"))
        } else {
            config.with_no_client_auth()
        };
        let key = PrivateKeyDer::from_pem_slice(self.server_key.as_bytes()).expect("the key is PEM");
        Arc::new(config.with_single_cert(vec![der(&self.server)], key).expect("the key fits the certificate"))
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(der(&self.authority)).expect("the authority is a certificate");
        Arc::new(roots)
    }
}

fn signed(issuer: &CertifiedIssuer<'_, KeyPair>, names: &[&str]) -> (String, String) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let key = key();
    let params = CertificateParams::new(names).expect("the names are host names or addresses");
    let certificate = params.signed_by(&key, issuer).expect("the authority can sign");
    (certificate.pem(), key.serialize_pem())
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key can be made")
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("the certificate is PEM")
}
