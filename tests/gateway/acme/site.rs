//! A gateway that gets its certificates from a scripted directory.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use testbed::{Client, Directory, DirectoryScript, Gateway, Tls, TlsClient, free_address};

use crate::start;

/// The directory, and where a gateway listens.
pub(super) struct Site {
    pub(super) directory: Directory,
    pub(super) store: TempDir,
    pub(super) http: SocketAddr,
    pub(super) https: SocketAddr,
}

/// The host of all tests.
pub(super) const HOST: &str = "shop.example";

impl Site {
    /// With a directory that looks for the answers to its challenges at the gateway.
    pub(super) fn new(script: DirectoryScript) -> Self {
        let (http, https) = (free(), free());
        let script = DirectoryScript {
            http: script.http.or(Some(http)),
            ..script
        };
        Self {
            directory: Directory::start(script).unwrap(),
            store: tempfile::tempdir().unwrap(),
            http,
            https,
        }
    }

    /// The configuration of a gateway, with more in `[acme]` and in the table of the directory.
    pub(super) fn config(&self, acme: &str, directory: &str) -> String {
        let url = self.directory.url();
        let directory = format!("[[acme.directory]]\nurl = \"{url}\"\n{directory}\n");
        self.config_at(self.http, self.https, &format!("{acme}\n{directory}"))
    }

    /// The same at other addresses, and with all of `[acme]` but its store and address of mail.
    pub(super) fn config_at(&self, http: SocketAddr, https: SocketAddr, acme: &str) -> String {
        format!(
            "[acme]\nemail = \"ops@shop.example\"\nstore = \"{}\"\n{acme}\n\
             [[listen]]\naddress = \"{http}\"\n[[listen]]\naddress = \"{https}\"\ntls = true\n\
             [[route]]\nhost = \"{HOST}\"\nrespond = {{ body = \"shop\" }}\n\
             [[route]]\nhost = \"status.test\"\nstatus = {{ format = \"json\" }}\n",
            self.store.path().display(),
        )
    }

    pub(super) fn start(&self, acme: &str, directory: &str) -> Gateway {
        start(&self.config(acme, directory))
    }

    /// The end of the certificate that a client believes and gets; `None`: it gets another one.
    pub(super) fn believed(&self) -> bool {
        self.believed_at(self.https)
    }

    pub(super) fn believed_at(&self, https: SocketAddr) -> bool {
        let client = TlsClient {
            name: HOST,
            ..TlsClient::default()
        };
        let tls = Tls::new(&self.directory.authority, &client).unwrap();
        let client = Client::connect_tls(https, &tls);
        client.is_ok_and(|mut client| {
            let answer = client.request("GET", "/", &[("Host", HOST)], b"");
            answer.is_ok_and(|answer| answer.text() == "shop")
        })
    }

    /// Waits until something holds.
    #[track_caller]
    pub(super) fn wait(&self, gateway: &Gateway, what: &str, holds: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !holds() {
            let asked = self.directory.asked();
            assert!(
                Instant::now() < deadline,
                "{what}:\n{}\n{asked:#?}",
                gateway.errors()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    pub(super) fn wait_certificate(&self, gateway: &Gateway) {
        self.wait(gateway, "no certificate", || self.believed());
    }

    /// The status of the gateway, as JSON.
    pub(super) fn status(&self) -> serde_json::Value {
        let mut client = Client::connect(self.http).unwrap();
        let answer = client
            .request("GET", "/", &[("Host", "status.test")], b"")
            .unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }
}

pub(super) fn free() -> SocketAddr {
    free_address(Ipv4Addr::LOCALHOST.into()).unwrap()
}
