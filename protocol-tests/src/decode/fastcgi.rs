//! FastCGI in words (FastCGI 1.0, sections 3 to 5).

use std::collections::{BTreeMap, BTreeSet};

use super::lane::Lane;
use super::remark::{Remarks, bytes, pair_words, quote};
use super::request::{Request, name_of_role};
use super::title::title;
use crate::trace::Origin;
use crate::wire::{Record, pairs};

/// Both directions of a connection.
#[derive(Debug, Default)]
pub(super) struct FastCgi {
    client: Lane,
    server: Lane,
    requests: Requests,
}

/// The requests of a connection.
#[derive(Debug, Default)]
struct Requests {
    open: BTreeMap<u16, Request>,
    /// Their END_REQUEST came, and no new BEGIN_REQUEST.
    ended: BTreeSet<u16>,
    /// END_REQUEST of a request that did not ask to keep the connection.
    is_last_ended: bool,
    /// Bytes were lost: a request may have begun without us.
    is_partial: bool,
}

impl FastCgi {
    pub(super) fn feed(&mut self, from: Origin, input: &[u8], out: &mut Remarks) {
        let requests = &mut self.requests;
        match from {
            Origin::Client => self.client.feed(input, out, |record, out| {
                header(record, "client", out);
                requests.client(record, out);
            }),
            Origin::Server => self.server.feed(input, out, |record, out| {
                header(record, "server", out);
                requests.server(record, out);
            }),
        }
    }

    pub(super) fn lose(&mut self, from: Origin, count: u64, out: &mut Remarks) {
        match from {
            Origin::Client => self.client.lose(count),
            Origin::Server => self.server.lose(count),
        }
        self.requests.is_partial = true;
        self.requests.open.values_mut().for_each(Request::lose);
        // The lost bytes may have been the last of a record.
        self.feed(from, &[], out);
    }

    pub(super) fn end(&mut self, from: Origin, _whole: bool, out: &mut Remarks) {
        match from {
            Origin::Client => self.client.end(from, out),
            Origin::Server => self.server.end(from, out),
        }
        let lost = self.client.is_lost() || self.server.is_lost() || self.requests.is_partial;
        for (id, request) in self.requests.open.iter().filter(|_| !lost) {
            match from {
                Origin::Client => request.client_left(*id, out),
                Origin::Server => out.blame(format!("the server has left without END_REQUEST for id {id}")),
            }
        }
    }
}

impl Requests {
    fn client(&mut self, record: &Record<'_>, out: &mut Remarks) {
        let id = record.id;
        if record.kind == BEGIN {
            return self.begin(record, out);
        }
        if is_management(record, out) {
            return;
        }
        match (self.open.get_mut(&id), record.kind) {
            (_, END | STDOUT | STDERR) => {
                out.blame(format!("{} must not come from a client", title(record)));
            }
            (Some(request), PARAMS) => request.params(record, out),
            (Some(request), STDIN | DATA) => request.input(record, out),
            (Some(request), ABORT) => request.abort(record, out),
            (None, PARAMS | STDIN | DATA | ABORT) => {
                out.say(format!("{}: {}", title(record), quote(record.content)));
                match self.ended.contains(&id) {
                    // It was sent before the client knew.
                    true => out.say(format!("id {id}: the request has ended already")),
                    false if self.is_partial => {}
                    false => out.blame(format!("id {id}: no request has begun with this id")),
                }
            }
            _ => unknown(record, out),
        }
    }

    fn begin(&mut self, record: &Record<'_>, out: &mut Remarks) {
        let id = record.id;
        let Some(([high, low, flags], reserved)) = record.content.split_first_chunk::<3>() else {
            return out.blame(format!("{}: it must have 8", title(record)));
        };
        let role = u16::from_be_bytes([*high, *low]);
        let keep = if flags & 1 == 1 { ", keep" } else { "" };
        out.say(format!("BEGIN_REQUEST id {id}: {}{keep}", name_of_role(role)));
        let faults = [
            (id == 0, "BEGIN_REQUEST has id 0".to_owned()),
            (
                record.content.len() != 8,
                format!("BEGIN_REQUEST has {}, not 8", bytes(record.content.len())),
            ),
            (!(1..=3).contains(&role), format!("role {role} is not known")),
            (
                flags & !1 != 0,
                format!("flags {flags:#04x}: only the lowest is defined"),
            ),
            (
                reserved.iter().any(|byte| *byte != 0),
                "the reserved bytes of BEGIN_REQUEST are not 0".to_owned(),
            ),
            (self.open.contains_key(&id), format!("id {id} is in use already")),
            (
                self.is_last_ended,
                "a request follows the end of one that did not keep the connection".to_owned(),
            ),
            (
                self.open.len() >= MAX_OPEN,
                format!("more than {MAX_OPEN} requests are open; this one is not followed"),
            ),
        ];
        for (_, fault) in faults.into_iter().filter(|(is_so, _)| *is_so) {
            out.blame(fault);
        }
        if !self.open.is_empty() && !self.open.contains_key(&id) {
            out.say(format!("{} others are open on this connection", self.open.len()));
        }
        if self.open.len() < MAX_OPEN {
            self.ended.remove(&id);
            self.open.insert(id, Request::new(role, flags & 1 == 1));
        }
    }

    fn server(&mut self, record: &Record<'_>, out: &mut Remarks) {
        let id = record.id;
        if is_management(record, out) {
            return;
        }
        match (self.open.get_mut(&id), record.kind) {
            (_, BEGIN | PARAMS | STDIN | DATA | ABORT) => {
                out.blame(format!("{} must not come from a server", title(record)));
            }
            (Some(request), STDOUT | STDERR) => request.output(record, out),
            (Some(_), END) => self.end(record, out),
            (None, STDOUT | STDERR | END) => self.stray(record, out),
            _ => unknown(record, out),
        }
    }

    /// Output of a request that is not open.
    fn stray(&mut self, record: &Record<'_>, out: &mut Remarks) {
        let id = record.id;
        match record.kind {
            END => out.say(end_words(record)),
            _ => out.say(format!("{}: {}", title(record), quote(record.content))),
        }
        match self.ended.contains(&id) {
            true => out.blame(format!("id {id}: there is output after END_REQUEST")),
            false if self.is_partial => {}
            false => out.blame(format!("id {id}: no request has begun with this id")),
        }
    }

    fn end(&mut self, record: &Record<'_>, out: &mut Remarks) {
        out.say(end_words(record));
        if record.content.len() != 8 {
            out.blame(format!("END_REQUEST has {}, not 8", bytes(record.content.len())));
        }
        if let Some(request) = self.open.remove(&record.id) {
            self.is_last_ended = !request.keeps();
            let complete = record.content.get(4).is_none_or(|status| *status == 0);
            request.end(record.id, complete, out);
        }
        self.ended.insert(record.id);
    }
}

/// Rules of every header.
fn header(record: &Record<'_>, from: &str, out: &mut Remarks) {
    if record.version != 1 {
        out.blame(format!("a record of the {from} has version {}", record.version));
    }
    if record.reserved != 0 {
        out.blame(format!("the reserved byte of a header is {}", record.reserved));
    }
    if record.content.is_empty() && record.padding > 0 {
        out.blame(format!(
            "an empty record has {} of padding",
            bytes(record.padding)
        ));
    }
}

/// Sections 4.1 and 4.2; says whether it was one of those.
fn is_management(record: &Record<'_>, out: &mut Remarks) -> bool {
    let name = match record.kind {
        GET_VALUES => "GET_VALUES",
        GET_VALUES_RESULT => "GET_VALUES_RESULT",
        UNKNOWN_TYPE => "UNKNOWN_TYPE",
        BEGIN..=DATA if record.id == 0 => {
            out.blame(format!(
                "{}: a record of this type must have an id",
                title(record)
            ));
            return true;
        }
        _ => return false,
    };
    if record.id != 0 {
        out.blame(format!("{name} has id {}, not 0", record.id));
    }
    if record.kind == UNKNOWN_TYPE {
        let kind = record.content.first().copied().unwrap_or(0);
        out.say(format!("{name}: type {kind} is not known to the server"));
        return true;
    }
    match pairs(record.content) {
        Some(found) => out.say(format!("{name}: {}", pair_words(&found))),
        None => out.blame(format!("{name} cannot be read: {}", quote(record.content))),
    }
    true
}

fn unknown(record: &Record<'_>, out: &mut Remarks) {
    out.say(format!("{}: {}", title(record), quote(record.content)));
    out.blame(format!("type {} is not known", record.kind));
}

/// Section 5.5.
fn end_words(record: &Record<'_>) -> String {
    let byte = |at: usize| record.content.get(at).copied().unwrap_or(0);
    let status = u32::from_be_bytes([byte(0), byte(1), byte(2), byte(3)]);
    let words = match byte(4) {
        0 => "complete".to_owned(),
        1 => "cannot multiplex".to_owned(),
        2 => "overloaded".to_owned(),
        3 => "unknown role".to_owned(),
        other => format!("protocol status {other}"),
    };
    format!(
        "END_REQUEST id {}: application status {status}, {words}",
        record.id
    )
}

const BEGIN: u8 = 1;
const ABORT: u8 = 2;
const END: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;
const DATA: u8 = 8;
const GET_VALUES: u8 = 9;
const GET_VALUES_RESULT: u8 = 10;
const UNKNOWN_TYPE: u8 = 11;

const MAX_OPEN: usize = 256; // requests of one connection at once
