//! Endpoints: `10.0.0.5:9000 weight=2 backup`.

use super::{address, endpoint_option};
use crate::config::complaints::Complaints;
use crate::config::file::{At, Section, Upstream};
use crate::transport::Address;
use crate::upstream::config::EndpointConfig;

/// Every endpoint of an upstream.
pub(super) fn check(typed: &Section<Upstream>, complaints: &mut Complaints) -> Vec<EndpointConfig> {
    let Some(list) = &typed.endpoints else {
        if complaints.is_whole(typed.span()) {
            complaints
                .error(typed.span(), "`endpoints` is missing")
                .help("add endpoints = [\"unix:/run/app.sock\"] or endpoints = [\"127.0.0.1:9000\"]");
        }
        return Vec::new();
    };
    if list.is_empty() && complaints.is_whole(list.span()) {
        complaints.error(list.span(), "an upstream needs at least one endpoint");
    }
    let mut endpoints: Vec<EndpointConfig> = Vec::new();
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
    endpoints
}

fn endpoint(typed: &At<String>, complaints: &mut Complaints) -> Option<EndpointConfig> {
    let mut words = typed.split_whitespace();
    let address = parse(typed, words.next().unwrap_or_default(), complaints)?;
    let mut endpoint = EndpointConfig::new(address);
    for word in words {
        endpoint_option::set(&mut endpoint, word, typed, complaints);
    }
    Some(endpoint)
}

fn parse(typed: &At<String>, word: &str, complaints: &mut Complaints) -> Option<Address> {
    let place = complaints.part(typed.span(), word);
    match word.parse() {
        Ok(Address::Tcp(address)) if address.port() == 0 => {
            complaints.error(place, "nothing can be reached on port 0");
            None
        }
        Ok(address) => Some(address),
        Err(error) => {
            let help = address::instead(word, 9000).unwrap_or_else(|| EXAMPLES.to_owned());
            complaints.error(place, address::mistake(word, &error)).help(help);
            None
        }
    }
}

const EXAMPLES: &str = "write \"127.0.0.1:9000\", \"app.internal:9000\" or \"unix:/run/app.sock\"";
