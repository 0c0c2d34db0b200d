//! Names to addresses, by the DNS and nothing else.
//!
//! For endpoints that come and go. Nothing is cached here: the caller decides when, by [`ResolverAnswer::valid_for`]. The
//! answer to "there is no such name" and the failure to get an answer are told apart, since only the first says
//! anything about the endpoints. `/etc/hosts` is not looked at; plain names, which the system resolves when a
//! connection is made, are the way to it.

mod client;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_resolver::net::{DnsError, NetError};
use tokio::time::timeout;

use super::Query;
use client::Client;

/// How the DNS is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverConfig {
    /// The servers to ask; none: those of `/etc/resolv.conf`.
    pub nameservers: Vec<SocketAddr>,
    /// Until there is an answer, repeated questions and the addresses of a service's hosts included.
    pub timeout: Duration,
    /// Which addresses of a host count.
    pub family: Family,
    /// No answer is taken for older sooner.
    pub min_ttl: Duration,
    /// No answer is relied on for longer.
    pub max_ttl: Duration,
    /// How long endpoints stay when the DNS says that there are none any more.
    pub keep: Duration,
}

/// Which addresses of a host count. One process often has both, and slots are counted per address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// A records; AAAA records of hosts that have none.
    #[default]
    PreferIpv4,
    /// AAAA records; A records of hosts that have none.
    PreferIpv6,
    /// A records.
    Ipv4,
    /// AAAA records.
    Ipv6,
    /// Each is a place of its own.
    Both,
}

/// What a name stands for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverAnswer {
    /// At least one, none twice, in an order that depends on nothing but what they are.
    pub found: Vec<Found>,
    /// For how long, as the DNS says, within the limits of the settings.
    pub valid_for: Duration,
    /// Places beyond [`MAX_FOUND`].
    pub left_out: usize,
}

/// One place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The lower ones are to be used first; 0 for hosts.
    pub priority: u16,
    /// Where it is.
    pub address: SocketAddr,
    /// Share among those of the same priority, as the record says; 0 for hosts.
    pub weight: u16,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The DNS says that there is nothing (any more).
    #[error("the DNS has no such name, or no addresses for it")]
    Nothing,
    /// No answer in time.
    #[error("no answer from the DNS in time")]
    Timeout,
    /// `/etc/resolv.conf` cannot be used.
    #[error("cannot read the system's resolver configuration: {0}")]
    System(NetError),
    /// A server that failed or could not be reached.
    #[error("{0}")]
    Failed(NetError),
}

/// Asks the DNS.
pub struct Resolver(Mutex<ResolverState>);

struct ResolverState {
    config: Arc<ResolverConfig>,
    client: Option<Arc<Client>>,
}

impl Resolver {
    /// Asks nothing yet.
    pub fn new(config: ResolverConfig) -> Self {
        Self(Mutex::new(ResolverState {
            config: Arc::new(config),
            client: None,
        }))
    }

    /// Its settings.
    pub fn config(&self) -> Arc<ResolverConfig> {
        self.lock().config.clone()
    }

    /// Asks another way from the next question on; gives whether it is another one.
    pub fn set_config(&self, config: &ResolverConfig) -> bool {
        let mut state = self.lock();
        let is_other = *state.config != *config;
        if is_other {
            state.config = Arc::new(config.clone());
            state.client = None;
        }
        is_other
    }

    /// What `query` stands for now.
    pub async fn resolve(&self, query: &Query) -> Result<ResolverAnswer, ResolveError> {
        let (client, config) = self.client()?;
        let asked = timeout(config.timeout, client.ask(query)).await;
        let result = asked.unwrap_or(Err(ResolveError::Timeout));
        if matches!(result, Err(ResolveError::Timeout | ResolveError::Failed(_))) {
            // The machine may have moved to another network: /etc/resolv.conf is read again.
            self.forget(&client);
        }
        let (found, valid_for) = result?;
        Ok(ResolverAnswer::new(found, valid_for, &config))
    }

    fn client(&self) -> Result<(Arc<Client>, Arc<ResolverConfig>), ResolveError> {
        let mut state = self.lock();
        let config = state.config.clone();
        let client = match &state.client {
            Some(client) => client.clone(),
            None => Arc::new(Client::new(&config).map_err(ResolveError::System)?),
        };
        state.client = Some(client.clone());
        Ok((client, config))
    }

    fn forget(&self, failed: &Arc<Client>) {
        let client = &mut self.lock().client;
        if client.as_ref().is_some_and(|client| Arc::ptr_eq(client, failed)) {
            *client = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, ResolverState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolverAnswer {
    fn new(mut found: Vec<Found>, valid_for: Duration, config: &ResolverConfig) -> Self {
        // Servers rotate their answers: cutting off must take the same ones every time.
        found.sort_unstable();
        let mut seen = HashSet::new();
        found.retain(|found| seen.insert(found.address));
        let left_out = found.len().saturating_sub(MAX_FOUND);
        found.truncate(MAX_FOUND);
        Self {
            found,
            valid_for: valid_for.max(config.min_ttl).min(config.max_ttl),
            left_out,
        }
    }
}

impl From<NetError> for ResolveError {
    fn from(error: NetError) -> Self {
        match error {
            NetError::Dns(DnsError::NoRecordsFound(_)) => Self::Nothing,
            NetError::Timeout => Self::Timeout,
            other => Self::Failed(other),
        }
    }
}

impl Default for ResolverConfig {
    fn default() -> Self {
        Self {
            nameservers: Vec::new(),
            timeout: Duration::from_secs(5),
            family: Family::default(),
            min_ttl: Duration::from_secs(1),
            // Docker says 600 s and changes its mind within one.
            max_ttl: Duration::from_secs(10),
            keep: Duration::from_secs(30),
        }
    }
}

/// Places of one name: more would make every choice among them slow.
pub const MAX_FOUND: usize = 256;

/// Questions that fit into the time for an answer.
const TRIES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(priority: u16, last: u8) -> Found {
        Found {
            priority,
            address: SocketAddr::from(([10, 0, 0, last], 80)),
            weight: 0,
        }
    }

    fn answer(found: Vec<Found>, ttl: u64) -> ResolverAnswer {
        ResolverAnswer::new(found, Duration::from_secs(ttl), &ResolverConfig::default())
    }

    #[test]
    fn an_answer_is_sorted_and_has_no_place_twice() {
        let answer = answer(vec![found(1, 1), found(0, 2), found(0, 1), found(0, 2)], 5);
        assert_eq!(answer.found, [found(0, 1), found(0, 2)]);
        assert_eq!((answer.left_out, answer.valid_for), (0, Duration::from_secs(5)));
    }

    #[test]
    fn too_many_places_are_cut_off_the_same_way_every_time() {
        let mut all: Vec<_> = (0..=255).map(|last| found(0, last)).collect();
        all.extend((0..=255).map(|last| Found {
            address: SocketAddr::from(([10, 0, 1, last], 80)),
            ..found(0, 0)
        }));
        let answered = answer(all.clone(), 5);
        assert_eq!((answered.found.len(), answered.left_out), (MAX_FOUND, 256));
        all.rotate_left(100);
        assert_eq!(answer(all, 5), answered);
    }

    #[test]
    fn times_to_live_have_limits() {
        let config = ResolverConfig::default();
        assert_eq!(answer(vec![found(0, 1)], 0).valid_for, config.min_ttl);
        assert_eq!(answer(vec![found(0, 1)], 86_400).valid_for, config.max_ttl);
    }
}
