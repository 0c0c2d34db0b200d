//! Probes of servers that are not what they should be: bounded in time and in memory, and with a name for each case.

use std::time::{Duration, Instant};

use testbed::{Scripted, ScriptedConnection};

use crate::real_probe::{ask, upstream};

type Script = fn(ScriptedConnection) -> anyhow::Result<()>;

/// What a probe of such a server finds, long before its deadline.
#[track_caller]
fn found(protocol: &str, health: &str, script: Script) -> String {
    found_within("1m", protocol, health, script)
}

/// What a probe finds that has to wait for its deadline.
#[track_caller]
fn found_late(protocol: &str, health: &str, script: Script) -> String {
    found_within("300ms", protocol, health, script)
}

#[track_caller]
fn found_within(timeout: &str, protocol: &str, health: &str, script: Script) -> String {
    let backend = Scripted::start(script).unwrap();
    let settings = format!("health = {{ {health}, timeout = \"{timeout}\" }}");
    let config = upstream(protocol, "generic", &backend.address(), &settings);
    let asked = Instant::now();
    let verdict = ask(&config);
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    assert_eq!(backend.connections(), 1);
    format!("{verdict:?}")
}

/// Says it again and again, until nobody listens.
fn repeat(mut connection: ScriptedConnection, piece: &[u8]) -> anyhow::Result<()> {
    loop {
        connection.write(piece)?;
    }
}

/// Says a byte every few milliseconds.
fn drip(mut connection: ScriptedConnection, bytes: &[u8]) -> anyhow::Result<()> {
    for byte in bytes.iter().cycle() {
        connection.write([*byte])?;
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

const EVERY: [(&str, &str); 5] = [
    ("fastcgi", "kind = \"get_values\""),
    ("fastcgi", "kind = \"request\""),
    ("uwsgi", "kind = \"ping\""),
    ("scgi", "kind = \"request\""),
    ("http", "kind = \"request\""),
];

#[test]
fn closing_without_an_answer_is_dead() {
    for (protocol, health) in EVERY {
        let verdict = found(protocol, health, |mut connection| {
            let mut question = [0; 1024];
            connection.read(&mut question)?;
            Ok(())
        });
        let ping = health.contains("ping");
        let expected = if ping { "Dead(NoPong)" } else { "Dead(Closed)" };
        assert_eq!(verdict, expected, "{protocol} {health}");
    }
}

#[test]
fn saying_nothing_is_silence() {
    for (protocol, health) in EVERY {
        let verdict = found_late(protocol, health, |mut connection| {
            connection.wait_close().map(drop)
        });
        assert_eq!(verdict, "Silent", "{protocol} {health}");
    }
}

#[test]
fn garbage_is_dead() {
    for (protocol, health) in EVERY {
        let verdict = found(protocol, health, |connection| {
            repeat(connection, b"\xff\x00garbage without end\x00\xff")
        });
        assert!(verdict.starts_with("Dead("), "{protocol} {health}: {verdict}");
    }
}

#[test]
fn a_head_without_end_is_bounded() {
    for (protocol, health) in [
        ("uwsgi", "kind = \"request\""),
        ("scgi", "kind = \"request\""),
        ("http", "kind = \"request\""),
    ] {
        let verdict = found(protocol, health, |mut connection| {
            connection.read(&mut [0; 1024])?;
            connection.write("HTTP/1.1 200 OK\r\n")?;
            repeat(connection, b"X-Filler: and so on\r\n")
        });
        assert!(verdict.starts_with("Dead("), "{protocol} {health}: {verdict}");
    }
    let verdict = found("fastcgi", "kind = \"request\"", |mut connection| {
        loop {
            connection.write_record(6, 1, b"X-Filler: and so on\r\n")?;
        }
    });
    assert!(verdict.starts_with("Dead("), "{verdict}");
}

#[test]
fn records_that_never_end_are_bounded() {
    for health in ["kind = \"request\"", "kind = \"get_values\""] {
        let verdict = found("fastcgi", health, |mut connection| {
            loop {
                connection.write_record(7, 1, &[b'x'; 60_000])?;
            }
        });
        assert!(verdict.starts_with("Dead("), "{health}: {verdict}");
    }
    let verdict = found_late("fastcgi", "kind = \"get_values\"", |connection| {
        drip(connection, &[1, 10, 0, 0, 255, 255])
    });
    assert!(verdict == "Silent" || verdict.starts_with("Dead("), "{verdict}");
}

#[test]
fn a_drip_ends_at_the_deadline() {
    for (protocol, health) in [("uwsgi", "kind = \"request\""), ("http", "kind = \"request\"")] {
        let verdict = found_late(protocol, health, |mut connection| {
            connection.read(&mut [0; 1024])?;
            connection.write("HTTP/1.1 200 OK\r\n")?;
            drip(connection, b"X: y\r\n")
        });
        assert_eq!(verdict, "Silent", "{protocol}");
    }
}

#[test]
fn a_body_without_end_is_no_reason_to_wait() {
    for (protocol, health, expected) in [
        ("http", "kind = \"request\"", "Alive"),
        ("http", "body = \"no such text\"", "Dead(Body)"),
        ("uwsgi", "kind = \"request\"", "Alive"),
        ("uwsgi", "body = \"and so on\"", "Alive"),
    ] {
        let verdict = found(protocol, health, |mut connection| {
            connection.read(&mut [0; 1024])?;
            connection.write("HTTP/1.1 200 OK\r\nStatus: 200 OK\r\n\r\n")?;
            repeat(connection, b"and so on ")
        });
        assert_eq!(verdict, expected, "{protocol} {health}");
    }
}

#[test]
fn a_status_tells_before_its_body_does() {
    for (status, expected) in [
        ("200 OK", "Alive"),
        ("500 No", "Dead(Status(500))"),
        ("503 Full", "Busy(Status(503))"),
    ] {
        let backend = Scripted::start(move |mut connection| {
            connection.read_http()?;
            connection.write(format!("HTTP/1.1 {status}\r\nContent-Length: 10\r\n\r\nhalf"))?;
            connection.wait_close().map(drop)
        })
        .unwrap();
        let settings = "health = { busy_status = 503, timeout = \"1s\" }";
        let verdict = ask(&upstream("http", "generic", &backend.address(), settings));
        assert_eq!(format!("{verdict:?}"), expected);
    }
}

#[test]
fn fastcgi_says_that_it_is_full() {
    for (status, expected) in [
        (1, "Busy(Overloaded)"),
        (2, "Busy(Overloaded)"),
        (3, "Dead(Garbage(UnknownRole))"),
    ] {
        let backend = Scripted::start(move |mut connection| {
            let request = connection.read_fastcgi()?;
            connection.write_record(3, request.id, &[0, 0, 0, 0, status, 0, 0, 0])
        })
        .unwrap();
        let settings = "health = { kind = \"request\" }";
        let verdict = ask(&upstream("fastcgi", "generic", &backend.address(), settings));
        assert_eq!(format!("{verdict:?}"), expected);
    }
}

#[test]
fn nobody_accepts_and_the_backlog_fills() {
    let backend = Scripted::never_accepting(0).unwrap();
    let settings = "health = { kind = \"request\", timeout = \"100ms\" }";
    let config = upstream("scgi", "generic", &backend.address(), settings);
    assert_eq!(format!("{:?}", ask(&config)), "Silent");
    // The first one has left, but it was never accepted: its place is taken.
    assert_eq!(format!("{:?}", ask(&config)), "Busy(Backlog)");
}
