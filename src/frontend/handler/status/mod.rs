//! What the gateway has counted, for collectors and for eyes: busy slots, queues and waits, without asking any
//! application. It is answered while every worker is busy; that is when it is wanted.

mod json;
mod prometheus;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Handle, HandlerSettings, Place};
use crate::files::DecodedPath;
use crate::frontend::answer::Answer;
use crate::frontend::body::Body;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::liking::Liking;
use crate::frontend::rejection::Rejection;
use crate::protocol::fields::FieldName;
use crate::telemetry::Counters;
use crate::telemetry::exposition;
use crate::upstream::Upstream;

/// What the gateway has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// How it is written.
    pub format: Format,
    /// The networks that may see it, besides clients on unix sockets.
    pub allow: Vec<IpNet>,
}

/// How a status is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format.
    #[default]
    Prometheus,
    /// One JSON object.
    Json,
}

/// This machine.
impl Default for Status {
    fn default() -> Self {
        let loopback: [IpNet; 2] = [
            Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8).into(),
            Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128).into(),
        ];
        Self {
            format: Format::default(),
            allow: loopback.into(),
        }
    }
}

/// A status page, ready to answer.
pub struct Page {
    settings: Status,
    upstreams: Arc<[Arc<Upstream>]>,
}

impl HandlerSettings for Status {
    type Handler = Page;

    const NAME: &'static str = "status";

    fn handler(&self, place: Place<'_>) -> Page {
        Page {
            settings: self.clone(),
            upstreams: place.upstreams.into(),
        }
    }
}

impl Handle for Page {
    fn handle<'r>(&'r self, exchange: &mut Exchange, _path: &DecodedPath) -> Result<Flow<'r>, Rejection> {
        let client = exchange.client().remote.as_ref();
        let client = client.map(|peer| peer.address.ip());
        self.settings.admit(&exchange.request.head.method, client)?;
        let context = &exchange.context;
        let (counters, spools) = (&context.counters, context.relays.spools());
        counters.access_lines_dropped.set(context.lines_dropped());
        counters.spool_bytes.set(spools.bytes_on_disk());
        counters.spool_memory_bytes.set(spools.bytes_in_memory());
        let accept = exchange.request.head.fields.get(FieldName::Accept);
        exchange.answer = self.answer(&context.counters, accept);
        Ok(Flow::Answered)
    }
}

impl Status {
    /// Refuses clients that are not to see it. A client without an address came through a unix socket, whose mode decided.
    fn admit(&self, method: &Method, client: Option<IpAddr>) -> Result<(), Rejection> {
        let allowed = |ip: IpAddr| {
            let ip = ip.to_canonical();
            self.allow.iter().any(|network: &IpNet| network.contains(&ip))
        };
        if !client.is_none_or(allowed) {
            return Err(Rejection::NotAllowed);
        }
        match *method {
            Method::GET | Method::HEAD => Ok(()),
            _ => Err(Rejection::Method("GET, HEAD")),
        }
    }
}

impl Page {
    /// The numbers of this moment; `accept` is the request's field of that name.
    fn answer(&self, counters: &Counters, accept: Option<&[u8]>) -> Answer {
        match self.settings.format {
            Format::Prometheus => {
                let format = preferred(accept);
                let text = prometheus::page(format, counters, &self.upstreams);
                let mut answer = page(format.content_type(), text);
                answer.fields.append(FieldName::Vary, "Accept");
                answer
            }
            Format::Json => page("application/json", json::page(counters, &self.upstreams)),
        }
    }
}

/// OpenMetrics for those that name it, and like it as much as plain text.
fn preferred(accept: Option<&[u8]>) -> exposition::Format {
    let Some(Ok(accept)) = accept.map(std::str::from_utf8) else {
        return exposition::Format::Prometheus;
    };
    let open = Liking::of("application", "openmetrics-text", accept);
    match open.is_named() && open >= Liking::of("text", "plain", accept) {
        true => exposition::Format::OpenMetrics,
        false => exposition::Format::Prometheus,
    }
}

fn page(content_type: &'static str, text: String) -> Answer {
    let mut answer = Answer::new(StatusCode::OK, Body::Full(Bytes::from(text)));
    answer.fields.append(FieldName::ContentType, content_type);
    answer.fields.append(FieldName::CacheControl, "no-store");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(client: Option<&str>, method: Method) -> bool {
        let client = client.map(|ip| ip.parse().unwrap());
        Status::default().admit(&method, client).is_ok()
    }

    #[test]
    fn only_this_machine_sees_it_unless_told_otherwise() {
        for client in [Some("127.0.0.1"), Some("::1"), Some("::ffff:127.9.9.9"), None] {
            assert!(admitted(client, Method::GET), "{client:?}");
        }
        for client in ["192.0.2.1", "10.0.0.1", "2001:db8::1"] {
            assert!(!admitted(Some(client), Method::GET), "{client}");
        }
    }

    #[test]
    fn openmetrics_is_for_those_that_ask_for_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                          application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,\
                          text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for accept in [
            prometheus,
            "application/openmetrics-text",
            "text/plain, application/openmetrics-text",
        ] {
            assert_eq!(
                preferred(Some(accept.as_bytes())),
                exposition::Format::OpenMetrics,
                "{accept}"
            );
        }
        assert_eq!(preferred(None), exposition::Format::Prometheus);
        for accept in [
            "",
            "*/*",
            "text/plain",
            "application/*",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.5, text/plain",
        ] {
            assert_eq!(
                preferred(Some(accept.as_bytes())),
                exposition::Format::Prometheus,
                "{accept}"
            );
        }
    }

    #[test]
    fn it_is_only_looked_at() {
        assert!(admitted(None, Method::HEAD));
        assert!(!admitted(None, Method::POST));
    }
}
