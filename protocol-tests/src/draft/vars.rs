//! uwsgi and SCGI in notation: variables, body, answer.

use super::piece::Piece;
use super::quote::{content, text};
use crate::protocol::Protocol;
use crate::wire::{Head, Style, leading_shorts};

/// The variables and the body of a request.
pub(super) fn request(protocol: Protocol, stream: &[u8]) -> Vec<Piece> {
    let head = match protocol {
        Protocol::Uwsgi => packet(stream),
        _ => netstring(stream),
    };
    let Some(head) = head else {
        return vec![Piece::hex(stream, 0..stream.len(), "no whole request")];
    };
    let end = head.range.end;
    let body = stream.get(end..).filter(|body| !body.is_empty());
    let body = body.map(|body| Piece::new(end..stream.len(), content(body), "the body"));
    [head].into_iter().chain(body).collect()
}

/// The head and the body of an answer.
pub(super) fn answer(stream: &[u8]) -> Vec<Piece> {
    let end = Head::parse(stream, Style::Either).map_or(0, |(_, length)| length);
    let (head, body) = stream.split_at(end.min(stream.len()));
    let mut pieces = Vec::new();
    if !head.is_empty() {
        pieces.push(Piece::new(0..end, lines(head), "the head"));
    }
    if !body.is_empty() {
        pieces.push(Piece::new(end..stream.len(), content(body), "the body"));
    }
    pieces
}

/// A head on lines; as a content where its lines do not end in CR LF.
fn lines(head: &[u8]) -> String {
    let texts = std::str::from_utf8(head)
        .ok()
        .and_then(|text| text.strip_suffix("\r\n"));
    let lines = texts.map(|texts| texts.split("\r\n").map(|line| text(line.as_bytes())));
    match lines.and_then(Iterator::collect::<Option<Vec<_>>>) {
        Some(lines) => format!("{{ lines = [{}] }}", lines.join(", ")),
        None => content(head),
    }
}

fn packet(stream: &[u8]) -> Option<Piece> {
    let (&[modifier1, low, high, modifier2], rest) = stream.split_first_chunk::<4>()?;
    let size = usize::from(u16::from_le_bytes([low, high]));
    let (pairs, left) = leading_shorts(rest.get(..size)?);
    let raw = match left {
        [] => String::new(),
        left => format!("        {{ raw = {} }},\n", content(left)),
    };
    let modifier = |name: &str, value: u8| match value {
        0 => String::new(),
        value => format!(", {name} = {value}"),
    };
    let text = format!(
        "{{ packet = [\n{}{raw}    ]{}{} }}",
        list(&pairs),
        modifier("modifier1", modifier1),
        modifier("modifier2", modifier2)
    );
    Some(Piece::new(0..size + 4, text, "the packet"))
}

fn netstring(stream: &[u8]) -> Option<Piece> {
    let colon = stream.iter().take(MAX_DIGITS).position(|byte| *byte == b':')?;
    let digits = std::str::from_utf8(stream.get(..colon)?).ok()?;
    let length: usize = digits.parse().ok()?;
    let end = length.checked_add(colon + 2)?;
    let block = stream.get(colon + 1..end - 1).filter(|_| stream.len() >= end)?;
    let strings: Vec<_> = block.strip_suffix(b"\0")?.split(|byte| *byte == 0).collect();
    let (pairs, []) = strings.as_chunks::<2>() else {
        return None;
    };
    let pairs: Vec<_> = pairs.iter().map(|[name, value]| (*name, *value)).collect();
    let text = format!("{{ netstring = {{ headers = [\n{}    ] }} }}", list(&pairs));
    Some(Piece::new(0..end, text, "the netstring"))
}

fn list(pairs: &[(&[u8], &[u8])]) -> String {
    let line = |(name, value): &(&[u8], &[u8])| format!("        [{}, {}],\n", content(name), content(value));
    pairs.iter().map(line).collect()
}

const MAX_DIGITS: usize = 11; // of a netstring's length, with the colon
