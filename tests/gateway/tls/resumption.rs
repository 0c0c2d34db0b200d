//! Sessions that go on.

use testbed::{Signal, TlsClient, Wanted};

use super::{Site, config, eventually};

#[test]
fn a_client_goes_on_with_its_session_in_both_versions() {
    let site = Site::new();
    for tls12 in [false, true] {
        let tls = site.tls_as(&TlsClient {
            name: "shop.example",
            tls12,
            ..TlsClient::default()
        });
        assert!(!site.resumes(&tls));
        assert!(site.resumes(&tls), "TLS 1.2: {tls12}");
    }
}

#[test]
fn without_tickets_every_session_is_new() {
    let site = Site::with("session_tickets = false", "tls = true", "");
    for tls12 in [false, true] {
        let tls = site.tls_as(&TlsClient {
            name: "shop.example",
            tls12,
            ..TlsClient::default()
        });
        assert!(!site.resumes(&tls) && !site.resumes(&tls));
    }
}

#[test]
fn sessions_outlive_a_reload_and_a_renewed_certificate() {
    let site = Site::new();
    let tls = site.tls();
    assert!(!site.resumes(&tls));
    let renewed = site.authority.issue(&["shop.example", "127.0.0.1"]).unwrap();
    renewed.write(site.dir.path(), "shop").unwrap();
    let more = "[[route]]\npath = \"/more\"\nrespond = { status = 200 }";
    let text = config(&site.backend, site.dir.path(), "", "tls = true", more);
    site.gateway.write_config(&text).unwrap();
    site.gateway.signal(Signal::HUP).unwrap();
    site.gateway.wait_errors("configuration loaded again").unwrap();
    assert!(site.resumes(&tls));
}

#[test]
fn sessions_outlive_the_process() {
    let mut site = Site::new();
    let tls = site.tls();
    assert!(!site.resumes(&tls));
    let before = site.gateway.pid();
    site.gateway.signal(Signal::USR2).unwrap();
    site.gateway.follow().unwrap();
    eventually("the first process ends", || !site.gateway.is_ours(before));
    assert!(site.resumes(&tls));
}

#[test]
fn a_session_without_a_certificate_is_not_gone_on_with_where_one_is_asked_for() {
    let site = Site::new();
    let tls = site.tls();
    assert!(!site.resumes(&tls));
    assert!(site.resumes(&tls));
    let asking = "client = { ca = \"{certs}/ca.pem\", verify = \"optional\" }";
    let text = config(&site.backend, site.dir.path(), asking, "tls = true", "");
    site.gateway.write_config(&text).unwrap();
    site.gateway.signal(Signal::HUP).unwrap();
    site.gateway.wait_errors("configuration loaded again").unwrap();
    assert!(!site.resumes(&tls));
    assert!(site.resumes(&tls));
}

#[test]
fn a_session_ends_when_a_certificate_is_revoked() {
    let mut ann = None;
    let site = Site::prepared(
        "watch = \"50ms\"\nclient = { ca = \"{certs}/ca.pem\", crl = \"{certs}/crl.pem\" }",
        "tls = true",
        "",
        |authority, dir| {
            let wanted = Wanted {
                holder: "ann",
                serial: 77,
                ..Wanted::default()
            };
            ann = Some(authority.issue_as(&wanted).unwrap());
            std::fs::write(dir.join("crl.pem"), authority.revoke(&[]).unwrap()).unwrap();
        },
    );
    let ann = ann.unwrap();
    let tls = site.tls_as(&TlsClient {
        name: "shop.example",
        certificate: Some(&ann),
        ..TlsClient::default()
    });
    assert!(!site.resumes(&tls));
    assert!(site.resumes(&tls));
    let revoked = site.authority.revoke(&[&ann]).unwrap();
    std::fs::write(site.dir.path().join("crl.pem"), revoked).unwrap();
    site.gateway.wait_errors("certificates read again").unwrap();
    let refused = testbed::Client::connect_tls(site.gateway.addr(), &tls);
    assert!(
        refused
            .and_then(|mut client| client.request("GET", "/fixed", &[], b""))
            .is_err()
    );
}
