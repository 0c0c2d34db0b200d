//! Certificates of clients.

use testbed::{Authority, Client, Issued, Response, TlsClient, Wanted};

use super::Site;

/// Certificates of clients: `ann`'s is good, `bob`'s is revoked, `eve`'s is of another authority.
struct People {
    ann: Issued,
    bob: Issued,
    eve: Issued,
}

fn issue(authority: &Authority, holder: &str, serial: u64) -> Issued {
    let wanted = Wanted {
        holder,
        serial,
        ..Wanted::default()
    };
    authority.issue_as(&wanted).unwrap()
}

fn site(verify: &str, tables: &str) -> (Site, People) {
    let mut people = None;
    let site = Site::prepared(
        &format!(
            "client = {{ ca = \"{{certs}}/ca.pem\", crl = \"{{certs}}/crl.pem\", verify = \"{verify}\" }}"
        ),
        "tls = true",
        tables,
        |authority, dir| people = Some(prepare(authority, dir)),
    );
    (site, people.unwrap())
}

fn prepare(authority: &Authority, dir: &std::path::Path) -> People {
    let bob = issue(authority, "bob", 300);
    std::fs::write(dir.join("crl.pem"), authority.revoke(&[&bob]).unwrap()).unwrap();
    People {
        ann: issue(authority, "ann", 255),
        bob,
        eve: issue(&Authority::new("Other Authority").unwrap(), "eve", 1),
    }
}

impl Site {
    /// The answer to a client with this certificate; `None`: there is no connection.
    fn ask(&self, name: &str, certificate: Option<&Issued>, host: &str) -> Option<Response> {
        let tls = self.tls_as(&TlsClient {
            name,
            certificate,
            ..TlsClient::default()
        });
        let fields = [
            ("Host", host),
            ("X-SSL-Client-Verify", "SUCCESS"),
            ("SSL_CLIENT_VERIFY", "SUCCESS"),
        ];
        let mut client = Client::connect_tls(self.gateway.addr(), &tls).ok()?;
        client.request("GET", "/who", &fields, b"").ok()
    }
}

const SHOP: &str = "shop.example";

#[test]
fn a_certificate_that_is_required_is_shown_or_there_is_no_connection() {
    let (site, people) = site("required", "");
    assert!(site.ask(SHOP, None, SHOP).is_none());
    assert!(site.ask(SHOP, Some(&people.eve), SHOP).is_none());
    assert!(site.ask(SHOP, Some(&people.bob), SHOP).is_none(), "revoked");
    assert_eq!(site.backend.requests().len(), 0);
    assert_eq!(site.ask(SHOP, Some(&people.ann), SHOP).unwrap().status, 200);
    let requests = site.backend.wait_requests(1).unwrap();
    let param = |name| requests[0].param(name).unwrap_or("-").to_owned();
    assert_eq!(param("SSL_CLIENT_VERIFY"), "SUCCESS");
    assert_eq!(param("SSL_CLIENT_S_DN"), "CN=ann,O=Shop\\, Inc.");
    assert_eq!(param("SSL_CLIENT_I_DN"), "CN=Test Authority");
    assert_eq!(param("SSL_CLIENT_SERIAL"), "FF");
    assert_eq!(param("SSL_CLIENT_V_END"), "Jan  1 00:00:00 2100 GMT");
    assert_eq!(param("SSL_CLIENT_FINGERPRINT").len(), 40);
    assert_eq!(param("HTTP_X_SSL_CLIENT_VERIFY"), "-");
}

#[test]
fn a_certificate_that_is_optional_is_good_if_it_is_shown() {
    let (site, people) = site("optional", "");
    assert_eq!(site.ask(SHOP, None, SHOP).unwrap().status, 200);
    assert_eq!(site.ask(SHOP, Some(&people.ann), SHOP).unwrap().status, 200);
    assert!(site.ask(SHOP, Some(&people.eve), SHOP).is_none());
    assert!(site.ask(SHOP, Some(&people.bob), SHOP).is_none());
    let requests = site.backend.wait_requests(2).unwrap();
    let verify = |at: usize| requests[at].param("SSL_CLIENT_VERIFY").unwrap().to_owned();
    assert_eq!([verify(0), verify(1)], ["NONE", "SUCCESS"]);
}

#[test]
fn a_host_may_ask_for_certificates_and_no_other_connection_is_for_it() {
    let tables = "[[listen]]\naddress = \"127.0.0.1:0\"\n[[route]]\nhost = \"admin.example\"\nclient = { ca = \"{certs}/ca.pem\" }\nrespond = { body = \"admin\" }";
    let mut people = None;
    let site = Site::prepared(
        "certificates = [{ cert = \"{certs}/both.pem\", key = \"{certs}/both.key\" }]",
        "tls = true",
        tables,
        |authority, dir| {
            let both = authority.issue(&["shop.example", "admin.example"]).unwrap();
            both.write(dir, "both").unwrap();
            people = Some(prepare(authority, dir));
        },
    );
    let ann = &people.unwrap().ann;
    let admin = "admin.example";
    assert_eq!(site.ask(SHOP, None, SHOP).unwrap().status, 200);
    assert!(site.ask(admin, None, admin).is_none());
    assert_eq!(
        site.ask(admin, Some(ann), "Admin.Example:8443").unwrap().text(),
        "admin"
    );
    for (name, host) in [(SHOP, admin), (admin, SHOP)] {
        let answer = site.ask(name, Some(ann), host).unwrap();
        assert_eq!(
            (answer.status, answer.header("bridgehead-error")),
            (421, Some("misdirected")),
            "{name} {host}"
        );
    }
    // Where the same is asked, one connection is for all hosts.
    assert_eq!(site.ask(SHOP, None, "127.0.0.1").unwrap().status, 200);
    // Without TLS no client has a certificate.
    let clear: std::net::SocketAddr = site.gateway.addresses()[1].parse().unwrap();
    for (host, status) in [(admin, 421), ("Admin.Example:80", 421), (SHOP, 200)] {
        let mut client = Client::connect(clear).unwrap();
        let answer = client.request("GET", "/who", &[("Host", host)], b"").unwrap();
        assert_eq!(answer.status, status, "{host}");
    }
}
