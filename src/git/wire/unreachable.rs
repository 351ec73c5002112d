//! Why a remote could not be talked to, from the errors of the system, of rustls and of hyper: one cause, one line.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use crate::error::{Error, Kind};

use super::tls::{NoSystemCertificates, SelfSignedServer};

/// The most names of a certificate that a message lists.
const MAX_NAMES: usize = 4;

/// The longest name that a message shows, in characters: that of a host has 253 at most.
const MAX_NAME: usize = 253;

/// What was being done when it broke.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Connecting: over TCP, then TLS.
    Connect,
    /// Asking, or reading the answer.
    Talk,
}

/// Why a request had no answer, or no whole one.
pub(super) fn broken_request(error: &reqwest::Error) -> Error {
    let phase = if error.is_connect() { Phase::Connect } else { Phase::Talk };
    if let Some(cause) = find_cause(error, phase) {
        return cause;
    }
    match phase {
        Phase::Connect if error.is_timeout() => not_in_time(),
        Phase::Connect => unavailable("the remote cannot be reached"),
        Phase::Talk => unavailable("the connection to the remote broke"),
    }
}

/// Why a connection to a host could not be made, or broke off.
pub(super) fn broken_connection(error: &io::Error, phase: Phase) -> Error {
    io_cause(error, phase).unwrap_or_else(|| unavailable("the remote cannot be reached"))
}

/// The host takes no connections within the time for it.
pub(super) fn not_in_time() -> Error {
    unavailable("the remote accepts no connection in time")
        .help("check the host, its port and the firewalls before it; there may be nobody who answers")
}

/// The first error of a chain, from the outside in, that says why.
fn find_cause(error: &(dyn StdError + 'static), phase: Phase) -> Option<Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(known) = known_cause(error, phase) {
            return Some(known);
        }
        cause = error.source();
    }
    None
}

fn known_cause(error: &(dyn StdError + 'static), phase: Phase) -> Option<Error> {
    if let Some(ours) = error.downcast_ref::<Error>() {
        return Some(ours.clone());
    }
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls_cause(tls));
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return io_cause(io, phase);
    }
    match error.downcast_ref::<hyper::Error>() {
        Some(hyper) => http_cause(hyper),
        None => proxy_cause(&error.to_string()),
    }
}

/// What the system says, or what is inside of an error that a library made to look like the system's.
fn io_cause(error: &io::Error, phase: Phase) -> Option<Error> {
    if let Some(inner) = error.get_ref()
        && let Some(cause) = find_cause(inner, phase)
    {
        return Some(cause);
    }
    Some(match (error.kind(), phase) {
        (ErrorKind::ConnectionRefused, _) => unavailable("the host refuses connections on that port")
            .help("check the port, and that the server runs"),
        (ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown, _) => {
            unavailable("there is no route to the host")
        }
        (ErrorKind::AddrNotAvailable, _) => unavailable("this machine has no address to reach the host from"),
        (ErrorKind::PermissionDenied, _) => unavailable("this machine may not connect to the host"),
        (ErrorKind::TimedOut, _) => not_in_time(),
        (ErrorKind::UnexpectedEof, Phase::Connect) => {
            unavailable("the remote closed the connection in the TLS handshake")
                .help("check that the port speaks TLS, and what the server's log says")
        }
        (ErrorKind::ConnectionReset | ErrorKind::BrokenPipe, Phase::Connect) => {
            unavailable("the remote reset the connection in the TLS handshake")
                .help("check that the port speaks TLS, and what the server's log says")
        }
        (ErrorKind::UnexpectedEof, Phase::Talk) => unavailable("the remote closed the connection"),
        (ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted, Phase::Talk) => {
            unavailable("the remote reset the connection")
        }
        _ => return None,
    })
}

fn http_cause(error: &hyper::Error) -> Option<Error> {
    // What is said before anything was asked has no kind of its own in hyper.
    if error.is_parse() || error.to_string().contains("unexpected message") {
        let error = unavailable("the remote's answer is not http");
        return Some(error.help("check the port; where it speaks TLS, write https:// before the host"));
    }
    if error.is_incomplete_message() {
        return Some(unavailable("the remote closed the connection before its answer was whole"));
    }
    None
}

/// What reqwest's tunnel through a proxy says; its error is private, its words are these.
fn proxy_cause(words: &str) -> Option<Error> {
    if words.contains("proxy authorization required") {
        return Some(Error::new(
            Kind::Unauthenticated,
            "the proxy refused the credentials, or asks for some",
        ));
    }
    let refused = words.contains("tunnel") && words.contains("unsuccessful");
    refused.then(|| unavailable("the proxy does not connect to the remote"))
}

fn tls_cause(error: &rustls::Error) -> Error {
    use rustls::Error as Tls;
    match error {
        Tls::InvalidCertificate(reason) => certificate_cause(reason),
        Tls::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge
            | InvalidMessage::InvalidEmptyPayload,
        )
        | Tls::PeerSentOversizedRecord => unavailable("the remote does not speak TLS on that port")
            .help("check the port; where it speaks plain http, write http:// before the host"),
        Tls::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )
        | Tls::AlertReceived(AlertDescription::ProtocolVersion) => {
            unavailable("the remote speaks no version of TLS from 1.2 on")
        }
        Tls::PeerIncompatible(_) | Tls::AlertReceived(AlertDescription::HandshakeFailure) => {
            unavailable("the remote has no TLS cipher or signature in common with us")
        }
        Tls::AlertReceived(AlertDescription::UnrecognisedName) => {
            unavailable("the remote has no TLS certificate for that host")
        }
        Tls::AlertReceived(alert) => alert_cause(*alert),
        Tls::NoCertificatesPresented => unavailable("the remote shows no TLS certificate"),
        Tls::Other(other) if other.0.is::<NoSystemCertificates>() => {
            unavailable("this system has no CA certificates to check the remote's with")
                .help("install the system's CA certificates, set SSL_CERT_FILE, or give the CA bundle with the credential")
        }
        _ => unavailable("the remote's TLS is broken"),
    }
}

/// Alerts about a certificate mean ours: the remote has seen no other.
fn alert_cause(alert: AlertDescription) -> Error {
    match alert {
        AlertDescription::CertificateRequired
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => {
            let what = "the remote wants a TLS certificate of the client, or refuses the one it was shown";
            Error::new(Kind::Unauthenticated, what)
                .help("give client_certificate and client_key with the credential")
        }
        _ => unavailable(format!("the remote ended the TLS handshake with the alert {alert:?}")),
    }
}

fn certificate_cause(reason: &CertificateError) -> Error {
    use CertificateError as Why;
    match reason {
        Why::Expired | Why::ExpiredContext { .. } => {
            unavailable("the TLS certificate of the remote has expired")
        }
        Why::NotValidYet | Why::NotValidYetContext { .. } => {
            unavailable("the TLS certificate of the remote is not valid yet")
                .help("check the clock of this machine")
        }
        Why::UnknownIssuer => unavailable("the TLS certificate of the remote is signed by an unknown issuer")
            .help("give the CA bundle of the issuer with the repository's credential"),
        Why::Other(other) if other.0.is::<SelfSignedServer>() => {
            unavailable("the TLS certificate of the remote is self-signed, and not trusted")
                .help("give it as the CA bundle with the repository's credential")
        }
        Why::NotValidForName => unavailable("the TLS certificate of the remote is for another host"),
        Why::NotValidForNameContext { expected, presented } => {
            let expected = shown_name(&expected.to_str());
            let names = listed_names(presented);
            unavailable(format!("the TLS certificate of the remote is for {names}, not for {expected}"))
        }
        Why::Revoked => unavailable("the TLS certificate of the remote is revoked"),
        Why::InvalidPurpose | Why::InvalidPurposeContext { .. } => {
            unavailable("the TLS certificate of the remote is not one for servers")
        }
        Why::BadSignature => unavailable("the signature of the remote's TLS certificate is wrong"),
        Why::BadEncoding => unavailable("the TLS certificate of the remote cannot be read"),
        _ => unavailable("the TLS certificate of the remote cannot be used"),
    }
}

/// Some names of a certificate; rustls gives them as `DnsName("localhost")`.
fn listed_names(presented: &[String]) -> String {
    let inner = |name: &String| name.split('"').nth(1).map_or_else(|| name.clone(), str::to_owned);
    let mut names: Vec<String> =
        presented.iter().take(MAX_NAMES).map(|name| shown_name(&inner(name))).collect();
    if presented.len() > MAX_NAMES {
        names.push("others".to_owned());
    }
    if names.is_empty() { "no host at all".to_owned() } else { names.join(", ") }
}

/// A name as it may stand in a message: the remote wrote it.
fn shown_name(name: &str) -> String {
    name.chars().filter(char::is_ascii_graphic).take(MAX_NAME).collect()
}

fn unavailable(message: impl Into<String>) -> Error {
    Error::new(Kind::Unavailable, message)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use testkit::http::{Options, Server};
    use testkit::{Certificates, Raw, Script, SelfSigned};

    use super::super::http_client::Clients;
    use super::*;
    use crate::credentials::{Credential, Secret};

    /// What a request to `url` with `credential` fails with; nothing when there is an answer.
    async fn failure(url: &str, credential: &Credential) -> String {
        let client = Clients::new(Duration::from_millis(300)).get(credential).unwrap();
        match client.get(url).send().await {
            Ok(_) => String::new(),
            Err(error) => broken_request(&error).message().to_owned(),
        }
    }

    fn trusting(certificates: &Certificates) -> Credential {
        Credential { ca_bundle: certificates.authority.clone(), ..Credential::default() }
    }

    fn https(certificates: &Certificates, mutual: bool) -> Server {
        Server::start(Options { tls: Some(certificates.server_config(mutual)), ..Options::default() })
    }

    async fn speaks(script: Script, scheme: &str) -> String {
        let server = Raw::start(script);
        failure(&format!("{scheme}://{}/r", server.address()), &Credential::default()).await
    }

    /// A record of TLS with this type, version and content.
    fn record(kind: u8, version: [u8; 2], content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[kind], &version[..], &length, content].concat()
    }

    /// The first message of a server that has chosen this version of TLS.
    fn server_hello(version: [u8; 2]) -> Vec<u8> {
        let body = [&version[..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        record(22, version, &[&[2], &length[1..], &body].concat())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn servers_that_do_not_speak_what_was_asked_for() {
        let alert = |number| Script::Say(record(21, [3, 1], &[2, number]));
        let plain = Script::Say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec());
        for (script, scheme, words) in [
            (plain.clone(), "https", "does not speak TLS on that port"),
            (Script::Say(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "https", "does not speak TLS on that port"),
            (Script::Say(Vec::new()), "https", "the connection in the TLS handshake"),
            (Script::Hang, "https", "no connection in time"),
            (alert(70), "https", "no version of TLS from 1.2 on"),
            (Script::Say(server_hello([3, 2])), "https", "no version of TLS from 1.2 on"),
            (alert(40), "https", "no TLS cipher or signature in common"),
            (alert(112), "https", "no TLS certificate for that host"),
            (alert(116), "https", "wants a TLS certificate of the client"),
            (alert(80), "https", "with the alert InternalError"),
            (alert(10), "http", "is not http"),
        ] {
            let told = speaks(script.clone(), scheme).await;
            assert!(told.contains(words) && !told.contains('\n'), "{script:?}: {told:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn hosts_that_are_not_there() {
        let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        for (url, words) in [
            (format!("https://{closed}/r"), "refuses connections"),
            (format!("http://{closed}/r"), "refuses connections"),
            ("https://there-is-no-such-host.invalid/r".to_owned(), "no address is known for the host"),
        ] {
            let told = failure(&url, &Credential::default()).await;
            assert!(told.contains(words), "{url}: {told}");
        }
        let proxy = Credential { proxy: Secret::new(format!("http://{closed}")), ..Credential::default() };
        assert!(failure("https://h.example/r", &proxy).await.contains("refuses connections"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn proxies_that_do_not_connect() {
        for (answer, words) in [
            ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy refused the credentials"),
            ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "the proxy does not connect"),
        ] {
            let server = Raw::start(Script::Say(answer.as_bytes().to_vec()));
            let proxy = Secret::new(format!("http://{}", server.address()));
            let told = failure("https://h.example/r", &Credential { proxy, ..Credential::default() }).await;
            assert!(told.contains(words), "{told}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn certificates_that_are_not_trusted() {
        let (ours, strangers) = (Certificates::new(), Certificates::new());
        let own = SelfSigned::new("localhost").make();
        let authority = SelfSigned::new("localhost").authority(true).make();
        let port = |server: &Server| format!("https://localhost:{}/r", server.address().port());
        let everyone = Credential { insecure: true, ..Credential::default() };
        for (shown, credential, words) in [
            (&ours, &trusting(&ours), ""),
            (&ours, &everyone, ""),
            (&ours, &trusting(&strangers), "signed by an unknown issuer"),
            (&own, &trusting(&strangers), "is self-signed, and not trusted"),
            (&authority, &trusting(&strangers), "is self-signed, and not trusted"),
            (&authority, &everyone, ""),
        ] {
            let server = https(shown, false);
            let told = failure(&port(&server), credential).await;
            assert!(told.contains(words) && told.is_empty() == words.is_empty(), "{words}: {told}");
        }
        let server = https(&ours, true);
        let told = failure(&port(&server), &trusting(&ours)).await;
        assert!(told.contains("wants a TLS certificate of the client"), "{told}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_certificate_given_as_trusted_opens_its_own_server() {
        let made = |change: fn(SelfSigned) -> SelfSigned| change(SelfSigned::new("localhost")).make();
        // Signed by somebody who is not trusted, but trusted itself.
        let signed = Certificates::new();
        let pinned = Certificates { authority: signed.server.clone(), ..signed };
        for (shown, words) in [
            (made(|one| one), ""),
            (made(|one| one.authority(true)), ""),
            (made(|one| one.authority(false)), ""),
            (made(|one| one.authority(true).for_servers()), ""),
            (pinned, ""),
            (made(|one| one.authority(true).for_clients()), "is not one for servers"),
            (made(|one| one.authority(false).for_clients()), "is not one for servers"),
            (made(|one| one.authority(true).years(2001, 2002)), "has expired"),
            (made(|one| one.authority(false).years(2001, 2002)), "has expired"),
            (made(|one| one.authority(true).years(2200, 2201)), "is not valid yet"),
            (
                SelfSigned::new("other.example").authority(true).make(),
                "is for other.example, not for localhost",
            ),
            (
                SelfSigned::new("other.example").authority(false).make(),
                "is for other.example, not for localhost",
            ),
        ] {
            let server = https(&shown, false);
            let url = format!("https://localhost:{}/r", server.address().port());
            let told = failure(&url, &trusting(&shown)).await;
            assert!(told.contains(words) && told.is_empty() == words.is_empty(), "{words}: {told}");
        }
    }

    #[test]
    fn what_the_system_says_is_told_in_words() {
        for (kind, phase, words) in [
            (ErrorKind::ConnectionRefused, Phase::Connect, "refuses connections"),
            (ErrorKind::HostUnreachable, Phase::Connect, "no route"),
            (ErrorKind::NetworkUnreachable, Phase::Connect, "no route"),
            (ErrorKind::TimedOut, Phase::Connect, "no connection in time"),
            (ErrorKind::ConnectionReset, Phase::Connect, "in the TLS handshake"),
            (ErrorKind::ConnectionReset, Phase::Talk, "reset the connection"),
            (ErrorKind::UnexpectedEof, Phase::Talk, "closed the connection"),
            (ErrorKind::Other, Phase::Connect, "cannot be reached"),
        ] {
            let told = broken_connection(&io::Error::from(kind), phase);
            assert!(told.message().contains(words), "{kind:?}: {told}");
        }
        let ours = io::Error::other(Error::new(Kind::Denied, "never"));
        assert_eq!(broken_connection(&io::Error::other(ours), Phase::Connect).kind(), Kind::Denied);
    }

    #[test]
    fn names_of_a_certificate_cannot_forge_a_message() {
        let names = ["DnsName(\"a.example\")".to_owned(), "IpAddress(127.0.0.1)".to_owned()];
        assert_eq!(listed_names(&names), "a.example, IpAddress(127.0.0.1)");
        assert_eq!(listed_names(&[]), "no host at all");
        assert_eq!(listed_names(&vec!["DnsName(\"x\n y\")".to_owned(); 6]), "xy, xy, xy, xy, others");
    }
}
