//! SIGHUP.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use testbed::{Client, Gateway, Scripted, Signal};

use super::load::{Load, Place};
use super::{backend, eventually, serving, told, wait_told};
use crate::echo::{echoing, tunnel};
use crate::start;

const LOADED: &str = "configuration loaded again";
const REFUSED: &str = "the configuration was not loaded";

/// A configuration with one upstream, one route to it, and more.
fn with(backend: &Scripted, more: &str) -> String {
    format!(
        "[upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\n{more}\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    )
}

pub(super) fn fixed(body: &str) -> String {
    format!("[[route]]\npath = \"/fixed\"\nrespond = {{ body = \"{body}\" }}\n")
}

/// Writes a configuration and has it loaded.
#[track_caller]
pub(crate) fn reload(gateway: &Gateway, config: &str) {
    let before = told(gateway, LOADED);
    gateway.write_config(config).unwrap();
    gateway.signal(Signal::HUP).unwrap();
    wait_told(gateway, LOADED, before + 1);
}

/// Has a configuration refused.
#[track_caller]
pub(crate) fn refused(gateway: &Gateway, config: &str) -> String {
    let before = told(gateway, REFUSED);
    gateway.write_config(config).unwrap();
    gateway.signal(Signal::HUP).unwrap();
    wait_told(gateway, REFUSED, before + 1);
    gateway.errors()
}

#[test]
fn no_request_is_lost_under_load() {
    let backend = backend();
    let config = |listen: &str, size: usize| {
        format!(
            "[[listen]]\naddress = \"127.0.0.1:0\"\n[[listen]]\naddress = \"unix:{{dir}}/kept.sock\"\n{listen}{}{}",
            with(&backend, &format!("queue = {{ size = {size} }}")),
            fixed(&size.to_string())
        )
    };
    let gateway = start(&config("", 100));
    let load = Load::start(&[
        Place::Tcp(gateway.addr()),
        Place::Unix(gateway.dir().join("kept.sock")),
    ]);
    for round in 0..10 {
        load.go_on(40);
        let other = format!("[[listen]]\naddress = \"unix:{{dir}}/{round}.sock\"\n");
        // Another upstream each time, and another listener besides the two that stay.
        reload(&gateway, &config(&other, 101 + round));
        assert!(gateway.dir().join(format!("{round}.sock")).exists());
        eventually("the earlier listener goes", || {
            round == 0 || !gateway.dir().join(format!("{}.sock", round - 1)).exists()
        });
    }
    load.go_on(40);
    assert_eq!(load.finish(), Vec::<String>::new());
}

#[test]
fn a_kept_connection_sees_the_new_configuration_with_its_next_request() {
    let gateway = start(&fixed("old"));
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().text(), "old");
    reload(&gateway, &fixed("new"));
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().text(), "new");
}

#[test]
fn a_request_under_way_ends_as_it_began() {
    let (gate, gated) = crate::http::site::gate();
    let backend = Scripted::start(move |mut connection| {
        let request = connection.read_fastcgi()?;
        gated.pass()?;
        connection.fastcgi_response(request.id, b"Content-Type: text/plain\r\n\r\nold")
    })
    .unwrap();
    let gateway = start(&with(&backend, ""));
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.send_request("GET", "/", &[], b"").unwrap();
    backend.wait_requests(1).unwrap();
    // The upstream is gone, its address answers nobody else.
    reload(&gateway, &fixed("new"));
    gate.open();
    assert_eq!(client.read_response().unwrap().text(), "old");
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().text(), "new");
}

#[test]
fn an_upstream_keeps_its_connections_as_long_as_it_speaks_the_same_protocol() {
    // Serves any number of requests on one connection.
    let backend = Scripted::start(|mut connection| {
        loop {
            let request = connection.read_fastcgi()?;
            connection.fastcgi_response(request.id, b"Content-Type: text/plain\r\n\r\nfine")?;
        }
    })
    .unwrap();
    let config = |size| with(&backend, &format!("keep_alive = 1\nqueue = {{ size = {size} }}"));
    let gateway = start(&config(10));
    let ask = || {
        let mut client = Client::connect(gateway.addr()).unwrap();
        assert_eq!(client.request("GET", "/", &[], b"").unwrap().text(), "fine");
    };
    ask();
    reload(&gateway, &format!("{}{}", config(10), fixed("more")));
    ask();
    assert_eq!(backend.connections(), 1);
    reload(&gateway, &config(20));
    ask();
    assert_eq!(backend.connections(), 1);
    reload(&gateway, &config(20).replace("fastcgi", "scgi"));
    backend.wait_ended(1).unwrap();
    reload(&gateway, &config(20));
    ask();
    assert_eq!(backend.connections(), 2);
    reload(&gateway, &fixed("without"));
    backend.wait_ended(2).unwrap();
}

/// Answers each time that the gate opens, any number of requests on one connection.
fn gated(gated: crate::http::site::Gated) -> Scripted {
    Scripted::start(move |mut connection| {
        loop {
            let request = connection.read_fastcgi()?;
            gated.pass()?;
            connection.fastcgi_response(request.id, b"Content-Type: text/plain\r\n\r\nfine")?;
        }
    })
    .unwrap()
}

/// Requests on connections of their own, under way.
fn ask(gateway: &Gateway, paths: &[&str]) -> Vec<Client> {
    let send = |path: &&str| {
        let mut client = Client::connect(gateway.addr()).unwrap();
        client.send_request("GET", path, &[], b"").unwrap();
        client
    };
    paths.iter().map(send).collect()
}

/// Waits until so many requests wait for a slot, in all upstreams together.
#[track_caller]
fn wait_queued(gateway: &Gateway, count: u64) {
    eventually("requests wait", || {
        let mut client = Client::connect(gateway.addr()).unwrap();
        let page = client.request("GET", "/status", &[], b"").unwrap();
        let page: serde_json::Value = serde_json::from_str(&page.text()).unwrap();
        let upstreams = page["upstreams"].as_array().unwrap();
        let waiting = upstreams
            .iter()
            .filter_map(|upstream| upstream["queue"]["length"].as_u64());
        waiting.sum::<u64>() == count
    });
}

const STATUS: &str = "[[route]]\npath = \"/status\"\nstatus = { format = \"json\" }\n";

#[test]
fn slots_are_exact_over_a_reload_that_changes_the_upstream() {
    let (gate, held) = crate::http::site::gate();
    let backend = gated(held);
    let config = |size, slots| {
        let upstream = format!("keep_alive = 2\nmax_connections = {slots}\nqueue = {{ size = {size} }}");
        format!("{}{STATUS}", with(&backend, &upstream))
    };
    let gateway = start(&config(10, 2));
    let mut clients = ask(&gateway, &["/1", "/2", "/3"]);
    backend.wait_requests(2).unwrap();
    wait_queued(&gateway, 1);
    reload(&gateway, &config(20, 2));
    clients.extend(ask(&gateway, &["/4", "/5"]));
    wait_queued(&gateway, 3);
    reload(&gateway, &config(20, 1));
    assert_eq!(backend.connections(), 2);
    clients.iter().for_each(|_| gate.open());
    for mut client in clients {
        assert_eq!(client.read_response().unwrap().text(), "fine");
    }
    // Served over the two connections that there were; one is more than the slot that there is now.
    assert_eq!(backend.connections(), 2);
    backend.wait_ended(1).unwrap();
}

#[test]
fn slots_are_exact_over_a_reload_that_renames_the_upstream() {
    let (gate, held) = crate::http::site::gate();
    let backend = gated(held);
    let config = |name: &str| {
        let upstream = "keep_alive = 1\nmax_connections = 1";
        format!("{}{STATUS}", with(&backend, upstream).replace("app", name))
    };
    let gateway = start(&config("app"));
    let mut clients = ask(&gateway, &["/1"]);
    backend.wait_requests(1).unwrap();
    reload(&gateway, &config("shop"));
    clients.extend(ask(&gateway, &["/2"]));
    wait_queued(&gateway, 1);
    assert_eq!(backend.connections(), 1);
    clients.iter().for_each(|_| gate.open());
    for mut client in clients {
        assert_eq!(client.read_response().unwrap().text(), "fine");
    }
    // The first one was closed, not kept: nothing asks for it any more.
    backend.wait_ended(1).unwrap();
    assert_eq!(backend.connections(), 2);
}

#[test]
fn two_upstreams_at_one_address_share_its_workers() {
    let (gate, held) = crate::http::site::gate();
    let backend = gated(held);
    let upstream = |name: &str| {
        format!(
            "[upstream.{name}]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\nkeep_alive = 1\nmax_connections = 1\n\
             [[route]]\npath = \"/{name}\"\nproxy = {{ upstream = \"{name}\" }}\n",
            backend.address()
        )
    };
    let gateway = start(&format!("{}{}{STATUS}", upstream("one"), upstream("two")));
    let clients = ask(&gateway, &["/one", "/two"]);
    backend.wait_requests(1).unwrap();
    wait_queued(&gateway, 1);
    assert_eq!(backend.connections(), 1);
    clients.iter().for_each(|_| gate.open());
    for mut client in clients {
        assert_eq!(client.read_response().unwrap().text(), "fine");
    }
    // The connection that the first one kept made room for the second one's.
    backend.wait_ended(1).unwrap();
    assert_eq!(backend.connections(), 2);
}

#[test]
fn a_bad_file_changes_nothing_and_is_explained() {
    let gateway = start(&format!("{}{}", fixed("old"), "[server]\ntemp_dir = \"{dir}\"\n"));
    let mut client = Client::connect(gateway.addr()).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap();
    let files = "[[route]]\nfiles = { root = \"{dir}/missing\" }\n";
    let listen = format!("[[listen]]\naddress = \"{port}\"\n{}", fixed("new"));
    let log = "[log]\naccess = \"{dir}/missing/access.log\"\nerror = \"{dir}/error.log\"\n";
    for (config, why) in [
        ("[[route]]\npath = 7\n", "bridgehead.toml:2:8"),
        (
            "[[route]]\nrespond = { body = \"${NO_SUCH_VARIABLE}\" }\n",
            "NO_SUCH_VARIABLE",
        ),
        (files, "cannot open the root"),
        (listen.as_str(), "in use by another process"),
        (&format!("{log}{}", fixed("new")), "cannot open the access log"),
    ] {
        let errors = refused(&gateway, config);
        assert!(errors.contains(why), "{why}:\n{errors}");
        assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().text(), "old");
    }
    fs::remove_file(gateway.dir().join("bridgehead.toml")).unwrap();
    gateway.signal(Signal::HUP).unwrap();
    wait_told(&gateway, REFUSED, 6);
    assert!(gateway.errors().contains("cannot read"));
    // And it can be told better.
    reload(&gateway, &fixed("new"));
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().text(), "new");
}

#[test]
fn connections_of_a_removed_listener_end_with_their_answers() {
    let stays = "[[listen]]\naddress = \"127.0.0.1:0\"\n";
    let goes = "[[listen]]\naddress = \"unix:{dir}/x.sock\"\n";
    let gateway = start(&format!("{stays}{goes}{}", fixed("x")));
    let path = gateway.dir().join("x.sock");
    let mut idle = std::os::unix::net::UnixStream::connect(&path).unwrap();
    let mut client = Client::connect(gateway.addr()).unwrap();
    reload(&gateway, &format!("{stays}{}", fixed("y")));
    eventually("the file goes", || !path.exists());
    // Who was let in has a last chance, and is told so.
    use std::io::{Read, Write};
    idle.write_all(b"GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut all = String::new();
    idle.read_to_string(&mut all).unwrap();
    assert!(
        all.to_ascii_lowercase().contains("\r\nconnection: close\r\n") && all.ends_with("\r\n\r\ny"),
        "{all}"
    );
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().text(), "y");
}

#[test]
fn logs_go_where_the_new_configuration_says() {
    let log = |access: &str, error: &str, level: &str| {
        format!(
            "[log]\naccess = \"{{dir}}/{access}\"\naccess_format = \"json\"\nerror = \"{{dir}}/{error}\"\n\
             level = \"{level}\"\n{}",
            fixed("x")
        )
    };
    let gateway = start(&log("access.log", "error.log", "info"));
    let ask = |target: &str| {
        let mut client = Client::connect(gateway.addr()).unwrap();
        assert_eq!(client.request("GET", target, &[], b"").unwrap().text(), "x");
    };
    let read = |name: &str| fs::read_to_string(gateway.dir().join(name)).unwrap_or_default();
    ask("/fixed?1");
    gateway.wait_access(1).unwrap();
    gateway
        .write_config(&log("other.log", "errors.log", "info"))
        .unwrap();
    gateway.signal(Signal::HUP).unwrap();
    eventually("the other error log", || read("errors.log").contains(LOADED));
    ask("/fixed?2");
    eventually("the other access log", || read("other.log").contains("/fixed?2"));
    assert!(!read("access.log").contains("/fixed?2"));
    // Nothing below errors is told any more; the new answer tells that it was loaded.
    let off = log("other.log", "errors.log", "error").replace("{dir}/other.log", "off");
    gateway
        .write_config(&off.replace("body = \"x\"", "body = \"y\""))
        .unwrap();
    gateway.signal(Signal::HUP).unwrap();
    eventually("the third configuration", || {
        let mut client = Client::connect(gateway.addr()).unwrap();
        client.request("GET", "/fixed", &[], b"").unwrap().text() == "y"
    });
    Client::connect(gateway.addr())
        .unwrap()
        .request("GET", "/fixed?3", &[], b"")
        .unwrap();
    assert_eq!(read("errors.log").matches(LOADED).count(), 1);
    gateway
        .write_config(&log("other.log", "errors.log", "info"))
        .unwrap();
    gateway.signal(Signal::HUP).unwrap();
    eventually("a log again", || read("errors.log").matches(LOADED).count() == 2);
    ask("/fixed?4");
    eventually("an access log again", || read("other.log").contains("/fixed?4"));
    assert!(!read("other.log").contains("/fixed?3"));
}

#[test]
fn a_reload_changes_the_form_of_the_access_log() {
    let log = |form: &str| {
        format!(
            "[log]\naccess = \"{{dir}}/access.log\"\nerror = \"{{dir}}/error.log\"\n{form}\n{}",
            fixed(form.len().to_string().as_str())
        )
    };
    let gateway = start(&log("access_format = '$status $uri'"));
    let ask = || {
        let mut client = Client::connect(gateway.addr()).unwrap();
        client.request("GET", "/fixed", &[], b"").unwrap();
    };
    ask();
    assert_eq!(gateway.wait_access(1).unwrap(), ["200 /fixed"]);
    reload(
        &gateway,
        &log("access_format = '$request_method $http_none.'\nescape = \"none\""),
    );
    ask();
    assert_eq!(gateway.wait_access(2).unwrap()[1], "GET .");
}

#[test]
fn what_needs_a_restart_is_said_and_the_rest_is_done() {
    let gateway = start(&format!(
        "[server]\ntemp_dir = \"{{dir}}\"\nworkers = 2\n{}",
        fixed("old")
    ));
    let server = "[server]\ntemp_dir = \"{dir}\"\nworkers = 3\npid_file = \"{dir}/pid\"\n";
    reload(&gateway, &format!("{server}{}", fixed("new")));
    let errors = gateway.errors();
    for setting in ["workers", "pid_file"] {
        assert!(
            errors.contains(&format!(
                "takes effect after SIGUSR2 or a restart setting=\"{setting}\""
            )),
            "{errors}"
        );
    }
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().text(), "new");
}

/// An application that echoes what comes through a tunnel, and streams for ever to who asks for `/stream`.
pub(super) fn lasting() -> Scripted {
    Scripted::start(|mut connection| {
        let request = connection.read_http()?;
        if request.param("upgrade").is_none() {
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")?;
            let mut bytes = [0; 16];
            while connection.read(&mut bytes)? > 0 {}
            return Ok(());
        }
        echoing(&mut connection)
    })
    .unwrap()
}

pub(super) fn http(backend: &Scripted, more: &str, generation: &str) -> String {
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\ntimeouts = {{ drain = \"10m\", generation = \"{generation}\" }}\n\
         [upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\n{more}\n\
         [[route]]\nbuffering = {{ response = false }}\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    )
}

fn echoes(client: &mut Client) {
    client.send("hello").unwrap();
    assert_eq!(client.take(5).unwrap(), b"hello");
}

#[test]
fn a_websocket_survives_reloads() {
    let backend = lasting();
    let gateway = start(&http(&backend, "", "10m"));
    let mut client = tunnel(&gateway);
    echoes(&mut client);
    // The same upstream, another one, none at all.
    reload(&gateway, &http(&backend, "", "10m"));
    echoes(&mut client);
    reload(&gateway, &http(&backend, "queue = { size = 7 }", "10m"));
    echoes(&mut client);
    reload(&gateway, &fixed("x"));
    echoes(&mut client);
}

#[test]
fn tunnels_and_streams_of_a_changed_upstream_have_a_deadline() {
    let backend = lasting();
    let gateway = start(&http(&backend, "", "10m"));
    let mut client = tunnel(&gateway);
    let mut stream = Client::connect(gateway.addr()).unwrap();
    stream.send_request("GET", "/stream", &[], b"").unwrap();
    stream.read_head().unwrap();
    assert_eq!(stream.take(10).unwrap(), b"5\r\nfirst\r\n");
    // Nothing has changed for those: they go on.
    reload(&gateway, &http(&backend, "", "50ms"));
    let mut other = tunnel(&gateway);
    reload(&gateway, &http(&backend, "queue = { size = 7 }", "50ms"));
    assert_eq!(client.rest().unwrap(), b"");
    assert_eq!(other.rest().unwrap(), b"");
    // No final chunk: what is cut off looks cut off.
    assert_eq!(stream.rest().unwrap_or_default(), b"");
    backend.wait_ended(3).unwrap();
    wait_told(&gateway, "ending what an earlier configuration began", 1);
    gateway.wait_errors("reason=\"retired\"").unwrap();
    echoes(&mut tunnel(&gateway));
}

#[test]
fn proxies_are_trusted_as_the_new_configuration_says() {
    let backend = Scripted::start(serving).unwrap();
    let server = |trust: &str| {
        format!(
            "[server]\ntemp_dir = \"{{dir}}\"\n{trust}\n{}",
            with(&backend, "")
        )
    };
    let gateway = start(&server(""));
    let mut client = Client::connect(gateway.addr()).unwrap();
    let fields = [("X-Forwarded-For", "192.0.2.7"), ("True-Client-IP", "192.0.2.8")];
    client.request("GET", "/", &fields, b"").unwrap();
    for trust in [
        "trusted_proxies = [\"127.0.0.0/8\"]",
        "trusted_proxies = [\"127.0.0.0/8\"]\nclient_ip = { from = \"True-Client-IP\" }",
        "trusted_proxies = [\"unix\"]",
    ] {
        reload(&gateway, &server(trust));
        client.request("GET", "/", &fields, b"").unwrap();
    }
    let requests = backend.wait_requests(4).unwrap();
    let clients: Vec<_> = requests
        .iter()
        .map(|request| request.param("REMOTE_ADDR"))
        .collect();
    assert_eq!(
        clients,
        [
            Some("127.0.0.1"),
            Some("192.0.2.7"),
            Some("192.0.2.8"),
            Some("127.0.0.1")
        ]
    );
}

#[test]
fn a_reload_changes_whose_connections_are_announced() {
    let config = |more: &str| {
        format!(
            "[[listen]]\naddress = \"unix:{{dir}}/front.sock\"\n{more}\n[[route]]\nrespond = {{ body = \"fixed\" }}\n"
        )
    };
    let gateway = start(&config(""));
    let ask = |start: &[u8]| {
        let mut stream = UnixStream::connect(gateway.dir().join("front.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let request = b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n";
        stream.write_all(&[start, request].concat()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let both = || [ask(b""), ask(b"PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n")];
    assert_eq!(both(), ["200", "400"]);
    reload(&gateway, &config("proxy_protocol = { from = [\"unix\"] }"));
    assert_eq!(both(), ["400", "200"]);
    reload(&gateway, &config(""));
    assert_eq!(both(), ["200", "400"]);
}

#[test]
fn applications_get_host_and_path_as_the_new_configuration_says() {
    let backend = Scripted::start(|mut connection| {
        loop {
            connection.read_http()?;
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        }
    })
    .unwrap();
    let config = |more: &str| {
        format!(
            "[upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\nkeep_alive = 1\n{more}\n\
             [[route]]\nproxy = {{ upstream = \"app\" }}\n",
            backend.address()
        )
    };
    let gateway = start(&config(""));
    let mut client = Client::connect(gateway.addr()).unwrap();
    let settings = [
        "",
        "host = \"a.example\"",
        "host = \"b.example\"\nnormalize = true",
        "",
    ];
    for more in settings {
        reload(&gateway, &config(more));
        assert_eq!(client.request("GET", "/a//b", &[], b"").unwrap().status, 200);
    }
    let requests = backend.requests();
    let seen: Vec<_> = requests
        .iter()
        .map(|request| (request.line.as_str(), request.param("host").unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ("GET /a//b HTTP/1.1", "test.example"),
            ("GET /a//b HTTP/1.1", "a.example"),
            ("GET /a/b HTTP/1.1", "b.example"),
            ("GET /a//b HTTP/1.1", "test.example"),
        ]
    );
    assert_eq!(backend.connections(), 1, "kept over all of them");
}

#[test]
fn a_deadline_that_is_long_does_not_keep_the_process() {
    let backend = lasting();
    let mut gateway = start(&http(&backend, "", "10m"));
    let mut client = tunnel(&gateway);
    reload(&gateway, &fixed("x"));
    echoes(&mut client);
    drop(client);
    gateway.signal(Signal::TERM).unwrap();
    assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
}
