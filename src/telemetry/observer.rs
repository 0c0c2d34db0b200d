//! A request that is over, and what looks at it.

use std::time::Duration;

use super::limits::Limited;
use super::reason::Reason;
use super::timeline::Timeline;
use crate::variables::{NamedField, Scope};

/// Looks at every request once, when it is over.
pub trait Observer {
    /// A request is over.
    fn finished(&self, request: &Finished<'_>);
}

/// One request from its head to its last byte. Everything is borrowed; what takes time to find out is found out when
/// it is asked for.
#[derive(Clone, Copy)]
pub struct Finished<'a> {
    /// The request itself.
    pub request: &'a dyn Request,
    /// Status, also those that only logs know (499).
    pub status: u16,
    /// Body bytes from the client.
    pub request_bytes: u64,
    /// Body bytes to the client.
    pub response_bytes: u64,
    /// Where its time went. It ended when the last phase [began](Timeline::since): just now.
    pub timeline: &'a Timeline,
    /// The name of its route, if it got so far.
    pub route: Option<&'a str>,
    /// When it counts as slow, if its route says so; zero: never.
    pub slow: Option<Duration>,
    /// What was asked.
    pub upstream: Option<Upstream<'a>>,
    /// Why the gateway answered itself, or the answer broke off.
    pub reason: Option<Reason>,
    /// What became of it at the limits that it counts for.
    pub limited: Limited,
    /// Which rule the request breaks, and in which field: text of ours, with names of the client's.
    pub rule: Option<&'a str>,
}

/// What was asked for, and the client that asked. Its variables are those of the request as it came.
pub trait Request: Scope {
    /// The client's address, as far as it is believed; `None` on unix sockets.
    fn remote(&self) -> Option<&str>;
    /// Method.
    fn method(&self) -> &str;
    /// Target as received.
    fn target(&self) -> &[u8];
    /// The host that it names, with its port.
    fn host(&self) -> Option<&[u8]>;
    /// `HTTP/1.1`
    fn version(&self) -> &'static str;
    /// `Referer` field.
    fn referer(&self) -> Option<&[u8]>;
    /// `User-Agent` field.
    fn user_agent(&self) -> Option<&[u8]>;
    /// Gives the values of a field of the answer to `sink`, joined.
    fn sent_field(&self, field: &NamedField, sink: &mut dyn FnMut(&[u8]));
    /// The script that is run.
    fn script(&self) -> Option<&[u8]>;
    /// Names the request in every log.
    fn id(&self) -> u64;
}

/// The upstream's part.
#[derive(Clone, Copy, Debug, Default)]
pub struct Upstream<'a> {
    /// Name in the configuration.
    pub name: &'a str,
    /// The last endpoint tried; empty when none was.
    pub endpoint: &'a str,
    /// How many endpoints were tried.
    pub attempts: u32,
    /// Status of its response head, if there was one.
    pub status: Option<u16>,
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;
    use crate::variables::Variable;

    /// A request that says what it is told to.
    #[derive(Clone, Copy, Default)]
    pub(in crate::telemetry) struct Asked<'a> {
        pub(in crate::telemetry) remote: Option<&'a str>,
        pub(in crate::telemetry) target: &'a [u8],
        pub(in crate::telemetry) host: Option<&'a [u8]>,
        pub(in crate::telemetry) referer: Option<&'a [u8]>,
        pub(in crate::telemetry) user_agent: Option<&'a [u8]>,
        pub(in crate::telemetry) script: Option<&'a [u8]>,
    }

    /// A client that names itself, and little else.
    impl Scope for Asked<'_> {
        fn write(&self, variable: &Variable, sink: &mut dyn FnMut(&[u8])) {
            let value = match variable {
                Variable::RemoteAddr => self.remote.map(str::as_bytes),
                Variable::Uri => Some(self.target),
                Variable::Field(field) if field.name() == "user-agent" => self.user_agent,
                Variable::Field(field) if field.name() == "referer" => self.referer,
                _ => None,
            };
            value.into_iter().for_each(sink);
        }
    }

    impl Request for Asked<'_> {
        fn remote(&self) -> Option<&str> {
            self.remote
        }

        fn method(&self) -> &'static str {
            "GET"
        }

        fn target(&self) -> &[u8] {
            self.target
        }

        fn host(&self) -> Option<&[u8]> {
            self.host
        }

        fn version(&self) -> &'static str {
            "HTTP/1.1"
        }

        fn referer(&self) -> Option<&[u8]> {
            self.referer
        }

        fn user_agent(&self) -> Option<&[u8]> {
            self.user_agent
        }

        fn sent_field(&self, field: &NamedField, sink: &mut dyn FnMut(&[u8])) {
            if field.name() == "content-type" {
                sink(b"text/html");
            }
        }

        fn script(&self) -> Option<&[u8]> {
            self.script
        }

        fn id(&self) -> u64 {
            0xfeed
        }
    }

    /// A request that was answered by the gateway.
    pub(in crate::telemetry) fn finished<'a>(request: &'a Asked<'a>, timeline: &'a Timeline) -> Finished<'a> {
        Finished {
            request,
            status: 200,
            request_bytes: 0,
            response_bytes: 0,
            timeline,
            route: None,
            slow: None,
            upstream: None,
            reason: None,
            limited: Limited::default(),
            rule: None,
        }
    }
}
