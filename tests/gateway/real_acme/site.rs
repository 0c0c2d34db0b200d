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
        let client = TlsClient {
            name: host,
            ..TlsClient::default()
        };
        let tls = Tls::believing(self.pebble.root(0).unwrap(), &client).unwrap();
        let mut client = Client::connect_tls(self.https, &tls).ok()?;
        client.request("GET", "/", &[("Host", host)], b"").ok()
    }

    /// Waits until clients believe the certificate for a host.
    #[track_caller]
    pub(super) fn wait_certificate(&self, gateway: &Gateway, host: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.get(host).is_none() {
            assert!(
                Instant::now() < deadline,
                "no certificate for {host}:\n{}\n{}",
                gateway.errors(),
                self.pebble.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
