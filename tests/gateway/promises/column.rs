//! A gateway in front of applications of one protocol.

use std::fs;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testbed::{Client, Gateway, Scripted, ScriptedRequest, Signal};

use super::application;
use crate::marks::Marks;
use crate::start;

/// What happens between the halves of promises.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Nothing,
    /// All upstreams change.
    Reload,
    /// The same, in another process.
    Replacement,
}

pub(super) struct Column {
    gateway: Gateway,
    protocol: &'static str,
    marks: Arc<Marks>,
    applications: Vec<Application>,
    /// Another process answers than the one that got the first requests.
    is_replaced: bool,
}

struct Application {
    name: &'static str,
    settings: &'static str,
    backend: Scripted,
}

impl Column {
    /// An upstream for each name, and one more at the address of `kept`.
    pub(super) fn start(
        protocol: &'static str,
        upstreams: impl Iterator<Item = (&'static str, &'static str)>,
    ) -> Self {
        let marks = Arc::new(Marks::default());
        let application = |(name, settings)| Application {
            name,
            settings,
            backend: application::start(protocol, name, &marks),
        };
        let applications: Vec<_> = upstreams.map(application).collect();
        Self {
            gateway: start(&config(protocol, &applications, 100)),
            protocol,
            marks,
            applications,
            is_replaced: false,
        }
    }

    /// Has the event happen.
    pub(super) fn pass(&mut self, event: Event) {
        let other = config(self.protocol, &self.applications, 101);
        match event {
            Event::Nothing => {}
            Event::Reload => {
                self.gateway.write_config(&other).unwrap();
                self.gateway.signal(Signal::HUP).unwrap();
                self.gateway.wait_errors("configuration loaded again").unwrap();
            }
            Event::Replacement => {
                self.is_replaced = true;
                self.gateway.write_config(&other).unwrap();
                self.gateway.signal(Signal::USR2).unwrap();
                self.gateway.follow().unwrap();
            }
        }
    }

    pub(super) fn backend(&self, name: &str) -> &Scripted {
        let mut applications = self.applications.iter();
        let found = applications.find(|application| application.name == name);
        &found.expect("there is such an upstream").backend
    }

    /// The bodies that an application has read.
    pub(super) fn bodies(&self, name: &str) -> Vec<Vec<u8>> {
        let requests = self.backend(name).requests().into_iter();
        requests.map(|request| request.body).collect()
    }

    /// Lets an application go on that waits.
    pub(super) fn go_on(&self, name: &str) {
        self.marks.set(name);
    }

    /// Gives the socket of `away` another name.
    pub(super) fn rename(&self, from: &str, to: &str) -> Result<()> {
        let socket = self.backend("away").socket();
        let place = |name| socket.with_file_name(name);
        fs::rename(place(from), place(to)).context("cannot rename the socket")
    }

    pub(super) fn client(&self) -> Result<Client> {
        Client::connect(self.gateway.addr())
    }

    /// A client of the listener whose connections are announced.
    pub(super) fn announced_client(&self) -> Result<Client> {
        let address = self.gateway.addresses().get(1);
        Client::connect(address.context("two listeners")?.parse()?)
    }

    /// What an application was told with its requests: the values of a variable, or of a field if it speaks HTTP.
    pub(super) fn params(&self, name: &str, variable: &str, field: &str) -> Vec<String> {
        let key = if self.protocol == "http" { field } else { variable };
        let requests = self.backend(name).requests().into_iter();
        let value = |request: ScriptedRequest| request.param(key).unwrap_or_default().to_owned();
        requests.map(value).collect()
    }

    /// A request that is under way.
    pub(super) fn send(&self, method: &str, target: &str, body: &[u8]) -> Result<Client> {
        let mut client = self.client()?;
        client.send_request(method, target, &[], body)?;
        Ok(client)
    }

    /// A request that the application has read. It has answered another one before: it is alive.
    pub(super) fn begin(&self, method: &str, target: &str, body: &[u8]) -> Result<Vec<Client>> {
        let name = target.split('/').nth(1).unwrap_or_default();
        self.asks(&format!("/{name}"))?;
        let client = self.send(method, target, body)?;
        self.backend(name).wait_requests(2)?;
        Ok(vec![client])
    }

    /// Another request, which is answered.
    pub(super) fn asks(&self, target: &str) -> Result<()> {
        self.answered(&mut self.send("GET", target, b"")?, "done")
    }

    pub(super) fn answered(&self, client: &mut Client, text: &str) -> Result<()> {
        let answer = client.read_final()?;
        ensure!(
            answer.status == 200 && answer.complete && answer.text() == text,
            "{} {}",
            answer.status,
            answer.text()
        );
        Ok(())
    }

    /// Whether the status is that of a process which has not got the first requests.
    pub(super) fn is_replaced(&self) -> bool {
        self.is_replaced
    }

    /// Waits until so many requests of an upstream wait for a slot.
    pub(super) fn wait_queued(&self, upstream: &str, count: u64) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let page = self.client()?.request("GET", "/status", &[], b"")?;
            let page: serde_json::Value = serde_json::from_str(&page.text())?;
            let upstreams = page["upstreams"].as_array().context("upstreams")?;
            let mut named = upstreams.iter().filter(|one| one["name"] == upstream);
            if named.any(|one| one["queue"]["length"] == count) {
                return Ok(());
            }
            ensure!(Instant::now() < end, "{upstream} has no queue of {count}: {page}");
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Column {
    fn drop(&mut self) {
        // A listener ends by a connection to it. There already is as good.
        let _ = self.rename("away", "s");
    }
}

fn config(protocol: &str, applications: &[Application], queue: usize) -> String {
    let upstream = |name: &str, application: &Application| {
        format!(
            "[upstream.{name}]\nprotocol = \"{protocol}\"\nendpoints = [\"{}\"]\nmax_connections = 1\n{}\n\
             queue = {{ size = {queue} }}\n\
             [[route]]\npath = \"/{name}\"\nproxy = {{ upstream = \"{name}\" }}\n",
            application.backend.address(),
            application.settings
        )
    };
    let all = applications
        .iter()
        .map(|application| upstream(application.name, application));
    let kept = applications
        .iter()
        .filter(|application| application.name == "kept");
    let other = kept.map(|application| upstream("other", application));
    all.chain(other).collect::<String>() + REST
}

/// The clients of the second listener are announced; its address is no other's, so that a successor finds it again.
const REST: &str = r#"
[server]
temp_dir = "{dir}"
timeouts = { handshake = "1m", grace = "20s" }

[[route]]
path = "/status"
status = { format = "json" }

[[listen]]
address = "127.0.0.1:0"

[[listen]]
address = "127.0.0.2:0"
proxy_protocol = { from = ["127.0.0.0/8"] }
"#;
