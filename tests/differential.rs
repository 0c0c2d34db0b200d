//! Two parsers on the same bytes: ours, and hyper's as an oracle.
//!
//! Requests are generated, damaged, and read by both. Where they disagree, ours must have refused what hyper takes, by a
//! rule of which hyper is known to keep less; whatever else differs is a bug of one of the two.

#![allow(clippy::unwrap_used, reason = "all of it is tests")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bridgehead::protocol::http1::{
    BodyDecoder, BodyPart, ChunkError, ChunkLimits, Limits, RequestDecoder, Rule,
};
use bytes::BytesMut;
use fastrand::Rng;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const CASES: u64 = 20_000;

const LIMITS: Limits = Limits {
    size: 16 * 1024,
    fields: 90,
};

/// A request as a parser understood it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Message {
    method: String,
    authority: Option<Vec<u8>>,
    target: Vec<u8>,
    version: http::Version,
    /// Names in lower case, sorted; the values of a name in their order.
    fields: Vec<(String, Vec<u8>)>,
    /// `None`: malformed, or it did not become complete.
    body: Option<Vec<u8>>,
}

/// Why a parser stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// Nothing more came.
    End,
    Head(Rule),
    Body(ChunkError),
}

fn sorted(fields: impl Iterator<Item = (String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<_> = fields.collect();
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    fields
}

/// What we read, in pieces of `step` bytes.
fn ours(bytes: &[u8], step: usize) -> (Vec<Message>, Stop) {
    let (mut messages, mut src) = (Vec::new(), BytesMut::new());
    let mut decoder = RequestDecoder::new(LIMITS);
    let mut pieces = bytes.chunks(step);
    loop {
        let request = match decoder.decode(&mut src) {
            Ok(Some(request)) => request,
            Ok(None) => match pieces.next() {
                Some(piece) => {
                    src.extend_from_slice(piece);
                    continue;
                }
                None => return (messages, Stop::End),
            },
            Err(error) => return (messages, Stop::Head(error.rule)),
        };
        let body = body(
            BodyDecoder::new(request.framing, ChunkLimits::default()),
            &mut src,
            &mut pieces,
        );
        messages.push(Message {
            method: request.method.to_string(),
            authority: request.authority.map(|authority| authority.to_vec()),
            target: request.target.as_bytes().to_vec(),
            version: request.version,
            fields: sorted(request.fields.iter().map(|field| {
                let name = String::from_utf8(field.spelling.to_ascii_lowercase()).unwrap();
                (name, field.value.to_vec())
            })),
            body: body.as_ref().ok().cloned(),
        });
        match body {
            Err(stop) => return (messages, stop),
            // What follows CONNECT would be a tunnel's.
            Ok(_) if !request.persistent || request.method == http::Method::CONNECT => {
                return (messages, Stop::End);
            }
            Ok(_) => {}
        }
    }
}

fn body<'a>(
    mut decoder: BodyDecoder,
    src: &mut BytesMut,
    pieces: &mut impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, Stop> {
    let mut body = Vec::new();
    loop {
        match decoder.decode(src) {
            Ok(Some(BodyPart::Data(data))) => body.extend_from_slice(&data),
            Ok(Some(BodyPart::End(_))) => return Ok(body),
            Ok(None) => src.extend_from_slice(pieces.next().ok_or(Stop::End)?),
            Err(error) => return Err(Stop::Body(error)),
        }
    }
}

/// What hyper reads, until it is no longer content.
async fn hypers(bytes: Vec<u8>) -> Vec<Message> {
    let messages = Arc::new(Mutex::new(Vec::new()));
    let seen = messages.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        let seen = seen.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = collected(body).await;
            seen.lock().unwrap().push(message(parts, body));
            Ok::<_, Infallible>(http::Response::new(String::new()))
        }
    });
    let (near, far) = tokio::io::duplex(1024 * 1024);
    let (mut read, mut write) = tokio::io::split(near);
    write.write_all(&bytes).await.unwrap();
    write.shutdown().await.unwrap();
    let mut answers = Vec::new();
    let connection = http1::Builder::new()
        .half_close(true)
        .serve_connection(TokioIo::new(far), service);
    let (_, read) = tokio::join!(connection, read.read_to_end(&mut answers));
    read.unwrap();
    std::mem::take(&mut *messages.lock().unwrap())
}

async fn collected(body: Incoming) -> Option<Vec<u8>> {
    let (mut body, mut bytes) = (std::pin::pin!(body), Vec::new());
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        if let Ok(data) = frame.ok()?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Some(bytes)
}

fn message(parts: http::request::Parts, body: Option<Vec<u8>>) -> Message {
    let fields = parts.headers.iter();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    // hyper leaves `http://a?b` without a path.
    let slash = if target.starts_with('?') { "/" } else { "" };
    Message {
        method: parts.method.to_string(),
        authority: (parts.uri.authority()).map(|authority| authority.as_str().as_bytes().to_vec()),
        target: [slash, target].concat().into_bytes(),
        version: parts.version,
        fields: sorted(fields.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))),
        body,
    }
}

/// One of `all`.
fn any<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(0..all.len())]
}

/// A request that both take.
fn request(rng: &mut Rng) -> Vec<u8> {
    let method = any(
        rng,
        &[
            "GET", "POST", "HEAD", "OPTIONS", "PROPFIND", "M-SEARCH", "CONNECT",
        ],
    );
    let target = match method {
        "CONNECT" => "a.example:443",
        "OPTIONS" => any(rng, &["*", "/", "/a?b"]),
        _ => any(
            rng,
            &[
                "/",
                "/a/b?c=d",
                "/%20%zz",
                "/a?b?c",
                "http://a.example/x?y",
                "HTTP://A.example:80",
                "//x/../y",
            ],
        ),
    };
    let version = any(rng, &["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]);
    let mut head = format!("{method} {target} {version}\r\n");
    for _ in 0..rng.usize(0..5) {
        head.push_str(any(rng, FIELDS));
        head.push_str("\r\n");
    }
    if rng.u8(0..6) == 0 {
        head.push_str(any(
            rng,
            &["Connection: close\r\n", "Connection: Keep-Alive, x\r\n"],
        ));
    }
    let length = any(rng, &[0, 1, 5, 16, 300]);
    let mut body = vec![b'x'; length];
    match rng.u8(0..3) {
        0 if version == "HTTP/1.1" && method != "CONNECT" => {
            head.push_str(any(
                rng,
                &["Transfer-Encoding: chunked\r\n", "transfer-encoding:Chunked \r\n"],
            ));
            body = chunked(rng, &body);
        }
        1 if method != "CONNECT" => head.push_str(&format!("Content-Length: {length}\r\n")),
        _ => body.clear(),
    }
    head.push_str("\r\n");
    [head.into_bytes(), body].concat()
}

fn chunked(rng: &mut Rng, body: &[u8]) -> Vec<u8> {
    let (mut wire, mut rest) = (Vec::new(), body);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rng.usize(1..=rest.len()));
        let extension = any(rng, &["", "", ";a", ";a=b", " ; a = \"b;\\\"\""]);
        wire.extend(format!("{:x}{extension}\r\n", piece.len()).bytes());
        wire.extend(piece);
        wire.extend(b"\r\n");
        rest = after;
    }
    wire.extend(any(rng, &["0\r\n\r\n", "00\r\n\r\n", "0;a\r\nX-Trailer: 1\r\n\r\n"]).bytes());
    wire
}

/// Damages some bytes, at the places where parsers differ.
fn damage(rng: &mut Rng, wire: &mut Vec<u8>) {
    let at = match rng.bool() {
        true => rng.usize(0..wire.len()),
        // At a line's end, or a colon.
        false => {
            let byte = any(rng, b"\r\n: ;=0123456789");
            let places: Vec<_> = (0..wire.len()).filter(|at| wire[*at] == byte).collect();
            match places.is_empty() {
                true => rng.usize(0..wire.len()),
                false => any(rng, &places),
            }
        }
    };
    let bytes: &[u8] = any(rng, DAMAGE);
    match rng.u8(0..8) {
        0 => wire.truncate(at.max(1)),
        1 => wire[at] = rng.u8(..),
        2 if wire.len() > 1 => drop(wire.remove(at)),
        3 | 4 => drop(wire.splice(at..at + 1, bytes.iter().copied())),
        5 => repeat_line(rng, wire),
        _ => drop(wire.splice(at..at, bytes.iter().copied())),
    }
}

fn repeat_line(rng: &mut Rng, wire: &mut Vec<u8>) {
    let starts: Vec<_> = (0..wire.len())
        .filter(|at| *at == 0 || wire[at - 1] == b'\n')
        .collect();
    let from = any(rng, &starts);
    let end = (from..wire.len())
        .find(|at| wire[*at] == b'\n')
        .map_or(wire.len(), |at| at + 1);
    let line = wire[from..end].to_vec();
    let to = any(rng, &starts);
    wire.splice(to..to, line);
}

const FIELDS: &[&str] = &[
    "Host: a.example",
    "host:b.example:80",
    "User-Agent: test",
    "Accept: */*",
    "Accept: text/html",
    "Cookie: a=1; b=\"2\"",
    "X-Empty:",
    "X-Blank: \t two  words \t",
    "X-High: \u{fc}",
    "Content-Type: a/b",
    "If-None-Match: \"a\"",
    "Expect: 100-continue",
    "Upgrade: websocket",
    "TE: trailers",
    "_odd!#$%&'*+-.^`|~: 1",
];

const DAMAGE: &[&[u8]] = &[
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n ",
    b"\r\n\t",
    b"\n\n",
    b"\r\r\n",
    b" ",
    b"\t",
    b"  ",
    b"\0",
    b"\x0b",
    b"\x7f",
    b"\x80",
    b"\xff",
    b":",
    b";",
    b"=",
    b",",
    b"\"",
    b"\\",
    b"#",
    b"<",
    b"|",
    b"+",
    b"-",
    b"0",
    b"0x",
    b"f",
    b"99999999999999999999",
    b"HTTP/1.1",
    b"Content-Length: 5\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Connection: close\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
];

/// Rules of which hyper keeps less: where it takes a head that we refuse, it is one of these.
const STRICTER: &[Rule] = &[
    Rule::BareLf,
    Rule::Target,
    Rule::Repeated,
    Rule::LengthBesideCoding,
    Rule::Coding,
];

/// The same for bodies: blanks behind a size and malformed extensions; LF alone behind trailers.
const STRICTER_BODIES: &[ChunkError] = &[ChunkError::Extension, ChunkError::LineEnd];

/// Whether the two may differ at one message.
fn is_explained(ours: Option<&Message>, stop: Stop, hypers: Option<&Message>) -> bool {
    match (ours, hypers) {
        (Some(ours), Some(hypers)) => {
            let with_their_body = Message {
                body: hypers.body.clone(),
                ..ours.clone()
            };
            with_their_body == *hypers
                && ours.body.is_none()
                && matches!(stop, Stop::Body(error) if STRICTER_BODIES.contains(&error))
        }
        (None, Some(_)) => matches!(stop, Stop::Head(rule) if STRICTER.contains(&rule)),
        (Some(ours), None) => is_odd(ours),
        (None, None) => true,
    }
}

/// Octets in the target that no URI has and every peer passes, of which hyper refuses some; or an authority that is
/// none, which we refuse together with `Host`.
fn is_odd(message: &Message) -> bool {
    let odd = |byte: &u8| b"\"<>\\^`{|}".contains(byte) || *byte >= 0x80;
    let authority = message.authority.as_deref();
    message.target.iter().any(odd)
        || authority.is_some_and(|authority| http::uri::Authority::try_from(authority).is_err())
}

/// hyper reads no `Connection` that has an octet above 0x7F, and may go on or not where we do otherwise.
fn has_odd_connection(message: &Message) -> bool {
    let odd = |(name, value): &(String, Vec<u8>)| name == "connection" && !value.is_ascii();
    message.fields.iter().any(odd)
}

/// A few requests behind one another, whole or damaged.
fn wire(rng: &mut Rng) -> Vec<u8> {
    let mut wire: Vec<u8> = (0..rng.usize(1..4)).flat_map(|_| request(rng)).collect();
    for _ in 0..rng.usize(0..4) {
        damage(rng, &mut wire);
    }
    wire
}

#[test]
fn every_difference_from_hyper_is_a_rule_that_we_keep() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut same, mut stricter) = (0, Vec::new());
    for seed in 0..CASES {
        let wire = wire(&mut Rng::with_seed(seed));
        let (ours, stop) = ours(&wire, wire.len());
        let hypers = runtime.block_on(hypers(wire.clone()));
        let differs = (0..ours.len().max(hypers.len())).find(|at| ours.get(*at) != hypers.get(*at));
        let Some(at) = differs else {
            same += 1;
            continue;
        };
        if at > 0 && ours.get(at - 1).is_some_and(has_odd_connection) {
            continue;
        }
        assert!(
            is_explained(ours.get(at), stop, hypers.get(at)),
            "seed {seed}, message {at}, we stopped at {stop:?}\nwire: {}\nours: {:?}\nhyper's: {:?}",
            wire.escape_ascii(),
            ours.get(at),
            hypers.get(at)
        );
        if hypers.get(at).is_some() && !stricter.contains(&stop) {
            stricter.push(stop);
        }
    }
    assert!(
        same > CASES / 2,
        "{same} of {CASES}: damaged too much to say anything"
    );
    // No rule is in the lists in vain.
    assert_eq!(
        stricter.len(),
        STRICTER.len() + STRICTER_BODIES.len(),
        "{stricter:?}"
    );
}

#[test]
fn pieces_change_nothing() {
    for seed in 0..CASES {
        let mut rng = Rng::with_seed(seed);
        let wire = wire(&mut rng);
        let step = rng.usize(1..20);
        assert_eq!(
            ours(&wire, step),
            ours(&wire, wire.len()),
            "seed {seed}, pieces of {step}: {}",
            wire.escape_ascii()
        );
    }
}
