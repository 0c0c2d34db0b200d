//! Bridgehead: HTTP in; FastCGI, uwsgi, SCGI and HTTP to application workers out.
//!
//! This page is the architecture in short. Each module's own page says what it does and what it does not; the
//! files are named after the one noun that lives in them.
//!
//! # Words
//!
//! *Client*: the HTTP side. *Upstream*: a named group of endpoints with its policy. *Endpoint*: one address, with
//! slots and counters. *Slot*: the right to use one worker. *Lease*: a connection with its slot, checked out for
//! one exchange. *Exchange*: one request and its answer on one connection. *Record*, *packet*, *netstring*: the
//! wire units of FastCGI, uwsgi and SCGI. *Head*, *body*: before and after the blank line. *Params*: the variables
//! an application gets. *Route*, *handler*: a match rule, and what answers. *Spool*: bytes in memory that continue
//! on disk. *Relay*: a task that takes an answer off its worker, into a spool, ahead of the client.
//!
//! # Layers
//!
//! Each module may use those below it in the table, as far as it says, and no files use each other in a circle, except a
//! module's file and its private parts; `tests/architecture/` keeps both.
//!
//! | layer | module | what it is | may use of ours |
//! |---|---|---|---|
//! | 0 | [`protocol`] | sans-IO codecs for both roles, variables, response heads | – |
//! | 0 | [`variables`] | texts with `$host`, `$uri`, …, compiled when they are read | protocol |
//! | 0 | [`tally`] | what is counted for keys: bounded tables, rates | – |
//! | 0 | [`passwords`] | users of a file, and hashes of their passwords | – |
//! | 0 | [`telemetry`] | the timeline of a request and its observers: access log, slow log, counters, times in buckets | variables |
//! | 1 | [`transport`] | addresses, names in the DNS, listeners, connections, TLS, deadlines | telemetry |
//! | 1 | [`spool`] | buffers that continue on disk, with a quota | telemetry |
//! | 1 | [`compression`] | content codings, made while bytes come | protocol |
//! | 1 | [`framed`] | the codecs on asynchronous streams, for applications and tools | protocol |
//! | 2 | [`acme`] | certificates by themselves: orders, what proves names, an authority for local ones | protocol, framed, transport, telemetry |
//! | 2 | [`upstream`] | slots, queue, connections, retries, the exchange itself | protocol, tally, variables, transport, spool, telemetry |
//! | 2 | [`files`] | paths that cannot leave a root, plain files, small ones from memory | spool, telemetry |
//! | 2 | [`process`] | applications as processes of the gateway: started, held, renewed | transport |
//! | 2 | [`demo`] | an application pool to try the gateway on | protocol, framed, transport |
//! | 3 | [`frontend`] | HTTP to clients: checks, routes, forwards, answers, logs | upstream, files, acme, tally, passwords, compression, and below |
//! | 4 | [`config`] | file text to the settings of the modules below | the settings of all below |
//! | 5 | [`app`] | composition, signals, reload, replacement, stopping | all but demo and cli |
//! | 6 | [`cli`] | the subcommands | app, config, demo, framed, protocol, transport, telemetry |
//!
//! Settings go one way: every module owns the struct of its settings, `config` fills it. A lower layer never calls
//! an upper one; it returns. h2, which speaks HTTP/2 to clients, is known to
//! `frontend/edge/http2/` alone, hickory to `transport/resolve/`, rustls to `transport/tls/`, which the feature `tls` switches.
//!
//! # One request
//!
//! ```text
//! accept            frontend::server, transport::listen
//! in front          a header of the PROXY protocol, where the listener wants one of this peer (protocol::proxy_protocol);
//!                   then TLS, where the listener speaks it: so many handshakes are answered at a time, and each may say
//!                   which protocol is spoken inside. Both have one deadline
//! edge              HTTP/1 by our codec (protocol::http1), HTTP/2 by h2, told apart by the first bytes. A connection
//!                   is Idle, in a Head, in an Exchange, Switched or Closing, each with its one deadline; while it is
//!                   idle it holds its socket and no buffer
//!                   The frames of HTTP/2 are counted on their way to h2 and from it; floods end their connection. What one
//!                   wake-up has to write goes out with one call
//! exchange          the request and its answer from here on: one box, which every step borrows
//! inspect           framing, Host, expectations; fields that may not become variables go
//! route             most specific host, then path, then conditions; among equals the first
//! filters before    in the order of the list in frontend::filter; any of them may answer
//! handler           which script or mount; a file, a redirect, a fixed answer end here. Filters and handlers may also
//!                   name another path, by which the request is routed again: ten times at most
//! upload            the whole body, in memory or on disk, so that its length is known; unless the route streams
//! Upstream::send    balance -> slot, or the queue -> idle connection, or connect
//!                   encode (protocol::params::walk straight into the wire format) -> pump to the response head
//!                   a failure before the head: attempt::retry decides about the next endpoint
//! answer            complete already: the lease is back before the client sees a byte.
//!                   Else the body owns the lease and pumps when it is polled; from the first chunk on that the
//!                   client may not take at once, a task pumps into a live spool, and the body reads from that.
//!                   Event streams and unbuffered routes: the body owns the lease to the end
//! filters after     in the order of the list backwards, on the head of the answer; any of them may have the request
//!                   routed again, as a GET, in place of the answer
//! record            when the exchange is dropped, each observer sees it: counters, the times of its route, the slow log,
//!                   the access log
//! what follows      protocol::http1::KeepAlive: the next request, the rest of this one dropped, or the end
//! ```
//!
//! Ownership is the protocol: slots, leases, places in the queue, spool quotas and open-connection counters are
//! guards. Finished: back to the pool. Dropped: the socket is closed. A small exchange takes no task, no channel
//! and no copy of its body.
//!
//! # Where its time went
//!
//! At every moment a request is in one phase: its body, the queue, connecting, the application's head, the answer. Each
//! change of phase is noted on its [`telemetry::Timeline`], with the clock as it was just read; nothing else measures
//! time, and what failed and was tried again adds up. Why a request failed is one [`telemetry::Reason`], which
//! `docs/reasons.md` explains. Once it is over, the observers read both
//! ([`telemetry::Observer`]): a fixed list, called one after the other.
//!
//! # When endpoints are down
//!
//! What a request finds out about its endpoint goes to the circuit breaker of that endpoint
//! (`upstream/admit/circuit_breaker.rs`), which says how much may be asked of it; which endpoints a request may use is
//! one decision (`upstream/admit/endpoint_set.rs`); whether it may be sent again is another
//! ([`upstream::attempt::retry`]). While all are down but one was alive a moment ago, requests
//! wait in the queue, and one of them at a time tries.
//!
//! # Through changes
//!
//! A reload makes the next generation out of a new configuration and what of the old one goes on: upstreams with the
//! same settings, the pools of those with others, listeners with the same address, the logs, the keys of TLS tickets. What counts the workers at
//! an address outlives all generations (`upstream/admit/registry.rs`). Everything that can fail comes before anything changes.
//! Connections hold no generation, requests do: each takes the service in force when it begins
//! ([`frontend::current`]); an answer and a tunnel that go on hold their upstream. What a start or a reload opens, it opens
//! on a thread of its own with a deadline, while signals are answered, and by descriptor: no link of another user is
//! followed (`app/open/`, [`transport::entry`]). A replacement hands the listening sockets to
//! another process, which says when it serves; until then they are only lent. No client is let down by a listener that
//! closes: its queue is let in, idle clients have a grace to ask once more, and every answer says that it is the last.
//!
//! # Where to extend
//!
//! * A wire format: one module in [`protocol`] with [`protocol::Protocol`] and [`protocol::Exchange`], one line in
//!   `upstream/wire/codec.rs`.
//! * A balancing algorithm: one file in [`upstream::select::balance`], one line in its `make`.
//! * A way to ask an endpoint whether it lives: one file in [`upstream::care::probe`], one variant of its configuration.
//! * What an application server needs beyond its protocol: one line in [`upstream::model::profile`].
//! * Something that looks at requests: one [`telemetry::Observer`], one line in `frontend/exchange.rs`.
//! * A variable: one variant in `variables/variable.rs`; one that is known when a request is over, in
//!   `telemetry/variable.rs`.
//! * A reason: one line in `telemetry/reason.rs`, one row in `docs/reasons.md`.
//! * A handler: one file in [`frontend::handler`] with its settings, what it opens and what it answers, one line in the
//!   list there; its table in `config/tables/route/`.
//! * A filter: one file in [`frontend::filter`], one line, at its place, in the list there.
//! * A setting: a field with its default in the settings of its module, one line in its table in `config/tables/`.
//!   Reading, `check --print`, the schema and `docs/configuration.md` follow from that line.
//!
//! # Embedding
//!
//! [`config::parse`], then [`app::App::build`] and [`app::App::run_until`]; see `examples/embedding/`. Applications
//! are written with [`framed::Connection`].

pub mod acme;
pub mod app;
pub mod cli;
pub mod compression;
pub mod config;
pub mod demo;
pub mod files;
pub mod framed;
pub mod frontend;
pub mod passwords;
pub mod process;
pub mod protocol;
pub mod spool;
pub mod tally;
pub mod telemetry;
pub mod transport;
pub mod upstream;
pub mod variables;
