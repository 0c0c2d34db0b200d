//! A gateway with one short deadline, and applications for every state.

use std::sync::Arc;

use anyhow::Result;
use testbed::{Client, Gateway, Scripted, ScriptedConnection};

use super::TIMERS;
#[cfg(feature = "tls")]
use super::tls::Certificates;
use crate::marks::Marks;
use crate::start;

/// The gateway, and what stands behind it.
pub(super) struct Place {
    pub(super) gateway: Gateway,
    /// What applications wait for, and what they have come to.
    pub(super) marks: Arc<Marks>,
    /// Has the only slot of the upstream `one`, until it is marked.
    _occupant: Client,
    _backends: [Scripted; 4],
    #[cfg(feature = "tls")]
    pub(super) certificates: Certificates,
}

/// Where the deadlines are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// In `[server]` and in the upstreams.
    Server,
    /// In each `[[listen]]`.
    Listener,
    /// In each `[[route]]`.
    Route,
}

impl Level {
    /// What can be said there.
    pub(super) fn has(self, timer: &str) -> bool {
        let of_upstream = timer.contains('.');
        match self {
            Self::Server => true,
            Self::Listener => !of_upstream,
            Self::Route => timer.starts_with("upstream.") || matches!(timer, "body" | "send" | "tunnel"),
        }
    }
}

impl Place {
    pub(super) fn start(timer: &str, level: Level) -> Self {
        let marks = Arc::new(Marks::default());
        let scripted = |script: fn(&mut ScriptedConnection, &Marks) -> Result<()>| {
            let marks = marks.clone();
            Scripted::start(move |mut connection| script(&mut connection, &marks)).unwrap()
        };
        let backends = [app, app, deaf, web].map(scripted);
        let text = config(timer, level, &backends.each_ref().map(Scripted::address));
        #[cfg(feature = "tls")]
        let certificates = Certificates::new();
        #[cfg(feature = "tls")]
        let text = text
            + &certificates
                .listeners()
                .replace(ANY_PORT, &listener(timer, level));
        let gateway = start(&text);
        let mut occupant = Client::connect(gateway.addr()).unwrap();
        occupant
            .send_request("GET", "/one/wait?occupant", &[], b"")
            .unwrap();
        backends[1].wait_requests(1).unwrap();
        Self {
            gateway,
            marks,
            _occupant: occupant,
            _backends: backends,
            #[cfg(feature = "tls")]
            certificates,
        }
    }
}

/// The deadline of that name, where one is short.
fn time(name: &str, short: Option<&str>) -> &'static str {
    match short {
        Some(short) if short.starts_with(name) => SHORT,
        _ => "1m",
    }
}

/// Those of clients, but for some.
fn of_clients(short: Option<&str>, but: &[&str]) -> String {
    // Those of upstreams have a dot, and an addition is to the client.
    let all: Vec<_> = TIMERS
        .iter()
        .filter(|name| !name.contains(['.', ',']) && !but.contains(name))
        .map(|name| format!("{name} = \"{}\"", time(name, short)))
        .collect();
    all.join(", ")
}

fn of_upstreams(short: Option<&str>) -> String {
    let upstream = ["send", "head", "read"];
    let all = upstream.map(|name| format!("{name} = \"{}\"", time(&format!("upstream.{name}"), short)));
    all.join(", ")
}

/// The address of a listener, with its deadlines.
fn listener(timer: &str, level: Level) -> String {
    match level {
        Level::Listener => format!("{ANY_PORT}\ntimeouts = {{ {} }}", of_clients(Some(timer), &[])),
        Level::Server | Level::Route => ANY_PORT.to_owned(),
    }
}

/// The head of a route, with its deadlines.
fn route(timer: &str, level: Level) -> String {
    let but = ["handshake", "idle", "head", "linger", "h2_ping"];
    let (own, upstream) = (of_clients(Some(timer), &but), of_upstreams(Some(timer)));
    match level {
        Level::Route => format!("[[route]]\ntimeouts = {{ {own}, upstream = {{ {upstream} }} }}"),
        Level::Server | Level::Listener => "[[route]]".to_owned(),
    }
}

fn config(timer: &str, level: Level, [app, one, deaf, web]: &[String; 4]) -> String {
    let short = (level == Level::Server).then_some(timer);
    let server = of_clients(short, &[]);
    let upstream = format!("timeouts = {{ {} }}", of_upstreams(short));
    let routes = ROUTES
        .replace(ANY_PORT, &listener(timer, level))
        .replace("[[route]]", &route(timer, level));
    format!(
        "[server]\ntemp_dir = \"{{dir}}\"\ntimeouts = {{ {server} }}\n\
         [upstream.app]\nprotocol = \"fastcgi\"\nendpoints = [\"{app}\"]\n{upstream}\n\
         [upstream.one]\nprotocol = \"fastcgi\"\nendpoints = [\"{one}\"]\nmax_connections = 1\n\
         queue = {{ timeout = \"{}\" }}\n\
         [upstream.deaf]\nprotocol = \"fastcgi\"\nendpoints = [\"{deaf}\"]\n{upstream}\n\
         [upstream.web]\nprotocol = \"http\"\nendpoints = [\"{web}\"]\n{upstream}\n{routes}",
        time("queue.timeout", short)
    )
}

/// FastCGI. The target says what it does, and behind the question mark which mark it waits for.
fn app(connection: &mut ScriptedConnection, marks: &Marks) -> Result<()> {
    let request = connection.read_fastcgi()?;
    let (path, id) = named(request.param("REQUEST_URI"));
    match path.rsplit('/').next() {
        Some("wait") => marks.wait(id)?,
        Some("pause") => {
            connection.write_record(STDOUT, request.id, &[HEAD, b"one"].concat())?;
            marks.wait(id)?;
            return connection.fastcgi_response(request.id, b"two");
        }
        Some("medium") => return large(connection, request.id, MEDIUM),
        Some("large") => return large(connection, request.id, LARGE),
        _ => {}
    }
    connection.fastcgi_response(request.id, &[HEAD, b"done"].concat())
}

fn large(connection: &mut ScriptedConnection, id: u16, length: usize) -> Result<()> {
    connection.write_record(STDOUT, id, HEAD)?;
    for _ in 0..length / PIECE {
        connection.write_record(STDOUT, id, &[b'x'; PIECE])?;
    }
    connection.fastcgi_response(id, b"")
}

/// Takes nothing of a request before it is marked.
fn deaf(connection: &mut ScriptedConnection, marks: &Marks) -> Result<()> {
    marks.wait("deaf")?;
    app(connection, marks)
}

/// Switches to a tunnel: of an echo, or of bytes without end.
fn web(connection: &mut ScriptedConnection, marks: &Marks) -> Result<()> {
    let request = connection.read_http()?;
    let (path, id) = named(request.line.split(' ').nth(1));
    if !path.ends_with("full") {
        return crate::echo::echoing(connection);
    }
    connection
        .write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")?;
    while connection.write([b'x'; PIECE]).is_ok() {}
    marks.set(id);
    Ok(())
}

fn named(target: Option<&str>) -> (&str, &str) {
    let target = target.unwrap_or_default();
    target.split_once('?').unwrap_or((target, ""))
}

/// Bytes of a large answer: more than the sockets on its way hold.
pub(super) const LARGE: usize = 512 * PIECE;

/// Bytes of an answer that no window is given for, and of an upload that the application does not take: more than its
/// socket holds.
pub(super) const MEDIUM: usize = 32 * PIECE;

/// The listener whose connections are announced.
pub(super) const ANNOUNCED: usize = 1;

/// How each listener says its address.
const ANY_PORT: &str = "address = \"127.0.0.1:0\"";

/// The short deadline.
const SHORT: &str = "1500ms";

const PIECE: usize = 32 * 1024; // bytes
const STDOUT: u8 = 6;
const HEAD: &[u8] = b"Content-Type: text/plain\r\n\r\n";

const ROUTES: &str = r#"
[[listen]]
address = "127.0.0.1:0"

[[listen]]
address = "127.0.0.1:0"
proxy_protocol = { from = ["127.0.0.0/8"] }
[[route]]
proxy = { upstream = "app" }

[[route]]
path = "/streamed"
buffering = { request = false, response = false }
proxy = { upstream = "app" }

[[route]]
path = "/one"
proxy = { upstream = "one" }

[[route]]
path = "/deaf"
buffering = { request = false }
proxy = { upstream = "deaf" }

[[route]]
path = "/socket"
proxy = { upstream = "web" }

[[route]]
path = "/small"
limits = { body = 10 }
proxy = { upstream = "app" }

[[route]]
path = "/fixed"
respond = { body = "fixed" }
"#;
