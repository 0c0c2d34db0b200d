//! The status as JSON: for eyes, `jq`, and scripts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::telemetry::Counters;
use crate::telemetry::histogram::Distribution;
use crate::upstream::Upstream;
use crate::upstream::model::endpoint::Endpoint;

/// Everything.
pub(super) fn page(counters: &Counters, upstreams: &[Arc<Upstream>]) -> String {
    let all = json!({
        "counters": of_process(counters),
        "upstreams": upstreams.iter().map(|upstream| of_upstream(upstream)).collect::<Vec<_>>(),
    });
    format!("{all:#}\n")
}

/// `{"requests_total": 7, "responses_total": {"2xx": 7, …}, …}`
fn of_process(counters: &Counters) -> Value {
    let mut all = Map::new();
    for sample in counters.snapshot() {
        let Some((_, part)) = sample.label else {
            all.insert(sample.name.to_owned(), sample.value.into());
            continue;
        };
        let parts = all.entry(sample.name).or_insert_with(|| json!({}));
        parts[part] = sample.value.into();
    }
    all.into()
}

fn of_upstream(upstream: &Upstream) -> Value {
    let snapshot = upstream.snapshot();
    let tally = upstream.tally();
    json!({
        "name": &**upstream.name(),
        "protocol": upstream.config().protocol.as_str(),
        "answers": times(&tally.head.distribution()),
        "failures": tally.failures.value(),
        "repeats": tally.repeats.value(),
        "queue": {
            "length": snapshot.waiting,
            "size": upstream.config().queue.size,
            "oldest_seconds": snapshot.oldest.map(|age| age.as_secs_f64()),
            "wait": times(&tally.queue.distribution()),
        },
        "endpoints": snapshot.endpoints.iter().map(|endpoint| of_endpoint(endpoint)).collect::<Vec<_>>(),
    })
}

fn of_endpoint(endpoint: &Endpoint) -> Value {
    json!({
        "name": &*endpoint.name,
        "circuit": endpoint.circuit().as_str(),
        "weight": endpoint.config.weight,
        "backup": endpoint.config.backup,
        "drain": endpoint.config.drain,
        "busy": endpoint.in_flight(),
        "slots": endpoint.slots(),
        "idle": endpoint.idle(),
        "served": endpoint.served(),
        "connected": endpoint.connected(),
        "failed": endpoint.failed(),
    })
}

/// How many there were, and their mean; the buckets are Prometheus' business.
fn times(distribution: &Distribution) -> Value {
    let count = distribution.count();
    let mean = match u32::try_from(count) {
        Ok(count @ 1..) => Some(distribution.sum / count),
        _ => None,
    };
    json!({ "count": count, "mean_seconds": mean.as_ref().map(Duration::as_secs_f64) })
}
