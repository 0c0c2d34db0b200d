//! Heads and bodies, one after another in one direction: HTTP's, or the answers of uwsgi, SCGI and FastCGI's STDOUT.

use std::collections::VecDeque;

use super::body::Body;
use super::remark::{Remarks, bytes, quote};
use crate::wire::{Head, Style};

/// The messages of one direction.
#[derive(Debug)]
pub(super) struct Messages {
    kind: Kind,
    state: State,
    /// The head so far.
    head: Vec<u8>,
    /// Where its last line begins.
    line: usize,
    /// How much of it was searched for a line end.
    searched: usize,
    /// Whether the answers to come have no bodies: those to HEAD.
    bodyless: VecDeque<bool>,
    /// Heads that were read.
    count: usize,
}

/// What is sent in this direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// HTTP requests.
    Requests,
    /// HTTP answers.
    Answers,
    /// One answer of an application; with its end, the stream's or the connection's ends.
    Output(Style),
}

#[derive(Debug)]
enum State {
    Head,
    Body(Body),
    /// All was said.
    Over,
    /// It cannot be read any further.
    Lost,
}

impl Messages {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            state: State::Head,
            head: Vec::new(),
            line: 0,
            searched: 0,
            bodyless: VecDeque::new(),
            count: 0,
        }
    }

    /// How many heads were read.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Whether the next answer that nobody has announced yet has no body. More than some are forgotten.
    pub(super) fn announce(&mut self, bodyless: bool) {
        if self.bodyless.len() < MAX_ANNOUNCED {
            self.bodyless.push_back(bodyless);
        }
    }

    /// Takes what has arrived. Gives the methods of the requests that began.
    pub(super) fn feed(&mut self, mut input: &[u8], out: &mut Remarks) -> Vec<Vec<u8>> {
        let mut methods = Vec::new();
        while !input.is_empty() {
            let used = match &mut self.state {
                State::Head => self.feed_head(input, &mut methods, out),
                State::Body(_) => self.feed_body(input, out),
                State::Over => {
                    out.blame(format!(
                        "{} behind the announced end: {}",
                        bytes(input.len()),
                        quote(input)
                    ));
                    input.len()
                }
                State::Lost => {
                    out.say(format!("{}: {}", bytes(input.len()), quote(input)));
                    input.len()
                }
            };
            input = &input[used..];
        }
        methods
    }

    /// Nothing more comes; `whole` says whether that was an orderly end.
    pub(super) fn end(&mut self, whole: bool, out: &mut Remarks) {
        match &self.state {
            State::Head if !self.head.is_empty() => {
                out.blame(format!("the head is cut short after {}", bytes(self.head.len())));
            }
            State::Body(body) => match body.missing() {
                Some(missing) => out.blame(missing),
                None if whole => out.say(format!("the body ends: {} in all", bytes(body.content()))),
                None => out.blame("the connection was reset before the body ended"),
            },
            _ => {}
        }
        self.state = State::Over;
    }

    /// Bytes are missing here; what follows has no known place.
    pub(super) fn lose(&mut self) {
        self.state = State::Lost;
        self.head = Vec::new();
    }

    fn feed_head(&mut self, input: &[u8], methods: &mut Vec<Vec<u8>>, out: &mut Remarks) -> usize {
        let before = self.head.len();
        let room = MAX_HEAD.saturating_sub(before).min(input.len());
        self.head.extend_from_slice(&input[..room]);
        let Some(end) = self.head_end() else {
            if self.head.len() >= MAX_HEAD {
                out.blame(format!(
                    "the head is longer than {MAX_HEAD} bytes; it is not read any further"
                ));
                self.lose();
            }
            return room;
        };
        let head = std::mem::take(&mut self.head);
        (self.line, self.searched) = (0, 0);
        if let Some(head) = head.get(..end) {
            self.take_head(head, methods, out);
        }
        end - before
    }

    /// The length of the head with its blank line.
    fn head_end(&mut self) -> Option<usize> {
        while let Some(at) = self
            .head
            .get(self.searched..)?
            .iter()
            .position(|byte| *byte == b'\n')
        {
            let end = self.searched + at;
            if matches!(self.head.get(self.line..end)?, b"" | b"\r") {
                return Some(end + 1);
            }
            (self.line, self.searched) = (end + 1, end + 1);
        }
        self.searched = self.head.len();
        None
    }

    fn take_head(&mut self, head: &[u8], methods: &mut Vec<Vec<u8>>, out: &mut Remarks) {
        if self.kind == Kind::Requests {
            if head.trim_ascii().is_empty() {
                return out.blame("an empty line stands before the request");
            }
            self.count += 1;
            self.state = State::Body(request_head(head, methods, out));
        } else {
            self.take_answer(head, out);
        }
        self.close_empty();
    }

    fn take_answer(&mut self, bytes: &[u8], out: &mut Remarks) {
        let style = match self.kind {
            Kind::Output(style) => style,
            Kind::Requests | Kind::Answers => Style::Http,
        };
        let head = match Head::parse(bytes, style) {
            Some((Ok(head), _)) => head,
            Some((Err(bad), _)) => {
                out.blame(format!("a head that cannot be read ({bad}): {}", quote(bytes)));
                self.count += 1;
                return self.state = State::Lost;
            }
            None => return,
        };
        out.say(format!("status {}{}", head.status, fields(&head)));
        if style == Style::Http && (100..200).contains(&head.status) && head.status != 101 {
            return;
        }
        self.count += 1;
        let bodyless = self.bodyless.pop_front().unwrap_or(false);
        let chunked = self.kind == Kind::Answers;
        let without = bodyless || (chunked && matches!(head.status, 204 | 304));
        self.state = State::Body(match framing(&head, chunked, out) {
            _ if without => Body::of_length(0),
            Some(body) => body,
            None => Body::until_close(),
        });
    }

    fn feed_body(&mut self, input: &[u8], out: &mut Remarks) -> usize {
        let State::Body(body) = &mut self.state else {
            return input.len();
        };
        let (mut used, mut content) = (0, Vec::new());
        while used < input.len() && !body.is_over() {
            match body.take(&input[used..]) {
                Ok(run) => {
                    let taken = &input[used..used + run.length];
                    content.extend_from_slice(if run.is_content { taken } else { &[] });
                    used += run.length;
                }
                Err(bad) => {
                    out.blame(bad.to_string());
                    self.state = State::Lost;
                    return used;
                }
            }
        }
        if !content.is_empty() {
            out.say(format!("body, {}: {}", bytes(content.len()), quote(&content)));
        }
        self.close_empty();
        used
    }

    /// What follows a body that is over: another message, or nothing.
    fn close_empty(&mut self) {
        if matches!(&self.state, State::Body(body) if body.is_over()) {
            self.state = match self.kind {
                Kind::Output(_) => State::Over,
                Kind::Requests | Kind::Answers => State::Head,
            };
        }
    }
}

/// The body that a request announces.
fn request_head(head: &[u8], methods: &mut Vec<Vec<u8>>, out: &mut Remarks) -> Body {
    let end = head
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(head.len(), |at| at + 1);
    let (line, rest) = head.split_at(end);
    let line = line.trim_ascii_end();
    methods.push(
        line.split(|byte| *byte == b' ')
            .next()
            .unwrap_or_default()
            .to_vec(),
    );
    let fields_of = Head::parse(rest, Style::Cgi).map(|(head, _)| head);
    let Some(Ok(head)) = fields_of else {
        out.say(line.escape_ascii().to_string());
        out.blame(format!("fields that cannot be read: {}", quote(rest)));
        return Body::of_length(0);
    };
    out.say(format!("{}{}", line.escape_ascii(), fields(&head)));
    let words = line.split(|byte| *byte == b' ').count();
    if words != 3 {
        out.blame(format!("a request line has three words, not {words}"));
    }
    framing(&head, true, out).unwrap_or_else(|| Body::of_length(0))
}

/// How the body is framed; `None` without any field that says so.
fn framing(head: &Head, chunked: bool, out: &mut Remarks) -> Option<Body> {
    let coding = head
        .values("transfer-encoding")
        .last()
        .is_some_and(|value| value.to_ascii_lowercase().ends_with(b"chunked"));
    let mut lengths: Vec<_> = head.values("content-length").collect();
    lengths.dedup();
    if lengths.len() > 1 {
        out.blame("two values of Content-Length differ");
    }
    if coding && !lengths.is_empty() {
        out.blame("there are both Content-Length and Transfer-Encoding");
    }
    if coding && !chunked {
        out.blame("an application must not use Transfer-Encoding");
    }
    if coding && chunked {
        return Some(Body::chunked());
    }
    let length = *lengths.first()?;
    let number = std::str::from_utf8(length)
        .ok()
        .and_then(|text| text.parse().ok());
    if number.is_none() {
        out.blame(format!("Content-Length is no number: {}", quote(length)));
    }
    number.map(Body::of_length)
}

fn fields(head: &Head) -> String {
    let field = |(name, value): &(String, Vec<u8>)| format!(", {name}: {}", value.escape_ascii());
    head.fields.iter().map(field).collect()
}

const MAX_HEAD: usize = 128 << 10; // bytes of a head that is not whole yet
const MAX_ANNOUNCED: usize = 1024; // requests without their answers

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(kind: Kind, wire: &[u8], step: usize) -> (Vec<String>, usize) {
        let mut messages = Messages::new(kind);
        let mut out = Remarks::default();
        for piece in wire.chunks(step) {
            messages.feed(piece, &mut out);
        }
        messages.end(true, &mut out);
        let facts = out.0.iter().filter(|remark| !remark.text.starts_with("body, "));
        (facts.map(ToString::to_string).collect(), messages.count())
    }

    #[test]
    fn messages_are_read_the_same_however_they_are_cut() {
        let wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n\
            HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab";
        for step in 1..=wire.len() {
            let (facts, count) = replay(Kind::Answers, wire, step);
            assert_eq!(
                facts,
                [
                    "status 100",
                    "status 200, Transfer-Encoding: chunked",
                    "status 200, Content-Length: 3",
                    "! the body is cut short: 2 of 3 bytes"
                ],
                "{step}"
            );
            assert_eq!(count, 2);
        }
    }

    #[test]
    fn requests_are_read_one_after_another() {
        let wire = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET / HTTP/1.1\r\n\r\n";
        let facts = replay(Kind::Requests, wire, 7).0;
        assert_eq!(facts, ["POST /a HTTP/1.1, Content-Length: 2", "GET / HTTP/1.1"]);
    }

    #[test]
    fn output_without_a_head_or_with_too_much_body_is_irregular() {
        let output = Kind::Output(Style::Cgi);
        assert_eq!(
            replay(output, b"text", 9).0,
            ["! the head is cut short after 4 bytes"]
        );
        assert_eq!(
            replay(output, b"Content-Length: 1\n\nab", 99).0,
            [
                "status 200, Content-Length: 1",
                "! 1 byte behind the announced end: \"b\""
            ]
        );
        let long = vec![b'x'; MAX_HEAD + 1];
        assert!(replay(output, &long, 4096).0[0].contains("longer than"));
    }
}
