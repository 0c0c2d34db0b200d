//! The applications: they write down the fields that they are asked with, and answer with those of the message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use testbed::{Scripted, ScriptedConnection, ScriptedRequest};

use super::client::Version;
use super::message::{Field, Message};

/// What an application speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Protocol {
    FastCgi,
    Uwsgi,
    Scgi,
    Http,
}

impl Protocol {
    pub(super) const ALL: [Self; 4] = [Self::FastCgi, Self::Uwsgi, Self::Scgi, Self::Http];

    /// In configurations and in paths.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FastCgi => "fastcgi",
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "scgi",
            Self::Http => "http",
        }
    }
}

/// One of each protocol, behind one front end.
pub(super) struct Applications {
    running: Vec<(Protocol, Scripted)>,
    book: Arc<Book>,
}

/// The fields of each message as they arrived, by its number.
#[derive(Default)]
struct Book(Mutex<HashMap<u64, Vec<Field>>>);

impl Applications {
    pub(super) fn start() -> Self {
        let book = Arc::new(Book::default());
        let start = |protocol| {
            let book = book.clone();
            let running = Scripted::start(move |connection| serve(protocol, &book, connection));
            (protocol, running.expect("an application starts"))
        };
        Self {
            running: Protocol::ALL.map(start).into(),
            book,
        }
    }

    /// Each protocol, and where its application is: `unix:/path`.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (Protocol, String)> {
        self.running
            .iter()
            .map(|(protocol, running)| (*protocol, running.address()))
    }

    /// What has arrived of a message that was answered.
    pub(super) fn asked(&self, number: u64) -> Vec<Field> {
        let mut book = self.book.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.remove(&number).expect("it was asked before it answered")
    }
}

/// Requests one after another, as long as the connection is kept.
fn serve(protocol: Protocol, book: &Book, mut connection: ScriptedConnection) -> Result<()> {
    loop {
        let request = match protocol {
            Protocol::FastCgi => connection.read_fastcgi()?,
            Protocol::Uwsgi => connection.read_uwsgi()?,
            Protocol::Scgi => connection.read_scgi()?,
            Protocol::Http => connection.read_http()?,
        };
        let number = number(&request)?;
        let closes = request.param("connection") == Some("close");
        let mut seen = book.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(number, request.fields);
        drop(seen);
        // The answer is the same whatever the client speaks.
        let answer = answer(protocol, &Message::new(number, Version::Http1));
        match protocol {
            Protocol::FastCgi => connection.fastcgi_response(request.id, &answer)?,
            Protocol::Uwsgi | Protocol::Scgi | Protocol::Http => connection.write(answer)?,
        }
        match protocol {
            Protocol::FastCgi if request.keep => {}
            Protocol::Http if !closes => {}
            _ => return Ok(()),
        }
    }
}

/// The last segment of the target.
fn number(request: &ScriptedRequest) -> Result<u64> {
    let target = match request.param("REQUEST_URI") {
        Some(target) => target,
        None => request.line.split(' ').nth(1).context("no target")?,
    };
    let last = target.rsplit('/').next().unwrap_or_default();
    last.parse().with_context(|| format!("no number in {target}"))
}

fn answer(protocol: Protocol, message: &Message) -> Vec<u8> {
    let (status, length) = (message.status, message.body.len());
    let first = match protocol {
        Protocol::FastCgi | Protocol::Scgi => format!("Status: {status} As Said\r\n"),
        Protocol::Uwsgi | Protocol::Http => format!("HTTP/1.1 {status} As Said\r\n"),
    };
    let end = format!("Content-Length: {length}\r\n\r\n");
    let fields = message.lines(&message.answer);
    [first.as_bytes(), &fields, end.as_bytes(), &message.body].concat()
}
