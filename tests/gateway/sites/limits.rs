//! Limits that requests share: what is refused, what waits, and what of that a reload leaves as it is.

use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;
use testbed::{Client, Gateway, Response, Scripted};

use super::ask;
use crate::http::frames::{END_STREAM, GET, Http2, Outcome};
use crate::lifecycle::reload::reload;
use crate::start;

const CONFIG: &str = r#"
[server]
temp_dir = "{dir}"
trusted_proxies = ["127.0.0.0/8"]
[log]
access = "{dir}/access.log"
error = "{dir}/error.log"
access_format = "$uri $status $limit_req_status"
[limit.client]
rate = "1r/h"
burst = 2
[limit.user]
key = "$http_x_user"
rate = "1r/h"
burst = 0
status = 503
[limit.dry]
rate = "1r/h"
burst = 0
dry_run = true
[limit.paced]
rate = "10r/s"
burst = 5
delay = 0
[limit.never]
rate = "1r/h"
burst = 5
delay = 0
[[route]]
limits = { shared = ["client"] }
errors = { 429 = "/slower" }
respond = { body = "main" }
[[route]]
path = "/slower"
limits = { shared = ["client"] }
respond = { body = "slower" }
[[route]]
path = "/both"
limits = { shared = ["client", "user"] }
respond = { body = "both" }
[[route]]
path = "/user"
limits = { shared = "user" }
respond = { body = "user" }
[[route]]
path = "/again"
rewrite = { to = "/user" }
limits = { shared = "user" }
[[route]]
path = "/dry"
limits = { shared = "dry" }
respond = { body = "dry" }
[[route]]
path = "/paced"
limits = { shared = "paced" }
respond = { body = "paced" }
[[route]]
path = "/never"
limits = { shared = "never" }
respond = { body = "never" }
[[route]]
path = "/status"
status = {}
"#;

/// A request of the client of an address.
fn from(gateway: &Gateway, ip: &str, target: &str, user: &str) -> Response {
    let mut fields = vec![("X-Forwarded-For", ip)];
    if !user.is_empty() {
        fields.push(("X-User", user));
    }
    ask(gateway, "GET", "a.test", target, &fields)
}

/// The statuses of so many requests of one client.
fn statuses(gateway: &Gateway, ip: &str, target: &str, count: usize) -> Vec<u16> {
    (0..count).map(|_| from(gateway, ip, target, "").status).collect()
}

#[test]
fn a_client_beyond_its_rate_is_refused_and_told_when_to_come_back() {
    let gateway = start(CONFIG);
    assert_eq!(statuses(&gateway, "192.0.2.1", "/", 4), [200, 200, 200, 429]);
    assert_eq!(statuses(&gateway, "192.0.2.2", "/", 1), [200]);
    let refused = from(&gateway, "192.0.2.1", "/", "");
    // The page is for the same limit, for which the request has counted.
    assert_eq!(refused.text(), "slower");
    assert_eq!(refused.header("bridgehead-error"), Some("rate_limited"));
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((3000..=3600).contains(&seconds), "{seconds}");
    let lines = gateway.wait_access(6).unwrap();
    assert_eq!(
        lines.iter().filter(|line| line.ends_with("429 REJECTED")).count(),
        2
    );
    assert_eq!(
        lines.iter().filter(|line| line.ends_with("200 PASSED")).count(),
        4
    );
    let errors = gateway.wait_errors("request limited").unwrap();
    assert!(
        errors.contains("WARN request limited client=192.0.2.1 limit=\"client\" kind=\"rate\" request="),
        "{errors}"
    );
}

#[test]
fn an_ipv6_client_is_its_network() {
    let gateway = start(CONFIG);
    let statuses = [
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8::3",
        "2001:db8::4",
        "2001:db8:0:1::1",
    ]
    .map(|ip| from(&gateway, ip, "/", "").status);
    assert_eq!(statuses, [200, 200, 200, 429, 200]);
}

#[test]
fn what_one_limit_refuses_counts_for_no_other_and_an_empty_key_for_none() {
    let gateway = start(CONFIG);
    let ask = |target, user| from(&gateway, "192.0.2.1", target, user).status;
    assert_eq!([ask("/user", ""), ask("/user", ""), ask("/user", "a")], [200; 3]);
    // All refused by the user's limit: the client's is as it was.
    assert_eq!(
        [ask("/both", "a"), ask("/both", "a"), ask("/both", "a")],
        [503; 3]
    );
    assert_eq!(
        [ask("/both", "b"), ask("/both", "c"), ask("/both", "d")],
        [200; 3]
    );
    assert_eq!(ask("/both", "e"), 429);
    // Routed again, it counts once.
    assert_eq!([ask("/again", "f"), ask("/again", "f")], [200, 503]);
}

#[test]
fn a_dry_run_tells_and_refuses_nothing() {
    let gateway = start(CONFIG);
    assert_eq!(statuses(&gateway, "192.0.2.1", "/dry", 3), [200; 3]);
    let lines = gateway.wait_access(3).unwrap();
    assert!(lines[2].ends_with("200 REJECTED_DRY_RUN"), "{lines:?}");
    let errors = gateway.wait_errors("request would be limited").unwrap();
    assert!(!errors.contains("request limited"), "{errors}");
    let metrics = from(&gateway, "127.0.0.1", "/status", "").text();
    let line = "bridgehead_limit_requests_total{limit=\"dry\",outcome=\"dry_run\"} 2";
    assert!(metrics.contains(line), "{metrics}");
}

#[test]
fn requests_that_are_early_wait_for_their_time() {
    let gateway = start(CONFIG);
    let start = Instant::now();
    assert_eq!(statuses(&gateway, "192.0.2.1", "/paced", 4), [200; 4]);
    // Three of them were early, each by what is left of a tenth of a second behind the one before.
    assert!(
        start.elapsed() >= Duration::from_millis(290),
        "{:?}",
        start.elapsed()
    );
    let lines = gateway.wait_access(4).unwrap();
    assert_eq!(
        lines.iter().filter(|line| line.ends_with("200 DELAYED")).count(),
        3
    );
}

fn waiting(gateway: &Gateway) -> bool {
    let metrics = ask(gateway, "GET", "a.test", "/status", &[]).text();
    let line = |count| format!("bridgehead_limit_waiting{{limit=\"never\"}} {count}\n");
    assert!(
        metrics.contains(&line(0)) || metrics.contains(&line(1)),
        "{metrics}"
    );
    metrics.contains(&line(1))
}

fn until(what: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !what() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_client_that_leaves_while_it_waits_leaves_nothing_behind() {
    let gateway = start(CONFIG);
    assert_eq!(statuses(&gateway, "127.0.0.1", "/never", 1), [200]);
    let mut client = Client::connect(gateway.addr()).unwrap();
    client
        .send("GET /never HTTP/1.1\r\nHost: a.test\r\n\r\n")
        .unwrap();
    until(|| waiting(&gateway));
    // By a reset: the end of its stream alone is no client that has left.
    set_socket_linger(client.stream(), Some(Duration::ZERO)).unwrap();
    drop(client);
    until(|| !waiting(&gateway));
}

#[test]
fn streams_of_one_connection_count_one_by_one() {
    let gateway = start(CONFIG);
    let mut http2 = Http2::begin(Client::connect(gateway.addr()).unwrap());
    let statuses = [1, 3, 5, 7].map(|stream| match http2.ask_on(stream, &GET, b"") {
        Outcome::Answer(status, _) => status,
        Outcome::Reset | Outcome::Gone => 0,
    });
    assert_eq!(statuses, [200, 200, 200, 429]);
}

#[test]
fn what_is_counted_outlives_a_reload() {
    let gateway = start(CONFIG);
    assert_eq!(statuses(&gateway, "192.0.2.1", "/", 3), [200; 3]);
    reload(&gateway, &CONFIG.replace("body = \"main\"", "body = \"next\""));
    assert_eq!(statuses(&gateway, "192.0.2.1", "/", 1), [429]);
    assert_eq!(from(&gateway, "192.0.2.9", "/", "").text(), "next");
}

/// An application that says when it has a request, and waits for a word until it ends its answer; or switches protocols.
fn holding(go_on: mpsc::Receiver<()>) -> Scripted {
    let go_on = Mutex::new(go_on);
    Scripted::start(move |mut connection| {
        let request = connection.read_http()?;
        if let Some(protocol) = request.param("upgrade") {
            connection.write(format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\nfirst"
            ))?;
            return connection.wait_close().map(drop);
        }
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha")?;
        go_on.lock().unwrap().recv_timeout(Duration::from_secs(20))?;
        connection.write("lf")
    })
    .unwrap()
}

fn held(application: &Scripted) -> String {
    format!(
        "[log]\naccess = \"{{dir}}/access.log\"\nerror = \"{{dir}}/error.log\"\n\
         access_format = \"$status $limit_conn_status\"\n\
         [upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\n[limit.one]\nrequests = 1\n\
         [[route]]\nlimits = {{ shared = \"one\" }}\nproxy = {{ upstream = \"app\" }}\n\
         [[route]]\npath = \"/other\"\nlimits = {{ shared = \"one\" }}\nrespond = {{}}\n",
        application.address()
    )
}

fn other(gateway: &Gateway) -> Response {
    ask(gateway, "GET", "a.test", "/other", &[])
}

#[test]
fn a_request_is_under_way_until_the_last_byte_of_its_answer() {
    let (end, go_on) = mpsc::channel();
    let application = holding(go_on);
    let gateway = start(&held(&application));
    let mut client = Client::connect(gateway.addr()).unwrap();
    client
        .send_request("GET", "/", &[("Host", "a.test")], b"")
        .unwrap();
    assert_eq!(client.read_head().unwrap().status, 200);
    let refused = other(&gateway);
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")));
    assert_eq!(refused.header("bridgehead-error"), Some("too_many_at_once"));
    end.send(()).unwrap();
    assert_eq!(client.take(4).unwrap(), b"half");
    until(|| other(&gateway).status == 200);
    // Of a client that leaves nothing is under way, either.
    client
        .send_request("GET", "/", &[("Host", "a.test")], b"")
        .unwrap();
    assert_eq!(client.read_head().unwrap().status, 200);
    assert_eq!(other(&gateway).status, 429);
    set_socket_linger(client.stream(), Some(Duration::ZERO)).unwrap();
    drop(client);
    until(|| other(&gateway).status == 200);
    until(|| gateway.access().iter().any(|line| line == "429 REJECTED"));
    drop(end);
}

#[test]
fn a_stream_is_under_way_as_a_request_is() {
    let (end, go_on) = mpsc::channel();
    let application = holding(go_on);
    let gateway = start(&held(&application));
    let mut http2 = Http2::begin(Client::connect(gateway.addr()).unwrap());
    http2.headers(1, &GET, END_STREAM);
    http2.head(1);
    assert!(matches!(http2.ask_on(3, &GET, b""), Outcome::Answer(429, _)));
    assert_eq!(other(&gateway).status, 429);
    end.send(()).unwrap();
    assert!(matches!(http2.outcome(1), Outcome::Answer(..)));
    until(|| other(&gateway).status == 200);
}

#[test]
fn a_tunnel_is_under_way_until_it_ends_whatever_is_reloaded() {
    let (_end, go_on) = mpsc::channel();
    let application = holding(go_on);
    let config = held(&application);
    let gateway = start(&config);
    let mut client = Client::connect(gateway.addr()).unwrap();
    let fields = [
        ("Host", "a.test"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
    ];
    client.send_request("GET", "/", &fields, b"").unwrap();
    assert_eq!(client.read_head().unwrap().status, 101);
    assert_eq!(client.take(5).unwrap(), b"first");
    assert_eq!(other(&gateway).status, 429);
    reload(
        &gateway,
        &config.replace("respond = {}", "respond = { body = \"next\" }"),
    );
    assert_eq!(other(&gateway).status, 429);
    drop(client);
    until(|| other(&gateway).status == 200);
    assert_eq!(other(&gateway).text(), "next");
}
