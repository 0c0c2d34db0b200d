//! The status, against a real PHP-FPM: it answers while every worker is busy, which is when it is wanted.

use std::time::{Duration, Instant};

use serde_json::Value;
use testbed::{Backend, Client, Gateway, Kind, Options, Response, app_dir, script};

use crate::start;

/// Two workers, all slots known, and the status in both forms.
fn site() -> (Backend, Gateway) {
    let backend = Kind::PhpFpm
        .start(&Options {
            workers: 2,
            ..Options::default()
        })
        .unwrap();
    let gateway = start(&format!(
        "[upstream.php]\nprofile = \"php-fpm\"\nendpoints = [\"{address}\"]\nmax_connections = 2\n\
         [[route]]\npath = \"/\"\n\
         proxy = {{ upstream = \"php\", script_filename = \"{script}\", document_root = \"{root}\" }}\n\
         [[route]]\npath = \"/-/metrics\"\nstatus = {{}}\n\
         [[route]]\npath = \"/-/status\"\nstatus = {{ format = \"json\" }}\n\
         [[route]]\npath = \"/-/others\"\nstatus = {{ allow = [\"192.0.2.0/24\"] }}\n",
        address = backend.address(),
        script = script(Kind::PhpFpm).display(),
        root = app_dir(Kind::PhpFpm).display(),
    ));
    (backend, gateway)
}

fn get(gateway: &Gateway, target: &str) -> Response {
    Client::connect(gateway.addr())
        .unwrap()
        .request("GET", target, &[], b"")
        .unwrap()
}

fn status(gateway: &Gateway) -> Value {
    let answer = get(gateway, "/-/status");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    serde_json::from_slice(&answer.body).unwrap()
}

/// Requests on their way.
fn sleepers(gateway: &Gateway, count: usize) -> Vec<Client> {
    let sleeper = |_| {
        let mut client = Client::connect(gateway.addr()).unwrap();
        client.send_request("GET", "/sleep?ms=700", &[], b"").unwrap();
        client
    };
    (0..count).map(sleeper).collect()
}

#[test]
fn queues_are_seen_while_every_worker_is_busy() {
    let (_backend, gateway) = site();
    let mut clients = sleepers(&gateway, 5);
    let deadline = Instant::now() + Duration::from_secs(10);
    let seen = loop {
        let seen = status(&gateway);
        if seen["upstreams"][0]["queue"]["length"] == 3 {
            break seen;
        }
        assert!(Instant::now() < deadline, "{seen:#}");
    };
    let upstream = &seen["upstreams"][0];
    let endpoint = &upstream["endpoints"][0];
    assert_eq!(upstream["name"], "php");
    assert!(
        upstream["queue"]["oldest_seconds"].as_f64().unwrap() > 0.0,
        "{seen:#}"
    );
    assert_eq!((&endpoint["busy"], &endpoint["slots"]), (&2.into(), &2.into()));
    assert_eq!(endpoint["circuit"], "closed");
    let metrics = get(&gateway, "/-/metrics").text();
    assert!(
        metrics.contains("bridgehead_queue_length{upstream=\"php\"} 3\n"),
        "{metrics}"
    );
    for client in &mut clients {
        assert_eq!(client.read_response().unwrap().text(), "slept\n");
    }
    let seen = status(&gateway);
    let upstream = &seen["upstreams"][0];
    assert_eq!(upstream["queue"]["length"], 0);
    assert_eq!(upstream["queue"]["wait"]["count"], 3);
    assert!(upstream["queue"]["wait"]["mean_seconds"].as_f64().unwrap() > 0.3);
    assert_eq!(upstream["answers"]["count"], 5);
    assert_eq!(upstream["endpoints"][0]["served"], 5);
}

#[test]
fn metrics_are_what_collectors_read() {
    let (backend, gateway) = site();
    assert_eq!(get(&gateway, "/sleep?ms=1").status, 200);
    gateway.wait_access(1).unwrap();
    let answer = get(&gateway, "/-/metrics");
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let text = answer.text();
    for line in [
        "# TYPE bridgehead_requests_total counter",
        "bridgehead_requests_total 2",
        "bridgehead_responses_total{class=\"2xx\"} 1",
        "bridgehead_errors_total{reason=\"queue_full\"} 0",
        "# TYPE bridgehead_response_head_seconds histogram",
        "bridgehead_request_duration_seconds_count{route=\"/\",upstream=\"php\"} 1",
        "bridgehead_request_duration_seconds_count{route=\"/-/status\",upstream=\"\"} 0",
        "bridgehead_response_head_seconds_bucket{route=\"/\",upstream=\"php\",le=\"+Inf\"} 1",
        "bridgehead_connect_seconds_count{route=\"/\",upstream=\"php\"} 1",
        "bridgehead_queue_wait_seconds_count{route=\"/\",upstream=\"php\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let endpoint = format!("{{upstream=\"php\",endpoint=\"{}\"", backend.address());
    for (name, more) in [
        ("endpoint_served_total", "} 1"),
        ("endpoint_up", "} 1"),
        ("endpoint_circuit", ",circuit=\"closed\"} 1"),
        ("endpoint_circuit", ",circuit=\"unhealthy\"} 0"),
    ] {
        let line = format!("bridgehead_{name}{endpoint}{more}");
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let version = "bridgehead_build_info{version=\"";
    assert!(text.contains(version), "{text}");
    testbed::check_metrics(&text).unwrap();
    // Every sample stands below the metric that it belongs to, and every metric is there once.
    let mut metrics = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("# TYPE ") {
            Some(metric) => metrics.push(metric.split(' ').next().unwrap().to_owned()),
            None if line.starts_with('#') => {}
            None => assert!(line.starts_with(metrics.last().unwrap().as_str()), "{line}"),
        }
    }
    let count = metrics.len();
    metrics.sort();
    metrics.dedup();
    assert_eq!(metrics.len(), count);
}

#[test]
fn openmetrics_is_told_to_collectors_that_ask_for_it() {
    let (_backend, gateway) = site();
    let mut client = Client::connect(gateway.addr()).unwrap();
    let accept = [(
        "Accept",
        "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
    )];
    let answer = client.request("GET", "/-/metrics", &accept, b"").unwrap();
    assert_eq!(
        answer.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert_eq!(answer.header("vary"), Some("Accept"));
    let text = answer.text();
    assert!(
        text.contains("# TYPE bridgehead_requests counter\nbridgehead_requests_total 1\n"),
        "{text}"
    );
    assert!(text.ends_with("\n# EOF\n"), "{text}");
}

#[test]
fn who_may_not_see_it_is_refused() {
    let (_backend, gateway) = site();
    let refused = get(&gateway, "/-/others");
    assert_eq!(
        (refused.status, refused.header("bridgehead-error")),
        (403, Some("not_allowed"))
    );
    let mut client = Client::connect(gateway.addr()).unwrap();
    let posted = client.request("POST", "/-/status", &[], b"x").unwrap();
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
    let mut client = Client::connect(gateway.addr()).unwrap();
    let head = client.request("HEAD", "/-/status", &[], b"").unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
}
