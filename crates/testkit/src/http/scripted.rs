//! A git server that speaks protocol version 2 itself: it lists one commit and sends the pack it was given, whatever is
//! in it.

use git2::Oid;

use super::act::{Act, pkt};
use super::wire::Request;
use super::{Options, Server};

/// The most that one line of the pack's band carries.
const BAND: usize = 60_000;

/// What a scripted server says.
#[derive(Clone, Debug)]
pub struct Scripted {
    /// The commit of `HEAD` and `refs/heads/main`.
    pub commit: Oid,
    /// The pack it sends to everybody, whatever was wanted.
    pub pack: Vec<u8>,
}

impl Scripted {
    /// Serves this under every path.
    #[must_use]
    pub fn start(self) -> Server {
        Server::start(Options { act: Box::new(move |request| self.answer(request)), ..Options::default() })
    }

    /// What it answers.
    #[must_use]
    pub fn answer(&self, request: &Request) -> Act {
        if request.method == "GET" {
            return reply("advertisement", greeting());
        }
        if request.is_listing() {
            let id = self.commit;
            let head = format!("{id} HEAD symref-target:refs/heads/main\n");
            let main = format!("{id} refs/heads/main\n");
            return reply("result", [pkt(head.as_bytes()), pkt(main.as_bytes()), b"0000".to_vec()].concat());
        }
        let mut body = self.fetch_head(request);
        for part in self.pack.chunks(BAND) {
            body.extend(band(part));
        }
        body.extend(b"0000");
        reply("result", body)
    }

    /// What comes before the pack.
    fn fetch_head(&self, request: &Request) -> Vec<u8> {
        let deepens = request.body.windows(6).any(|part| part == b"deepen");
        let mut head = Vec::new();
        if deepens {
            head.extend(pkt(b"shallow-info\n"));
            head.extend(pkt(format!("shallow {}\n", self.commit).as_bytes()));
            head.extend(b"0001");
        }
        head.extend(pkt(b"packfile\n"));
        head
    }

    /// A pack without end, which claims so many objects; `entry` makes each, as a [`band`].
    #[must_use]
    pub fn endless(&self, request: &Request, count: u32, entry: fn(u64) -> Vec<u8>) -> Act {
        if request.method == "GET" || request.is_listing() {
            return self.answer(request);
        }
        let mut first = self.fetch_head(request);
        first.extend(band(&[&b"PACK\0\0\0\x02"[..], &count.to_be_bytes()].concat()));
        Act::Endless("application/x-git-upload-pack-result", first, entry)
    }
}

/// A part of a pack, as a line of the protocol.
#[must_use]
pub fn band(part: &[u8]) -> Vec<u8> {
    pkt(&[b"\x01", part].concat())
}

fn greeting() -> Vec<u8> {
    let mut lines = pkt(b"# service=git-upload-pack\n");
    lines.extend(b"0000");
    for line in ["version 2", "agent=testkit", "ls-refs=unborn", "fetch=shallow filter", "object-format=sha1"]
    {
        lines.extend(pkt(format!("{line}\n").as_bytes()));
    }
    lines.extend(b"0000");
    lines
}

fn reply(kind: &str, body: Vec<u8>) -> Act {
    let kind = format!("application/x-git-upload-pack-{kind}");
    Act::Reply(200, vec![("Content-Type".to_owned(), kind)], body)
}
