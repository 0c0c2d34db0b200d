//! A case for front ends: the kit asks over HTTP what was asked, and answers what the server has answered.

use std::iter::once;
use std::ops::Range;

use super::collect::Connection;
use super::quote::{content, text};
use super::server::{answers, title};
use super::{Drafted, fastcgi, pieces};
use crate::notation::quoted;
use crate::protocol::Protocol;
use crate::wire::{Answer, Request, records};

/// A case of each request on a connection, whose answers came one after another.
pub(super) fn draft(protocol: Protocol, connection: &Connection, id: &str) -> Drafted {
    if connection.is_partial {
        return Err("some of its bytes are missing".to_owned());
    }
    let (client, server) = (connection.client.bytes(), connection.server.bytes());
    let (asked, answered) = match protocol {
        Protocol::FastCgi => (cut_before(client, BEGIN), cut_behind(server, END)),
        _ => (once(0..client.len()).collect(), once(0..server.len()).collect()),
    };
    let count = asked.len();
    let mut cases = Vec::new();
    for (nth, asked) in asked.into_iter().enumerate() {
        let request = Request::parse(protocol, &client[asked]);
        if !request.has_vars {
            return Err("a request is not whole, or several are mixed".to_owned());
        }
        let id = match count {
            1 => id.to_owned(),
            _ => format!("{id}.{}", nth + 1),
        };
        let answered = answered.get(nth).cloned().unwrap_or(server.len()..server.len());
        cases.push(case(protocol, connection, &id, &request, answered));
    }
    match cases.is_empty() {
        true => Err("there is no request".to_owned()),
        false => Ok(cases),
    }
}

fn case(
    protocol: Protocol,
    connection: &Connection,
    id: &str,
    request: &Request,
    answered: Range<usize>,
) -> String {
    // A front end may have used any id; most use 1, and so does the kit.
    let stream = match protocol {
        Protocol::FastCgi => {
            let changed = fastcgi::with_id(connection.server.bytes(), request.id, 1);
            connection.server.with_bytes(changed)
        }
        _ => connection.server.clone(),
    };
    let closes = connection.is_ended_by_server() && answered.end == stream.bytes().len();
    let bytes = stream.bytes().get(answered.clone()).unwrap_or_default();
    let bodyless = request.values("REQUEST_METHOD").next() == Some(b"HEAD");
    let read = |closes| answers(protocol, bytes, bodyless && protocol != Protocol::FastCgi, closes);
    // Of client and server, either may have closed first. A front end that asked for no more waits for this.
    let closes = closes || !bytes.is_empty() && !keeps(protocol, request, read(false).first());
    let answers = read(closes);
    let send = stream.steps(&pieces(protocol, &stream, false), &answered, Some("backend"));
    let close = match closes {
        true => "[[case.step]]\non = \"backend\"\ndo = \"close\"\n",
        false => "",
    };
    format!(
        "\n[[case]]\nid = {}\ntitle = {}\nspec = \"recorded\"\nlevel = \"real-world\"\n\
         why = \"This exchange worked when it was recorded.\"\n{}{}{send}{close}{}",
        quoted(id),
        quoted(&title(request, &answers)),
        client_step(request),
        request_step(request),
        answer_step(answers.first(), bodyless)
    )
}

/// Whether the connection may go on behind the answer: in FastCGI when that was asked for, elsewhere when the answer
/// has an end of its own.
fn keeps(protocol: Protocol, request: &Request, answer: Option<&Answer>) -> bool {
    match protocol {
        Protocol::FastCgi => request.keep,
        _ => answer.is_some_and(|answer| answer.complete),
    }
}

/// What an HTTP client sent, as the variables tell it.
fn client_step(request: &Request) -> String {
    let first = |name: &str| request.values(name).next().map(<[u8]>::to_vec);
    let mut method = first("REQUEST_METHOD").unwrap_or(b"GET".to_vec());
    method.retain(u8::is_ascii_graphic);
    let mut target = first("REQUEST_URI")
        .or_else(|| first("PATH_INFO"))
        .unwrap_or_default();
    target.retain(|byte| byte.is_ascii_graphic());
    let (path, query) = match target.iter().position(|byte| *byte == b'?') {
        Some(at) => (&target[..at], Some(&target[at + 1..])),
        None => (&target[..], None),
    };
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let query = query.map_or(Vec::new(), |query| [b"&", query].concat());
    let line = [&method[..], b" \0", path, b"?case=\x01", &query, b" HTTP/1.1"].concat();
    let mut lines = vec![line, b"Host: \x02".to_vec(), b"Connection: close".to_vec()];
    lines.extend(request.vars.iter().filter_map(|(name, value)| field(name, value)));
    if let Some(length) = first("CONTENT_LENGTH").filter(|length| !length.is_empty()) {
        lines.push([b"Content-Length: ", &length[..]].concat());
    }
    lines.push(Vec::new());
    let lines: Vec<_> = lines.iter().map(|line| references(line)).collect();
    let body = match request.body.as_slice() {
        [] => String::new(),
        body => format!("    {},\n", content(body)),
    };
    let body = body + &rest_of_body(request);
    format!(
        "[[case.step]]\nsend = [\n    {{ lines = [\n{}    ] }},\n{body}]\n",
        lines.concat()
    )
}

/// What a server did not wait for: the front end may want it all before it asks.
fn rest_of_body(request: &Request) -> String {
    let length = request.values("CONTENT_LENGTH").next().unwrap_or_default();
    let length: Option<usize> = std::str::from_utf8(length)
        .ok()
        .and_then(|text| text.parse().ok());
    let missing = length.unwrap_or(0).saturating_sub(request.body.len());
    match missing {
        1..=MAX_MISSING => format!("    {{ fill = \"x\", length = {missing} }},\n"),
        _ => String::new(),
    }
}

/// A line with references where marks stand; what is no text is left out.
fn references(line: &[u8]) -> String {
    let marks = [("\0", "${base}"), ("\u{1}", "${token}"), ("\u{2}", "${host}")];
    let text = String::from_utf8_lossy(line).replace('$', "$$");
    let text = marks
        .iter()
        .fold(text, |text, (mark, name)| text.replacen(mark, name, 1));
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("        {},\n", quoted(&text))
}

/// The header field that a variable came from.
fn field(name: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    const CONNECTION: [&[u8]; 8] = [
        b"HOST",
        b"CONNECTION",
        b"CONTENT_LENGTH",
        b"TRANSFER_ENCODING",
        b"TE",
        b"UPGRADE",
        b"EXPECT",
        b"KEEP_ALIVE",
    ];
    let short = match name {
        b"CONTENT_TYPE" if !value.is_empty() => name,
        _ => name.strip_prefix(b"HTTP_")?,
    };
    if CONNECTION.contains(&short) || value.iter().any(u8::is_ascii_control) {
        return None;
    }
    let dashed: Vec<u8> = short
        .iter()
        .map(|byte| if *byte == b'_' { b'-' } else { *byte })
        .collect();
    Some([&dashed, &b": "[..], value].concat())
}

/// What the front end must send on: all of it, unless the server did not wait for that.
fn request_step(request: &Request) -> String {
    let method = request.values("REQUEST_METHOD").next().and_then(text);
    let vars = method.map_or_else(String::new, |method| format!(" REQUEST_METHOD = {method} "));
    let mut keys = vec![format!("vars = {{{vars}}}")];
    if request.complete {
        keys.push("complete = true".to_owned());
        let body = Some(&request.body).filter(|body| !body.is_empty());
        keys.extend(body.map(|body| format!("body = {}", content(body))));
    }
    let keys = keys.join(", ");
    format!("[[case.step]]\non = \"backend\"\nexpect = {{ request = {{ {keys} }} }}\n")
}

/// What the client must see.
fn answer_step(answer: Option<&Answer>, bodyless: bool) -> String {
    let bodyless = if bodyless { ", bodyless = true" } else { "" };
    let words = match answer.map(|answer| (answer.status(), answer.complete)) {
        Some((Some(status), true)) => format!("answer = {{ status = {status}{bodyless} }}"),
        Some((Some(status), false)) => format!("output = {{ status = {status}{bodyless} }}"),
        _ => "output = { status = \"5xx\" }".to_owned(),
    };
    format!("[[case.step]]\nexpect = {{ {words} }}\n")
}

/// The parts of a stream that begin with a record of a type.
fn cut_before(stream: &[u8], kind: u8) -> Vec<Range<usize>> {
    let (records, _) = records(stream);
    let starts: Vec<_> = records
        .iter()
        .filter(|record| record.kind == kind)
        .map(|record| record.offset)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(start, end)| start..end)
        .collect()
}

/// The parts of a stream that end with a record of a type, and what is left.
fn cut_behind(stream: &[u8], kind: u8) -> Vec<Range<usize>> {
    let (records, _) = records(stream);
    let ends = records.iter().filter(|record| record.kind == kind);
    let ends = ends.map(|record| record.offset + 8 + record.content.len() + usize::from(record.padding));
    let (mut parts, mut start) = (Vec::new(), 0);
    for end in ends.chain([stream.len()]).filter(|end| *end > 0) {
        if end > start {
            parts.push(start..end);
            start = end;
        }
    }
    parts
}

const BEGIN: u8 = 1;
const END: u8 = 3;
const MAX_MISSING: usize = 64 << 20; // bytes; no content is longer
