//! One request on its way to one endpoint after the other.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::Instant;

use super::retry::{self, Attempt};
use super::skipped::SkippedEndpoint;
use super::suspicion::{self, Suspicion};
use super::upstream::Upstream;
use crate::protocol::fields::FieldName;
use crate::protocol::{DecodeError, Event, RequestHead, ResponseHead};
use crate::telemetry::Phase;
use crate::transport::ConnectError;
use crate::upstream::admit::pool::{Grant, Slot};
use crate::upstream::answer::{Body, Interim, Lease, Options, Rest, Source, Switched, UpstreamAnswer};
use crate::upstream::model::endpoint::Id;
use crate::upstream::model::error::Blame;
use crate::upstream::model::{AdmissionError, Endpoint, Failure, Trace};
use crate::upstream::select::balance::Constraints;
use crate::upstream::select::sticky;
use crate::upstream::wire::pump::{PreparedRequest, Pump};
use crate::upstream::wire::{Announcement, Connection, RequestBody};

/// First pause before a request is sent to the endpoint again that broke it: a single worker that died.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Every later one: a reload is about to kill the other workers, too, and takes its time on a busy machine.
const NEXT_PAUSE: Duration = Duration::from_secs(1);

impl Upstream {
    /// Sends a request to one endpoint after the other, as far as the retry rule permits, and gives the
    /// answer as soon as its head is complete. `trace` tells what happened, also after a failure.
    pub async fn send(
        &self,
        head: &RequestHead,
        body: RequestBody,
        options: &Options<'_>,
        trace: &mut Trace,
    ) -> Result<UpstreamAnswer, Failure> {
        trace.goes_to(&self.name);
        let constraints = self.constraints(head);
        let session = constraints.sticky;
        let mut attempts = Attempts::new(self, options, head, body, constraints, &mut *trace);
        let answer = attempts.run().await;
        let now = attempts.now;
        drop(attempts);
        trace.enter(Phase::Response, now);
        let failed = answer.as_ref().err().map(Failure::blame);
        self.tally.count(trace, failed);
        let mut answer = answer?;
        if let Some(sticky) = &self.config.sticky
            && let Some(token) = trace.endpoint.as_ref().and_then(|endpoint| endpoint.token)
            && session != Some(token)
        {
            sticky::remember(sticky, token, head.client.secure, &mut answer.head.fields);
        }
        Ok(answer)
    }
}

/// An exchange that gave no answer.
struct AttemptError {
    failure: Failure,
    /// The body, as far as it can be sent again.
    body: Option<RequestBody>,
    /// Whether any byte of the request went out.
    sent: bool,
    /// The endpoint was told off already.
    blamed: bool,
}

/// The attempts of one request.
struct Attempts<'a> {
    upstream: &'a Upstream,
    options: &'a Options<'a>,
    head: &'a RequestHead,
    /// The request's body, between two exchanges.
    body: RequestBody,
    trace: &'a mut Trace,
    /// The time: the clock is read after everything that was waited for, and nowhere else.
    now: Instant,
    /// Its place in the queue, once it had one.
    ticket: Option<u64>,
    constraints: Constraints,
    /// Those of the tried endpoints that gave an answer of no use: they would give it again.
    excluded: Vec<Id>,
    /// How often any byte of the request went out.
    sent: u32,
    /// The body can be sent from the start again.
    is_held: bool,
    /// It has paused before.
    paused: bool,
    /// The next attempt must not use a kept connection.
    fresh: bool,
    last: Option<Box<SkippedEndpoint>>,
}

impl<'a> Attempts<'a> {
    fn new(
        upstream: &'a Upstream,
        options: &'a Options<'a>,
        head: &'a RequestHead,
        body: RequestBody,
        constraints: Constraints,
        trace: &'a mut Trace,
    ) -> Self {
        Self {
            upstream,
            options,
            head,
            is_held: body.is_held(),
            body,
            trace,
            now: options.now,
            ticket: None,
            constraints,
            excluded: Vec::new(),
            sent: 0,
            paused: false,
            fresh: false,
            last: None,
        }
    }

    async fn run(&mut self) -> Result<UpstreamAnswer, Failure> {
        loop {
            let prepared = PreparedRequest::new(self.upstream.protocol.as_ref(), self.head)?;
            self.enter(Phase::Queue);
            let Grant { mut slot, idle } = self.admit().await?;
            self.enter(Phase::Connect);
            let idle = idle.and_then(|mut idle| self.may_use(&mut idle).then_some(idle));
            let reused = idle.is_some();
            let connection = match idle.or_else(|| self.connect_now(&mut slot)) {
                Some(connection) => connection,
                // Boxed: a connection that is there needs no room for it.
                None => match Box::pin(self.connect(&mut slot)).await {
                    Some(connection) => connection,
                    None if self.gives_up() => return Err(self.refused(AdmissionError::NoEndpoint)),
                    None => continue,
                },
            };
            self.enter(Phase::Head);
            let started = self.now;
            let body = std::mem::take(&mut self.body);
            let mut lease = Lease {
                pump: Pump::new(
                    prepared,
                    body,
                    connection,
                    self.options.terms.unwrap_or(&self.upstream.terms).clone(),
                    started,
                ),
                slot,
            };
            let interim = self.options.interim;
            let answered = poll_fn(|cx| poll_head(&mut lease.pump, interim, cx)).await;
            self.now = Instant::now();
            let time = self.trace.timeline.pause(self.now.into_std());
            let mut error = match self.exchanged(answered, lease, self.now) {
                Ok(answer) => {
                    self.answered(answer.head.status, time);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            error.failure = retry::named(error.failure, time);
            self.body = self.again(error, reused)?;
        }
    }

    /// From now on the request waits for something else.
    fn enter(&mut self, phase: Phase) {
        self.trace.enter(phase, self.now);
    }

    /// An endpoint has answered.
    fn answered(&mut self, status: StatusCode, latency: Duration) {
        self.trace.status = Some(status.as_u16());
        if let Some(endpoint) = &self.trace.endpoint {
            self.upstream.pool.answered(endpoint, latency);
        }
    }

    /// A slot.
    async fn admit(&mut self) -> Result<Grant<Box<Connection>>, Failure> {
        loop {
            let granted = match self.upstream.pool.take_free(&self.constraints, self.now) {
                Ok(Some(grant)) => Ok(grant),
                Ok(None) => Box::pin(self.wait()).await,
                Err(error) => Err(error),
            };
            let error = match granted {
                Ok(grant) => {
                    self.trace.attempts += 1;
                    self.trace.endpoint = Some(grant.slot.endpoint().clone());
                    return Ok(grant);
                }
                Err(error) => error,
            };
            if error != AdmissionError::NoEndpoint || !self.may_start_next_round() {
                return Err(self.refused(error));
            }
            Box::pin(self.start_next_round()).await;
        }
    }

    /// A slot that another request gives back. Its own function: most requests need neither it nor the clock.
    async fn wait(&mut self) -> Result<Grant<Box<Connection>>, AdmissionError> {
        let deadline = self.deadline();
        let granted = self
            .upstream
            .pool
            .acquire(&self.constraints, deadline, &mut self.ticket)
            .await;
        self.now = Instant::now();
        granted
    }

    /// Why there is no slot: what the last endpoint said, if that is the reason.
    fn refused(&mut self, error: AdmissionError) -> Failure {
        let last = self.last.take().and_then(|mut last| last.failure.take());
        match (error, last) {
            (AdmissionError::NoEndpoint, Some(last)) => last,
            (
                AdmissionError::QueueTimeout,
                Some(last @ (Failure::BacklogFull { .. } | Failure::Connect { .. })),
            ) => last,
            (error, _) => error.into(),
        }
    }

    /// No slot is waited for after this.
    fn deadline(&self) -> Instant {
        self.options.now + self.upstream.config.queue.timeout
    }

    /// Whether endpoints that failed a moment ago are worth another try.
    fn may_start_next_round(&self) -> bool {
        self.constraints.tried.len() > self.excluded.len()
            && self.now < self.deadline()
            && self.upstream.pool.is_held()
    }

    /// Makes the tried endpoints eligible again: those that cannot be reached keep the request waiting in the queue.
    async fn start_next_round(&mut self) {
        self.constraints.tried.clone_from(&self.excluded);
        let last = self.last.as_ref().and_then(|last| last.failure.as_ref());
        if matches!(last, Some(Failure::Connect { .. })) {
            return;
        }
        tokio::time::sleep(match self.paused {
            false => FIRST_PAUSE,
            true => NEXT_PAUSE,
        })
        .await;
        self.now = Instant::now();
        self.paused = true;
    }

    /// A fresh connection, where neither it nor what the endpoint is told in front has to be waited for.
    fn connect_now(&mut self, slot: &mut Slot<Box<Connection>>) -> Option<Box<Connection>> {
        if self.upstream.config.proxy_protocol.is_some() {
            return None;
        }
        let stream = self.upstream.dialer.connect_now(&slot.endpoint().config)?;
        self.now = Instant::now();
        slot.reached();
        Some(Connection::boxed(stream))
    }

    /// A fresh connection; `None` notes the failure, and the next endpoint has its turn.
    async fn connect(&mut self, slot: &mut Slot<Box<Connection>>) -> Option<Box<Connection>> {
        let (announcement, limit) = (self.announcement(), self.upstream.config.timeouts.connect);
        let endpoint = &slot.endpoint().config;
        let connected = self.upstream.dialer.connect(endpoint, &announcement, limit).await;
        self.now = Instant::now();
        let failure = match connected {
            Ok(stream) => {
                slot.reached();
                return Some(Connection::announced(stream, announcement));
            }
            Err(ConnectError::Full) => {
                slot.full();
                let endpoint = slot.endpoint().name.to_string();
                self.skip(Failure::BacklogFull { endpoint });
                return None;
            }
            Err(cause) => {
                if !cause.is_ours() {
                    slot.unreachable();
                    self.upstream.suspect_names();
                }
                let endpoint = slot.endpoint().name.to_string();
                Failure::Connect { endpoint, cause }
            }
        };
        self.constraints.tried.push(slot.endpoint().id);
        self.skip(failure);
        None
    }

    /// What an endpoint is told of the client.
    fn announcement(&self) -> Announcement {
        Announcement::of(&self.head.client, self.upstream.config.proxy_protocol)
    }

    /// Whether a kept connection may take the request: it lives, and is for this client.
    fn may_use(&self, idle: &mut Connection) -> bool {
        !self.fresh && idle.is_quiet() && idle.is_announced_as(&self.announcement())
    }

    /// Whether no other endpoint is to be asked after the last one could not be reached.
    fn gives_up(&self) -> bool {
        let last = self.last.as_ref().and_then(|last| last.failure.as_ref());
        last.is_some_and(|failure| !retry::permitted(&self.attempt(true, false), failure))
    }

    /// What became of an exchange, now that it has an answer or will have none.
    fn exchanged(
        &self,
        head: Result<Box<ResponseHead>, Failure>,
        mut lease: Lease,
        now: Instant,
    ) -> Result<UpstreamAnswer, AttemptError> {
        match head {
            Ok(head) if head.upgrade => switched(self.head.method_onward(), head, lease),
            Ok(head) if self.is_unwanted(head.status) => {
                Err(AttemptError::after(lease, Failure::Status(head.status.as_u16())))
            }
            Ok(head) => {
                lease.slot.answered();
                suspicion::tell_of_script(&lease.pump, self.upstream, self.head);
                self.answer(head, lease, now)
            }
            Err(failure) => Err(AttemptError::after(lease, failure)),
        }
    }

    /// Whether another endpoint is to be asked after an answer with this status.
    fn is_unwanted(&self, status: StatusCode) -> bool {
        let rules = &self.upstream.config.retry;
        if rules.on.statuses.is_empty() || !rules.on.statuses.contains(&status.as_u16()) {
            return false;
        }
        let attempt = Attempt {
            sent_before: self.sent + 1,
            ..self.attempt(true, true)
        };
        let mut others = self.constraints.clone();
        others
            .tried
            .extend(self.trace.endpoint.as_ref().map(|endpoint| endpoint.id));
        self.is_held
            && retry::permitted(&attempt, &Failure::Status(status.as_u16()))
            && self.upstream.pool.has(&others)
    }

    /// What the rule about sending again looks at.
    fn attempt(&self, body_held: bool, sent: bool) -> Attempt<'_> {
        Attempt {
            method: self.head.method_onward(),
            body_held,
            sent,
            sent_before: self.sent,
            age: self.now.saturating_duration_since(self.options.now),
            rules: &self.upstream.config.retry,
        }
    }

    fn answer(
        &self,
        mut head: Box<ResponseHead>,
        lease: Lease,
        now: Instant,
    ) -> Result<UpstreamAnswer, AttemptError> {
        let method = self.head.method_onward();
        let Options {
            relays, ignore_abort, ..
        } = *self.options;
        let bodiless = is_bodiless(method, head.status);
        let length = if bodiless { Some(0) } else { head.length };
        let body = match Rest::of(lease, length, now).map_err(AttemptError::answered)? {
            Rest::Complete(bytes) => {
                // Nothing came behind it.
                head.fields.remove(FieldName::Trailer);
                Body::Full(bytes)
            }
            Rest::Running(rest) if bodiless => {
                Source::discard(rest, relays, ignore_abort);
                Body::Full(None)
            }
            Rest::Running(rest) => {
                let source = Source::new(rest, relays, ignore_abort);
                Body::of(source, self.options, &head.fields)
            }
        };
        Ok(relayed(method, head, body))
    }

    /// The body for another attempt, if the rule permits one.
    fn again(&mut self, error: AttemptError, reused: bool) -> Result<RequestBody, Failure> {
        let AttemptError {
            failure,
            body,
            sent,
            blamed,
        } = error;
        self.sent += u32::from(sent);
        let endpoint = self.trace.endpoint.clone();
        if let Some(endpoint) = endpoint.as_ref().filter(|_| !blamed && !reused) {
            match failure.blame() {
                Blame::Client | Blame::Other => {}
                Blame::Busy => self.upstream.pool.full(endpoint),
                Blame::Endpoint => self.blame(endpoint, &failure),
            }
        }
        let body = body.and_then(|mut body| body.rewind().then_some(body));
        let attempt = self.attempt(body.is_some(), sent);
        let Some(body) = body.filter(|_| retry::permitted(&attempt, &failure)) else {
            return Err(failure);
        };
        if reused {
            // It was closed while it was idle: that says nothing about the endpoint. Once.
            tracing::debug!(endpoint = self.trace.endpoint_name(), error = %failure, "kept connection was closed");
            self.fresh = true;
        } else {
            if let Some(endpoint) = endpoint {
                self.constraints.tried.push(endpoint.id);
                if !retry::passes(&failure) {
                    self.excluded.push(endpoint.id);
                }
            }
            self.skip(failure);
        }
        Ok(body)
    }

    fn blame(&self, endpoint: &Endpoint, failure: &Failure) {
        self.upstream.pool.broken(endpoint);
        if let Some(suspicion) = Suspicion::of(self.upstream, endpoint, failure, self.head)
            && endpoint.suspect()
        {
            let (endpoint, protocol) = (&*endpoint.name, self.upstream.config.protocol.as_str());
            tracing::warn!(endpoint, protocol, "{suspicion}");
        }
    }

    fn skip(&mut self, failure: Failure) {
        self.last = Some(Box::new(SkippedEndpoint {
            endpoint: self.trace.endpoint.clone(),
            failure: Some(failure),
            alone: self.upstream.config.has_one_endpoint(),
        }));
    }
}

/// The head of the answer; those before it go to `interim`.
fn poll_head(
    pump: &mut Pump,
    interim: Option<&dyn Interim>,
    cx: &mut Context<'_>,
) -> Poll<Result<Box<ResponseHead>, Failure>> {
    loop {
        match ready!(pump.poll_event(cx))? {
            Event::Head(head) => return Poll::Ready(Ok(head)),
            Event::Interim(head) => {
                if let Some(interim) = interim {
                    interim.interim(head.status, &head.fields);
                }
            }
            _ => return Poll::Ready(Err(DecodeError::NoResponse.into())),
        }
    }
}

/// The answer of a backend that speaks another protocol from now on.
fn switched(method: &Method, head: Box<ResponseHead>, lease: Lease) -> Result<UpstreamAnswer, AttemptError> {
    let Lease { mut pump, mut slot } = lease;
    let event = pump.decode();
    let connection = matches!(event, Ok(Some(Event::Switched))).then(|| pump.into_switched());
    match connection.flatten() {
        Some(connection) => {
            slot.decided();
            let body = Body::Switched(Box::new(Switched::new(*connection, slot)));
            Ok(relayed(method, head, body))
        }
        None => Err(AttemptError {
            failure: DecodeError::EarlySwitch.into(),
            body: None,
            sent: true,
            blamed: false,
        }),
    }
}

impl AttemptError {
    /// There was a head, and the client has not seen it. The application did its work: never again.
    fn answered(failure: Failure) -> Self {
        Self {
            failure,
            body: None,
            sent: true,
            blamed: true,
        }
    }

    /// The slot is given back when the connection is closed.
    fn after(lease: Lease, failure: Failure) -> Self {
        let Lease { pump, slot: _slot } = lease;
        let sent = pump.has_sent();
        Self {
            failure,
            body: Some(pump.into_body()),
            sent,
            blamed: false,
        }
    }
}

/// Whether an answer has no body, whatever its head announces.
fn is_bodiless(method: &Method, status: StatusCode) -> bool {
    *method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// An answer as the front end gets it.
fn relayed(method: &Method, mut head: Box<ResponseHead>, body: Body) -> UpstreamAnswer {
    head.fields.remove(FieldName::XAccelBuffering);
    let announces = is_bodiless(method, head.status) && head.status != StatusCode::NO_CONTENT;
    head.length = head.length.filter(|_| announces);
    UpstreamAnswer { head, body }
}

#[cfg(test)]
mod tests;
