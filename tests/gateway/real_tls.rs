//! TLS with clients that are not ours: curl, Python.

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;
use testbed::{Authority, Gateway, Wanted};

use crate::start;

/// A gateway for `shop.example` and `admin.example`, which asks for a certificate, and what its clients need.
struct Site {
    gateway: Gateway,
    authority: Authority,
    dir: TempDir,
}

impl Site {
    fn start() -> Self {
        let authority = Authority::new("Test Authority").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let issued = authority.issue(&["shop.example", "admin.example"]).unwrap();
        issued.write(dir.path(), "server").unwrap();
        fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
        fs::write(dir.path().join("large"), vec![b'x'; 1_000_000]).unwrap();
        let text = CONFIG.replace("{certs}", &dir.path().display().to_string());
        Self {
            gateway: start(&text),
            authority,
            dir,
        }
    }

    /// curl with these arguments; `host` leads to the gateway.
    fn curl(&self, host: &str, target: &str, arguments: &[&str]) -> Output {
        let port = self.gateway.addr().port();
        Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "20",
                "--noproxy",
                "*",
                "--cacert",
            ])
            .arg(self.dir.path().join("ca.pem"))
            .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
            .args(arguments)
            .arg(format!("https://{host}:{port}{target}"))
            .output()
            .expect("curl is installed: cargo xtask test installs it")
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }
}

#[track_caller]
fn text(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const CONFIG: &str = r#"
[tls]
certificates = [{ cert = "{certs}/server.pem", key = "{certs}/server.key" }]

[[listen]]
address = "127.0.0.1:0"
tls = true

[[route]]
host = "shop.example"
respond = { body = "shop" }
headers = { X-Tls = "$scheme $ssl_protocol $ssl_session_reused" }

[[route]]
host = "shop.example"
path = "/files"
files = { alias = "{certs}" }

[[route]]
host = "admin.example"
client = { ca = "{certs}/ca.pem" }
respond = { body = "admin" }
headers = { X-Who = "$ssl_client_verify $ssl_client_s_dn" }
"#;

#[test]
fn curl_asks_by_http_1_and_by_http_2_in_both_versions_of_tls() {
    let site = Site::start();
    for (http, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        for (tls, max) in [("TLSv1.2", "1.2"), ("TLSv1.3", "1.3")] {
            let told = ["-w", "\n%{http_version} %header{x-tls}", http, "--tls-max", max];
            let said = text(&site.curl("shop.example", "/", &told));
            assert_eq!(said, format!("shop\n{version} https {tls} ."));
        }
        let size = ["-o", "/dev/null", "-w", "%{size_download}", http];
        assert_eq!(text(&site.curl("shop.example", "/files/large", &size)), "1000000");
    }
}

#[test]
fn curl_shows_a_certificate_where_one_is_asked_for() {
    let site = Site::start();
    let wanted = Wanted {
        holder: "ann",
        ..Wanted::default()
    };
    site.authority
        .issue_as(&wanted)
        .unwrap()
        .write(site.dir.path(), "ann")
        .unwrap();
    let (cert, key) = (site.path("ann.pem"), site.path("ann.key"));
    for http in ["--http1.1", "--http2"] {
        let shown = ["-w", " %header{x-who}", http, "--cert", &cert, "--key", &key];
        let said = text(&site.curl("admin.example", "/", &shown));
        assert_eq!(said, "admin SUCCESS CN=ann,O=Shop\\, Inc.");
        assert!(!site.curl("admin.example", "/", &[http]).status.success());
        // The connection is for one host, the request for another.
        let other = [
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %header{bridgehead-error}",
            http,
            "-H",
            "Host: admin.example",
        ];
        assert_eq!(text(&site.curl("shop.example", "/", &other)), "421 misdirected");
    }
}

#[test]
fn curl_is_told_of_plain_http_on_a_tls_port() {
    let site = Site::start();
    let url = format!("http://{}/", site.gateway.addr());
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "20", "--noproxy", "*", "-i", &url])
        .output()
        .unwrap();
    let said = text(&output);
    assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
    assert!(
        said.to_ascii_lowercase()
            .contains("bridgehead-error: clear_on_tls_port"),
        "{said}"
    );
}

#[test]
fn python_goes_on_with_its_session() {
    let site = Site::start();
    for version in ["TLSv1_2", "TLSv1_3"] {
        assert_eq!(python(&site, version), "False True\n", "{version}");
    }
}

/// Two connections one after the other; whether each goes on with an earlier session.
fn python(site: &Site, version: &str) -> String {
    let output = Command::new("python3")
        .args([
            "-c",
            TWICE,
            &site.path("ca.pem"),
            &site.gateway.addr().port().to_string(),
            version,
        ])
        .output()
        .expect("python3 is installed: cargo xtask test installs it");
    text(&output)
}

const TWICE: &str = r#"
import socket, ssl, sys
authority, port, version = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
context.maximum_version = context.minimum_version = getattr(ssl.TLSVersion, version)
session, reused = None, []
for _ in range(2):
    plain = socket.create_connection(("127.0.0.1", int(port)), timeout=20)
    with context.wrap_socket(plain, server_hostname="shop.example", session=session) as secure:
        secure.sendall(b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := secure.recv(65536):
            answer += piece
        assert answer.endswith(b"shop"), answer
        session = secure.session
        reused.append(secure.session_reused)
print(*reused)
"#;
