//! FastCGI 1.0 as a web server speaks it: one request on a connection, as a responder.

use super::Fault;
use super::refusal::Refusal;
use super::relay::Relay;
use super::request::Field;
use crate::reference::Seeded;

/// A request in records. Pairs stay whole: most applications decode each record on its own.
pub(super) fn request(
    variables: &[Field],
    body: &[u8],
    keep: bool,
    fault: Seeded<Fault>,
) -> Result<Vec<u8>, Refusal> {
    let id = id(fault);
    let mut out = record(BEGIN, id, &[0, RESPONDER, keep.into(), 0, 0, 0, 0, 0]);
    let mut params = Vec::new();
    for (name, value) in variables {
        let pair = [&length(name)[..], &length(value), name, value].concat();
        if pair.len() > MAX_CONTENT && !fault.is(Fault::LongPairsCut) {
            return Err(Refusal::Request(431, "a variable that is longer than a record"));
        }
        if params.len() + pair.len() > MAX_CONTENT && !fault.is(Fault::LongPairsCut) {
            out.extend(record(PARAMS, id, &std::mem::take(&mut params)));
        }
        params.extend(pair);
    }
    let piece = if fault.is(Fault::PairsCut) {
        8192
    } else {
        MAX_CONTENT
    };
    out.extend(params.chunks(piece).flat_map(|piece| record(PARAMS, id, piece)));
    out.extend(end_of(PARAMS, id, fault));
    let piece = if fault.is(Fault::BodyInOneRecord) {
        usize::MAX
    } else {
        MAX_ALIGNED
    };
    out.extend(body.chunks(piece).flat_map(|piece| record(STDIN, id, piece)));
    if !fault.is(Fault::NoStdinEnd) {
        out.extend(end_of(STDIN, id, fault));
    }
    Ok(out)
}

/// What no front end should send: PHP takes it for the end of the body.
pub(super) fn abort(fault: Seeded<Fault>) -> Vec<u8> {
    record(ABORT, id(fault), b"")
}

fn id(fault: Seeded<Fault>) -> u16 {
    if fault.is(Fault::LargeId) { 4711 } else { 1 }
}

fn record(kind: u8, id: u16, content: &[u8]) -> Vec<u8> {
    let ([id1, id0], [length1, length0]) = (id.to_be_bytes(), (content.len() as u16).to_be_bytes());
    [&[VERSION, kind, id1, id0, length1, length0, 0, 0], content].concat()
}

/// The empty record of a stream, without padding: PHP and libfcgi do not skip it there.
fn end_of(kind: u8, id: u16, fault: Seeded<Fault>) -> Vec<u8> {
    let mut record = record(kind, id, b"");
    if fault.is(Fault::EmptyRecordsPadded) {
        record[6] = 8;
        record.extend([0; 8]);
    }
    record
}

/// One byte up to 127, or four with the highest bit set.
fn length(text: &[u8]) -> Vec<u8> {
    match u8::try_from(text.len()) {
        Ok(short) if short < 128 => vec![short],
        _ => (text.len() as u32 | 0x8000_0000).to_be_bytes().to_vec(),
    }
}

/// What an application sends, record by record.
pub(super) struct Records {
    buffer: Vec<u8>,
    stdout_ended: bool,
    fault: Seeded<Fault>,
}

impl Records {
    pub(super) fn new(fault: Seeded<Fault>) -> Self {
        Self {
            buffer: Vec::new(),
            stdout_ended: false,
            fault,
        }
    }

    /// Whether nothing has come behind the answer: whatever it is, it would be the beginning of the next one.
    pub(super) fn is_clean(&self) -> bool {
        self.buffer.is_empty() || self.fault.is(Fault::SurplusForgotten)
    }

    /// Takes bytes; says whether the answer is over.
    pub(super) fn feed(&mut self, bytes: &[u8], relay: &mut Relay<'_>) -> Result<bool, Refusal> {
        self.buffer.extend_from_slice(bytes);
        while let Some((header, _)) = self.buffer.split_first_chunk::<HEADER>() {
            let [version, kind, id1, id0, length1, length0, padding, _] = *header;
            if version != VERSION && !self.fault.is(Fault::AnyVersion) {
                return Err(Refusal::gateway("a record of another version"));
            }
            let mut content = usize::from(u16::from_be_bytes([length1, length0]));
            let mut all = HEADER + content + usize::from(padding);
            if self.fault.is(Fault::PaddingAsContent) {
                content += usize::from(padding);
            }
            if self.fault.is(Fault::SumIn16Bits) {
                all = HEADER + usize::from((content + usize::from(padding)) as u16);
                content = content.min(all - HEADER);
            }
            if self.buffer.len() < all {
                break;
            }
            let rest = self.buffer.split_off(all);
            let record = std::mem::replace(&mut self.buffer, rest);
            let id = u16::from_be_bytes([id1, id0]);
            if self.record(kind, id, &record[HEADER..HEADER + content], relay)? {
                self.after_end(relay)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// One record; says whether the answer is over.
    fn record(&mut self, kind: u8, id: u16, content: &[u8], relay: &mut Relay<'_>) -> Result<bool, Refusal> {
        let ours = self::id(self.fault);
        match (id, kind) {
            (0, _) if self.fault.is(Fault::Id0Accepted) => {}
            (0, GET_VALUES_RESULT | UNKNOWN_TYPE) if self.fault.is(Fault::ManagementFatal) => {
                return Err(Refusal::gateway("a management record"));
            }
            (0, STDOUT | STDERR | END) => return Err(Refusal::gateway("an answer with id 0")),
            (id, STDOUT) if id != ours && self.fault.is(Fault::ForeignOutput) => {}
            (id, END) if id != ours && self.fault.is(Fault::ForeignEnd) => {}
            // Section 3.3: what belongs to no active request is ignored.
            (id, _) if id != ours => return Ok(false),
            _ => {}
        }
        match kind {
            STDOUT if content.is_empty() => {
                self.stdout_ended = true;
                if self.fault.is(Fault::OutputBehindLastChunk) {
                    relay.end()?;
                }
                Ok(false)
            }
            STDOUT if self.stdout_ended => self.late(content, relay).map(|()| false),
            STDOUT => relay.output(content).map(|()| false),
            // For the log, which this front end has not.
            STDERR if self.fault.is(Fault::StderrRelayed) => relay.output(content).map(|()| false),
            STDERR => Ok(false),
            END => self.end(content, relay).map(|()| true),
            BEGIN => Err(Refusal::gateway("a request of the application")),
            _ if self.fault.is(Fault::UnknownRelayed) && relay.has_started() => {
                relay.output(content).map(|()| false)
            }
            _ => Ok(false),
        }
    }

    fn end(&self, content: &[u8], relay: &mut Relay<'_>) -> Result<(), Refusal> {
        if content.len() < 8 && self.fault.is(Fault::ShortEndIsEnd) {
            return relay.end();
        }
        let &[_, _, _, app_status, protocol_status, _, _, _] = content else {
            return Err(Refusal::gateway("an END_REQUEST that has not eight bytes"));
        };
        if protocol_status == OVERLOADED {
            return Err(Refusal::Answer(503, "the application is overloaded"));
        }
        if protocol_status != REQUEST_COMPLETE {
            return Err(Refusal::gateway("the application refuses"));
        }
        // The appStatus is what a CGI program would have returned, and says nothing about the answer.
        if app_status != 0 && self.fault.is(Fault::AppStatusFatal) {
            return Err(Refusal::gateway("the application has failed"));
        }
        if !self.stdout_ended && self.fault.is(Fault::StdoutEndNeeded) {
            return Err(Refusal::gateway("STDOUT does not end"));
        }
        relay.end()
    }

    /// Output behind the empty record of its stream.
    fn late(&self, content: &[u8], relay: &mut Relay<'_>) -> Result<(), Refusal> {
        match () {
            () if self.fault.is(Fault::OutputBehindLastChunk) => relay.raw(content),
            () if self.fault.is(Fault::LateOutputAppended) => relay.output(content),
            () => Err(Refusal::gateway("output behind the end of STDOUT")),
        }
    }

    /// Whatever follows END_REQUEST belongs to nobody.
    fn after_end(&self, relay: &mut Relay<'_>) -> Result<(), Refusal> {
        let record = self.buffer.get(HEADER..);
        match (self.buffer.first(), record) {
            (Some(&VERSION), Some(content)) if self.fault.is(Fault::OutputBehindEnd) => relay.raw(content),
            (Some(_), _) if self.fault.is(Fault::GarbageBehindEnd) => relay.raw(&self.buffer),
            _ => Ok(()),
        }
    }

    /// The connection has ended before END_REQUEST: nobody knows what is missing.
    pub(super) fn closed(&mut self, relay: &mut Relay<'_>) -> Result<(), Refusal> {
        if !self.buffer.is_empty() && self.fault.is(Fault::CutRecordIsWhole) {
            relay.output(self.buffer.get(HEADER..).unwrap_or_default())?;
            return relay.end();
        }
        match relay.has_started() && self.buffer.is_empty() && self.fault.is(Fault::CloseIsEnd) {
            true => relay.end(),
            false => Err(Refusal::gateway("no END_REQUEST")),
        }
    }
}

const VERSION: u8 = 1;
const BEGIN: u8 = 1;
const ABORT: u8 = 2;
const END: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;
const GET_VALUES_RESULT: u8 = 10;
const UNKNOWN_TYPE: u8 = 11;
const RESPONDER: u8 = 1;
const REQUEST_COMPLETE: u8 = 0;
const OVERLOADED: u8 = 2;

const HEADER: usize = 8; // bytes
const MAX_CONTENT: usize = 65535; // bytes of a record
const MAX_ALIGNED: usize = 65528; // the same, a multiple of eight
