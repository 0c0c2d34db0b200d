//! What the tests talk to: a gateway with a few routes, and behind it an application that follows a script.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use testbed::{Client, Gateway, Response, Scripted, ScriptedConnection, ScriptedRequest};

use super::frames::Http2;
use crate::lifecycle::reload::reload;
use crate::start;

/// A gateway and its application.
pub(super) struct Site {
    pub(super) gateway: Gateway,
    pub(super) backend: Scripted,
}

impl Site {
    /// An application that tells what it was asked.
    pub(super) fn new() -> Self {
        Self::with("", "")
    }

    /// The same, with more in `[server]` and more tables at the end.
    pub(super) fn with(server: &str, tables: &str) -> Self {
        Self::scripted(server, tables, echo)
    }

    /// A FastCGI application that does as `script` says.
    pub(super) fn scripted(
        server: &str,
        tables: &str,
        script: impl Fn(ScriptedConnection) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::speaking("fastcgi", server, tables, script)
    }

    /// An application that speaks `protocol`.
    pub(super) fn speaking(
        protocol: &str,
        server: &str,
        tables: &str,
        script: impl Fn(ScriptedConnection) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::upstream(&format!("protocol = \"{protocol}\""), server, tables, script)
    }

    /// An application with these settings in its `[upstream]`.
    pub(super) fn upstream(
        upstream: &str,
        server: &str,
        tables: &str,
        script: impl Fn(ScriptedConnection) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        let backend = Scripted::start(script).expect("the backend starts");
        let gateway = start(&config(upstream, server, tables, &backend));
        Self { gateway, backend }
    }

    /// Has a FastCGI application's gateway load other settings.
    #[track_caller]
    pub(super) fn reload(&self, server: &str, tables: &str) {
        let config = config("protocol = \"fastcgi\"", server, tables, &self.backend);
        reload(&self.gateway, &config);
    }

    /// A new connection.
    pub(super) fn client(&self) -> Client {
        Client::connect(self.gateway.addr()).expect("the gateway accepts")
    }

    /// A new connection of HTTP/2.
    pub(super) fn http2(&self) -> Http2 {
        Http2::begin(self.client())
    }

    /// One request on a connection of its own.
    pub(super) fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        self.client()
            .request(method, target, headers, body)
            .expect("an answer")
    }

    /// Sends bytes on a connection of their own and gives every answer until the gateway closes it.
    pub(super) fn closing(&self, bytes: impl AsRef<[u8]>) -> Vec<Response> {
        let mut client = self.client();
        client.send(bytes).expect("the gateway reads");
        client.read_all().expect("the gateway closes")
    }

    /// The only answer before the gateway closes.
    #[track_caller]
    pub(super) fn only(&self, bytes: impl AsRef<[u8]>) -> Response {
        let [only] = self.closing(bytes).try_into().expect("one answer");
        only
    }

    /// The request that the application got; the only one so far.
    #[track_caller]
    pub(super) fn asked(&self) -> ScriptedRequest {
        let requests = self.backend.wait_requests(1).expect("a request");
        let [request] = requests.try_into().expect("a single request");
        request
    }

    /// What the application was asked for so far.
    pub(super) fn targets(&self) -> Vec<String> {
        let requests = self.backend.requests();
        let targets = requests.iter().filter_map(|request| request.param("REQUEST_URI"));
        targets.map(str::to_owned).collect()
    }

    /// The access log once it has `count` lines.
    #[track_caller]
    pub(super) fn log(&self, count: usize) -> Vec<serde_json::Value> {
        let lines = self.gateway.wait_access(count).expect("access log lines");
        assert_eq!(lines.len(), count, "{lines:#?}");
        let parse = |line: &String| serde_json::from_str(line).expect("a line is an object");
        lines.iter().map(parse).collect()
    }
}

fn config(upstream: &str, server: &str, tables: &str, backend: &Scripted) -> String {
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\n{server}\n\
         [upstream.app]\n{upstream}\nendpoints = [\"{}\"]\n{ROUTES}\n{tables}\n",
        backend.address()
    )
}

/// Something that a script waits for until the test says so.
pub(crate) struct Gate(Sender<()>);

/// The script's side of a [`Gate`].
pub(crate) struct Gated(Mutex<Receiver<()>>);

/// A gate that is shut.
pub(crate) fn gate() -> (Gate, Gated) {
    let (open, opened) = channel();
    (Gate(open), Gated(Mutex::new(opened)))
}

impl Gate {
    /// Lets one script pass.
    pub(crate) fn open(&self) {
        self.0.send(()).expect("the script waits");
    }
}

impl Gated {
    /// Waits until the gate is open.
    pub(crate) fn pass(&self) -> Result<()> {
        let opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        opened
            .recv_timeout(Duration::from_secs(10))
            .context("the gate stays shut")
    }
}

/// Answers with the method, the target and the length of the body.
pub(crate) fn echo(mut connection: ScriptedConnection) -> Result<()> {
    let request = connection.read_fastcgi()?;
    let param = |name| request.param(name).unwrap_or("?");
    let answer = format!(
        "Content-Type: text/plain\r\n\r\n{} {} {}",
        param("REQUEST_METHOD"),
        param("REQUEST_URI"),
        request.body.len()
    );
    connection.fastcgi_response(request.id, answer.as_bytes())
}

/// A script that answers every request with the same bytes.
pub(super) fn answering(
    answer: &'static str,
) -> impl Fn(ScriptedConnection) -> Result<()> + Send + Sync + 'static {
    move |mut connection| {
        let request = connection.read_fastcgi()?;
        connection.fastcgi_response(request.id, answer.as_bytes())
    }
}

const ROUTES: &str = r#"
[[route]]
proxy = { upstream = "app" }

[[route]]
path = "/small"
limits = { body = 10 }
proxy = { upstream = "app" }

[[route]]
path = "/streamed"
buffering = { request = false, response = false }
proxy = { upstream = "app" }

[[route]]
path = "/finish"
ignore_client_abort = true
proxy = { upstream = "app" }

[[route]]
path = "/fixed"
respond = { body = "fixed\n" }
"#;
