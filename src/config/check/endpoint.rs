//! Endpoints: `10.0.0.5:9000 weight=2 backup`, `dns:app.internal:9000`.

use std::fmt;

use super::{address, endpoint_option};
use crate::config::complaints::Complaints;
use crate::config::file::{At, Section, Upstream};
use crate::transport::query::QueryError;
use crate::transport::{Address, Query};
use crate::upstream::model::config::EndpointConfig;

/// The endpoints of an upstream.
#[derive(Default)]
pub(super) struct Endpoints {
    /// Those with an address.
    pub(super) fixed: Vec<EndpointConfig>,
    /// Those that the DNS knows.
    pub(super) named: Vec<EndpointConfig<Query>>,
}

impl Endpoints {
    /// Whether any of them takes its time after a failure.
    pub(super) fn start_slowly(&self) -> bool {
        let fixed = self.fixed.iter().map(|endpoint| endpoint.slow_start);
        let named = self.named.iter().map(|endpoint| endpoint.slow_start);
        fixed.chain(named).any(|time| !time.is_zero())
    }
}

/// Where an endpoint is, or who knows.
#[derive(Clone, PartialEq, Eq)]
enum Place {
    Fixed(Address),
    Named(Query),
}

/// Every endpoint of an upstream.
pub(super) fn check(typed: &Section<Upstream>, complaints: &mut Complaints) -> Endpoints {
    let Some(list) = &typed.endpoints else {
        if complaints.is_whole(typed.span()) {
            complaints
                .error(typed.span(), "`endpoints` is missing")
                .help("add endpoints = [\"unix:/run/app.sock\"] or endpoints = [\"127.0.0.1:9000\"]");
        }
        return Endpoints::default();
    };
    if list.is_empty() && complaints.is_whole(list.span()) {
        complaints.error(list.span(), "an upstream needs at least one endpoint");
    }
    let mut endpoints: Vec<EndpointConfig<Place>> = Vec::new();
    for typed in list.iter() {
        let Some(found) = endpoint(typed, complaints) else {
            continue;
        };
        if endpoints.iter().any(|other| other.address == found.address) {
            complaints
                .error(
                    typed.span(),
                    format!("the endpoint `{}` is there already", found.address),
                )
                .help("slots are counted per endpoint; give it a weight instead of a second place");
        }
        endpoints.push(found);
    }
    if !endpoints.is_empty() && endpoints.iter().all(|endpoint| endpoint.backup) {
        complaints.warning(list.span(), "every endpoint is a backup, so none is");
    }
    if !endpoints.is_empty() && endpoints.iter().all(|endpoint| endpoint.drain) {
        complaints.warning(list.span(), "every endpoint is draining: new sessions find none");
    }
    sorted(&endpoints)
}

fn sorted(endpoints: &[EndpointConfig<Place>]) -> Endpoints {
    let mut sorted = Endpoints::default();
    for endpoint in endpoints {
        match &endpoint.address {
            Place::Fixed(address) => sorted.fixed.push(endpoint.at(address.clone())),
            Place::Named(query) => sorted.named.push(endpoint.at(query.clone())),
        }
    }
    sorted
}

fn endpoint(typed: &At<String>, complaints: &mut Complaints) -> Option<EndpointConfig<Place>> {
    let mut words = typed.split_whitespace();
    let address = parse(typed, words.next().unwrap_or_default(), complaints)?;
    let mut endpoint = EndpointConfig::new(address);
    for word in words {
        endpoint_option::set(&mut endpoint, word, typed, complaints);
    }
    Some(endpoint)
}

fn parse(typed: &At<String>, word: &str, complaints: &mut Complaints) -> Option<Place> {
    let place = complaints.part(typed.span(), word);
    if Query::is_meant(word) {
        return match word.parse() {
            Ok(query) => Some(Place::Named(query)),
            Err(error) => {
                let error: QueryError = error;
                complaints.error(place, error.to_string()).help(NAMES);
                None
            }
        };
    }
    match word.parse() {
        Ok(Address::Tcp(address)) if address.port() == 0 => {
            complaints.error(place, "nothing can be reached on port 0");
            None
        }
        Ok(address) => Some(Place::Fixed(address)),
        Err(error) => {
            let help = address::instead(word, 9000).unwrap_or_else(|| EXAMPLES.to_owned());
            complaints.error(place, address::mistake(word, &error)).help(help);
            None
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(address) => address.fmt(f),
            Self::Named(query) => query.fmt(f),
        }
    }
}

const NAMES: &str = "write \"dns:app.internal:9000\", or \"dns+srv:_fcgi._tcp.app.internal\" for SRV records";

const EXAMPLES: &str = "write \"127.0.0.1:9000\", \"app.internal:9000\" or \"unix:/run/app.sock\"";
