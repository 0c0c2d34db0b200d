//! More requests than workers: the queue in front of the slots.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use testbed::{Client, Gateway, Scripted, eventually};

use super::{assert_logged, assert_refused, config, gateway, logged};
use crate::lifecycle::reload::reload;
use crate::start;

/// A backend that answers each request when it is told to.
fn patient() -> (Scripted, mpsc::Sender<()>) {
    let (go, gone) = mpsc::channel();
    let gone = Arc::new(Mutex::new(gone));
    let backend = Scripted::start(move |mut connection| {
        let request = connection.read_fastcgi()?;
        gone.lock().unwrap().recv()?;
        connection.fastcgi_response(request.id, b"Content-Type: text/plain\r\n\r\nhello")
    })
    .unwrap();
    (backend, go)
}

/// A request on its way.
fn send(gateway: &Gateway, target: &str) -> Client {
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.send_request("GET", target, &[], b"").unwrap();
    client
}

#[test]
fn a_full_queue_and_a_late_turn_are_told_apart() {
    let (backend, go) = patient();
    let gateway = gateway(
        &[&backend.address()],
        "max_connections = 1\nqueue = { size = 1, timeout = \"500ms\" }",
    );
    let mut first = send(&gateway, "/1");
    backend.wait_requests(1).unwrap();
    let asked = Instant::now();
    let mut second = send(&gateway, "/2");
    // The second one has its place when the third one is turned away, whichever of them came first.
    let mut third = send(&gateway, "/3");
    let (mut late, mut early) = (second.read_response().unwrap(), third.read_response().unwrap());
    if late.header("bridgehead-error") == Some("queue_full") {
        std::mem::swap(&mut late, &mut early);
    }
    assert_refused(&early, 503, "queue_full");
    assert_refused(&late, 503, "queue_timeout");
    assert!(
        asked.elapsed() >= Duration::from_millis(450),
        "{:?}",
        asked.elapsed()
    );
    assert_logged(&gateway, 0, 503, "queue_full");
    let line = assert_logged(&gateway, 1, 503, "queue_timeout");
    assert_eq!(line["attempts"], 0, "{line}");
    let waited = line["queue_us"].as_u64().expect("it has waited");
    assert!(
        waited >= 450_000 && waited <= line["total_us"].as_u64().unwrap(),
        "{line}"
    );
    // The later one: what was logged before it is there, too.
    let log = gateway.wait_errors("no free worker in time").unwrap();
    assert!(log.contains("queue is full"), "{log}");
    go.send(()).unwrap();
    assert_eq!(first.read_response().unwrap().text(), "hello");
    assert_eq!(backend.connections(), 1);
}

#[test]
fn a_queue_of_nobody_turns_everybody_away() {
    let (backend, go) = patient();
    let gateway = gateway(&[&backend.address()], "max_connections = 1\nqueue = { size = 0 }");
    let mut first = send(&gateway, "/1");
    backend.wait_requests(1).unwrap();
    assert_refused(&send(&gateway, "/2").read_response().unwrap(), 503, "queue_full");
    go.send(()).unwrap();
    assert_eq!(first.read_response().unwrap().text(), "hello");
}

#[test]
fn everybody_in_the_queue_has_a_turn() {
    let (backend, go) = patient();
    let gateway = gateway(&[&backend.address()], "max_connections = 1");
    let mut clients: Vec<_> = (0..8)
        .map(|number| send(&gateway, &format!("/{number}")))
        .collect();
    for count in 1..=clients.len() {
        backend.wait_requests(count).unwrap();
        assert_eq!(backend.connections(), count, "one worker serves one request");
        go.send(()).unwrap();
    }
    for client in &mut clients {
        assert_eq!(client.read_response().unwrap().text(), "hello");
    }
}

#[test]
fn clients_that_share_the_workers_have_turns_also_over_a_reload() {
    let (backend, go) = patient();
    let text = |size| {
        let settings = format!(
            "max_connections = 1\nqueue = {{ size = {size} }}\nfair = {{ key = \"$http_x_client\", share = 100 }}"
        );
        config(&[&backend.address()], &settings)
            + "[[route]]\npath = \"/status\"\nstatus = { format = \"json\" }\n"
    };
    let gateway = start(&text(3));
    let send = |client, target| {
        let mut connection = Client::connect(gateway.addr()).unwrap();
        let fields = [("X-Client", client)];
        connection.send_request("GET", target, &fields, b"").unwrap();
        connection
    };
    let queue = || {
        let mut client = Client::connect(gateway.addr()).unwrap();
        let status = client.request("GET", "/status", &[], b"").unwrap();
        let seen: serde_json::Value = serde_json::from_str(&status.text()).unwrap();
        seen["upstreams"][0]["queue"].clone()
    };
    let mut clients = vec![send("greedy", "/0")];
    backend.wait_requests(1).unwrap();
    for (number, target) in ["/1", "/2", "/3"].into_iter().enumerate() {
        clients.push(send("greedy", target));
        eventually("the greedy client waits", || queue()["length"] == number + 1);
    }
    // There is room for it in the full queue: the last one that came goes.
    clients.push(send("other", "/4"));
    assert_refused(&clients.remove(3).read_response().unwrap(), 503, "queue_full");
    let now = queue();
    assert_eq!(
        (&now["length"], &now["clients"], &now["displaced"]),
        (&3.into(), &2.into(), &1.into()),
        "{now}"
    );
    reload(&gateway, &text(4));
    for count in 1..=4 {
        backend.wait_requests(count).unwrap();
        go.send(()).unwrap();
    }
    for client in &mut clients {
        assert_eq!(client.read_response().unwrap().text(), "hello");
    }
    let targets = backend
        .requests()
        .into_iter()
        .map(|request| request.param("REQUEST_URI").map(str::to_owned));
    assert_eq!(targets.flatten().collect::<Vec<_>>(), ["/0", "/4", "/1", "/2"]);
}

/// A gateway that takes a client that closes its side for gone soon after.
fn impatient(backend: &Scripted, settings: &str) -> Gateway {
    let server = "[server]\ntemp_dir = \"{dir}\"\ntimeouts = { head = \"500ms\" }\n";
    start(&(server.to_owned() + &config(&[&backend.address()], settings)))
}

#[test]
fn who_leaves_the_queue_gives_the_place_up() {
    let (backend, go) = patient();
    let gateway = impatient(&backend, "max_connections = 1\nqueue = { size = 1 }");
    let mut first = send(&gateway, "/1");
    backend.wait_requests(1).unwrap();
    drop(send(&gateway, "/2"));
    let line = assert_logged(&gateway, 0, 499, "client_gone");
    assert_eq!(
        (line["target"].as_str(), line["attempts"].as_u64()),
        (Some("/2"), Some(0)),
        "{line}"
    );
    let mut third = send(&gateway, "/3");
    go.send(()).unwrap();
    assert_eq!(first.read_response().unwrap().text(), "hello");
    go.send(()).unwrap();
    assert_eq!(third.read_response().unwrap().text(), "hello");
    let targets = backend
        .requests()
        .into_iter()
        .map(|request| request.param("REQUEST_URI").map(str::to_owned));
    assert_eq!(targets.flatten().collect::<Vec<_>>(), ["/1", "/3"]);
}

/// GC-84, GC-09: closing is the only way to give up that every application understands.
#[test]
fn who_leaves_while_the_application_works_frees_it() {
    let (closed, at) = mpsc::channel();
    let backend = Scripted::start(move |mut connection| {
        connection.read_fastcgi()?;
        closed.send(connection.wait_close()?)?;
        Ok(())
    })
    .unwrap();
    let gateway = impatient(&backend, "");
    let client = send(&gateway, "/1");
    backend.wait_requests(1).unwrap();
    let left = Instant::now();
    drop(client);
    assert_eq!(
        at.recv_timeout(Duration::from_secs(5)).unwrap(),
        b"",
        "no ABORT_REQUEST"
    );
    assert!(left.elapsed() < Duration::from_secs(1), "{:?}", left.elapsed());
    let line = assert_logged(&gateway, 0, 499, "client_gone");
    assert_eq!(line["attempts"], 1);
    assert!(!gateway.errors().contains("WARN request"), "{}", gateway.errors());
}

#[test]
fn who_leaves_inside_the_answer_frees_the_application() {
    let backend = Scripted::start(|mut connection| {
        connection.read_fastcgi()?;
        loop {
            connection.write_record(
                6,
                1,
                &[b"Status: 200\r\n\r\n".as_slice(), &[b'x'; 32_000]].concat(),
            )?;
        }
    })
    .unwrap();
    let gateway = impatient(&backend, "");
    let mut client = send(&gateway, "/1");
    assert_eq!(client.read_head().unwrap().status, 200);
    drop(client);
    backend.wait_ended(1).unwrap();
    assert_logged(&gateway, 0, 200, "client_gone");
}

#[test]
fn an_application_that_must_finish_does() {
    let (backend, go) = patient();
    let settings = config(&[&backend.address()], "max_connections = 1");
    let gateway = start(&format!(
        "[server]\ntemp_dir = \"{{dir}}\"\ntimeouts = {{ head = \"500ms\" }}\n{settings}ignore_client_abort = true\n"
    ));
    let client = send(&gateway, "/1");
    backend.wait_requests(1).unwrap();
    drop(client);
    assert_logged(&gateway, 0, 499, "client_gone");
    let mut second = send(&gateway, "/2");
    go.send(()).unwrap();
    backend.wait_requests(2).unwrap();
    go.send(()).unwrap();
    assert_eq!(second.read_response().unwrap().text(), "hello");
    assert_eq!(logged(&gateway, 1)["status"], 200);
}
