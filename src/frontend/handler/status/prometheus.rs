//! The status for Prometheus: one series for each number, named after what it counts.

use std::sync::Arc;

use crate::telemetry::exposition::{Format, Label};
use crate::telemetry::limits::LimitCounters;
use crate::telemetry::{Counters, Exposition, Histogram, Orders, RouteTimes};
use crate::upstream::model::endpoint::{CircuitState, Endpoint};
use crate::upstream::{Snapshot, Upstream};

/// A number of an endpoint: its name, what it means, how to get it.
type OfEndpoint = (&'static str, &'static str, fn(&Endpoint) -> Option<f64>);

/// A number of an upstream.
type OfUpstream = (&'static str, &'static str, fn(&Upstream, &Snapshot) -> f64);

/// A number of a limit.
type OfLimit = (&'static str, &'static str, fn(&LimitCounters) -> u64);

/// The times of a route.
type OfRoute = (&'static str, &'static str, fn(&RouteTimes) -> &Histogram);

/// Everything.
pub(super) fn page(format: Format, counters: &Counters, upstreams: &[Arc<Upstream>]) -> String {
    let mut page = Exposition::new(format);
    of_build(&mut page);
    of_process(counters, &mut page);
    certificates(counters, &mut page);
    orders(&counters.orders, &mut page);
    let upstreams: Vec<_> = upstreams
        .iter()
        .map(|upstream| (upstream, upstream.snapshot()))
        .collect();
    for (name, help, value) in OF_UPSTREAMS {
        page.metric(name, help);
        for (upstream, snapshot) in &upstreams {
            let labels = [("upstream", &**upstream.name())];
            page.sample(name, &labels, value(upstream, snapshot));
        }
    }
    for (name, help, value) in OF_ENDPOINTS {
        page.metric(name, help);
        for (upstream, snapshot) in &upstreams {
            for endpoint in &snapshot.endpoints {
                if let Some(value) = value(endpoint) {
                    page.sample(name, &place(upstream, endpoint), value);
                }
            }
        }
    }
    circuits(&upstreams, &mut page);
    limits(&counters.limits.all(), &mut page);
    times(&counters.routes.all(), &mut page);
    page.into_string()
}

/// What runs, as a label: the value says nothing.
fn of_build(page: &mut Exposition) {
    const NAME: &str = "bridgehead_build_info";
    page.metric(NAME, "The version that runs.");
    page.sample(NAME, &[("version", env!("CARGO_PKG_VERSION"))], 1);
}

/// The counters of the whole process, in their own order: those of one name stand together.
fn of_process(counters: &Counters, page: &mut Exposition) {
    let mut last = "";
    for sample in counters.snapshot() {
        let name = format!("bridgehead_{}", sample.name);
        if sample.name != last {
            page.metric(&name, sample.help);
            last = sample.name;
        }
        page.sample(&name, sample.label.as_slice(), sample.value);
    }
}

/// The end of each certificate, under the first of its names.
fn certificates(counters: &Counters, page: &mut Exposition) {
    const NAME: &str = "bridgehead_certificate_not_after_seconds";
    page.metric(NAME, "When the certificate ends, in seconds since 1970.");
    for certificate in counters.certificates.all().iter() {
        let name = certificate.names.first().map_or("", String::as_str);
        let labels = [("certificate", &*certificate.file), ("name", name)];
        page.sample(NAME, &labels, certificate.not_after);
    }
}

/// Orders for certificates: what became of them, and why not.
fn orders(orders: &Orders, page: &mut Exposition) {
    const ORDERS: &str = "bridgehead_acme_orders_total";
    const FAILURES: &str = "bridgehead_acme_failures_total";
    const IN_A_ROW: &str = "bridgehead_acme_failures_in_a_row";
    const NEXT: &str = "bridgehead_acme_next_order_seconds";
    let failed: u64 = orders.failed().map(|(_, count)| count).sum();
    page.metric(ORDERS, "Orders for certificates that are over.");
    page.sample(ORDERS, &[("outcome", "issued")], orders.issued());
    page.sample(ORDERS, &[("outcome", "failed")], failed);
    page.metric(FAILURES, "Orders for certificates that failed, by the reason.");
    for (why, count) in orders.failed() {
        page.sample(FAILURES, &[("reason", why.as_str())], count);
    }
    let states = orders.states();
    page.metric(
        IN_A_ROW,
        "Orders for the certificate that failed since the last one that did not.",
    );
    for (name, state) in &states {
        page.sample(IN_A_ROW, &[("name", name)], state.failures);
    }
    page.metric(
        NEXT,
        "When the certificate is to be ordered, in seconds since 1970.",
    );
    for (name, state) in &states {
        if let Some(next) = state.next {
            page.sample(NEXT, &[("name", name)], next);
        }
    }
}

/// The circuit of each endpoint: 1 for the state that is true, 0 for all others, as Prometheus wants states.
fn circuits(upstreams: &[(&Arc<Upstream>, Snapshot)], page: &mut Exposition) {
    const NAME: &str = "bridgehead_endpoint_circuit";
    page.metric(
        NAME,
        "The state of the endpoint's circuit breaker: closed, ejected, half_open, open or unhealthy.",
    );
    for (upstream, snapshot) in upstreams {
        for endpoint in &snapshot.endpoints {
            let [upstream, address] = place(upstream, endpoint);
            let now = endpoint.circuit();
            for state in CircuitState::ALL {
                let labels = [upstream, address, ("circuit", state.as_str())];
                page.sample(NAME, &labels, u8::from(state == now));
            }
        }
    }
}

/// What became of the requests of each limit.
fn limits(limits: &[Arc<LimitCounters>], page: &mut Exposition) {
    const REQUESTS: &str = "bridgehead_limit_requests_total";
    page.metric(
        REQUESTS,
        "Requests that the limit was asked about, by what became of them.",
    );
    for limit in limits {
        for (outcome, counter) in limit.outcomes() {
            let labels = [("limit", &*limit.name), ("outcome", outcome)];
            page.sample(REQUESTS, &labels, counter.value());
        }
    }
    for (name, help, value) in OF_LIMITS {
        page.metric(name, help);
        for limit in limits {
            page.sample(name, &[("limit", &*limit.name)], value(limit));
        }
    }
}

fn times(routes: &[Arc<RouteTimes>], page: &mut Exposition) {
    for (name, help, times) in OF_ROUTES {
        page.times(name, help);
        for route in routes {
            let labels = [("route", &*route.name), ("upstream", &*route.upstream)];
            // A route without an upstream waits for none.
            if !route.upstream.is_empty() || std::ptr::eq(times(route), &route.total) {
                page.distribution(name, &labels, &times(route).distribution());
            }
        }
    }
}

fn place<'a>(upstream: &'a Upstream, endpoint: &'a Endpoint) -> [Label<'a>; 2] {
    [("upstream", upstream.name()), ("endpoint", &endpoint.name)]
}

/// Counts of things are exact as floating-point numbers for longer than any process lives.
const OF_UPSTREAMS: [OfUpstream; 9] = [
    (
        "bridgehead_upstream_failures_total",
        "Requests that got no answer from any endpoint, although their clients did their part.",
        |upstream, _| upstream.tally().failures.value() as f64,
    ),
    (
        "bridgehead_upstream_repeats_total",
        "Further endpoints and connections that were tried for a request.",
        |upstream, _| upstream.tally().repeats.value() as f64,
    ),
    (
        "bridgehead_queue_length",
        "Requests that wait now.",
        |_, snapshot| snapshot.waiting as f64,
    ),
    (
        "bridgehead_queue_size",
        "Requests that may wait at once.",
        |upstream, _| upstream.config().queue.size as f64,
    ),
    (
        "bridgehead_queue_oldest_seconds",
        "How long the first in the queue has been waiting.",
        |_, snapshot| snapshot.oldest.unwrap_or_default().as_secs_f64(),
    ),
    (
        "bridgehead_queue_clients",
        "Clients whose requests wait now, where workers are shared between clients.",
        |_, snapshot| snapshot.clients as f64,
    ),
    (
        "bridgehead_queue_capped_clients",
        "Those of them that have their share of the slots.",
        |_, snapshot| snapshot.capped as f64,
    ),
    (
        "bridgehead_queue_displaced_total",
        "Requests that gave their place in a full queue up to those of other clients.",
        |_, snapshot| snapshot.displaced as f64,
    ),
    (
        "bridgehead_upstream_endpoints",
        "Endpoints that the upstream has now.",
        |_, snapshot| snapshot.endpoints.len() as f64,
    ),
];

const OF_ENDPOINTS: [OfEndpoint; 7] = [
    (
        "bridgehead_endpoint_up",
        "1 while the endpoint is used, 0 while it cannot be reached or is found dead.",
        |endpoint| Some(f64::from(u8::from(endpoint.circuit().is_up()))),
    ),
    (
        "bridgehead_endpoint_busy",
        "Slots in use: exchanges under way.",
        |endpoint| Some(endpoint.in_flight() as f64),
    ),
    (
        "bridgehead_endpoint_slots",
        "Slots, taken or free; nothing when there is no limit.",
        |endpoint| endpoint.slots().map(|slots| slots as f64),
    ),
    ("bridgehead_endpoint_idle", "Idle connections kept.", |endpoint| {
        Some(endpoint.idle() as f64)
    }),
    (
        "bridgehead_endpoint_served_total",
        "Exchanges begun.",
        |endpoint| Some(endpoint.served() as f64),
    ),
    (
        "bridgehead_endpoint_connected_total",
        "Connections opened.",
        |endpoint| Some(endpoint.connected() as f64),
    ),
    (
        "bridgehead_endpoint_failed_total",
        "Failures that were the endpoint's.",
        |endpoint| Some(endpoint.failed() as f64),
    ),
];

const OF_LIMITS: [OfLimit; 2] = [
    (
        "bridgehead_limit_waiting",
        "Requests that wait now for their time.",
        |limit| limit.waiting.value(),
    ),
    (
        "bridgehead_limit_keys_lost_total",
        "Keys that were forgotten though they counted: there are more than `keys` of the limit.",
        |limit| limit.keys_lost.value(),
    ),
];

const OF_ROUTES: [OfRoute; 4] = [
    (
        "bridgehead_request_duration_seconds",
        "From the end of a request's head to the last byte of its answer.",
        |route| &route.total,
    ),
    (
        "bridgehead_queue_wait_seconds",
        "Time in the queue, of the requests that had to wait.",
        |route| &route.queue,
    ),
    (
        "bridgehead_connect_seconds",
        "Time to connect, of the requests that had to.",
        |route| &route.connect,
    ),
    (
        "bridgehead_response_head_seconds",
        "From the connection to the head of the answer.",
        |route| &route.head,
    ),
];
