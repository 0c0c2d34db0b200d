//! Answers that have no body (HEAD, 204, 304), from applications that send one all the same and do not end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use testbed::{Scripted, ScriptedConnection};

use super::site::Site;

/// With HTTP the head says that there is no body; with the others, the application says when it has ended.
const PROTOCOLS: [&str; 4] = ["fastcgi", "uwsgi", "scgi", "http"];

/// What a script can do after its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Hold the connection, and say nothing.
    Silence,
    /// Write for ever.
    Flood,
}

/// Answers a request with a head of that status, and goes on until the gateway closes.
pub(super) fn endless(
    protocol: &str,
    status: u16,
    rest: Rest,
    written: &AtomicUsize,
    mut connection: ScriptedConnection,
) -> Result<()> {
    let head = format!("Status: {status} Fine\r\nContent-Type: text/plain\r\n\r\n");
    match protocol {
        "fastcgi" => {
            connection.read_fastcgi()?;
            connection.write_record(STDOUT, 1, head.as_bytes())?;
        }
        "uwsgi" => {
            connection.read_uwsgi()?;
            connection.write(head.replace("Status:", "HTTP/1.1"))?;
        }
        "http" => {
            connection.read_http()?;
            connection.write(head.replace("Status:", "HTTP/1.1"))?;
        }
        _ => {
            connection.read_scgi()?;
            connection.write(&head)?;
        }
    }
    if rest == Rest::Silence {
        return connection.wait_close().map(drop);
    }
    let piece = [b'x'; 1024];
    loop {
        match protocol {
            "fastcgi" => connection.write_record(STDOUT, 1, &piece)?,
            _ => connection.write(piece)?,
        }
        written.fetch_add(piece.len(), Ordering::Relaxed);
    }
}

/// The worker is free soon after its answer, and little of the rest was taken.
#[track_caller]
pub(crate) fn assert_freed(backend: &Scripted, written: &AtomicUsize) {
    backend.wait_ended(1).unwrap();
    let written = written.load(Ordering::Relaxed);
    // 64 KiB, and what the socket between them holds.
    assert!(written < 1 << 20, "{written} bytes");
}

#[test]
fn the_worker_of_an_endless_script_is_freed() {
    for protocol in PROTOCOLS {
        for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304)] {
            for rest in [Rest::Silence, Rest::Flood] {
                let written = Arc::new(AtomicUsize::new(0));
                let counted = written.clone();
                let script = move |connection| endless(protocol, status, rest, &counted, connection);
                let site = Site::speaking(protocol, "", "", script);
                let mut client = site.client();
                client.send_request(method, "/first", &[], b"").unwrap();
                let answered = client.read_head().unwrap().status;
                assert_eq!(answered, status, "{protocol} {method} {rest:?}");
                drop(client);
                assert_freed(&site.backend, &written);
            }
        }
    }
}

const STDOUT: u8 = 6;
