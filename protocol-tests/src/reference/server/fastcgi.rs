//! FastCGI 1.0, one request at a time: a second one is refused with CANT_MPX_CONN.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::application;
use super::exchange::{Exchange, Transport};
use super::length::Length;
use super::record::{
    ABORT, BEGIN, DATA, END, GET_VALUES, GET_VALUES_RESULT, PARAMS, Record, Records, STDERR, STDIN, STDOUT,
    UNKNOWN_TYPE,
};
use super::stop::Stop;
use super::{Fault, MAX_BODY, MAX_VARIABLES, Server, Variables, pairs};
use crate::reference::Seeded;
use crate::reference::socket::Socket;

/// Serves a connection to its end.
pub(super) fn serve(socket: Socket, server: &Server) {
    let mut connection = Connection {
        records: Records::new(socket, server.fault),
        server,
        fault: server.fault,
        last_body: Vec::new(),
    };
    let ended = connection.run();
    if matches!(ended, Err(Stop::Connection(_))) && server.fault.is(Fault::LostClientKills) {
        server.dead.store(true, Ordering::Relaxed);
    }
    // After an answer the client may still be sending what nobody wants; after a violation nothing is worth reading.
    connection.records.close(ended.is_ok());
}

struct Connection<'a> {
    records: Records,
    server: &'a Server,
    fault: Seeded<Fault>,
    /// What the next body begins with: nothing, but for two faults.
    last_body: Vec<u8>,
}

/// A request whose variables have arrived.
struct Request<'c, 'a> {
    connection: &'c mut Connection<'a>,
    id: u16,
    length: Length,
    /// The body, if it was read already.
    body: Option<Vec<u8>>,
    has_logged: bool,
}

impl Connection<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        while let Some(record) = self.records.read()? {
            let goes_on = match (record.id, record.kind) {
                (0, _) => self.management(&record).map(|()| true)?,
                (_, BEGIN) => self.begin(&record)?,
                (_, GET_VALUES) if self.fault.is(Fault::ValuesOnAnyId) => {
                    self.values(&record.content).map(|()| true)?
                }
                (_, ABORT) if self.fault.is(Fault::StrangeAbortCloses) => false,
                (_, STDIN) if self.fault.is(Fault::LateStdinCloses) => false,
                (_, PARAMS) if self.fault.is(Fault::StrangersClose) => false,
                // Section 3.3: what belongs to no active request is ignored.
                _ => true,
            };
            if !goes_on {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Section 4: records with id 0.
    fn management(&mut self, record: &Record) -> Result<(), Stop> {
        match record.kind {
            BEGIN if self.fault.is(Fault::Id0Served) => self.begin(record).map(|_| ()),
            BEGIN..=DATA => Err(Stop::Violation("a record of a request with id 0")),
            GET_VALUES if self.fault.is(Fault::NoGetValues) => Ok(()),
            GET_VALUES => self.values(&record.content),
            GET_VALUES_RESULT..=UNKNOWN_TYPE => Ok(()),
            _ if self.fault.is(Fault::NoUnknownType) => Ok(()),
            kind => self.records.write(UNKNOWN_TYPE, 0, &[kind, 0, 0, 0, 0, 0, 0, 0]),
        }
    }

    /// Section 4.1: the values that are known of those that are asked for.
    fn values(&mut self, content: &[u8]) -> Result<(), Stop> {
        let asked = pairs::decode(content, self.fault).ok_or(Stop::Violation("names that cannot be read"))?;
        if self.fault.is(Fault::ValuesLate) {
            self.records.wait()?;
        }
        let known: [(&[u8], &[u8]); 3] = [
            (b"FCGI_MAX_CONNS", b"256"),
            (b"FCGI_MAX_REQS", b"256"),
            (b"FCGI_MPXS_CONNS", b"0"),
        ];
        let all = self.fault.is(Fault::ValuesUnasked);
        let wanted: Vec<_> = known
            .into_iter()
            .filter(|(name, _)| all || asked.contains_key(*name))
            .collect();
        self.records.write(GET_VALUES_RESULT, 0, &pairs::encode(&wanted))
    }

    /// A request from its BEGIN_REQUEST to its END_REQUEST; says whether the connection is kept.
    fn begin(&mut self, record: &Record) -> Result<bool, Stop> {
        let &[role1, role0, flags, ..] = record.content.as_slice() else {
            return Err(Stop::Violation("a BEGIN_REQUEST that is too short"));
        };
        if record.content.len() != 8 && !self.fault.is(Fault::AnyBeginLength) {
            return Err(Stop::Violation("a BEGIN_REQUEST that has not eight bytes"));
        }
        let keep = match self.fault.is(Fault::FlagsCompared) {
            true => flags == KEEP_CONN,
            false => flags & KEEP_CONN != 0,
        };
        if !self.records.has_more() && self.fault.is(Fault::RequestInOneRead) {
            return Err(Stop::Violation("half a request"));
        }
        if u16::from_be_bytes([role1, role0]) != RESPONDER && !self.fault.is(Fault::AnyRole) {
            if self.fault.is(Fault::RefusesLate) {
                while self.records.read()?.is_some_and(|record| record.kind != STDIN) {}
            }
            self.end(record.id, 0, UNKNOWN_ROLE)?;
        } else {
            self.request(record.id)?;
        }
        if self.fault.is(Fault::PipelineLost) {
            self.records.forget();
        }
        Ok((keep || self.fault.is(Fault::NeverCloses)) && !self.fault.is(Fault::AlwaysCloses))
    }

    fn request(&mut self, id: u16) -> Result<(), Stop> {
        let fault = self.fault;
        let mut has_logged = false;
        let result = self.variables(id).and_then(|variables| {
            let mut request = Request {
                connection: self,
                id,
                length: Length::of(&variables, fault),
                body: None,
                has_logged: false,
            };
            if fault.is(Fault::BodyFirst) || fault.is(Fault::OnlyWorkerHeld) {
                request.body = Some(request.read_body()?);
            }
            if fault.is(Fault::HalfCloseIsLeaving) && request.connection.records.ends_soon() {
                return Err(Stop::cut());
            }
            let mut exchange = Exchange::new(&mut request, &variables, fault);
            application::run(&mut exchange)?;
            let status = exchange.exit_status;
            has_logged = request.has_logged;
            Ok(status)
        });
        if matches!(result, Err(Stop::Connection(_))) && fault.is(Fault::OnlyWorkerHeld) {
            thread::sleep(HELD);
        }
        match result {
            Ok(status) => self.finish(id, status, has_logged),
            // Section 5.4: an END_REQUEST all the same, and nothing else.
            Err(Stop::Aborted) if self.fault.is(Fault::AbortUnanswered) => Ok(()),
            Err(Stop::Aborted) => self.end(id, 0, REQUEST_COMPLETE),
            Err(stop) => Err(stop),
        }
    }

    /// All of PARAMS. The records of a stream mean nothing: pairs may cross them.
    fn variables(&mut self, id: u16) -> Result<Variables, Stop> {
        let mut bytes = Vec::new();
        loop {
            let record = match self.next(id) {
                Err(Stop::Connection(_)) if self.fault.is(Fault::CloseEndsParams) => break,
                record => record?,
            };
            match record.kind {
                ABORT if self.fault.is(Fault::RunsAborted) => break,
                ABORT => return Err(Stop::Aborted),
                PARAMS if record.content.is_empty() => break,
                PARAMS if self.fault.is(Fault::LastRecordCounts) => bytes = record.content.clone(),
                PARAMS => bytes.extend_from_slice(&record.content),
                STDIN if self.fault.is(Fault::StdinEndsParams) => {
                    self.last_body = record.content;
                    break;
                }
                BEGIN if self.fault.is(Fault::BeginEndsRequest) => self.end(id, 0, REQUEST_COMPLETE)?,
                STDOUT if self.fault.is(Fault::StrayRecordsStall) => self.records.stall(),
                STDIN | DATA | BEGIN => return Err(Stop::Violation("a record before the end of PARAMS")),
                _ => {}
            }
            if bytes.len() > MAX_VARIABLES {
                return Err(Stop::Violation("too many variables"));
            }
            if self.fault.is(Fault::PairsPerRecord) {
                pairs::decode(&record.content, self.fault).ok_or(Stop::Violation("half a pair"))?;
            }
        }
        if bytes.is_empty() && self.fault.is(Fault::NoVariablesStall) {
            self.records.stall();
        }
        let variables = pairs::decode(&bytes, self.fault);
        let variables = variables.ok_or(Stop::Violation("variables that cannot be read"))?;
        match variables.len() > 128 && self.fault.is(Fault::FewVariables) {
            true => Err(Stop::Violation("too many variables")),
            false => Ok(variables),
        }
    }

    /// The next record of the active request; whatever else comes is answered, refused or ignored.
    fn next(&mut self, active: u16) -> Result<Record, Stop> {
        loop {
            let record = self.records.read()?.ok_or_else(Stop::cut)?;
            match (record.id, record.kind) {
                (id, _) if id == active => return Ok(record),
                (0, kind) if kind > UNKNOWN_TYPE && self.fault.is(Fault::ManagementAsBody) => {
                    return Ok(Record {
                        kind: STDIN,
                        ..record
                    });
                }
                (0, _) => self.management(&record)?,
                (_, BEGIN) if self.fault.is(Fault::SecondRequestIgnored) => {}
                (_, BEGIN) if self.fault.is(Fault::SecondRequestCloses) => return Err(Stop::cut()),
                (id, BEGIN) => self.end(id, 0, CANT_MPX_CONN)?,
                (_, STDIN) if self.fault.is(Fault::ForeignStdin) => return Ok(record),
                (_, STDIN) if record.content.is_empty() && self.fault.is(Fault::ForeignStdinEnd) => {
                    return Ok(record);
                }
                (_, PARAMS) if self.fault.is(Fault::ForeignParams) => return Ok(record),
                (_, PARAMS) if record.content.is_empty() && self.fault.is(Fault::ForeignParamsEnd) => {
                    return Ok(record);
                }
                // Section 3.3: ids that are not active are ignored.
                _ => {}
            }
        }
    }

    /// Section 6.1: the ends of the streams, and then of the request.
    fn finish(&mut self, id: u16, status: u8, has_logged: bool) -> Result<(), Stop> {
        let last = self
            .server
            .last_status
            .fetch_max(status.into(), Ordering::Relaxed);
        let status = match () {
            () if self.fault.is(Fault::StatusSticks) => status.max(last as u8),
            () if self.fault.is(Fault::NoAppStatus) => 0,
            () => status,
        };
        if !self.fault.is(Fault::NoStdoutEnd) {
            self.records.write(STDOUT, id, b"")?;
        }
        if has_logged {
            self.records.write(STDERR, id, b"")?;
        }
        self.end(id, status, REQUEST_COMPLETE)?;
        if has_logged && self.fault.is(Fault::LogsLate) {
            self.records.write(STDERR, id, b"late\n")?;
        }
        Ok(())
    }

    fn end(&mut self, id: u16, status: u8, protocol_status: u8) -> Result<(), Stop> {
        let content = [0, 0, 0, status, protocol_status, 0, 0, 0];
        let length = if self.fault.is(Fault::ShortEnd) { 4 } else { 8 };
        self.records.write(END, id, &content[..length])?;
        match self.fault.is(Fault::EndTwice) {
            true => self.records.write(END, id, &content),
            false => Ok(()),
        }
    }
}

impl Request<'_, '_> {
    /// All of STDIN.
    fn read_body(&mut self) -> Result<Vec<u8>, Stop> {
        let fault = self.connection.fault;
        let mut body = std::mem::take(&mut self.connection.last_body);
        let mut count = 0;
        loop {
            count += 1;
            if count > 256 && fault.is(Fault::FewRecords) {
                return Err(Stop::Violation("too many records"));
            }
            let whole = !matches!(self.length, Length::Known(length) if body.len() < length);
            let record = match self.connection.next(self.id) {
                // A close in the middle of a body is not its end.
                Err(Stop::Connection(_)) if fault.is(Fault::CloseEndsBody) => return Ok(body),
                result => result?,
            };
            match record.kind {
                ABORT => return Err(Stop::Aborted),
                STDIN if record.content.is_empty() && !whole && fault.is(Fault::WaitsForLength) => {}
                STDIN if record.content.is_empty() => return Ok(body),
                STDIN => body.extend_from_slice(&record.content),
                DATA if fault.is(Fault::DataAsBody) => body.extend_from_slice(&record.content),
                kind if kind > UNKNOWN_TYPE && fault.is(Fault::UnknownAsBody) => {
                    body.extend_from_slice(&record.content)
                }
                BEGIN | PARAMS | DATA => return Err(Stop::Violation("a record of another stream in STDIN")),
                _ => {}
            }
            if body.len() > MAX_BODY {
                return Err(Stop::Violation("a body that is too long"));
            }
        }
    }
}

impl Transport for Request<'_, '_> {
    fn status(&self, status: u16) -> Vec<u8> {
        format!("Status: {status} Probe\r\n").into_bytes()
    }

    /// Section 6.2: at most CONTENT_LENGTH bytes; when there are fewer, the client has failed.
    fn body(&mut self) -> Result<Vec<u8>, Stop> {
        let fault = self.connection.fault;
        let mut body = match self.body.take() {
            Some(body) => body,
            None => self.read_body()?,
        };
        match self.length {
            Length::Bad => return Err(Stop::BadBody("CONTENT_LENGTH is no number")),
            Length::Known(length) if body.len() < length && !fault.is(Fault::CloseEndsBody) => {
                return Err(Stop::BadBody("the body is not whole"));
            }
            Length::Known(length) if !fault.is(Fault::WholeStream) => body.truncate(length),
            Length::Unknown if fault.is(Fault::NoLengthNoBody) => body.clear(),
            _ => {}
        }
        if fault.is(Fault::LeftoversKept) {
            self.connection.last_body = body.clone();
        }
        Ok(body)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let head_cut = self.connection.fault.is(Fault::HeadInOneRecord) && bytes.ends_with(b"\r\n\r\n");
        let bytes = if head_cut {
            &bytes[..bytes.len().min(65528)]
        } else {
            bytes
        };
        self.connection.records.write_stream(STDOUT, self.id, bytes)
    }

    fn log(&mut self, text: &[u8]) -> Result<(), Stop> {
        if self.connection.fault.is(Fault::LogsToStdout) {
            return self.write(text);
        }
        self.has_logged = true;
        self.connection.records.write_stream(STDERR, self.id, text)
    }
}

const HELD: Duration = Duration::from_secs(15); // by a fault
const RESPONDER: u16 = 1;
const KEEP_CONN: u8 = 1;
const REQUEST_COMPLETE: u8 = 0;
const CANT_MPX_CONN: u8 = 1;
const UNKNOWN_ROLE: u8 = 3;
