//! FastCGI records in notation.

use super::piece::Piece;
use super::quote::{content, text};
use crate::wire::{Record, leading_pairs, records};

/// Each record, and what is left behind the last.
pub(super) fn pieces(stream: &[u8]) -> Vec<Piece> {
    let (records, rest) = records(stream);
    let mut pieces: Vec<_> = records.iter().map(|record| piece(record, stream)).collect();
    if !rest.is_empty() {
        pieces.push(Piece::hex(
            stream,
            stream.len() - rest.len()..stream.len(),
            "half a record",
        ));
    }
    pieces
}

/// The same stream with another id for the records of one.
pub(super) fn with_id(stream: &[u8], from: u16, to: u16) -> Vec<u8> {
    let mut changed = stream.to_vec();
    for record in records(stream).0.iter().filter(|record| record.id == from) {
        if let Some(id) = changed.get_mut(record.offset + 2..record.offset + 4) {
            id.copy_from_slice(&to.to_be_bytes());
        }
    }
    changed
}

fn piece(record: &Record<'_>, stream: &[u8]) -> Piece {
    let length = 8 + record.content.len() + usize::from(record.padding);
    let range = record.offset..record.offset + length;
    let words = format!("record of type {}, id {}", record.kind, record.id);
    let padding = stream
        .get(range.end - usize::from(record.padding)..range.end)
        .unwrap_or_default();
    let Some(text) = notation(record) else {
        return Piece::hex(stream, range, &words);
    };
    let text = format!("{{ {text}{} }}", overrides(record, padding));
    match padding.iter().all(|byte| *byte == 0) {
        true => Piece::new(range, text, words),
        // The notation pads with 0 only.
        false => Piece::new(range, format!("[{text}, {}]", content(padding)), words),
    }
}

/// What a record is, in the words of the notation.
fn notation(record: &Record<'_>) -> Option<String> {
    let bytes = record.content;
    let stream = |name: &str| Some(format!("{name} = {}", content(bytes)));
    match (record.kind, bytes) {
        (1, [high, low, flags, ..]) if bytes.len() == 8 => {
            let flags = match flags {
                0 => String::new(),
                1 => ", keep = true".to_owned(),
                flags => format!(", flags = {flags}"),
            };
            Some(format!(
                "begin = {}{flags}",
                role(u16::from_be_bytes([*high, *low]))
            ))
        }
        (3, [a, b, c, d, protocol, ..]) if bytes.len() == 8 => {
            let status = u32::from_be_bytes([*a, *b, *c, *d]);
            let protocol = match protocol {
                0 => String::new(),
                protocol => format!(", protocol_status = {protocol}"),
            };
            Some(format!("end = {status}{protocol}"))
        }
        (4, []) => Some("params = \"\"".to_owned()),
        (4, _) => pairs(bytes).map(|pairs| format!("params = [{pairs}]")),
        (2, _) => stream("abort"),
        (5, _) => stream("stdin"),
        (6, _) => stream("stdout"),
        (7, _) => stream("stderr"),
        (8, _) => stream("data"),
        (9, _) => names(bytes).map(|names| format!("get_values = [{names}]")),
        (10, _) => pairs(bytes).map(|pairs| format!("get_values_result = [{pairs}]")),
        (11, [kind, 0, 0, 0, 0, 0, 0, 0]) => Some(format!("unknown_type = {kind}")),
        (kind, _) => Some(format!("record = {}, type = {kind}", content(bytes))),
    }
}

fn role(number: u16) -> String {
    match number {
        1 => "\"responder\"".to_owned(),
        2 => "\"authorizer\"".to_owned(),
        3 => "\"filter\"".to_owned(),
        other => other.to_string(),
    }
}

/// A list of pairs, if they are whole.
fn pairs(bytes: &[u8]) -> Option<String> {
    let (pairs, rest) = leading_pairs(bytes);
    let mut text = String::from("\n");
    let mut at = 0;
    for (name, value) in &pairs {
        // Where the lengths are longer than they need to be, the pair takes more than its shortest form.
        let short = |length: usize| if length < 128 { 1 } else { 4 };
        let shortest = short(name.len()) + short(value.len()) + name.len() + value.len();
        let start = at;
        at = start + lengths(bytes.get(start..)?)? + name.len() + value.len();
        let (name, value) = (content(name), content(value));
        text.push_str(&match at - start == shortest {
            true => format!("        [{name}, {value}],\n"),
            false => format!("        {{ name = {name}, value = {value}, wide = true }},\n"),
        });
    }
    text.push_str("    ");
    rest.is_empty().then_some(text)
}

/// A list of names, if they are whole and have no values.
fn names(bytes: &[u8]) -> Option<String> {
    let (pairs, rest) = leading_pairs(bytes);
    let name = |(name, value): &(&[u8], &[u8])| text(name).filter(|_| value.is_empty());
    let names = pairs.iter().map(name).collect::<Option<Vec<_>>>()?;
    rest.is_empty().then(|| names.join(", "))
}

/// How many bytes the two lengths of a pair take.
fn lengths(pair: &[u8]) -> Option<usize> {
    let size = |byte: u8| if byte < 128 { 1 } else { 4 };
    let first = size(*pair.first()?);
    Some(first + size(*pair.get(first)?))
}

/// What differs from an ordinary header.
fn overrides(record: &Record<'_>, padding: &[u8]) -> String {
    let is_management = matches!(record.kind, 9..=11);
    let padding = match padding.iter().all(|byte| *byte == 0) {
        true => "padding",
        false => "padding_length",
    };
    let fields = [
        ("id", u16::from(!is_management), record.id),
        ("version", 1, record.version.into()),
        (padding, 0, record.padding.into()),
        ("reserved", 0, record.reserved.into()),
    ];
    let fields = fields.iter().filter(|(_, usual, value)| value != usual);
    fields
        .map(|(name, _, value)| format!(", {name} = {value}"))
        .collect()
}
