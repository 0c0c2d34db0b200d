//! A request that is over, and what looks at it.

use std::time::{Duration, Instant};

use super::reason::Reason;
use super::timeline::Timeline;

/// Looks at every request once, when it is over.
pub trait Observer {
    /// A request is over.
    fn finished(&self, request: &Finished<'_>);
}

/// One request from its head to its last byte. Everything is borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Finished<'a> {
    /// When the request ended: just now.
    pub ended: Instant,
    /// The client's address, as far as it is believed; `None` on unix sockets.
    pub remote: Option<&'a str>,
    /// Method.
    pub method: &'a str,
    /// Target as received.
    pub target: &'a [u8],
    /// `HTTP/1.1`
    pub version: &'a str,
    /// Status, also those that only logs know (499).
    pub status: u16,
    /// Body bytes from the client.
    pub request_bytes: u64,
    /// Body bytes to the client.
    pub response_bytes: u64,
    /// `Referer` field.
    pub referer: Option<&'a [u8]>,
    /// `User-Agent` field.
    pub user_agent: Option<&'a [u8]>,
    /// Names the request in every log.
    pub id: u64,
    /// Where its time went, until its end.
    pub timeline: &'a Timeline,
    /// The name of its route, if it got so far.
    pub route: Option<&'a str>,
    /// When it counts as slow, if its route says so; zero: never.
    pub slow: Option<Duration>,
    /// The script that was run.
    pub script: Option<&'a [u8]>,
    /// Who was asked.
    pub upstream: Option<Upstream<'a>>,
    /// Why the gateway answered itself, or the answer broke off.
    pub reason: Option<Reason>,
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

/// A plain request.
#[cfg(test)]
pub(super) fn sample(timeline: &Timeline) -> Finished<'_> {
    Finished {
        ended: timeline.since(),
        remote: None,
        method: "GET",
        target: b"/",
        version: "HTTP/2.0",
        status: 200,
        request_bytes: 0,
        response_bytes: 0,
        referer: None,
        user_agent: None,
        id: 1,
        timeline,
        route: None,
        slow: None,
        script: None,
        upstream: None,
        reason: None,
    }
}
