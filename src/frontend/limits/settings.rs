//! What is configured of a limit.

use std::num::NonZeroU32;
use std::time::Duration;

use http::StatusCode;

use crate::tally::Gcra;
use crate::variables::{Template, Variable};

/// A limit that requests of routes share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What routes, logs and metrics call it.
    pub name: String,
    /// Requests with the same key count together; those whose key is empty do not count.
    pub key: Template,
    /// Bits of an IPv6 address that tell clients apart.
    pub ipv6_prefix: u8,
    /// How often requests may come.
    pub rate: Option<RequestRate>,
    /// How many requests may be under way at a time.
    pub requests: Option<u32>,
    /// Status of the answer to a request beyond it.
    pub status: StatusCode,
    /// Requests beyond it are told, and go on.
    pub dry_run: bool,
    /// Keys that are remembered.
    pub keys: usize,
}

/// How often requests may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestRate {
    /// So many.
    pub requests: NonZeroU32,
    /// In this time.
    pub per: Duration,
    /// Requests that may come before it is their time.
    pub burst: u32,
    /// Of these, how many go on at once; the others wait for their time.
    pub delay: u32,
}

impl Limit {
    /// Whether what is remembered of its keys is of use to another one.
    pub(super) fn has_keys_of(&self, other: &Self) -> bool {
        let keys = |limit: &Self| (limit.key.to_string(), limit.ipv6_prefix, limit.keys);
        keys(self) == keys(other)
    }
}

impl RequestRate {
    /// Its arithmetic.
    pub(super) fn gcra(self) -> Gcra {
        Gcra::new(self.requests, self.per, self.burst, self.delay)
    }

    /// The longest that a request waits for its time.
    pub fn longest_wait(self) -> Duration {
        self.gcra().longest_wait()
    }
}

/// Nothing is limited yet. A provider gives each customer an IPv6 network of 64 bits at least (RFC 6177): its addresses
/// are no clients.
impl Default for Limit {
    fn default() -> Self {
        Self {
            name: String::new(),
            key: Template::of(Variable::RemoteAddr, "$remote_addr"),
            ipv6_prefix: 64,
            rate: None,
            requests: None,
            // RFC 6585, section 4. nginx's 503 is what an outage looks like.
            status: StatusCode::TOO_MANY_REQUESTS,
            dry_run: false,
            keys: 100_000,
        }
    }
}
