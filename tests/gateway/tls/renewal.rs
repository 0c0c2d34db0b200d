//! Certificates that change while the gateway runs.

use testbed::{Client, Signal};

use super::{Site, config, eventually};

impl Site {
    /// The certificate that clients get now.
    fn shown(&self) -> Vec<u8> {
        self.connect(&self.tls()).agreed().certificate
    }
}

#[test]
fn a_renewed_certificate_is_served_without_a_signal() {
    let site = Site::with("watch = \"50ms\"", "tls = true", "");
    let before = site.shown();
    let mut kept = site.connect(&site.tls());
    let renewed = site.authority.issue(&["shop.example", "127.0.0.1"]).unwrap();
    renewed.write(site.dir.path(), "shop").unwrap();
    eventually("the new certificate", || site.shown() != before);
    assert_eq!(site.shown(), testbed::der(&renewed.cert));
    // Connections do not notice.
    assert_eq!(kept.request("GET", "/fixed", &[], b"").unwrap().status, 200);
}

#[test]
fn a_pair_that_does_not_fit_leaves_the_one_before_and_is_told_once() {
    let site = Site::with("watch = \"50ms\"", "tls = true", "");
    let before = site.shown();
    let other = site.authority.issue(&["shop.example", "127.0.0.1"]).unwrap();
    std::fs::write(site.dir.path().join("shop.pem"), &other.cert).unwrap();
    let errors = site.gateway.wait_errors("the certificate before stays").unwrap();
    assert!(
        errors.contains("shop.key does not belong to the first certificate of"),
        "{errors}"
    );
    assert_eq!(site.shown(), before);
    // The other half comes: both are served.
    std::fs::write(site.dir.path().join("shop.key"), &other.key).unwrap();
    eventually("the new certificate", || site.shown() != before);
    assert_eq!(
        site.gateway
            .errors()
            .matches("the certificate before stays")
            .count(),
        1
    );
}

#[test]
fn a_reload_with_a_pair_that_does_not_fit_changes_nothing() {
    let site = Site::with("watch = \"0s\"", "tls = true", "");
    let before = site.shown();
    let other = site.authority.issue(&["shop.example"]).unwrap();
    std::fs::write(site.dir.path().join("shop.pem"), &other.cert).unwrap();
    let more = "[[route]]\npath = \"/more\"\nrespond = { status = 200 }";
    let text = config(&site.backend, site.dir.path(), "", "tls = true", more);
    site.gateway.write_config(&text).unwrap();
    site.gateway.signal(Signal::HUP).unwrap();
    site.gateway
        .wait_errors("the configuration was not loaded")
        .unwrap();
    assert_eq!(site.shown(), before);
    let mut client = site.connect(&site.tls());
    assert_eq!(
        client.request("GET", "/more", &[], b"").unwrap().text(),
        "GET /more 0"
    );
}

#[test]
fn a_reload_changes_what_a_listener_speaks() {
    let site = Site::with("", "tls = false", "");
    let clear = || {
        Client::connect(site.gateway.addr())
            .unwrap()
            .request("GET", "/fixed", &[], b"")
            .unwrap()
    };
    assert_eq!(clear().status, 200);
    let mut kept = Client::connect(site.gateway.addr()).unwrap();
    assert_eq!(kept.request("GET", "/fixed", &[], b"").unwrap().status, 200);
    let text = config(&site.backend, site.dir.path(), "", "tls = true", "");
    site.gateway.write_config(&text).unwrap();
    site.gateway.signal(Signal::HUP).unwrap();
    site.gateway.wait_errors("configuration loaded again").unwrap();
    assert_eq!(clear().status, 400);
    assert_eq!(
        site.connect(&site.tls())
            .request("GET", "/fixed", &[], b"")
            .unwrap()
            .status,
        200
    );
    assert_eq!(kept.request("GET", "/fixed", &[], b"").unwrap().status, 200);
}
