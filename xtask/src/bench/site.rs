//! What both servers are set up for: their configurations, the backend, the access log.

use std::time::Duration;

/// A setup that one or more scenarios measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    /// Name of the two configurations, `NAME.toml` and `NAME.conf` in `benches/scenarios`.
    pub(crate) config: &'static str,
    /// What stands behind both servers.
    pub(crate) backend: Behind,
    /// The access log of both.
    pub(crate) log: Log,
    /// The most client connections at a time: nginx reserves memory for each.
    pub(crate) clients: usize,
    /// Worker threads of Bridgehead, worker processes of nginx.
    pub(crate) workers: usize,
    /// TLS, with HTTP/2 for clients that offer it.
    pub(crate) secure: bool,
}

impl Site {
    /// A site without an access log, for a few clients, with two workers.
    pub(crate) const fn new(config: &'static str, backend: Behind) -> Self {
        Self {
            config,
            backend,
            log: Log::Off,
            clients: 4096,
            workers: 2,
            secure: false,
        }
    }

    /// The same with an access log in a file.
    pub(crate) const fn logging(self, log: Log) -> Self {
        Self { log, ..self }
    }

    /// The same for as many clients.
    pub(crate) const fn serving(self, clients: usize) -> Self {
        Self { clients, ..self }
    }

    /// The same with TLS.
    pub(crate) const fn secured(self) -> Self {
        Self { secure: true, ..self }
    }

    /// The same with a single worker.
    pub(crate) const fn alone(self) -> Self {
        Self { workers: 1, ..self }
    }
}

/// A backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// The servers answer by themselves.
    Nothing,
    /// A directory with one file of so many bytes.
    File(usize),
    /// PHP-FPM with a static pool of so many children.
    Php(usize),
    /// uWSGI with so many processes and a small WSGI application.
    Uwsgi(usize),
    /// Our own responder.
    Canned(Canned),
}

impl Behind {
    /// Our own responder, which answers at once with a body of so many bytes.
    pub(crate) const fn canned(wire: Wire, size: usize) -> Self {
        Self::Canned(Canned {
            wire,
            size,
            pause: Duration::ZERO,
            kind: Content::Hello,
        })
    }

    /// The same over HTTP with a text in English for a body.
    pub(crate) const fn prose(size: usize) -> Self {
        Self::Canned(Canned {
            wire: Wire::Http,
            size,
            pause: Duration::ZERO,
            kind: Content::Prose,
        })
    }

    /// Our own responder over HTTP, which says one event, and no more.
    pub(crate) const fn events() -> Self {
        Self::Canned(Canned {
            wire: Wire::Http,
            size: BODY.len(),
            pause: Duration::ZERO,
            kind: Content::Event,
        })
    }
}

/// What a responder answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Canned {
    /// How it is asked.
    pub(crate) wire: Wire,
    /// Bytes of the body.
    pub(crate) size: usize,
    /// Time between a request and its answer.
    pub(crate) pause: Duration,
    /// What the body is.
    pub(crate) kind: Content,
}

/// A kind of body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// [`BODY`], again and again.
    Hello,
    /// [`PROSE`], for what depends on how well it compresses.
    Prose,
    /// The beginning of a stream of events that does not end. Over HTTP alone.
    Event,
}

impl Canned {
    /// The body.
    pub(crate) fn content(self) -> Vec<u8> {
        match self.kind {
            Content::Hello => content(self.size),
            Content::Prose => repeated(PROSE, self.size),
            Content::Event => format!("data: {BODY}\n\n").into_bytes(),
        }
    }
}

/// A protocol of the responder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// HTTP/1.1 with kept connections.
    Http,
    /// FastCGI; connections are kept when the request says so.
    Fastcgi,
    /// uwsgi, a connection a request.
    Uwsgi,
}

/// What the access log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// There is none.
    Off,
    /// The format that both have by default.
    Combined,
    /// An object a line.
    Json,
    /// A text with variables.
    Template,
}

impl Log {
    /// The text of [`Log::Template`], the same for both: what nginx's own example configuration logs, and its times.
    pub(crate) const TEMPLATE: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
        \"$http_referer\" \"$http_user_agent\" $request_time $upstream_response_time $upstream_addr";
}

/// `size` bytes of [`BODY`], again and again.
pub(crate) fn content(size: usize) -> Vec<u8> {
    repeated(BODY, size)
}

fn repeated(text: &str, size: usize) -> Vec<u8> {
    text.bytes().cycle().take(size).collect()
}

/// A text as pages have it.
const PROSE: &str = include_str!("../../../LICENSE-APACHE");

/// What every small answer holds.
pub(crate) const BODY: &str = "hello world";
