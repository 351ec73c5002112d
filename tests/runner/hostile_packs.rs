//! Packs that no git program would send: each is a clear error, within bounds of memory and time, and the next request
//! works. Among them one for each advisory about the library that unpacks them.

use std::time::{Duration, Instant};

use testkit::http::{Act, Options, Request, Scripted, Server, band};
use testkit::pack::{
    EntryKind, ObjectType, Pack, base_distance, deflate_stored, deflate_zeros, delta_copy, delta_size,
};
use testkit::{Oid, Root};
use tonic::Code;

use super::asking::{ask, names};
use super::bad_input::map;
use super::service::{Service, Settings};

/// The longest that one of them may take on a slow machine: they all have limits far below.
const CLOCK: Duration = Duration::from_secs(60);

/// The most memory the service may ever have had.
const MAX_RESIDENT: u64 = 1 << 30;

/// What an attack may be answered with.
const TOLD: &[Code] = &[
    Code::Unavailable,
    Code::ResourceExhausted,
    Code::InvalidArgument,
    Code::NotFound,
    Code::DeadlineExceeded,
];

/// A service that may take three gibibytes of addresses, and a healthy repository.
struct Target {
    service: Service,
    _root: Root,
    healthy: Server,
}

impl Target {
    fn new(flags: &[&str]) -> Self {
        let root = Root::new();
        root.repo("healthy.git").commit("main").file("app/map.yaml", map("healthy")).write();
        let healthy = Server::git(&root);
        let wrapper = Some("ulimit -v 3145728; exec \"$@\"".to_owned());
        let settings = Settings { wrapper, ..Settings::flags(flags) };
        Self { service: Service::with(&settings), _root: root, healthy }
    }

    /// The failure of rendering what `server` sends.
    async fn refuses(&mut self, what: &str, server: &Server) -> tonic::Status {
        let begun = Instant::now();
        let rendered = self.service.render(ask(&server.url("app.git"), "main", "app")).await;
        let status = rendered.expect_err(what);
        assert!(TOLD.contains(&status.code()), "{what}: {status:?}");
        assert!(begun.elapsed() < CLOCK, "{what}: {:?}", begun.elapsed());
        self.service.assert_silent(status.message());
        let resident = self.service.peak_resident_bytes();
        assert!(resident < MAX_RESIDENT, "{what}: {resident} bytes resident");
        let url = self.healthy.url("healthy.git");
        let rendered = self.service.render(ask(&url, "main", "app")).await.unwrap();
        assert_eq!(names(&rendered), ["ConfigMap/healthy"], "{what}");
        self.service.assert_healthy();
        status
    }
}

/// A pack that holds an application, and its commit; hostile entries are put before it.
fn application(mut pack: Pack) -> (Oid, Pack) {
    let file = pack.blob(map("a"));
    let folder = pack.tree(&[("100644", "map.yaml", file)]);
    let root = pack.tree(&[("40000", "app", folder)]);
    (pack.commit(root), pack)
}

/// A pack in which `entry` comes before an application.
fn with_entry(kind: EntryKind, size: u64, rest: &[u8]) -> (Oid, Vec<u8>) {
    let mut pack = Pack::new();
    pack.raw(kind, size, rest);
    let (commit, pack) = application(pack);
    (commit, pack.bytes())
}

/// A pack with a base of a hundred bytes and a difference to it, given by its distance and its instructions.
fn with_delta(distance: Option<&[u8]>, delta: &[u8]) -> (Oid, Vec<u8>) {
    let mut pack = Pack::new();
    pack.blob([b'a'; 100]);
    let real = base_distance(pack.length() as u64);
    let rest = [distance.unwrap_or(&real), &deflate_stored(delta)].concat();
    pack.raw(EntryKind::OffsetDelta, delta.len() as u64, &rest);
    let (commit, pack) = application(pack);
    (commit, pack.bytes())
}

fn delta(base: u64, result: u64, instructions: &[u8]) -> Vec<u8> {
    [delta_size(base), delta_size(result), instructions.to_vec()].concat()
}

fn hostile() -> Vec<(&'static str, (Oid, Vec<u8>))> {
    let (commit, fine) = application(Pack::new());
    let whole = fine.bytes();
    let copy = delta_copy(0, 100);
    let id_delta = |base: Oid, delta: &[u8]| [base.as_bytes(), &deflate_stored(delta)].concat();
    let itself = Oid::hash_object(ObjectType::Blob, &[b'a'; 100]).unwrap();
    let mut wrong_version = whole.clone();
    wrong_version[7] = 9;
    let mut wrong_name = whole.clone();
    wrong_name[0] = b'Q';
    let mut wrong_sum = whole.clone();
    *wrong_sum.last_mut().unwrap() ^= 1;
    vec![
        // CVE-2026-109349, -109350, -109351 (gix-pack before 0.75): the head, differences by offset, the count.
        ("a head that ends early", (commit, b"PACK\0\0\0\x02".to_vec())),
        ("a version there is none of", (commit, wrong_version)),
        ("another name", (commit, wrong_name)),
        ("a base before the pack", with_delta(Some(&base_distance(1 << 30)), &delta(100, 100, &copy))),
        ("a base that is the difference itself", with_delta(Some(&[0]), &delta(100, 100, &copy))),
        ("a base in the middle of an object", with_delta(Some(&[5]), &delta(100, 100, &copy))),
        ("a distance without end", with_delta(Some(&[0xff; 20]), &delta(100, 100, &copy))),
        ("four thousand million objects", (commit, fine.claiming(u32::MAX))),
        ("four million objects that are not there", (commit, fine.claiming(4_000_000))),
        ("fewer objects than there are", (commit, fine.claiming(1))),
        // CVE-2026-82254 (gix-pack before 0.69): sizes that are believed.
        ("a size without end", with_entry(EntryKind::Blob, u64::MAX, &deflate_stored(b"a"))),
        ("an object of 2^60 bytes", with_entry(EntryKind::Blob, 1 << 60, &deflate_stored(b"a"))),
        ("a difference that makes 2^60 bytes", with_delta(None, &delta(100, 1 << 60, &copy))),
        ("a difference to 2^60 bytes", with_delta(None, &delta(1 << 60, 100, &copy))),
        ("a copy from beyond the base", with_delta(None, &delta(100, 200, &delta_copy(50, 200)))),
        ("a difference that ends in its size", with_delta(None, &[0xff])),
        ("a difference to an object that is nowhere", {
            let base = Oid::from_str(&"12".repeat(20)).unwrap();
            with_entry(EntryKind::IdDelta, 100, &id_delta(base, &delta(100, 100, &copy)))
        }),
        (
            "a difference to what it makes",
            with_entry(EntryKind::IdDelta, 11, &id_delta(itself, &delta(100, 100, &copy))),
        ),
        ("no zlib", with_entry(EntryKind::Blob, 100, &[0x5a; 100])),
        ("zlib of another size", with_entry(EntryKind::Blob, 100, &deflate_stored(b"a"))),
        ("a wrong checksum", (commit, wrong_sum)),
        ("nothing", (commit, Vec::new())),
        ("a file of 300 MiB", with_entry(EntryKind::Blob, 300 << 20, &deflate_zeros(300 << 20))),
        (
            "a file of a gigabyte that ends early",
            with_entry(EntryKind::Blob, 1 << 30, &deflate_zeros(1 << 20)),
        ),
        ("twenty files that claim a gigabyte", {
            let mut pack = Pack::new();
            (0..20).for_each(|_| pack.raw(EntryKind::Blob, (1 << 30) - 1, &deflate_stored(b"a")));
            let (commit, pack) = application(pack);
            (commit, pack.bytes())
        }),
        ("differences that make gigabytes", doublings()),
    ]
}

/// A file of a mebibyte, and differences of which each makes twenty times what the one before made.
fn doublings() -> (Oid, Vec<u8>) {
    let mut pack = Pack::new();
    let mut at = pack.length();
    let mut size: u64 = 1 << 20;
    pack.raw(EntryKind::Blob, size, &deflate_zeros(size));
    for _ in 0..3 {
        let part = u32::try_from(size.min(0xff_ffff)).unwrap();
        let copies: Vec<u8> = (0..20).flat_map(|_| delta_copy(0, part)).collect();
        let delta = delta(size, 20 * u64::from(part), &copies);
        let distance = base_distance((pack.length() - at) as u64);
        at = pack.length();
        pack.raw(EntryKind::OffsetDelta, delta.len() as u64, &[distance, deflate_stored(&delta)].concat());
        size = 20 * u64::from(part);
    }
    let (commit, pack) = application(pack);
    (commit, pack.bytes())
}

#[tokio::test]
async fn each_is_refused_and_the_next_request_works() {
    let mut target = Target::new(&["--fetch-timeout=40s"]);
    for (what, (commit, pack)) in hostile() {
        let server = Scripted { commit, pack }.start();
        let status = target.refuses(what, &server).await;
        if what == "a file of 300 MiB" {
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
            assert!(status.message().contains("256 MiB"), "{status:?}");
        }
    }
    // Without anything hostile the same pack renders.
    let (commit, pack) = application(Pack::new());
    let server = Scripted { commit, pack: pack.bytes() }.start();
    let rendered = target.service.render(ask(&server.url("app.git"), "main", "app")).await.unwrap();
    assert_eq!(names(&rendered), ["ConfigMap/a"]);
}

/// Objects whose content is not the same twice.
fn entry(number: u64) -> Vec<u8> {
    let content: Vec<u8> = (0..3_000_u64).flat_map(|at| (number * 3_001 + at).to_be_bytes()).collect();
    let mut pack = Pack::new();
    pack.raw(EntryKind::Blob, content.len() as u64, &deflate_stored(&content));
    band(pack.entries())
}

#[tokio::test]
async fn a_pack_without_end_ends_at_its_time() {
    let (commit, pack) = application(Pack::new());
    let scripted = Scripted { commit, pack: pack.bytes() };
    let mut target = Target::new(&["--fetch-timeout=2s"]);
    let act = move |request: &Request| scripted.endless(request, 4_000_000, entry);
    let server = Server::start(Options { act: Box::new(act), ..Options::default() });
    let status = target.refuses("a pack without end", &server).await;
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
}

/// CVE-2026-82250 (gix-packetline before 0.21.5): lines of the protocol that are no lines.
#[tokio::test]
async fn lines_that_are_no_lines() {
    let mut target = Target::new(&["--fetch-timeout=3s"]);
    let (commit, pack) = application(Pack::new());
    let scripted = Scripted { commit, pack: pack.bytes() };
    let bodies: [&[u8]; 14] = [
        b"0003",
        b"0002",
        b"0001",
        b"0000",
        b"0004",
        b"0005\x01",
        b"0005\x02",
        b"0006\x09x",
        b"ffff",
        b"fff5x",
        b"-001",
        b"zzzz",
        b"000",
        b"000dpackfile\n0005\x01000500010005\x030000",
    ];
    for in_listing in [false, true] {
        for body in bodies {
            let (scripted, body) = (scripted.clone(), body.to_vec());
            let shown = format!("{:?} in a listing: {in_listing}", String::from_utf8_lossy(&body));
            let act = move |request: &Request| {
                if request.method == "GET" || (request.is_listing() != in_listing) {
                    return scripted.answer(request);
                }
                let kind = "application/x-git-upload-pack-result".to_owned();
                Act::Reply(200, vec![("Content-Type".to_owned(), kind)], body.repeat(50))
            };
            let server = Server::start(Options { act: Box::new(act), ..Options::default() });
            target.refuses(&shown, &server).await;
        }
    }
}
