//! Python's `ssl`.

use std::process::Command;

use super::{Site, text};

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
