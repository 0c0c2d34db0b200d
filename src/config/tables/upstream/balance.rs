//! `balance`.

use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::suggest;
use crate::config::units::{Text, complain};
use crate::upstream::model::config::{Balance, Bound, Hash};
use crate::upstream::model::hash_key::{HashKey, HashKeyError};
use crate::variables;

/// How the endpoints are chosen.
pub(super) const BALANCE: Text<Balance> = Text {
    words: "algorithm",
    read: algorithm,
    show,
};

/// Whether an endpoint gets its requests by their keys alone, and not little by little.
pub(super) fn is_by_key(balance: &Balance) -> bool {
    match balance {
        Balance::IpHash => true,
        Balance::Hash(hash) => hash.bound.is_none(),
        Balance::RoundRobin | Balance::LeastConn | Balance::RandomTwo | Balance::Ewma => false,
    }
}

fn show(balance: &Balance) -> String {
    let name = balance.as_str();
    match balance {
        Balance::Hash(Hash { key, bound: None }) => format!("{name} {key}"),
        Balance::Hash(Hash {
            key,
            bound: Some(bound),
        }) => format!("{name} {key} bounded={bound}"),
        _ => name.to_owned(),
    }
}

fn algorithm(typed: &At<String>, complaints: &mut Complaints) -> Option<Balance> {
    let mut words = typed.split_whitespace();
    let name = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    let balance = match name {
        "round_robin" => Balance::RoundRobin,
        "least_conn" => Balance::LeastConn,
        "random_two" => Balance::RandomTwo,
        "ip_hash" => Balance::IpHash,
        "ewma" => Balance::Ewma,
        "hash" => return hash(typed, &rest, complaints).map(Balance::Hash),
        _ => {
            unknown(typed, name, complaints);
            return None;
        }
    };
    if let Some(word) = rest.first() {
        let place = complaints.part(typed.span(), word);
        complaints
            .error(place, format!("`{name}` has no options"))
            .help("write it alone");
    }
    Some(balance)
}

fn unknown(typed: &At<String>, name: &str, complaints: &mut Complaints) {
    let complaint = complaints.error(typed.span(), format!("unknown balancing algorithm `{name}`"));
    complaint.help(match suggest::nearest(name, NAMES) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", suggest::list(NAMES)),
    });
}

/// `hash KEY [bounded=FACTOR]`
fn hash(typed: &At<String>, words: &[&str], complaints: &mut Complaints) -> Option<Hash> {
    let Some((text, options)) = words.split_first() else {
        complaints
            .error(typed.span(), "`hash` needs a key")
            .help("write \"hash uri\", \"hash $remote_addr\" or \"hash $cookie_NAME\"");
        return None;
    };
    let mut bound = None;
    for word in options {
        match word.split_once('=') {
            Some(("bounded", factor)) => bound = bounded(typed, word, factor, complaints),
            _ => option(typed, word, complaints),
        }
    }
    let key = hash_key(typed, text, complaints)?;
    Some(Hash { key, bound })
}

fn hash_key(typed: &At<String>, text: &str, complaints: &mut Complaints) -> Option<HashKey> {
    let error = match text.parse() {
        Ok(key) => return Some(key),
        Err(error) => error,
    };
    match &error {
        HashKeyError::Template(error) => complain(error, text, typed, complaints),
        HashKeyError::Constant => {
            let help = format!("the variables are {}", suggest::list(variables::NAMES));
            let place = complaints.part(typed.span(), text);
            complaints.error(place, error.to_string()).help(help);
        }
    }
    None
}

fn bounded(typed: &At<String>, word: &str, factor: &str, complaints: &mut Complaints) -> Option<Bound> {
    let bound = factor.parse().ok();
    if bound.is_none() {
        let place = complaints.part(typed.span(), word);
        complaints
            .error(place, "`bounded` is a factor from 1.001 to 1000")
            .help("bounded=1.25: no endpoint gets more than 1.25 times its share");
    }
    bound
}

fn option(typed: &At<String>, word: &str, complaints: &mut Complaints) {
    let place = complaints.part(typed.span(), word);
    let complaint = complaints.error(place, format!("unknown option `{word}` of `hash`"));
    complaint.help(match word {
        "consistent" => "it always is: leave the word out",
        _ => "the only one is bounded=FACTOR",
    });
}

/// Every algorithm of the configuration contract.
const NAMES: [&str; 6] = [
    "round_robin",
    "least_conn",
    "random_two",
    "ip_hash",
    "hash",
    "ewma",
];
