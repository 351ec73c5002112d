//! The folder of a store: by the remote, and by the way it is reached.

use reqwest::Url;
use sha2::{Digest, Sha256};

use crate::credentials::Credential;

use super::super::remote::Remote;

/// The name of the store of `remote` as it is reached with `by`.
///
/// A caller who brings a proxy, certificates or host keys of his own decides who answers in the remote's name. What is
/// fetched that way is kept apart, and nothing that was fetched otherwise is told or given to whoever answers there.
pub(super) fn store_name(remote: &Remote, by: &Credential) -> String {
    let mut hash = Sha256::new();
    hash.update(remote.identity.as_bytes());
    let way = [proxy_host(by.proxy.expose()), by.ca_bundle.clone(), by.known_hosts.clone()];
    if by.insecure || way.iter().any(|part| !part.is_empty()) {
        hash.update([0, u8::from(by.insecure)]);
        for part in way {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The proxy without its user and password: they do not decide who it is, and a name of a folder tells no secrets.
fn proxy_host(proxy: &str) -> String {
    // One that cannot be read is never reached, so nothing is ever stored under its name.
    let Ok(mut url) = Url::parse(proxy) else { return proxy.to_owned() };
    // A proxy that cannot have a user has none to lose.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::credentials::Secret;

    fn name(url: &str, by: &Credential) -> String {
        store_name(&Remote::parse(url).unwrap().0, by)
    }

    #[test]
    fn who_asks_shares_a_store_and_who_answers_does_not() {
        let url = "https://git.corp/team/app.git";
        let direct = name(url, &Credential::default());
        let asking = [
            Credential { username: "u".into(), password: Secret::new("p"), ..Credential::default() },
            Credential { bearer_token: Secret::new("t"), ..Credential::default() },
            Credential { ssh_private_key: Secret::new("k"), ..Credential::default() },
            Credential { client_certificate: "c".into(), ..Credential::default() },
        ];
        assert!(asking.iter().all(|by| name(url, by) == direct));
        let answering = [
            Credential { proxy: Secret::new("http://proxy.test:3128"), ..Credential::default() },
            Credential { proxy: Secret::new("http://other.test:3128"), ..Credential::default() },
            Credential { ca_bundle: "a".into(), ..Credential::default() },
            Credential { known_hosts: "a".into(), ..Credential::default() },
            Credential { insecure: true, ..Credential::default() },
        ];
        let mut names: HashSet<String> = answering.iter().map(|by| name(url, by)).collect();
        names.insert(direct);
        assert_eq!(names.len(), answering.len() + 1);
        assert!(!names.contains(&name("https://git.corp/team/other.git", &Credential::default())));
    }

    #[test]
    fn the_password_of_a_proxy_is_in_no_name() {
        let url = "https://git.corp/team/app.git";
        let by = |proxy: &str| Credential { proxy: Secret::new(proxy), ..Credential::default() };
        assert_eq!(
            name(url, &by("http://u:secret@proxy.test:3128")),
            name(url, &by("http://proxy.test:3128"))
        );
    }
}
