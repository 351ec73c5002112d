//! `https://` and `http://`: git's requests over our own client, where every redirect is looked at and credentials
//! stay with the host they are meant for.

use std::any::Any;
use std::io::{self, BufRead, Cursor, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};
use gix_transport::Protocol;
use gix_transport::client::blocking_io::http as gix_http;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, StatusCode, Url};

use crate::credentials::{Credential, base64};
use crate::error::{Error, Kind, Result};

use super::super::address;
use super::super::link::Link;
use super::super::remote::Remote;
use super::Gate;
use super::announcement::check_announcement;
use super::failure;
use super::http_client::Clients;
use super::unreachable::broken_request;

/// The most redirects followed; a renamed repository on a renamed host takes two.
pub(super) const MAX_REDIRECTS: usize = 5;

/// Git's http transport over our client.
pub(super) type Transport = gix_http::Transport<Http>;

/// Who asks.
pub(super) struct Caller {
    /// With what.
    pub(super) credential: Credential,
    /// Where redirects may lead.
    pub(super) gate: Gate,
}

/// Our client, in the shape git's transport wants.
pub(super) struct Http {
    client: Client,
    caller: Caller,
    /// Without credentials, for the host a redirect leads to.
    elsewhere: Client,
    authorization: Option<HeaderValue>,
    redirected: Option<String>,
    link: Arc<Link>,
}

/// A transport to the repository at `url`.
pub(super) fn open(url: &str, caller: Caller, clients: &Clients, link: &Arc<Link>) -> Result<Transport> {
    let wrong = |_| Error::new(Kind::Invalid, "the URL of the repository cannot be read");
    let parsed = gix::url::parse(url).map_err(wrong)?;
    let plain = Credential { proxy: caller.credential.proxy.clone(), ..Credential::default() };
    let http = Http {
        client: clients.get(&caller.credential)?,
        elsewhere: clients.get(&plain)?,
        authorization: authorization(&caller.credential)?,
        caller,
        redirected: None,
        link: link.clone(),
    };
    Ok(Transport::new_http(http, parsed, Protocol::V2, false))
}

pub(super) fn authorization(credential: &Credential) -> Result<Option<HeaderValue>> {
    let text = if !credential.bearer_token.is_empty() {
        format!("Bearer {}", credential.bearer_token.expose())
    } else if !credential.password.is_empty() {
        // A token without a user: the name GitHub, GitLab and Gitea all take for it.
        let user = if credential.username.is_empty() { "x-access-token" } else { &credential.username };
        format!("Basic {}", base64::encode(format!("{user}:{}", credential.password.expose()).as_bytes()))
    } else {
        return Ok(None);
    };
    let wrong = |_| Error::new(Kind::Invalid, "the credential holds characters that http does not carry");
    let mut value = HeaderValue::from_str(&text).map_err(wrong)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

impl Http {
    /// The answer to a `GET`, after following redirects that may be followed.
    fn follow(&mut self, url: &str, tail: &str, headers: &HeaderMap) -> io::Result<reqwest::Response> {
        let mut url = self.parse(url)?;
        for _ in 0..=MAX_REDIRECTS {
            let request = self.request(Method::GET, url.clone(), headers)?;
            let response = send(&self.client, request, &self.link)?;
            if !response.status().is_redirection() {
                return self.accept(response);
            }
            url = self.redirect(&url, &response, tail).map_err(|error| self.link.fail(error))?;
        }
        Err(self.link.fail(Error::new(Kind::Unavailable, "the remote redirects in circles")))
    }

    /// Where `response` redirects to, if that is a place a redirect may lead to.
    fn redirect(&mut self, from: &Url, response: &reqwest::Response, tail: &str) -> Result<Url> {
        let refused = |what: &str| Error::new(Kind::Unavailable, format!("the remote redirects {what}"));
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let to = location.and_then(|to| from.join(to).ok()).ok_or_else(|| refused("to nowhere"))?;
        if from.scheme() == "https" && to.scheme() != "https" {
            return Err(refused("from https to something else"));
        }
        let base =
            to.as_str().strip_suffix(tail).ok_or_else(|| refused("to something that is no repository"))?;
        let (remote, _) = Remote::parse(base)?;
        (self.caller.gate)(&remote)?;
        if !same_host(from, &to) {
            self.authorization = None;
            self.client = self.elsewhere.clone();
        }
        self.redirected = Some(base.trim_end_matches('/').to_owned());
        Ok(to)
    }

    fn request(&self, method: Method, url: Url, headers: &HeaderMap) -> io::Result<reqwest::Request> {
        address::check_literal(url.host_str().unwrap_or_default()).map_err(|error| self.link.fail(error))?;
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers.clone();
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        Ok(request)
    }

    fn accept(&self, response: reqwest::Response) -> io::Result<reqwest::Response> {
        accept(response, self.authorization.is_some(), &self.link)
    }

    fn parse(&self, url: &str) -> io::Result<Url> {
        Url::parse(url).map_err(|_| self.link.fail(Error::new(Kind::Invalid, "the URL cannot be read")))
    }
}

/// The same host, or the same host with TLS where there was none.
pub(super) fn same_host(from: &Url, to: &Url) -> bool {
    let upgraded = from.scheme() == "http" && to.scheme() == "https";
    let ports = from.port_or_known_default() == to.port_or_known_default();
    let defaults = from.port().is_none() && to.port().is_none();
    from.host_str() == to.host_str() && ((from.scheme() == to.scheme() && ports) || (upgraded && defaults))
}

pub(super) fn send(client: &Client, request: reqwest::Request, link: &Link) -> io::Result<reqwest::Response> {
    let answer = link.wait(client.execute(request))?;
    answer.map_err(|error| link.fail(broken_request(&error)))
}

fn accept(response: reqwest::Response, authorized: bool, link: &Link) -> io::Result<reqwest::Response> {
    let status = response.status();
    let error = match status {
        StatusCode::OK => return Ok(response),
        StatusCode::UNAUTHORIZED if authorized => {
            Error::new(Kind::Unauthenticated, "the remote refused the credentials")
        }
        StatusCode::UNAUTHORIZED => Error::new(
            Kind::Unauthenticated,
            "the remote asks for credentials, or hides that it does not exist",
        )
        .help("send a credential with the request, or put one into the credentials file"),
        StatusCode::FORBIDDEN => {
            Error::new(Kind::Denied, "the remote knows the credentials but refuses access")
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => failure::missing(),
        StatusCode::TOO_MANY_REQUESTS => Error::new(Kind::Unavailable, "the remote says: too many requests"),
        _ => Error::new(Kind::Unavailable, format!("the remote answered with status {}", status.as_u16())),
    };
    Err(link.fail(error))
}

impl gix_http::Http for Http {
    type Headers = Headers;
    type ResponseBody = Body;
    type PostBody = Upload;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::error::Result<gix_http::GetResponse<Headers, Body>> {
        let tail = url.strip_prefix(base_url).unwrap_or(url).to_owned();
        let mut response = self.follow(url, &tail, &header_map(headers)).map_err(gix::Error::from_error)?;
        check_announcement(&mut response, &self.link).map_err(gix::Error::from_error)?;
        let exchange = Shared::new(self, None);
        exchange.lock().response = Some(response);
        Ok(gix_http::GetResponse { headers: Headers::new(exchange.clone()), body: Body::new(exchange) })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _kind: gix_http::PostBodyDataKind,
    ) -> gix::error::Result<gix_http::PostResponse<Headers, Body, Upload>> {
        let url = self.parse(url).map_err(gix::Error::from_error)?;
        let request =
            self.request(Method::POST, url, &header_map(headers)).map_err(gix::Error::from_error)?;
        let exchange = Shared::new(self, Some(request));
        let headers = Headers::new(exchange.clone());
        Ok(gix_http::PostResponse { post_body: Upload(exchange.clone()), headers, body: Body::new(exchange) })
    }

    fn configure(&mut self, _config: &dyn Any) -> gix::error::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected.clone()
    }
}

fn header_map(lines: impl IntoIterator<Item = impl AsRef<str>>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines {
        let pair = line.as_ref().split_once(':').and_then(|(name, value)| {
            let name = name.parse::<HeaderName>().ok()?;
            Some((name, HeaderValue::from_str(value.trim()).ok()?))
        });
        headers.extend(pair);
    }
    headers
}

/// One request and its answer, shared by the three ends git's transport holds.
struct Exchange {
    client: Client,
    authorized: bool,
    request: Option<reqwest::Request>,
    upload: Vec<u8>,
    response: Option<reqwest::Response>,
    link: Arc<Link>,
}

/// The exchange, as each end holds it.
#[derive(Clone)]
struct Shared(Arc<Mutex<Exchange>>);

impl Shared {
    /// An exchange that begins with `request`, or with a response that is put in.
    fn new(http: &Http, request: Option<reqwest::Request>) -> Self {
        Self(Arc::new(Mutex::new(Exchange {
            client: http.client.clone(),
            authorized: http.authorization.is_some(),
            request,
            upload: Vec::new(),
            response: None,
            link: http.link.clone(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exchange {
    /// The answer; the request is sent when it is first looked for, its body being complete then.
    fn response(&mut self) -> io::Result<&mut reqwest::Response> {
        if let Some(mut request) = self.request.take() {
            *request.body_mut() = Some(std::mem::take(&mut self.upload).into());
            let response = send(&self.client, request, &self.link)?;
            self.response = Some(accept(response, self.authorized, &self.link)?);
        }
        self.response.as_mut().ok_or_else(|| io::Error::other("no answer to read"))
    }

    fn chunk(&mut self) -> io::Result<Bytes> {
        let link = self.link.clone();
        let response = self.response()?;
        let cut = |error: reqwest::Error| link.fail(broken_request(&error));
        let chunk = link.wait(response.chunk())?.map_err(cut)?.unwrap_or_default();
        link.took(chunk.len()).map(|()| chunk)
    }
}

/// The body of a request, being written.
pub(super) struct Upload(Shared);

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().upload.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The one header of an answer that is looked at, as a line.
pub(super) struct Headers {
    exchange: Shared,
    line: Option<Cursor<Vec<u8>>>,
}

impl Headers {
    fn new(exchange: Shared) -> Self {
        Self { exchange, line: None }
    }

    fn line(&mut self) -> io::Result<&mut Cursor<Vec<u8>>> {
        if self.line.is_none() {
            let mut exchange = self.exchange.lock();
            let kind =
                exchange.response()?.headers().get(CONTENT_TYPE).map(|value| value.as_bytes().to_vec());
            let mut line = b"content-type:".to_vec();
            line.extend(kind.unwrap_or_default());
            drop(exchange);
            self.line = Some(Cursor::new(line));
        }
        Ok(self.line.as_mut().expect("filled above"))
    }
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.line()?.read(buffer)
    }
}

impl BufRead for Headers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.line()?.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        if let Some(line) = &mut self.line {
            line.consume(count);
        }
    }
}

/// The body of an answer.
pub(super) struct Body {
    exchange: Shared,
    ahead: Bytes,
}

impl Body {
    fn new(exchange: Shared) -> Self {
        Self { exchange, ahead: Bytes::new() }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.ahead.is_empty() {
            self.ahead = self.exchange.lock().chunk()?;
        }
        Ok(&self.ahead)
    }

    fn consume(&mut self, count: usize) {
        self.ahead.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Secret;

    #[test]
    fn tokens_go_into_the_header_and_nothing_else_does() {
        let basic = Credential { password: Secret::new("t"), ..Credential::default() };
        let value = authorization(&basic).unwrap().unwrap();
        assert_eq!(value.to_str().unwrap(), format!("Basic {}", base64::encode(b"x-access-token:t")));
        assert_eq!(format!("{value:?}"), "Sensitive");
        let broken = Credential { bearer_token: Secret::new("a\r\nX: y"), ..Credential::default() };
        assert_eq!(authorization(&broken).unwrap_err().kind(), Kind::Invalid);
        assert!(authorization(&Credential::default()).unwrap().is_none());
    }

    #[test]
    fn credentials_stay_with_their_host() {
        let same = |from: &str, to: &str| same_host(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
        assert!(same("https://h/a", "https://h:443/b"));
        assert!(same("http://h/a", "https://h/a"));
        assert!(!same("https://h/a", "https://h:8443/a"));
        assert!(!same("https://h/a", "https://h.evil/a"));
        assert!(!same("http://h:8080/a", "https://h/a"));
        assert!(!same("https://h/a", "https://sub.h/a"));
    }
}
