//! Servers that speak TLS, ssh or DNS and mean harm: handshakes without end, and names that change.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proto::v1::Credential;
use testkit::{Raw, Script};
use tonic::{Code, Status};

use super::asking::{Asking, ask};
use super::service::{Service, Settings};

/// The longest that a conversation may take that is limited to three seconds.
const CLOCK: Duration = Duration::from_secs(30);

/// The most memory the service may ever have had.
const MAX_RESIDENT: u64 = 512 << 20;

/// A service that may take three gibibytes of addresses, started by `wrapper`.
fn service(wrapper: &str) -> Service {
    let wrapper = Some(format!("ulimit -v 3145728; {wrapper}exec \"$@\""));
    let flags = ["--fetch-timeout=3s"];
    Service::with(&Settings { wrapper, ..Settings::flags(&flags) })
}

/// The failure of a request to `url`, which asks nobody for certificates or host keys.
async fn fails(service: &mut Service, url: &str, what: &str) -> Status {
    let begun = Instant::now();
    let credential = Credential { insecure: true, ssh_private_key: KEY.into(), ..Credential::default() };
    let status = service.render(ask(url, "main", "app").credential(credential)).await.expect_err(what);
    assert!(begun.elapsed() < CLOCK, "{what}: {:?}", begun.elapsed());
    let codes = [
        Code::Unavailable,
        Code::DeadlineExceeded,
        Code::ResourceExhausted,
        Code::NotFound,
        Code::Unauthenticated,
    ];
    assert!(codes.contains(&status.code()), "{what}: {status:?}");
    let resident = service.peak_resident_bytes();
    assert!(resident < MAX_RESIDENT, "{what}: {resident} bytes resident");
    service.assert_healthy();
    status
}

/// No key of anybody: it only has to look like one.
const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";

/// A record of TLS 1.2.
fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3], &length[..], content].concat()
}

/// A `ServerHello` that chooses TLS 1.2.
fn server_hello() -> Vec<u8> {
    let body = [&[3, 3][..], &[7; 32], &[0, 0xc0, 0x2f, 0], &[0, 5, 0xff, 1, 0, 1, 0]].concat();
    record(22, &[&[2, 0, 0, u8::try_from(body.len()).unwrap()][..], &body].concat())
}

#[tokio::test]
async fn tls_handshakes_without_end() {
    let mut service = service("");
    // A chain of certificates of sixteen megabytes, in records that go on.
    let chain = record(
        22,
        &[&[11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0xff, 0xff, 0xf9][..], &[0x30; 16_000]].concat(),
    );
    let more = record(22, &[0x30; 16_000]);
    let scripts = [
        ("a chain without end", Script::Endless([server_hello(), chain].concat(), more)),
        ("warnings without end", Script::Endless(Vec::new(), record(21, &[1, 90]))),
        ("empty records without end", Script::Endless(Vec::new(), record(22, &[]))),
        ("a hello without end", Script::Endless(Vec::new(), record(22, &[2, 0xff, 0xff, 0xff, 3, 3]))),
        ("one byte a second", Script::Drip(server_hello(), Duration::from_secs(1))),
        ("half a hello", Script::Say(server_hello()[..20].to_vec())),
        ("silence", Script::Hang),
    ];
    for (what, script) in scripts {
        let server = Raw::start(script);
        fails(&mut service, &format!("https://{}/app.git", server.address()), what).await;
    }
}

/// A packet of ssh before keys are exchanged, with as much padding as it needs.
fn ssh_packet(payload: &[u8]) -> Vec<u8> {
    let padding = 16 - (payload.len() + 5) % 8;
    let length = u32::try_from(payload.len() + padding + 1).unwrap().to_be_bytes();
    [&length[..], &[u8::try_from(padding).unwrap()], payload, &vec![0; padding]].concat()
}

#[tokio::test]
async fn ssh_servers_that_never_come_to_the_point() {
    let mut service = service("");
    let hello = b"SSH-2.0-testkit\r\n".to_vec();
    let names = ssh_packet(&[&[20][..], &[7; 16], &[0, 0, 0x7f, 0xff], &[b'a'; 30_000]].concat());
    let with = |packets: Vec<u8>| [hello.clone(), packets].concat();
    let scripts = [
        ("a banner without end", Script::Endless(Vec::new(), b"welcome\r\n".to_vec())),
        ("a line without end", Script::Endless(Vec::new(), vec![b'x'; 1_000])),
        ("a version without end", Script::Endless(b"SSH-2.0-".to_vec(), vec![b'x'; 1_000])),
        ("a packet of four gigabytes", Script::Endless(with(vec![0xff; 5]), vec![0; 1_000])),
        ("a packet of nothing", Script::Say(with(vec![0; 64]))),
        ("lists that are cut", Script::Say(with(names.clone()))),
        ("lists without end", Script::Endless(hello.clone(), names)),
        (
            "debug messages without end",
            Script::Endless(hello.clone(), ssh_packet(&[4, 1, 0, 0, 0, 1, b'x', 0, 0, 0, 0])),
        ),
        ("ignored messages without end", Script::Endless(hello.clone(), ssh_packet(&[2, 0, 0, 0, 0]))),
        ("one byte a second", Script::Drip(hello.clone(), Duration::from_secs(1))),
        ("silence after the version", Script::Drip(hello, Duration::ZERO)),
        ("silence", Script::Hang),
    ];
    for (what, script) in scripts {
        let server = Raw::start(script);
        fails(&mut service, &format!("ssh://git@{}/app.git", server.address()), what).await;
    }
}

/// A server of names: the first question about a name is answered with loopback, each later one with the metadata
/// service of clouds.
struct Names {
    asked: Arc<AtomicUsize>,
}

impl Names {
    /// Where it listens: no other test uses this address of loopback.
    const ADDRESS: &str = "127.77.0.1";

    fn start() -> Option<Self> {
        let socket = UdpSocket::bind((Self::ADDRESS, 53)).ok()?;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        std::thread::spawn(move || {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                let answer = answer(&question[..length], &count);
                drop(socket.send_to(&answer, from));
            }
        });
        Some(Self { asked })
    }
}

/// The answer to a question about IPv4; to any other there is none.
fn answer(question: &[u8], count: &AtomicUsize) -> Vec<u8> {
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let wanted = question[end - 3] == 1;
    let mut answer = question[..end].to_vec();
    answer[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(wanted), 0, 0, 0, 0]);
    if wanted {
        let address =
            if count.fetch_add(1, Ordering::SeqCst) == 0 { [127, 0, 0, 1] } else { [169, 254, 169, 254] };
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
        answer.extend(address);
    }
    answer
}

/// The address that was checked is the one that is connected to: a name that leads to a forbidden one the second time
/// is looked up once for a connection, and refused for the next.
#[tokio::test]
async fn a_name_that_is_forbidden_the_second_time() {
    let test = "a_name_that_is_forbidden_the_second_time";
    let Some(names) = Names::start() else {
        eprintln!("{test} is skipped: port 53 cannot be opened; run the tests as root to have it");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("resolv.conf");
    std::fs::write(&file, format!("nameserver {}\noptions timeout:1\n", Names::ADDRESS)).unwrap();
    let mount = format!("mount --bind {} /etc/resolv.conf && ", file.display());
    let may_mount =
        std::process::Command::new("unshare").args(["-m", "sh", "-c", &format!("{mount} true")]).output();
    if !may_mount.is_ok_and(|done| done.status.success()) {
        eprintln!("{test} is skipped: no mount namespace can be made; run the tests as root to have it");
        return;
    }
    let inner = format!("exec unshare -m sh -c '{mount}exec \"$@\"' sh \"$@\"; ");
    let mut service = service(&inner);
    for scheme in ["git", "http"] {
        names.asked.store(0, Ordering::SeqCst);
        let server = Raw::start(Script::Say(b"no git\n".to_vec()));
        let url = format!("{scheme}://rebind-{scheme}.test:{}/app.git", server.address().port());
        fails(&mut service, &url, "the first time").await;
        assert_eq!((server.connections(), names.asked.load(Ordering::SeqCst)), (1, 1), "{scheme}");
        let begun = Instant::now();
        let status = service.render(ask(&url, "main", "app")).await.expect_err("a forbidden address");
        assert_eq!(status.code(), Code::PermissionDenied, "{scheme}: {status:?}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{scheme}: it was contacted");
        assert_eq!(server.connections(), 1, "{scheme}");
    }
}
