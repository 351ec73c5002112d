//! The table of attacks.

use super::bombs::bombs;
use super::connections::ConnectionAttack::{self, *};
use super::wire;

/// One attack.
pub(super) struct Attack {
    /// Its name, for `--only` and the report.
    pub(super) name: String,
    /// What its callers do.
    pub(super) kind: AttackKind,
}

/// What the callers of an attack do again and again.
#[derive(Clone, Copy)]
pub(super) enum AttackKind {
    /// Render the folder of this name, each time for an application of another name.
    Render,
    /// Send these bytes as a request.
    Message(fn() -> Vec<u8>),
    /// Send them without the token.
    MessageWithoutToken(fn() -> Vec<u8>),
    /// Misuse connections.
    Connection(ConnectionAttack),
}

/// What makes the bytes of a request.
type MessageBytes = fn() -> Vec<u8>;

/// Requests by their bytes. The numbers are those of fields in `manifestd.v1`.
const MESSAGES: &[(&str, MessageBytes)] = &[
    ("wire-sources", || wire::elements(1)),
    ("wire-many-sources", wire::many_sources),
    ("wire-small-sources", wire::small_sources),
    ("wire-api-versions", || wire::elements(5)),
    ("wire-unknown-fields", || wire::elements(1000)),
    ("wire-images", || wire::option_elements(12, 7)),
    ("wire-replicas", || wire::option_elements(12, 8)),
    ("wire-patches", || wire::option_elements(12, 15)),
    ("wire-helm-parameters", || wire::option_elements(11, 6)),
    ("wire-large-text", wire::large_text),
    ("wire-garbage", wire::garbage),
];

const CONNECTIONS: &[(&str, ConnectionAttack)] = &[
    ("idle-connections", Idle),
    ("half-prefaces", HalfPreface),
    ("idle-http", IdleHttp),
    ("half-http-requests", HalfRequest),
    ("headers-without-bodies", HeadersWithoutBodies),
    ("headers-without-token", HeadersWithoutToken),
    ("announced-bodies", AnnouncedBodies),
    ("rapid-reset", RapidReset),
    ("continuation-flood", ContinuationFlood),
    ("settings-flood", SettingsFlood),
    ("ping-flood", PingFlood),
    ("window-flood", WindowFlood),
    ("empty-data-flood", EmptyDataFlood),
];

/// Every attack.
pub(super) fn attacks() -> Vec<Attack> {
    let named = |name: &str, kind| Attack { name: name.to_owned(), kind };
    let mut all: Vec<_> = bombs().iter().map(|bomb| named(bomb.name, AttackKind::Render)).collect();
    all.extend(MESSAGES.iter().map(|(name, bytes)| named(name, AttackKind::Message(*bytes))));
    all.push(named("unauthorised-calls", AttackKind::MessageWithoutToken(|| wire::elements(5))));
    all.extend(CONNECTIONS.iter().map(|(name, attack)| named(name, AttackKind::Connection(*attack))));
    all
}
