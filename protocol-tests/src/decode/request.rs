//! One FastCGI request and its answer, in words.

use std::collections::BTreeSet;

use super::message::{Kind, Messages};
use super::remark::{Remarks, bytes, pair_words, quote};
use super::title::title;
use crate::wire::{Record, Style, leading_pairs};

/// A request between BEGIN_REQUEST and END_REQUEST.
#[derive(Debug)]
pub(super) struct Request {
    role: u16,
    keep: bool,
    aborted: bool,
    /// A pair that is not whole yet.
    pending: Vec<u8>,
    /// Names that came; for finding doubles.
    names: BTreeSet<Vec<u8>>,
    count: usize,
    params_ended: bool,
    /// CONTENT_LENGTH.
    length: Option<u64>,
    stdin: u64,
    stdin_ended: bool,
    data: u64,
    data_ended: bool,
    answer: Messages,
    stdout_ended: bool,
    stderr_ended: bool,
    /// Bytes were lost; what is missing says nothing.
    is_partial: bool,
}

impl Request {
    pub(super) fn new(role: u16, keep: bool) -> Self {
        Self {
            role,
            keep,
            aborted: false,
            pending: Vec::new(),
            names: BTreeSet::new(),
            count: 0,
            params_ended: false,
            length: None,
            stdin: 0,
            stdin_ended: false,
            data: 0,
            data_ended: false,
            answer: Messages::new(Kind::Output(Style::Cgi)),
            stdout_ended: false,
            stderr_ended: false,
            is_partial: false,
        }
    }

    pub(super) fn keeps(&self) -> bool {
        self.keep
    }

    pub(super) fn lose(&mut self) {
        self.is_partial = true;
        self.pending = Vec::new();
        self.answer.lose();
    }

    pub(super) fn params(&mut self, record: &Record<'_>, out: &mut Remarks) {
        let id = record.id;
        if self.params_ended {
            out.say(title(record));
            return out.blame(format!("id {id}: PARAMS after its end"));
        }
        if record.content.is_empty() {
            self.params_ended = true;
            out.say(format!("PARAMS id {id} ends: {} variables", self.count));
            if !self.pending.is_empty() {
                out.blame(format!("the last pair is cut short: {}", quote(&self.pending)));
            }
            self.pending = Vec::new();
            return;
        }
        if !self.pending.is_empty() {
            out.blame("a pair goes across records; not every server can read that");
        }
        let mut bytes_so_far = std::mem::take(&mut self.pending);
        bytes_so_far.extend_from_slice(record.content);
        let (pairs, rest) = leading_pairs(&bytes_so_far);
        out.say(format!("{}: {}", title(record), pair_words(&pairs)));
        pairs
            .iter()
            .for_each(|(name, value)| self.variable(name, value, out));
        match rest.len() > MAX_PENDING {
            true => out.blame(format!(
                "a pair is longer than {MAX_PENDING} bytes; it is not read any further"
            )),
            false => self.pending = rest.to_vec(),
        }
    }

    fn variable(&mut self, name: &[u8], value: &[u8], out: &mut Remarks) {
        self.count += 1;
        if name == b"CONTENT_LENGTH" && !value.is_empty() {
            self.length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            if self.length.is_none() {
                out.blame(format!("CONTENT_LENGTH is no number: {}", quote(value)));
            }
        }
        if name == b"REQUEST_METHOD" {
            self.answer.announce(value == b"HEAD");
        }
        if name.is_empty() {
            out.blame("a variable has no name");
        }
        if self.names.contains(name) {
            out.blame(format!("{} is there twice", name.escape_ascii()));
        } else if self.names.len() < MAX_NAMES && name.len() <= MAX_NAME {
            self.names.insert(name.to_vec());
        }
    }

    /// STDIN and DATA.
    pub(super) fn input(&mut self, record: &Record<'_>, out: &mut Remarks) {
        let id = record.id;
        let is_stdin = record.kind == STDIN;
        let name = if is_stdin { "STDIN" } else { "DATA" };
        let (seen, ended) = match is_stdin {
            true => (&mut self.stdin, &mut self.stdin_ended),
            false => (&mut self.data, &mut self.data_ended),
        };
        let was_ended = *ended;
        if record.content.is_empty() {
            *ended = true;
            out.say(format!("{name} id {id} ends: {} in all", bytes(*seen)));
        } else {
            *seen = seen.saturating_add(record.content.len() as u64);
            out.say(format!("{}: {}", title(record), quote(record.content)));
        }
        let faults = [
            (was_ended, "after its end"),
            (!self.params_ended && !self.is_partial, "before the end of PARAMS"),
            (!is_stdin && self.role != FILTER, "of a request that is no filter"),
        ];
        for (_, fault) in faults.iter().filter(|(is_so, _)| *is_so) {
            out.blame(format!("id {id}: {name} {fault}"));
        }
        if is_stdin && self.stdin_ended && !was_ended {
            self.check_length(out);
        }
    }

    fn check_length(&self, out: &mut Remarks) {
        if let Some(length) = self
            .length
            .filter(|length| *length != self.stdin && !self.is_partial)
        {
            out.blame(format!(
                "CONTENT_LENGTH is {length}, and STDIN has {}",
                bytes(self.stdin)
            ));
        }
    }

    pub(super) fn abort(&mut self, record: &Record<'_>, out: &mut Remarks) {
        out.say(format!("ABORT_REQUEST id {}", record.id));
        if !record.content.is_empty() {
            out.blame(format!(
                "ABORT_REQUEST has {} of content",
                bytes(record.content.len())
            ));
        }
        self.aborted = true;
    }

    /// STDOUT and STDERR.
    pub(super) fn output(&mut self, record: &Record<'_>, out: &mut Remarks) {
        let is_stdout = record.kind == STDOUT;
        let name = if is_stdout { "STDOUT" } else { "STDERR" };
        let ended = match is_stdout {
            true => &mut self.stdout_ended,
            false => &mut self.stderr_ended,
        };
        let was_ended = *ended;
        *ended |= record.content.is_empty();
        match (record.content, is_stdout) {
            ([], _) => out.say(format!("{name} id {} ends", record.id)),
            (content, false) => out.say(format!("{}: {}", title(record), quote(content))),
            (content, true) => {
                out.say(title(record));
                self.answer.feed(content, out);
            }
        }
        if was_ended {
            out.blame(format!("id {}: {name} after its end", record.id));
        }
    }

    /// END_REQUEST came.
    pub(super) fn end(mut self, id: u16, complete: bool, out: &mut Remarks) {
        self.answer.end(true, out);
        if self.is_partial || !complete {
            return;
        }
        if self.answer.count() == 0 {
            out.blame(format!("id {id}: there was no answer before END_REQUEST"));
        }
        if !self.stdin_ended && !self.aborted && self.role != AUTHORIZER {
            out.say(format!(
                "id {id}: the request was not complete when its answer ended"
            ));
        }
    }

    /// The client ended its direction while the request was open.
    pub(super) fn client_left(&self, id: u16, out: &mut Remarks) {
        if !self.params_ended || !(self.stdin_ended || self.aborted || self.role == AUTHORIZER) {
            out.blame(format!("the client has left before the end of request {id}"));
        }
    }
}

pub(super) fn name_of_role(role: u16) -> String {
    match role {
        1 => "responder".to_owned(),
        AUTHORIZER => "authorizer".to_owned(),
        FILTER => "filter".to_owned(),
        other => format!("role {other}"),
    }
}

const AUTHORIZER: u16 = 2;
const FILTER: u16 = 3;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;

const MAX_PENDING: usize = 256 << 10; // bytes of a pair that is not whole yet
const MAX_NAMES: usize = 1024; // variables that are compared with later ones
const MAX_NAME: usize = 128; // bytes of a name that is compared
