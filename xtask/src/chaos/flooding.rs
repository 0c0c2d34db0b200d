//! HTTP/2 clients that send what costs them little. Most do so on one connection after the other: each of these ends by a
//! name. Others keep what they have.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::configuration::GENERATION;
use crate::http2::{
    DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, HTTP, PING, PREFACE, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, get, put,
};

/// Every kind of attack: the word that the GOAWAY says, or, of those that end nothing, what they are.
pub(crate) const KINDS: [&str; 11] = [
    "rapid_reset",
    "settings_flood",
    "ping_flood",
    "priority_flood",
    "window_flood",
    "small_frame_flood",
    "unknown_frame_flood",
    "continuation_flood",
    "header_list",
    UNFINISHED,
    NO_WINDOW,
];

/// Attackers on threads of their own, one for each kind.
#[derive(Debug)]
pub(crate) struct Flooding {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<usize>>>,
}

/// What became of an attack.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    /// How many connections it had.
    pub(crate) connections: usize,
    /// What was not as it should be.
    pub(crate) complaints: Vec<String>,
}

/// One kind of attack.
struct Attack {
    /// See [`KINDS`].
    word: &'static str,
    wire: Vec<u8>,
    /// Connections at a time that are kept; 0: each is sent as much that it ends.
    kept: usize,
}

impl Flooding {
    /// Begins to attack, in every way that ends its connections.
    pub(crate) fn all(addr: SocketAddr) -> Self {
        Self::with(addr, attacks().into_iter().filter(|attack| attack.kept == 0))
    }

    /// Begins to attack in one way.
    pub(crate) fn start(addr: SocketAddr, kind: &str) -> Self {
        Self::with(addr, attacks().into_iter().filter(|attack| attack.word == kind))
    }

    fn with(addr: SocketAddr, attacks: impl Iterator<Item = Attack>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = attacks.map(|attack| {
            let stop = stop.clone();
            thread::spawn(move || attack.repeat(addr, &stop))
        });
        Self {
            threads: threads.collect(),
            stop,
        }
    }

    /// Ends it.
    pub(crate) fn finish(self) -> Finished {
        self.stop.store(true, Ordering::Relaxed);
        let mut finished = Finished::default();
        for ended in self.threads.into_iter().map(JoinHandle::join) {
            match ended {
                Ok(Ok(connections)) => finished.connections += connections,
                Ok(Err(error)) => finished.complaints.push(format!("{error:#}")),
                Err(_) => finished.complaints.push("an attacker panicked".to_owned()),
            }
        }
        finished
    }
}

impl Attack {
    /// Goes on until it is stopped; gives the number of connections.
    fn repeat(&self, addr: SocketAddr, stop: &AtomicBool) -> Result<usize> {
        if self.kept > 0 {
            return self.keep(addr, stop).context(self.word);
        }
        let mut connections = 0;
        while !stop.load(Ordering::Relaxed) {
            self.once(addr).context(self.word)?;
            connections += 1;
            sleep(PAUSE);
        }
        Ok(connections)
    }

    /// As many connections as there are to be at a time, until it is stopped.
    fn keep(&self, addr: SocketAddr, stop: &AtomicBool) -> Result<usize> {
        let open = || {
            let mut stream = TcpStream::connect(addr).context("cannot connect")?;
            stream.write_all(&self.wire).context("cannot send")?;
            Ok(stream)
        };
        let streams: Vec<_> = (0..self.kept).map(|_| open()).collect::<Result<_>>()?;
        while !stop.load(Ordering::Relaxed) {
            sleep(PAUSE);
        }
        Ok(streams.len())
    }

    /// One connection, to its end.
    fn once(&self, addr: SocketAddr) -> Result<()> {
        let mut stream = TcpStream::connect(addr).context("cannot connect")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // Its end may be faster.
        let _ = stream.write_all(&self.wire);
        let mut named = false;
        while let Ok(Frame { kind, payload, .. }) = Frame::read(&mut stream) {
            let word = payload.get(8..).unwrap_or_default();
            named |= kind == GOAWAY && word.starts_with(self.word.as_bytes());
        }
        ensure!(named, "the connection has not ended by its name");
        Ok(())
    }
}

/// With frames for several times what a connection may send.
fn attacks() -> Vec<Attack> {
    let frame = |kind, flags, stream, payload: &[u8]| {
        let mut frame = Vec::new();
        put(kind, flags, stream, payload, &mut frame);
        frame
    };
    let head = get(HTTP, "/ledger", "chaos.example");
    let opened = |stream| frame(HEADERS, END_HEADERS, stream, &head);
    let resets = (1..2000).step_by(2).flat_map(|stream| {
        let reset = frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]);
        [opened(stream), reset].concat()
    });
    let windows = [
        frame(SETTINGS, 0, 0, &[0, 4, 0, 16, 0, 0]),
        frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]),
    ];
    // A field of 4,000 bytes, and references to it.
    let bomb = [&head[..], b"\x40\x01x\x7f\xa1\x1e", &[b'v'; 4000], &[0xbe; 1000]].concat();
    let fixed = get(HTTP, GENERATION, "chaos.example");
    let stalled = (1..200)
        .step_by(2)
        .map(|stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &fixed));
    let no_window = frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let attacks = [
        ("rapid_reset", resets.collect()),
        (
            "settings_flood",
            [opened(1), windows.concat().repeat(500)].concat(),
        ),
        ("ping_flood", frame(PING, 0, 0, b"01234567").repeat(1000)),
        (
            "priority_flood",
            frame(PRIORITY, 0, 1, b"\0\0\0\0\x10").repeat(1000),
        ),
        (
            "window_flood",
            frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(5000),
        ),
        (
            "small_frame_flood",
            [opened(1), frame(DATA, 0, 1, b"").repeat(1000)].concat(),
        ),
        (
            "unknown_frame_flood",
            frame(UNKNOWN, 0, 0, b"unknown").repeat(1000),
        ),
        (
            "continuation_flood",
            [
                frame(HEADERS, 0, 1, &head),
                frame(CONTINUATION, 0, 1, b"").repeat(1000),
            ]
            .concat(),
        ),
        ("header_list", frame(HEADERS, END_HEADERS | END_STREAM, 1, &bomb)),
        (UNFINISHED, frame(HEADERS, END_STREAM, 1, &head)),
        (
            NO_WINDOW,
            [no_window].into_iter().chain(stalled).flatten().collect(),
        ),
    ];
    attacks
        .into_iter()
        .map(|(word, frames)| Attack {
            word,
            wire: [PREFACE, &frame(SETTINGS, 0, 0, b""), &frames[..]].concat(),
            kept: match word {
                UNFINISHED => 200,
                NO_WINDOW => 50,
                _ => 0,
            },
        })
        .collect()
}

const UNFINISHED: &str = "heads that never end";
const NO_WINDOW: &str = "streams without a window";
const PRIORITY: u8 = 2;
const CONTINUATION: u8 = 9;
const UNKNOWN: u8 = 0x2a;
const PAUSE: Duration = Duration::from_millis(50); // nine of them: some 180 connections a second
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_an_attack() {
        let words: Vec<_> = attacks().iter().map(|attack| attack.word).collect();
        assert_eq!(words, KINDS);
    }
}
