//! Slots and active checks in words.

use crate::config::units::Period;
use crate::upstream::model::config::health::{Health, Probe, Request};
use crate::upstream::model::config::slots::{Ask, Slots};

/// The number of slots, where it is given.
pub(super) fn slots(slots: &Slots) -> Option<usize> {
    match slots {
        Slots::Fixed(slots) => Some(*slots),
        Slots::Unlimited | Slots::Auto(_) => None,
    }
}

/// How the number of slots is found out, if it is.
pub(super) fn auto(slots: &Slots) -> Option<String> {
    let Slots::Auto(auto) = slots else { return None };
    let source = match &auto.ask {
        Ask::Nothing => "from what is seen".to_owned(),
        Ask::GetValues => format!("GET_VALUES is asked every {}", Period(auto.interval)),
        Ask::FpmStatus(path) => format!("{path} is asked every {}", Period(auto.interval)),
    };
    Some(format!("{} to {}, {source}", auto.least, auto.most))
}

/// The active checks.
pub(super) fn health(health: &Health) -> String {
    let question = match &health.probe {
        Probe::Connect => "connects".to_owned(),
        Probe::GetValues => "FastCGI GET_VALUES".to_owned(),
        Probe::UwsgiPing => "uwsgi ping".to_owned(),
        Probe::FpmPing(path) => format!("ping {path}"),
        Probe::Request(request) => self::request(request),
    };
    let (interval, timeout) = (Period(health.interval), Period(health.timeout));
    let (rise, fall) = (health.rise, health.fall);
    format!("{question}, every {interval} of silence, within {timeout}; down after {fall}, up after {rise}")
}

fn request(request: &Request) -> String {
    let mut text = format!("{request} is {}", request.status);
    if !request.busy_status.is_empty() {
        text.push_str(&format!(", {} is busy", request.busy_status));
    }
    if let Some(body) = &request.body {
        text.push_str(&format!(", with {body:?}"));
    }
    text
}
