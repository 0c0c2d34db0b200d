//! Answers in a content coding that their client takes (RFC 9110, section 8.4).

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Method, StatusCode};

use super::Filter;
use crate::compression::{Coding, Contexts, Encoder, Levels};
use crate::frontend::answer::Answer;
use crate::frontend::body::Body;
use crate::frontend::encoded::{Encoded, SLICE};
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::{Flow, InternalUri};
use crate::frontend::rejection::Rejection;
use crate::protocol::RequestHead;
use crate::protocol::fields::{FieldName, FieldValue, Fields, members, trim};
use crate::upstream;

/// Which answers are coded, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The best first.
    pub codings: Vec<Coding>,
    /// Media types: `text/html`, `text/*`, `*+json`; lower case.
    pub types: Vec<String>,
    /// Bytes that an answer has at least.
    pub min_size: u64,
    /// How hard the codings try.
    pub levels: Levels,
}

/// What is text, or has as much air in it.
impl Default for Settings {
    fn default() -> Self {
        let types = [
            "text/*",
            "*+json",
            "*+xml",
            "application/javascript",
            "application/json",
            "application/vnd.ms-fontobject",
            "application/wasm",
            "application/xml",
            "font/otf",
            "font/ttf",
            "image/bmp",
            "image/vnd.microsoft.icon",
            "image/x-icon",
        ];
        Self {
            codings: Coding::ALL.to_vec(),
            types: types.map(str::to_owned).to_vec(),
            min_size: 512,
            levels: Levels { gzip: 4, zstd: 3 },
        }
    }
}

/// Codes answers.
pub(super) struct Compression {
    settings: Settings,
    contexts: Arc<Contexts>,
    /// Whether an application may compare tags that were changed.
    asks_application: bool,
}

/// Fields that say something of the plain form only.
const PLAIN_ONLY: [&[u8]; 4] = [b"Content-MD5", b"Digest", b"Content-Digest", b"Repr-Digest"];

impl Compression {
    /// Nothing where it is off.
    pub(super) fn new(settings: Option<&Settings>, asks_application: bool) -> Option<Self> {
        let settings = settings?.clone();
        Some(Self {
            contexts: Arc::new(Contexts::new(settings.levels)),
            settings,
            asks_application,
        })
    }

    /// Whether another client gets this answer, or all of what this is a part of, in a coding.
    fn concerns(&self, answer: &Answer) -> bool {
        let fields = &answer.fields;
        has_content(answer.status)
            && !matches!(answer.body, Body::Tunnel(_) | Body::Unanswered)
            && !fields.contains(FieldName::ContentEncoding)
            && !may_not_be_transformed(fields)
            && fields
                .get(FieldName::ContentType)
                .is_some_and(|value| self.has_type(value) || is_parts(value))
    }

    fn has_type(&self, value: &[u8]) -> bool {
        let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
        let own = trim(&value[..end]);
        self.settings
            .types
            .iter()
            .any(|wanted| is_type(own, wanted.as_bytes()))
    }

    /// The coding that the client gets.
    fn coding(&self, head: &RequestHead) -> Option<Coding> {
        if !head.fields.contains(FieldName::AcceptEncoding) {
            return None;
        }
        Coding::choose(&self.settings.codings, head.fields.all(FieldName::AcceptEncoding))
    }

    /// `bare`: only the head goes out.
    fn encode(&self, answer: &mut Answer, coding: Coding, bare: bool) {
        let encoder = Encoder::new(coding, self.contexts.clone());
        // That of the plain form.
        answer.length = None;
        answer.body = match std::mem::take(&mut answer.body) {
            _ if bare => Body::Empty,
            whole @ (Body::Full(_) | Body::Upstream(upstream::Body::Full(_))) => at_once(whole, encoder),
            body => Body::Encoded(Box::new(Encoded::new(body, encoder))),
        };
        let fields = &mut answer.fields;
        fields.append(FieldName::ContentEncoding, coding.as_str());
        fields.remove(FieldName::AcceptRanges);
        for name in PLAIN_ONLY {
            fields.remove_named(name);
        }
        weaken(fields);
    }
}

impl Filter for Compression {
    /// A tag that was weakened comes back in `If-None-Match`: an application that compares by bytes finds its own, too.
    fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        let fields = &mut exchange.request.head.fields;
        if self.asks_application && fields.contains(FieldName::IfNoneMatch) {
            let both = both_forms(fields.all(FieldName::IfNoneMatch));
            if let Some(value) = FieldValue::new(&both) {
                fields.set(FieldName::IfNoneMatch, value);
            }
        }
        Ok(None)
    }

    fn after(&self, exchange: &mut Exchange) -> Option<InternalUri> {
        let Exchange { request, answer, .. } = exchange;
        let head = &request.head;
        if answer.status == StatusCode::NOT_MODIFIED {
            not_modified(&head.fields, &mut answer.fields);
            return None;
        }
        if !self.concerns(answer) {
            return None;
        }
        vary(&mut answer.fields);
        if is_part(answer) {
            return None;
        }
        let length = match head.method {
            Method::HEAD => answer
                .length
                .or(answer.body.remaining().filter(|length| *length > 0)),
            _ => answer.body.remaining(),
        };
        let is_small = length.is_some_and(|length| length < self.settings.min_size);
        if let Some(coding) = self.coding(head).filter(|_| !is_small) {
            self.encode(answer, coding, head.method == Method::HEAD);
        }
        None
    }
}

/// Whether answers of this status have content.
fn has_content(status: StatusCode) -> bool {
    !matches!(status.as_u16(), 100..200 | 204 | 205 | 304)
}

/// Whether this is not all there is. It is left plain, and says on what the choice of the whole depends (RFC 9110,
/// section 15.3.7).
fn is_part(answer: &Answer) -> bool {
    answer.status == StatusCode::PARTIAL_CONTENT || answer.fields.contains(FieldName::ContentRange)
}

/// Several parts in one body, whose own types stand in there.
fn is_parts(content_type: &[u8]) -> bool {
    let kind = b"multipart/byteranges";
    content_type
        .get(..kind.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(kind))
}

/// RFC 9111, section 5.2.2.6.
fn may_not_be_transformed(fields: &Fields) -> bool {
    fields.contains(FieldName::CacheControl)
        && fields
            .all(FieldName::CacheControl)
            .flat_map(members)
            .any(|member| member.eq_ignore_ascii_case(b"no-transform"))
}

/// `text/html` is `text/html` and `text/*`, `a/b+json` is `*+json`.
fn is_type(own: &[u8], wanted: &[u8]) -> bool {
    let ends = |own: &[u8], end: &[u8]| {
        own.len() > end.len() && own[own.len() - end.len()..].eq_ignore_ascii_case(end)
    };
    match wanted {
        b"*" => true,
        [b'*', end @ ..] => ends(own, end),
        [start @ .., b'*'] => own.len() > start.len() && own[..start.len()].eq_ignore_ascii_case(start),
        _ => own.eq_ignore_ascii_case(wanted),
    }
}

/// Codes what is there completely, in slices if it is large: its new length is known then.
fn at_once(body: Body, encoder: Encoder) -> Body {
    let is_small = body.remaining().is_some_and(|length| length <= SLICE as u64);
    let mut encoded = Encoded::new(body, encoder);
    if !is_small {
        return Body::Encoded(Box::new(encoded));
    }
    let mut cx = Context::from_waker(Waker::noop());
    let mut coded = Vec::new();
    while let Poll::Ready(Some(Ok(chunk))) = encoded.poll_chunk(&mut cx) {
        coded.extend_from_slice(&chunk);
    }
    match encoded.is_over() {
        true => Body::Full(Bytes::from(coded)),
        // It broke, and says so again.
        false => Body::Encoded(Box::new(encoded)),
    }
}

/// Says that the coding depends on what the client takes, also where it takes none.
fn vary(fields: &mut Fields) {
    let said = fields
        .all(FieldName::Vary)
        .flat_map(members)
        .any(|name| name == b"*" || name.eq_ignore_ascii_case(b"Accept-Encoding"));
    if !said {
        fields.append(FieldName::Vary, "Accept-Encoding");
    }
}

/// A strong tag is one of the plain form: what is coded is the same in meaning, not in bytes (RFC 9110, section 8.8.1).
fn weaken(fields: &mut Fields) {
    let Some(tag) = fields.get(FieldName::Etag).filter(|tag| tag.starts_with(b"\"")) else {
        return;
    };
    let weak = [b"W/", tag].concat();
    fields.try_set(FieldName::Etag, &weak);
}

/// A 304 has the tag that its client knows, and says again on what the choice depends (RFC 9110, section 15.4.5).
fn not_modified(asked: &Fields, fields: &mut Fields) {
    vary(fields);
    let Some(tag) = fields.get(FieldName::Etag).filter(|tag| tag.starts_with(b"\"")) else {
        return;
    };
    let mut known = asked.all(FieldName::IfNoneMatch).flat_map(members);
    if known.any(|member| member.strip_prefix(b"W/") == Some(tag)) {
        weaken(fields);
    }
}

/// The tags of a list, the weak ones strong as well. A comma within a tag makes two of it, which are no tags: as for every
/// application that splits at commas.
fn both_forms<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut list: Vec<u8> = Vec::new();
    for tag in values.flat_map(members) {
        for form in [Some(tag), tag.strip_prefix(b"W/")].into_iter().flatten() {
            if !list.is_empty() {
                list.extend_from_slice(b", ");
            }
            list.extend_from_slice(form);
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_name_by_main_type_and_by_suffix() {
        for (own, wanted, is) in [
            ("text/html", "text/html", true),
            ("TEXT/HTML", "text/*", true),
            ("text/", "text/*", false),
            ("application/ld+json", "*+json", true),
            ("application/json", "*+json", false),
            ("image/png", "text/*", false),
            ("image/png", "*", true),
        ] {
            assert_eq!(is_type(own.as_bytes(), wanted.as_bytes()), is, "{own} {wanted}");
        }
    }

    #[test]
    fn a_weak_tag_is_asked_for_in_both_forms() {
        let both = |list: &str| String::from_utf8(both_forms([list.as_bytes()].into_iter())).unwrap();
        assert_eq!(both("W/\"a\", \"b\""), "W/\"a\", \"a\", \"b\"");
        assert_eq!(both("*"), "*");
    }
}
