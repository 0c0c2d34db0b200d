//! Which names are ours, and what is to be said of them.

use std::collections::HashSet;

use super::config::DnsConfig;
use super::name::DomainName;

/// In front of a name that is proven (RFC 8555, section 8.4).
const CHALLENGE: &str = "_acme-challenge.";

/// The names that the responder answers for.
#[derive(Clone, Debug, Default)]
pub struct Zones {
    config: DnsConfig,
    /// Names that are proven by the DNS, whether an order is under way or not: resolvers may ask before.
    domains: HashSet<DomainName>,
}

/// What is said of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is not ours.
    NotOurs,
    /// It is, and has no records of the kind.
    ///
    /// Never that there is no such name: resolvers take that for all names below it, too (RFC 8020).
    Nothing(Zone),
    /// Its texts are those of this name's challenges, if there are any.
    Challenges(Zone, DomainName),
    /// Its zone begins here.
    Start(Zone),
    /// The servers of its zone.
    Servers(Zone),
}

/// A zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    /// Where in the name that was asked for it begins.
    pub(super) start: usize,
    /// Its server.
    pub(super) server: String,
}

impl Zones {
    /// `domains`: names that are proven by the DNS, without `*.`.
    pub fn new(config: DnsConfig, domains: impl IntoIterator<Item = DomainName>) -> Self {
        Self {
            config,
            domains: domains.into_iter().collect(),
        }
    }

    /// What is to be said of records of a kind; `name` is in lower case.
    pub(super) fn say(&self, name: &str, kind: u16) -> Said {
        let Some((start, domain)) = self.find(name) else {
            return Said::NotOurs;
        };
        let zone = Zone {
            start,
            server: self.server(&name[start..]),
        };
        match (kind, domain) {
            (SOA, _) if start == 0 => Said::Start(zone),
            (NS, _) if start == 0 => Said::Servers(zone),
            (TXT | ANY, Some(domain)) => Said::Challenges(zone, domain),
            _ => Said::Nothing(zone),
        }
    }

    /// Where the zone of a name begins in it, and which name its records prove, if any.
    fn find(&self, name: &str) -> Option<(usize, Option<DomainName>)> {
        if let Some(found) = self.in_own_zone(name) {
            return Some(found);
        }
        let at = match name.starts_with(CHALLENGE) {
            true => 0,
            false => name.find(&format!(".{CHALLENGE}"))? + 1,
        };
        let domain = DomainName::new(&name[at + CHALLENGE.len()..])?;
        let is_ours = self.domains.contains(&domain);
        is_ours.then(|| (at, (at == 0).then_some(domain)))
    }

    /// `NAME.ZONE`, `_acme-challenge.NAME.ZONE`.
    fn in_own_zone(&self, name: &str) -> Option<(usize, Option<DomainName>)> {
        let zone = self.config.zone.as_ref()?.as_str();
        let inner = name.strip_suffix(zone)?;
        let start = inner.len();
        if start == 0 {
            return Some((0, None));
        }
        let inner = inner.strip_suffix('.')?;
        let inner = inner.strip_prefix(CHALLENGE).unwrap_or(inner);
        Some((start, DomainName::new(inner)))
    }

    /// The server that the records elsewhere name. Unless configured, it is the name that is proven, which is here as
    /// well.
    fn server(&self, zone: &str) -> String {
        let usual = || zone.strip_prefix(CHALLENGE).unwrap_or(zone).to_owned();
        let configured = self.config.nameserver.as_ref();
        configured.map_or_else(usual, ToString::to_string)
    }
}

pub(super) const NS: u16 = 2;

pub(super) const SOA: u16 = 6;

pub(super) const TXT: u16 = 16;

/// All records: one kind of them is enough (RFC 8482, section 4.1).
const ANY: u16 = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(zone: Option<&str>) -> Zones {
        let config = DnsConfig {
            zone: zone.and_then(DomainName::new),
            nameserver: zone.and_then(|_| DomainName::new("ns.gate.example")),
            ..DnsConfig::default()
        };
        Zones::new(config, DomainName::new("shop.example"))
    }

    const A: u16 = 1;

    #[test]
    fn a_challenge_is_shown_where_it_is_looked_for() {
        let zones = zones(Some("acme.gate.example"));
        for (name, start) in [
            ("_acme-challenge.shop.example", 0),
            ("shop.example.acme.gate.example", 13),
            ("_acme-challenge.shop.example.acme.gate.example", 29),
        ] {
            for kind in [TXT, ANY] {
                let Said::Challenges(zone, domain) = zones.say(name, kind) else {
                    panic!("{name}");
                };
                assert_eq!((zone.start, domain.as_str()), (start, "shop.example"), "{name}");
            }
        }
    }

    #[test]
    fn names_of_ours_have_no_other_records_and_are_never_denied() {
        let zones = zones(Some("acme.gate.example"));
        for (name, kind, start) in [
            ("_acme-challenge.shop.example", A, 0),
            ("deeper._acme-challenge.shop.example", NS, 7),
            ("deeper._acme-challenge.shop.example", TXT, 7),
            ("acme.gate.example", A, 0),
            ("acme.gate.example", TXT, 0),
            ("example.acme.gate.example", SOA, 8),
        ] {
            let zone = Zone {
                start,
                server: "ns.gate.example".into(),
            };
            assert_eq!(zones.say(name, kind), Said::Nothing(zone), "{name}");
        }
    }

    #[test]
    fn the_names_of_others_are_not_ours() {
        let zones = zones(Some("acme.gate.example"));
        for name in [
            "",
            "shop.example",
            "gate.example",
            "xacme.gate.example",
            "_acme-challenge.other.example",
            "_acme-challenge",
            "_acme-challenge.",
            "x_acme-challenge.shop.example",
            "_acme-challenge.sub.shop.example",
        ] {
            assert_eq!(zones.say(name, TXT), Said::NotOurs, "{name}");
        }
    }

    #[test]
    fn the_server_is_the_name_itself_unless_another_one_is_configured() {
        let zone = Zone {
            start: 0,
            server: "shop.example".into(),
        };
        let said = zones(None).say("_acme-challenge.shop.example", NS);
        assert_eq!(said, Said::Servers(zone));
    }
}
