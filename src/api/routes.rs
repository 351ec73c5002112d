//! The services of the wire with their limits, ready for a server, and the guard before them.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use proto::v1_server::manifestd_server::{Manifestd, ManifestdServer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tonic::service::Routes;
use tonic::{Code, Status};

use super::status::plain;
use super::weighing::Schema;
use crate::credentials::Secret;

/// How the services are offered.
#[derive(Clone, Debug)]
pub struct Options {
    /// The largest message in bytes, received or sent.
    pub max_message_bytes: usize,
    /// Whether reflection is offered.
    pub reflection: bool,
}

/// The name of the service, for health.
pub const SERVICE: &str = proto::v1_server::manifestd_server::SERVICE_NAME;

/// The methods with a name in the metrics.
const RPCS: [&str; 9] = [
    "Render",
    "RenderStream",
    "ResolveRevision",
    "ListRefs",
    "ListApps",
    "GetFiles",
    "ListDirectories",
    "Check",
    "Watch",
];

/// The method of a request path; `unknown` for what a caller made up.
#[must_use]
pub fn rpc(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or_default();
    RPCS.into_iter().find(|rpc| *rpc == name).unwrap_or("unknown")
}

/// `manifestd.v1`, and reflection where it is wanted.
pub fn routes(api: impl Manifestd, options: &Options) -> Routes {
    let server = ManifestdServer::new(api)
        .max_decoding_message_size(options.max_message_bytes)
        .max_encoding_message_size(options.max_message_bytes);
    let routes = Routes::new(server);
    if options.reflection { reflected(routes) } else { routes }
}

/// The request types of everything that is served. A service whose descriptors are not here cannot be called.
///
/// # Panics
/// When a generated file of descriptors is broken, which a test would see.
#[must_use]
pub fn schema() -> Schema {
    let sets = [
        proto::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    Schema::new(sets).expect("the descriptors are ours")
}

fn reflected(routes: Routes) -> Routes {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let v1 = builder().build_v1().expect("the descriptors are ours");
    // Older grpcurl and grpc-go clients ask for this name only.
    let alpha = builder().build_v1alpha().expect("the descriptors are ours");
    routes.add_service(v1).add_service(alpha)
}

/// Lets calls through that bear the token, if there is one. It needs only the headers of a call.
#[derive(Clone)]
pub struct Guard(Option<[u8; 32]>);

impl Guard {
    /// A guard that wants this token; without one it lets everybody through.
    #[must_use]
    pub fn new(token: Option<&Secret>) -> Self {
        Self(token.map(|token| digest(token.expose())))
    }

    /// Whether a call with these headers may pass.
    ///
    /// # Errors
    /// UNAUTHENTICATED, for a call that may not.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Status> {
        let Some(expected) = &self.0 else { return Ok(()) };
        let token = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes())).unwrap_or_default();
        // Digests have one length, and comparing them takes one time: neither tells how much of a guess was right.
        if bool::from(digest(token).ct_eq(expected)) { Ok(()) } else { Err(refused()) }
    }
}

fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

fn digest(token: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(token.as_ref()).into()
}

fn refused() -> Status {
    plain(
        Code::Unauthenticated,
        "this server wants a token, and the call bears none or another one",
        "send the header `authorization: Bearer <token>`",
    )
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn only_the_token_opens_the_guard() {
        let guard = Guard::new(Some(&Secret::new("s3cret")));
        let passes = |header: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(header) = header {
                headers.insert(AUTHORIZATION, header.parse().unwrap());
            }
            guard.check(&headers).is_ok()
        };
        assert!(passes(Some("Bearer s3cret")) && passes(Some("bearer s3cret")));
        for wrong in ["Bearer s3cre", "Bearer s3cret2", "Bearer ", "Bearer", "s3cret", "Basic s3cret", ""] {
            assert!(!passes(Some(wrong)), "{wrong}");
        }
        assert!(!passes(None));
        assert!(Guard::new(None).check(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn made_up_methods_have_no_name() {
        assert_eq!(rpc("/manifestd.v1.Manifestd/Render"), "Render");
        assert_eq!(rpc("/a/b/c"), "unknown");
        assert_eq!(rpc(""), "unknown");
    }

    #[test]
    fn every_method_has_a_name_in_the_metrics() {
        let set = prost_types::FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
        let methods = set.file.iter().flat_map(|file| &file.service).flat_map(|service| &service.method);
        for method in methods {
            assert!(RPCS.contains(&method.name()), "{}", method.name());
        }
    }
}
