//! Endpoints by name, against a real DNS server: containers that come, go and move while requests run.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use testbed::{Client, Dns, Door, Gateway, Kind, Options, Response, Scripted, Signal, script};

use crate::start;

/// Answers are good for a fifth of a second.
const QUICK: &str = "min_ttl = \"100ms\", max_ttl = \"200ms\"";

/// Answers are good for an hour.
const SLOW: &str = "min_ttl = \"1h\", max_ttl = \"1h\"";

/// A gateway that asks `dns` and nobody else.
fn gateway(dns: &Dns, resolver: &str, endpoint: &str, settings: &str) -> Gateway {
    start(&config(dns, resolver, endpoint, settings))
}

fn config(dns: &Dns, resolver: &str, endpoint: &str, settings: &str) -> String {
    let server = dns.addr();
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\nresolver = {{ nameservers = [\"{server}\"], timeout = \"1s\", {resolver} }}\n\
         [upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{endpoint}\"]\n{settings}\n\
         [[route]]\nproxy = {{ upstream = \"app\", script_filename = \"{script}\" }}\n\
         [[route]]\npath = \"/-/status\"\nstatus = {{ format = \"json\" }}\n",
        script = script(Kind::PhpFpm).display(),
    )
}

/// A backend that says its number.
fn backend(number: u8) -> Scripted {
    Scripted::start(move |mut connection| {
        let request = connection.read_fastcgi()?;
        let answer = format!("Content-Type: text/plain\r\n\r\n{number}");
        connection.fastcgi_response(request.id, answer.as_bytes())
    })
    .unwrap()
}

/// A container: `127.0.0.N`, on the port that all of them have.
fn door(number: u8, port: u16, socket: &Path) -> Door {
    Door::open(SocketAddr::from(([127, 0, 0, number], port)), socket).unwrap()
}

fn ask(gateway: &Gateway) -> Response {
    Client::connect(gateway.addr())
        .unwrap()
        .request("GET", "/", &[], b"")
        .unwrap()
}

#[track_caller]
fn assert_answered(response: &Response, by: &str) {
    assert_eq!((response.status, response.text()), (200, by.to_owned()));
}

/// Waits until the log has said `text` more often than that.
fn wait_log(gateway: &Gateway, text: &str, more_than: usize) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while gateway.errors().matches(text).count() <= more_than {
        assert!(
            Instant::now() < deadline,
            "no {text:?} in the log:\n{}",
            gateway.errors()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Clients that ask one request after the other.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<Response>>>,
}

impl Load {
    fn start(gateway: &Gateway) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let addr = gateway.addr();
        let client = |_| {
            let (stop, answered) = (stop.clone(), answered.clone());
            std::thread::spawn(move || {
                let mut client = Client::connect(addr).unwrap();
                let mut failed = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let answer = client.request("GET", "/status?code=200", &[], b"").unwrap();
                    match answer.status {
                        200 => drop(answered.fetch_add(1, Ordering::Relaxed)),
                        _ => failed.push(answer),
                    }
                }
                failed
            })
        };
        Self {
            clients: (0..4).map(client).collect(),
            stop,
            answered,
        }
    }

    /// Waits until that many more requests were answered.
    fn wait(&self, more: usize) {
        let enough = self.answered.load(Ordering::Relaxed) + more;
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.answered.load(Ordering::Relaxed) < enough {
            assert!(Instant::now() < deadline, "requests hang");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The answers that were none.
    fn stop(self) -> Vec<Response> {
        self.stop.store(true, Ordering::Relaxed);
        let clients = self.clients.into_iter();
        clients.flat_map(|client| client.join().unwrap()).collect()
    }
}

/// One container, three, two that the DNS still takes for three, and one; under load all the time.
fn scale(sockets: &[PathBuf; 3], settings: &str) {
    let second = door(2, 0, &sockets[0]);
    let port = second.addr().port();
    let mut dns = Dns::start(&[("app.internal", "127.0.0.2")]).unwrap();
    let gateway = gateway(&dns, QUICK, &format!("dns:app.internal:{port}"), settings);
    let load = Load::start(&gateway);
    load.wait(50);
    let (third, fourth) = (door(3, port, &sockets[1]), door(4, port, &sockets[2]));
    dns.set_hosts(&[
        ("app.internal", "127.0.0.2"),
        ("app.internal", "127.0.0.3"),
        ("app.internal", "127.0.0.4"),
    ])
    .unwrap();
    third.wait_passed(20).unwrap();
    fourth.wait_passed(20).unwrap();
    // First the container, then its record, as when a machine dies; and the other way round.
    drop(second);
    load.wait(50);
    dns.set_hosts(&[("app.internal", "127.0.0.4")]).unwrap();
    wait_log(&gateway, &format!("endpoints=\"127.0.0.4:{port}\""), 0);
    drop(third);
    load.wait(50);
    assert_eq!(load.stop(), []);
}

#[test]
fn scaling_up_and_down_under_load_fails_no_request() {
    let backends = [backend(2), backend(3), backend(4)];
    scale(&backends.each_ref().map(Scripted::socket), "");
}

#[test]
fn scaling_php_fpm_up_and_down_under_load_fails_no_request() {
    let options = Options {
        workers: 2,
        ..Options::default()
    };
    let backends = [2, 3, 4].map(|_| Kind::PhpFpm.start(&options).unwrap());
    let sockets = backends.each_ref().map(testbed::Backend::socket);
    scale(&sockets, "profile = \"php-fpm\"\nmax_connections = 2");
}

/// Nothing but the failed connection can tell: the answer is good for an hour.
#[test]
fn a_container_that_moved_is_found_at_once() {
    let backends = [backend(2), backend(3)];
    let old = door(2, 0, &backends[0].socket());
    let port = old.addr().port();
    let mut dns = Dns::start(&[("app.internal", "127.0.0.2")]).unwrap();
    let gateway = gateway(&dns, SLOW, &format!("dns:app.internal:{port}"), "");
    assert_answered(&ask(&gateway), "2");
    let _new = door(3, port, &backends[1].socket());
    drop(old);
    dns.set_hosts(&[("app.internal", "127.0.0.3")]).unwrap();
    assert_answered(&ask(&gateway), "3");
}

#[test]
fn answers_are_relied_on_for_their_time() {
    let backend = backend(2);
    let door = door(2, 0, &backend.socket());
    let port = door.addr().port();
    let dns = Dns::start(&[("app.internal", "127.0.0.2")]).unwrap();
    let gateway = gateway(&dns, SLOW, &format!("dns:app.internal:{port}"), "");
    for _ in 0..20 {
        assert_answered(&ask(&gateway), "2");
    }
    assert_eq!(
        dns.questions("app.internal"),
        1,
        "one for A; AAAA is not asked for"
    );
}

#[test]
fn services_say_ports_shares_and_spares() {
    let backends = [backend(2), backend(3), backend(4)];
    let doors = [2, 3, 4].map(|number| door(number, 0, &backends[usize::from(number) - 2].socket()));
    let record = |at: usize, priority, weight| {
        format!(
            "_fcgi._tcp.internal,c{at}.internal,{},{priority},{weight}",
            doors[at].addr().port()
        )
    };
    let mut dns = Dns::start(&[
        ("c0.internal", "127.0.0.2"),
        ("c1.internal", "127.0.0.3"),
        ("c2.internal", "127.0.0.4"),
    ])
    .unwrap();
    let records = [record(0, 10, 30), record(1, 10, 10), record(2, 20, 50)];
    dns.set_services(&records.each_ref().map(String::as_str)).unwrap();
    let gateway = gateway(&dns, SLOW, "dns+srv:_fcgi._tcp.internal", "");
    for _ in 0..40 {
        assert_eq!(ask(&gateway).status, 200);
    }
    assert_eq!(doors.each_ref().map(Door::passed), [30, 10, 0]);
    let [first, second, spare] = doors;
    drop((first, second));
    for _ in 0..4 {
        assert_answered(&ask(&gateway), "4");
    }
    assert_eq!(spare.passed(), 4);
}

#[test]
fn the_last_answer_is_kept_while_the_dns_is_down() {
    let backend = backend(2);
    let door = door(2, 0, &backend.socket());
    let port = door.addr().port();
    let mut dns = Dns::start(&[("app.internal", "127.0.0.2")]).unwrap();
    let gateway = gateway(&dns, QUICK, &format!("dns:app.internal:{port}"), "");
    assert_answered(&ask(&gateway), "2");
    dns.stop();
    wait_log(&gateway, "cannot resolve the name; the last endpoints stay", 0);
    assert_answered(&ask(&gateway), "2");
    dns.resume().unwrap();
    wait_log(&gateway, "the name resolves again", 0);
    assert_answered(&ask(&gateway), "2");
}

#[test]
fn the_gateway_starts_without_dns_and_requests_wait_for_it() {
    let backend = backend(2);
    let door = door(2, 0, &backend.socket());
    let port = door.addr().port();
    let mut dns = Dns::new().unwrap();
    let gateway = gateway(&dns, QUICK, &format!("dns:app.internal:{port}"), "");
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.send_request("GET", "/", &[], b"").unwrap();
    wait_log(&gateway, "cannot resolve the name", 0);
    dns.resume().unwrap();
    dns.set_hosts(&[("app.internal", "127.0.0.2")]).unwrap();
    assert_answered(&client.read_response().unwrap(), "2");
}

/// `docker compose up --scale app=0`, then `--scale app=1`.
#[test]
fn a_service_that_was_scaled_to_nothing_comes_back() {
    let backends = [backend(2), backend(3)];
    let old = door(2, 0, &backends[0].socket());
    let port = old.addr().port();
    let mut dns = Dns::start(&[("app.internal", "127.0.0.2")]).unwrap();
    let resolver = format!("{QUICK}, keep = \"300ms\"");
    let gateway = gateway(&dns, &resolver, &format!("dns:app.internal:{port}"), "");
    assert_answered(&ask(&gateway), "2");
    dns.set_hosts(&[]).unwrap();
    drop(old);
    wait_log(&gateway, "the DNS has no endpoints any more", 0);
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.send_request("GET", "/", &[], b"").unwrap();
    let _new = door(3, port, &backends[1].socket());
    dns.set_hosts(&[("app.internal", "127.0.0.3")]).unwrap();
    assert_answered(&client.read_response().unwrap(), "3");
}

/// More than a UDP packet holds, and more than are used.
#[test]
fn a_crowd_of_addresses_is_cut_off() {
    let backend = backend(0);
    let door = door(2, 0, &backend.socket());
    let port = door.addr().port();
    let hosts: Vec<String> = (2..=255).map(|last| format!("127.0.0.{last}")).collect();
    let more = (1..=46).map(|last| format!("127.9.0.{last}"));
    let hosts: Vec<String> = hosts.into_iter().chain(more).collect();
    let hosts: Vec<_> = hosts.iter().map(|host| ("app.internal", host.as_str())).collect();
    let dns = Dns::start(&hosts).unwrap();
    let gateway = gateway(&dns, SLOW, &format!("dns:app.internal:{port}"), "");
    gateway.wait_errors("and 248 more").unwrap();
    gateway.wait_errors("only the first 256 places are used").unwrap();
    assert_answered(&ask(&gateway), "0");
}

/// The answers of the old one were good for an hour.
#[test]
fn another_name_server_is_asked_after_a_reload_and_the_pool_goes_on() {
    let backends = [backend(2), backend(3)];
    let old = door(2, 0, &backends[0].socket());
    let port = old.addr().port();
    let _new = door(3, port, &backends[1].socket());
    let first = Dns::start(&[("app.internal", "127.0.0.2")]).unwrap();
    let second = Dns::start(&[("app.internal", "127.0.0.3")]).unwrap();
    let name = format!("dns:app.internal:{port}");
    let gateway = gateway(&first, SLOW, &name, "");
    assert_answered(&ask(&gateway), "2");
    gateway.write_config(&config(&second, SLOW, &name, "")).unwrap();
    gateway.signal(Signal::HUP).unwrap();
    wait_log(&gateway, &format!("endpoints=\"127.0.0.3:{port}\""), 0);
    assert_answered(&ask(&gateway), "3");
    let mut client = Client::connect(gateway.addr()).unwrap();
    let status = client.request("GET", "/-/status", &[], b"").unwrap().text();
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["upstreams"][0]["answers"]["count"], 2, "{status:#}");
}
