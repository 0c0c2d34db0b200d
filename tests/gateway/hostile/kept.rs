//! Kept connections: that they are used again, and what happens when they are gone.

use std::sync::atomic::{AtomicUsize, Ordering};

use testbed::{Client, Gateway, Response, Scripted, ScriptedConnection};

use super::start;

type Talk = fn(&mut ScriptedConnection) -> anyhow::Result<()>;

/// How each protocol serves one request.
const TALKS: [(&str, Talk); 3] = [
    ("fastcgi", |connection| {
        let request = connection.read_fastcgi()?;
        assert!(request.keep);
        connection.fastcgi_response(request.id, b"Content-Type: a/b\r\n\r\nhello")
    }),
    ("uwsgi", |connection| {
        connection.read_uwsgi()?;
        connection.write("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello")
    }),
    ("http", |connection| {
        connection.read_http()?;
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    }),
];

/// A gateway that keeps one connection to each of `backends`.
fn gateway(protocol: &str, backends: &[&Scripted]) -> Gateway {
    let addresses: Vec<_> = backends
        .iter()
        .map(|backend| format!("\"{}\"", backend.address()))
        .collect();
    start(&format!(
        "[upstream.app]\nprotocol = \"{protocol}\"\nendpoints = [{}]\nmax_connections = 1\nkeep_alive = 1\n\
         timeouts = {{ idle = \"300ms\" }}\n[[route]]\nproxy = {{ upstream = \"app\" }}\n",
        addresses.join(", ")
    ))
}

fn ask(gateway: &Gateway, method: &str) -> Response {
    let body: &[u8] = if method == "POST" { b"body" } else { b"" };
    Client::connect(gateway.addr())
        .unwrap()
        .request(method, "/", &[], body)
        .unwrap()
}

#[test]
fn a_kept_connection_is_used_again() {
    for (protocol, talk) in TALKS {
        let backend = Scripted::start(move |mut connection| {
            loop {
                talk(&mut connection)?
            }
        })
        .unwrap();
        let gateway = gateway(protocol, &[&backend]);
        for method in ["GET", "POST", "GET", "GET"] {
            assert_eq!(ask(&gateway, method).text(), "hello", "{protocol}");
        }
        assert_eq!(backend.connections(), 1, "{protocol}");
    }
}

#[test]
fn an_idle_connection_is_closed_in_time() {
    for (protocol, talk) in TALKS {
        let backend = Scripted::start(move |mut connection| {
            talk(&mut connection)?;
            connection.wait_close().map(drop)
        })
        .unwrap();
        let gateway = gateway(protocol, &[&backend]);
        assert_eq!(ask(&gateway, "GET").text(), "hello", "{protocol}");
        backend.wait_ended(1).unwrap();
    }
}

#[test]
fn a_connection_that_was_closed_while_idle_is_not_used() {
    for (protocol, talk) in TALKS {
        let backend = Scripted::start(move |mut connection| talk(&mut connection)).unwrap();
        let gateway = gateway(protocol, &[&backend]);
        for count in 1..=3 {
            assert_eq!(ask(&gateway, "POST").text(), "hello", "{protocol}");
            backend.wait_ended(count).unwrap();
        }
        assert_eq!(backend.connections(), 3, "{protocol}");
    }
}

/// Serves one request; reads the second one and closes.
fn forgetful(talk: Talk, connection: &mut ScriptedConnection) -> anyhow::Result<()> {
    talk(connection)?;
    connection.read(&mut [0; 16])?;
    Ok(())
}

#[test]
fn a_reused_connection_that_dies_before_its_first_byte_is_replaced() {
    for (protocol, talk) in TALKS {
        let backend = Scripted::start(move |mut connection| forgetful(talk, &mut connection)).unwrap();
        let gateway = gateway(protocol, &[&backend]);
        for _ in 0..4 {
            assert_eq!(ask(&gateway, "GET").text(), "hello", "{protocol}");
        }
        assert_eq!(backend.connections(), 4, "{protocol}");
        let log = gateway.wait_access(4).unwrap();
        assert!(log[3].contains("\"attempts\":2"), "{protocol}: {}", log[3]);
    }
}

#[test]
fn a_post_on_a_reused_connection_is_not_sent_twice() {
    for (protocol, talk) in TALKS {
        let backend = Scripted::start(move |mut connection| forgetful(talk, &mut connection)).unwrap();
        let gateway = gateway(protocol, &[&backend]);
        assert_eq!(ask(&gateway, "POST").text(), "hello", "{protocol}");
        let second = ask(&gateway, "POST");
        assert_eq!(second.status, 502, "{protocol}");
        assert_eq!(
            second.header("bridgehead-error"),
            Some("backend_closed"),
            "{protocol}"
        );
        assert_eq!(backend.connections(), 1, "{protocol}");
    }
}

#[test]
fn tries_end_also_when_the_first_was_on_a_kept_connection() {
    for (protocol, talk) in TALKS {
        let backend = Scripted::start(move |mut connection| match connection.number {
            0 => forgetful(talk, &mut connection),
            _ => connection.read(&mut [0; 16]).map(drop),
        })
        .unwrap();
        let gateway = gateway(protocol, &[&backend]);
        assert_eq!(ask(&gateway, "GET").text(), "hello", "{protocol}");
        let second = ask(&gateway, "GET");
        assert_eq!((second.status, backend.connections()), (502, 3), "{protocol}");
    }
}

#[test]
fn a_connection_with_an_unread_request_body_is_not_kept() {
    static SERVED: AtomicUsize = AtomicUsize::new(0);
    let early = [
        (
            "uwsgi",
            "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nearly",
        ),
        ("http", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly"),
    ];
    for (protocol, answer) in early {
        let backend = Scripted::start(move |mut connection| {
            connection.read(&mut [0; 64])?;
            SERVED.fetch_add(1, Ordering::Relaxed);
            connection.write(answer)?;
            connection.wait_close().map(drop)
        })
        .unwrap();
        let gateway = gateway(protocol, &[&backend]);
        let body = vec![b'u'; 4 << 20];
        for count in 1..=2 {
            let mut client = Client::connect(gateway.addr()).unwrap();
            assert_eq!(
                client.request("POST", "/", &[], &body).unwrap().text(),
                "early",
                "{protocol}"
            );
            backend.wait_ended(count).unwrap();
        }
        assert_eq!(backend.connections(), 2, "{protocol}");
    }
    assert_eq!(SERVED.load(Ordering::Relaxed), 4);
}
