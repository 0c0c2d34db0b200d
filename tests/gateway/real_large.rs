//! A gibibyte each way: intact, and without room for it in memory. `cargo xtask test real_large` runs only these.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::io::Read;
use std::time::{Duration, Instant};

use testbed::{Backend, Client, Gateway, Kind, Options};

use crate::start;

struct Site {
    gateway: Gateway,
    _backend: Backend,
}

impl Site {
    fn start(kind: Kind) -> Self {
        let backend = kind.start(&Options::default()).unwrap();
        let handler = match kind {
            Kind::PhpFpm => format!(
                "php = {{ upstream = \"app\", root = {:?}, front_controller = \"/index.php\" }}",
                testbed::app_dir(kind)
            ),
            _ => "proxy = { upstream = \"app\" }".to_owned(),
        };
        let gateway = start(&format!(
            "[upstream.app]\nprotocol = \"{}\"\nprofile = \"{}\"\nendpoints = [\"{}\"]\nmax_connections = 4\n\
             [[route]]\n{handler}\nlimits = {{ body = \"2GiB\" }}\n",
            kind.protocol(),
            kind.profile(),
            backend.address()
        ));
        Self {
            gateway,
            _backend: backend,
        }
    }

    fn client(&self) -> Client {
        let client = Client::connect(self.gateway.addr()).unwrap();
        // The application answers when it has read everything.
        client.stream().set_read_timeout(Some(PATIENCE)).unwrap();
        client
    }

    /// Whether the gateway has a file open in its `temp_dir`.
    fn spools(&self) -> bool {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.gateway.pid())).unwrap();
        let mut links = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        links.any(|link| {
            link.starts_with(self.gateway.dir()) && link.extension().is_none_or(|end| end != "log")
        })
    }

    fn assert_small(&self, what: &str, started: Instant) {
        let peak = self.gateway.peak();
        eprintln!("{what}: {:?}, peak {} KiB", started.elapsed(), peak / 1024);
        assert!((1..MOST_MEMORY).contains(&peak), "{what}: peak of {peak} bytes");
    }
}

fn upload(kind: Kind) {
    let (site, block) = (Site::start(kind), pattern());
    let started = Instant::now();
    let mut client = site.client();
    let length = SIZE.to_string();
    client
        .send_request("PUT", "/upload", &[("Content-Length", &length)], b"")
        .unwrap();
    for _ in 0..SIZE / block.len() {
        client.send(&block).unwrap();
    }
    assert!(site.spools(), "the body waits elsewhere");
    let answer: serde_json::Value = serde_json::from_slice(&client.read_response().unwrap().body).unwrap();
    assert_eq!(
        (&answer["length"], &answer["sha256"]),
        (&SIZE.into(), &SHA256.into())
    );
    site.assert_small(&format!("upload to {kind}"), started);
}

/// Every byte is compared, which is more than a hash says.
fn download(kind: Kind) {
    let (site, expected) = (Site::start(kind), pattern());
    let started = Instant::now();
    let mut client = site.client();
    let target = format!("/download?bytes={SIZE}");
    client.send_request("GET", &target, &[], b"").unwrap();
    let mut stream = client.stream();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200 ")
            && head
                .to_lowercase()
                .contains(&format!("content-length: {SIZE}\r\n"))
    );
    let mut received = vec![0; expected.len()];
    for number in 0..SIZE / expected.len() {
        stream.read_exact(&mut received).unwrap();
        assert!(received == expected, "block {number} differs");
    }
    site.assert_small(&format!("download from {kind}"), started);
}

/// What the applications send, byte `i` is `(i * 31 + 7) & 0xff`: a whole number of periods.
fn pattern() -> Vec<u8> {
    (0..256 * 1024).map(|i| (i * 31 + 7) as u8).collect()
}

#[test]
fn a_gibibyte_is_uploaded_to_php_fpm() {
    upload(Kind::PhpFpm);
}

#[test]
fn a_gibibyte_is_downloaded_from_php_fpm() {
    download(Kind::PhpFpm);
}

#[test]
fn a_gibibyte_is_uploaded_to_uwsgi() {
    upload(Kind::UwsgiUwsgi);
}

#[test]
fn a_gibibyte_is_downloaded_from_uwsgi() {
    download(Kind::UwsgiUwsgi);
}

#[test]
fn a_gibibyte_is_uploaded_to_gunicorn_over_http() {
    upload(Kind::GunicornHttp);
}

#[test]
fn a_gibibyte_is_downloaded_from_gunicorn_over_http() {
    download(Kind::GunicornHttp);
}

const SIZE: usize = 1024 * 1024 * 1024;
const SHA256: &str = "188e43c2f1b607dc07b58ee779b9b58fb176a51d79a7abfa70c80a16947b692c";
const MOST_MEMORY: u64 = 64 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(60);
