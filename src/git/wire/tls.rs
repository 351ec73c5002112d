//! TLS towards remotes: which servers are trusted, and with what certificate we show ourselves.
//!
//! What rustls decides is widened in one place, as OpenSSL (git) and Go (Argo CD) have it: a certificate that was itself
//! given as trusted opens its own server, whatever its `basicConstraints` say and whoever signed it. Its name, its time
//! and its use are checked all the same.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};

use crate::credentials::Credential;
use crate::error::{Error, Kind, Result};

use super::certificate::CertificateFields;

/// The result of what rustls asks.
type TlsResult<T> = Result<T, rustls::Error>;

/// The TLS settings of a client for `credential`. The system's certificates are read when a server shows one.
///
/// # Errors
/// [`Kind::Invalid`] when its certificates or its key cannot be read.
pub(super) fn client_config(credential: &Credential) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let trust = match credential.insecure {
        true => Trust::Everyone,
        false if credential.ca_bundle.is_empty() => Trust::System(OnceLock::new()),
        false => Trust::Given(given_anchors(&credential.ca_bundle, &provider)?),
    };
    let verifier = ServerVerifier { trust, provider: provider.clone() };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::new(Kind::Internal, "the TLS library lacks the usual versions"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match credential.client_certificate.is_empty() {
        true => builder.with_no_client_auth(),
        false => {
            let (chain, key) = identity(credential)?;
            builder.with_client_auth_cert(chain, key).map_err(|_| unusable_identity())?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn given_anchors(bundle: &str, provider: &Arc<CryptoProvider>) -> Result<TrustAnchors> {
    let invalid = |message: &str| Error::new(Kind::Invalid, message);
    let certificates = CertificateDer::pem_slice_iter(bundle.as_bytes()).collect::<Result<Vec<_>, _>>();
    let certificates = certificates
        .ok()
        .filter(|all| !all.is_empty())
        .ok_or_else(|| invalid("the CA bundle holds no PEM certificates"))?;
    TrustAnchors::new(&certificates, provider)
        .ok_or_else(|| invalid("the certificates of the credential cannot be used"))
}

/// The client's certificates and their key, wherever in the two fields they stand.
fn identity(credential: &Credential) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let pem = format!("{}\n{}", credential.client_certificate, credential.client_key.expose());
    let chain = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes());
    match (chain, key) {
        (Ok(chain), Ok(key)) if !chain.is_empty() => Ok((chain, key)),
        _ => Err(unusable_identity()),
    }
}

fn unusable_identity() -> Error {
    Error::new(Kind::Invalid, "the client certificate or its key is no usable PEM")
}

/// The server's certificate is signed by itself alone, and was not given as trusted.
#[derive(Debug)]
pub(super) struct SelfSignedServer;

impl std::fmt::Display for SelfSignedServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a self-signed certificate that is not trusted")
    }
}

impl std::error::Error for SelfSignedServer {}

/// The system has no certificates to check a server with.
#[derive(Debug)]
pub(super) struct NoSystemCertificates;

impl std::fmt::Display for NoSystemCertificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the system has no CA certificates")
    }
}

impl std::error::Error for NoSystemCertificates {}

/// Checks the certificates that servers show.
#[derive(Debug)]
struct ServerVerifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

/// Which servers are trusted.
#[derive(Debug)]
enum Trust {
    /// All of them.
    Everyone,
    /// Those that the system trusts; `None` inside when it has no certificates.
    System(OnceLock<Option<TrustAnchors>>),
    /// Those that the credential trusts.
    Given(TrustAnchors),
}

/// Certificates that are trusted.
#[derive(Debug)]
struct TrustAnchors {
    verifier: Arc<WebPkiServerVerifier>,
    certificates: HashSet<Vec<u8>>,
}

impl TrustAnchors {
    /// What `certificates` stand for; `None` when none of them can be used.
    fn new(certificates: &[CertificateDer<'static>], provider: &Arc<CryptoProvider>) -> Option<Self> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let certificates = certificates.iter().map(|certificate| certificate.to_vec()).collect();
        Some(Self { verifier: verifier.build().ok()?, certificates })
    }

    fn verify(&self, shown: &ShownCertificates<'_>) -> TlsResult<ServerCertVerified> {
        let ShownCertificates { own, intermediates, server, ocsp, now } = shown;
        let verified = self.verifier.verify_server_cert(own, intermediates, server, ocsp, *now);
        let Err(rustls::Error::InvalidCertificate(reason)) = &verified else { return verified };
        let fields = CertificateFields::read(own);
        let is_given = self.certificates.contains(&own[..]);
        match (reason, fields) {
            // This is found out only after its time was checked, see webpki's `check_issuer_independent_properties`.
            (reason, Some(fields)) if is_given && is_not_trusted(reason) => {
                verify_server_name(&ParsedCertificate::try_from(*own)?, server)?;
                match fields.allows_servers() {
                    true => Ok(ServerCertVerified::assertion()),
                    false => Err(CertificateError::InvalidPurpose.into()),
                }
            }
            (reason, Some(fields)) if is_not_trusted(reason) && fields.is_self_issued() => {
                Err(CertificateError::Other(OtherError(Arc::new(SelfSignedServer))).into())
            }
            (reason, _) if is_not_trusted(reason) => Err(CertificateError::UnknownIssuer.into()),
            _ => verified,
        }
    }
}

/// Whether nobody who is trusted signed the certificate: nobody of that name, or one of that name with another key. One of
/// an authority (`CA:TRUE`) is refused before it is looked for who signed it.
fn is_not_trusted(reason: &CertificateError) -> bool {
    match reason {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => true,
        CertificateError::Other(other) => {
            matches!(other.0.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
        }
        _ => false,
    }
}

/// What a server showed, and when.
struct ShownCertificates<'a> {
    own: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    server: &'a ServerName<'a>,
    ocsp: &'a [u8],
    now: UnixTime,
}

impl ServerVerifier {
    fn trusts_everyone(&self) -> bool {
        matches!(self.trust, Trust::Everyone)
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> TlsResult<ServerCertVerified> {
        let anchors = match &self.trust {
            Trust::Everyone => return Ok(ServerCertVerified::assertion()),
            Trust::Given(anchors) => Some(anchors),
            Trust::System(read) => read.get_or_init(|| system_anchors(&self.provider)).as_ref(),
        };
        let none = || rustls::Error::Other(OtherError(Arc::new(NoSystemCertificates)));
        anchors.ok_or_else(none)?.verify(&ShownCertificates { own, intermediates, server, ocsp, now })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> TlsResult<HandshakeSignatureValid> {
        if self.trusts_everyone() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> TlsResult<HandshakeSignatureValid> {
        if self.trusts_everyone() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self.provider.signature_verification_algorithms.supported_schemes();
        if self.trusts_everyone() {
            schemes.extend([SignatureScheme::RSA_PKCS1_SHA1, SignatureScheme::ECDSA_SHA1_Legacy]);
        }
        schemes
    }
}

/// What the system trusts: the files that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else the usual ones.
fn system_anchors(provider: &Arc<CryptoProvider>) -> Option<TrustAnchors> {
    let loaded = rustls_native_certs::load_native_certs();
    for error in &loaded.errors {
        tracing::debug!(%error, "a certificate of the system cannot be read");
    }
    TrustAnchors::new(&loaded.certs, provider)
}
