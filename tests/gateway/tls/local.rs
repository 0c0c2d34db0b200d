//! Certificates of the local authority: a listener with TLS for `localhost`, and no file anywhere.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;
use testbed::{Client, Gateway, Signal, Tls, TlsClient};

use super::eventually;
use crate::start;

/// A gateway with a store, for these hosts.
fn config(store: &TempDir, hosts: &[&str]) -> String {
    let routes = hosts
        .iter()
        .map(|host| format!("[[route]]\nhost = \"{host}\"\nrespond = {{ body = \"{host}\" }}\n"));
    format!(
        "[acme]\nstore = \"{}\"\n[[listen]]\naddress = \"127.0.0.1:0\"\ntls = true\n{}",
        store.path().join("state").display(),
        routes.collect::<String>()
    )
}

/// What a client gets that believes the authority; `None`: it does not believe the certificate. Empty: no name is asked for.
fn get(gateway: &Gateway, store: &TempDir, name: &str) -> Option<String> {
    let root = fs::read_to_string(store.path().join("state/local/root.pem")).unwrap();
    let client = TlsClient {
        name,
        ..TlsClient::default()
    };
    let tls = Tls::believing(testbed::der(&root), &client).unwrap();
    let mut client = Client::connect_tls(gateway.addr(), &tls).ok()?;
    let host = if name.is_empty() { "localhost" } else { name };
    Some(client.request("GET", "/", &[("Host", host)], b"").unwrap().text())
}

#[test]
fn local_names_have_certificates_without_any_file() {
    let store = tempfile::tempdir().unwrap();
    let gateway = start(&config(&store, &["localhost", "shop.test", "*.nas.internal"]));
    for (name, body) in [
        ("localhost", "localhost"),
        ("shop.test", "shop.test"),
        ("photos.nas.internal", "*.nas.internal"),
        // By the address.
        ("", "localhost"),
    ] {
        assert_eq!(get(&gateway, &store, name).as_deref(), Some(body), "{name:?}");
    }
    assert_eq!(get(&gateway, &store, "other.test"), None);
    let mode = |part: &str| mode(&store.path().join("state/local").join(part));
    assert_eq!(
        (mode(""), mode("root.key"), mode("shop.test.pem")),
        (0o700, 0o600, 0o600)
    );
}

#[test]
fn the_authority_outlives_the_gateway_and_a_reload_adds_names() {
    let store = tempfile::tempdir().unwrap();
    let first = start(&config(&store, &["localhost"]));
    let root = || fs::read_to_string(store.path().join("state/local/root.pem")).unwrap();
    let authority = root();
    drop(first);
    let second = start(&config(&store, &["localhost"]));
    assert_eq!(get(&second, &store, "localhost").as_deref(), Some("localhost"));
    second
        .write_config(&config(&store, &["localhost", "shop.test"]))
        .unwrap();
    second.signal(Signal::HUP).unwrap();
    second.wait_errors("configuration loaded again").unwrap();
    eventually("the new name", || {
        get(&second, &store, "shop.test").as_deref() == Some("shop.test")
    });
    assert_eq!(root(), authority);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
