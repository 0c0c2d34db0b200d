//! The heads of requests and answers, from and to the library's form.

use bytes::Bytes;
use h2::ext::Protocol;
use http::header::{CONTENT_LENGTH, DATE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri};
use tokio::time::Instant;

use super::super::date;
use super::connect;
use crate::frontend::exchange::Exchange;
use crate::frontend::rejection::Rejection;
use crate::frontend::request::Request;
use crate::protocol::Target;
use crate::protocol::fields::{FieldName, FieldNames, Fields};
use crate::protocol::http1::{self, Limits, RequestError, Rule};
use crate::protocol::target::TargetError;

/// Fields about a connection of HTTP/1, of which no client of HTTP/2 takes one (RFC 9113, section 8.2.2; RFC 8441, section
/// 5), and the length, which is told by itself.
const LEFT_OUT: FieldNames = FieldNames::of(&[
    FieldName::Connection,
    FieldName::ContentLength,
    FieldName::KeepAlive,
    FieldName::ProxyConnection,
    FieldName::SecWebsocketAccept,
    FieldName::Te,
    FieldName::TransferEncoding,
    FieldName::Upgrade,
]);

/// The head of a request; and why it is refused, if it is.
pub(super) fn request(parts: Parts, limits: Limits) -> (Request, Option<Rejection>) {
    let protocol = parts.extensions.get::<Protocol>();
    let target = match parts.method {
        // Has no target that matters.
        Method::CONNECT if protocol.is_none() => Ok(Target::from_static("*")),
        _ => target(&parts.uri),
    };
    let authority = parts.uri.authority();
    let mut request = Request {
        target: Target::from_static("*"),
        authority: authority.map(|authority| Bytes::copy_from_slice(authority.as_str().as_bytes())),
        version: parts.version,
        fields: Fields::from(&parts.headers),
        method: parts.method,
    };
    let Ok(target) = target else {
        return (request, Some(Rejection::Target));
    };
    request.target = target;
    let broken = rule(&request, limits);
    if let Some(protocol) = protocol {
        connect::switching(&mut request, protocol);
    }
    (request, broken.map(|error| Rejection::Request(Box::new(error))))
}

/// Whether the client sends the body only when it is asked to.
pub(super) fn awaits_invitation(request: &Request) -> bool {
    let expected = request.fields.get(FieldName::Expect);
    expected.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
}

/// `:path`, of the schemes that a target in absolute form may have in HTTP/1, too. h2 lets any scheme through, an empty one
/// among them, and gives none up without an authority.
fn target(uri: &Uri) -> Result<Target, TargetError> {
    let is_spoken = |scheme: &str| {
        ["http", "https"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme))
    };
    if !uri.scheme_str().is_none_or(is_spoken) {
        return Err(TargetError::Form);
    }
    let text = uri.path_and_query().map_or("/", |target| target.as_str());
    Target::from_bytes(Bytes::copy_from_slice(text.as_bytes()))
}

/// The rules of heads that h2 does not keep for us.
fn rule(request: &Request, limits: Limits) -> Option<RequestError> {
    let fields = &request.fields;
    if fields.len() > limits.fields {
        return Some(Rule::TooManyFields.into());
    }
    if fields.wire_len() + request.target.as_bytes().len() > limits.size {
        return Some(Rule::TooLarge.into());
    }
    http1::repeated(fields)
}

/// The head of an answer, with its length and its date. That of a tunnel has no word about a switch, which HTTP/2 does not
/// know (RFC 8441, section 5).
pub(super) fn response(exchange: &Exchange) -> Response<()> {
    let mut headers = fields(exchange.fields());
    let length = exchange.length();
    if let Some(length) = length.or(exchange.remaining().filter(|length| *length > 0)) {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    if !exchange.fields().contains(FieldName::Date)
        && let Ok(date) = HeaderValue::from_bytes(date::at(Instant::now().into_std()).as_bytes())
    {
        headers.insert(DATE, date);
    }
    let mut response = Response::new(());
    *response.status_mut() = match exchange.switches() {
        true => StatusCode::OK,
        false => exchange.status(),
    };
    *response.headers_mut() = headers;
    response
}

/// The fields of an answer, or those behind it.
pub(super) fn fields(fields: &Fields) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(fields.len() + 2);
    for field in fields.iter().filter(|field| !LEFT_OUT.contains(field.name)) {
        let name = HeaderName::from_bytes(field.spelling);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(field.value)) {
            headers.append(name, value);
        }
    }
    headers
}
