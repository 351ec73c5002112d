//! Git's protocol over any transport: listing names, fetching a pack.

use std::io::{BufRead, Read};
use std::sync::Arc;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::error::Result as GixResult;
use gix::objs::bstr::BString;
use gix::odb::pack;
use gix::protocol::fetch::negotiate::{Action, Round, one_round};
use gix::protocol::fetch::{Arguments, Context, Negotiate, Options, Response, Shallow, Tags};
use gix::protocol::handshake::Ref;
use gix::protocol::ls_refs::RefPrefixes;
use gix::protocol::{Handshake, LsRefsCommand};
use gix::utils::progress::Discard;
use gix_transport::Service;
use gix_transport::client::blocking_io::Transport;

use crate::error::{Error, Kind, Result};

use super::super::link::Link;
use super::super::local::other_object_format;
use super::super::refs::Listing;
use super::unpacked::Unpacked;
use super::{Fetched, Want, failure};

/// The largest single object unpacked. A manifest repository has no business with larger files, a few bytes of delta can
/// ask for any size, and each of the threads that unpack holds one whole.
const MAX_OBJECT: usize = 256 << 20;

/// The most objects of one pack: ten times what the largest public monorepos send at depth 1. Each takes some hundred
/// bytes of memory while a pack is unpacked, and hardly ten on the way here.
const MAX_OBJECTS: u32 = 5_000_000;

/// The most threads that unpack one pack.
const MAX_THREADS: usize = 4;

/// What a pack begins with: its name, its version, and how many objects it holds.
const PACK_HEAD: usize = 12;

/// What the server lists under `prefixes`; everything when there are none.
pub(super) fn list(transport: &mut impl Transport, prefixes: &[String], link: &Link) -> Result<Listing> {
    let mut shake = handshake(transport, link)?;
    let refs = match shake.refs.take() {
        Some(refs) => refs,
        None => list_v2(transport, &shake, prefixes).map_err(|error| failure::of(link, &error))?,
    };
    let mut listing = Listing::default();
    let wanted = |name: &str| prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(prefix));
    for one in &refs {
        insert(&mut listing, one, wanted);
    }
    Ok(listing)
}

fn handshake(transport: &mut impl Transport, link: &Link) -> Result<Handshake> {
    // Credentials were sent with the first request; there are no others.
    let nobody = |_| Ok(None);
    let shake =
        gix::protocol::handshake(&mut *transport, Service::UploadPack, nobody, Vec::new(), &mut Discard)
            .map_err(|error| failure::of(link, &error))?;
    let format = shake.capabilities.capability("object-format").and_then(|format| format.value());
    if format.is_some_and(|format| format != "sha1") {
        return Err(other_object_format());
    }
    Ok(shake)
}

fn list_v2(transport: &mut impl Transport, shake: &Handshake, prefixes: &[String]) -> GixResult<Vec<Ref>> {
    let mut filter = RefPrefixes::new();
    filter.extend(prefixes.iter().map(|prefix| BString::from(prefix.as_str())));
    let filter = (!prefixes.is_empty()).then_some(filter);
    LsRefsCommand::new(filter, &shake.capabilities, agent()).invoke_blocking(transport, &mut Discard, false)
}

fn agent() -> (&'static str, Option<String>) {
    ("agent", Some(concat!("git/manifestd-", env!("CARGO_PKG_VERSION")).to_owned()))
}

fn insert(listing: &mut Listing, one: &Ref, wanted: impl Fn(&str) -> bool) {
    let (name, target, id) = match one {
        Ref::Peeled { full_ref_name, object, .. } | Ref::Direct { full_ref_name, object } => {
            (full_ref_name, None, Some(*object))
        }
        Ref::Symbolic { full_ref_name, target, object, .. } => (full_ref_name, Some(target), Some(*object)),
        Ref::Unborn { full_ref_name, target } => (full_ref_name, Some(target), None),
    };
    // A name that is no UTF-8 cannot be asked for.
    let Ok(name) = name.to_str() else { return };
    if name == "HEAD" {
        listing.head_name = target.and_then(|target| target.to_str().ok()).map(str::to_owned);
    }
    if let Some(id) = id.filter(|_| name == "HEAD" || wanted(name)) {
        listing.insert(name, id);
    }
}

/// Fetches what is wanted into its folder.
pub(super) fn fetch(transport: &mut impl Transport, want: &Want<'_>, link: &Arc<Link>) -> Result<Fetched> {
    let mut shake = handshake(transport, link)?;
    let shallow_file = want.folder.join("shallow");
    write_shallow(&shallow_file, want.haves)?;
    let depth = std::num::NonZeroU32::new(want.depth).unwrap_or(std::num::NonZeroU32::MIN);
    let shallow = Shallow::DepthAtRemote(depth);
    let options = Options { shallow_file, shallow: &shallow, tags: Tags::None, reject_shallow_remote: false };
    let consume = |pack: &mut dyn BufRead, _: &mut dyn gix::DynNestedProgress, _: &_| {
        write_pack(pack, want, link).map(|()| true)
    };
    let by_id = gives_by_id(&shake);
    let context = Context { handshake: &mut shake, transport, user_agent: agent(), trace_packetlines: false };
    let fetched = gix::protocol::fetch(&mut Once(want), consume, Discard, link.flag(), context, options);
    match fetched {
        Ok(_) => Ok(Fetched::Done),
        Err(error) if link.failure().is_none() && failure::is_refusal(&error) => {
            Ok(if by_id { Fetched::Missing } else { Fetched::Refused })
        }
        Err(error) => Err(failure::of(link, &error)),
    }
}

/// Whether the server gives every commit it has. In version 2 of the protocol all do; before, only those that say so.
fn gives_by_id(shake: &Handshake) -> bool {
    let says = |what| shake.capabilities.contains(what);
    shake.server_protocol_version == gix_transport::Protocol::V2
        || says("allow-reachable-sha1-in-want")
        || says("allow-any-sha1-in-want")
}

/// Tells the server that nothing of the history of what is here is here.
fn write_shallow(file: &std::path::Path, haves: &[ObjectId]) -> Result<()> {
    if haves.is_empty() {
        return Ok(());
    }
    let lines: String = haves.iter().map(|id| format!("{id}\n")).collect();
    let unwritable = |error: std::io::Error| {
        failure::disk(&error)
            .unwrap_or_else(|| Error::new(Kind::Unavailable, "the data folder cannot be written"))
    };
    std::fs::write(file, lines).map_err(unwritable)
}

fn write_pack(reader: &mut dyn BufRead, want: &Want<'_>, link: &Arc<Link>) -> GixResult {
    let mut head = [0; PACK_HEAD];
    reader.read_exact(&mut head).map_err(gix::Error::from_error)?;
    let [.., a, b, c, d] = head;
    let count = u32::from_be_bytes([a, b, c, d]);
    if count > MAX_OBJECTS {
        let message =
            format!("the remote sends a pack of {count} objects, and at most {MAX_OBJECTS} are taken");
        return Err(gix::Error::from_error(link.fail(Error::new(Kind::OverBudget, message))));
    }
    link.objects(u64::from(count));
    let options = pack::bundle::write::Options {
        alloc_limit_bytes: Some(MAX_OBJECT),
        thread_limit: Some(MAX_THREADS),
        ..Default::default()
    };
    let base = want.base.as_ref().map(|repo| repo.objects.clone());
    let kind = gix::hash::Kind::Sha1;
    let folder = Some(want.folder);
    let mut whole = head.as_slice().chain(reader);
    let mut unpacked = Unpacked::default();
    unpacked.watch(link);
    pack::Bundle::write_to_directory(&mut whole, folder, &mut unpacked, link.flag(), base, kind, options)?;
    unpacked.check(link).map_err(|error| gix::Error::from_error(link.fail(error)))
}

/// A negotiation of one round: these are wanted, these are here, send.
struct Once<'a>(&'a Want<'a>);

impl Negotiate for Once<'_> {
    fn mark_complete_and_common_ref(&mut self) -> GixResult<Action> {
        Ok(Action::MustNegotiate { remote_ref_target_known: Vec::new() })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _known: &[bool]) -> bool {
        if self.0.only_commits && arguments.can_use_filter() {
            arguments.filter("tree:0");
        }
        for id in self.0.ids {
            arguments.want(id);
        }
        true
    }

    fn one_round(
        &mut self,
        _state: &mut one_round::State,
        arguments: &mut Arguments,
        _previous: Option<&Response>,
    ) -> GixResult<(Round, bool)> {
        for id in self.0.haves {
            arguments.have(id);
        }
        let sent = self.0.haves.len();
        let round = Round {
            haves_sent: sent,
            in_vain: 0,
            haves_to_send: sent,
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}
