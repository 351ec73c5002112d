//! URLs to dictionaries and back, as Go's `net/url` (1.26) reads and writes them.

use gotmpl::{Function, Machine, Map, Type, Value, quote};

use crate::args::{Result, bytes, fail, map};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::new("urlParse", &[Type::String], |machine, args| {
        machine.budget().spend_map(8)?;
        match Url::parse(bytes(args, 0)) {
            Ok(url) => Ok(url.into_value()),
            Err(message) => fail(format!("unable to parse url: {message}")),
        }
    })
    .taking(PARSED),
    Function::new("urlJoin", &[Type::Map], |machine, args| join(machine, &map(args, 0))),
];

/// What reading a URL takes for each of its bytes: parts and their copies, a host's also as it is checked.
const PARSED: usize = 12;

/// What writing one takes for each byte of its parts: three where a byte is escaped, in texts that grow.
const JOINED: usize = 32;

/// The parts of a URL, unescaped where Go unescapes them.
#[derive(Default)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    /// Already in the form that is written.
    user: Option<Vec<u8>>,
    host: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    fragment: Vec<u8>,
}

/// Where in a URL a text stands: which characters are escaped depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    User,
    Host,
    Zone,
    Fragment,
}

impl Part {
    /// Whether a byte is written as it is.
    fn keeps(self, byte: u8) -> bool {
        let marks: &[u8] = match self {
            Self::Path => b"-_.~$&+,/:;=@",
            Self::User => b"-_.~$&+,;=",
            Self::Host | Self::Zone => b"-_.~!$&'()*+,;=:[]<>\"",
            Self::Fragment => b"-_.~$&+,/:;=?@!()*",
        };
        byte.is_ascii_alphanumeric() || marks.contains(&byte)
    }
}

type Parsed<T> = std::result::Result<T, String>;

impl Url {
    fn parse(text: &[u8]) -> Parsed<Self> {
        let (body, fragment) = cut(text, b'#');
        let wrong = |of: &[u8], why: String| format!("parse {}: {why}", quote::excerpt(of));
        let mut url = Self::without_fragment(body).map_err(|why| wrong(body, why))?;
        url.fragment = unescape(fragment, Part::Fragment).map_err(|why| wrong(text, why))?;
        Ok(url)
    }

    fn without_fragment(text: &[u8]) -> Parsed<Self> {
        if text.iter().any(u8::is_ascii_control) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let (scheme, rest) = scheme(text)?;
        let (rest, query) = cut(rest, b'?');
        let mut url = Self { scheme: scheme.to_ascii_lowercase(), query: query.to_vec(), ..Self::default() };
        if !rest.starts_with(b"/") {
            if !scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if cut(rest, b'/').0.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let path = match rest.strip_prefix(b"//") {
            Some(rest) if !scheme.is_empty() || !rest.starts_with(b"/") => {
                let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
                url.authority(&rest[..end])?;
                &rest[end..]
            }
            _ => rest,
        };
        url.path = unescape(path, Part::Path)?;
        Ok(url)
    }

    fn authority(&mut self, text: &[u8]) -> Parsed<()> {
        let Some(at) = text.iter().rposition(|byte| *byte == b'@') else {
            self.host = host(&self.scheme, text)?;
            return Ok(());
        };
        self.host = host(&self.scheme, &text[at + 1..])?;
        let user = &text[..at];
        let valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
        if !user.iter().all(valid) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let mut parts = Vec::new();
        for part in user.splitn(2, |byte| *byte == b':') {
            parts.push(escape(&unescape(part, Part::User)?, Part::User));
        }
        self.user = Some(parts.join(&b':'));
        Ok(())
    }

    fn host_name(&self) -> &[u8] {
        let colon = self.host.iter().rposition(|byte| *byte == b':');
        let name = match colon {
            Some(colon) if is_port(&self.host[colon..]) => &self.host[..colon],
            _ => &self.host,
        };
        name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]")).unwrap_or(name)
    }

    fn into_value(self) -> Value {
        let host_name = self.host_name().to_vec();
        let entries = [
            ("scheme", self.scheme),
            ("host", self.host),
            ("hostname", host_name),
            ("path", self.path),
            ("query", self.query),
            ("opaque", self.opaque),
            ("fragment", self.fragment),
            ("userinfo", self.user.unwrap_or_default()),
        ];
        Value::Map(Map::any(entries.map(|(key, text)| (key.into(), Value::from(text)))))
    }

    fn print(&self) -> Vec<u8> {
        let mut out = self.scheme.clone();
        if !out.is_empty() {
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.print_hierarchy(&mut out);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Part::Fragment));
        }
        out
    }

    /// `//user@host/path`
    fn print_hierarchy(&self, out: &mut Vec<u8>) {
        if !self.host.is_empty() || self.user.is_some() || (!self.scheme.is_empty() && !self.path.is_empty())
        {
            out.extend_from_slice(b"//");
        }
        if let Some(user) = &self.user {
            out.extend_from_slice(user);
            out.push(b'@');
        }
        out.extend(escape(&self.host, Part::Host));
        let path = if self.path == b"*" { self.path.clone() } else { escape(&self.path, Part::Path) };
        if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
            out.push(b'/');
        }
        if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
            // It would be mistaken for a scheme.
            out.extend_from_slice(b"./");
        }
        out.extend(path);
    }
}

/// What stands before and behind the first `mark`.
fn cut(text: &[u8], mark: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == mark) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

fn scheme(text: &[u8]) -> Parsed<(&[u8], &[u8])> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok((&[], text))
}

/// Whether it is empty, or a colon and digits.
fn is_port(text: &[u8]) -> bool {
    text.is_empty() || text.strip_prefix(b":").is_some_and(|port| port.iter().all(u8::is_ascii_digit))
}

fn check_port(text: &[u8]) -> Parsed<()> {
    if is_port(text) { Ok(()) } else { Err(format!("invalid port {} after host", quote::excerpt(text))) }
}

fn host(scheme: &[u8], text: &[u8]) -> Parsed<Vec<u8>> {
    match text.iter().rposition(|byte| *byte == b'[') {
        Some(0) => return address(text),
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    let strict = matches!(scheme, b"http" | b"https");
    let is_colon = |byte: &u8| *byte == b':';
    let colon = if strict { text.iter().position(is_colon) } else { text.iter().rposition(is_colon) };
    if let Some(colon) = colon {
        check_port(&text[colon..])?;
    }
    unescape(text, Part::Host)
}

/// `[address]:port`, where `%25` introduces a zone.
fn address(text: &[u8]) -> Parsed<Vec<u8>> {
    let Some(close) = text.iter().rposition(|byte| *byte == b']') else {
        return Err("missing ']' in host".to_owned());
    };
    let port = &text[close + 1..];
    check_port(port)?;
    let inner = &text[1..close];
    let zone = inner.windows(3).position(|window| window == b"%25").unwrap_or(inner.len());
    let mut name = unescape(&inner[..zone], Part::Host)?;
    name.extend(unescape(&inner[zone..], Part::Zone)?);
    check_address(&String::from_utf8_lossy(&name))?;
    Ok([b"[", name.as_slice(), b"]", port].concat())
}

fn check_address(name: &str) -> Parsed<()> {
    let (address, zone) = name.split_once('%').map_or((name, None), |(address, zone)| (address, Some(zone)));
    let wrong =
        |why: &str| Err(format!("invalid host: ParseAddr({}): {why}", quote::excerpt(name.as_bytes())));
    match (address.parse::<core::net::IpAddr>(), zone) {
        (Ok(core::net::IpAddr::V4(_)), None) => Err("invalid IP-literal".to_owned()),
        (_, Some("")) => wrong("zone must be a non-empty string"),
        (Ok(core::net::IpAddr::V6(_)), _) => Ok(()),
        _ => wrong("unable to parse IP"),
    }
}

fn escape(text: &[u8], part: Part) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if part.keeps(*byte) {
            out.push(*byte);
        } else {
            let digit = |number: u8| b"0123456789ABCDEF"[usize::from(number & 15)];
            out.extend([b'%', digit(byte >> 4), digit(*byte)]);
        }
    }
    out
}

fn unescape(text: &[u8], part: Part) -> Parsed<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if *byte == b'%' {
            out.push(escaped(&text[at..text.len().min(at + 3)], part)?);
            at += 3;
            continue;
        }
        if matches!(part, Part::Host | Part::Zone) && byte.is_ascii() && !part.keeps(*byte) {
            let shown = quote::excerpt(&[*byte]);
            return Err(format!("invalid character {shown} in host name"));
        }
        out.push(*byte);
        at += 1;
    }
    Ok(out)
}

/// The byte that `%hh` stands for. A host may escape only what is beyond ASCII; a zone also what a host may hold.
fn escaped(text: &[u8], part: Part) -> Parsed<u8> {
    let wrong = || format!("invalid URL escape {}", quote::excerpt(text));
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (Some(high), Some(low)) = (digit(1), digit(2)) else { return Err(wrong()) };
    let byte = (high * 16 + low) as u8;
    let allowed = match part {
        Part::Host => high >= 8 || text == b"%25",
        Part::Zone => text == b"%25" || byte == b' ' || Part::Host.keeps(byte),
        _ => true,
    };
    if allowed { Ok(byte) } else { Err(wrong()) }
}

fn join(machine: &Machine<'_>, parts: &Map) -> Result {
    let part = |key: &str| -> Result<Vec<u8>> {
        match parts.get(key.as_bytes()) {
            None => Ok(Vec::new()),
            Some(Value::Str(text)) => {
                machine.budget().spend_text(text.len().saturating_mul(3))?;
                machine.spend(text.len().saturating_mul(JOINED))?;
                Ok(text.to_vec())
            }
            Some(Value::Nil) => fail("runtime error: invalid memory address or nil pointer dereference"),
            Some(other) => {
                let kind = other.kind();
                fail(format!("unable to parse {key} key, must be of type string, but {kind} found"))
            }
        }
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        user: None,
    };
    let user = part("userinfo")?;
    if !user.is_empty() {
        let whole = [b"proto://", user.as_slice(), b"@host"].concat();
        let parsed =
            Url::parse(&whole).or_else(|why| fail(format!("unable to parse userinfo in dict: {why}")))?;
        url.user = parsed.user;
    }
    Ok(Value::from(url.print()))
}
