//! Endpoints: `10.0.0.5:9000 weight=2 backup`, `dns:app.internal:9000`.

use std::fmt;
use std::time::Duration;

use super::endpoint_option;
use crate::config::address;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::units::{Period, Text};
use crate::transport::query::QueryError;
use crate::transport::{Address, Query};
use crate::upstream::model::config::{EndpointConfig, EndpointSource, TLS};

/// An endpoint as it was typed.
pub(super) type Endpoint = At<EndpointConfig<Place>>;

/// Where an endpoint is, or what knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum Place {
    Fixed(Address),
    Named(EndpointSource),
}

/// An address with its options.
pub(super) const ENDPOINT: Text<Endpoint> = Text {
    words: "address with options",
    read: endpoint,
    show: |endpoint| show(endpoint),
};

/// Rules that span several endpoints.
pub(super) fn check(list: &At<Vec<Endpoint>>, complaints: &mut Complaints) {
    if list.is_empty() && complaints.is_whole(list.span()) {
        complaints.error(list.span(), "an upstream needs at least one endpoint");
    }
    for (index, endpoint) in list.iter().enumerate() {
        let address = &endpoint.address;
        if list[..index].iter().any(|other| other.address == *address) {
            complaints
                .error(
                    endpoint.span(),
                    format!("the endpoint `{address}` is there already"),
                )
                .help("slots are counted per endpoint; give it a weight instead of a second place");
        }
    }
    if !list.is_empty() && list.iter().all(|endpoint| endpoint.backup) {
        complaints.warning(list.span(), "every endpoint is a backup, so none is");
    }
    if !list.is_empty() && list.iter().all(|endpoint| endpoint.down) {
        complaints.warning(list.span(), "every endpoint is down: no request finds one");
    }
    if !list.is_empty() && list.iter().all(|endpoint| endpoint.drain) {
        complaints.warning(list.span(), "every endpoint is draining: new sessions find none");
    }
}

/// Those with an address, and those that others know.
pub(super) fn sorted(list: &[Endpoint]) -> (Vec<EndpointConfig>, Vec<EndpointConfig<EndpointSource>>) {
    let (mut fixed, mut named) = (Vec::new(), Vec::new());
    for endpoint in list {
        match &endpoint.address {
            Place::Fixed(address) => fixed.push(endpoint.at(address.clone())),
            Place::Named(source) => named.push(endpoint.at(source.clone())),
        }
    }
    (fixed, named)
}

/// The way back.
pub(super) fn joined(fixed: &[EndpointConfig], named: &[EndpointConfig<EndpointSource>]) -> Vec<Endpoint> {
    let fixed = fixed
        .iter()
        .map(|endpoint| endpoint.at(Place::Fixed(endpoint.address.clone())));
    let named = named
        .iter()
        .map(|endpoint| endpoint.at(Place::Named(endpoint.address.clone())));
    fixed.chain(named).map(At::nowhere).collect()
}

fn endpoint(typed: &At<String>, complaints: &mut Complaints) -> Option<Endpoint> {
    let mut words = typed.split_whitespace();
    let place = words.next().unwrap_or_default();
    let bare = place.strip_prefix(TLS);
    let address = parse(typed, bare.unwrap_or(place), complaints)?;
    let mut endpoint = EndpointConfig {
        tls: bare.is_some(),
        ..EndpointConfig::new(address)
    };
    for word in words {
        endpoint_option::set(&mut endpoint, word, typed, complaints);
    }
    Some(At::new(typed.span(), endpoint))
}

/// An endpoint with those of its options that are not as usual.
fn show(endpoint: &EndpointConfig<Place>) -> String {
    let EndpointConfig {
        address,
        tls: _,
        weight,
        backup,
        drain,
        down,
        max_connections,
        max_fails,
        fail_timeout,
        slow_start,
    } = endpoint;
    let usual = EndpointConfig::new(address);
    let time = |time: Duration| Period(time).to_string();
    let options = [
        (*weight != usual.weight).then(|| format!("weight={weight}")),
        backup.then(|| "backup".to_owned()),
        drain.then(|| "drain".to_owned()),
        down.then(|| "down".to_owned()),
        max_connections.map(|slots| format!("max_connections={slots}")),
        (*max_fails != usual.max_fails).then(|| format!("max_fails={max_fails}")),
        (*fail_timeout != usual.fail_timeout).then(|| format!("fail_timeout={}", time(*fail_timeout))),
        (*slow_start != usual.slow_start).then(|| format!("slow_start={}", time(*slow_start))),
    ];
    let words = [endpoint.place()]
        .into_iter()
        .chain(options.into_iter().flatten());
    words.collect::<Vec<_>>().join(" ")
}

fn parse(typed: &At<String>, word: &str, complaints: &mut Complaints) -> Option<Place> {
    let place = complaints.part(typed.span(), word);
    if let Some(name) = word.strip_prefix(EndpointSource::APP) {
        return Some(Place::Named(EndpointSource::App(name.to_owned())));
    }
    if Query::is_meant(word) {
        return match word.parse() {
            Ok(query) => Some(Place::Named(EndpointSource::Dns(query))),
            Err(error) => {
                let error: QueryError = error;
                complaints.error(place, error.to_string()).help(NAMES);
                None
            }
        };
    }
    match address::read(word, USUAL_PORT) {
        Ok(Address::Tcp(address)) if address.port() == 0 => {
            complaints.error(place, "nothing can be reached on port 0");
            None
        }
        Ok(address) => Some(Place::Fixed(address)),
        Err(mistake) => {
            let help = mistake.help.unwrap_or_else(|| EXAMPLES.to_owned());
            complaints.error(place, mistake.message).help(help);
            None
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(address) => address.fmt(f),
            Self::Named(source) => source.fmt(f),
        }
    }
}

/// Shown where a port is missing.
const USUAL_PORT: u16 = 9000;

const NAMES: &str = "write \"dns:app.internal:9000\", or \"dns+srv:_fcgi._tcp.app.internal\" for SRV records";

const EXAMPLES: &str = "write \"127.0.0.1:9000\", \"app.internal:9000\" or \"unix:/run/app.sock\"";
