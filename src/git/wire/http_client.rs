//! HTTP clients: one per way to be trusted and to connect, shared by all who want the same, so that connections are
//! kept open between requests. No client follows redirects, reads the environment, or keeps cookies.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Proxy};
use sha2::{Digest, Sha256};

use crate::credentials::Credential;
use crate::error::{Error, Kind, Result};

use super::super::address;
use super::tls;

/// The most clients kept; each holds some hundred kilobytes of certificates.
const MOST: usize = 64;

/// The clients in use.
pub(super) struct Clients {
    connect: Duration,
    kept: Mutex<HashMap<[u8; 32], Client>>,
}

impl Clients {
    pub(super) fn new(connect: Duration) -> Self {
        Self { connect, kept: Mutex::default() }
    }

    /// The client for the certificates and the proxy of `credential`.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when they cannot be read.
    pub(super) fn get(&self, credential: &Credential) -> Result<Client> {
        let key = key(credential);
        if let Some(client) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(client.clone());
        }
        let client = build(credential, self.connect)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(key, client.clone());
        Ok(client)
    }
}

fn key(credential: &Credential) -> [u8; 32] {
    let mut hash = Sha256::new();
    let insecure = if credential.insecure { "insecure" } else { "" };
    let key = credential.client_key.expose();
    for field in
        [&credential.ca_bundle, &credential.client_certificate, key, credential.proxy.expose(), insecure]
    {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

fn build(credential: &Credential, connect: Duration) -> Result<Client> {
    let mut builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .dns_resolver(Arc::new(Checked))
        .connect_timeout(connect)
        .tls_backend_preconfigured(tls::client_config(credential)?);
    if !credential.proxy.is_empty() {
        builder = builder.proxy(proxy(credential.proxy.expose())?);
    }
    builder.build().map_err(|_| Error::new(Kind::Internal, "no http client could be made"))
}

/// The proxy, whose own host is checked like any other.
fn proxy(url: &str) -> Result<Proxy> {
    let wrong = || invalid("the proxy is no http:// or https:// URL");
    let parsed = reqwest::Url::parse(url).map_err(|_| wrong())?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong());
    }
    address::check_literal(parsed.host_str().ok_or_else(wrong)?)?;
    Proxy::all(url).map_err(|_| wrong())
}

fn invalid(message: &str) -> Error {
    Error::new(Kind::Invalid, message)
}

/// Resolves names to addresses that may be contacted.
struct Checked;

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Port 0 lets the client put in the URL's own.
            let found = address::resolve(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Secret;

    #[test]
    fn a_proxy_is_checked_before_it_is_used() {
        for (url, kind) in [
            ("socks5://$(id):1080", Kind::Invalid),
            ("';touch /tmp/x;'", Kind::Invalid),
            ("http://169.254.169.254:80", Kind::Denied),
            ("file:///x", Kind::Invalid),
        ] {
            assert_eq!(proxy(url).unwrap_err().kind(), kind, "{url}");
        }
        assert!(proxy("http://user:secret@proxy.example:3128").is_ok());
    }

    #[test]
    fn wrong_certificates_are_refused_without_repeating_them() {
        for credential in [
            Credential { ca_bundle: "-----BEGIN CERTIFICATE-----\nhunter2".into(), ..Credential::default() },
            Credential {
                client_certificate: "x".into(),
                client_key: Secret::new("hunter2"),
                ..Credential::default()
            },
        ] {
            let error = build(&credential, Duration::from_secs(1)).unwrap_err();
            assert_eq!(error.kind(), Kind::Invalid);
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
