//! HTTP/1 with one client: requests off its socket, one after the other, answers on to it.
//!
//! A connection that waits for a request holds its socket and next to nothing else: no buffer, no exchange. Bytes that
//! are read are requests as long as nothing says otherwise; [`KeepAlive`] knows when it does.

mod answering;
mod closing;
mod held;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Method, Version};
use tokio::sync::futures::Notified;
use tokio::time::Instant;

use super::half_close::HalfClose;
use super::in_force::InForce;
use super::incoming::{Home, Incoming, ReadSide};
use super::leaving::Leaving;
use super::reader::Reader;
use super::sending::{Form, Sending};
use super::socket::Socket;
use super::state::{ConnectionState, Stage};
use super::watch::Watch;
use super::writer::Writer;
use crate::frontend::connection::Connection;
use crate::frontend::current::Current;
use crate::frontend::exchange::Exchange;
use crate::frontend::rejection::Rejection;
use crate::frontend::request as head;
use crate::frontend::serve::{self, Begun, Handling};
use crate::frontend::service::Service;
use crate::frontend::tunnel::Tunnel;
use crate::protocol::fields::FieldName;
use crate::protocol::http1;
use crate::protocol::http1::answer::CONTINUE;
use crate::protocol::http1::{
    BodyDecoder, ChunkLimits, Framing, KeepAlive, Request, RequestDecoder, RequestError, Rest,
};
use held::Held;

/// Bytes of following requests that are read while one is answered: there a client that has left is noticed.
const AHEAD: usize = 4 * 1024;

/// One connection.
pub(super) struct Http1 {
    /// `None` while it is lent to the body of a request.
    reader: Option<Reader>,
    writer: Writer,
    decoder: RequestDecoder,
    /// What is left of a body that was not read to its end.
    unread: Option<Box<(BodyDecoder, Rest)>>,
    stage: Stage,
    /// The time, as long as nothing was waited for since it was read.
    now: Option<Instant>,
    leaving: Leaving,
    half_close: HalfClose,
    /// There as soon as an answer had to be taken at a least rate.
    watch: Option<Box<Watch>>,
    settings: InForce,
    current: Arc<Current>,
    /// There while a body has the reading side.
    home: Option<Arc<Home>>,
}

/// A request, and what its head says about the connection.
struct Asked {
    /// What answers it.
    service: Arc<Service>,
    exchange: Box<Exchange>,
    /// How the body is delimited.
    framing: Framing,
    /// Whether the client wants to keep the connection.
    persistent: bool,
}

/// A request that is being answered. Small: it is in the task of each connection.
enum Answering {
    /// Its answer is here.
    Now(Sending),
    /// Its answer is here, and where its body ends will show.
    Held(Box<Held>),
    /// Its answer comes from an application.
    SomeTime(Box<Forwarded>),
}

/// A request that an application answers.
struct Forwarded {
    handling: Handling,
    keep_alive: KeepAlive,
    form: Form,
}

/// Why no request came.
enum Silence {
    /// The client has closed, or was silent for too long: nothing is owed to it.
    Over,
    /// A head did not become complete in time.
    Late,
    /// What came is no request.
    Refused(Box<RequestError>),
}

/// What an exchange leaves behind.
enum After {
    /// The connection reads the next request.
    Next,
    /// It drops the rest of a body, then reads the next request.
    Discard,
    /// It ends, and the client may still be sending.
    Linger,
    /// It ends, and nothing more comes.
    Close,
    /// It carries another protocol.
    Switched(Box<Tunnel>),
}

impl Http1 {
    /// A connection of which some bytes were read already.
    pub(super) fn new(reader: Reader, writer: Writer, settings: InForce, current: Arc<Current>) -> Box<Self> {
        Box::new(Self {
            reader: Some(reader),
            writer,
            decoder: RequestDecoder::new(settings.head()),
            unread: None,
            stage: Stage::new(),
            now: None,
            leaving: Leaving::default(),
            half_close: HalfClose::default(),
            watch: None,
            settings,
            current,
            home: None,
        })
    }

    /// Serves requests until the connection ends. No async function: of that, a task has the arguments twice.
    #[allow(clippy::manual_async_fn)]
    pub(super) fn serve(mut self: Box<Self>) -> impl Future<Output = ()> + Send + 'static {
        async move {
            let leave = self.connection().leave.clone();
            let mut news = pin!(leave.news());
            loop {
                let request = poll_fn(|cx| self.poll_request(news.as_mut(), cx));
                let mut answering = match request.await {
                    Ok(request) => self.begin(request),
                    Err(Silence::Over) => return,
                    Err(Silence::Late) => Answering::Now(self.refuse(None)),
                    Err(Silence::Refused(error)) => Answering::Now(self.refuse(Some(error))),
                };
                // Moved: that is one pointer less in the task.
                let this = &mut self;
                let after = poll_fn(move |cx| this.poll_exchange(&mut answering, cx));
                match after.await {
                    After::Next => {}
                    After::Discard => {
                        if !Box::pin(self.discard()).await {
                            return;
                        }
                    }
                    last => return Box::pin(self.end(last)).await,
                }
            }
        }
    }

    /// Answers what is no request for this listener, and ends the connection.
    pub(super) async fn turn_away(mut self: Box<Self>, rejection: Rejection) {
        let mut answering = Answering::Now(self.refuse_with(rejection));
        let after = poll_fn(|cx| self.poll_exchange(&mut answering, cx)).await;
        self.end(after).await;
    }

    /// Ends the connection.
    async fn end(self: Box<Self>, after: After) {
        match after {
            After::Next | After::Discard | After::Close => {}
            After::Linger => self.linger().await,
            After::Switched(tunnel) => self.switch(tunnel).await,
        }
    }

    /// The next request, as soon as its head is complete. `news` wakes when the connection is to leave.
    fn poll_request(
        &mut self,
        news: Pin<&mut Notified<'_>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Asked, Silence>> {
        loop {
            let Some(reader) = &mut self.reader else {
                return Poll::Ready(Err(Silence::Over));
            };
            match self.decoder.decode(&mut reader.bytes) {
                Ok(Some(request)) => return Poll::Ready(Ok(self.asked(request))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Err(Silence::Refused(Box::new(error)))),
            }
            let state = match self.decoder.is_idle(&reader.bytes) {
                true => ConnectionState::Idle,
                false => ConnectionState::Head,
            };
            self.stage
                .enter_at(state, self.settings.timeouts(), self.now.take());
            match reader.poll_head(cx) {
                // Of the head that begins here, the limits are those of now.
                Poll::Ready(Ok(1..)) if state == ConnectionState::Idle => self.renew(),
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Silence::Over)),
                Poll::Pending => return self.poll_silence(state, news, cx).map(Err),
            }
        }
    }

    /// Nothing more comes at the moment: keeps no more than that needs, and no longer than it may last.
    fn poll_silence(
        &mut self,
        state: ConnectionState,
        news: Pin<&mut Notified<'_>>,
        cx: &mut Context<'_>,
    ) -> Poll<Silence> {
        if let Some(reader) = &mut self.reader {
            reader.park();
        }
        self.writer.park();
        // A client that does not ask cannot be told: it has a grace to do so, and is told with the answer.
        if state == ConnectionState::Idle && self.leaving.poll(&self.writer.connection().leave, news, cx) {
            self.stage.shorten(self.settings.grace);
        }
        ready!(self.stage.poll_late(cx));
        Poll::Ready(match state {
            ConnectionState::Head => Silence::Late,
            _ => Silence::Over,
        })
    }

    /// A request that has come, and what answers it.
    #[inline]
    fn asked(&mut self, request: Request) -> Asked {
        self.renew();
        self.stage
            .enter(ConnectionState::Exchange, self.settings.timeouts());
        let Request {
            framing, persistent, ..
        } = request;
        let service = self.current.service();
        Asked {
            exchange: Exchange::new(&service.context, self.connection(), request.into()),
            service,
            framing,
            persistent,
        }
    }

    /// Goes by the settings of now.
    #[inline]
    fn renew(&mut self) {
        if self.settings.renew(&self.current) {
            self.decoder.set_limits(self.settings.head());
            self.writer.set_limit(self.settings.timeouts().send);
        }
    }

    /// Begins to answer a request: with what is sent now, or some time.
    fn begin(&mut self, asked: Asked) -> Answering {
        let awaited = asked.awaits_invitation();
        let Asked {
            service,
            exchange,
            framing,
            persistent,
        } = asked;
        let keep_alive = KeepAlive::new(persistent, awaited);
        let form = Form {
            version: exchange.head().version,
            head: exchange.head().method == Method::HEAD,
            last: !persistent,
        };
        let body = BodyDecoder::new(framing, ChunkLimits::default());
        if !body.is_done() {
            let left = body.left();
            self.unread = Some(Box::new((body, Rest::Unread(left))));
        }
        match serve::begin(&service, exchange, || self.lend(awaited, &service)) {
            Begun::Answered(exchange) => self.answered(exchange, keep_alive, form),
            Begun::Forwarded(handling) => Answering::SomeTime(Box::new(Forwarded {
                handling,
                keep_alive,
                form,
            })),
        }
    }

    /// An answer to what is no request, or to a head that did not come in time. Nothing that follows is believed.
    fn refuse(&mut self, error: Option<Box<RequestError>>) -> Sending {
        match error {
            Some(error) => {
                let request = head::Request::refused(&error.method, &error.target);
                self.refusal(request, &Rejection::Request(error))
            }
            None => self.refuse_with(Rejection::Late),
        }
    }

    /// The same for bytes that are no complete head.
    fn refuse_with(&mut self, rejection: Rejection) -> Sending {
        let bytes = self.reader.as_ref().map_or(&[][..], |reader| &reader.bytes);
        let (method, target) = http1::seen(bytes);
        let request = head::Request::refused(method, target);
        self.refusal(request, &rejection)
    }

    fn refusal(&mut self, request: head::Request, rejection: &Rejection) -> Sending {
        self.unread = Some(Box::new((BodyDecoder::Close, Rest::Broken)));
        let form = Form {
            version: Version::HTTP_11,
            head: request.method == Method::HEAD,
            last: false,
        };
        let service = self.current.service();
        let exchange = Exchange::new(&service.context, self.connection(), request);
        let exchange = serve::refuse(exchange, rejection);
        let now = exchange.started();
        self.head(exchange, KeepAlive::new(false, false), form, now)
    }

    /// The body of a request, with the reading side if there is one.
    fn lend(&mut self, awaited: bool, service: &Service) -> Incoming {
        match (self.unread.take(), self.reader.take()) {
            (Some(unread), Some(reader)) => {
                let side = ReadSide {
                    reader,
                    body: unread.0,
                };
                let held = service.context.relays.spools().share();
                Incoming::lend(side, awaited, self.home.get_or_insert_default().clone(), held)
            }
            (_, reader) => {
                self.reader = reader;
                Incoming::none()
            }
        }
    }

    /// Takes the reading side back, if it was lent and its body is over.
    fn reclaim(&mut self) {
        if self.reader.is_none()
            && let Some((ReadSide { reader, body }, rest)) = self.home.as_ref().and_then(|home| home.take())
        {
            self.home = None;
            self.reader = Some(reader);
            self.unread = (rest != Rest::Taken).then(|| Box::new((body, rest)));
        }
    }

    /// Has a request answered, and sends the answer to its end, or as far as its client takes it.
    fn poll_exchange(&mut self, answering: &mut Answering, cx: &mut Context<'_>) -> Poll<After> {
        let polled = self.poll_answering(answering, cx);
        if polled.is_pending() && self.connection().meters.shortest_grace().is_some() {
            let watch = self.watch.get_or_insert_default();
            return watch.poll(self.writer.connection(), cx).map(|()| After::Close);
        }
        polled
    }

    fn poll_answering(&mut self, answering: &mut Answering, cx: &mut Context<'_>) -> Poll<After> {
        loop {
            match answering {
                Answering::SomeTime(forwarded) => match ready!(self.poll_answer(forwarded, cx)) {
                    Some(sending) => *answering = Answering::Now(sending),
                    None => return Poll::Ready(After::Close),
                },
                Answering::Held(held) => match ready!(self.poll_held(held, cx)) {
                    Some(sending) => *answering = Answering::Now(sending),
                    None => return Poll::Ready(After::Close),
                },
                Answering::Now(sending) => {
                    let sent = ready!(self.poll_send(sending, cx)).is_ok();
                    return Poll::Ready(self.after(sending, sent));
                }
            }
        }
    }

    /// Works on the answer, and looks after the client meanwhile; `None` when that has left.
    fn poll_answer(&mut self, forwarded: &mut Forwarded, cx: &mut Context<'_>) -> Poll<Option<Sending>> {
        let Forwarded {
            handling,
            keep_alive,
            form,
        } = forwarded;
        if let Poll::Ready(exchange) = handling.as_mut().poll(cx) {
            let now = exchange.answered_at().unwrap_or_else(Instant::now);
            return Poll::Ready(Some(self.head(exchange, *keep_alive, *form, now)));
        }
        if let (None, Some(home)) = (&self.reader, &self.home) {
            // In front of the look: nothing is missed in between.
            home.watch(cx);
            if home.take_invitation() {
                keep_alive.invited();
                self.writer.queue.tail().extend_from_slice(CONTINUE);
            }
        }
        self.writer.put_interim();
        if let Poll::Ready(Err(_)) = self.writer.poll_flush(cx) {
            return Poll::Ready(None);
        }
        self.poll_gone(cx).map(|()| None)
    }

    /// Ready when the client has left. The end of its stream alone is not that: it may close its side and still want the
    /// answer (RFC 9112, section 9.6).
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.reclaim();
        let Some(reader) = &mut self.reader else {
            return Poll::Pending;
        };
        if self.unread.is_some() {
            return Poll::Pending;
        }
        while !reader.is_ended() {
            if reader.bytes.len() >= AHEAD {
                return Poll::Pending;
            }
            if ready!(reader.poll_fill(cx)).is_err() {
                return Poll::Ready(());
            }
        }
        self.half_close.poll(reader, self.settings.timeouts().head, cx)
    }

    /// What its requests see of it.
    fn connection(&self) -> &Arc<Connection> {
        self.writer.connection()
    }

    /// Hands both sides over to a tunnel.
    async fn switch(mut self: Box<Self>, tunnel: Box<Tunnel>) {
        self.stage
            .enter(ConnectionState::Switched, self.settings.timeouts());
        if let Some(reader) = self.reader.take() {
            let connection = self.connection().clone();
            let client = Socket::new(reader, self.writer, false);
            tunnel.run(client, connection).await;
        }
    }
}

impl Asked {
    /// Whether the client sends the body only when it is asked to (RFC 9110, section 10.1.1).
    fn awaits_invitation(&self) -> bool {
        let head = self.exchange.head();
        head.version == Version::HTTP_11
            && self.framing != Framing::None
            && head
                .fields
                .get(FieldName::Expect)
                .is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
    }
}
