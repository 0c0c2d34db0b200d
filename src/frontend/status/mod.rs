//! What the gateway has counted, for collectors and for eyes: busy slots, queues and waits, without asking any
//! application. It is answered while every worker is busy; that is when it is wanted.

mod json;
mod prometheus;

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, StatusCode};
use ipnet::IpNet;

use super::answer::Answer;
use super::body::Body;
use super::config::{self, StatusFormat};
use super::liking::Liking;
use super::rejection::Rejection;
use crate::protocol::fields::FieldName;
use crate::telemetry::Counters;
use crate::telemetry::exposition::Format;
use crate::upstream::Upstream;

/// A status page, ready to answer.
pub struct Status {
    config: config::Status,
    upstreams: Arc<[Arc<Upstream>]>,
}

impl Status {
    /// A page about these upstreams.
    pub fn new(config: config::Status, upstreams: &[Arc<Upstream>]) -> Self {
        Self {
            config,
            upstreams: upstreams.into(),
        }
    }

    /// Refuses who is not to see it. A client without an address came through a unix socket, whose mode decided.
    pub fn admit(&self, method: &Method, client: Option<IpAddr>) -> Result<(), Rejection> {
        let allowed = |ip: IpAddr| {
            let ip = ip.to_canonical();
            self.config
                .allow
                .iter()
                .any(|network: &IpNet| network.contains(&ip))
        };
        if !client.is_none_or(allowed) {
            return Err(Rejection::NotAllowed);
        }
        match *method {
            Method::GET | Method::HEAD => Ok(()),
            _ => Err(Rejection::Method("GET, HEAD")),
        }
    }

    /// The numbers of this moment; `accept` is the request's field of that name.
    pub fn answer(&self, counters: &Counters, accept: Option<&[u8]>) -> Answer {
        match self.config.format {
            StatusFormat::Prometheus => {
                let format = preferred(accept);
                let text = prometheus::page(format, counters, &self.upstreams);
                let mut answer = page(format.content_type(), text);
                answer.fields.append(FieldName::Vary, "Accept");
                answer
            }
            StatusFormat::Json => page("application/json", json::page(counters, &self.upstreams)),
        }
    }
}

/// OpenMetrics for those that name it, and like it as much as plain text.
fn preferred(accept: Option<&[u8]>) -> Format {
    let Some(Ok(accept)) = accept.map(std::str::from_utf8) else {
        return Format::Prometheus;
    };
    let open = Liking::of("application", "openmetrics-text", accept);
    match open.is_named() && open >= Liking::of("text", "plain", accept) {
        true => Format::OpenMetrics,
        false => Format::Prometheus,
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
        let status = Status::new(config::Status::default(), &[]);
        let client = client.map(|ip| ip.parse().unwrap());
        status.admit(&method, client).is_ok()
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
                Format::OpenMetrics,
                "{accept}"
            );
        }
        assert_eq!(preferred(None), Format::Prometheus);
        for accept in [
            "",
            "*/*",
            "text/plain",
            "application/*",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=0.5, text/plain",
        ] {
            assert_eq!(preferred(Some(accept.as_bytes())), Format::Prometheus, "{accept}");
        }
    }

    #[test]
    fn it_is_only_looked_at() {
        assert!(admitted(None, Method::HEAD));
        assert!(!admitted(None, Method::POST));
    }
}
