//! The keys of connections, for those that have to see what is in them.

use std::fs;

use testbed::{Gateway, TlsClient};

use super::Site;

#[test]
fn keys_are_logged_where_the_environment_says_and_that_is_told() {
    let site = Site::new();
    let text = super::config(&site.backend, site.dir.path(), "", "tls = true", "");
    let file = [("SSLKEYLOGFILE", "{dir}/keys")];
    let gateway = Gateway::start_with(&testbed::built("bridgehead"), &text, &file).unwrap();
    gateway
        .wait_errors("WARN SSLKEYLOGFILE is set: the keys of every connection are written there")
        .unwrap();
    for tls12 in [false, true] {
        let tls = site.tls_as(&TlsClient {
            name: "shop.example",
            tls12,
            ..TlsClient::default()
        });
        let mut client = testbed::Client::connect_tls(gateway.addr(), &tls).unwrap();
        assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
        let logged = fs::read_to_string(gateway.dir().join("keys")).unwrap();
        let (keys, lines): (_, Vec<&str>) = (tls.keys(), logged.lines().collect());
        assert!(!keys.is_empty());
        for key in keys {
            assert!(lines.contains(&&*key), "{key} in\n{logged}");
        }
    }
}

#[test]
fn keys_are_not_logged_by_themselves() {
    let site = Site::new();
    assert!(!site.resumes(&site.tls()));
    assert!(!site.gateway.errors().contains("SSLKEYLOGFILE"));
}
