//! What is sent again to another endpoint, and what must not be.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use testbed::{Scripted, ScriptedConnection};

use super::{ask, assert_logged, assert_refused, gateway, good, hello, logged};

/// What the first endpoint sends after it has read the request, and then closes.
struct Row {
    id: &'static str,
    sends: &'static [u8],
    /// Answer when nobody else is asked.
    refused: (u16, &'static str),
    /// Whether a GET and a POST are sent again.
    again: (bool, bool),
}

const ROWS: &[Row] = &[
    Row {
        id: "nothing",
        sends: b"",
        refused: (502, "backend_closed"),
        again: (true, false),
    },
    Row {
        id: "half a head",
        sends: b"\x01\x06\0\x01\0\x04\0\0Stat",
        refused: (502, "backend_closed"),
        again: (true, false),
    },
    Row {
        id: "no head",
        sends: b"\x01\x06\0\x01\0\x08\0\0garbage\n\x01\x06\0\x01\0\x01\0\0\n",
        refused: (502, "bad_response_head"),
        again: (true, false),
    },
    Row {
        id: "wrong record",
        sends: b"HTTP/1.1 200 OK\r\n\r\n",
        refused: (502, "bad_response"),
        again: (true, false),
    },
    Row {
        id: "no response",
        sends: b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0",
        refused: (502, "bad_response"),
        again: (true, false),
    },
    Row {
        id: "CANT_MPX_CONN",
        sends: b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\x01\0\0\0",
        refused: (503, "backend_overloaded"),
        again: (true, true),
    },
    Row {
        id: "OVERLOADED",
        sends: b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\x02\0\0\0",
        refused: (503, "backend_overloaded"),
        again: (true, true),
    },
    Row {
        id: "UNKNOWN_ROLE",
        sends: b"\x01\x03\0\x01\0\x08\0\0\0\0\0\0\x03\0\0\0",
        refused: (502, "bad_response"),
        again: (true, false),
    },
    Row {
        id: "truncated together with the head",
        sends: b"\x01\x06\0\x01\0\x15\0\0Content-Length: 5\r\n\r\n\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0",
        refused: (502, "response_truncated"),
        again: (false, false),
    },
];

/// GET is sent again when it may be, POST only when the application says that it has done nothing.
#[test]
fn each_failure_before_the_answer() {
    for row in ROWS {
        for (method, again) in [("GET", row.again.0), ("POST", row.again.1)] {
            each(row, method, again);
        }
    }
}

fn each(row: &Row, method: &str, again: bool) {
    let id = row.id;
    let sends = row.sends;
    let first = Scripted::start(move |mut connection| {
        connection.read_fastcgi()?;
        connection.write(sends)
    })
    .unwrap();
    let second = good();
    let gateway = gateway(&[&first.address(), &second.address()], "");
    let response = ask(&gateway, method);
    let (status, reason) = row.refused;
    let attempts = if again {
        assert_eq!(response.text(), "hello", "{id} {method}");
        assert_eq!(
            second.requests()[0].body,
            if method == "POST" { b"body".as_slice() } else { b"" }
        );
        let log = gateway.wait_errors("endpoint passed over").unwrap();
        assert!(
            log.contains(&format!("reason=\"{reason}\"")) && log.contains(&first.address()),
            "{id}: {log}"
        );
        assert_eq!(logged(&gateway, 0)["reason"], serde_json::Value::Null);
        2
    } else {
        assert_refused(&response, status, reason);
        assert_logged(&gateway, 0, status, reason);
        let log = gateway.wait_errors("request failed").unwrap();
        assert!(
            log.contains(&format!("reason=\"{reason}\"")) && log.contains(&first.address()),
            "{id}: {log}"
        );
        1
    };
    assert_eq!(logged(&gateway, 0)["attempts"], attempts, "{id} {method}");
    assert_eq!(
        (first.connections(), second.connections()),
        (1, attempts - 1),
        "{id} {method}"
    );
}

#[test]
fn every_endpoint_is_asked_once() {
    let close = |mut connection: ScriptedConnection| connection.read_fastcgi().map(drop);
    let backends: Vec<_> = (0..3).map(|_| Scripted::start(close).unwrap()).collect();
    let addresses: Vec<_> = backends.iter().map(Scripted::address).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let gateway = gateway(&addresses, "");
    assert_refused(&ask(&gateway, "GET"), 502, "backend_closed");
    assert_eq!(assert_logged(&gateway, 0, 502, "backend_closed")["attempts"], 3);
    assert!(backends.iter().all(|backend| backend.connections() == 1));
}

/// The work may be running.
#[test]
fn a_head_that_does_not_come_is_not_asked_for_elsewhere() {
    let first = Scripted::start(|mut connection| {
        connection.read_fastcgi()?;
        connection.wait_close().map(drop)
    })
    .unwrap();
    let second = good();
    let gateway = gateway(
        &[&first.address(), &second.address()],
        "timeouts = { head = \"200ms\" }",
    );
    assert_refused(&ask(&gateway, "GET"), 504, "head_timeout");
    first.wait_ended(1).unwrap();
    assert_eq!(assert_logged(&gateway, 0, 504, "head_timeout")["attempts"], 1);
    assert_eq!(second.connections(), 0);
}

/// The client has seen the head.
#[test]
fn an_answer_that_breaks_off_is_not_asked_for_elsewhere() {
    for length in ["", "Content-Length: 50\r\n"] {
        let head = format!("Status: 200\r\n{length}\r\nhello");
        let first = Scripted::start(move |mut connection| {
            connection.read_fastcgi()?;
            connection.write_record(6, 1, head.as_bytes())?;
            std::thread::sleep(Duration::from_millis(50));
            Ok(())
        })
        .unwrap();
        let second = good();
        let gateway = gateway(&[&first.address(), &second.address()], "");
        let response = ask(&gateway, "GET");
        assert_eq!(
            (response.status, response.complete, response.closed),
            (200, false, true)
        );
        assert_eq!(response.text(), "hello");
        let line = assert_logged(&gateway, 0, 200, "response_truncated");
        assert_eq!(
            (line["attempts"].as_u64(), line["response_bytes"].as_u64()),
            (Some(1), Some(5))
        );
        gateway.wait_errors("answer broke off").unwrap();
        assert_eq!(second.connections(), 0);
    }
}

/// Nothing is passed over where there is nothing else.
#[test]
fn an_endpoint_that_is_alone_is_asked_again_and_the_log_says_so() {
    let connections = AtomicUsize::new(0);
    let only = Scripted::start(
        move |mut connection| match connections.fetch_add(1, Ordering::Relaxed) {
            // A worker that dies, and is replaced.
            1 => connection.read_fastcgi().map(drop),
            _ => hello(connection),
        },
    )
    .unwrap();
    let gateway = gateway(&[&only.address()], "");
    for _ in 0..2 {
        assert_eq!(ask(&gateway, "GET").text(), "hello");
    }
    assert_eq!(logged(&gateway, 1)["attempts"], 2);
    let log = gateway
        .wait_errors("endpoint did not answer, and is asked again")
        .unwrap();
    assert!(
        log.contains(&only.address()) && !log.contains("passed over"),
        "{log}"
    );
}
