//! Every promise in every protocol: while nothing happens, over a reload that changes the upstream, and over a
//! replacement of the process.
//!
//! Each promise has two halves. Between them the gateway reloads, is replaced, or goes on.

mod application;
mod column;

use std::thread;

use anyhow::{Result, ensure};
use testbed::Client;

use application::LARGE;
use column::{Column, Event};

use crate::http::proxy_protocol::LINE;
use crate::spoken::PROTOCOLS;

const EVENTS: [Event; 3] = [Event::Nothing, Event::Reload, Event::Replacement];

/// A promise, and how it is put to the test.
struct Promise {
    what: &'static str,
    /// The upstream, which has one worker, and settings besides its size.
    upstream: (&'static str, &'static str),
    before: fn(&Column) -> Result<Vec<Client>>,
    after: fn(&Column, Vec<Client>) -> Result<()>,
    /// The protocols that it means nothing to, and why.
    missing: &'static [(&'static str, &'static str)],
}

const PROMISES: [Promise; 10] = [
    Promise {
        what: "a full pool queues",
        upstream: ("full", ""),
        before: fill,
        after: empty,
        missing: &[],
    },
    Promise {
        what: "a client that takes nothing holds no worker",
        upstream: ("reader", ""),
        before: take_nothing,
        after: take_all,
        missing: &[],
    },
    Promise {
        what: "a client that uploads slowly holds no worker",
        upstream: ("writer", ""),
        before: send_half,
        after: send_the_rest,
        missing: &[],
    },
    Promise {
        what: "an application that is away is waited for",
        upstream: ("away", ""),
        before: go_away,
        after: come_back,
        missing: &[],
    },
    Promise {
        what: "a crash is not seen",
        upstream: ("crash", ""),
        before: |column| column.begin("GET", "/crash/die", b""),
        after: crash,
        missing: &[],
    },
    Promise {
        what: "a held body is sent again",
        upstream: ("held", ""),
        before: |column| column.begin("PUT", "/held/die", &BODY),
        after: repeat,
        missing: &[],
    },
    Promise {
        what: "what may not be repeated is not",
        upstream: ("once", ""),
        before: |column| column.begin("POST", "/once/die", &BODY),
        after: fail,
        missing: &[],
    },
    Promise {
        what: "what is cut off looks cut off",
        upstream: ("cut", ""),
        before: cut,
        after: look_cut,
        missing: &[],
    },
    Promise {
        what: "connections that are kept make room for others",
        upstream: ("kept", "keep_alive = 1"),
        before: keep,
        after: make_room,
        missing: &[("scgi", "the end of an answer is that of its connection")],
    },
    Promise {
        what: "an announced client is known, however slowly its header comes",
        upstream: ("told", ""),
        before: announce,
        after: know,
        missing: &[],
    },
];

/// Two requests for one worker.
fn fill(column: &Column) -> Result<Vec<Client>> {
    let mut clients = column.begin("GET", "/full/wait", b"")?;
    clients.push(column.send("GET", "/full", b"")?);
    column.wait_queued("full", 1)?;
    Ok(clients)
}

fn empty(column: &Column, clients: Vec<Client>) -> Result<()> {
    ensure!(column.backend("full").connections() == 2, "more than one at once");
    column.go_on("full");
    for mut client in clients {
        column.answered(&mut client, "done")?;
    }
    column.asks("/full")
}

fn take_nothing(column: &Column) -> Result<Vec<Client>> {
    let client = column.send("GET", "/reader/large", b"")?;
    // The worker has given all of it.
    column.backend("reader").wait_ended(1)?;
    Ok(vec![client])
}

fn take_all(column: &Column, clients: Vec<Client>) -> Result<()> {
    column.asks("/reader")?;
    for mut client in clients {
        let answer = client.read_final()?;
        ensure!(
            answer.complete && answer.body.len() == LARGE,
            "{} bytes",
            answer.body.len()
        );
    }
    Ok(())
}

fn send_half(column: &Column) -> Result<Vec<Client>> {
    let mut client = column.client()?;
    client.send_request("POST", "/writer", &[("Content-Length", "8")], b"half")?;
    Ok(vec![client])
}

fn send_the_rest(column: &Column, clients: Vec<Client>) -> Result<()> {
    column.asks("/writer")?;
    for mut client in clients {
        client.send("rest")?;
        column.answered(&mut client, "done")?;
    }
    let bodies: Vec<_> = column.bodies("writer");
    ensure!(bodies == [b"".as_slice(), b"halfrest"], "{bodies:?}");
    Ok(())
}

/// The name of the socket vanishes.
fn go_away(column: &Column) -> Result<Vec<Client>> {
    column.asks("/away")?;
    column.rename("s", "away")?;
    let client = column.send("GET", "/away", b"")?;
    column.wait_queued("away", 1)?;
    Ok(vec![client])
}

/// What comes meanwhile waits too.
fn come_back(column: &Column, mut clients: Vec<Client>) -> Result<()> {
    clients.push(column.send("GET", "/away", b"")?);
    let waiting = if column.is_replaced() { 1 } else { 2 };
    column.wait_queued("away", waiting)?;
    column.rename("away", "s")?;
    for mut client in clients {
        column.answered(&mut client, "done")?;
    }
    column.asks("/away")
}

fn crash(column: &Column, clients: Vec<Client>) -> Result<()> {
    column.go_on("crash");
    for mut client in clients {
        column.answered(&mut client, "done")?;
    }
    ensure!(column.backend("crash").requests().len() == 3);
    column.asks("/crash")
}

fn repeat(column: &Column, clients: Vec<Client>) -> Result<()> {
    column.go_on("held");
    for mut client in clients {
        column.answered(&mut client, "done")?;
    }
    let bodies = column.bodies("held");
    ensure!(
        bodies == [b"".as_slice(), &BODY, &BODY],
        "{} bodies",
        bodies.len()
    );
    column.asks("/held")
}

fn fail(column: &Column, clients: Vec<Client>) -> Result<()> {
    column.go_on("once");
    for mut client in clients {
        let answer = client.read_final()?;
        let reason = answer.header("bridgehead-error");
        ensure!(
            (answer.status, reason) == (502, Some("backend_closed")),
            "{} {reason:?}",
            answer.status
        );
    }
    ensure!(column.backend("once").requests().len() == 2);
    column.asks("/once")
}

fn cut(column: &Column) -> Result<Vec<Client>> {
    column.begin("GET", "/cut/off", b"")
}

fn look_cut(column: &Column, clients: Vec<Client>) -> Result<()> {
    column.go_on("cut");
    for mut client in clients {
        let answer = client.read_final()?;
        ensure!(answer.status == 200 && !answer.complete, "{}", answer.status);
    }
    column.asks("/cut")
}

fn keep(column: &Column) -> Result<Vec<Client>> {
    column.asks("/kept")?;
    column.asks("/kept")?;
    ensure!(column.backend("kept").connections() == 1, "not kept");
    Ok(Vec::new())
}

/// Another upstream at the same address: the only worker has a connection that the first one keeps.
fn make_room(column: &Column, _: Vec<Client>) -> Result<()> {
    column.asks("/other")?;
    column.asks("/kept")
}

/// One client is known and waits for its answer, of another one half a header has come.
fn announce(column: &Column) -> Result<Vec<Client>> {
    let mut known = column.announced_client()?;
    known.send(LINE)?;
    known.send_request("GET", "/told/wait", &[], b"")?;
    column.backend("told").wait_requests(1)?;
    let mut slow = column.announced_client()?;
    slow.send(&LINE[..20])?;
    // It is accepted after the slow one.
    let mut last = column.announced_client()?;
    last.send(LINE)?;
    last.send_request("GET", "/told", &[], b"")?;
    column.wait_queued("told", 1)?;
    Ok(vec![known, slow, last])
}

fn know(column: &Column, mut clients: Vec<Client>) -> Result<()> {
    clients[1].send(&LINE[20..])?;
    clients[1].send_request("GET", "/told", &[], b"")?;
    column.go_on("told");
    for client in &mut clients {
        column.answered(client, "done")?;
    }
    let addresses = column.params("told", "REMOTE_ADDR", "x-real-ip");
    ensure!(addresses == ["192.0.2.9"; 3], "{addresses:?}");
    Ok(())
}

/// Bytes of a body that comes in several reads.
static BODY: [u8; 100_000] = [b'x'; 100_000];

#[test]
fn each_promise_is_kept_in_each_protocol_whatever_happens_meanwhile() {
    let columns = PROTOCOLS
        .into_iter()
        .flat_map(|protocol| EVENTS.map(|event| (protocol, event)));
    let broken: Vec<String> = thread::scope(|scope| {
        let columns: Vec<_> = columns
            .map(|(protocol, event)| scope.spawn(move || broken(protocol, event)))
            .collect();
        columns
            .into_iter()
            .flat_map(|column| column.join().unwrap())
            .collect()
    });
    assert!(
        broken.is_empty(),
        "{} cells:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

/// All promises in one protocol, with one event for all of them; gives those that are not kept.
fn broken(protocol: &'static str, event: Event) -> Vec<String> {
    let exists = |promise: &&Promise| promise.missing.iter().all(|(missing, _)| *missing != protocol);
    let promises: Vec<_> = PROMISES.iter().filter(exists).collect();
    let mut column = Column::start(protocol, promises.iter().map(|promise| promise.upstream));
    let begun: Vec<_> = promises.iter().map(|promise| (promise.before)(&column)).collect();
    column.pass(event);
    let mut broken = Vec::new();
    for (promise, begun) in promises.iter().zip(begun) {
        let ended = begun.and_then(|clients| (promise.after)(&column, clients));
        let what = promise.what;
        broken.extend(
            ended
                .err()
                .map(|error| format!("{protocol}, {event:?}: {what}: {error:#}")),
        );
    }
    broken
}
