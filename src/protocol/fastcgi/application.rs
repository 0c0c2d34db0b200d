//! The application's side: requests of all three roles, one at a time on a connection.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::management::Capabilities;
use super::pairs::PairDecoder;
use super::record::{BeginRequest, EndRequest, Header, Kind, ProtocolStatus, Role, UnknownType};
use crate::protocol::application::{self, Output, Received, Request};
use crate::protocol::head::Shape;
use crate::protocol::{DecodeError, Limits, WriteQueue};

/// One connection of a FastCGI application.
#[derive(Debug)]
pub struct Application {
    roles: &'static [Role],
    capabilities: Capabilities,
    limits: Limits,
    record: Record,
    /// Bytes to be dropped before the next header.
    skip: usize,
    request: Option<Active>,
}

/// The record that is being received, and how much content is left in it.
#[derive(Debug)]
enum Record {
    /// Its header is next, after `skip` bytes.
    Header,
    /// The content of BEGIN_REQUEST for that id is next.
    Begin(u16),
    Params(usize),
    Stdin(usize),
    Data(usize),
    /// With the part that has arrived.
    GetValues(usize, BytesMut),
}

/// The request between its BEGIN_REQUEST and its END_REQUEST.
#[derive(Debug)]
struct Active {
    id: u16,
    role: Role,
    keep_conn: bool,
    stage: Stage,
    /// What CONTENT_LENGTH leaves of the body; without it the end of the stream is the end of the body.
    body: Option<u64>,
    /// STDERR was used and has to be ended.
    diagnosed: bool,
}

/// Which stream of the request is next.
#[derive(Debug)]
enum Stage {
    Params(PairDecoder),
    Stdin,
    Data,
    Complete,
}

impl Application {
    /// A connection of an application that serves `roles`.
    pub fn new(roles: &'static [Role], capabilities: Capabilities, limits: Limits) -> Self {
        Self {
            roles,
            capabilities,
            limits,
            record: Record::Header,
            skip: 0,
            request: None,
        }
    }

    /// A connection of a responder that takes one request at a time.
    pub fn responder(limits: Limits) -> Self {
        let capabilities = Capabilities {
            mpxs_conns: Some(false),
            ..Capabilities::default()
        };
        Self::new(&[Role::Responder], capabilities, limits)
    }

    /// Queues the rejection of the current request. Whether the connection is to be kept.
    pub fn reject(&mut self, status: ProtocolStatus, out: &mut WriteQueue) -> bool {
        let Some(active) = self.request.take() else {
            return false;
        };
        put_end(active.id, 0, status, out.tail());
        active.keep_conn
    }

    /// Decides what a record is to us.
    fn accept(&mut self, header: Header, out: &mut WriteQueue) -> Result<Option<Received>, DecodeError> {
        if header.version != Header::VERSION {
            return Err(DecodeError::Version(header.version));
        }
        self.skip = header.padding.into();
        let content = usize::from(header.content);
        match (header.kind, header.id) {
            (kind, 0) if kind.is_application() => return Err(DecodeError::ManagementId(kind.number())),
            (Kind::GetValues, 0) => self.record = Record::GetValues(content, BytesMut::new()),
            // Cherokee is said to have sent results to applications: no reason to answer.
            (Kind::GetValuesResult | Kind::UnknownType, 0) => self.skip += content,
            (kind, 0) => {
                self.skip += content;
                put_unknown_type(kind, out.tail());
            }
            (Kind::BeginRequest, id) if content == BeginRequest::LEN => self.record = Record::Begin(id),
            (kind @ Kind::BeginRequest, _) => {
                return Err(DecodeError::RecordLength {
                    kind: kind.number(),
                    length: header.content,
                });
            }
            (kind, id) => return self.accept_stream(kind, id, content),
        }
        Ok(None)
    }

    /// A record of a request: of the one that is active, or to be ignored.
    fn accept_stream(
        &mut self,
        kind: Kind,
        id: u16,
        content: usize,
    ) -> Result<Option<Received>, DecodeError> {
        let Some(active) = self.request.as_mut().filter(|active| active.id == id) else {
            self.skip += content;
            return Ok(None);
        };
        match (kind, content) {
            (Kind::Params | Kind::Stdin | Kind::Data, 0) => return active.end_stream(kind),
            (Kind::Params | Kind::Stdin | Kind::Data, _) if !active.expects(kind) => {
                return Err(DecodeError::Order(kind.number()));
            }
            (Kind::Params, _) => self.record = Record::Params(content),
            (Kind::Stdin, _) => self.record = Record::Stdin(content),
            (Kind::Data, _) => self.record = Record::Data(content),
            (Kind::EndRequest | Kind::Stdout | Kind::Stderr, _) => {
                return Err(DecodeError::Direction(kind.number()));
            }
            (Kind::AbortRequest, _) => {
                self.skip += content;
                return Ok(Some(Received::Abort));
            }
            _ => self.skip += content,
        }
        Ok(None)
    }

    fn begin(
        &mut self,
        id: u16,
        begin: BeginRequest,
        out: &mut WriteQueue,
    ) -> Result<Option<Received>, DecodeError> {
        if let Some(active) = &self.request {
            if active.id == id {
                return Err(DecodeError::Order(Kind::BeginRequest.number()));
            }
            put_end(id, 0, ProtocolStatus::CantMultiplex, out.tail());
            return Ok(None);
        }
        let keep_conn = begin.flags.keep_conn;
        let Some(role) = Role::from_number(begin.role).filter(|role| self.roles.contains(role)) else {
            put_end(id, 0, ProtocolStatus::UnknownRole, out.tail());
            return Ok(Some(Received::Rejected { close: !keep_conn }));
        };
        self.request = Some(Active {
            id,
            role,
            keep_conn,
            stage: Stage::Params(PairDecoder::new(self.limits)),
            body: None,
            diagnosed: false,
        });
        Ok(None)
    }

    /// Takes up to `left` bytes of PARAMS.
    fn params(&mut self, src: &mut BytesMut, left: usize) -> Result<(), DecodeError> {
        let piece = src.split_to(left.min(src.len()));
        self.record = match left - piece.len() {
            0 => Record::Header,
            left => Record::Params(left),
        };
        match &mut self.request {
            Some(Active {
                stage: Stage::Params(pairs),
                ..
            }) => pairs.push(piece),
            _ => Ok(()),
        }
    }
}

impl application::Application for Application {
    fn shape(&self) -> Shape {
        Shape::Cgi
    }

    fn decode(&mut self, src: &mut BytesMut, out: &mut WriteQueue) -> Result<Option<Received>, DecodeError> {
        loop {
            let event = match &mut self.record {
                Record::Header => {
                    let count = self.skip.min(src.len());
                    src.advance(count);
                    self.skip -= count;
                    let Some(header) = (self.skip == 0).then(|| Header::take(src)).flatten() else {
                        return Ok(None);
                    };
                    self.accept(header, out)?
                }
                Record::Begin(id) => {
                    let (id, Ok((_, begin))) = (*id, BeginRequest::parse(src)) else {
                        return Ok(None);
                    };
                    src.advance(BeginRequest::LEN);
                    self.record = Record::Header;
                    self.begin(id, begin, out)?
                }
                Record::GetValues(left, query) => {
                    let piece = src.split_to((*left).min(src.len()));
                    *left -= piece.len();
                    query.extend_from_slice(&piece);
                    if *left > 0 {
                        return Ok(None);
                    }
                    let query = std::mem::take(query);
                    self.record = Record::Header;
                    self.capabilities.put_result(query, out.tail())?;
                    None
                }
                _ if src.is_empty() => return Ok(None),
                Record::Params(left) => {
                    let left = *left;
                    self.params(src, left)?;
                    None
                }
                Record::Stdin(left) => {
                    let piece = cut(src, left);
                    if *left == 0 {
                        self.record = Record::Header;
                    }
                    let piece = self.request.as_mut().map(|active| active.clip(piece));
                    piece.filter(|piece| !piece.is_empty()).map(Received::Body)
                }
                Record::Data(left) => {
                    let piece = cut(src, left);
                    if *left == 0 {
                        self.record = Record::Header;
                    }
                    Some(Received::Data(piece))
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    fn decode_eof(&mut self) -> Result<(), DecodeError> {
        let at_record = matches!(self.record, Record::Header) && self.skip == 0;
        match &self.request {
            None if at_record => Ok(()),
            Some(active) if matches!(active.stage, Stage::Complete) => Ok(()),
            _ => Err(DecodeError::Truncated),
        }
    }

    fn write(&mut self, stream: Output, mut chunk: Bytes, out: &mut WriteQueue) {
        let Some(active) = &mut self.request else {
            return;
        };
        let kind = match stream {
            Output::Response => Kind::Stdout,
            Output::Diagnostics => Kind::Stderr,
        };
        active.diagnosed |= stream == Output::Diagnostics;
        while !chunk.is_empty() {
            let piece = chunk.split_to(chunk.len().min(Header::MAX_CONTENT));
            Header::new(kind, active.id, piece.len()).put(out.tail());
            out.push(piece);
        }
    }

    fn end(&mut self, app_status: u32, out: &mut WriteQueue) -> bool {
        let Some(active) = self.request.take() else {
            return false;
        };
        let tail = out.tail();
        Header::new(Kind::Stdout, active.id, 0).put(tail);
        if active.diagnosed {
            Header::new(Kind::Stderr, active.id, 0).put(tail);
        }
        put_end(active.id, app_status, ProtocolStatus::RequestComplete, tail);
        active.keep_conn
    }
}

impl Active {
    fn expects(&self, kind: Kind) -> bool {
        matches!(
            (&self.stage, kind),
            (Stage::Params(_), Kind::Params) | (Stage::Stdin, Kind::Stdin) | (Stage::Data, Kind::Data)
        )
    }

    /// The part of a piece that CONTENT_LENGTH covers; what is left over has no meaning (FCGI §6.2).
    fn clip(&mut self, mut piece: Bytes) -> Bytes {
        if let Some(left) = &mut self.body {
            piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= piece.len() as u64;
        }
        piece
    }

    /// An empty record of a stream: its end, or a repetition of it, which says nothing new.
    fn end_stream(&mut self, kind: Kind) -> Result<Option<Received>, DecodeError> {
        if !self.expects(kind) {
            return match (&self.stage, kind) {
                (Stage::Params(_), _) | (Stage::Stdin, Kind::Data) => Err(DecodeError::Order(kind.number())),
                _ => Ok(None),
            };
        }
        let next = match (kind, self.role) {
            (Kind::Params, _) => Stage::Stdin,
            (Kind::Stdin, Role::Filter) => Stage::Data,
            _ => Stage::Complete,
        };
        match std::mem::replace(&mut self.stage, next) {
            Stage::Params(pairs) => {
                let params = pairs.finish()?;
                let role = self.role;
                let request = Request { role, params };
                self.body = request.announced_length();
                Ok(Some(Received::Request(request)))
            }
            Stage::Stdin => Ok(Some(Received::BodyEnd)),
            Stage::Data => Ok(Some(Received::DataEnd)),
            Stage::Complete => Ok(None),
        }
    }
}

/// Takes up to `left` bytes.
fn cut(src: &mut BytesMut, left: &mut usize) -> Bytes {
    let piece = src.split_to((*left).min(src.len())).freeze();
    *left -= piece.len();
    piece
}

fn put_end(id: u16, app_status: u32, protocol_status: ProtocolStatus, out: &mut impl BufMut) {
    Header::new(Kind::EndRequest, id, EndRequest::LEN).put(out);
    EndRequest {
        app_status,
        protocol_status,
    }
    .put(out);
}

fn put_unknown_type(kind: Kind, out: &mut impl BufMut) {
    Header::new(Kind::UnknownType, 0, UnknownType::LEN).put(out);
    UnknownType { kind: kind.number() }.put(out);
}

#[cfg(test)]
mod tests;
