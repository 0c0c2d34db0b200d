//! What happens to a gateway between its first and its last request: reloads, replacements, stops, and how it starts.

mod activation;
mod drain;
mod load;
mod nameless;
mod opening;
mod places;
mod privileges;
pub(crate) mod reload;
mod replace;
mod tunnel;

use anyhow::Result;
use testbed::{Gateway, Scripted, ScriptedConnection, eventually};

/// Answers every request on its connection with the target.
fn serving(mut connection: ScriptedConnection) -> Result<()> {
    let request = connection.read_fastcgi()?;
    let target = request.param("REQUEST_URI").unwrap_or("?");
    let answer = format!("Content-Type: text/plain\r\n\r\n{target} {}", request.body.len());
    connection.fastcgi_response(request.id, answer.as_bytes())
}

fn backend() -> Scripted {
    Scripted::start(serving).expect("the backend starts")
}

/// How often a text stands in the error log.
fn told(gateway: &Gateway, text: &str) -> usize {
    gateway.errors().matches(text).count()
}

/// Waits until a text stands in the error log that many times.
#[track_caller]
fn wait_told(gateway: &Gateway, text: &str, times: usize) {
    eventually(text, || told(gateway, text) >= times);
}
