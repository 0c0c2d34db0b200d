//! Every deadline in every state of a client connection: it ends the state, or it leaves it alone.
//!
//! In each cell one deadline is short and all others are a minute. A cell whose deadline stands behind its state ends by
//! it, as the table says; every other one goes on for some times that long, and then ends well.

mod cell;
mod http1;
mod http2;
mod place;
#[cfg(feature = "tls")]
mod tls;

use std::sync::Arc;
use std::thread;

use anyhow::Result;

use cell::Cell;
use place::{Level, Place};

/// The deadlines: those of `[server] timeouts`, those of an upstream, and that of its queue. With PINGs there are
/// clients that answer them and others.
const TIMERS: [&str; 13] = [
    "handshake",
    "idle",
    "head",
    "body",
    "send",
    "linger",
    "tunnel",
    "h2_ping",
    "h2_ping, answered",
    "upstream.send",
    "upstream.head",
    "upstream.read",
    "queue.timeout",
];

/// A state of a connection, and the deadlines that end it.
struct Row {
    version: &'static str,
    state: &'static str,
    /// Brings a connection into the state, and tells what became of it.
    play: fn(&Cell) -> Result<String>,
    /// The others leave it alone.
    ends: &'static [(&'static str, &'static str)],
}

const fn row(
    version: &'static str,
    state: &'static str,
    play: fn(&Cell) -> Result<String>,
    ends: &'static [(&'static str, &'static str)],
) -> Row {
    Row {
        version,
        state,
        play,
        ends,
    }
}

/// What happens is said from the client's side, with the status and the reason of the access log where there is a line.
const ROWS: [Row; 27] = [
    row(
        "HTTP/1",
        "in a PROXY header",
        http1::announcing,
        &[("handshake", "closed")],
    ),
    row("HTTP/1", "nothing said", http1::fresh, &[("idle", "closed")]),
    row("HTTP/1", "between requests", http1::idle, &[("idle", "closed")]),
    row(
        "HTTP/1",
        "in a head",
        http1::head,
        &[("head", "answered 408 client_timeout")],
    ),
    row(
        "HTTP/1",
        "in a body",
        http1::body,
        &[("body", "answered 408 client_timeout")],
    ),
    row(
        "HTTP/1",
        "in a streamed body",
        http1::streamed_body,
        &[("body", "answered 408 client_timeout")],
    ),
    row(
        "HTTP/1",
        "in a body that is dropped",
        http1::dropped_body,
        &[("body", "closed 200")],
    ),
    row(
        "HTTP/1",
        "in a body that the application does not take",
        http1::refused_body,
        &[("upstream.send", "answered 504 send_timeout")],
    ),
    row(
        "HTTP/1",
        "in the queue",
        http1::queued,
        &[("queue.timeout", "answered 503 queue_timeout")],
    ),
    row(
        "HTTP/1",
        "the application works",
        http1::working,
        &[("upstream.head", "answered 504 head_timeout")],
    ),
    row(
        "HTTP/1",
        "the same, half-closed",
        http1::half_closed,
        &[
            ("head", "closed 499 client_gone"),
            ("upstream.head", "answered 504 head_timeout"),
        ],
    ),
    row(
        "HTTP/1",
        "the application pauses in its answer",
        http1::pausing,
        &[("upstream.read", "cut 200 read_timeout")],
    ),
    row(
        "HTTP/1",
        "the client takes nothing of its answer",
        http1::sending,
        &[("send", "cut 200 client_gone")],
    ),
    row(
        "HTTP/1",
        "a silent tunnel",
        http1::tunnel,
        &[("tunnel", "closed 101")],
    ),
    row(
        "HTTP/1",
        "a tunnel whose client takes nothing",
        http1::full_tunnel,
        &[("tunnel", "closed 101")],
    ),
    row(
        "HTTP/1",
        "closing",
        http1::closing,
        &[("linger", "closed 413 body_too_large")],
    ),
    row("HTTP/2", "in a preface", http2::preface, &[("head", "closed")]),
    row(
        "HTTP/2",
        "no SETTINGS yet",
        http2::greeted,
        &[("idle", "goodbye"), ("h2_ping", "goodbye")],
    ),
    row(
        "HTTP/2",
        "between requests",
        http2::idle,
        &[("idle", "goodbye"), ("h2_ping", "goodbye")],
    ),
    row(
        "HTTP/2",
        "in a head",
        http2::head,
        &[
            ("head", "goodbye"),
            ("idle", "told to go"),
            ("h2_ping", "goodbye"),
            ("h2_ping, answered", "goodbye"),
        ],
    ),
    row(
        "HTTP/2",
        "in a body",
        http2::body,
        &[
            ("body", "answered 408 client_timeout"),
            ("h2_ping", "goodbye 499 client_gone"),
        ],
    ),
    row(
        "HTTP/2",
        "in a streamed body",
        http2::streamed_body,
        &[
            ("body", "answered 408 client_timeout"),
            ("h2_ping", "goodbye 499 client_gone"),
        ],
    ),
    row(
        "HTTP/2",
        "in a body that the application does not take",
        http2::refused_body,
        &[
            ("upstream.send", "answered 504 send_timeout"),
            ("h2_ping", "goodbye 499 client_gone"),
        ],
    ),
    row(
        "HTTP/2",
        "in the queue",
        http2::queued,
        &[
            ("queue.timeout", "answered 503 queue_timeout"),
            ("h2_ping", "goodbye 499 client_gone"),
        ],
    ),
    row(
        "HTTP/2",
        "the application works",
        http2::working,
        &[
            ("upstream.head", "answered 504 head_timeout"),
            ("h2_ping", "goodbye 499 client_gone"),
        ],
    ),
    row(
        "HTTP/2",
        "the application pauses in its answer",
        http2::pausing,
        &[
            ("upstream.read", "cut 200 read_timeout"),
            ("h2_ping", "goodbye 200 client_gone"),
        ],
    ),
    row(
        "HTTP/2",
        "the client takes nothing of its answer",
        http2::sending,
        &[
            ("send", "cut 200 client_gone"),
            ("h2_ping", "goodbye 200 client_gone"),
        ],
    ),
];

/// All of them: with TLS there are more.
fn rows() -> impl Iterator<Item = &'static Row> {
    #[cfg(feature = "tls")]
    let more = &tls::ROWS[..];
    #[cfg(not(feature = "tls"))]
    let more = &[];
    ROWS.iter().chain(more)
}

/// States that one of the versions does not have.
const MISSING: [(&str, &str, &str); 9] = [
    ("HTTP/2", "in a PROXY header", "it is what is not known yet"),
    ("HTTP/1", "in a preface", "it is what is not known yet"),
    ("HTTP/1", "no SETTINGS yet", "it has none"),
    ("HTTP/2", "nothing said", "it is what is not known yet"),
    (
        "HTTP/2",
        "in a body that is dropped",
        "the stream is reset, and its window given back",
    ),
    (
        "HTTP/2",
        "the same, half-closed",
        "the end of the client's side is the end of all streams",
    ),
    ("HTTP/2", "a silent tunnel", "CONNECT is refused"),
    (
        "HTTP/2",
        "a tunnel whose client takes nothing",
        "CONNECT is refused",
    ),
    (
        "HTTP/2",
        "closing",
        "between GOAWAY and the end there are streams and PINGs, with their own deadlines",
    ),
];

/// States that a deadline of a listener ends, and that of a route does not: those of the connection itself.
const OF_CONNECTIONS: [(&str, &str); 1] = [("in a body that is dropped", "body")];

#[test]
fn each_deadline_ends_its_own_states_and_no_others() {
    assert_ends(Level::Server);
}

#[test]
fn each_deadline_of_a_listener_ends_the_same_states() {
    assert_ends(Level::Listener);
}

#[test]
fn each_deadline_of_a_route_ends_the_same_states() {
    assert_ends(Level::Route);
}

fn assert_ends(level: Level) {
    let wrong: Vec<String> = thread::scope(|scope| {
        let cells: Vec<_> = TIMERS
            .into_iter()
            .filter(|timer| level.has(timer))
            .flat_map(|timer| {
                ["HTTP/1", "HTTP/2"].map(|version| scope.spawn(move || column(timer, level, version)))
            })
            .collect();
        cells
            .into_iter()
            .flat_map(|cells| cells.join().unwrap())
            .collect()
    });
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
}

/// All states of a version under one short deadline, at the same time; gives what is not as the table says.
fn column(timer: &'static str, level: Level, version: &'static str) -> Vec<String> {
    let place = Arc::new(Place::start(timer, level));
    // That a deadline leaves the others alone does not depend on where it is said.
    let is_in_question = |row: &&Row| level == Level::Server || row.ends.iter().any(|(own, _)| *own == timer);
    let rows = rows().filter(|row| row.version == version).filter(is_in_question);
    thread::scope(|scope| {
        let cells: Vec<_> = rows
            .map(|row| scope.spawn(|| wrong(row, timer, level, &place)))
            .collect();
        cells
            .into_iter()
            .filter_map(|cell| cell.join().unwrap())
            .collect()
    })
}

fn wrong(row: &Row, timer: &str, level: Level, place: &Arc<Place>) -> Option<String> {
    let is_others = level == Level::Route && OF_CONNECTIONS.contains(&(row.state, timer));
    let ends = row.ends.iter().find(|(own, _)| *own == timer && !is_others);
    let wanted = ends.map_or(cell::LIVES, |(_, fate)| fate);
    let cell = Cell {
        place: place.clone(),
        id: row.state.replace([' ', ','], "-"),
        ends: ends.is_some(),
        pongs: timer != "h2_ping",
        #[cfg(feature = "tls")]
        is_http2: row.version == "HTTP/2",
    };
    let seen = (row.play)(&cell).unwrap_or_else(|error| format!("{error:#}"));
    let Row { version, state, .. } = row;
    (seen != wanted).then(|| format!("{version}, {state}, {timer}: {seen}, not {wanted}"))
}

#[test]
fn every_state_is_in_the_table_for_both_versions_or_does_not_exist() {
    let rows = rows().map(|row| (row.version, row.state));
    let mut all: Vec<_> = rows
        .chain(MISSING.map(|(version, state, _)| (version, state)))
        .collect();
    let count = all.len();
    all.sort_unstable_by_key(|(version, state)| (*state, *version));
    all.dedup();
    assert_eq!(all.len(), count, "none stands there twice");
    for pair in all.chunks(2) {
        assert!(pair.len() == 2 && pair[0].1 == pair[1].1, "{pair:?}");
    }
}
