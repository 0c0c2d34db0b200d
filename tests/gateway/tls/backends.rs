//! TLS between the gateway and applications: the application is another gateway.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, ensure};
use tempfile::TempDir;
use testbed::{Authority, Client, Gateway, Response, Signal, Wanted, accept_tls};

use crate::start;

/// An application that speaks TLS and has a certificate for `app.internal`, and a gateway in front of it.
struct Pair {
    front: Gateway,
    back: Gateway,
    dir: TempDir,
}

impl Pair {
    /// `tls`: more of the application's TLS; `upstream`: more of the upstream. `{certs}` is the directory of the
    /// certificates, `{port}` the port of the application.
    fn start(tls: &str, upstream: &str) -> Self {
        Self::listening(tls, "", upstream)
    }

    /// The same, with more of the application's listener.
    fn listening(tls: &str, listen: &str, upstream: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new("Internal").unwrap();
        authority
            .issue(&["app.internal"])
            .unwrap()
            .write(dir.path(), "app")
            .unwrap();
        let wanted = Wanted {
            holder: "gateway",
            ..Wanted::default()
        };
        authority
            .issue_as(&wanted)
            .unwrap()
            .write(dir.path(), "gateway")
            .unwrap();
        fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
        fs::write(dir.path().join("large"), vec![b'x'; 3_000_000]).unwrap();
        let certs = dir.path().display().to_string();
        let application = APPLICATION.replace("{tls}", tls).replace("{listen}", listen);
        let back = start(&application.replace("{certs}", &certs));
        let port = back.addr().port().to_string();
        let front = start(
            &GATEWAY
                .replace("{upstream}", upstream)
                .replace("{certs}", &certs)
                .replace("{port}", &port),
        );
        Self { front, back, dir }
    }

    fn ask(&self, target: &str) -> Response {
        let mut client = Client::connect(self.front.addr()).unwrap();
        client.request("GET", target, &[], b"").unwrap()
    }

    /// Why the gateway has no answer.
    #[track_caller]
    fn refused(&self) -> String {
        let answer = self.ask("/who");
        assert_eq!(
            (answer.status, answer.header("bridgehead-error")),
            (502, Some("backend_tls_failed")),
            "{}",
            answer.text()
        );
        self.front.wait_errors("backend_tls_failed").unwrap()
    }
}

const APPLICATION: &str = r#"
[tls]
certificates = [{ cert = "{certs}/app.pem", key = "{certs}/app.key" }]
{tls}
[[listen]]
address = "127.0.0.1:0"
tls = true
{listen}
[[route]]
respond = { body = "app" }
headers = { X-Tls = "$ssl_protocol $ssl_server_name $ssl_session_reused $ssl_client_s_dn", X-Client = "$remote_addr:$remote_port" }
[[route]]
path = "/files"
files = { alias = "{certs}" }
"#;

const GATEWAY: &str = r#"
[upstream.app]
protocol = "http"
keep_alive = 0
endpoints = ["tls:127.0.0.1:{port}"]
{upstream}
[[route]]
proxy = { upstream = "app" }
"#;

const NAMED: &str = "tls = { ca = \"{certs}/ca.pem\", name = \"app.internal\" }";

#[test]
fn an_application_is_asked_over_tls_and_its_sessions_go_on() {
    let pair = Pair::start("", NAMED);
    for reused in [".", "r"] {
        let answer = pair.ask("/who");
        assert_eq!(answer.text(), "app");
        assert_eq!(
            answer.header("x-tls").unwrap().trim_end(),
            format!("TLSv1.3 app.internal {reused}")
        );
    }
    assert!(pair.ask("/files/large").body.len() == 3_000_000);
    let mut client = Client::connect(pair.front.addr()).unwrap();
    let answer = client
        .request("POST", "/who", &[], &vec![b'x'; 2_000_000])
        .unwrap();
    // The application has no use for a body, and reads it.
    assert!(matches!(answer.status, 200 | 405), "{}", answer.status);
}

#[test]
fn connections_with_tls_are_kept() {
    let pair = Pair::start("", NAMED);
    let text = GATEWAY
        .replace("keep_alive = 0", "keep_alive = 4")
        .replace("{upstream}", NAMED)
        .replace("{certs}", &pair.dir.path().display().to_string())
        .replace("{port}", &pair.back.addr().port().to_string());
    let front = start(&text);
    for _ in 0..3 {
        let mut client = Client::connect(front.addr()).unwrap();
        let answer = client.request("GET", "/who", &[], b"").unwrap();
        // One handshake for all of them.
        assert_eq!(
            answer.header("x-tls").unwrap().trim_end(),
            "TLSv1.3 app.internal ."
        );
    }
}

#[test]
fn a_certificate_that_is_not_believed_is_no_answer() {
    let pair = Pair::start(
        "",
        "tls = { name = \"app.internal\", ca = \"{certs}/gateway.pem\" }",
    );
    let errors = pair.refused();
    assert!(
        errors.contains("UnknownIssuer") || errors.contains("invalid peer certificate"),
        "{errors}"
    );
    let pair = Pair::start("", "tls = { ca = \"{certs}/ca.pem\" }");
    let errors = pair.refused();
    assert!(
        errors.contains("127.0.0.1") || errors.contains("not valid for name"),
        "{errors}"
    );
}

#[test]
fn without_verification_every_certificate_will_do() {
    let pair = Pair::start("", "tls = { verify = false }");
    assert_eq!(pair.ask("/who").text(), "app");
}

#[test]
fn the_gateway_shows_its_certificate_where_one_is_asked_for() {
    let asks = "client = { ca = \"{certs}/ca.pem\" }";
    let shows = "tls = { ca = \"{certs}/ca.pem\", name = \"app.internal\", cert = \"{certs}/gateway.pem\", key = \"{certs}/gateway.key\" }";
    let answer = Pair::start(asks, shows).ask("/who");
    assert!(
        answer
            .header("x-tls")
            .unwrap()
            .ends_with("CN=gateway,O=Shop\\, Inc.")
    );
    let answer = Pair::start(asks, NAMED).ask("/who");
    assert_eq!(answer.status, 502);
}

#[test]
fn an_application_that_speaks_clear_text_is_named() {
    let pair = Pair::start("", NAMED);
    let clear = start("[[route]]\nrespond = { body = \"clear\" }");
    let text = GATEWAY
        .replace("{upstream}", NAMED)
        .replace("{certs}", &pair.dir.path().display().to_string())
        .replace("{port}", &clear.addr().port().to_string());
    let front = start(&text);
    let answer = Client::connect(front.addr())
        .unwrap()
        .request("GET", "/", &[], b"")
        .unwrap();
    assert_eq!(
        (answer.status, answer.header("bridgehead-error")),
        (502, Some("backend_tls_failed"))
    );
}

#[test]
fn checks_of_endpoints_speak_tls_too() {
    let pair = Pair::start(
        "",
        &format!("{NAMED}\nhealth = {{ path = \"/who\", interval = \"50ms\", fall = 1 }}"),
    );
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(pair.ask("/who").text(), "app");
    let lines = pair.back.wait_access(3).unwrap();
    assert!(
        lines.iter().any(|line| line.contains("bridgehead-health")),
        "{lines:#?}"
    );
}

/// Everything from this machine is announced.
const ANNOUNCED: &str = "proxy_protocol = { from = [\"127.0.0.0/8\"] }";

/// The upstream with a version of the PROXY protocol.
fn announcing(version: &str) -> String {
    format!("{NAMED}\nproxy_protocol = \"{version}\"")
}

#[test]
fn an_application_with_tls_is_told_whose_connection_it_is_in_front_of_the_handshake() {
    for version in ["v1", "v2"] {
        let pair = Pair::listening("", ANNOUNCED, &announcing(version));
        for reused in [".", "r"] {
            let mut client = Client::connect(pair.front.addr()).unwrap();
            let answer = client.request("GET", "/who", &[], b"").unwrap();
            let own = client.stream().local_addr().unwrap().to_string();
            let tls = format!("TLSv1.3 app.internal {reused}");
            let told = |name| answer.header(name).unwrap_or_default().trim_end();
            assert_eq!((told("x-client"), told("x-tls")), (&*own, &*tls), "{version}");
        }
    }
}

#[test]
fn a_kept_connection_with_tls_is_for_one_client_alone() {
    let pair = Pair::listening("", ANNOUNCED, &announcing("v2"));
    let text = GATEWAY
        .replace("keep_alive = 0", "keep_alive = 4")
        .replace("{upstream}", &announcing("v2"))
        .replace("{certs}", &pair.dir.path().display().to_string())
        .replace("{port}", &pair.back.addr().port().to_string());
    let front = start(&text);
    let mut clients = [
        Client::connect(front.addr()).unwrap(),
        Client::connect(front.addr()).unwrap(),
    ];
    for _ in 0..2 {
        for client in &mut clients {
            let own = client.stream().local_addr().unwrap().to_string();
            for _ in 0..2 {
                let answer = client.request("GET", "/who", &[], b"").unwrap();
                assert_eq!(answer.header("x-client"), Some(&*own));
            }
        }
    }
}

#[test]
fn checks_of_endpoints_with_tls_are_announced_as_the_gateways_own() {
    for version in ["v1", "v2"] {
        let health = "health = { path = \"/who\", interval = \"50ms\", fall = 1 }";
        let pair = Pair::listening("", ANNOUNCED, &format!("{}\n{health}", announcing(version)));
        let lines = pair.back.wait_access(3).unwrap();
        for line in lines {
            assert!(
                line.contains("bridgehead-health") && line.contains("\"remote\":\"127.0.0.1\""),
                "{line}"
            );
        }
        assert_eq!(pair.ask("/who").text(), "app");
    }
}

#[test]
fn an_application_that_is_not_told_or_is_told_for_nothing_refuses_the_handshake() {
    let pair = Pair::listening("", ANNOUNCED, NAMED);
    pair.refused();
    pair.back.wait_errors("missing_proxy_header").unwrap();
    let pair = Pair::listening("", "", &announcing("v2"));
    pair.refused();
    let line = pair.back.wait_access(1).unwrap().remove(0);
    assert!(line.contains("unexpected_proxy_line"), "{line}");
}

/// An application that reads one request, says `answer`, and reads to the end of its only connection: whether the end was told,
/// and did not just come.
fn told_of_the_end(answer: &'static str) -> (Gateway, JoinHandle<Result<bool>>) {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new("Internal").unwrap();
    let issued = authority.issue(&["app.internal"]).unwrap();
    fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = format!("{NAMED}\nmax_connections = 1");
    let text = GATEWAY
        .replace("keep_alive = 0", "keep_alive = 1")
        .replace("{upstream}", &upstream)
        .replace("{certs}", &dir.path().display().to_string())
        .replace("{port}", &listener.local_addr().unwrap().port().to_string());
    let gateway = start(&text);
    let application = thread::spawn(move || {
        let _dir = dir;
        let (stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut stream = accept_tls(stream, &issued)?;
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            ensure!(stream.read(&mut byte)? == 1, "no request");
            request.extend(byte);
        }
        stream.write_all(answer.as_bytes())?;
        stream.flush()?;
        match stream.read(&mut [0]) {
            Ok(0) => Ok(true),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Ok(_) => anyhow::bail!("another request"),
            Err(error) => Err(error.into()),
        }
    });
    (gateway, application)
}

const WHOLE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn an_application_is_told_that_a_kept_connection_ends() {
    let (mut gateway, application) = told_of_the_end(WHOLE);
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().text(), "ok");
    drop(client);
    gateway.signal(Signal::TERM).unwrap();
    assert!(gateway.wait(Duration::from_secs(20)).unwrap().success());
    assert!(application.join().unwrap().unwrap());
}

#[test]
fn an_application_is_told_that_a_connection_ends_which_is_not_kept() {
    let closing = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    let (gateway, application) = told_of_the_end(closing);
    let mut client = Client::connect(gateway.addr()).unwrap();
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().text(), "ok");
    assert!(application.join().unwrap().unwrap());
}

#[test]
fn an_application_is_told_that_its_client_has_left() {
    let (gateway, application) = told_of_the_end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.send_request("GET", "/", &[], b"").unwrap();
    drop(client);
    assert!(application.join().unwrap().unwrap());
}

#[test]
fn an_application_is_told_that_a_tunnel_ends() {
    let switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let (gateway, application) = told_of_the_end(switched);
    let mut client = Client::connect(gateway.addr()).unwrap();
    let fields = [("Connection", "Upgrade"), ("Upgrade", "websocket")];
    client.send_request("GET", "/", &fields, b"").unwrap();
    assert_eq!(client.read_response().unwrap().status, 101);
    drop(client);
    assert!(application.join().unwrap().unwrap());
}
