//! Credentials for remotes: what a request or the credentials file says, and what a remote is opened with.
//! A secret prints as nothing, in every form of output.

pub mod base64;
mod file;
pub mod known_hosts;
mod scope;
mod secret;

pub use file::Book;
pub use scope::{ScopeKey, random};
pub use secret::Secret;

/// How to open one remote. Everything is optional; the default is anonymous with the system's trust.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credential {
    /// User name for https; also the ssh user when the URL names none.
    pub username: String,
    /// Password or personal access token for https.
    pub password: Secret,
    /// Bearer token for https, instead of user and password.
    pub bearer_token: Secret,
    /// Private key for ssh, PEM or OpenSSH format.
    pub ssh_private_key: Secret,
    /// `known_hosts` lines to check ssh host keys against, besides the server's own.
    pub known_hosts: String,
    /// CA certificates (PEM) to trust instead of the system's.
    pub ca_bundle: String,
    /// Client certificate chain (PEM).
    pub client_certificate: String,
    /// Key of the client certificate (PEM).
    pub client_key: Secret,
    /// Proxy URL for http(s).
    pub proxy: Secret,
    /// Check neither TLS certificates nor ssh host keys. Only ever by explicit choice.
    pub insecure: bool,
}
