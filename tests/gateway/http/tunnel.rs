//! Upgrades: a tunnel to the application when both sides want it, and nothing else.

use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use testbed::{Client, Gateway, Scripted, ScriptedConnection};

use super::frames::{END_STREAM, Outcome, SETTINGS, says_error, status_of, websocket};
use super::site::Site;
use crate::echo::{Echo, End, Tunnel, echoing, ended, tunnel, tunnel_http2};
use crate::start;

const WEBSOCKET: [(&str, &str); 4] = [
    ("Connection", "keep-alive, Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
];

/// Switches to whatever was asked for and then sends everything back.
fn switching(mut connection: ScriptedConnection) -> Result<()> {
    let request = connection.read_http()?;
    let Some(protocol) = request.param("upgrade") else {
        return connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
    };
    connection.write(format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\nfirst "
    ))?;
    let mut bytes = [0; 4096];
    loop {
        match connection.read(&mut bytes)? {
            0 => return connection.write("last"),
            count => connection.write(&bytes[..count])?,
        }
    }
}

#[test]
fn a_websocket_is_a_tunnel() {
    let site = Site::speaking("http", "", "", switching);
    let mut client = site.client();
    client.send_request("GET", "/socket", &WEBSOCKET, b"").unwrap();
    let head = client.read_response().unwrap();
    assert_eq!(head.status, 101);
    assert_eq!(head.header("upgrade"), Some("websocket"));
    assert!(head.header("connection").unwrap().eq_ignore_ascii_case("upgrade"));
    assert_eq!(client.take(6).unwrap(), b"first ");
    let message = b"\x81\x05hello GET / HTTP/1.1\r\n\r\n";
    client.send(message).unwrap();
    assert_eq!(client.take(message.len()).unwrap(), message);
    // The ends close one after the other.
    client.shutdown_write().unwrap();
    assert_eq!(client.rest().unwrap(), b"last");
    let asked = site.asked();
    assert_eq!(asked.param("upgrade"), Some("websocket"));
    assert_eq!(asked.param("sec-websocket-version"), Some("13"));
    assert_eq!(site.log(1)[0]["status"], 101);
}

#[test]
fn bytes_sent_with_the_request_go_into_the_tunnel() {
    let site = Site::speaking("http", "", "", switching);
    let mut client = site.client();
    client
        .send("GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly")
        .unwrap();
    assert_eq!(client.read_response().unwrap().status, 101);
    assert_eq!(client.take(11).unwrap(), b"first early");
}

#[test]
fn a_tunnel_ends_with_its_client() {
    let site = Site::speaking("http", "", "", switching);
    let mut client = site.client();
    client.send_request("GET", "/socket", &WEBSOCKET, b"").unwrap();
    assert_eq!(client.read_response().unwrap().status, 101);
    drop(client);
    site.backend.wait_ended(1).unwrap();
}

/// The last words of a client that vanished never come; an application that waits for them must not keep its slot.
#[test]
fn a_tunnel_in_which_nothing_moves_is_closed() {
    let (backend, gateway) = timed("300ms", "1m");
    let mut client = opened(&gateway);
    backend.wait_ended(1).unwrap();
    assert_eq!(client.rest().unwrap(), b"");
    let line = gateway.wait_errors("tunnel ended").unwrap();
    for part in ["reason=\"tunnel_timeout\"", "from_client=0", "from_application=6"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

/// The deadline of an answer is none of a tunnel's.
#[test]
fn a_tunnel_may_be_silent_for_longer_than_an_answer() {
    let (_backend, gateway) = timed("1m", "50ms");
    let mut client = opened(&gateway);
    for _ in 0..3 {
        sleep(Duration::from_millis(150));
        client.send("ping").unwrap();
        assert_eq!(client.take(4).unwrap(), b"ping");
    }
    client.shutdown_write().unwrap();
    assert_eq!(client.rest().unwrap(), b"last");
    let line = gateway.wait_errors("tunnel ended").unwrap();
    for part in [
        "reason=\"client_closed\"",
        "from_client=12",
        "from_application=22",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

/// Each of the others has ended by its deadline before the tunnel is asked to go on.
#[test]
fn a_busy_tunnel_outlives_every_other_deadline() {
    let backend = Scripted::start(|mut connection| match connection.read_http()?.param("upgrade") {
        Some(_) => echoing(&mut connection),
        None => connection.wait_close().map(drop),
    })
    .unwrap();
    let gateway = start(&format!(
        "[server]\ntemp_dir = \"{{dir}}\"\n\
         timeouts = {{ idle = \"1s\", head = \"1s\", body = \"1s\", send = \"1s\", linger = \"1s\", grace = \"1s\" }}\n\
         [upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\n\
         timeouts = {{ connect = \"1s\", send = \"1s\", head = \"1s\", read = \"1s\", idle = \"1s\" }}\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    let echo = Echo::start(tunnel(&gateway));
    let client = || Client::connect(gateway.addr()).unwrap();
    let (mut idle, mut head, mut body, mut answer) = (client(), client(), client(), client());
    head.send("GET / HTTP/1.1\r\nHo").unwrap();
    body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")
        .unwrap();
    answer.send_request("GET", "/", &[], b"").unwrap();
    assert_eq!(idle.rest().unwrap(), b"");
    assert_eq!(head.read_response().unwrap().status, 408);
    assert_eq!(body.read_response().unwrap().status, 408);
    assert_eq!(answer.read_response().unwrap().status, 504);
    echo.go_on(20);
    let bytes = echo.finish().unwrap();
    let ended = ended(&gateway, "client_closed");
    assert_eq!((ended.from_client, ended.from_application), (bytes, bytes));
    assert!(ended.seconds > 1.0, "{ended:?}");
}

#[test]
fn a_tunnel_ends_with_its_own_silence_and_not_before() {
    let (_backend, gateway) = timed("2s", "1m");
    let mut silent = opened(&gateway);
    let echo = Echo::start(opened(&gateway));
    assert_eq!(silent.rest().unwrap(), b"");
    let ended = ended(&gateway, "tunnel_timeout");
    assert_eq!((ended.from_client, ended.from_application), (0, 6));
    assert!(ended.seconds >= 2.0, "{ended:?}");
    echo.go_on(20);
}

/// A gateway with these deadlines of tunnels and of answers.
fn timed(tunnel: &str, read: &str) -> (Scripted, Gateway) {
    let backend = Scripted::start(switching).unwrap();
    let gateway = start(&format!(
        "[server]\ntemp_dir = \"{{dir}}\"\ntimeouts = {{ tunnel = \"{tunnel}\" }}\n\
         [upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\ntimeouts = {{ read = \"{read}\" }}\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    (backend, gateway)
}

fn opened(gateway: &Gateway) -> Client {
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.send_request("GET", "/", &WEBSOCKET, b"").unwrap();
    assert_eq!(client.read_response().unwrap().status, 101);
    assert_eq!(client.take(6).unwrap(), b"first ");
    client
}

#[test]
fn a_tunnel_ends_with_its_application() {
    let site = Site::speaking("http", "", "", |mut connection| {
        connection.read_http()?;
        connection
            .write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nbye")
    });
    let mut client = site.client();
    client.send_request("GET", "/socket", &WEBSOCKET, b"").unwrap();
    assert_eq!(client.read_response().unwrap().status, 101);
    assert_eq!(client.take(3).unwrap(), b"bye");
    client.shutdown_write().unwrap();
    assert_eq!(client.rest().unwrap(), b"");
}

#[test]
fn a_refused_upgrade_is_an_ordinary_answer() {
    let site = Site::speaking("http", "", "", |mut connection| {
        connection.read_http()?;
        connection.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    });
    let mut client = site.client();
    let answer = client.request("GET", "/socket", &WEBSOCKET, b"").unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (403, "no"));
    assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
}

// GH-29
#[test]
fn nobody_switches_to_http_2_behind_us() {
    let site = Site::speaking("http", "", "", switching);
    for upgrade in ["h2c", "H2C", "websocket, h2c", "h2c, websocket"] {
        let fields = [
            ("Connection", "Upgrade, HTTP2-Settings"),
            ("Upgrade", upgrade),
            ("HTTP2-Settings", "AAMAAABkAAQAoAAAAAIAAAAA"),
        ];
        assert_eq!(site.request("GET", "/socket", &fields, b"").text(), "plain");
    }
    for request in site.backend.requests() {
        assert_eq!(request.param("upgrade"), None);
        assert_eq!(request.param("http2-settings"), None);
    }
}

#[test]
fn an_upgrade_needs_to_be_named_by_connection() {
    let site = Site::speaking("http", "", "", switching);
    let answer = site.request("GET", "/socket", &[("Upgrade", "websocket")], b"");
    assert_eq!(answer.text(), "plain");
    assert_eq!(site.asked().param("upgrade"), None);
}

#[test]
fn a_switch_that_nobody_asked_for_is_a_bad_gateway() {
    let site = Site::speaking("http", "", "", |mut connection| {
        connection.read_http()?;
        connection
            .write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")?;
        connection.wait_close()?;
        Ok(())
    });
    let answer = site.request("GET", "/socket", &[], b"");
    assert_eq!(answer.status, 502);
    assert!(answer.header("bridgehead-error").is_some());
    site.backend.wait_ended(1).unwrap();
}

#[test]
fn a_switch_to_another_protocol_is_a_bad_gateway() {
    let site = Site::speaking("http", "", "", |mut connection| {
        connection.read_http()?;
        connection
            .write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")?;
        connection.wait_close()?;
        Ok(())
    });
    assert_eq!(site.request("GET", "/socket", &WEBSOCKET, b"").status, 502);
}

#[test]
fn a_websocket_over_http_2_is_a_tunnel() {
    let site = Site::speaking("http", "", "", switching);
    let (_, _, _, settings) = site.http2().next().unwrap();
    let offered = settings.chunks(6).any(|setting| setting == [0, 8, 0, 0, 0, 1]);
    assert!(offered, "SETTINGS_ENABLE_CONNECT_PROTOCOL in {settings:?}");
    let mut client = Tunnel::open(site.client(), "/socket?a=b");
    assert_eq!(client.hear(6).unwrap(), b"first ");
    let message = b"\x81\x05hello GET / HTTP/1.1\r\n\r\n";
    client.say(message).unwrap();
    assert_eq!(client.hear(message.len()).unwrap(), message);
    // The ends close one after the other.
    assert_eq!(client.leave().unwrap(), b"last");
    let asked = site.asked();
    assert_eq!(asked.line, "GET /socket?a=b HTTP/1.1");
    for (name, value) in [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("host", "a.example"),
    ] {
        assert_eq!(asked.param(name), Some(value), "{name}");
    }
    // Sixteen bytes in base64.
    let key = asked.param("sec-websocket-key").unwrap();
    assert!(key.len() == 24 && key.ends_with("=="), "{key}");
    let line = &site.log(1)[0];
    assert_eq!(
        (&line["status"], &line["version"]),
        (&101.into(), &"HTTP/2.0".into())
    );
    let ended = ended(&site.gateway, "client_closed");
    assert_eq!(
        (ended.from_client, ended.from_application),
        (message.len(), message.len() + 10)
    );
}

#[test]
fn much_goes_through_a_tunnel_over_http_2_as_fast_as_it_is_taken() {
    let site = Site::speaking("http", "", "", |mut connection| {
        connection.read_http()?;
        connection
            .write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")?;
        connection.write(vec![b'x'; MUCH])?;
        connection.wait_close().map(drop)
    });
    let mut client = Tunnel::open(site.client(), "/socket");
    assert!(client.hear(MUCH).unwrap().iter().all(|byte| *byte == b'x'));
    assert_eq!(client.leave().unwrap(), b"");
}

const MUCH: usize = 3_000_000; // bytes: more than all windows and buffers on the way

#[test]
fn a_tunnel_over_http_2_ends_with_either_side() {
    let site = Site::speaking("http", "", "", switching);
    let mut client = Tunnel::open(site.client(), "/socket");
    client.reset();
    site.backend.wait_ended(1).unwrap();
    ended(&site.gateway, "client_gone");
    drop(Tunnel::open(site.client(), "/socket"));
    site.backend.wait_ended(2).unwrap();
    let bye = Site::speaking("http", "", "", |mut connection| {
        connection.read_http()?;
        connection
            .write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nbye")
    });
    let client = Tunnel::open(bye.client(), "/socket");
    assert_eq!(client.leave().unwrap(), b"bye");
    ended(&bye.gateway, "backend_closed");
}

#[test]
fn a_tunnel_over_http_2_ends_with_its_own_silence_and_nothing_else() {
    let (_backend, gateway) = timed("1s", "50ms");
    let mut silent = Tunnel::open(Client::connect(gateway.addr()).unwrap(), "/");
    assert_eq!(silent.hear(6).unwrap(), b"first ");
    let echo = Echo::start({
        let mut busy = Tunnel::open(Client::connect(gateway.addr()).unwrap(), "/");
        assert_eq!(busy.hear(6).unwrap(), b"first ");
        busy
    });
    assert!(silent.hear(1).is_err(), "reset");
    let silence = ended(&gateway, "tunnel_timeout");
    assert_eq!((silence.from_client, silence.from_application), (0, 6));
    echo.go_on(20);
}

/// Its connection is not idle.
#[test]
fn a_tunnel_keeps_its_connection_of_http_2() {
    let backend = Scripted::start(|mut connection| {
        connection.read_http()?;
        echoing(&mut connection)
    })
    .unwrap();
    let gateway = start(&format!(
        "[server]\ntemp_dir = \"{{dir}}\"\ntimeouts = {{ idle = \"200ms\", send = \"200ms\" }}\n\
         [upstream.app]\nprotocol = \"http\"\nendpoints = [\"{}\"]\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n",
        backend.address()
    ));
    let mut tunnel = tunnel_http2(&gateway);
    for _ in 0..3 {
        sleep(Duration::from_millis(250));
        tunnel.say(b"ping").unwrap();
        assert_eq!(tunnel.hear(4).unwrap(), b"ping");
    }
}

#[test]
fn what_does_not_switch_is_no_success_to_a_client_of_http_2_that_wants_a_tunnel() {
    let refused = |site: &Site, path: &str| {
        let mut http = site.http2();
        http.headers(1, &websocket(path), 0);
        let head = http.head(1);
        (status_of(&head), says_error(&head))
    };
    let plain = Site::speaking("http", "", "", |mut connection| {
        connection.read_http()?;
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain")
    });
    assert_eq!(refused(&plain, "/socket"), (501, true));
    assert_eq!(plain.log(1)[0]["reason"], "not_switched");
    assert_eq!(refused(&plain, "/fixed"), (501, true));
    // No script runs for it.
    let fastcgi = Site::new();
    assert_eq!(refused(&fastcgi, "/socket"), (501, true));
    assert_eq!(fastcgi.backend.connections(), 0);
    // What is no success is the application's own answer.
    let no = Site::speaking("http", "", "", |mut connection| {
        connection.read_http()?;
        connection.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    });
    let mut http = no.http2();
    http.headers(1, &websocket("/socket"), 0);
    assert_eq!(http.outcome(1), Outcome::Answer(403, "no".into()));
    http.frame(SETTINGS, 0, 0, b"");
    http.headers(3, &http2_get("/fixed"), END_STREAM);
    assert_eq!(http.outcome(3), Outcome::Answer(200, "fixed\n".into()));
}

fn http2_get(path: &str) -> [(&str, &str); 4] {
    [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "a.example"),
    ]
}
