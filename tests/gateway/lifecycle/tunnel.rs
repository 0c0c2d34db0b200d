//! Tunnels: what happens to the gateway happens to none of them.

use std::time::{Duration, Instant};

use testbed::{Client, Gateway, Signal};

use super::reload::{fixed, http, lasting, reload};
use crate::echo::{Echo, End, ended, tunnel, tunnel_http2};
use crate::start;

#[test]
fn a_busy_tunnel_lives_through_reloads_and_a_replacement_until_its_client_ends_it() {
    lives_on(tunnel);
}

#[test]
fn so_does_one_over_http_2() {
    lives_on(tunnel_http2);
}

fn lives_on<E: End>(tunnel: fn(&Gateway) -> E) {
    let backend = lasting();
    let mut gateway = start(&http(&backend, "", "10m"));
    let (first, begun) = (gateway.pid(), Instant::now());
    let echo = Echo::start(tunnel(&gateway));
    echo.go_on(20);
    // The same upstream, another one, none at all: the tunnel talks all the while.
    reload(&gateway, &http(&backend, "", "10m"));
    echo.go_on(20);
    reload(&gateway, &http(&backend, "queue = { size = 7 }", "10m"));
    echo.go_on(20);
    reload(&gateway, &lasting_server(&fixed("new")));
    echo.go_on(20);
    gateway.signal(Signal::USR2).unwrap();
    let second = gateway.follow().unwrap();
    echo.go_on(20);
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().text(), "new");
    echo.go_on(20);
    assert!(first != second && gateway.is_ours(first), "{}", gateway.errors());
    let bytes = echo.finish().unwrap();
    let ended = ended(&gateway, "client_closed");
    assert_eq!((ended.from_client, ended.from_application), (bytes, bytes));
    assert!(
        ended.seconds > 0.0 && ended.seconds <= begun.elapsed().as_secs_f64(),
        "{ended:?}"
    );
    // The tunnel was all that the first process waited for.
    assert!(gateway.wait(Duration::from_secs(10)).unwrap().success());
    backend.wait_ended(1).unwrap();
}

/// A process that waits for its tunnels as long as they like.
fn lasting_server(more: &str) -> String {
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\ntimeouts = {{ drain = \"10m\", generation = \"10m\" }}\n{more}"
    )
}
