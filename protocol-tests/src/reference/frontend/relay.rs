//! Passes an answer on to the client as it comes, in frames of the front end's own.

use std::time::SystemTime;

use super::Fault;
use super::chunks::Chunks;
use super::client::Client;
use super::date;
use super::head::{self, Head, Style};
use super::refusal::{Refusal, reason};
use super::request::Request;
use crate::reference::Seeded;

/// An answer under way.
pub(super) struct Relay<'a> {
    pub(super) client: &'a mut Client,
    pub(super) request: &'a Request,
    style: Style,
    fault: Seeded<Fault>,
    /// The head as far as it has come.
    pending: Vec<u8>,
    /// How much of it has no blank line in it.
    searched: usize,
    state: State,
    /// HTTP: the body of the application, when it is in chunks.
    chunks: Option<Chunks>,
    /// Bytes of the heads so far, interim ones included.
    heads: usize,
    /// For a fault: whether an error of the application was thrown away.
    retried: bool,
    /// HTTP: whether the application's connection can be used again, as far as the answer says.
    reusable: bool,
}

/// How far the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Body(Frame),
    /// Both sides speak another protocol.
    Switched,
    Over,
}

/// How the client sees the end of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// There is no body: HEAD, 204, 304.
    None,
    /// So many bytes are still to come.
    Length(usize),
    Chunks,
    /// The end of the connection.
    Close,
}

impl<'a> Relay<'a> {
    pub(super) fn new(
        client: &'a mut Client,
        request: &'a Request,
        style: Style,
        fault: Seeded<Fault>,
    ) -> Self {
        Self {
            client,
            request,
            style,
            fault,
            pending: Vec::new(),
            searched: 0,
            state: State::Head,
            chunks: None,
            heads: 0,
            retried: false,
            reusable: true,
        }
    }

    /// Whether the client has been sent anything.
    pub(super) fn has_started(&self) -> bool {
        self.state != State::Head
    }

    /// Whether the announced length, or the last chunk, has come.
    pub(super) fn is_full(&self) -> bool {
        let ended = self.chunks.as_ref().is_some_and(Chunks::is_over);
        let known = matches!(
            self.state,
            State::Body(Frame::Length(0) | Frame::None) | State::Over
        );
        ended || known
    }

    /// Whether what follows is no answer any more.
    pub(super) fn is_switched(&self) -> bool {
        self.state == State::Switched
    }

    /// HTTP: whether the answer has an end of its own, is the last thing that has come, and leaves the connection open.
    pub(super) fn is_reusable(&self) -> bool {
        self.reusable && self.state == State::Over
    }

    /// Whether the next request may come on the same connection.
    pub(super) fn keeps(&self) -> bool {
        self.state == State::Over && self.request.keeps(self.fault)
    }

    /// Takes output of the application.
    pub(super) fn output(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        match self.state {
            State::Head => {
                self.pending.extend_from_slice(bytes);
                self.head()
            }
            State::Body(frame) => self.body(frame, bytes),
            State::Switched => Ok(self.client.send(bytes)?),
            State::Over => Ok(()),
        }
    }

    /// Reads the head when it is whole, and begins the answer.
    fn head(&mut self) -> Result<(), Refusal> {
        while let Some(head) = self.next_head()? {
            if !self.is_interim(&head)? {
                self.start(&head)?;
                let rest = std::mem::take(&mut self.pending);
                return self.output(&rest);
            }
        }
        Ok(())
    }

    fn next_head(&mut self) -> Result<Option<Head>, Refusal> {
        let Some(length) = head::end(&self.pending, &mut self.searched, self.fault) else {
            let endless = self.pending.len() > MAX_HEAD && !self.fault.is(Fault::EndlessHead);
            let once = self.fault.is(Fault::HeadInOneRecord);
            return match endless || once {
                true => Err(Refusal::gateway("a head that does not end")),
                false => Ok(None),
            };
        };
        if length > MAX_HEAD {
            return Err(Refusal::gateway("a head that is too long"));
        }
        self.searched = 0;
        self.heads += length;
        if self.heads > MAX_HEAD && !self.fault.is(Fault::EndlessInterim) {
            return Err(Refusal::gateway("interim answers without end"));
        }
        let rest = self.pending.split_off(length);
        let bytes = std::mem::replace(&mut self.pending, rest);
        Head::parse(&bytes, self.style, self.fault).map(Some)
    }

    /// Whether another head follows. Of uwsgi an interim one says nothing that the client needs.
    fn is_interim(&mut self, head: &Head) -> Result<bool, Refusal> {
        match head.status {
            101 if self.is_accepted(head) => Ok(false),
            101 if self.style != Style::Cgi && !self.fault.is(Fault::SwitchingRelayed) => {
                Err(Refusal::gateway("an upgrade that nobody asked for"))
            }
            100 | 102..200 if self.style != Style::Cgi => {
                self.pass_interim(head)?;
                Ok(!self.fault.is(Fault::InterimIsFinal))
            }
            _ => Ok(false),
        }
    }

    /// RFC 9110, section 7.8: a switch to what the client asked for.
    fn is_accepted(&self, head: &Head) -> bool {
        let Some(offered) = self.request.upgrade().filter(|_| self.style == Style::Http) else {
            return false;
        };
        let chosen = head.upgrade.as_deref().unwrap_or_default();
        let mut offered = offered.split(|byte| *byte == b',');
        self.fault.is(Fault::AnySwitch)
            || offered.any(|offered| offered.trim_ascii().eq_ignore_ascii_case(chosen))
    }

    /// RFC 9110, section 15.2: those of HTTP are for the client, but for 100, and if it can understand them.
    fn pass_interim(&mut self, head: &Head) -> Result<(), Refusal> {
        let unknown = self.request.minor == 0 && !self.fault.is(Fault::InterimToOld);
        if self.style != Style::Http || head.status == 100 || unknown || self.fault.is(Fault::InterimDropped)
        {
            return Ok(());
        }
        let mut out = format!("HTTP/1.1 {} {}\r\n", head.status, reason(head.status)).into_bytes();
        self.put_fields(head, &mut out);
        out.extend_from_slice(b"\r\n");
        Ok(self.client.send(&out)?)
    }

    fn put_fields(&self, head: &Head, out: &mut Vec<u8>) {
        for (name, value) in &head.fields {
            let lower = self.fault.is(Fault::AnswerNamesLowered);
            let name = if lower {
                name.to_ascii_lowercase()
            } else {
                name.clone()
            };
            out.extend([&name, &b": "[..], value, b"\r\n"].concat());
        }
    }

    /// Sends the head.
    fn start(&mut self, head: &Head) -> Result<(), Refusal> {
        if head.status >= 429 && self.fault.is(Fault::ErrorsRetried) && !self.retried {
            self.retried = true;
            self.pending.clear();
            return Err(Refusal::gateway("an error of the application"));
        }
        let frame = self.frame(head);
        let mut out = format!("HTTP/1.1 {} {}\r\n", head.status, reason(head.status)).into_bytes();
        if self.fault.is(Fault::VersionRelayed) {
            out.splice(..8, *b"HTTP/2.0");
        }
        if self.fault.is(Fault::OldVersionRelayed) && head.old {
            out.splice(..8, *b"HTTP/1.0");
        }
        if self.fault.is(Fault::VersionMirrored) && self.request.minor == 0 {
            out.splice(..8, *b"HTTP/1.0");
        }
        self.put_fields(head, &mut out);
        out.extend_from_slice(b"Server: bridgehead-conform\r\n");
        // RFC 9110, section 6.6.1.
        let dated = |(name, _): &(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(b"date");
        if !head.fields.iter().any(dated) && !self.fault.is(Fault::NoDateAdded) {
            out.extend(format!("Date: {}\r\n", date::http(SystemTime::now())).into_bytes());
        }
        if head.status == 101 && self.is_accepted(head) {
            let chosen = head.upgrade.as_deref().unwrap_or_default();
            out.extend([b"Connection: upgrade\r\nUpgrade: ", chosen, b"\r\n\r\n"].concat());
            self.state = State::Switched;
            return Ok(self.client.send(&out)?);
        }
        out.extend_from_slice(self.framing(head, frame).as_bytes());
        if !self.request.keeps(self.fault) {
            out.extend_from_slice(b"Connection: close\r\n");
        }
        out.extend_from_slice(b"\r\n");
        self.state = State::Body(frame);
        self.chunks = (head.chunked && frame != Frame::None).then(Chunks::default);
        self.reusable = (head.chunked || head.length.is_some() || frame == Frame::None)
            && (!head.close || self.fault.is(Fault::CloseForgotten));
        Ok(self.client.send(&out)?)
    }

    /// The field that says how the body ends.
    fn framing(&self, head: &Head, frame: Frame) -> String {
        let announced = match head.status {
            204 if !self.fault.is(Fault::LengthOf204) => None,
            205 => Some(0),
            _ => head.length,
        };
        let relayed = [
            Fault::AnyLengthRelayed,
            Fault::TwoLengthsRelayed,
            Fault::EqualLengthsRelayed,
        ];
        let relayed = relayed.into_iter().any(|fault| self.fault.is(fault));
        match (frame, announced) {
            _ if relayed => String::new(),
            (Frame::Chunks, _) if self.fault.is(Fault::CodingRelayed) => String::new(),
            (Frame::Chunks, _) => "Transfer-Encoding: chunked\r\n".to_owned(),
            (Frame::Length(_) | Frame::None, Some(length)) => format!("Content-Length: {length}\r\n"),
            _ => String::new(),
        }
    }

    /// RFC 9112, section 6.3: which framing an answer has.
    fn frame(&self, head: &Head) -> Frame {
        let bodyless = matches!(head.status, 204 | 304) && !self.fault.is(Fault::BodyOf204);
        let head_only = self.request.method == b"HEAD" && !self.fault.is(Fault::BodyOfHead);
        match head.length {
            _ if bodyless || head_only => Frame::None,
            _ if head.status == 205 => Frame::Length(0),
            Some(length) if !self.fault.is(Fault::LengthForgotten) => Frame::Length(length),
            _ if self.request.minor == 1 || self.fault.is(Fault::ChunksForOld) => Frame::Chunks,
            _ => Frame::Close,
        }
    }

    /// Takes off the framing of the application.
    fn body(&mut self, frame: Frame, bytes: &[u8]) -> Result<(), Refusal> {
        let Some(chunks) = &mut self.chunks else {
            return self.pass_on(frame, bytes);
        };
        let content = chunks.feed(bytes, self.fault)?;
        self.reusable &= !chunks.has_surplus() || self.fault.is(Fault::SurplusForgotten);
        self.pass_on(frame, &content)
    }

    /// Sends some of the body in a framing of our own.
    fn pass_on(&mut self, frame: Frame, bytes: &[u8]) -> Result<(), Refusal> {
        if bytes.is_empty() {
            return Ok(()); // an empty chunk would end the body
        }
        match frame {
            Frame::None => {
                self.reusable &= self.fault.is(Fault::SurplusForgotten);
                Ok(())
            }
            Frame::Close => Ok(self.client.send(bytes)?),
            Frame::Chunks if self.fault.is(Fault::CodingRelayed) => Ok(self.client.send(bytes)?),
            Frame::Chunks => {
                let size = format!("{:x}\r\n", bytes.len());
                Ok(self.client.send(&[size.as_bytes(), bytes, b"\r\n"].concat())?)
            }
            Frame::Length(left) => {
                // What goes beyond the length would be the next answer.
                let taken = bytes.len().min(left);
                self.state = State::Body(Frame::Length(left - taken));
                self.reusable &= taken == bytes.len() || self.fault.is(Fault::SurplusForgotten);
                let sent = if self.fault.is(Fault::OverrunRelayed) {
                    bytes
                } else {
                    &bytes[..taken]
                };
                Ok(self.client.send(sent)?)
            }
        }
    }

    /// The application says that this was all.
    pub(super) fn end(&mut self) -> Result<(), Refusal> {
        let cut = self.chunks.as_ref().is_some_and(|chunks| !chunks.is_over());
        if cut && !self.fault.is(Fault::CutAnswerRelayed) {
            return Err(Refusal::gateway("no last chunk"));
        }
        if self.style == Style::Http && !self.is_full() && self.fault.is(Fault::LengthNeeded) {
            return Err(Refusal::gateway("no announced end"));
        }
        match self.state {
            State::Head if self.fault.is(Fault::TextIsBody) && !self.pending.is_empty() => {
                let text = std::mem::take(&mut self.pending);
                self.pending = b"Content-Type: text/html\r\n\r\n".to_vec();
                self.head()?;
                self.output(&text)?;
                return self.end();
            }
            State::Head if self.fault.is(Fault::NothingIs200) && self.pending.is_empty() => {
                self.pending = b"Content-Type: text/html\r\nContent-Length: 0\r\n\r\n".to_vec();
                self.head()?;
            }
            State::Head => return Err(Refusal::gateway("no whole head")),
            State::Body(Frame::Length(left)) if left > 0 => {
                return Err(Refusal::gateway("less than the announced length"));
            }
            State::Body(Frame::Chunks) if !self.fault.is(Fault::CodingRelayed) => {
                self.client.send(b"0\r\n\r\n")?;
            }
            State::Body(_) | State::Switched | State::Over => {}
        }
        self.state = State::Over;
        Ok(())
    }

    /// For faults: bytes to the client without any frame.
    pub(super) fn raw(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        Ok(self.client.send(bytes)?)
    }
}

const MAX_HEAD: usize = 64 << 10; // bytes of an answer
