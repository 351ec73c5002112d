//! TLS of the gRPC listener, from the texts of its files.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsSettings;
use crate::error::{Error, Kind, Result};

/// The protocol that clients must speak within TLS.
const HTTP2: &[u8] = b"h2";

/// What makes TLS connections.
///
/// # Errors
/// [`Kind::Invalid`] for texts that are no certificates or no key.
pub(super) fn acceptor(settings: &TlsSettings) -> Result<TlsAcceptor> {
    let config = config(settings).map_err(|error| {
        Error::new(Kind::Invalid, format!("the TLS files cannot be used: {error}")).help(
            "--tls-certificate and --client-ca hold PEM certificates, --tls-key the certificate's PEM key",
        )
    })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn config(settings: &TlsSettings) -> Result<ServerConfig, Box<dyn std::error::Error>> {
    let builder = ServerConfig::builder();
    let builder = match &settings.client_ca {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            let (usable, _) = roots.add_parsable_certificates(certificates(authorities, "--client-ca")?);
            if usable == 0 {
                return Err("--client-ca holds no certificate that can be used".into());
            }
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(roots.into()).build()?)
        }
    };
    let chain = certificates(&settings.certificate, "--tls-certificate")?;
    // What the parser says could quote the key.
    let key = PrivateKeyDer::from_pem_slice(settings.key.expose().as_bytes())
        .map_err(|_| "--tls-key holds no private key")?;
    let mut config = builder.with_single_cert(chain, key)?;
    config.alpn_protocols.push(HTTP2.to_vec());
    Ok(config)
}

fn certificates(pem: &str, flag: &str) -> Result<Vec<CertificateDer<'static>>, Box<dyn std::error::Error>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>()?;
    if found.is_empty() { Err(format!("{flag} holds no certificate").into()) } else { Ok(found) }
}
