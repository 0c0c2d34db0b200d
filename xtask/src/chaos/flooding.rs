//! HTTP/2 clients that send what costs them little, on one connection after the other: each ends by a name.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::http2::{
    DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, HTTP, PING, PREFACE, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, get, put,
};

/// Attackers on threads of their own, one for each kind.
#[derive(Debug)]
pub(crate) struct Flooding {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<()>>>,
}

/// One kind of attack.
struct Attack {
    /// What the debug data of the GOAWAY begins with.
    word: &'static str,
    wire: Vec<u8>,
}

impl Flooding {
    /// Begins to attack.
    pub(crate) fn start(addr: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = attacks().into_iter().map(|attack| {
            let stop = stop.clone();
            thread::spawn(move || attack.repeat(addr, &stop))
        });
        Self {
            threads: threads.collect(),
            stop,
        }
    }

    /// Ends it. Gives what was not as it should be.
    pub(crate) fn finish(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.threads.into_iter().map(JoinHandle::join);
        let complaint = |ended: thread::Result<Result<()>>| match ended {
            Ok(ended) => ended.err().map(|error| format!("{error:#}")),
            Err(_) => Some("an attacker panicked".to_owned()),
        };
        ended.filter_map(complaint).collect()
    }
}

impl Attack {
    fn repeat(&self, addr: SocketAddr, stop: &AtomicBool) -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            self.once(addr).context(self.word)?;
            sleep(PAUSE);
        }
        Ok(())
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
    ];
    attacks
        .into_iter()
        .map(|(word, frames)| Attack {
            word,
            wire: [PREFACE, &frame(SETTINGS, 0, 0, b""), &frames[..]].concat(),
        })
        .collect()
}

const PRIORITY: u8 = 2;
const CONTINUATION: u8 = 9;
const UNKNOWN: u8 = 0x2a;
const PAUSE: Duration = Duration::from_millis(50); // nine of them: some 180 connections a second
const PATIENCE: Duration = Duration::from_secs(10);
