//! The status for Prometheus: one series for each number, named after what it counts.

use std::sync::Arc;

use crate::telemetry::exposition::Label;
use crate::telemetry::{Counters, Exposition};
use crate::upstream::model::endpoint::Endpoint;
use crate::upstream::{Snapshot, Upstream};

/// A number of an endpoint: its name, what it means, how to get it.
type OfEndpoint = (&'static str, &'static str, fn(&Endpoint) -> Option<f64>);

/// A number of an upstream.
type OfUpstream = (&'static str, &'static str, fn(&Upstream, &Snapshot) -> f64);

/// Everything.
pub(super) fn page(counters: &Counters, upstreams: &[Arc<Upstream>]) -> String {
    let mut page = Exposition::default();
    of_process(counters, &mut page);
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
    standings(&upstreams, &mut page);
    times(&upstreams, &mut page);
    page.into_string()
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

/// Where each endpoint stands: 1 for the word that is true, as Prometheus wants states.
fn standings(upstreams: &[(&Arc<Upstream>, Snapshot)], page: &mut Exposition) {
    const NAME: &str = "bridgehead_endpoint_circuit";
    page.metric(
        NAME,
        "Whether the endpoint is used: open, resting, trial, shut or dead.",
    );
    for (upstream, snapshot) in upstreams {
        for endpoint in &snapshot.endpoints {
            let [upstream, address] = place(upstream, endpoint);
            let circuit = ("circuit", endpoint.circuit().as_str());
            page.sample(NAME, &[upstream, address, circuit], 1);
        }
    }
}

fn times(upstreams: &[(&Arc<Upstream>, Snapshot)], page: &mut Exposition) {
    let all = [
        (
            "bridgehead_queue_wait_seconds",
            "Time in the queue, of the requests that had to wait.",
        ),
        (
            "bridgehead_response_head_seconds",
            "From the slot to the head of the answer.",
        ),
    ];
    for (at, (name, help)) in all.into_iter().enumerate() {
        page.times(name, help);
        for (upstream, _) in upstreams {
            let tally = upstream.tally();
            let times = if at == 0 { &tally.queue } else { &tally.head };
            page.distribution(name, &[("upstream", &**upstream.name())], &times.distribution());
        }
    }
}

fn place<'a>(upstream: &'a Upstream, endpoint: &'a Endpoint) -> [Label<'a>; 2] {
    [("upstream", upstream.name()), ("endpoint", &endpoint.name)]
}

/// Counts of things are exact as floating-point numbers for longer than any process lives.
const OF_UPSTREAMS: [OfUpstream; 6] = [
    (
        "bridgehead_upstream_failures_total",
        "Requests that got no answer from any endpoint.",
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
        "bridgehead_upstream_endpoints",
        "Endpoints that the upstream has now.",
        |_, snapshot| snapshot.endpoints.len() as f64,
    ),
];

const OF_ENDPOINTS: [OfEndpoint; 6] = [
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
