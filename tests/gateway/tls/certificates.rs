//! Which certificate a client gets.

use testbed::{Client, TlsClient, Wanted};

use super::Site;

/// A gateway with several certificates.
fn site() -> Site {
    Site::prepared(
        "certificates = [\n\
         { cert = \"{certs}/shop.pem\", key = \"{certs}/shop.key\" },\n\
         { cert = \"{certs}/wild.pem\", key = \"{certs}/wild.key\" },\n\
         { cert = \"{certs}/p384.pem\", key = \"{certs}/p384.key\", ocsp = \"{certs}/p384.ocsp\" },\n\
         { cert = \"{certs}/both.pem\", key = \"{certs}/both.key\" },\n]",
        "tls = true",
        "",
        |authority, dir| {
            authority
                .issue(&["*.wild.example"])
                .unwrap()
                .write(dir, "wild")
                .unwrap();
            authority
                .issue(&["both.example"])
                .unwrap()
                .write(dir, "both")
                .unwrap();
            let p384 = authority.issue_as(&Wanted {
                names: &["both.example"],
                p384: true,
                ..Wanted::default()
            });
            p384.unwrap().write(dir, "p384").unwrap();
            std::fs::write(dir.join("p384.ocsp"), b"what the issuer says").unwrap();
        },
    )
}

impl Site {
    /// The certificate that a client gets which asks for `name`.
    fn certificate(&self, name: &str, p384: bool) -> Option<Vec<u8>> {
        let tls = self.tls_as(&TlsClient {
            name,
            p384,
            ..TlsClient::default()
        });
        let client = Client::connect_tls(self.gateway.addr(), &tls).ok()?;
        Some(client.agreed().certificate)
    }

    /// A certificate as it is in its file.
    fn file(&self, name: &str) -> Vec<u8> {
        let text = std::fs::read_to_string(self.dir.path().join(format!("{name}.pem"))).unwrap();
        testbed::der(&text)
    }
}

#[test]
fn a_client_gets_the_certificate_of_the_name_that_it_asks_for() {
    let site = site();
    for (name, file) in [
        ("shop.example", "shop"),
        ("SHOP.example", "shop"),
        ("a.wild.example", "wild"),
        ("both.example", "both"),
        // No name, and so the first one; it is for the address, too.
        ("", "shop"),
    ] {
        assert_eq!(site.certificate(name, false), Some(site.file(file)), "{name}");
    }
    // The first one, which is not for these: the client does not believe it.
    assert_eq!(site.certificate("a.b.wild.example", false), None);
    assert_eq!(site.certificate("other.example", false), None);
}

#[test]
fn of_two_keys_for_one_name_a_client_gets_the_one_that_it_can_verify() {
    let site = site();
    assert_eq!(site.certificate("both.example", true), Some(site.file("p384")));
}

#[test]
fn what_the_issuer_says_of_a_certificate_comes_along_with_it() {
    let site = site();
    let tls = site.tls_as(&TlsClient {
        name: "both.example",
        p384: true,
        ..TlsClient::default()
    });
    site.connect(&tls);
    assert_eq!(tls.ocsp(), b"what the issuer says");
    let tls = site.tls();
    site.connect(&tls);
    assert_eq!(tls.ocsp(), b"");
}

#[test]
fn a_listener_may_have_certificates_of_its_own() {
    let site = Site::prepared(
        "",
        "tls = { certificates = [{ cert = \"{certs}/own.pem\", key = \"{certs}/own.key\" }] }",
        "",
        |authority, dir| {
            authority
                .issue(&["own.example"])
                .unwrap()
                .write(dir, "own")
                .unwrap()
        },
    );
    assert_eq!(site.certificate("own.example", false), Some(site.file("own")));
    assert_eq!(site.certificate("shop.example", false), None);
}
