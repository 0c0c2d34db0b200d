//! The received side through the gateway's decoder.

use bridgehead::protocol::fastcgi::{Capabilities, EndRequest, FastCgi, Header, Kind};
use bridgehead::protocol::fields::Fields;
use bridgehead::protocol::params::{PathInfo, Style, StyleKind};
use bridgehead::protocol::request::{Client, RequestId, Script};
use bridgehead::protocol::scgi::Scgi;
use bridgehead::protocol::uwsgi::Uwsgi;
use bridgehead::protocol::{
    DecodeError, Event, Exchange, Limits, Protocol, RequestHead, ResponseHead, Target, WriteQueue,
};
use bytes::{Buf, BytesMut};
use http::{Method, Version};

use crate::application;
use crate::fixture::{Body, Expected, Fixture, Turn, Wire};

/// An answer with its pieces put together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    head: Option<ResponseHead>,
    body: Vec<u8>,
    stderr: Vec<u8>,
    /// The end was seen before the end of the stream.
    early: bool,
    error: Option<DecodeError>,
}

pub(crate) fn check(fixture: &Fixture) {
    let protocol = protocol(fixture.wire);
    let methods = application::methods(fixture);
    for (turn, method) in fixture.exchanges.iter().zip(methods) {
        if !turn.expected.values.is_empty() {
            check_values(turn);
            continue;
        }
        let length = turn.received.len();
        let whole = replay(&*protocol, &method, &turn.received, &[length]);
        compare(&whole, &turn.expected, &fixture.name);
        for cut in crate::cuts(length) {
            let seen = replay(&*protocol, &method, &turn.received, &cut);
            assert!(seen == whole, "{} cut into {cut:?}", fixture.name);
        }
        if fixture.wire == Wire::FastCgi {
            assert_eq!(end_request(&turn.received), turn.expected.end, "{}", fixture.name);
        }
    }
}

fn replay(protocol: &dyn Protocol, method: &Method, wire: &[u8], cut: &[usize]) -> Seen {
    let mut exchange = protocol
        .begin(&request(method.clone()), &mut WriteQueue::new())
        .expect("a request");
    let (mut seen, mut src, mut rest) = (Seen::default(), BytesMut::new(), wire);
    for &length in cut {
        let (piece, after) = rest.split_at(length);
        src.extend_from_slice(piece);
        rest = after;
        if !seen.drain(&mut *exchange, &mut src) {
            return seen;
        }
    }
    match exchange.decode_eof() {
        Ok(event) => assert!(matches!(event, Event::End { reusable: false })),
        Err(error) => seen.error = Some(error),
    }
    seen
}

impl Seen {
    /// Whether more is expected.
    fn drain(&mut self, exchange: &mut dyn Exchange, src: &mut BytesMut) -> bool {
        loop {
            match exchange.decode(src) {
                Ok(None) => return true,
                Ok(Some(Event::Head(head))) => self.head = Some(*head),
                Ok(Some(Event::Body(piece))) => self.body.extend_from_slice(&piece),
                Ok(Some(Event::Stderr(piece))) => self.stderr.extend_from_slice(&piece),
                Ok(Some(Event::End { .. })) => self.early = true,
                Ok(Some(Event::Interim(_))) => assert!(self.head.is_none()),
                Ok(Some(event @ (Event::Trailers(_) | Event::Switched))) => panic!("{event:?}"),
                Err(error) => self.error = Some(error),
            }
            if self.early || self.error.is_some() {
                return false;
            }
        }
    }
}

fn compare(seen: &Seen, expected: &Expected, name: &str) {
    let status = seen.head.as_ref().map(|head| head.status.as_u16());
    assert_eq!(status, expected.status, "{name}");
    if let Some(head) = &seen.head {
        compare_headers(head, &expected.headers, name);
    }
    match &expected.body {
        None => assert!(seen.body.is_empty(), "{name}"),
        Some(Body::Bytes(body)) => assert_eq!(seen.body, *body, "{name}"),
        Some(Body::Sha256(digest, length)) => {
            assert_eq!(
                (sha256(&seen.body), seen.body.len()),
                (digest.clone(), *length),
                "{name}"
            );
        }
    }
    match expected.stderr_begins {
        true => assert!(seen.stderr.starts_with(&expected.stderr), "{name}"),
        false => assert_eq!(seen.stderr, expected.stderr, "{name}"),
    }
    let error = match expected {
        Expected { truncated: true, .. } => Some(DecodeError::Truncated),
        Expected { status: Some(_), .. } => None,
        Expected { end: Some(_), .. } => Some(DecodeError::NoResponse),
        _ => Some(DecodeError::Empty),
    };
    assert_eq!(seen.error, error, "{name}");
    let early = expected.length || expected.end.is_some() && error.is_none();
    assert_eq!(seen.early, early, "{name}: end seen before the end of the stream");
}

fn compare_headers(head: &ResponseHead, expected: &[(String, String)], name: &str) {
    let mut checked: Vec<&str> = expected.iter().map(|(header, _)| header.as_str()).collect();
    checked.dedup();
    for header in checked {
        let length = head.length.map(|length| length.to_string().into_bytes());
        let values: Vec<&[u8]> = match header {
            "content-length" => length.iter().map(Vec::as_slice).collect(),
            _ => head.fields.all_named(header.as_bytes()).collect(),
        };
        let wanted = expected.iter().filter(|(name, _)| name == header);
        match header {
            "connection" | "keep-alive" | "transfer-encoding" => assert!(values.is_empty(), "{name}"),
            _ => assert_eq!(
                values,
                wanted.map(|(_, value)| value.as_bytes()).collect::<Vec<_>>(),
                "{name}"
            ),
        }
    }
}

fn check_values(turn: &Turn) {
    let mut wire = BytesMut::from(&turn.received[..]);
    let header = Header::take(&mut wire).expect("a header");
    assert_eq!((header.kind, header.id), (Kind::GetValuesResult, 0));
    let found = Capabilities::parse(wire.split_to(header.content.into())).expect("pairs");
    for (name, value) in &turn.expected.values {
        let number = Some(value.parse().expect("a number"));
        match name.as_str() {
            "FCGI_MAX_CONNS" => assert_eq!(found.max_conns, number),
            "FCGI_MAX_REQS" => assert_eq!(found.max_reqs, number),
            "FCGI_MPXS_CONNS" => assert_eq!(found.mpxs_conns.map(u32::from), number),
            other => panic!("unknown value {other}"),
        }
    }
}

/// What the last END_REQUEST says.
fn end_request(wire: &[u8]) -> Option<(u32, u8)> {
    let mut src = BytesMut::from(wire);
    let mut found = None;
    while let Some(header) = Header::take(&mut src) {
        if header.kind == Kind::EndRequest {
            let end = EndRequest::parse(&src).expect("an end");
            found = Some((end.app_status, end.protocol_status.number()));
        }
        src.advance(header.rest());
    }
    found
}

fn protocol(wire: Wire) -> Box<dyn Protocol> {
    let limits = Limits::default();
    let style = |kind| Style {
        path_info: PathInfo::Decoded,
        empty_path_info: true,
        kind,
    };
    match wire {
        Wire::FastCgi => Box::new(FastCgi {
            keep_conn: true,
            style: style(StyleKind::FastCgi),
            limits,
        }),
        Wire::Uwsgi => Box::new(Uwsgi {
            modifier1: 0,
            modifier2: 0,
            reuse: true,
            style: style(StyleKind::Uwsgi),
            limits,
        }),
        Wire::Scgi => Box::new(Scgi {
            style: style(StyleKind::Scgi),
            limits,
        }),
    }
}

fn request(method: Method) -> RequestHead {
    RequestHead {
        method,
        target: Target::from_static("/"),
        version: Version::HTTP_11,
        fields: Fields::new(),
        client: Client::default(),
        script: Script::default(),
        server_name: None,
        host: None,
        content_length: None,
        chunked: false,
        upgrade: false,
        trailers: false,
        extra: Vec::new().into(),
        routed: None,
        id: RequestId(1),
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
