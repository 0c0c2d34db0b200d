//! A gateway that gets its certificates from pebble.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testbed::{Client, Gateway, Pebble, PebbleOptions, Response, Tls, TlsClient, free_address};

use crate::start;

/// The directory, and where gateways listen that it knows.
pub(super) struct Site {
    pub(super) pebble: Pebble,
    /// Of all gateways.
    pub(super) store: TempDir,
    pub(super) http: SocketAddr,
    pub(super) https: SocketAddr,
}

impl Site {
    /// Where http-01 and tls-alpn-01 come to the gateway.
    pub(super) fn new(options: &PebbleOptions) -> Self {
        let free = || free_address(Ipv4Addr::LOCALHOST.into()).unwrap();
        let (http, https) = (free(), free());
        let options = PebbleOptions {
            http_port: http.port(),
            tls_port: https.port(),
            ..options.clone()
        };
        Self {
            pebble: Pebble::start(&options).unwrap(),
            store: tempfile::tempdir().unwrap(),
            http,
            https,
        }
    }

    /// The configuration of a gateway, with more in `[acme]`, for hosts that answer with their names.
    pub(super) fn config(&self, acme: &str, hosts: &[&str]) -> String {
        let routes = hosts
            .iter()
            .map(|host| format!("[[route]]\nhost = \"{host}\"\nrespond = {{ body = \"{host}\" }}\n"));
        format!(
            "[acme]\nemail = \"ops@shop.example\"\nstore = \"{}\"\n{acme}\n\
             [[acme.directory]]\nurl = \"{}\"\nca = \"{}\"\n\
             [[listen]]\naddress = \"{}\"\n[[listen]]\naddress = \"{}\"\ntls = true\n{}",
            self.store.path().display(),
            self.pebble.url(),
            self.pebble.ca().display(),
            self.http,
            self.https,
            routes.collect::<String>(),
        )
    }

    /// A gateway with that.
    pub(super) fn start(&self, acme: &str, hosts: &[&str]) -> Gateway {
        start(&self.config(acme, hosts))
    }

    /// An answer over TLS, with a certificate of the directory for the host; `None`: it has another one.
    pub(super) fn get(&self, host: &str) -> Option<Response> {
        self.get_of(host, 0)
    }

    /// The same, by one of several roots.
    fn get_of(&self, host: &str, root: u8) -> Option<Response> {
        let client = TlsClient {
            name: host,
            ..TlsClient::default()
        };
        let tls = Tls::believing(self.pebble.root(root).unwrap(), &client).unwrap();
        let mut client = Client::connect_tls(self.https, &tls).ok()?;
        client.request("GET", "/", &[("Host", host)], b"").ok()
    }

    /// Waits until clients believe the certificate for a host.
    #[track_caller]
    pub(super) fn wait_certificate(&self, gateway: &Gateway, host: &str) {
        self.wait(gateway, || self.get(host).is_some());
    }

    /// The same, by one of several roots.
    #[track_caller]
    pub(super) fn wait_certificate_of(&self, gateway: &Gateway, host: &str, root: u8) {
        self.wait(gateway, || self.get_of(host, root).is_some());
    }

    #[track_caller]
    pub(super) fn wait(&self, gateway: &Gateway, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(90);
        while !holds() {
            let (errors, log) = (gateway.errors(), self.pebble.log());
            assert!(Instant::now() < deadline, "no certificate:\n{errors}\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
