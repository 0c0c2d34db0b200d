//! The gateway's side: one request and its answer on one connection.
//!
//! Records are filtered by version, id and type before their content is looked at, and content is passed on
//! as it arrives: no record has to be complete, so 64 KiB records cost no buffer.

use bytes::{Buf, Bytes, BytesMut};
use http::Method;

use super::pairs::Pairs;
use super::record::{BeginRequest, EndRequest, Flags, Header, Kind, ProtocolStatus, Role};
use crate::protocol::body::Body;
use crate::protocol::head::{HeadDecoder, Shape};
use crate::protocol::params::{self, Style};
use crate::protocol::{DecodeError, EncodeError, Event, Limits, Protocol, RequestHead, WriteQueue};

/// FastCGI, responder role.
#[derive(Clone, Copy, Debug)]
pub struct FastCgi {
    /// Ask the application to keep the connection open.
    pub keep_conn: bool,
    /// How the application wants its variables.
    pub style: Style,
    /// What the application takes, and how large its heads may be.
    pub limits: Limits,
}

impl Protocol for FastCgi {
    fn name(&self) -> &'static str {
        "fastcgi"
    }

    fn begin(
        &self,
        head: &RequestHead,
        out: &mut WriteQueue,
    ) -> Result<Box<dyn crate::protocol::Exchange>, EncodeError> {
        let tail = out.tail();
        let start = tail.len();
        if let Err(error) = self.put_head(head, tail) {
            tail.truncate(start);
            return Err(error);
        }
        Ok(Box::new(Exchange::new(self, head.method_onward())))
    }
}

impl FastCgi {
    /// BEGIN_REQUEST and the whole PARAMS stream.
    fn put_head(&self, head: &RequestHead, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Header::new(Kind::BeginRequest, ID, BeginRequest::LEN).put(out);
        let keep_conn = self.keep_conn;
        BeginRequest {
            role: Role::Responder.number(),
            flags: Flags { keep_conn },
        }
        .put(out);
        let mut pairs = Pairs::new(out, ID, self.limits);
        params::walk(head, &self.style, &mut pairs)?;
        pairs.finish();
        Ok(())
    }
}

/// The state of one exchange.
struct Exchange {
    keep_conn: bool,
    /// A HEAD is answered.
    to_head: bool,
    /// Whether any byte has arrived.
    started: bool,
    record: Record,
    /// Bytes to be dropped before the next header: padding, and content of records that do not concern us.
    skip: usize,
    answer: Answer,
    /// The empty STDOUT record has arrived.
    stdout_ended: bool,
    /// Output beyond the announced length was dropped.
    surplus: bool,
}

/// The record that is being received.
#[derive(Clone, Copy)]
enum Record {
    /// Its header is next, after `skip` bytes.
    Header,
    /// So much output is left in it.
    Stdout(usize),
    /// So much diagnostics are left in it.
    Stderr(usize),
    /// The content of END_REQUEST is next.
    End,
    /// END_REQUEST was read; only `skip` bytes are left.
    Ended,
    /// The end was told.
    Done,
}

/// The response as far as it is known.
enum Answer {
    Head(HeadDecoder),
    Body(Body),
}

impl Exchange {
    fn new(protocol: &FastCgi, method: &Method) -> Self {
        Self {
            keep_conn: protocol.keep_conn,
            to_head: *method == Method::HEAD,
            started: false,
            record: Record::Header,
            skip: 0,
            answer: Answer::Head(HeadDecoder::new(Shape::Cgi, protocol.limits.head)),
            stdout_ended: false,
            surplus: false,
        }
    }

    /// Decides what a record is to us.
    fn accept(&mut self, header: Header) -> Result<Record, DecodeError> {
        if header.version != Header::VERSION {
            return Err(DecodeError::Version(header.version));
        }
        if header.id == 0 && header.kind.is_application() {
            return Err(DecodeError::ManagementId(header.kind.number()));
        }
        self.skip = header.padding.into();
        let content = usize::from(header.content);
        match header.kind {
            _ if header.id != ID => Ok(self.ignore(content)),
            Kind::Stdout => self.accept_output(content),
            Kind::Stderr => Ok(Record::Stderr(content)),
            Kind::EndRequest => self.accept_end(header),
            Kind::BeginRequest
            | Kind::AbortRequest
            | Kind::Params
            | Kind::Stdin
            | Kind::Data
            | Kind::GetValues => Err(DecodeError::Direction(header.kind.number())),
            Kind::GetValuesResult | Kind::UnknownType | Kind::Other(_) => Ok(self.ignore(content)),
        }
    }

    fn ignore(&mut self, content: usize) -> Record {
        self.skip += content;
        Record::Header
    }

    fn accept_output(&mut self, content: usize) -> Result<Record, DecodeError> {
        match &self.answer {
            _ if content == 0 => {
                self.stdout_ended = true;
                Ok(Record::Header)
            }
            // The client has got everything that was announced: nothing is gained by failing now.
            Answer::Body(body) if self.stdout_ended && body.is_complete() => {
                self.surplus = true;
                Ok(self.ignore(content))
            }
            _ if self.stdout_ended => Err(DecodeError::AfterEnd),
            _ => Ok(Record::Stdout(content)),
        }
    }

    fn accept_end(&mut self, header: Header) -> Result<Record, DecodeError> {
        let Some(more) = usize::from(header.content).checked_sub(EndRequest::LEN) else {
            return Err(DecodeError::RecordLength {
                kind: header.kind.number(),
                length: header.content,
            });
        };
        self.skip += more;
        Ok(Record::End)
    }

    /// A piece of output, `left` bytes at most: head, then body.
    fn output(&mut self, src: &mut BytesMut, left: usize) -> Result<Option<Event>, DecodeError> {
        let available = left.min(src.len());
        let before = src.len();
        let event = match &mut self.answer {
            Answer::Head(decoder) => decoder.decode(src, available)?.map(|head| {
                self.answer = Answer::Body(Body::of(self.to_head, &head));
                Event::Head(head)
            }),
            Answer::Body(Body::Chunked(chunks)) => {
                chunks.push(src.split_to(available));
                None
            }
            Answer::Body(body) => {
                let kept = body.take(available);
                self.surplus |= kept < available && !matches!(body, Body::Absent);
                let piece = src.split_to(kept).freeze();
                src.advance(available - kept);
                (kept > 0).then_some(Event::Body(piece))
            }
        };
        self.record = Record::Stdout(left - (before - src.len()));
        Ok(event)
    }

    /// The next piece of a body that came in chunks.
    fn undone(&mut self) -> Result<Option<Event>, DecodeError> {
        let Answer::Body(Body::Chunked(chunks)) = &mut self.answer else {
            return Ok(None);
        };
        let piece = chunks.piece()?;
        self.surplus |= chunks.has_surplus();
        Ok(piece.map(Event::Body))
    }

    fn diagnostics(&mut self, src: &mut BytesMut, left: usize) -> Event {
        let piece = src.split_to(left.min(src.len())).freeze();
        self.record = Record::Stderr(left - piece.len());
        Event::Stderr(piece)
    }

    /// Judges END_REQUEST. A rejection says so only before the head: afterwards it can only mean that the
    /// response is not what the application wanted it to be.
    fn judge(&self, end: EndRequest) -> Result<(), DecodeError> {
        match (&self.answer, end.protocol_status) {
            (Answer::Head(_), ProtocolStatus::RequestComplete) => Err(DecodeError::NoResponse),
            (Answer::Head(_), ProtocolStatus::CantMultiplex) => Err(DecodeError::CantMultiplex),
            (Answer::Head(_), ProtocolStatus::Overloaded) => Err(DecodeError::Overloaded),
            (Answer::Head(_), ProtocolStatus::UnknownRole) => Err(DecodeError::UnknownRole),
            (Answer::Head(_), ProtocolStatus::Other(status)) => Err(DecodeError::UnknownStatus(status)),
            (Answer::Body(body), ProtocolStatus::RequestComplete) if !body.is_short() => Ok(()),
            (Answer::Body(_), _) => Err(DecodeError::Truncated),
        }
    }

    /// Drops padding and the like; whether all of it has arrived.
    #[inline]
    fn skipped(&mut self, src: &mut BytesMut) -> bool {
        if self.skip == 0 {
            return true;
        }
        let count = self.skip.min(src.len());
        src.advance(count);
        self.skip -= count;
        self.skip == 0
    }
}

impl crate::protocol::Exchange for Exchange {
    fn push_body(&mut self, mut chunk: Bytes, out: &mut WriteQueue) {
        while !chunk.is_empty() {
            let piece = chunk.split_to(chunk.len().min(Header::MAX_CONTENT));
            Header::new(Kind::Stdin, ID, piece.len()).put(out.tail());
            out.push(piece);
        }
    }

    fn finish_body(&mut self, out: &mut WriteQueue) {
        Header::new(Kind::Stdin, ID, 0).put(out.tail());
    }

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Event>, DecodeError> {
        self.started |= !src.is_empty();
        loop {
            match self.record {
                Record::Stderr(0) => self.record = Record::Header,
                Record::Stderr(_) if src.is_empty() => return Ok(None),
                Record::Stdout(left) if left == 0 || src.is_empty() => {
                    if let Some(event) = self.undone()? {
                        return Ok(Some(event));
                    }
                    if left > 0 {
                        return Ok(None);
                    }
                    self.record = Record::Header;
                }
                Record::Stdout(left) => {
                    if let Some(event) = self.output(src, left)? {
                        return Ok(Some(event));
                    }
                }
                Record::Stderr(left) => return Ok(Some(self.diagnostics(src, left))),
                Record::Header => {
                    if !self.skipped(src) {
                        return Ok(None);
                    }
                    let Some(header) = Header::take(src) else {
                        return Ok(None);
                    };
                    self.record = self.accept(header)?;
                }
                Record::End => {
                    let Some(end) = EndRequest::take(src) else {
                        return Ok(None);
                    };
                    self.judge(end)?;
                    self.record = Record::Ended;
                }
                Record::Ended => {
                    if !self.skipped(src) {
                        return Ok(None);
                    }
                    self.record = Record::Done;
                    return Ok(Some(Event::End {
                        reusable: self.keep_conn && !self.surplus && src.is_empty(),
                    }));
                }
                Record::Done => return Ok(None),
            }
        }
    }

    fn culprit(&self) -> Option<&str> {
        match &self.answer {
            Answer::Head(decoder) => decoder.culprit(),
            Answer::Body(_) => None,
        }
    }

    fn decode_eof(&mut self) -> Result<Event, DecodeError> {
        let complete = match (&self.answer, self.record) {
            (_, Record::Ended | Record::Done) => true,
            (Answer::Head(_), _) if self.started => return Err(DecodeError::EofInHead),
            (Answer::Head(_), _) => return Err(DecodeError::Empty),
            (Answer::Body(body), _) => body.is_complete() || self.stdout_ended && !body.is_short(),
        };
        match complete {
            true => Ok(Event::End { reusable: false }),
            false => Err(DecodeError::Truncated),
        }
    }
}

/// The request id: there is never more than one request on a connection, and PHP ignores ids anyway.
const ID: u16 = 1;

#[cfg(test)]
mod tests;
