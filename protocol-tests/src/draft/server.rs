//! A case for servers: the kit sends what the front end has sent.

use std::ops::Range;

use super::body::{Bodies, expectation};
use super::collect::{Connection, Happened, What};
use super::piece::Piece;
use super::quote::{content, text};
use super::{Drafted, pieces};
use crate::notation::quoted;
use crate::protocol::Protocol;
use crate::trace::Origin;
use crate::wire::{self, Answer, Framing, Request, Style};

/// A case under way.
struct Drafter<'a> {
    protocol: Protocol,
    connection: &'a Connection,
    pieces: Vec<Piece>,
    bodies: Bodies,
    /// To HEAD: the answers end with their heads.
    bodyless: bool,
    steps: String,
    /// Bytes of the client that are in no step yet.
    waiting: Range<usize>,
    /// Bytes of the server so far.
    heard: usize,
    is_closed: bool,
    /// The client has closed, and there was something to come.
    has_left: bool,
    /// Answers that are expected already.
    expected: usize,
}

/// The case of a connection.
pub(super) fn draft(protocol: Protocol, connection: &Connection, id: &str, bodies: Bodies) -> Drafted {
    if connection.is_partial {
        return Err("some of its bytes are missing".to_owned());
    }
    if connection.client.bytes().is_empty() {
        return Err("the client has sent nothing".to_owned());
    }
    let request = Request::parse(protocol, connection.client.bytes());
    let mut drafter = Drafter {
        protocol,
        connection,
        pieces: pieces(protocol, &connection.client, true),
        bodies,
        bodyless: protocol != Protocol::FastCgi && request.values("REQUEST_METHOD").next() == Some(b"HEAD"),
        steps: String::new(),
        waiting: 0..0,
        heard: 0,
        is_closed: false,
        has_left: false,
        expected: 0,
    };
    connection.events.iter().for_each(|event| drafter.step(event));
    drafter.finish();
    if !drafter.steps.contains("expect") {
        return Err("the client has left before it heard anything".to_owned());
    }
    let title = title(&request, &drafter.answers());
    Ok(vec![format!(
        "\n[[case]]\nid = {}\ntitle = {}\nspec = \"recorded\"\nlevel = \"real-world\"\n\
         why = \"This exchange worked when it was recorded.\"\n{}",
        quoted(id),
        quoted(&title),
        drafter.steps
    )])
}

/// What was asked and answered, in a sentence.
pub(super) fn title(request: &Request, answers: &[Answer]) -> String {
    let value = |name| request.values(name).next().map(String::from_utf8_lossy);
    let method = value("REQUEST_METHOD").unwrap_or("A request".into());
    let target = value("REQUEST_URI")
        .or_else(|| value("PATH_INFO"))
        .unwrap_or_default();
    let words = match answers.first().and_then(Answer::status) {
        Some(status) => format!("is answered with {status}"),
        None => "has no answer".to_owned(),
    };
    let target: String = target.chars().take(MAX_TARGET).collect();
    let subject = format!("{method} {target}");
    format!("{} {words}, as it was recorded", subject.trim_end())
}

impl Drafter<'_> {
    fn step(&mut self, event: &Happened) {
        match (event.from, event.what) {
            (Origin::Client, What::Bytes(count)) => {
                // A new request, after the answer to the one before.
                if self.waiting.is_empty() {
                    self.expect_new();
                }
                self.waiting.end += count;
            }
            (Origin::Server, What::Bytes(count)) => {
                self.send_waiting();
                self.heard += count;
            }
            (Origin::Client, end) => {
                self.send_waiting();
                self.client_end(end);
            }
            (Origin::Server, _) => {
                self.send_waiting();
                self.is_closed = true;
            }
        }
    }

    fn send_waiting(&mut self) {
        let steps = self.connection.client.steps(&self.pieces, &self.waiting, None);
        self.steps.push_str(&steps);
        self.waiting.start = self.waiting.end;
    }

    /// The end of the client's direction matters as long as answers are open.
    fn client_end(&mut self, end: What) {
        let requests = self.requests();
        let is_answered = self.answers().iter().filter(|answer| answer.complete).count() >= requests;
        if self.is_closed || is_answered {
            return;
        }
        let operation = match end {
            What::Reset => "reset",
            What::Close => "close",
            What::Fin | What::Bytes(_) => "half-close",
        };
        match end {
            What::Reset | What::Close => self.expect_all(),
            What::Fin | What::Bytes(_) => self.expect_new(),
        }
        self.has_left = matches!(end, What::Reset | What::Close);
        self.steps
            .push_str(&format!("[[case.step]]\ndo = \"{operation}\"\n"));
    }

    /// How many requests the client has begun.
    fn requests(&self) -> usize {
        match self.protocol {
            Protocol::FastCgi => {
                let (records, _) = wire::records(self.connection.client.bytes());
                records.iter().filter(|record| record.kind == BEGIN).count()
            }
            _ => 1,
        }
    }

    /// The answers so far.
    fn answers(&self) -> Vec<Answer> {
        let bytes = self
            .connection
            .server
            .bytes()
            .get(..self.heard)
            .unwrap_or_default();
        answers(self.protocol, bytes, self.bodyless, self.is_closed)
    }

    /// Expects the answers that are complete and not expected yet.
    fn expect_new(&mut self) {
        let answers = self.answers();
        for nth in self.expected..answers.len() {
            if answers[nth].complete {
                let step = self.expectation(&answers, nth);
                self.steps.push_str(&step);
                self.expected = nth + 1;
            }
        }
    }

    /// Expects all answers, complete or not.
    fn expect_all(&mut self) {
        self.expect_new();
        let answers = self.answers();
        for nth in self.expected..answers.len() {
            let step = self.expectation(&answers, nth);
            self.steps.push_str(&step);
        }
        self.expected = answers.len();
    }

    fn finish(&mut self) {
        // Who has left hears nothing more.
        if self.has_left {
            return;
        }
        self.send_waiting();
        self.expect_all();
        self.expect_others(self.answers().is_empty());
        if self.connection.is_ended_by_server() {
            self.steps.push_str("[[case.step]]\nexpect = { closed = true }\n");
        }
    }

    /// Expects what belongs to no answer: FastCGI's management records, or nothing at all.
    fn expect_others(&mut self, is_all: bool) {
        let bytes = self.connection.server.bytes();
        if bytes.is_empty() && !self.is_closed {
            self.steps
                .push_str("[[case.step]]\nexpect = { nothing = true }\nafter = \"200ms\"\n");
        }
        let records = match self.protocol {
            Protocol::FastCgi => wire::records(bytes).0,
            _ => Vec::new(),
        };
        for record in records
            .iter()
            .filter(|record| is_all || record.kind >= GET_VALUES)
        {
            let (kind, id, content) = (record.kind, record.id, content(record.content));
            let words = format!("{{ type = {kind}, id = {id}, content = {content} }}");
            self.steps
                .push_str(&format!("[[case.step]]\nexpect = {{ record = {words} }}\n"));
        }
    }

    fn expectation(&self, answers: &[Answer], nth: usize) -> String {
        let answer = &answers[nth];
        // FastCGI counts the answers of an id.
        let of_id = |other: &&Answer| other.id == answer.id;
        let nth = answers.iter().take(nth + 1).filter(of_id).count();
        let mut lines = vec![match answer.complete {
            true => "[case.step.expect.answer]".to_owned(),
            false => "[case.step.expect.output]".to_owned(),
        }];
        lines.extend((nth > 1).then(|| format!("nth = {nth}")));
        lines.extend((answer.id > 1).then(|| format!("id = {}", answer.id)));
        lines.extend(self.bodyless.then(|| "bodyless = true".to_owned()));
        lines.extend((answer.cut && !answer.complete).then(|| "complete = false".to_owned()));
        lines.extend(head_lines(answer));
        lines.extend(self.body_line(answer));
        lines.extend(end_lines(answer));
        format!("[[case.step]]\n{}\n", lines.join("\n"))
    }

    fn body_line(&self, answer: &Answer) -> Option<String> {
        let is_readable = answer.complete && answer.status().is_some();
        is_readable
            .then(|| expectation(&answer.body, self.bodies))
            .flatten()
    }
}

fn head_lines(answer: &Answer) -> Vec<String> {
    let head = match &answer.head {
        Some(Ok(head)) => head,
        Some(Err(_)) => return vec!["valid_head = false".to_owned()],
        None => return Vec::new(),
    };
    let mut lines = vec![format!("status = {}", head.status)];
    let types: Vec<_> = head.values("content-type").collect();
    if let [one] = types.as_slice()
        && let Some(text) = text(one)
    {
        lines.push(format!("header = {{ Content-Type = {text} }}"));
    }
    lines
}

/// FastCGI: how it ended, and whether there was something on STDERR.
fn end_lines(answer: &Answer) -> Vec<String> {
    let mut lines = Vec::new();
    if !answer.stderr.is_empty() {
        lines.push("stderr = { min = 1 }".to_owned());
    }
    if let Some(end) = answer.end {
        lines.push(format!("app_status = {}", end.app_status));
        lines.extend((end.protocol_status > 0).then(|| format!("protocol_status = {}", end.protocol_status)));
    }
    lines
}

/// The answers in the bytes of a server.
pub(super) fn answers(protocol: Protocol, bytes: &[u8], bodyless: bool, closed: bool) -> Vec<Answer> {
    let style = match protocol {
        Protocol::FastCgi => return wire::fastcgi_answers(bytes, closed),
        Protocol::Uwsgi => Style::Either,
        Protocol::Scgi | Protocol::Http => Style::Cgi,
    };
    let framing = Framing {
        style,
        chunked: false,
        bodyless,
    };
    wire::http_answers(bytes, framing, closed, false)
}

const BEGIN: u8 = 1;
const GET_VALUES: u8 = 9;
const MAX_TARGET: usize = 60; // characters of a target in a title
