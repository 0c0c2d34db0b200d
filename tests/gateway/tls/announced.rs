//! TLS behind a header of the PROXY protocol.

use anyhow::Result;
use testbed::{Client, ScriptedRequest, Signal, Tls, TlsClient};

use super::{Site, config};
use crate::http::frames::{Http2, Outcome};
use crate::http::proxy_protocol::{LINE, SECURE};

/// Everything from this machine is announced.
const ANNOUNCED: &str = "tls = true\nproxy_protocol = { from = [\"127.0.0.0/8\"] }";

/// The client of [`LINE`] in version 2.
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x09\xc6\x33\x64\x01\xdc\x04\x01\xbb";

const HEADERS: [&[u8]; 2] = [LINE, BINARY];

impl Site {
    /// A connection whose header and first words of TLS come together.
    fn announced(&self, tls: &Tls, header: &[u8]) -> Result<Client> {
        self.behind(tls, |client, hello| client.send([header, hello].concat()))
    }

    /// A connection in front of whose handshake `say` says what comes first.
    fn behind(&self, tls: &Tls, say: impl FnOnce(&mut Client, &[u8]) -> Result<()>) -> Result<Client> {
        Client::connect(self.gateway.addr())?.shake(tls, say)
    }

    /// What the application was asked last.
    fn last(&self) -> ScriptedRequest {
        self.backend.requests().pop().expect("a request")
    }

    /// Loads a configuration with something else in `[[listen]]`.
    #[track_caller]
    fn reload(&self, listen: &str) {
        let text = config(&self.backend, self.dir.path(), "", listen, "");
        let loaded = || {
            self.gateway
                .errors()
                .matches("configuration loaded again")
                .count()
        };
        let before = loaded();
        self.gateway.write_config(&text).unwrap();
        self.gateway.signal(Signal::HUP).unwrap();
        super::eventually("a reload", || loaded() > before);
    }
}

/// The status and the reason of a refusal in clear text, and the end of the connection.
#[track_caller]
fn refusal(site: &Site, bytes: &[u8]) -> (u16, String) {
    let mut client = Client::connect(site.gateway.addr()).unwrap();
    client.send(bytes).unwrap();
    let [answer] = client.read_all().unwrap().try_into().expect("one answer");
    let reason = answer.header("bridgehead-error").unwrap_or_default();
    (answer.status, reason.to_owned())
}

#[track_caller]
fn asks(client: &mut Client) {
    assert_eq!(client.request("GET", "/", &[], b"").unwrap().status, 200);
}

#[track_caller]
fn assert_announced(asked: &ScriptedRequest) {
    for (name, value) in [
        ("REMOTE_ADDR", "192.0.2.9"),
        ("REMOTE_PORT", "56324"),
        ("SERVER_ADDR", "198.51.100.1"),
        ("SERVER_PORT", "443"),
        ("HTTP_X_FORWARDED_FOR", "192.0.2.9"),
        ("HTTP_X_FORWARDED_PROTO", "https"),
        ("REQUEST_SCHEME", "https"),
        ("HTTPS", "on"),
        ("SSL_SERVER_NAME", "shop.example"),
    ] {
        assert_eq!(asked.param(name), Some(value), "{name}");
    }
}

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n";

#[test]
fn an_announced_client_shakes_hands_behind_its_header() {
    let site = Site::with("", ANNOUNCED, "");
    for header in HEADERS {
        for (tls12, version) in [(false, "TLSv1.3"), (true, "TLSv1.2")] {
            let tls = site.tls_as(&TlsClient {
                name: "shop.example",
                tls12,
                ..TlsClient::default()
            });
            let mut client = site.announced(&tls, header).unwrap();
            for _ in 0..2 {
                asks(&mut client);
                assert_announced(&site.last());
                assert_eq!(site.last().param("SSL_PROTOCOL"), Some(version));
            }
        }
    }
    for line in site.gateway.wait_access(8).unwrap() {
        assert!(line.contains("\"remote\":\"192.0.2.9\""), "{line}");
    }
}

#[test]
fn an_announced_client_agrees_on_http_2_behind_its_header() {
    let site = Site::with("", ANNOUNCED, "");
    let tls = site.tls_as(&TlsClient {
        name: "shop.example",
        alpn: &["h2"],
        ..TlsClient::default()
    });
    let ask = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/"),
        (":authority", "shop.example"),
    ];
    for header in HEADERS {
        let client = site.announced(&tls, header).unwrap();
        assert_eq!(client.agreed().alpn, "h2");
        let mut http = Http2::begin(client);
        assert!(matches!(http.ask(&ask, b""), Outcome::Answer(200, _)));
        assert_announced(&site.last());
    }
}

#[test]
fn a_header_may_end_anywhere_in_front_of_the_handshake() {
    let site = Site::with("", ANNOUNCED, "");
    let tls = site.tls();
    for header in HEADERS {
        for at in 0..=header.len() {
            let (first, rest) = header.split_at(at);
            let say = |client: &mut Client, hello: &[u8]| {
                client.send(first)?;
                client.send([rest, hello].concat())
            };
            asks(&mut site.behind(&tls, say).unwrap());
            assert_announced(&site.last());
        }
        let say = |client: &mut Client, hello: &[u8]| {
            let bytes = [header, hello].concat();
            bytes.chunks(1).try_for_each(|byte| client.send(byte))
        };
        asks(&mut site.behind(&tls, say).unwrap());
        assert_announced(&site.last());
    }
}

#[test]
fn plain_http_behind_a_header_is_told_that_tls_is_spoken() {
    let site = Site::with("", ANNOUNCED, "");
    for header in HEADERS {
        let refused = refusal(&site, &[header, GET].concat());
        assert_eq!(refused, (400, "clear_on_tls_port".to_owned()));
    }
    for line in site.gateway.wait_access(2).unwrap() {
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let seen = (&line["remote"], &line["target"], &line["reason"]);
        let expected = (&"192.0.2.9".into(), &"/a".into(), &"clear_on_tls_port".into());
        assert_eq!(seen, expected);
    }
    assert!(site.backend.requests().is_empty());
}

#[test]
fn tls_behind_a_header_on_a_clear_port_is_named() {
    let site = Site::with("", &ANNOUNCED.replace("tls = true\n", ""), "");
    for header in HEADERS {
        let hello = site.tls().hello().unwrap();
        let refused = refusal(&site, &[header, &hello].concat());
        assert_eq!(refused, (400, "tls_on_clear_port".to_owned()));
    }
    for line in site.gateway.wait_access(2).unwrap() {
        assert!(line.contains("\"remote\":\"192.0.2.9\""), "{line}");
    }
}

#[test]
fn a_header_of_a_peer_that_is_to_send_none_is_named_in_front_of_tls() {
    for listen in [
        "tls = true",
        "tls = true\nproxy_protocol = { from = [\"10.0.0.0/8\"] }",
    ] {
        let site = Site::with("", listen, "");
        for header in HEADERS {
            let hello = site.tls().hello().unwrap();
            let refused = refusal(&site, &[header, &hello].concat());
            assert_eq!(refused, (400, "unexpected_proxy_line".to_owned()));
        }
        asks(&mut site.connect(&site.tls()));
    }
}

#[test]
fn tls_without_its_header_is_refused() {
    let site = Site::with("", ANNOUNCED, "");
    assert!(Client::connect_tls(site.gateway.addr(), &site.tls()).is_err());
    let hello = site.tls().hello().unwrap();
    let refused = refusal(&site, &hello);
    assert_eq!(refused, (400, "missing_proxy_header".to_owned()));
    let refused = refusal(&site, &[b"PROXY TCP5 \r\n", &hello[..]].concat());
    assert_eq!(refused, (400, "bad_proxy_header".to_owned()));
}

#[test]
fn what_comes_in_front_of_a_request_has_the_time_of_a_handshake() {
    let timeouts = "[server]\ntemp_dir = \"{dir}\"\ntimeouts = { handshake = \"200ms\" }";
    let site = Site::with("", ANNOUNCED, timeouts);
    let hello = site.tls().hello().unwrap();
    for header in HEADERS {
        for start in [
            &header[..header.len() / 2],
            header,
            &[header, &hello[..hello.len() / 2]].concat(),
        ] {
            let mut slow = Client::connect(site.gateway.addr()).unwrap();
            slow.send(start).unwrap();
            assert_eq!(slow.rest().unwrap(), b"");
        }
    }
    // Behind both, this time is over.
    let mut client = site.announced(&site.tls(), LINE).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(400));
    asks(&mut client);
}

#[test]
fn handshakes_behind_headers_are_limited_and_headers_take_no_place_of_theirs() {
    let site = Site::with("max_handshakes = 2", ANNOUNCED, "");
    let tls = site.tls();
    let (begin, rest) = LINE.split_at(20);
    let waiting = || {
        let mut client = Client::connect(site.gateway.addr()).unwrap();
        client.send(begin).unwrap();
        client
    };
    let waiting = [waiting(), waiting(), waiting()];
    let stalled = || {
        let mut client = Client::connect(site.gateway.addr()).unwrap();
        client.send([LINE, &tls.hello().unwrap()].concat()).unwrap();
        // What the gateway says, all of which is for a client that goes on.
        client.take(500).unwrap();
        client
    };
    let (mut first, mut second) = (stalled(), stalled());
    asks(&mut site.announced(&tls, LINE).unwrap());
    assert!(first.rest().is_ok(), "closed");
    let _others = [stalled(), stalled()];
    assert!(second.rest().is_ok(), "closed");
    site.gateway.wait_errors("max_handshakes reached").unwrap();
    for client in waiting {
        let say = |client: &mut Client, hello: &[u8]| client.send([rest, hello].concat());
        asks(&mut client.shake(&tls, say).unwrap());
        assert_announced(&site.last());
    }
}

#[test]
fn a_balancer_that_ends_tls_and_speaks_it_to_us_is_told_from_its_client() {
    let log = "[log]\naccess = \"{dir}/access.log\"\nerror = \"{dir}/error.log\"\naccess_format = \
         '$remote_addr $scheme $proxy_protocol_tlv_ssl_version $ssl_protocol $ssl_server_name'\n";
    let site = Site::with("", ANNOUNCED, log);
    let tls = site.tls_as(&TlsClient {
        name: "shop.example",
        tls12: true,
        ..TlsClient::default()
    });
    asks(&mut site.announced(&tls, SECURE).unwrap());
    let line = "192.0.2.9 https TLSv1.3 TLSv1.2 shop.example";
    assert_eq!(site.gateway.wait_access(1).unwrap(), [line]);
}

#[test]
fn a_reload_changes_whose_connections_are_announced_in_front_of_tls() {
    let site = Site::new();
    let tls = site.tls();
    let mut kept = site.connect(&tls);
    asks(&mut kept);
    assert!(site.announced(&tls, LINE).is_err());
    site.reload(ANNOUNCED);
    assert!(Client::connect_tls(site.gateway.addr(), &tls).is_err());
    let mut announced = site.announced(&tls, LINE).unwrap();
    asks(&mut announced);
    let (begin, rest) = BINARY.split_at(9);
    let say = |client: &mut Client, hello: &[u8]| {
        client.send(begin)?;
        // So that the connection is accepted.
        asks(&mut site.announced(&tls, LINE).unwrap());
        site.reload("tls = true");
        client.send([rest, hello].concat())
    };
    asks(&mut site.behind(&tls, say).unwrap());
    assert_announced(&site.last());
    for client in [&mut kept, &mut announced] {
        asks(client);
    }
    assert!(site.announced(&tls, LINE).is_err());
    asks(&mut site.connect(&tls));
}

#[test]
fn announced_connections_with_tls_outlive_the_process() {
    let grace = "[server]\ntemp_dir = \"{dir}\"\ntimeouts = { grace = \"20s\" }";
    let mut site = Site::with("", ANNOUNCED, grace);
    let tls = site.tls();
    let mut kept = site.announced(&tls, LINE).unwrap();
    asks(&mut kept);
    let (begin, rest) = BINARY.split_at(20);
    let mut waiting = Client::connect(site.gateway.addr()).unwrap();
    waiting.send(begin).unwrap();
    // So that the one before is accepted.
    asks(&mut site.announced(&tls, BINARY).unwrap());
    site.gateway.signal(Signal::USR2).unwrap();
    site.gateway.follow().unwrap();
    let mut fresh = site.announced(&tls, BINARY).unwrap();
    assert!(fresh.agreed().resumed);
    asks(&mut fresh);
    assert_announced(&site.last());
    asks(&mut kept);
    let say = |client: &mut Client, hello: &[u8]| client.send([rest, hello].concat());
    asks(&mut waiting.shake(&tls, say).unwrap());
    assert_announced(&site.last());
}
