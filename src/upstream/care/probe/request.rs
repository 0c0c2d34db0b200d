//! A request as a probe, over any protocol.
//!
//! What the application writes to its error output is dropped: it would be logged with every check.

use std::ops::ControlFlow;

use bytes::BytesMut;

use super::answer::ProbeAnswer;
use super::talk::{Listen, open_announced, talk};
use super::verdict::{Cause, Verdict};
use crate::protocol::{DecodeError, Event, Exchange, Protocol, RequestHead, WriteQueue};
use crate::upstream::model::config::EndpointConfig;
use crate::upstream::wire::announcement::Announcement;
use crate::upstream::wire::connection::Connection;
use crate::upstream::wire::dialer::Dialer;

/// Asks, and fills `answer` as it comes: the caller limits the time and looks at what is there then.
///
/// `Err` is for what is no answer. The answer is read to its end, within limits: applications complain about
/// clients that leave.
pub(super) async fn ask(
    protocol: &dyn Protocol,
    (dialer, endpoint, announcement): (&Dialer, &EndpointConfig, &Announcement),
    head: &RequestHead,
    answer: &mut ProbeAnswer,
) -> Result<(), Verdict> {
    let mut queue = WriteQueue::new();
    // Paths are checked when the configuration is read; a block that is too small for one is a wrong setting.
    let mut exchange = protocol.begin(head, &mut queue).map_err(Cause::Unsendable)?;
    exchange.finish_body(&mut queue);
    let stream = open_announced(dialer, endpoint, announcement).await?;
    let mut connection = Connection::boxed(stream);
    connection.queue = queue;
    talk(&mut connection, &mut Listener { exchange, answer }).await
}

struct Listener<'a> {
    exchange: Box<dyn Exchange>,
    answer: &'a mut ProbeAnswer,
}

impl Listener<'_> {
    /// Whether the answer is complete.
    fn decode(&mut self, received: &mut BytesMut) -> Result<bool, DecodeError> {
        while let Some(event) = self.exchange.decode(received)? {
            match event {
                Event::Head(head) => self.answer.status = Some(head.status.as_u16()),
                Event::Body(piece) => self.answer.push(&piece),
                Event::Interim(_) | Event::Stderr(_) | Event::Trailers(_) => {}
                Event::Switched | Event::End { .. } => return Ok(true),
            }
        }
        Ok(self.answer.is_full())
    }

    /// An answer that breaks off after its head is one: the head told what was asked.
    fn unless_answered(&self, verdict: impl Into<Verdict>) -> Result<(), Verdict> {
        match self.answer.status {
            Some(_) => Ok(()),
            None => Err(verdict.into()),
        }
    }
}

impl Listen for Listener<'_> {
    type Heard = Result<(), Verdict>;

    fn hear(&mut self, received: &mut BytesMut) -> ControlFlow<Self::Heard> {
        match self.decode(received) {
            Ok(false) => ControlFlow::Continue(()),
            Ok(true) => ControlFlow::Break(Ok(())),
            Err(error) => ControlFlow::Break(self.unless_answered(error)),
        }
    }

    fn end(&mut self) -> Self::Heard {
        match self.exchange.decode_eof() {
            Ok(_) => Ok(()),
            Err(error) => self.unless_answered(error),
        }
    }

    fn broken(&mut self, cause: Cause) -> Self::Heard {
        self.unless_answered(cause)
    }
}
