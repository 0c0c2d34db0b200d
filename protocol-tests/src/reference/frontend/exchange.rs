//! One request of a client, from the application's connection to the end of the answer.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::client::Client;
use super::fastcgi::{self, Records};
use super::head::Style;
use super::http;
use super::plain;
use super::refusal::Refusal;
use super::relay::Relay;
use super::request::{Field, Request};
use super::tunnel;
use super::{Fault, Frontend};
use crate::protocol::Protocol;
use crate::reference::socket::Socket;

/// Asks the application and passes its answer on; says whether the client's connection is kept.
pub(super) fn run(
    frontend: &Frontend,
    client: &mut Client,
    request: &Request,
    (variables, body): (&[Field], &[u8]),
) -> Result<bool, Refusal> {
    let fault = frontend.fault;
    let kept = is_kept(frontend, request);
    let bytes = encode(frontend, request, variables, body)?;
    let mut relay = Relay::new(client, request, style(frontend.protocol), fault);
    let mut idle = if kept { frontend.pool.take(fault) } else { None };
    let mut tries = match () {
        () if fault.is(Fault::EndlessRetries) => 100,
        () if fault.is(Fault::PostsRepeated) || fault.is(Fault::ErrorsRetried) => 2,
        () => 1,
    };
    loop {
        let was_idle = idle.is_some();
        let socket = idle.take().map_or_else(|| connect(frontend), Ok)?;
        tries -= 1;
        match attempt(frontend, socket, &bytes, &mut relay) {
            Ok(socket) => {
                socket
                    .filter(|_| kept)
                    .into_iter()
                    .for_each(|socket| frontend.pool.put(socket));
                return Ok(relay.keeps());
            }
            // RFC 9112, section 9.3.1: the application closed it while the request was on its way.
            Err(Refusal::Silence)
                if was_idle && request.is_idempotent() && !fault.is(Fault::StaleIsFatal) => {}
            Err(Refusal::Answer(..) | Refusal::Silence) if tries > 0 && !relay.has_started() => {}
            // What has begun cannot be taken back: the client sees that it is cut.
            Err(refusal) if relay.has_started() => return Err(Refusal::Client(io::Error::other(refusal))),
            Err(refusal) => return Err(refusal),
        }
    }
}

/// Whether connections to the application are used again for this.
fn is_kept(frontend: &Frontend, request: &Request) -> bool {
    let possible = matches!(frontend.protocol, Protocol::FastCgi | Protocol::Http);
    let broken = frontend.protocol == Protocol::Http && frontend.fault.is(Fault::NothingKept);
    possible && !broken && request.target.path.starts_with(KEPT)
}

fn style(protocol: Protocol) -> Style {
    match protocol {
        Protocol::FastCgi | Protocol::Scgi => Style::Cgi,
        Protocol::Uwsgi => Style::Uwsgi,
        Protocol::Http => Style::Http,
    }
}

fn encode(
    frontend: &Frontend,
    request: &Request,
    variables: &[Field],
    body: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let small = request.target.path.starts_with(SMALL);
    let limit = if small { SMALL_BLOCK } else { MAX_BLOCK };
    match frontend.protocol {
        Protocol::Uwsgi => plain::uwsgi(variables, body, limit, frontend.fault),
        Protocol::Scgi => Ok(plain::scgi(variables, body, frontend.fault)),
        Protocol::FastCgi => fastcgi::request(variables, body, is_kept(frontend, request), frontend.fault),
        Protocol::Http => Ok(http::request(
            request,
            body,
            is_kept(frontend, request),
            frontend.fault,
        )),
    }
}

fn connect(frontend: &Frontend) -> Result<Socket, Refusal> {
    let connected = Socket::connect(&frontend.upstream, WRITE);
    connected.map_err(|_| Refusal::Answer(503, "the application cannot be reached"))
}

/// One request on a connection, and its answer. Gives the connection back if it can be used again.
fn attempt(
    frontend: &Frontend,
    mut socket: Socket,
    bytes: &[u8],
    relay: &mut Relay<'_>,
) -> Result<Option<Socket>, Refusal> {
    let mut writer = socket.clone();
    let written = AtomicBool::new(false);
    let result = thread::scope(|threads| {
        // An application may answer before it has read everything, or without reading it: an error here says
        // nothing about the answer.
        let mut write = || {
            let result = writer.write_all(bytes);
            written.store(true, Ordering::Relaxed);
            result
        };
        if frontend.fault.is(Fault::WriteErrorFatal) {
            write().map_err(|_| Refusal::gateway("the application does not read"))?;
        } else if frontend.fault.is(Fault::WritesBeforeReading) {
            let _ = write();
        } else {
            threads.spawn(write);
        }
        let mut answer = Answer {
            frontend,
            socket: &mut socket,
            written: &written,
            hasty: relay.request.target.path.starts_with(HASTY),
            leaving: None,
        };
        let result = answer.read(relay);
        if !matches!(result, Ok(true)) {
            socket.shutdown(Shutdown::Both); // ends the other thread as well
        }
        result
    });
    result.map(|again| again.then_some(socket))
}

/// Reads one answer.
struct Answer<'a> {
    frontend: &'a Frontend,
    socket: &'a mut Socket,
    /// Whether the application has been sent everything.
    written: &'a AtomicBool,
    hasty: bool,
    /// When the client ended its direction.
    leaving: Option<Instant>,
}

impl Answer<'_> {
    /// Passes the answer on; says whether the connection can be used again.
    fn read(&mut self, relay: &mut Relay<'_>) -> Result<bool, Refusal> {
        let fault = self.frontend.fault;
        let fastcgi = self.frontend.protocol == Protocol::FastCgi;
        let mut records = Records::new(fault);
        let mut buffer = [0; 64 << 10];
        let mut heard = false;
        let mut deadline = Instant::now() + self.patience(false);
        loop {
            let prolonged = relay.has_started() || fault.is(Fault::TimeBetweenReads);
            if prolonged || !self.written.load(Ordering::Relaxed) {
                deadline = Instant::now() + self.patience(relay.has_started());
            }
            self.wait(deadline, relay)?;
            let count = match self.socket.read(&mut buffer) {
                Ok(0) | Err(_) if !heard => return Err(Refusal::Silence),
                Ok(0) if fastcgi => return records.closed(relay).map(|()| false),
                Ok(0) => return relay.end().map(|()| false),
                Ok(count) => count,
                // A reset is no end.
                Err(_) => return Err(Refusal::gateway("the connection to the application breaks")),
            };
            heard = true;
            if fastcgi {
                if records.feed(&buffer[..count], relay)? {
                    return Ok(records.is_clean() && self.written.load(Ordering::Relaxed));
                }
            } else {
                relay.output(&buffer[..count])?;
                if relay.is_switched() {
                    return self.switch(relay).map(|()| false);
                }
                if relay.is_full() && !fault.is(Fault::WaitsForClose) {
                    relay.end()?;
                    return Ok(relay.is_reusable() && self.written.load(Ordering::Relaxed));
                }
            }
        }
    }

    /// Carries the other protocol to its end; early bytes of the client first.
    fn switch(&mut self, relay: &mut Relay<'_>) -> Result<(), Refusal> {
        let early = relay.client.take_rest();
        self.socket.write_all(&early)?;
        Ok(tunnel::run(
            &mut relay.client.socket,
            self.socket,
            self.frontend.fault,
        )?)
    }

    fn patience(&self, has_head: bool) -> Duration {
        match has_head {
            true if self.frontend.fault.is(Fault::HastyBody) => Duration::from_millis(300),
            _ if self.hasty => HASTY_TIME,
            true => BODY_IDLE,
            false => HEAD_TIME,
        }
    }

    /// Waits for the application; the client may leave meanwhile.
    fn wait(&mut self, deadline: Instant, relay: &mut Relay<'_>) -> Result<(), Refusal> {
        let fault = self.frontend.fault;
        loop {
            let mut until = deadline;
            if fault.is(Fault::NeverGivesUp) {
                until += Duration::from_secs(3600);
            }
            let grace = if fault.is(Fault::HalfCloseIsLeaving) {
                Duration::ZERO
            } else {
                GRACE
            };
            if let Some(leaving) = self.leaving {
                until = until.min(leaving + grace);
            }
            let watched = !fault.is(Fault::LeavingIgnored) && self.leaving.is_none();
            let (application, client) = ready(self.socket, &relay.client.socket, watched, until)?;
            if application {
                return Ok(());
            }
            if client.intersects(PollFlags::HUP | PollFlags::ERR) {
                return self.left();
            }
            if client.intersects(PollFlags::RDHUP) {
                self.leaving = Some(Instant::now());
            } else if self.leaving.is_some_and(|leaving| leaving.elapsed() >= grace) {
                return self.left();
            } else if Instant::now() >= until {
                return Err(Refusal::Answer(504, "the application does not answer"));
            }
        }
    }

    /// Closing tells the application: ABORT_REQUEST would be the end of the body for PHP.
    fn left(&mut self) -> Result<(), Refusal> {
        if self.frontend.fault.is(Fault::AbortSent) {
            let _ = self.socket.write_all(&fastcgi::abort(self.frontend.fault));
        }
        Err(Refusal::Client(io::ErrorKind::ConnectionAborted.into()))
    }
}

/// Waits until the application has something, or something happens to the client.
fn ready(
    application: &Socket,
    client: &Socket,
    watched: bool,
    until: Instant,
) -> io::Result<(bool, PollFlags)> {
    let mut fds = vec![PollFd::new(application, PollFlags::IN)];
    if watched {
        fds.push(PollFd::new(client, PollFlags::RDHUP));
    }
    let left = until.saturating_duration_since(Instant::now());
    let timeout = Timespec::try_from(left).unwrap_or_default();
    match poll(&mut fds, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let client = fds.get(1).map_or(PollFlags::empty(), PollFd::revents);
    Ok((!fds[0].revents().is_empty(), client))
}

const HASTY: &[u8] = b"/hasty/"; // below this path an application is soon given up
const KEPT: &[u8] = b"/kept/"; // below this path a connection is kept
const SMALL: &[u8] = b"/small/"; // below this path the application takes few variables
const SMALL_BLOCK: usize = 4096; // bytes: uWSGI without --buffer-size
const MAX_BLOCK: usize = 65535; // bytes: what the size can say
const HASTY_TIME: Duration = Duration::from_secs(2);
const HEAD_TIME: Duration = Duration::from_secs(30); // from the whole request to the whole head of its answer
const BODY_IDLE: Duration = Duration::from_secs(10); // between two pieces of a body
const WRITE: Duration = Duration::from_secs(10); // for an application that does not read
const GRACE: Duration = Duration::from_secs(1); // for an answer that a client may still be waiting for
