//! The explanation as data: what `--json` prints.

use std::fmt::Display;

use serde::Serialize;

use super::fields::LeftOut;
use super::health;
use super::matched::Matched;
use super::precedence::Precedence;
use super::shown::{pairs, text};
use crate::config::units::{Period, Size};
use crate::frontend::Request;
use crate::frontend::config;
use crate::frontend::config::Buffering;
use crate::frontend::rejection::Rejection;
use crate::protocol::RequestHead;
use crate::protocol::fields::FieldName;
use crate::upstream::model::config::{Balance, EndpointConfig, ProtocolName};
use crate::upstream::{Forecast, Preview, Upstream};

/// What would become of a request.
#[derive(Debug, Serialize)]
pub struct Explanation {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) host: Option<String>,
    /// Decoded, in normal form.
    pub(super) path: Option<String>,
    pub(super) route: Option<Matched>,
    /// Why it was found, if another one would do, too.
    pub(super) before: Option<Precedence>,
    /// The route that it comes to in the end, if that is another one.
    pub(super) then: Option<Matched>,
    /// The number of the one that was found.
    #[serde(skip)]
    pub(super) first: Option<usize>,
    /// Fields that no application sees.
    pub(super) left_out: Vec<LeftOut>,
    /// Why it would not even be sent, although everything else is known.
    pub(super) refused: Option<Refused>,
    pub(super) outcome: Outcome,
}

/// What would happen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// An error of ours.
    Refused(Refused),
    /// An answer without an application.
    Answered(Answered),
    /// An application answers.
    Forwarded(Box<Forwarded>),
}

/// An error of ours.
#[derive(Debug, Serialize)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) reason: &'static str,
    pub(super) why: String,
}

/// An answer without an application.
#[derive(Debug, Serialize)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
}

/// What goes where.
#[derive(Debug, Serialize)]
pub(super) struct Forwarded {
    /// Nothing that an HTTP application is told.
    pub(super) script: Option<Script>,
    pub(super) upstream: Destination,
    pub(super) body: Body,
    pub(super) client: Client,
    pub(super) sent: Sent,
}

#[derive(Debug, Serialize)]
pub(super) struct Script {
    pub(super) name: String,
    pub(super) path_info: String,
    pub(super) filename: Option<String>,
    pub(super) document_root: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Destination {
    pub(super) name: String,
    pub(super) protocol: &'static str,
    pub(super) balance: &'static str,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) choice: Choice,
    /// Slots of each endpoint.
    pub(super) max_connections: Option<usize>,
    /// How the number of slots is found out, if it is.
    pub(super) auto: Option<String>,
    /// The active checks, in words.
    pub(super) health: Option<String>,
    pub(super) keep_alive: usize,
    pub(super) queue: Queue,
    pub(super) timeouts: Vec<(&'static str, String)>,
}

#[derive(Debug, Serialize)]
pub(super) struct Endpoint {
    pub(super) address: String,
    pub(super) weight: u32,
    pub(super) backup: bool,
    pub(super) drain: bool,
}

/// Which of the endpoints.
#[derive(Debug, Serialize)]
pub(super) struct Choice {
    /// The one, while it works and is not full; left out when the request alone does not decide.
    pub(super) endpoint: Option<String>,
    pub(super) why: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Queue {
    pub(super) size: usize,
    pub(super) timeout: String,
}

/// What is done with the bodies.
#[derive(Debug, Serialize)]
pub(super) struct Body {
    pub(super) limit: String,
    /// Whether all of it is taken before a worker is.
    pub(super) request_held: bool,
    /// Whether it is taken off the worker ahead of the client.
    pub(super) response_ahead: bool,
    pub(super) memory: String,
    pub(super) disk: String,
    /// Whether the length is known only once it is here.
    pub(super) in_chunks: bool,
}

/// What the application is told about the client.
#[derive(Debug, Serialize)]
pub(super) struct Client {
    pub(super) address: Option<String>,
    pub(super) scheme: &'static str,
    pub(super) forwarded_for: Option<String>,
    pub(super) forwarded_host: Option<String>,
}

/// What the application gets, in this order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sent {
    Variables {
        list: Vec<(String, String)>,
        /// Bytes on the wire, without the body.
        size: Option<usize>,
        limit: usize,
    },
    Request {
        line: String,
        fields: Vec<(String, String)>,
    },
}

impl Explanation {
    pub(super) fn of(request: &Request) -> Self {
        Self {
            method: request.method.to_string(),
            target: request.target.to_string(),
            host: request.fields.get(FieldName::Host).map(text),
            path: None,
            route: None,
            before: None,
            then: None,
            first: None,
            left_out: Vec::new(),
            refused: None,
            outcome: Outcome::Answered(Answered {
                status: 0,
                headers: Vec::new(),
            }),
        }
    }
}

impl Refused {
    pub(super) fn new(rejection: &Rejection, why: String) -> Self {
        Self {
            status: rejection.status().as_u16(),
            reason: rejection.reason().as_str(),
            why,
        }
    }
}

impl Forwarded {
    pub(super) fn new(
        head: &RequestHead,
        route: &config::Route,
        upstream: &Upstream,
        preview: Preview,
        in_chunks: bool,
    ) -> Self {
        let http = upstream.config().protocol == ProtocolName::Http;
        let forwarding = head.forwarding();
        Self {
            script: (!http).then(|| Script::new(&head.script)),
            upstream: Destination::new(upstream, route, head),
            body: Body::new(route, upstream, in_chunks),
            client: Client {
                address: head.client.remote.as_ref().map(|remote| text(remote.ip())),
                scheme: head.client.scheme(),
                forwarded_for: forwarding.chain.map(text),
                forwarded_host: forwarding.host.map(text),
            },
            sent: Sent::new(preview, upstream),
        }
    }
}

impl Script {
    fn new(script: &crate::protocol::request::Script) -> Self {
        Self {
            name: text(&script.name),
            path_info: text(&script.path_info),
            filename: script.filename.as_deref().map(text),
            document_root: script.document_root.as_deref().map(text),
        }
    }
}

impl Destination {
    fn new(upstream: &Upstream, route: &config::Route, head: &RequestHead) -> Self {
        let config = upstream.config();
        let period = |time| Period(time).to_string();
        let timeouts = config.timeouts.with(route.timeouts.upstream);
        let fixed = config.endpoints.iter().map(Endpoint::new);
        let named = config.sources.iter().map(Endpoint::new);
        Self {
            name: config.name.clone(),
            protocol: config.protocol.as_str(),
            balance: config.balance.as_str(),
            choice: Choice::new(upstream, head),
            endpoints: fixed.chain(named).collect(),
            max_connections: health::slots(&config.max_connections),
            auto: health::auto(&config.max_connections),
            health: config.health.as_ref().map(health::health),
            keep_alive: config.keep_alive,
            queue: Queue {
                size: config.queue.size,
                timeout: period(config.queue.timeout),
            },
            timeouts: vec![
                ("connect", period(timeouts.connect)),
                ("send", period(timeouts.send)),
                ("head", period(timeouts.head)),
                ("read", period(timeouts.read)),
            ],
        }
    }
}

impl Endpoint {
    fn new<A: Display>(config: &EndpointConfig<A>) -> Self {
        Self {
            address: config.address.to_string(),
            weight: config.weight,
            backup: config.backup,
            drain: config.drain,
        }
    }
}

impl Choice {
    fn new(upstream: &Upstream, head: &RequestHead) -> Self {
        let (endpoint, why) = match upstream.forecast(head) {
            Forecast::Session(endpoint) => (Some(endpoint), "the session's"),
            Forecast::Key(endpoint) => (Some(endpoint), "by the hash of the key"),
            Forecast::Only(endpoint) => (Some(endpoint), "the only candidate"),
            Forecast::Load => (None, by_load(&upstream.config().balance)),
            Forecast::Unknown => (None, "of those that the DNS names then"),
            Forecast::App => (None, "the generation of the application that serves then"),
            Forecast::Nothing => (None, "none takes new sessions"),
        };
        let endpoint = endpoint.map(|endpoint| endpoint.name.to_string());
        Self { endpoint, why }
    }
}

/// What decides when the request does not.
fn by_load(balance: &Balance) -> &'static str {
    match balance {
        Balance::LeastConn => "the least loaded for its weight",
        Balance::RandomTwo => "the less loaded of two drawn by weight",
        Balance::Ewma => "of two drawn by weight, the one that is expected to answer sooner",
        // A hash without anything to hash.
        Balance::RoundRobin | Balance::IpHash | Balance::Hash(_) => "the next in turn, by weight",
    }
}

impl Body {
    /// A body of unknown length is always taken first, unless the protocol can say so.
    fn new(route: &config::Route, upstream: &Upstream, in_chunks: bool) -> Self {
        let Buffering {
            request,
            response,
            memory,
            disk,
        } = route.buffering;
        let http = upstream.config().protocol == ProtocolName::Http;
        Self {
            limit: Size(route.limits.body).to_string(),
            request_held: request || in_chunks && !http,
            response_ahead: response,
            memory: Size(memory as u64).to_string(),
            disk: Size(disk).to_string(),
            in_chunks,
        }
    }
}

impl Sent {
    fn new(preview: Preview, upstream: &Upstream) -> Self {
        match preview {
            Preview::Variables { list, size } => Self::Variables {
                list: list
                    .0
                    .iter()
                    .map(|(name, value)| (text(name), text(value)))
                    .collect(),
                size: size.ok(),
                limit: upstream.config().quirks.max_block,
            },
            Preview::Http {
                method,
                target,
                fields,
            } => Self::Request {
                line: format!("{method} {target} HTTP/1.1"),
                fields: pairs(&fields),
            },
        }
    }
}
