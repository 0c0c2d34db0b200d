//! The library's resolver, and what we do otherwise.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig as HickoryConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use tokio::task::JoinSet;

use super::{Family, Found, MAX_FOUND, Query, ResolveError, ResolverConfig, TRIES};

/// The library's resolver, and what of the configuration it does not do as we want it.
pub(super) struct Client {
    hickory: TokioResolver,
    search: Vec<Name>,
    ndots: usize,
    family: Family,
}

/// What was found, and how long it is good.
type Lookup<T> = (Vec<T>, Duration);

impl Client {
    pub(super) fn new(config: &ResolverConfig) -> Result<Self, NetError> {
        let (mut servers, mut options) = match config.nameservers.as_slice() {
            [] => read_system_conf()?,
            own => {
                let own = own.iter().copied().map(server).collect();
                (HickoryConfig::from_name_servers(own), ResolverOpts::default())
            }
        };
        // A lost packet must not use up all of the time.
        options.timeout = options.timeout.min(config.timeout / TRIES);
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        let mut search = std::mem::take(&mut servers.search);
        if let Some(domain) = servers.domain.take().filter(|_| search.is_empty()) {
            search.push(domain);
        }
        let ndots = options.ndots;
        let hickory = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default())
            .with_options(options)
            .build()?;
        Ok(Self {
            hickory,
            search,
            ndots,
            family: config.family,
        })
    }

    pub(super) async fn ask(self: &Arc<Self>, query: &Query) -> Result<Lookup<Found>, ResolveError> {
        match query {
            Query::Host(name, port) => {
                let (addresses, valid_for) = self.searched(name, Kind::Host).await?;
                let found = addresses.into_iter().filter_map(|data| {
                    Some(Found {
                        priority: 0,
                        address: SocketAddr::new(address(&data)?, *port),
                        weight: 0,
                    })
                });
                Ok((found.collect(), valid_for))
            }
            Query::Service(name) => self.service(name).await,
        }
    }

    /// The places of a service: records, then the addresses of their targets. All of them or none: half an answer
    /// would take endpoints away that work.
    async fn service(self: &Arc<Self>, name: &str) -> Result<Lookup<Found>, ResolveError> {
        let (records, mut valid_for) = self.searched(name, Kind::Service).await?;
        let records = records.into_iter().filter_map(|data| match data {
            // A root target says that there is decidedly no such service (RFC 2782).
            RData::SRV(record) if !record.target.is_root() => Some(record),
            _ => None,
        });
        let mut waiting: Vec<SRV> = records.collect();
        waiting.sort_by(|a, b| key(a).cmp(&key(b)));
        waiting.truncate(MAX_FOUND);
        let mut waiting = waiting.into_iter();
        let mut asked: JoinSet<Result<Lookup<Found>, ResolveError>> = JoinSet::new();
        let mut found = Vec::new();
        loop {
            while asked.len() < AT_ONCE
                && let Some(record) = waiting.next()
            {
                asked.spawn(self.clone().target(record));
            }
            match asked.join_next().await {
                None => break,
                Some(Ok(Ok((places, ttl)))) => {
                    found.extend(places);
                    valid_for = valid_for.min(ttl);
                }
                // The host is gone already, its record not yet.
                Some(Ok(Err(ResolveError::Nothing))) => {}
                Some(Ok(Err(error))) => return Err(error),
                Some(Err(_)) => return Err(ResolveError::Timeout),
            }
        }
        match found.is_empty() {
            true => Err(ResolveError::Nothing),
            false => Ok((found, valid_for)),
        }
    }

    async fn target(self: Arc<Self>, record: SRV) -> Result<Lookup<Found>, ResolveError> {
        let (addresses, valid_for) = self.lookup(&record.target, Kind::Host).await?;
        let found = addresses.iter().filter_map(|data| {
            Some(Found {
                priority: record.priority,
                address: SocketAddr::new(address(data)?, record.port),
                weight: record.weight,
            })
        });
        Ok((found.collect(), valid_for))
    }

    /// Tries the name with and without the search domains (resolv.conf(5)). A failure ends it: the next candidate
    /// may be an altogether different host.
    async fn searched(&self, name: &str, kind: Kind) -> Result<Lookup<RData>, ResolveError> {
        for candidate in candidates(name, &self.search, self.ndots) {
            match self.lookup(&candidate, kind).await {
                Err(ResolveError::Nothing) => {}
                other => return other,
            }
        }
        Err(ResolveError::Nothing)
    }

    async fn lookup(&self, name: &Name, kind: Kind) -> Result<Lookup<RData>, ResolveError> {
        let (first, second) = match (kind, self.family) {
            (Kind::Service, _) => return self.records(name, RecordType::SRV).await,
            (Kind::Host, Family::Ipv4) => return self.records(name, RecordType::A).await,
            (Kind::Host, Family::Ipv6) => return self.records(name, RecordType::AAAA).await,
            (Kind::Host, Family::PreferIpv4 | Family::Both) => (RecordType::A, RecordType::AAAA),
            (Kind::Host, Family::PreferIpv6) => (RecordType::AAAA, RecordType::A),
        };
        let first = match self.records(name, first).await {
            Ok(found) if self.family != Family::Both => return Ok(found),
            Ok(found) => Some(found),
            Err(ResolveError::Nothing) => None,
            Err(error) => return Err(error),
        };
        match (first, self.records(name, second).await) {
            (Some((mut all, one)), Ok((more, other))) => {
                all.extend(more);
                Ok((all, one.min(other)))
            }
            (Some(all), Err(ResolveError::Nothing)) => Ok(all),
            (_, other) => other,
        }
    }

    /// The records of one kind; their time to live is the shortest on the way, aliases included.
    async fn records(&self, name: &Name, kind: RecordType) -> Result<Lookup<RData>, ResolveError> {
        let lookup = self.hickory.lookup(name.clone(), kind).await?;
        let answers = lookup.answers();
        let on_the_way = |kind_of: RecordType| kind_of == kind || kind_of == RecordType::CNAME;
        let ttl = answers
            .iter()
            .filter(|record| on_the_way(record.record_type()))
            .map(|record| record.ttl)
            .min();
        let data = answers.iter().map(|record| &record.data);
        let found: Vec<_> = data.filter(|data| data.record_type() == kind).cloned().collect();
        match found.is_empty() {
            true => Err(ResolveError::Nothing),
            false => Ok((found, Duration::from_secs(ttl.unwrap_or(0).into()))),
        }
    }
}

/// What is looked for.
#[derive(Clone, Copy)]
enum Kind {
    Host,
    Service,
}

/// The names to try for `name`, in their order.
fn candidates(name: &str, search: &[Name], ndots: usize) -> Vec<Name> {
    let Ok(mut whole) = Name::from_ascii(name) else {
        return Vec::new();
    };
    if whole.is_fqdn() {
        return vec![whole];
    }
    let in_domains = search
        .iter()
        .filter_map(|domain| whole.clone().append_domain(domain).ok());
    let mut candidates: Vec<_> = in_domains.collect();
    whole.set_fqdn(true);
    let first = if name.matches('.').count() >= ndots {
        0
    } else {
        candidates.len()
    };
    candidates.insert(first, whole);
    candidates
}

/// UDP, and TCP for answers that are too long for it.
fn server(address: SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut connections {
        connection.port = address.port();
    }
    NameServerConfig::new(address.ip(), true, connections)
}

/// The order of records that does not depend on the server's mood.
fn key(record: &SRV) -> (u16, &Name, u16) {
    (record.priority, &record.target, record.port)
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(address) => Some(address.0.into()),
        RData::AAAA(address) => Some(address.0.into()),
        _ => None,
    }
}

/// Hosts of a service that are asked for at once; a server's own limit is often 100 or so.
const AT_ONCE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str, ndots: usize) -> Vec<String> {
        let search = ["shop.example.", "example."].map(|domain| Name::from_ascii(domain).unwrap());
        let candidates = candidates(name, &search, ndots);
        candidates.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn search_domains_are_tried_as_the_system_does() {
        assert_eq!(names("app", 1), ["app.shop.example.", "app.example.", "app."]);
        assert_eq!(names("app", 0), ["app.", "app.shop.example.", "app.example."]);
        assert_eq!(names("a.b", 1), ["a.b.", "a.b.shop.example.", "a.b.example."]);
        assert_eq!(names("a.b.", 5), ["a.b."]);
        assert_eq!(names("_fcgi._tcp.app", 1)[0], "_fcgi._tcp.app.");
    }
}
