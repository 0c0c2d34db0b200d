//! Two PHP workers and a thousand clients in no hurry: everybody else is served as if those were not there.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use testbed::{Backend, Client, Gateway, Kind, Options};

use crate::start;

/// Clients in no hurry.
const SLOW: usize = 1000;

/// Ordinary requests beside them.
const ORDINARY: usize = 50;

/// Bytes of an answer that is read slowly.
const LARGE: usize = 1024 * 1024;

struct Site {
    gateway: Gateway,
    _backend: Backend,
}

impl Site {
    fn start() -> Self {
        testbed::allow_descriptors(8 * 1024).unwrap();
        let kind = Kind::PhpFpm;
        let backend = kind
            .start(&Options {
                workers: 2,
                ..Options::default()
            })
            .unwrap();
        let gateway = start(&format!(
            "[upstream.app]\nprofile = \"php-fpm\"\nendpoints = [\"{}\"]\nmax_connections = 2\n\
             queue = {{ size = 4096, timeout = \"60s\" }}\n\
             [[listen]]\naddress = \"127.0.0.1:0\"\n[[listen]]\naddress = \"unix:{{dir}}/front\"\n\
             [[route]]\nphp = {{ upstream = \"app\", root = {:?}, front_controller = \"/index.php\" }}\n",
            backend.address(),
            testbed::app_dir(kind)
        ));
        Self {
            gateway,
            _backend: backend,
        }
    }

    /// A connection that holds little by itself: TCP on the loopback interface may hold megabytes.
    fn slow(&self) -> UnixStream {
        UnixStream::connect(self.gateway.dir().join("front")).unwrap()
    }

    /// Ordinary requests, one after the other: each finds a worker.
    fn ordinary(&self) -> usize {
        let mut client = Client::connect(self.gateway.addr()).unwrap();
        client
            .stream()
            .set_read_timeout(Some(std::time::Duration::from_secs(60)))
            .unwrap();
        let answered = (0..ORDINARY).filter(|_| {
            let answer = client.request("POST", "/echo", &[], b"hello").unwrap();
            answer.status == 200 && answer.body == b"hello"
        });
        answered.count()
    }
}

#[test]
fn a_thousand_slow_uploads_hold_no_worker() {
    let site = Site::start();
    let (begin, end) = (b"x".repeat(50), b"y".repeat(50));
    let mut slow: Vec<_> = (0..SLOW).map(|_| site.slow()).collect();
    for client in &mut slow {
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100\r\n\r\n";
        client.write_all(head.as_bytes()).unwrap();
        client.write_all(&begin).unwrap();
    }
    assert_eq!(site.ordinary(), ORDINARY);
    assert_eq!(
        site.gateway.wait_access(ORDINARY).unwrap().len(),
        ORDINARY,
        "nobody else was served"
    );
    for client in &mut slow {
        client.write_all(&end).unwrap();
    }
    let whole = [begin, end].concat();
    for mut client in slow {
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(&whole));
    }
}

#[test]
fn a_thousand_slow_downloads_hold_no_worker() {
    let site = Site::start();
    let before = site.gateway.peak();
    let target = format!("/download?bytes={LARGE}");
    let mut slow: Vec<_> = (0..SLOW).map(|_| site.slow()).collect();
    for client in &mut slow {
        let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        client.write_all(request.as_bytes()).unwrap();
    }
    // First come, first served: all those answers have left their workers before.
    assert_eq!(site.ordinary(), ORDINARY);
    let logged = site.gateway.wait_access(ORDINARY).unwrap().len();
    assert_eq!(logged, ORDINARY, "no slow client has its answer yet");
    let peak = site.gateway.peak();
    eprintln!(
        "{SLOW} answers of {LARGE} bytes: peak {} KiB, {} KiB before",
        peak / 1024,
        before / 1024
    );
    assert!(peak - before < MOST_MEMORY, "a peak of {peak} bytes");
    let mut client = Client::connect(site.gateway.addr()).unwrap();
    let whole = client.request("GET", &target, &[], b"").unwrap();
    assert!(whole.complete && whole.body.len() == LARGE);
    for mut client in slow {
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 200 ") && answer.ends_with(&whole.body));
    }
}

/// Most memory for all of them: `buffering.memory` for each, a block of the spool, a piece on its way in, and what
/// a connection holds itself.
const MOST_MEMORY: u64 = SLOW as u64 * 256 * 1024;
