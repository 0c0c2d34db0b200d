//! HTTP/2 with one client: its connection, driven by the library h2, which knows frames, header compression and windows.
//!
//! Each [`stream`] runs in a task of its own. The library is given bytes of an answer only as far as the client's windows
//! are open: what waits for a client waits in its stream, with a deadline.

mod budget;
mod closing;
mod connect;
mod corked;
mod end;
mod frames;
mod head;
mod incoming;
mod meter;
mod metered;
mod pings;
mod sending;
mod stream;
mod switched;
mod window;

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::server::Builder;
use http::Version;
use tokio::time::Instant;

use super::in_force::InForce;
use super::reader::Reader;
use super::settings::Settings;
use super::socket::Socket;
use super::watch::Watch;
use super::writer::Writer;
use crate::frontend::connection::Connection;
use crate::frontend::current::Current;
use crate::frontend::exchange::Exchange;
use crate::frontend::rejection::Rejection;
use crate::frontend::request::Request;
use crate::frontend::serve;
use crate::frontend::violation::Violation;
use crate::protocol::http1::Rule;
use crate::spool::Share;
use closing::Closing;
use corked::Corked;
use end::End;
use meter::{FrameMeter, Refused};
use metered::{Metered, SharedMeter, lock};
use pings::Pings;
use sending::SEND_BUFFER;
use stream::Stream;
use window::ReceiveWindow;

/// Streams of one connection.
const STREAMS: u32 = 128;

/// Receive window of a stream, in bytes: small, as uploads wait in our spool and not in the library.
const STREAM_WINDOW: u32 = 64 * 1024;

/// Receive window of a connection, in bytes.
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Receive window of a stream of a connection that begins while `spool.memory` is used up, in bytes.
const LEAST_STREAM_WINDOW: u32 = 16 * 1024;

/// Receive window that every connection has at first, in bytes (RFC 9113, section 6.9.2).
const FIRST_WINDOW: u32 = 65_535;

/// Streams that a client may reset before the library has looked at them: the meter passes on fewer frames at a time, and
/// has a limit of its own.
const PENDING_RESETS: usize = 128;

/// How long nothing may come from a client that broke a rule, and may still be told.
const SILENCE: Duration = Duration::from_secs(5);

/// Serves a connection whose client has sent the preface.
pub(super) async fn serve(
    reader: Reader,
    writer: Writer,
    settings: InForce,
    current: Arc<Current>,
    connection: Arc<Connection>,
) {
    let http2 = Http2::new(settings, current, connection);
    let socket = Corked::new(Socket::new(reader, writer, true));
    http2.run(&socket).await;
    if http2.connection.is_cut() {
        return;
    }
    http2.closing().run(socket).await;
}

/// One connection.
struct Http2 {
    /// What the library was told when the connection began.
    settings: InForce,
    current: Arc<Current>,
    connection: Arc<Connection>,
    meter: SharedMeter,
    window: Arc<ReceiveWindow>,
    windows: Windows,
}

/// The library's side of a connection.
type Driver = h2::server::Connection<Metered<Corked<Socket>>, Bytes>;

/// Receive windows, in bytes.
#[derive(Clone, Copy)]
struct Windows {
    stream: u32,
    connection: u32,
}

impl Http2 {
    fn new(settings: InForce, current: Arc<Current>, connection: Arc<Connection>) -> Self {
        let share = current.service().context.relays.spools().share();
        let windows = Windows::beside(&share);
        let raise = windows.connection - FIRST_WINDOW;
        let window = Arc::new(ReceiveWindow::new(share, raise));
        let meter = FrameMeter::new(largest_head(&settings), window.clone(), Instant::now());
        Self {
            settings,
            current,
            connection,
            meter: Arc::new(Mutex::new(meter)),
            window,
            windows,
        }
    }

    /// The client's stream, as the library is to see it.
    fn metered(&self, socket: Corked<Socket>) -> Metered<Corked<Socket>> {
        let connection = self.connection.clone();
        // Before the streams end, whose log lines say so.
        let told = move |violation: Violation| connection.violated(violation.reason());
        Metered::new(socket, self.meter.clone(), Box::new(told))
    }

    /// Serves requests until there is nothing left to do. What is written last waits in the socket.
    async fn run(&self, socket: &Corked<Socket>) {
        let ended = match self.greet(socket.clone()).await {
            Ok(driver) => self.drive(driver, socket).await,
            Err(error) => Err(io::Error::other(error)),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "HTTP/2 connection failed");
        }
        self.tell_violation();
    }

    /// Tells the client our settings. In a box: it is large, and each step would have a place for it.
    async fn greet(&self, socket: Corked<Socket>) -> Result<Box<Driver>, h2::Error> {
        let greeting = Box::pin(self.builder().handshake(self.metered(socket)));
        greeting.await.map(Box::new)
    }

    async fn drive(&self, mut driver: Box<Driver>, socket: &Corked<Socket>) -> io::Result<()> {
        let mut pings = driver
            .ping_pong()
            .map(|pings| Pings::new(pings, self.settings.timeouts.h2_ping));
        let mut news = pin!(self.connection.leave.news());
        let mut end = End::new(&self.connection, InForce::new(&self.current));
        let mut watch = Watch::default();
        let mut accepted = 0;
        let mut turn = |cx: &mut Context<'_>| {
            loop {
                let polled = self.poll_streams(&mut driver, &mut accepted, cx);
                let (refused, head, received) = self.look(accepted);
                self.tell_refused(&refused);
                if polled.is_ready() {
                    return polled.map_err(io::Error::other);
                }
                end.renew(&self.current);
                if end.poll_head(head, cx).is_ready() {
                    lock(&self.meter).give_up();
                    return Poll::Ready(Ok(()));
                }
                if end.poll_rest(cx).is_ready() || watch.poll(&self.connection, cx).is_ready() {
                    return Poll::Ready(Ok(()));
                }
                if let Some(asked) = &mut pings
                    && asked.poll(received, cx).is_ready()
                {
                    pings = None;
                    driver.abrupt_shutdown(h2::Reason::NO_ERROR);
                    continue;
                }
                // At once: the two GOAWAYs lose nothing (RFC 9113, section 6.8).
                ready!(end.poll_leave(&self.connection, news.as_mut(), cx));
                driver.graceful_shutdown();
            }
        };
        poll_fn(|cx| {
            let ended = turn(cx);
            if ended.is_pending()
                && let Poll::Ready(Err(error)) = socket.poll_uncork(cx)
            {
                return Poll::Ready(Err(error));
            }
            ended
        })
        .await
    }

    /// Begins each stream that has come, and counts it in `accepted`; ready when the connection is over.
    fn poll_streams(
        &self,
        driver: &mut Driver,
        accepted: &mut u64,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), h2::Error>> {
        while let Some(came) = ready!(driver.poll_accept(cx)) {
            let (request, respond) = came?;
            *accepted += 1;
            let stream = Stream {
                respond,
                service: self.current.service(),
                connection: self.connection.clone(),
                window: self.window.clone(),
                meter: self.meter.clone(),
                interim: Arc::default(),
            };
            // In a box: a task moves its future several times.
            tokio::spawn(Box::pin(stream.serve(request)));
        }
        Poll::Ready(Ok(()))
    }

    /// The heads that the library has refused since the last look, the one that is being received, and the number of frames
    /// that came. The next turn begins: the library reads again for each request that it gives out, without a pause.
    fn look(&self, accepted: u64) -> (Refused, Option<u64>, u64) {
        let mut meter = lock(&self.meter);
        meter.pause();
        (
            meter.refusals(accepted),
            meter.unfinished_head(),
            meter.frames_received(),
        )
    }

    /// Says which heads the library has refused without asking us.
    fn tell_refused(&self, refused: &Refused) {
        for _ in 0..refused.too_large {
            self.refuse(&Rejection::Request(Box::new(Rule::TooLarge.into())));
        }
        for _ in 0..refused.malformed {
            self.refuse(&Rejection::Malformed);
        }
    }

    /// Says why the connection ends, if a rule was broken.
    fn tell_violation(&self) {
        let violation = lock(&self.meter).violation();
        if let Some(violation) = violation {
            self.connection.violated(violation.reason());
            self.refuse(&Rejection::Violation(violation));
        }
    }

    /// Counts and logs what no request came of.
    fn refuse(&self, rejection: &Rejection) {
        let request = Request {
            version: Version::HTTP_2,
            ..Request::unparsed()
        };
        let service = self.current.service();
        let exchange = Exchange::new(&service.context, &self.connection, request);
        drop(serve::refuse(exchange, rejection));
    }

    fn builder(&self) -> Builder {
        let mut builder = Builder::new();
        builder
            .max_concurrent_streams(STREAMS)
            .initial_window_size(self.windows.stream)
            .initial_connection_window_size(self.windows.connection)
            .max_send_buffer_size(SEND_BUFFER)
            .max_header_list_size(u32::try_from(largest_head(&self.settings)).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(PENDING_RESETS)
            .enable_connect_protocol();
        builder
    }

    /// How it ends.
    fn closing(&self) -> Closing {
        let settings = InForce::new(&self.current);
        let (meter, timeouts) = (lock(&self.meter), &settings.timeouts);
        Closing {
            farewell: meter.farewell(),
            limit: timeouts.linger,
            silence: match meter.violation() {
                Some(_) => SILENCE,
                None => timeouts.grace,
            },
            discard: settings.discard,
        }
    }
}

impl Windows {
    /// Those of a connection that begins now.
    fn beside(share: &Share) -> Self {
        match share.is_spent() {
            true => Self {
                stream: LEAST_STREAM_WINDOW,
                connection: FIRST_WINDOW,
            },
            false => Self {
                stream: STREAM_WINDOW,
                connection: CONNECTION_WINDOW,
            },
        }
    }
}

/// The largest head that the library takes: above the limit that is ours, so that a head between the two is refused with a
/// reason and a line in the log.
fn largest_head(settings: &Settings) -> usize {
    2 * settings.head_size
}
