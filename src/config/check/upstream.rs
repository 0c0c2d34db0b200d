//! `[upstream.NAME]`.

use super::{balance, deadline, endpoint, health, keep_alive, profile, quirk, size, slots, sticky};
use crate::config::complaints::Complaints;
use crate::config::file::{At, Section, Upstream as Typed};
use crate::upstream::Config;
use crate::upstream::model::config::{Queue, Retry, Timeouts};
use crate::upstream::model::profile::Profile;

/// One upstream.
pub(super) fn check(name: &At<String>, typed: &Section<Typed>, complaints: &mut Complaints) -> Config {
    check_name(name, complaints);
    let (protocol, profile) = profile::check(typed, complaints);
    let endpoints = endpoint::check(typed, complaints);
    Config {
        name: name.to_string(),
        protocol,
        quirks: quirk::check(typed, protocol, profile, complaints),
        balance: balance::check(typed, &endpoints, complaints),
        endpoints: endpoints.fixed,
        sources: endpoints.named,
        sticky: typed
            .sticky
            .as_ref()
            .map(|typed| sticky::check(typed, complaints)),
        max_connections: slots::check(typed, protocol, profile, complaints),
        health: health::check(typed, protocol, profile, complaints),
        keep_alive: keep_alive::check(typed, protocol, profile, complaints),
        queue: queue(typed, complaints),
        hold: deadline::any(typed.hold.as_ref(), Config::HOLD),
        warn_unreachable: typed.warn_unreachable.unwrap_or(true),
        retry: retry(typed),
        timeouts: timeouts(typed, profile, complaints),
        head_size: size::within(
            typed.head_size.as_ref(),
            Config::HEAD_SIZE,
            size::HEAD,
            complaints,
        ),
        head_fields: typed
            .head_fields
            .map_or(Config::HEAD_FIELDS, |fields| fields.count()),
    }
}

/// Names go into logs and metrics.
fn check_name(name: &At<String>, complaints: &mut Complaints) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || !name.bytes().all(plain) {
        complaints
            .error(name.span(), "not a name for an upstream")
            .help("names consist of letters, digits, `_`, `-` and `.`");
    }
}

fn queue(typed: &Typed, complaints: &mut Complaints) -> Queue {
    let default = Queue::default();
    Queue {
        size: typed.queue.size.map_or(default.size, |size| size.count()),
        timeout: deadline::positive(typed.queue.timeout.as_ref(), default.timeout, complaints),
    }
}

fn retry(typed: &Typed) -> Retry {
    let default = Retry::default();
    Retry {
        tries: typed.retry.tries.map_or(default.tries, |tries| tries.0),
        non_idempotent: typed.retry.non_idempotent.unwrap_or(default.non_idempotent),
    }
}

fn timeouts(typed: &Typed, profile: Profile, complaints: &mut Complaints) -> Timeouts {
    let (typed, default) = (&typed.timeouts, Timeouts::default());
    Timeouts {
        connect: deadline::positive(typed.connect.as_ref(), default.connect, complaints),
        send: deadline::positive(typed.send.as_ref(), default.send, complaints),
        head: deadline::positive(typed.head.as_ref(), default.head, complaints),
        read: deadline::positive(typed.read.as_ref(), default.read, complaints),
        idle: deadline::positive(typed.idle.as_ref(), profile.idle(), complaints),
    }
}
