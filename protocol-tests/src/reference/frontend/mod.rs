//! The reference front end: HTTP/1.1 in front of one application that speaks FastCGI, uwsgi, SCGI or HTTP.
//!
//! | module | what it is |
//! |---|---|
//! | `fault` | what can be wrong with it |
//! | `client` | the bytes of the client's connection |
//! | `request`, `target`, `body` | a request in HTTP, read strictly |
//! | `variables`, `fields` | what the application is told |
//! | `proxied` | what a proxy says of its client |
//! | `site` | the host that has a path for itself |
//! | `fastcgi`, `plain`, `http` | how it is told: records; uwsgi and SCGI; HTTP |
//! | `pool` | the one connection that is kept |
//! | `exchange` | one request, from the application's connection to the end of the answer |
//! | `head`, `relay` | the answer: its head, and its way to the client |
//! | `chunks` | the chunked coding |
//! | `tunnel` | what comes behind 101 |
//! | `date` | the time as HTTP writes it |
//! | `refusal` | why it is none |
//!
//! Requests are read as a whole before the application is asked, answers are passed on as they come. Below `/hasty/`,
//! `/kept/`, `/limited/`, `/small/`, `/named/` and `/trusted/` it is set up as `profiles/reference-frontend.toml` says.

mod body;
mod chunks;
mod client;
mod date;
mod exchange;
mod fastcgi;
mod fault;
mod fields;
mod head;
mod http;
mod list;
mod plain;
mod pool;
mod proxied;
mod refusal;
mod relay;
mod request;
mod site;
mod target;
mod tunnel;
mod variables;

pub use fault::Fault;

use std::sync::Arc;
use std::time::SystemTime;

use super::socket::Socket;
use super::{Listener, Running, Seeded};
use crate::net::Address;
use crate::protocol::Protocol;
use client::Client;
use pool::Pool;
use refusal::{Refusal, reason};
use request::Request;
use variables::Ends;

/// A front end.
#[derive(Debug)]
pub struct Frontend {
    protocol: Protocol,
    upstream: Address,
    fault: Seeded<Fault>,
    pool: Pool,
}

impl Frontend {
    /// In front of an application at `upstream` that speaks `protocol`.
    pub fn new(protocol: Protocol, upstream: Address, fault: Seeded<Fault>) -> Self {
        Self {
            protocol,
            upstream,
            fault,
            pool: Pool::default(),
        }
    }

    /// Serves until the result is dropped.
    pub fn serve(self, listener: Listener) -> Running {
        let frontend = Arc::new(self);
        listener.serve(move |socket| frontend.connection(socket))
    }

    /// Requests one after another. Whatever ends a connection concerns nobody else.
    fn connection(&self, socket: Socket) {
        let ends = ends(&socket);
        let mut client = Client::new(socket, self.fault);
        loop {
            let result = self.request(&mut client, &ends);
            match result {
                Ok(true) => {}
                Ok(false) => break,
                // A connection whose next byte may be anything is of no use.
                Err(refusal) => {
                    let keeps = self.fault.is(Fault::KeepsAfterRefusal) && refusal.status() == Some(413);
                    let told = refusal
                        .status()
                        .map(|status| client.send(&answer(status, keeps, self.fault)));
                    if !keeps || !matches!(told, Some(Ok(()))) {
                        break;
                    }
                }
            }
        }
        if !self.fault.is(Fault::ClosesAtOnce) {
            client.socket.close_gently();
        }
    }

    /// One request; says whether the connection is kept.
    fn request(&self, client: &mut Client, ends: &Ends) -> Result<bool, Refusal> {
        let Some(head) = client.head()? else {
            return Ok(false);
        };
        let mut request = match Request::parse(&head, self.fault) {
            Err(Refusal::Request(status, _)) if self.fault.is(Fault::KeepsAfterGarbage) => {
                client.send(&answer(status, true, self.fault))?;
                return Ok(true);
            }
            parsed => parsed?,
        };
        site::check(&request, self.fault)?;
        request.expects_continue(self.fault)?;
        let body = body::read(client, &mut request, self.fault)?;
        let variables = variables::of(&request, &body, ends, self.fault);
        exchange::run(self, client, &request, (&variables, &body))
    }
}

/// An answer of the front end's own.
fn answer(status: u16, keeps: bool, fault: Seeded<Fault>) -> Vec<u8> {
    let connection = match keeps || fault.is(Fault::CloseUnsaid) {
        true => "keep-alive",
        false => "close",
    };
    let text = format!("{status} {}\n", reason(status));
    format!(
        "HTTP/1.1 {status} {}\r\nDate: {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: {connection}\r\n\r\n{text}",
        reason(status),
        date::http(SystemTime::now()),
        text.len(),
    )
    .into_bytes()
}

fn ends(socket: &Socket) -> Ends {
    let Some((local, peer)) = socket.ends() else {
        return Ends::default();
    };
    Ends {
        peer: Some((peer.ip().to_string(), peer.port())),
        port: local.port(),
    }
}
