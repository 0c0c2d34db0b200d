//! `[limit.NAME]`.

use std::num::NonZeroU32;
use std::time::Duration;

use http::StatusCode;

use super::status_code::Status;
use crate::config::at::At;
use crate::config::complaints::Complaints;
use crate::config::table::table;
use crate::config::units::{Flag, Number, Text, template};
use crate::frontend::config::{Limit as Settings, RequestRate};
use crate::variables::Template;

table! {
    /// A limit that requests share. Routes name it, `limits = { shared = ["NAME"] }`, and the requests of all of them count
    /// together. `NAME` is for routes, logs and metrics: letters, digits, `_`, `-` and `.`.
    pub(in crate::config) struct Limit for Settings {
        /// What requests are told apart by: a text with variables, `"$remote_addr"`, `"$cookie_session"`,
        /// `"$remote_addr$uri"`. Requests with the same key count together; those whose variables are all empty do not count.
        /// In `$remote_addr` an IPv6 address stands for its network, and clients on unix sockets have none.
        key: Template as KEY,
        /// How many bits of an IPv6 address tell clients apart: a client has the addresses of a whole network.
        ipv6_prefix: u8 as Number(1, 128),
        /// How many requests may come in what time, evenly: `"10r/s"`, `"30r/m"`, `"100r/h"`.
        /// Default: however often they come.
        rate: Rate as RATE => _,
        /// Requests that may come before it is their time, besides the first one; more are refused. Default: the number in
        /// `rate`.
        burst: u32 as Number(0, 1_000_000) => _,
        /// How many of `burst` go on at once; the others wait until it is their time. Default: all of them.
        delay: u32 as Number(0, 1_000_000) => _,
        /// How many may be under way at a time, each until the last byte of its answer went out; streams of HTTP/2 count one by
        /// one, and tunnels until they end. Default: any number.
        requests: u32 as Number(1, 1_000_000),
        /// Status of the answer to a request too many, which has `Retry-After`.
        status: StatusCode as Status(Number(400, 599)),
        /// Refuse and delay nothing: log and count what would be.
        dry_run: bool as Flag,
        /// Keys that are remembered, of some 64 bytes each. Of one too many, the one that was idle for longest is forgotten.
        keys: usize as Number(1, 10_000_000),
    }
    shown = shown;
    example = r#"[limit.login]
rate = "30r/m"
burst = 10

[limit.api]
key = "$http_x_api_key"
rate = "50r/s"
burst = 100
delay = 50                             # the second half of the burst waits

[[route]]
path = "/login"
limits = { shared = ["login", "api"] }
proxy = { upstream = "api" }
"#;
}

/// `10r/s`.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Rate {
    requests: NonZeroU32,
    per: Duration,
}

/// A text with variables of requests.
const KEY: Text<Template> = Text {
    words: "text with variables",
    read: key,
    show: Template::to_string,
};

/// So many requests in a time.
const RATE: Text<Rate> = Text {
    words: "`\"10r/s\"`, `\"30r/m\"` or `\"100r/h\"`",
    read: rate,
    show: |rate| {
        let unit = UNITS.iter().find(|(_, seconds)| rate.per.as_secs() == *seconds);
        format!("{}r/{}", rate.requests, unit.map_or("s", |(unit, _)| unit))
    },
};

/// Seconds of units.
const UNITS: [(&str, u64); 3] = [("s", 1), ("m", 60), ("h", 3600)];

/// Requests in a time.
const MOST: u32 = 1_000_000;

/// A wait of which is warned: most clients have left before.
const LONG: Duration = Duration::from_secs(60);

/// The limit of a name.
pub(super) fn check(name: &At<String>, typed: &At<Limit>, complaints: &mut Complaints) -> Option<Settings> {
    super::check_name(name, "a limit", complaints);
    let mut limit = Settings {
        name: name.to_string(),
        ..Settings::default()
    };
    typed.apply_to(&mut limit);
    let Some(rate) = &typed.rate else {
        check_rateless(typed, complaints);
        return Some(limit);
    };
    let burst = typed.burst.as_deref().copied().unwrap_or(rate.requests.get());
    let rate = RequestRate {
        requests: rate.requests,
        per: rate.per,
        burst,
        delay: typed.delay.as_deref().copied().unwrap_or(burst),
    };
    limit.rate = Some(rate);
    check_delay(typed, rate, complaints);
    Some(limit)
}

/// Complains about what has no effect without a rate, and about a limit of nothing.
fn check_rateless(typed: &At<Limit>, complaints: &mut Complaints) {
    for (key, value) in [("burst", &typed.burst), ("delay", &typed.delay)] {
        if let Some(value) = value {
            complaints.warning(value.span(), format!("`{key}` has no effect without a `rate`"));
        }
    }
    if typed.requests.is_none() && complaints.is_whole(typed.span()) {
        complaints
            .error(typed.span(), "the limit limits nothing")
            .help("add rate = \"10r/s\", or requests = 10 for those at a time");
    }
}

fn check_delay(typed: &Limit, rate: RequestRate, complaints: &mut Complaints) {
    let Some(delay) = &typed.delay else { return };
    if **delay > rate.burst {
        complaints
            .warning(
                delay.span(),
                format!(
                    "`delay` has no effect: it is more than `burst`, which is {}",
                    rate.burst
                ),
            )
            .help("requests beyond `burst` are refused");
    }
    let longest = rate.longest_wait();
    if longest > LONG {
        complaints
            .warning(
                delay.span(),
                format!("requests would wait for up to {} seconds", longest.as_secs()),
            )
            .help("most clients have left by then: a lower `burst` refuses them at once");
    }
}

fn shown(limit: &Settings) -> Limit {
    let rate = limit.rate;
    Limit {
        rate: rate.map(|rate| {
            let RequestRate { requests, per, .. } = rate;
            At::nowhere(Rate { requests, per })
        }),
        burst: rate.map(|rate| At::nowhere(rate.burst)),
        delay: rate.map(|rate| At::nowhere(rate.delay)),
        ..Limit::plain(limit)
    }
}

fn key(typed: &At<String>, complaints: &mut Complaints) -> Option<Template> {
    let key = template(typed, complaints)?;
    if typed.is_empty() {
        complaints
            .error(typed.span(), "requests with an empty key do not count")
            .help("write \"$remote_addr\", or any text for all requests together: \"all\"");
    }
    Some(key)
}

fn rate(typed: &At<String>, complaints: &mut Complaints) -> Option<Rate> {
    let rate = parse(typed);
    if rate.is_none() {
        complaints
            .error(typed.span(), format!("`{}` is not a rate", **typed))
            .help(format!(
                "write requests per second, minute or hour, from 1 to {MOST}: \"10r/s\", \"30r/m\", \"100r/h\""
            ));
    }
    rate
}

fn parse(text: &str) -> Option<Rate> {
    let (requests, unit) = text.split_once("r/")?;
    let digits = requests.bytes().all(|byte| byte.is_ascii_digit());
    let requests: u32 = requests.parse().ok().filter(|_| digits)?;
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(Rate {
        requests: NonZeroU32::new(requests).filter(|requests| requests.get() <= MOST)?,
        per: Duration::from_secs(*seconds),
    })
}
