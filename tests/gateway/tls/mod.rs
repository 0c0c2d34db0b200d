//! TLS between clients and the gateway.

mod announced;
mod backends;
mod certificates;
mod clear;
mod clients;
mod compression;
mod embedded;
mod examples;
mod files;
mod key_log;
mod lifetimes;
mod local;
mod renewal;
mod resumption;
mod serving;
mod several;

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use testbed::{Authority, Client, Gateway, Scripted, Tls, TlsClient, eventually};

use crate::http::site::echo;
use crate::start;

/// A gateway with TLS, an application behind it, and the authority that its certificates are of.
struct Site {
    gateway: Gateway,
    backend: Scripted,
    authority: Authority,
    /// Certificates and keys.
    dir: TempDir,
}

impl Site {
    /// With a certificate for `shop.example` and `127.0.0.1`.
    fn new() -> Self {
        Self::with("", "tls = true", "")
    }

    /// The same, with more in `[tls]`, something else in `[[listen]]`, and more tables at the end. `{certs}` is the directory
    /// of the certificates.
    fn with(tls: &str, listen: &str, tables: &str) -> Self {
        Self::prepared(tls, listen, tables, |_, _| ())
    }

    /// The same, with what `prepare` writes into the directory of the certificates.
    fn prepared(tls: &str, listen: &str, tables: &str, prepare: impl FnOnce(&Authority, &Path)) -> Self {
        let authority = Authority::new("Test Authority").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let issued = authority.issue(&["shop.example", "127.0.0.1"]).unwrap();
        issued.write(dir.path(), "shop").unwrap();
        fs::write(dir.path().join("ca.pem"), authority.pem()).unwrap();
        prepare(&authority, dir.path());
        let backend = Scripted::start(echo).unwrap();
        let config = config(&backend, dir.path(), tls, listen, tables);
        Self {
            gateway: start(&config),
            backend,
            authority,
            dir,
        }
    }

    /// A client that asks for `shop.example`.
    fn tls(&self) -> Tls {
        self.tls_as(&TlsClient {
            name: "shop.example",
            ..TlsClient::default()
        })
    }

    fn tls_as(&self, client: &TlsClient<'_>) -> Tls {
        Tls::new(&self.authority, client).unwrap()
    }

    /// A connection after its handshake.
    #[track_caller]
    fn connect(&self, tls: &Tls) -> Client {
        Client::connect_tls(self.gateway.addr(), tls).unwrap()
    }

    /// Whether a session goes on that the client has had before; it asks for something, so that it gets a ticket for the
    /// next time.
    #[track_caller]
    fn resumes(&self, tls: &Tls) -> bool {
        let mut client = self.connect(tls);
        assert_eq!(client.request("GET", "/fixed", &[], b"").unwrap().status, 200);
        client.agreed().resumed
    }
}

/// The configuration of a [`Site`].
fn config(backend: &Scripted, certs: &Path, tls: &str, listen: &str, tables: &str) -> String {
    let certificates = match tls.contains("certificates") {
        true => "",
        false => "certificates = [{ cert = \"{certs}/shop.pem\", key = \"{certs}/shop.key\" }]",
    };
    let text = format!(
        "[tls]\n{certificates}\n{tls}\n[[listen]]\naddress = \"127.0.0.1:0\"\n{listen}\n\
         [upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{}\"]\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n\
         [[route]]\npath = \"/fixed\"\nrespond = {{ body = \"fixed\\n\" }}\n{tables}\n",
        backend.address()
    );
    text.replace("{certs}", &certs.display().to_string())
}
