//! Backends that say what no backend should (reference, sections 6.3 and 6.4): tables of literal bytes, played
//! against one gateway, and what a client must see of them.
//!
//! Three ways lead to the same script: `/all/ID` reads the whole request before it plays, `/part/ID` only what one
//! read gives of a large upload, `/hasty/ID` has short deadlines.

mod fastcgi;
mod http;
mod kept;
mod probes;
mod requests;
mod scgi;
mod uwsgi;

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use testbed::{Client, Gateway, Response, Scripted, ScriptedConnection, ScriptedRequest};

use crate::start;

/// One row.
#[derive(Clone)]
struct Case {
    id: String,
    way: Way,
    method: &'static str,
    version: &'static str,
    script: Vec<Step>,
    expect: Expect,
    /// All values of a field, joined with " | "; `None`: it must not be there.
    fields: Vec<(&'static str, Option<&'static str>)>,
    /// What the error log must hold.
    logged: Option<&'static str>,
    /// How often the backend sees the request on a connection that is not kept.
    seen: usize,
    /// Longest time until the client has it all.
    limit: Duration,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    All,
    Part,
    Hasty,
}

/// What the backend does. After the last step it closes, unless the connection is to be kept.
#[derive(Clone)]
enum Step {
    /// One write.
    Send(Vec<u8>),
    /// One write per byte.
    Drip(Vec<u8>),
    /// Milliseconds.
    Pause(u64),
    /// Closes at once.
    Close,
    /// Keeps the connection open and silent until the gateway closes it.
    Hold,
    /// Writes the same bytes until the gateway closes.
    Flood(Vec<u8>),
    /// A piece, a pause, and again, until the gateway closes.
    Trickle(Vec<u8>, u64),
}

/// What the client gets.
#[derive(Clone)]
enum Expect {
    /// A complete response.
    Full(u16, Vec<u8>),
    /// The gateway's own answer, with its reason.
    Error(u16, &'static str),
    /// A head and this much of a body, then the end of the connection that shows that something is missing.
    Cut(Vec<u8>, &'static str),
}

/// How often a request is sent at most, unless configured.
const TRIES: usize = 3;

fn case(id: impl Into<String>, script: Vec<Step>, expect: Expect) -> Case {
    // A worker that dies, or has too much to do, may be replaced by one that does not.
    let again = matches!(expect, Expect::Error(_, "backend_closed" | "backend_overloaded"));
    Case {
        id: id.into(),
        way: Way::All,
        method: "GET",
        version: "HTTP/1.1",
        script,
        expect,
        fields: Vec::new(),
        logged: None,
        seen: if again { TRIES } else { 1 },
        limit: Duration::from_secs(5),
    }
}

fn full(body: impl AsRef<[u8]>) -> Expect {
    Expect::Full(200, body.as_ref().to_vec())
}

fn cut(body: impl AsRef<[u8]>) -> Expect {
    Expect::Cut(body.as_ref().to_vec(), "response_truncated")
}

fn send(bytes: impl AsRef<[u8]>) -> Step {
    Step::Send(bytes.as_ref().to_vec())
}

impl Case {
    fn part(self) -> Self {
        Self {
            way: Way::Part,
            method: "POST",
            ..self
        }
    }

    fn hasty(self) -> Self {
        Self {
            way: Way::Hasty,
            ..self
        }
    }

    fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    fn field(mut self, name: &'static str, value: &'static str) -> Self {
        self.fields.push((name, Some(value)));
        self
    }

    fn without(mut self, name: &'static str) -> Self {
        self.fields.push((name, None));
        self
    }

    /// Milliseconds.
    fn within(self, limit: u64) -> Self {
        Self {
            limit: Duration::from_millis(limit),
            ..self
        }
    }

    fn logged(self, text: &'static str) -> Self {
        Self {
            logged: Some(text),
            ..self
        }
    }

    /// Asked with HTTP/1.0, which knows no chunks.
    fn old(self) -> Self {
        Self {
            version: "HTTP/1.0",
            ..self
        }
    }

    fn target(&self) -> String {
        let way = match self.way {
            Way::All => "all",
            Way::Part => "part",
            Way::Hasty => "hasty",
        };
        format!("/{way}/{}", self.id)
    }
}

/// How one protocol's requests are read, and its answer to requests that are no row.
#[derive(Clone, Copy)]
struct Protocol {
    name: &'static str,
    read: fn(&mut ScriptedConnection) -> Result<ScriptedRequest>,
    path: fn(&ScriptedRequest) -> String,
    good: fn() -> Vec<u8>,
}

/// Plays every row. With `keep`, connections are kept, and after each row an innocent request must get its own
/// answer.
fn play(protocol: Protocol, keep: bool, cases: Vec<Case>) {
    let cases = Arc::new(cases);
    let backend = backend(protocol, keep, cases.clone(), Way::All);
    let part = self::backend(protocol, keep, cases.clone(), Way::Part);
    let gateway = start(&config(protocol.name, keep, &backend.address(), &part.address()));
    let mut failures = Vec::new();
    for case in cases.iter() {
        if let Err(error) = perform(&gateway, case) {
            failures.push(format!("{}: {error:#}", case.id));
        }
        if let Err(error) = logged(&gateway, case) {
            failures.push(format!("{}: {error:#}", case.id));
        }
        if keep {
            if case.id.ends_with("-late") {
                sleep(LATE);
            }
            if let Err(error) = innocent(&gateway, case) {
                failures.push(format!("after {}: {error:#}", case.id));
            }
        } else {
            let requests = backend.requests();
            let seen = requests
                .iter()
                .filter(|request| (protocol.path)(request) == case.target());
            let seen = seen.count();
            if case.way != Way::Part && seen != case.seen {
                failures.push(format!(
                    "{}: the backend saw it {seen} times instead of {}",
                    case.id, case.seen
                ));
            }
        }
    }
    let log = gateway.errors();
    if let Some(at) = log.find("panicked") {
        failures.push(log[at..].chars().take(2000).collect());
    }
    // Before the panic: its log is longer than what it explains.
    drop(gateway);
    assert!(
        failures.is_empty(),
        "{} of {} rows:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

fn config(protocol: &str, keep: bool, address: &str, part: &str) -> String {
    let keep = if keep {
        "max_connections = 1\nkeep_alive = 1\n"
    } else {
        ""
    };
    let upstream = |name: &str, address: &str, timeout: &str| {
        format!(
            "[upstream.{name}]\nprotocol = \"{protocol}\"\nendpoints = [\"{address}\"]\n{keep}\
             timeouts = {{ send = \"{timeout}\", head = \"{timeout}\", read = \"{timeout}\" }}\n\
             [[route]]\npath = \"/{name}\"\nproxy = {{ upstream = \"{name}\" }}\n"
        )
    };
    upstream("all", address, "20s") + &upstream("part", part, "20s") + &upstream("hasty", address, "600ms")
}

fn backend(protocol: Protocol, keep: bool, cases: Arc<Vec<Case>>, way: Way) -> Scripted {
    let script = move |mut connection: ScriptedConnection| {
        loop {
            let path = match way {
                Way::Part => match first_read(&mut connection) {
                    Ok(path) => path,
                    Err(_) => return Ok(()),
                },
                // Whoever closes a kept connection is right.
                Way::All | Way::Hasty => match (protocol.read)(&mut connection) {
                    Ok(request) => (protocol.path)(&request),
                    Err(_) => return Ok(()),
                },
            };
            let open = match cases.iter().find(|case| case.target() == path) {
                Some(case) => follow(&mut connection, &case.script)?,
                None => {
                    connection.write((protocol.good)())?;
                    true
                }
            };
            if !keep || !open || way == Way::Part {
                return Ok(());
            }
        }
    };
    Scripted::start(script).unwrap()
}

/// The target of a request of which no more than this is ever read: it stands in clear in every protocol.
fn first_read(connection: &mut ScriptedConnection) -> Result<String> {
    let mut bytes = [0; 4096];
    let count = connection.read(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
    let from = text.find("/part/").context("no target in the first read")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._".contains(c);
    let end = text[from..].find(|c| !plain(c)).unwrap_or(text.len() - from);
    Ok(text[from..from + end].to_owned())
}

/// Whether the connection is still to be used.
fn follow(connection: &mut ScriptedConnection, script: &[Step]) -> Result<bool> {
    for step in script {
        match step {
            Step::Send(bytes) => connection.write(bytes)?,
            Step::Drip(bytes) => bytes.iter().try_for_each(|byte| connection.write([*byte]))?,
            Step::Pause(time) => sleep(Duration::from_millis(*time)),
            Step::Close => return Ok(false),
            Step::Hold => return connection.wait_close().map(|_| false),
            Step::Flood(bytes) => loop {
                if connection.write(bytes).is_err() {
                    return Ok(false);
                }
            },
            Step::Trickle(bytes, pause) => loop {
                if connection.write(bytes).is_err() {
                    return Ok(false);
                }
                sleep(Duration::from_millis(*pause));
            },
        }
    }
    Ok(true)
}

fn ask(gateway: &Gateway, case: &Case) -> Result<Response> {
    let mut client = Client::connect(gateway.addr())?;
    if case.version == "HTTP/1.0" {
        client.send(format!("GET {} HTTP/1.0\r\n\r\n", case.target()))?;
        return client.read_response();
    }
    let body = vec![b'u'; if case.way == Way::Part { UPLOAD } else { 0 }];
    client.request(case.method, &case.target(), &[], &body)
}

fn perform(gateway: &Gateway, case: &Case) -> Result<()> {
    let asked = Instant::now();
    let got = ask(gateway, case);
    if asked.elapsed() > case.limit {
        bail!("took {:?}", asked.elapsed());
    }
    match &case.expect {
        Expect::Full(status, body) => whole(case, *status, body, &got?),
        Expect::Error(status, reason) => refused(*status, reason, &got?),
        Expect::Cut(body, _) => broken(case, body, got),
    }
}

fn whole(case: &Case, status: u16, body: &[u8], got: &Response) -> Result<()> {
    let reason = got.header("bridgehead-error");
    if (got.status, got.complete, reason) != (status, true, None) {
        bail!(
            "{} {reason:?}, complete: {}, {:?}",
            got.status,
            got.complete,
            short(&got.body)
        );
    }
    fields(case, got)?;
    expect_bytes(&got.body, body)
}

fn refused(status: u16, reason: &str, got: &Response) -> Result<()> {
    let told = got.header("bridgehead-error");
    if (got.status, told) != (status, Some(reason)) {
        bail!(
            "{} {told:?} {:?} instead of {status} {reason}",
            got.status,
            short(&got.body)
        );
    }
    if (status == 503) != got.header("retry-after").is_some() {
        bail!("Retry-After: {:?}", got.header("retry-after"));
    }
    Ok(())
}

/// A missing end shows in the framing, or, where there is none, in a reset.
fn broken(case: &Case, body: &[u8], got: Result<Response>) -> Result<()> {
    match got {
        Ok(got) if got.complete => bail!("complete: {} {:?}", got.status, short(&got.body)),
        Ok(got) => expect_bytes(&got.body, body),
        Err(error) if case.version == "HTTP/1.0" && format!("{error:#}").contains("reset") => Ok(()),
        Err(error) => Err(error),
    }
}

fn fields(case: &Case, got: &Response) -> Result<()> {
    for (name, wanted) in &case.fields {
        let values: Vec<_> = got.headers.iter().filter(|(own, _)| own == name).collect();
        let values: Vec<_> = values.iter().map(|(_, value)| value.as_str()).collect();
        let joined = (!values.is_empty()).then(|| values.join(" | "));
        if joined.as_deref() != *wanted {
            bail!("{name}: {joined:?} instead of {wanted:?}");
        }
    }
    Ok(())
}

fn expect_bytes(got: &[u8], wanted: &[u8]) -> Result<()> {
    if got == wanted {
        return Ok(());
    }
    bail!(
        "body {:?} ({} bytes) instead of {:?} ({} bytes)",
        short(got),
        got.len(),
        short(wanted),
        wanted.len()
    )
}

fn short(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned()
}

/// The row's line in the access log, and what the error log must hold.
fn logged(gateway: &Gateway, case: &Case) -> Result<()> {
    let target = format!("\"target\":\"{}\"", case.target());
    let asked = Instant::now();
    let line = loop {
        if let Some(line) = gateway.access().into_iter().find(|line| line.contains(&target)) {
            break line;
        }
        ensure!(asked.elapsed() < case.limit, "not in the access log");
        sleep(Duration::from_millis(2));
    };
    let line: serde_json::Value = serde_json::from_str(&line)?;
    let (status, reason) = match &case.expect {
        Expect::Full(status, _) => (*status, None),
        Expect::Error(status, reason) => (*status, Some(*reason)),
        Expect::Cut(_, reason) => (200, Some(*reason)),
    };
    if line["status"] != status || line["reason"].as_str() != reason {
        bail!("logged as {line}");
    }
    match case.logged {
        Some(text) => gateway.wait_errors(text).map(drop),
        None => Ok(()),
    }
}

/// Nothing of the row before may be left on a kept connection.
fn innocent(gateway: &Gateway, case: &Case) -> Result<()> {
    let target = match case.way {
        Way::All | Way::Part => "/all/innocent",
        Way::Hasty => "/hasty/innocent",
    };
    let got = Client::connect(gateway.addr())?.request("GET", target, &[], b"")?;
    // A busy machine may miss the short deadline: that is no leftover.
    let got = match got.status {
        504 if case.way == Way::Hasty => Client::connect(gateway.addr())?.request("GET", target, &[], b"")?,
        _ => got,
    };
    expect_bytes(&got.body, b"innocent")
}

/// What comes late has come. Within the next exchange nobody could tell it from an answer.
const LATE: Duration = Duration::from_millis(60);

/// Body of a request that is never read to its end: more than socket buffers hold.
const UPLOAD: usize = 1024 * 1024;
