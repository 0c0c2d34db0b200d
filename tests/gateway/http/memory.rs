//! What bodies hold in memory, all together.

use std::time::{Duration, Instant};

use super::frames::*;
use super::site::Site;

const CONNECTIONS: usize = 20;
const UPLOADS: u32 = 100; // on each
const PIECE: usize = 16 * 1024; // bytes, of a frame
const PIECES: usize = 3; // within the first window of a stream
const MEMORY: u64 = 16 * 1024 * 1024; // spool.memory
const LEFT: u64 = 4 * 1024; // bytes of a body that are gathered for the disk at most

const POST: [(&str, &str); 4] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/first"),
    (":authority", "a.example"),
];

/// A client that keeps to the window of its connection.
struct Uploader {
    http: Http2,
    window: usize,
}

impl Uploader {
    fn begin(site: &Site) -> Self {
        Self {
            http: site.http2(),
            window: 65_535,
        }
    }

    /// Sends a piece as soon as there is room for it.
    fn send(&mut self, stream: u32) {
        while self.window < PIECE {
            let (kind, _, of, payload) = self.http.next().unwrap();
            if kind == WINDOW_UPDATE && of == 0 {
                self.window += u32::from_be_bytes(payload.try_into().unwrap()) as usize;
            }
        }
        self.http.frame(DATA, 0, stream, &[b'x'; PIECE]);
        self.window -= PIECE;
    }
}

/// What bodies have in memory and on disk.
fn held(site: &Site) -> (u64, u64) {
    let page = site.request("GET", "/status", &[], b"").text();
    let value = |name: &str| {
        let value = page
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap().parse().unwrap()
    };
    (
        value("bridgehead_spool_memory_bytes"),
        value("bridgehead_spool_bytes"),
    )
}

#[test]
fn unfinished_uploads_stay_within_the_memory_of_all() {
    let site = Site::with(
        "spool = { memory = \"16MiB\" }",
        "[[route]]\npath = \"/status\"\nstatus = {}",
    );
    let before = site.gateway.rss();
    let mut clients: Vec<_> = (0..CONNECTIONS).map(|_| Uploader::begin(&site)).collect();
    for stream in (0..UPLOADS).map(|number| 2 * number + 1) {
        for client in &mut clients {
            client.http.headers(stream, &POST, 0);
            (0..PIECES).for_each(|_| client.send(stream));
        }
    }
    let sent = (CONNECTIONS * UPLOADS as usize * PIECES * PIECE) as u64;
    let streams = CONNECTIONS as u64 * u64::from(UPLOADS);
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let (memory, disk) = held(&site);
        // What is gathered for the disk has its place there already.
        if memory + disk >= sent && memory <= MEMORY + streams * LEFT {
            break;
        }
        assert!(
            Instant::now() < end,
            "{memory} in memory, {disk} on disk of {sent}"
        );
    }
    let grown = site.gateway.peak().saturating_sub(before);
    assert!(grown < 128 * 1024 * 1024, "{grown} bytes more");
    assert_eq!(site.backend.connections(), 0);
    drop(clients);
    let end = Instant::now() + Duration::from_secs(10);
    while held(&site) != (0, 0) {
        assert!(Instant::now() < end, "{:?} not given back", held(&site));
    }
}

// The memory is used up before they begin: their windows are small, and still they are served.
#[test]
fn uploads_go_on_when_no_memory_is_left() {
    let site = Site::with("spool = { memory = 0 }", "");
    let mut http = site.http2();
    let body = vec![b'x'; 16 * 1024];
    let outcome = http.ask(&POST, &body);
    assert_eq!(
        outcome,
        Outcome::Answer(200, format!("POST /first {}", body.len()))
    );
    let (_, _, _, settings) = site.http2().next().unwrap();
    let window = settings.chunks(6).find(|setting| setting[..2] == [0, 4]).unwrap();
    assert_eq!(window[2..], (16 * 1024_u32).to_be_bytes());
}
