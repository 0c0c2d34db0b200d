//! One request and its answer. Boxed once: whatever works on a request borrows it. Dropped: logged and counted.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use tokio::time::Instant;

use super::answer::Answer;
use super::body::Body;
use super::broken::Broken;
use super::connection::Connection;
use super::context::ExchangeContext;
use super::error_answer;
use super::flow::InternalUri;
use super::interim::InterimAnswers;
use super::kept::{Failed, Kept};
use super::limits::Counted;
use super::metered::Metered;
use super::pace::Rate;
use super::private_fields::PRIVATE;
use super::received::Received;
use super::record::Record;
use super::rejection::{Rejection, client_gone};
use super::request::Request;
use super::seen::Seen;
use super::tunnel::Tunnel;
use crate::protocol::RequestHead;
use crate::protocol::fields::{FieldName, FieldNames, Fields};
use crate::protocol::request::{Client, RequestId, Script};
use crate::telemetry::{Observer, Reason};

/// One request, from its head to the last byte of its answer.
pub struct Exchange {
    pub(super) context: Arc<ExchangeContext>,
    pub(super) connection: Arc<Connection>,
    /// The request.
    pub request: Received,
    /// What the log is to have of it.
    pub(super) record: Record,
    /// The answer; until there is one, the client has left before it.
    pub answer: Answer,
    /// What the connection becomes when the head is sent: the answer to a switch of protocols.
    tunnel: Option<Box<Tunnel>>,
    /// Whether nothing after this request is to be believed: the connection ends with its answer.
    last: bool,
    /// How fast the client has to take the answer.
    least: Option<Box<Rate>>,
    /// How fast it does, where it matters.
    metered: Option<Box<Metered>>,
    /// What an answer has left to the one in its place.
    kept: Option<Box<Kept>>,
    /// Where its stream finds its interim answers: HTTP/2 only.
    pub(super) interim: Option<Arc<InterimAnswers>>,
    /// Bytes that the client is to get; [`UNKNOWN`] if their number is.
    expected: u64,
    /// The body was given out, or broke off.
    ended: bool,
}

impl Exchange {
    /// A request whose head has just been read.
    pub fn new(context: &Arc<ExchangeContext>, connection: &Arc<Connection>, request: Request) -> Box<Self> {
        context.counters.requests.add(1);
        connection.requests.begin();
        let id = RequestId(fastrand::u64(..));
        // Made where it stays: it is large.
        let place = Box::new_uninit();
        let (connection, record) = (connection.clone(), Record::begin(Instant::now()));
        let answer = Answer::new(client_gone(), Body::Empty);
        let exchange = Self {
            request: Received::new(request, id),
            record,
            answer,
            tunnel: None,
            last: false,
            least: None,
            metered: None,
            kept: None,
            interim: None,
            expected: UNKNOWN,
            ended: false,
            context: context.clone(),
            connection,
        };
        Box::write(place, exchange)
    }

    /// Where it leaves interim answers, if the client is to have any.
    pub(super) fn hinted(&mut self, interim: Arc<InterimAnswers>) {
        self.interim = Some(interim);
    }

    /// When its head was complete.
    pub(super) fn started(&self) -> Instant {
        self.record.since()
    }

    /// When it was asked what becomes of it: with its head, or just now.
    pub(super) fn asked_at(&self) -> Instant {
        match self.request.rounds {
            0 => self.started(),
            _ => Instant::now(),
        }
    }

    /// The request, and what it has counted for.
    pub(super) fn counting(&mut self) -> (&RequestHead, &mut Counted) {
        (&self.request.head, self.record.counted())
    }

    /// The head of the request.
    pub fn head(&self) -> &RequestHead {
        &self.request.head
    }

    /// The client waits to be asked for the body. Until it is, nothing tells whether the bytes behind the head are that
    /// body or the next request.
    pub(super) fn awaited(&mut self) {
        self.last = true;
    }

    /// How fast the client has to take the answer.
    pub(super) fn least(&mut self, rate: Rate) {
        self.least = Some(Box::new(rate));
    }

    /// The client that asks: the one that a trusted proxy names, or the peer. From the first call on the head has it, and
    /// no forwarding field any more.
    pub fn client(&mut self) -> &Client {
        let Received { head, identified, .. } = &mut self.request;
        if !std::mem::replace(identified, true) {
            let trust = &self.context.trust;
            head.client = self.connection.connected.client(&mut head.fields, trust);
        }
        &head.client
    }

    /// Routed again, as a request for `uri`; gives the name of the route that is to have it, if one is named. Refuses to go
    /// round in a circle.
    pub(super) fn reroute(&mut self, uri: InternalUri) -> Result<Option<Box<str>>, Rejection> {
        let (route, target) = match uri {
            InternalUri::Target(target) => (None, Some(target)),
            InternalUri::Named(route) => (Some(route), None),
            InternalUri::Within(route, target) => (Some(route), Some(target)),
            InternalUri::Invalid(said) => return Err(Rejection::InternalUri(said)),
        };
        if let Some(target) = target {
            self.request.retarget(target);
        }
        self.again()?;
        Ok(route)
    }

    /// Another route goes on with it. Refuses to go round in a circle.
    pub(super) fn again(&mut self) -> Result<(), Rejection> {
        self.request.rounds += 1;
        if self.request.rounds > ROUNDS {
            return Err(Rejection::InternalCycle(ROUNDS));
        }
        self.hand_over();
        Ok(())
    }

    /// Another route has it, as it is: what the one before has made of it for its application is none of that one's.
    pub(super) fn hand_over(&mut self) {
        self.request.head.script = Script::default();
        self.request.head.extra = Arc::default();
        if let Some(routed) = &mut self.request.head.routed {
            routed.method = None;
        }
        self.least = None;
    }

    /// Routed again in place of its answer, as a GET for `uri`: what is left of its body is not for what answers now.
    pub(super) fn replace(&mut self, uri: InternalUri) -> Result<Option<Box<str>>, Rejection> {
        // The worker is free before another one is asked for.
        self.drop_answer();
        self.request.replace();
        self.reroute(uri)
    }

    /// Whether other routes have led it to the one that has it now.
    pub fn is_internal(&self) -> bool {
        self.request.rounds > 0
    }

    /// What there is to be kept of an answer that is dropped.
    pub(super) fn kept(&mut self) -> &mut Kept {
        self.kept.get_or_insert_default()
    }

    /// Something else is sent in place of its answer, which has a say in that.
    pub(super) fn keep(&mut self) {
        self.kept.get_or_insert_default().keep(&self.answer);
    }

    /// Gives the answer what was kept for it.
    #[inline]
    pub(super) fn settle(&mut self) {
        if let Some(kept) = &mut self.kept {
            kept.give(&mut self.answer);
        }
    }

    /// Whether a page for an error answers.
    pub(super) fn is_page(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.is_page())
    }

    /// Its answer is an error that a page stands in for, which the client gets with this status; `None`: what answers in
    /// its place says how it went.
    pub(super) fn turn(&mut self, status: Option<StatusCode>) {
        let answer = std::mem::replace(&mut self.answer, Answer::new(client_gone(), Body::Empty));
        let fields = answer.fields.clone();
        let failed = status.map(|status| Failed {
            status,
            plain: error_answer::without_page(answer),
        });
        match status {
            Some(status) => {
                self.record.restate(status);
                // They are about what was asked for.
                self.request.head.fields.remove_all(CONDITIONS);
            }
            None => self.record.forgive(),
        }
        self.kept().keep_error(&fields, failed);
    }

    /// The page for an error has failed itself: the client gets the error without it.
    pub(super) fn turn_back(&mut self, rejection: &Rejection) -> bool {
        let failed = self.kept.as_mut().and_then(|kept| kept.take_error());
        let Some(Failed { status, mut plain }) = failed else {
            return false;
        };
        let (id, reason, error) = (self.request.head.id, rejection.reason().as_str(), rejection);
        tracing::warn!(request = %id, reason, %error, "the page for an error failed");
        self.drop_answer();
        plain.status = status;
        self.answer = plain;
        true
    }

    /// Nothing wants the answer that is there.
    fn drop_answer(&mut self) {
        let answer = std::mem::replace(&mut self.answer, Answer::new(client_gone(), Body::Empty));
        answer.body.discard();
    }

    /// The request's body is complete, or of known length and streaming.
    pub(super) fn received(&mut self, length: Option<u64>) {
        self.last = false;
        self.record.received(length);
    }

    /// The number of the route that has it, if one does.
    pub fn route(&self) -> Option<usize> {
        self.record.route_number()
    }

    /// Answers a request that failed; says so in the error log where an operator can do something.
    pub(super) fn reject(&mut self, rejection: &Rejection) {
        let (id, status) = (self.request.head.id, rejection.status());
        self.tell(rejection);
        if rejection.breaks_rule() {
            self.record.breaks(rejection.to_string());
        }
        self.context.counters.error(rejection.reason());
        self.last |= rejection.is_last();
        self.record.refused(status, rejection.reason());
        let accept = self.request.head.fields.get(FieldName::Accept);
        let answer = error_answer::rejection(rejection, id, accept);
        self.drop_answer();
        self.answer = answer;
        if let Some(kept) = &mut self.kept {
            kept.forget();
            kept.give(&mut self.answer);
        }
    }

    /// Says in the error log that a request failed, or was refused.
    #[cold]
    fn tell(&self, rejection: &Rejection) {
        let (id, reason) = (self.request.head.id, rejection.reason().as_str());
        let endpoint = self.record.trace.endpoint_name();
        let host = self.request.host().map(String::from_utf8_lossy);
        let (host, method) = (host.as_deref(), self.request.asked_method().as_str());
        let target = self.context.log.redaction().target(self.request.asked());
        let target = String::from_utf8_lossy(&target);
        if rejection.is_for_operators() {
            tracing::warn!(request = %id, reason, endpoint, host, %target, error = %rejection, "request failed");
        } else {
            let target = &*target;
            tracing::debug!(request = %id, reason, host, method, target, error = %rejection, "request refused");
        }
    }

    /// The answer is decided, and goes to the client.
    pub(super) fn decided(&mut self) {
        self.record.answered(self.answer.status);
        let bodiless = self.request.head.method == Method::HEAD
            || matches!(self.record.status().as_u16(), 100..200 | 204 | 304);
        if let Some(kept) = &mut self.kept {
            if let Some(reason) = self.record.refusal().filter(|_| kept.is_page()) {
                let fields = &mut self.answer.fields;
                fields.set(FieldName::BridgeheadError, reason.as_str());
            }
            if !bodiless {
                kept.throttle(&mut self.answer);
            }
        }
        if bodiless {
            self.tunnel = withhold(&mut self.answer);
        } else {
            self.answer.length = None;
        }
        self.expected = self.answer.body.remaining().unwrap_or(UNKNOWN);
        if self.expected == 0 && self.tunnel.is_none() {
            self.release();
        }
        self.metered = self
            .least
            .as_ref()
            .map(|rate| Box::new(Metered::new(self.connection.meters.meter(**rate), rate.piece())));
    }

    /// How long its client may take nothing, if its route says so.
    pub(super) fn send_timeout(&self) -> Option<Duration> {
        self.record.route(&self.context.routes)?.send
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.answer.status
    }

    /// The fields of the answer. None of them is about the framing or the connection: whatever sends the answer adds
    /// those.
    pub fn fields(&self) -> &Fields {
        &self.answer.fields
    }

    /// The length that an answer without its body announces all the same (RFC 9110, section 8.6): HEAD, 304.
    pub fn length(&self) -> Option<u64> {
        self.answer.length
    }

    /// Whether the client is told to send nothing more on this connection. HTTP/2 has its own way to say so.
    pub fn ends_connection(&self) -> bool {
        let leaves = self.connection.leave.is_set() && self.answer.status != StatusCode::SWITCHING_PROTOCOLS;
        let route = self.record.route(&self.context.routes);
        let ends = route.is_some_and(|route| !route.keep_alive);
        (self.last || leaves || ends) && self.request.head.version != Version::HTTP_2
    }

    /// Whether the client gets no answer at all: its connection, or its stream, ends.
    pub fn is_unanswered(&self) -> bool {
        matches!(self.answer.body, Body::Unanswered)
    }

    /// Whether the connection becomes a tunnel when the head is sent.
    pub fn switches(&self) -> bool {
        self.tunnel.is_some()
    }

    /// That tunnel.
    pub fn take_tunnel(&mut self) -> Option<Box<Tunnel>> {
        let mut tunnel = self.tunnel.take()?;
        // It goes on when this is over.
        tunnel.hold(self.record.take_held());
        Some(tunnel)
    }

    /// The next bytes of the answer's body. The first failure is the last that comes.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let chunk = match &mut self.metered {
            None => ready!(self.answer.body.poll_chunk(cx)),
            Some(metered) => ready!(metered.poll_chunk(&mut self.answer.body, cx)),
        };
        match &chunk {
            Some(Ok(bytes)) => self.sent(bytes.len()),
            Some(Err(broken)) => {
                self.ended = true;
                self.broke_off(broken);
            }
            None => {
                self.ended = true;
                self.release();
            }
        }
        Poll::Ready(chunk)
    }

    /// The fields behind the body, once that was given out: for clients that take them.
    pub fn take_trailers(&mut self) -> Option<Box<Fields>> {
        let mut trailers = self.answer.body.take_trailers()?;
        // As in heads.
        trailers.remove_all(PRIVATE);
        Some(trailers)
    }

    /// Files are read in pieces of so many bytes, at most.
    pub fn in_pieces(&mut self, piece: usize) {
        self.answer.body.in_pieces(piece.min(self.piece()));
    }

    /// Bytes of the body that are to be given to the client before it has taken them, at most.
    pub fn piece(&self) -> usize {
        self.metered
            .as_ref()
            .map_or(usize::MAX, |metered| metered.piece())
    }

    /// Whether the kernel may copy the body from a file.
    pub fn is_file(&mut self) -> bool {
        // The kernel knows nothing of TLS.
        self.answer.body.file().is_some() && !self.connection.connected.is_secure()
    }

    /// Has `copy` send some of a file, from an offset and so many bytes at most: see [`is_file`](Self::is_file). The
    /// first failure is the last; one of the client's socket is none of the answer.
    pub fn poll_copy(
        &mut self,
        copy: impl FnOnce(&File, u64, usize) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        let most = self.piece();
        if let Some(metered) = &self.metered {
            metered.taken();
        }
        let Some(file) = self.answer.body.file() else {
            return Poll::Ready(Ok(()));
        };
        let sent = ready!(file.poll_copy(|file, offset, count| copy(file, offset, count.min(most))));
        match &sent {
            Ok(count) => self.sent(*count),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.ended = true;
                self.broke_off(&Broken::File(io::ErrorKind::UnexpectedEof.into()));
            }
            Err(_) => {}
        }
        Poll::Ready(sent.map(drop))
    }

    /// The client may be slower than the application, which is not to wait for it.
    pub fn detach(&mut self) {
        self.answer.body.detach();
    }

    /// The client does not take what it was given: that is its time, and none of the application's.
    pub fn waits(&mut self) {
        if let Some(metered) = &self.metered {
            metered.waits();
        }
        self.detach();
    }

    /// When an application's answer came: just now, for whatever sends it at once.
    pub(super) fn answered_at(&self) -> Option<Instant> {
        self.record.answered_at()
    }

    /// The whole answer went out at once; `now` is the time, as the sender knows it.
    pub(super) fn sent_at_once(&mut self, now: Instant) {
        let route = self.record.route(&self.context.routes);
        let log = route
            .and_then(|route| route.log.as_ref())
            .unwrap_or(&self.context.log);
        self.record.sent_at_once(now, log.is_on());
    }

    /// Whether all of the body was given out.
    pub fn is_over(&self) -> bool {
        self.held() == 0 && self.answer.body.is_over()
    }

    /// Bytes of the body still to be given out, when their number is known.
    pub fn remaining(&self) -> Option<u64> {
        Some(self.answer.body.remaining()? + self.held())
    }

    /// Bytes that the body has given out, and are none of the client's yet.
    fn held(&self) -> u64 {
        self.metered.as_ref().map_or(0, |metered| metered.held())
    }

    fn sent(&mut self, bytes: usize) {
        self.record.sent(bytes);
        if self.expected == self.record.response_bytes() {
            self.release();
        }
        if let Some(metered) = &self.metered {
            metered.given(bytes);
        }
    }

    /// Nothing of it is under way that counts. Before its last bytes are written: a client that has them may ask for more.
    #[inline]
    fn release(&mut self) {
        if self.record.has_notes() {
            drop(self.record.take_held());
        }
    }

    /// Why the client did not get all of it.
    fn gone(&self) -> Reason {
        if !self.metered.as_ref().is_some_and(|metered| metered.is_too_slow()) {
            return self.connection.gone();
        }
        let reason = Reason::ClientTooSlow;
        self.context.counters.error(reason);
        reason
    }

    fn broke_off(&mut self, broken: &Broken) {
        let (id, endpoint) = (self.request.head.id, self.record.trace.endpoint_name());
        let host = self.request.host().map(String::from_utf8_lossy);
        let (host, reason) = (host.as_deref(), broken.reason().as_str());
        tracing::warn!(request = %id, reason, endpoint, host, error = %broken, "answer broke off");
        self.context.counters.error(broken.reason());
        self.record.broke_off(broken.reason());
    }

    /// Shows the request, which is over, to each observer.
    fn observe(&mut self) {
        self.record.close();
        let Self { context, record, .. } = self;
        let seen = Seen::new(
            &self.request,
            &self.answer.fields,
            &self.connection.connected,
            &context.trust,
            context.log.redaction(),
        );
        let route = record.route(&context.routes);
        let finished = record.finished(&seen, route);
        context.counters.finished(&finished);
        if let Some(route) = route {
            route.times.finished(&finished);
        }
        context.slow.finished(&finished);
        match route.filter(|route| route.has_log()) {
            None => context.log.finished(&finished),
            Some(route) => route.finished(&finished, &self.request, &context.log),
        }
    }

    /// Whether the client has got everything. Nothing more is asked for when the announced length is reached.
    fn is_complete(&self) -> bool {
        self.ended || self.expected == self.record.response_bytes()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.is_complete() && !self.is_over() && self.record.reason().is_none() {
            self.record.broke_off(self.gone());
        } else if self.record.reason() == Some(Reason::ClientGone) {
            // Nothing was answered yet.
            self.record.broke_off(self.connection.gone());
        }
        self.connection.requests.end();
        self.observe();
    }
}

/// No answer is so long.
const UNKNOWN: u64 = u64::MAX;

/// How often a request is routed again: more than any chain of rewrites, error pages and files that are sent in place of
/// an answer has.
const ROUNDS: u8 = 10;

/// Fields of a request that ask for no answer, or for a part of it.
const CONDITIONS: FieldNames = FieldNames::of(&[
    FieldName::IfMatch,
    FieldName::IfModifiedSince,
    FieldName::IfNoneMatch,
    FieldName::IfRange,
    FieldName::IfUnmodifiedSince,
    FieldName::Range,
]);

/// Takes the body from an answer that has none on the wire (HEAD, 204, 304, 101), so that the application is not
/// held up by it; keeps the length that is announced all the same (RFC 9110, section 8.6). What is left of a body that
/// switches protocols is the tunnel.
fn withhold(answer: &mut Answer) -> Option<Box<Tunnel>> {
    let body = std::mem::take(&mut answer.body);
    if let Body::Full(bytes) = &body {
        answer.length.get_or_insert(bytes.len() as u64);
    }
    if matches!(answer.status.as_u16(), 100..200 | 204) {
        answer.length = None;
    }
    match body {
        Body::Tunnel(tunnel) => Some(tunnel),
        Body::Unanswered => {
            answer.body = Body::Unanswered;
            None
        }
        _ => None,
    }
}
