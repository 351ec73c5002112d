//! As much of HTTP/1.1 as git clients speak: requests with a length or chunks, and chunked answers.

use std::io::{self, Read, Write};

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: String,
    /// The path, without the query, beginning with `/`.
    pub path: String,
    /// The query, without `?`; empty when there is none.
    pub query: String,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as sent (possibly gzip).
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of a name (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether it asks for objects.
    #[must_use]
    pub fn is_fetch(&self) -> bool {
        self.is_upload_pack() && !self.is_command("ls-refs")
    }

    /// Whether it lists refs; in version 2 the greeting before it is not counted.
    #[must_use]
    pub fn is_listing(&self) -> bool {
        let old = self.path.ends_with("/info/refs") && self.header("git-protocol") != Some("version=2");
        old || self.is_upload_pack() && self.is_command("ls-refs")
    }

    fn is_upload_pack(&self) -> bool {
        self.method == "POST" && self.path.ends_with("/git-upload-pack")
    }

    fn is_command(&self, name: &str) -> bool {
        let wanted = format!("command={name}");
        self.body.windows(wanted.len()).any(|part| part == wanted.as_bytes())
    }
}

/// A connection with what was read ahead of its requests.
pub(super) struct Buffered<S> {
    stream: S,
    ahead: Vec<u8>,
}

impl<S: Read + Write> Buffered<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, ahead: Vec::new() }
    }

    pub(super) fn inner(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The next request, or `None` when the peer has closed.
    pub(super) fn request(&mut self) -> io::Result<Option<Request>> {
        let Some(line) = self.line()? else { return Ok(None) };
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        let headers = self.headers()?;
        let mut request = Request { method, path, query, headers, body: Vec::new() };
        if request.header("expect").is_some() {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            self.stream.flush()?;
        }
        request.body = self.body(&request)?;
        Ok(Some(request))
    }

    fn headers(&mut self) -> io::Result<Vec<(String, String)>> {
        let mut headers = Vec::new();
        while let Some(line) = self.line()?.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(headers)
    }

    fn body(&mut self, request: &Request) -> io::Result<Vec<u8>> {
        if request.header("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
            return self.chunks();
        }
        let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        self.exactly(length)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?.unwrap_or_default();
            let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            body.extend(self.exactly(length)?);
            self.line()?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    /// One line without its end, or `None` at the end of the connection.
    fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.ahead.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            if self.more()? == 0 {
                return Ok(None);
            }
        }
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.ahead.len() < length {
            if self.more()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.ahead.drain(..length).collect())
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut part = [0; 16 << 10];
        let count = self.stream.read(&mut part)?;
        self.ahead.extend_from_slice(&part[..count]);
        Ok(count)
    }
}

/// Writes the head of an answer whose body comes in chunks.
pub(super) fn head(out: &mut impl Write, status: &str, headers: &[(String, String)]) -> io::Result<()> {
    write!(out, "HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n")?;
    headers.iter().try_for_each(|(name, value)| write!(out, "{name}: {value}\r\n"))?;
    out.write_all(b"\r\n")?;
    out.flush()
}

/// Writes one chunk; an empty one ends the body.
pub(super) fn chunk(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    write!(out, "{:x}\r\n", bytes.len())?;
    out.write_all(bytes)?;
    out.write_all(b"\r\n")?;
    out.flush()
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word =
            group.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for position in 0..4 {
            let letter = ALPHABET[(word >> (18 - 6 * position)) as usize & 63];
            text.push(if position <= group.len() { letter as char } else { '=' });
        }
    }
    text
}
