//! Where the random bytes of a chart come from: the same for the same chart and options, and known to nobody outside.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::credentials;

/// The key that seeds are made with. Replicas that share it agree on what functions of chance yield.
#[derive(Clone)]
pub struct SeedKey(Seeds);

#[derive(Clone)]
enum Seeds {
    /// Made with this key.
    Keyed(Vec<u8>),
    /// The one seed there is.
    Given([u8; 32]),
}

impl SeedKey {
    /// The key that a shared secret stands for.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(Seeds::Keyed(secret.to_vec()))
    }

    /// What stands for the key where only one render is done and its seed is known: a worker is not told the key.
    pub(in crate::render) fn of_one_render(seed: [u8; 32]) -> Self {
        Self(Seeds::Given(seed))
    }

    /// The seed of one render: HMAC-SHA256 of what is rendered.
    pub(in crate::render) fn seed(&self, of: &[u8; 32]) -> [u8; 32] {
        let key = match &self.0 {
            Seeds::Keyed(key) => key,
            Seeds::Given(seed) => return *seed,
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(of);
        mac.finalize().into_bytes().into()
    }
}

impl Default for SeedKey {
    /// A key that nobody knows.
    fn default() -> Self {
        Self::new(&credentials::random())
    }
}

impl fmt::Debug for SeedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Part of the key of results, which outlives a key that was drawn.
        f.write_str("SeedKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_depend_on_the_key_and_on_what_is_rendered() {
        let key = SeedKey::new(b"shared");
        assert_eq!(key.seed(&[1; 32]), SeedKey::new(b"shared").seed(&[1; 32]));
        assert_ne!(key.seed(&[1; 32]), key.seed(&[2; 32]));
        assert_ne!(key.seed(&[1; 32]), SeedKey::default().seed(&[1; 32]));
        assert_eq!(format!("{key:?}"), "SeedKey");
    }
}
