//! Which addresses may be contacted. Names are resolved here and nowhere else, and what was checked is what is
//! connected to: a second lookup could answer differently.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::error::{Error, Kind, Result};

use super::remote::Host;

/// Addresses of cloud metadata services outside the link-local ranges: they hand out credentials of the machine.
const METADATA_V4: &[Ipv4Addr] = &[
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba Cloud.
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle Cloud, classic.
    Ipv4Addr::new(168, 63, 129, 16),   // Azure's wire server.
];

/// As [`METADATA_V4`]: AWS, its identities of pods, Google Cloud, and Scaleway.
const METADATA_V6: &[Ipv6Addr] = &[
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

/// Whether `address` may be contacted: not link-local, not a metadata service, not multicast or unspecified; nor one
/// of these inside an IPv6 address (mapped, translated, NAT64, 6to4, Teredo, ISATAP).
#[must_use]
pub fn allowed(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => allowed_v4(v4),
        IpAddr::V6(v6) => allowed_v6(v6) && embedded(v6).into_iter().all(allowed_v4),
    }
}

fn allowed_v4(v4: Ipv4Addr) -> bool {
    let bad = v4.is_link_local() || v4.is_multicast() || v4.is_broadcast() || v4.octets()[0] == 0;
    !bad && !METADATA_V4.contains(&v4)
}

fn allowed_v6(v6: Ipv6Addr) -> bool {
    let bad = v6.is_unicast_link_local() || v6.is_multicast() || v6.is_unspecified();
    !bad && !METADATA_V6.contains(&v6)
}

/// The IPv4 addresses that packets to `v6` may end at, by the usual ways to write one inside the other.
fn embedded(v6: Ipv6Addr) -> Vec<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    let segments = v6.segments();
    let [.., high, low] = segments;
    match segments {
        // Mapped, translated by SIIT (RFC 2765), NAT64 with the well-known prefix (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            vec![v4(high, low)]
        }
        // NAT64 with a local prefix (RFC 8215), which may be of any length that RFC 6052 has.
        [0x64, 0xff9b, 1, ..] => nat64(v6),
        // The deprecated "compatible" form; `::1` is the loopback and stays itself.
        [0, 0, 0, 0, 0, 0, ..] if high != 0 => vec![v4(high, low)],
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => vec![v4(high, low)],
        // Teredo (RFC 4380): the server, and the client with its bits turned over.
        [0x2001, 0, first, second, ..] => vec![v4(first, second), v4(!high, !low)],
        // ISATAP (RFC 5214) beneath any prefix.
        [.., 0 | 0x200, 0x5efe, _, _] => vec![v4(high, low)],
        _ => Vec::new(),
    }
}

/// The IPv4 addresses of a NAT64 address whose prefix has 48, 56, 64 or 96 bits; the ninth byte is never part of one.
/// Only one of the four is meant, and which one is not known: only those are told that hand out credentials.
fn nat64(v6: Ipv6Addr) -> Vec<Ipv4Addr> {
    let o = v6.octets();
    let mut found = vec![
        Ipv4Addr::new(o[6], o[7], o[9], o[10]),
        Ipv4Addr::new(o[7], o[9], o[10], o[11]),
        Ipv4Addr::new(o[9], o[10], o[11], o[12]),
        Ipv4Addr::new(o[12], o[13], o[14], o[15]),
    ];
    found.retain(|v4| v4.is_link_local() || METADATA_V4.contains(v4));
    found
}

/// The addresses of `host`, in the resolver's order, all of them allowed.
///
/// # Errors
/// [`Kind::Unavailable`] when the name has no address, [`Kind::Denied`] when any of them may not be contacted.
pub async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    let unknown = || {
        Error::new(Kind::Unavailable, format!("no address is known for the host '{host}'"))
            .help("check how the host is spelt, and the name servers of this machine")
    };
    let found: Vec<SocketAddr> =
        tokio::net::lookup_host((host, port)).await.map_err(|_| unknown())?.collect();
    if found.is_empty() {
        return Err(unknown());
    }
    if found.iter().any(|address| !allowed(address.ip())) {
        return Err(refused(host));
    }
    Ok(found)
}

/// Refuses a host that is itself a forbidden address; names are checked when they are resolved.
///
/// # Errors
/// [`Kind::Denied`].
pub fn check_literal(host: &str) -> Result<()> {
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match literal {
        Ok(address) if !allowed(address) => Err(refused(host)),
        _ => Ok(()),
    }
}

/// A connection to the first address of `host` that answers.
///
/// # Errors
/// That of the last address; it holds ours when `host` has none, or one that may not be contacted.
pub async fn connect(host: &Host) -> io::Result<tokio::net::TcpStream> {
    let mut failure = io::Error::from(io::ErrorKind::HostUnreachable);
    for address in resolve(&host.name, host.port).await.map_err(io::Error::other)? {
        match tokio::net::TcpStream::connect(address).await {
            Ok(stream) => {
                // Requests are small and wait for an answer: nothing to gain from delaying them.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn refused(host: &str) -> Error {
    Error::new(
        Kind::Denied,
        format!("'{host}' is a link-local or metadata address, which is never contacted"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let forbidden = [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "febf::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "::",
            "ff02::1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fd00:ec2::23",
            "64:ff9b::168.63.129.16",
            "64:ff9b:1::a9fe:a9fe",
            "64:ff9b:1:a9fe:a9:fe00::",
            "64:ff9b:1:1a9:fe:a9fe::",
            "64:ff9b:1:8:a9:fea9:fe00::",
            "::ffff:0:a9fe:a9fe",
            "::ffff:0:100.100.100.200",
            "2001:0:a9fe:a9fe::1",
            "2001:0:808:808:0:0:5601:5601",
            "2002:6464:64c8::1",
            "2001:db8::5efe:169.254.169.254",
            "2001:db8::200:5efe:169.254.169.254",
        ];
        for address in forbidden {
            assert!(!allowed(address.parse().unwrap()), "{address}");
        }
        let fine = [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "192.168.0.1",
            "8.8.8.8",
            "fd00::1",
            "2001:db8::1",
            "100.64.0.1",
            "64:ff9b::8.8.8.8",
            "64:ff9b:1::808:808",
            "64:ff9b:1:ae6:1:100::",
            "::ffff:0:8.8.8.8",
            "2001:0:808:808:0:0:f7f7:f7f7",
            "2001:4860:4860::8888",
            "2002:808:808::1",
        ];
        for address in fine {
            assert!(allowed(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn literals_are_checked_without_a_lookup() {
        assert_eq!(check_literal("169.254.169.254").unwrap_err().kind(), Kind::Denied);
        assert_eq!(check_literal("[::ffff:169.254.169.254]").unwrap_err().kind(), Kind::Denied);
        assert!(check_literal("example.org").is_ok() && check_literal("127.0.0.1").is_ok());
    }

    #[tokio::test]
    async fn a_literal_is_checked_when_resolved_too() {
        let error = resolve("169.254.169.254", 80).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Denied);
    }
}
