//! Endpoints: `10.0.0.5:9000 weight=2 backup`.

use super::address;
use crate::config::complaints::Complaints;
use crate::config::file::{At, Section, Upstream};
use crate::config::suggest;
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
    endpoints
}

fn endpoint(typed: &At<String>, complaints: &mut Complaints) -> Option<EndpointConfig> {
    let mut words = typed.split_whitespace();
    let address = parse(typed, words.next().unwrap_or_default(), complaints)?;
    let mut endpoint = EndpointConfig::new(address);
    for word in words {
        match word.split_once('=') {
            None if word == "backup" => endpoint.backup = true,
            Some(("weight", number)) => endpoint.weight = weight(typed, number, complaints),
            _ => unknown(typed, word, complaints),
        }
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

fn weight(typed: &At<String>, number: &str, complaints: &mut Complaints) -> u32 {
    match number.parse() {
        Ok(weight @ 1..=MAX_WEIGHT) => weight,
        _ => {
            let place = complaints.part(typed.span(), &format!("weight={number}"));
            complaints.error(
                place,
                format!("a weight is a whole number from 1 to {MAX_WEIGHT}"),
            );
            1
        }
    }
}

fn unknown(typed: &At<String>, word: &str, complaints: &mut Complaints) {
    let name = word.split('=').next().unwrap_or(word);
    let place = complaints.part(typed.span(), word);
    let complaint = complaints.error(place, format!("unknown option `{name}` of an endpoint"));
    complaint.help(match suggest::nearest(name, ["weight", "backup"]) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "the options are weight=N and backup".to_owned(),
    });
}

const EXAMPLES: &str = "write \"127.0.0.1:9000\", \"app.internal:9000\" or \"unix:/run/app.sock\"";

/// Nobody has shares finer than a thousandth, and sums of weights stay small.
const MAX_WEIGHT: u32 = 1_000;
