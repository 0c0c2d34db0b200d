//! One cell: a connection, and the time that it is watched.

use std::io::ErrorKind;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testbed::{Client, Response};

use super::place::Place;

/// A connection went on, and everything ended well.
pub(super) const LIVES: &str = "lives on";

pub(super) struct Cell {
    pub(super) place: Arc<Place>,
    /// What no other request has in its target.
    pub(super) id: String,
    /// Its deadline is to end it.
    pub(super) ends: bool,
    /// Its client answers PINGs.
    pub(super) pongs: bool,
    /// Its client asks by HTTP/2.
    #[cfg(feature = "tls")]
    pub(super) is_http2: bool,
}

impl Cell {
    pub(super) fn target(&self, path: &str) -> String {
        format!("{path}?{}", self.id)
    }

    pub(super) fn client(&self) -> Result<Client> {
        Client::connect(self.place.gateway.addr())
    }

    /// A client on another listener than the first.
    pub(super) fn client_at(&self, listener: usize) -> Result<Client> {
        let address = self.place.gateway.addresses().get(listener);
        Client::connect(address.context("a listener")?.parse()?)
    }

    /// Lets an application go on that waits for this cell.
    pub(super) fn go_on(&self) {
        self.place.marks.set(&self.id);
    }

    /// How long the connection is watched: until it ends, or some times its deadline.
    pub(super) fn patience(&self) -> Duration {
        if self.ends { ENDS } else { HOLDS }
    }

    /// Watches a connection; true when something comes, or its end.
    pub(super) fn stirs(&self, client: &Client) -> Result<bool> {
        client.stream().set_read_timeout(Some(self.patience()))?;
        let stirs = match client.stream().peek(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Ok(_) | Err(_) => true,
        };
        client.stream().set_read_timeout(Some(LIMIT))?;
        Ok(stirs)
    }

    /// Waits for the line of the cell's request; true when there is one.
    pub(super) fn has_line(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        while self.line().is_none() {
            if Instant::now() > end {
                return false;
            }
            sleep(Duration::from_millis(20));
        }
        true
    }

    /// Adds the status and the reason that the access log has.
    pub(super) fn logged(&self, how: &str) -> Result<String> {
        self.has_line(LIMIT);
        let line = self.line().with_context(|| format!("{how}, without a line"))?;
        let line: serde_json::Value = serde_json::from_str(&line)?;
        let reason = line["reason"].as_str().map(|reason| format!(" {reason}"));
        Ok(format!("{how} {}{}", line["status"], reason.unwrap_or_default()))
    }

    fn line(&self) -> Option<String> {
        let ours = format!("?{}\"", self.id);
        let mut lines = self.place.gateway.access().into_iter();
        lines.find(|line| line.contains(&ours))
    }
}

/// What a client sees of an end.
pub(super) fn end(client: &mut Client) -> &'static str {
    match client.read_response() {
        Ok(answer) if answer.complete => "answered",
        Ok(_) => "cut",
        Err(error) if format!("{error:#}").contains("reset") => "reset",
        Err(_) => "closed",
    }
}

/// All is well with the answer that a cell ends with.
pub(super) fn well(answer: &Response) -> Result<String> {
    let Response { status, complete, .. } = answer;
    ensure!(*status == 200 && *complete, "{status}, complete: {complete}");
    Ok(LIVES.to_owned())
}

const ENDS: Duration = Duration::from_secs(8); // less than scripts wait
const HOLDS: Duration = Duration::from_millis(3500);
pub(super) const LIMIT: Duration = Duration::from_secs(10);
