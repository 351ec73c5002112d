//! One file of the web, over the same client and under the same limits as git's own requests.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use reqwest::header::{AUTHORIZATION, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, StatusCode, Url};

use crate::credentials::Credential;
use crate::error::{Error, Kind, Result};

use super::super::address;
use super::super::link::Link;
use super::super::remote::Remote;
use super::http::{self, Caller, MAX_REDIRECTS};
use super::http_client::Clients;
use super::unreachable::broken_request;

/// What the web says of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The content.
    File(Bytes),
    /// Nothing: the status.
    Status(u16),
}

/// A conversation about one page.
struct Visit<'a> {
    client: Client,
    authorization: Option<HeaderValue>,
    caller: &'a Caller,
    clients: &'a Clients,
    link: &'a Arc<Link>,
}

/// The page at `url`, which is free of credentials and was checked. Blocks.
///
/// # Errors
/// What went wrong on the way; a status is none, but for those that say to come again later.
pub(super) fn get(url: &str, caller: &Caller, clients: &Clients, link: &Arc<Link>) -> Result<Page> {
    let client = clients.get(&caller.credential)?;
    let authorization = http::authorization(&caller.credential)?;
    let mut visit = Visit { client, authorization, caller, clients, link };
    let mut url = Url::parse(url).map_err(|_| Error::new(Kind::Invalid, "the address cannot be read"))?;
    for _ in 0..=MAX_REDIRECTS {
        let response = visit.ask(&url)?;
        if !response.status().is_redirection() {
            return visit.read(response);
        }
        url = visit.redirect(&url, &response)?;
    }
    Err(Error::new(Kind::Unavailable, "the remote redirects in circles"))
}

impl Visit<'_> {
    fn ask(&self, url: &Url) -> Result<Response> {
        address::check_literal(url.host_str().unwrap_or_default())?;
        let mut request = reqwest::Request::new(Method::GET, url.clone());
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        http::send(&self.client, request, self.link).map_err(|error| self.failure(&error))
    }

    /// Where a redirect leads, if it may lead there; credentials stay behind when the host is another.
    fn redirect(&mut self, from: &Url, response: &Response) -> Result<Url> {
        let refused = |what: &str| Error::new(Kind::Unavailable, format!("the remote redirects {what}"));
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let to = location.and_then(|to| from.join(to).ok()).ok_or_else(|| refused("to nowhere"))?;
        if from.scheme() == "https" && to.scheme() != "https" {
            return Err(refused("from https to something else"));
        }
        let (remote, _) = Remote::parse(bare(to.as_str()))?;
        (self.caller.gate)(&remote)?;
        if !http::same_host(from, &to) {
            self.authorization = None;
            let proxy = self.caller.credential.proxy.clone();
            self.client = self.clients.get(&Credential { proxy, ..Credential::default() })?;
        }
        without_user(to)
    }

    fn read(&self, mut response: Response) -> Result<Page> {
        let status = response.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            let message = format!("the remote answered with status {}", status.as_u16());
            return Err(Error::new(Kind::Unavailable, message));
        }
        if !status.is_success() {
            return Ok(Page::Status(status.as_u16()));
        }
        let mut content = BytesMut::new();
        loop {
            let chunk = self.link.wait(response.chunk()).map_err(|error| self.failure(&error))?;
            let Some(chunk) = chunk.map_err(|error| broken_request(&error))? else { break };
            self.link.took(chunk.len()).map_err(|error| self.failure(&error))?;
            content.extend_from_slice(&chunk);
        }
        Ok(Page::File(content.freeze()))
    }

    /// Why the link broke.
    fn failure(&self, error: &std::io::Error) -> Error {
        self.link.failure().unwrap_or_else(|| Error::new(Kind::Unavailable, error.to_string()))
    }
}

/// An address without what follows its path.
pub(super) fn bare(url: &str) -> &str {
    &url[..url.find(['?', '#']).unwrap_or(url.len())]
}

/// No user of a redirect's making is sent anywhere.
fn without_user(mut url: Url) -> Result<Url> {
    let cleared = url.set_username("").and_then(|()| url.set_password(None));
    cleared.map_err(|()| Error::new(Kind::Unavailable, "the remote redirects to nowhere"))?;
    Ok(url)
}
