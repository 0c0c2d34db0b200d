//! Every row of the table of failures (design, section 8), provoked from outside: what the client gets, what the
//! logs say, and whether another endpoint was asked.

mod bodies;
mod clients;
mod connecting;
mod queueing;
mod retrying;
mod timing;
mod words;

use serde_json::Value;
use testbed::{Client, Gateway, Response, Scripted, ScriptedConnection};

use crate::start;

/// One FastCGI upstream with these endpoints behind every path.
fn gateway(endpoints: &[&str], settings: &str) -> Gateway {
    start(&config(endpoints, settings))
}

fn config(endpoints: &[&str], settings: &str) -> String {
    format!(
        "[upstream.app]\nprotocol = \"fastcgi\"\nendpoints = {endpoints:?}\n{settings}\n\
         [[route]]\nproxy = {{ upstream = \"app\" }}\n"
    )
}

fn hello(mut connection: ScriptedConnection) -> anyhow::Result<()> {
    let request = connection.read_fastcgi()?;
    connection.fastcgi_response(request.id, b"Content-Type: text/plain\r\n\r\nhello")
}

/// A backend that does as it should.
fn good() -> Scripted {
    Scripted::start(hello).unwrap()
}

fn ask(gateway: &Gateway, method: &str) -> Response {
    let body: &[u8] = if method == "POST" { b"body" } else { b"" };
    Client::connect(gateway.addr())
        .unwrap()
        .request(method, "/", &[], body)
        .unwrap()
}

/// The answer is the gateway's own, says why, and when to come back if that makes sense.
#[track_caller]
fn assert_refused(response: &Response, status: u16, reason: &str) {
    assert_eq!(
        (response.status, response.header("bridgehead-error")),
        (status, Some(reason))
    );
    assert_eq!(response.header("retry-after").is_some(), status == 503);
}

/// The access log's line of that number, counted from 0.
#[track_caller]
fn logged(gateway: &Gateway, number: usize) -> Value {
    serde_json::from_str(&gateway.wait_access(number + 1).unwrap()[number]).unwrap()
}

/// The line says the same as the answer.
#[track_caller]
fn assert_logged(gateway: &Gateway, number: usize, status: u16, reason: &str) -> Value {
    let line = logged(gateway, number);
    assert_eq!(
        (line["status"].as_u64(), line["reason"].as_str()),
        (Some(status.into()), Some(reason)),
        "{line}"
    );
    line
}
