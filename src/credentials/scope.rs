//! Who asks, without saying with what: a keyed digest of a credential.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Credential;

/// The key under which credentials become scopes. Drawn at the start: scopes mean nothing to another process.
pub struct ScopeKey([u8; 32]);

/// Bytes that nobody knows.
///
/// # Panics
/// When the system has no randomness; nothing secret could be done then.
#[must_use]
pub fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    // Not from a library of cryptography: aws-lc gathers entropy of its own for 40 ms first.
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

impl ScopeKey {
    /// A key that nobody knows.
    ///
    /// # Panics
    /// When the system has no randomness; nothing secret could be done then.
    #[must_use]
    pub fn random() -> Self {
        Self(random())
    }

    /// The digest of `credential`: HMAC-SHA256 over its fields in order, each with its length.
    #[must_use]
    pub fn digest(&self, credential: &Credential) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for field in fields(credential) {
            mac.update(&(field.len() as u64).to_le_bytes());
            mac.update(field.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

/// Every field, so that a new one cannot be forgotten without a compiler error.
fn fields(credential: &Credential) -> [&str; 10] {
    let Credential {
        username,
        password,
        bearer_token,
        ssh_private_key,
        known_hosts,
        ca_bundle,
        client_certificate,
        client_key,
        proxy,
        insecure,
    } = credential;
    [
        username,
        password.expose(),
        bearer_token.expose(),
        ssh_private_key.expose(),
        known_hosts,
        ca_bundle,
        client_certificate,
        client_key.expose(),
        proxy.expose(),
        if *insecure { "insecure" } else { "" },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Secret;

    #[test]
    fn equal_credentials_have_equal_scopes_and_no_field_is_left_out() {
        let key = ScopeKey::random();
        let text = || "x".to_owned();
        let secret = || Secret::new("x");
        let different = [
            Credential::default(),
            Credential { username: text(), ..Credential::default() },
            Credential { password: secret(), ..Credential::default() },
            Credential { bearer_token: secret(), ..Credential::default() },
            Credential { ssh_private_key: secret(), ..Credential::default() },
            Credential { known_hosts: text(), ..Credential::default() },
            Credential { ca_bundle: text(), ..Credential::default() },
            Credential { client_certificate: text(), ..Credential::default() },
            Credential { client_key: secret(), ..Credential::default() },
            Credential { proxy: secret(), ..Credential::default() },
            Credential { insecure: true, ..Credential::default() },
        ];
        let scopes: std::collections::HashSet<_> = different.iter().map(|one| key.digest(one)).collect();
        assert_eq!(scopes.len(), different.len());
        assert_eq!(key.digest(&different[1]), key.digest(&different[1].clone()));
    }

    #[test]
    fn the_border_between_fields_counts() {
        let key = ScopeKey::random();
        let one = Credential { username: "ab".into(), password: Secret::new("c"), ..Credential::default() };
        let other = Credential { username: "a".into(), password: Secret::new("bc"), ..Credential::default() };
        assert_ne!(key.digest(&one), key.digest(&other));
    }

    #[test]
    fn another_key_gives_another_scope() {
        let credential = Credential::default();
        assert_ne!(ScopeKey::random().digest(&credential), ScopeKey::random().digest(&credential));
    }
}
