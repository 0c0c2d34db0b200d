//! The rules of each protocol that every byte stream must keep, whatever the case is about.

use super::{Dialect, Seen};
use crate::protocol::Protocol;
use crate::wire::{Record, Request};

/// The first rule that was broken, in words.
pub(super) fn check(seen: &Seen<'_>) -> Result<(), String> {
    match seen.dialect() {
        Some(Dialect::Answers(Protocol::FastCgi)) => fastcgi_answers(seen),
        Some(Dialect::Answers(_)) => http_answers(seen),
        Some(Dialect::Requests(protocol)) => Request::parse(protocol, seen.bytes()).fault.map_or(Ok(()), Err),
        None => Ok(()),
    }
}

/// FastCGI 1.0, sections 3.3 and 5: what an application may send.
fn fastcgi_answers(seen: &Seen<'_>) -> Result<(), String> {
    let (records, rest) = seen.records();
    records.iter().try_for_each(permitted)?;
    for (at, record) in records.iter().enumerate() {
        let stream = matches!(record.kind, STDOUT | STDERR);
        let since = records[..at]
            .iter()
            .rev()
            .take_while(|before| before.id != record.id || before.kind != END);
        let ended = |before: &Record<'_>| {
            (before.kind, before.id) == (record.kind, record.id) && before.content.is_empty()
        };
        if stream && since.clone().any(ended) {
            return Err(format!(
                "a record of type {} follows the empty one of its stream",
                record.kind
            ));
        }
    }
    after_end(seen)?;
    match seen.is_over() && !rest.is_empty() {
        true => Err(format!(
            "the last record is cut short: {} bytes are left over",
            rest.len()
        )),
        false => Ok(()),
    }
}

fn permitted(record: &Record<'_>) -> Result<(), String> {
    let Record {
        version,
        kind,
        id,
        content,
        ..
    } = record;
    if *version != 1 {
        return Err(format!("a record has version {version}"));
    }
    match (kind, id, content.len()) {
        (&STDOUT | &STDERR, 1.., _) | (&GET_VALUES_RESULT, 0, _) | (&END, 1.., 8) | (&UNKNOWN_TYPE, 0, 8) => {
            Ok(())
        }
        (_, _, length) => Err(format!(
            "a server must not send type {kind}, id {id}, {length} bytes"
        )),
    }
}

/// There are not more answers for an id than requests were sent with it.
fn after_end(seen: &Seen<'_>) -> Result<(), String> {
    let begun = seen.sent_records().into_iter().filter(|(kind, _)| *kind == BEGIN);
    let begun: Vec<u16> = begun.map(|(_, id)| id).collect();
    let answered: Vec<u16> = seen.answers(false).iter().map(|answer| answer.id).collect();
    let count = |ids: &[u16], id| ids.iter().filter(|known| **known == id).count();
    let surplus = answered
        .iter()
        .find(|id| count(&answered, **id) > count(&begun, **id));
    surplus.map_or(Ok(()), |id| {
        Err(format!("there are more answers for id {id} than requests"))
    })
}

/// Heads that can be read, lengths that agree, nothing behind the answer.
fn http_answers(seen: &Seen<'_>) -> Result<(), String> {
    for answer in seen.answers(false) {
        let head = match &answer.head {
            Some(Ok(head)) => head,
            Some(Err(bad)) => return Err(format!("the head cannot be read: {bad}")),
            None if seen.is_over() => return Err("there is no whole head".to_owned()),
            None => continue,
        };
        let mut lengths: Vec<_> = head.values("content-length").collect();
        if !lengths.is_empty() && head.values("transfer-encoding").next().is_some() {
            return Err("there are both Content-Length and Transfer-Encoding".to_owned());
        }
        lengths.dedup();
        if lengths.len() > 1 {
            return Err("two values of Content-Length differ".to_owned());
        }
    }
    Ok(())
}

const BEGIN: u8 = 1;
const END: u8 = 3;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;
const GET_VALUES_RESULT: u8 = 10;
const UNKNOWN_TYPE: u8 = 11;
