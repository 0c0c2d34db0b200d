//! Hosts whose certificates the gateway gets for itself: what directories look for is answered before anything else is
//! done with a request, and clients that come without TLS are sent to where it is spoken.

use std::path::PathBuf;

use bytes::Bytes;
use http::{Method, StatusCode};

use super::answer::Answer;
use super::exchange::Exchange;
use crate::acme::{Challenges, Store};
use crate::protocol::fields::FieldName;
use crate::protocol::request::without_port;
use crate::transport::tls::Hosts;

/// Settings of such hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecureHostsConfig {
    /// Where the answers to challenges are.
    pub store: PathBuf,
    /// `shop.example`, `*.example`, in lower case.
    pub hosts: Vec<String>,
    /// The port that clients without TLS are sent to; `None`: they are not.
    pub port: Option<u16>,
}

/// Such hosts.
#[derive(Debug)]
pub(super) struct SecureHosts {
    challenges: Challenges,
    hosts: Hosts<()>,
    port: Option<u16>,
}

impl SecureHosts {
    pub(super) fn new(config: &SecureHostsConfig) -> Self {
        let hosts = config.hosts.iter().map(|host| (host.clone(), ()));
        Self {
            challenges: Challenges::of(Store::at(&config.store)),
            hosts: Hosts::new(hosts),
            port: config.port,
        }
    }

    /// The answer to a challenge that a request may be looking for; `None`: it is looking for something else.
    #[inline]
    pub(super) fn search(&self, exchange: &Exchange) -> Option<Search> {
        let head = exchange.head();
        let token = head.target.path().strip_prefix(PREFIX)?;
        let has_body = head.chunked || !matches!(exchange.request.inspected.announced, None | Some(0));
        let is_read = matches!(head.method, Method::GET | Method::HEAD) && !has_body;
        is_read.then(|| Search {
            challenges: self.challenges.clone(),
            token: token.to_vec(),
        })
    }

    /// Where a client that came without TLS is to go; `None`: it may stay.
    #[inline]
    pub(super) fn redirect(&self, exchange: &mut Exchange) -> Option<Answer> {
        let port = self.port?;
        if exchange.connection.connected.is_secure() {
            return None;
        }
        let host = exchange.head().fields.get(FieldName::Host).map(without_port)?;
        let host = std::str::from_utf8(host).ok()?;
        self.hosts.find(host)?;
        let mut location = format!("https://{host}");
        if port != HTTPS {
            location.push_str(&format!(":{port}"));
        }
        // A trusted proxy may have spoken TLS.
        if exchange.client().secure {
            return None;
        }
        let location = [location.as_bytes(), exchange.head().target.as_bytes()].concat();
        let mut answer = Answer::redirect(StatusCode::PERMANENT_REDIRECT);
        answer
            .fields
            .try_set(FieldName::Location, &location)
            .then_some(answer)
    }
}

/// A look into the store.
pub(super) struct Search {
    challenges: Challenges,
    token: Vec<u8>,
}

impl Search {
    /// The answer; `None`: no order of ours has asked for it.
    pub(super) async fn find(self) -> Option<Answer> {
        let found = tokio::task::spawn_blocking(move || self.challenges.http(&self.token)).await;
        let text = found.ok().flatten()?;
        Some(Answer::text(StatusCode::OK, Bytes::from(text)))
    }
}

/// RFC 8555, section 8.3.
const PREFIX: &[u8] = b"/.well-known/acme-challenge/";

const HTTPS: u16 = 443;
