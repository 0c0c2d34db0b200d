//! Several gateways behind one balancer: what one has said, the others take.

use testbed::{Client, Gateway, TlsClient};

use super::{Site, config};
use crate::start;

impl Site {
    /// Another gateway with the same certificates.
    fn another(&self, tls: &str) -> Gateway {
        start(&config(&self.backend, self.dir.path(), tls, "tls = true", ""))
    }
}

const SECRET: &str = "ticket_secret = \"${file:{certs}/secret}\"";

fn site() -> Site {
    Site::prepared(SECRET, "tls = true", "", |_, dir| {
        std::fs::write(dir.join("secret"), "0123456789abcdef0123456789abcdef\n").unwrap();
    })
}

#[test]
fn a_session_of_one_goes_on_at_the_other() {
    let site = site();
    let other = site.another(SECRET);
    for tls12 in [false, true] {
        let tls = site.tls_as(&TlsClient {
            name: "shop.example",
            tls12,
            ..TlsClient::default()
        });
        assert!(!site.resumes(&tls));
        let mut client = Client::connect_tls(other.addr(), &tls).unwrap();
        assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
        assert!(client.agreed().resumed, "TLS 1.2: {tls12}");
        // And the other way round.
        assert!(site.resumes(&tls));
    }
}

#[test]
fn a_gateway_with_another_secret_or_none_begins_anew() {
    let site = site();
    for tls in ["ticket_secret = \"another secret, as long as it has to be\"", ""] {
        let (other, client) = (site.another(tls), site.tls());
        assert!(!site.resumes(&client));
        let client = Client::connect_tls(other.addr(), &client).unwrap();
        assert!(!client.agreed().resumed, "{tls}");
    }
}
