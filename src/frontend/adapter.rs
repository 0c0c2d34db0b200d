//! What hyper takes and gives, and what the gateway does.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, UPGRADE};
use http::request::Parts;
use http::uri::Uri;
use http::{HeaderMap, HeaderValue, Method, Response, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

use super::answer::Outgoing;
use super::body::Broken;
use super::record::Logged;
use super::rejection::Rejection;
use super::request::Request;
use super::service::{Connection, Service};
use super::tunnel::Tunnel;
use super::upload;
use crate::protocol::Target;
use crate::protocol::fields::Fields;
use crate::upstream::{BodyError, Streaming};

/// Answers a request of hyper's.
pub(super) async fn answer(
    service: &Arc<Service>,
    connection: &Arc<Connection>,
    mut request: http::Request<hyper::body::Incoming>,
) -> Response<Body> {
    let may_switch = *request.method() == Method::CONNECT || request.headers().contains_key(UPGRADE);
    let client = may_switch.then(|| hyper::upgrade::on(&mut request));
    let http2 = request.version() == Version::HTTP_2;
    let (parts, body) = request.into_parts();
    let mut outgoing = match self::request(parts) {
        (request, None) => service.handle(request, Incoming(body), connection).await,
        (request, Some(rejection)) => service.refuse(&request, &rejection, connection),
    };
    let tunnel = outgoing.tunnel.take();
    let switches = tunnel.is_some();
    if let Some(client) = client {
        tokio::spawn(switch(client, tunnel, connection.clone()));
    }
    response(outgoing, switches, http2)
}

/// Ends what could have become a tunnel, or runs it. hyper leaves the close of a connection that was not switched to
/// whatever could have got it, and only a close in good order lets the client read its answer; a connection that goes
/// on ends this at once.
async fn switch(client: OnUpgrade, tunnel: Option<Box<Tunnel>>, connection: Arc<Connection>) {
    let Ok(client) = client.await else { return };
    let mut client = TokioIo::new(client);
    match tunnel {
        Some(tunnel) => tunnel.run(client, connection).await,
        // Gone already is as good.
        None => _ = client.shutdown().await,
    }
}

/// The head of a request; and why it is refused, where its target is none.
fn request(parts: Parts) -> (Request, Option<Rejection>) {
    let (target, refused) = match target(&parts.method, &parts.uri) {
        Some(target) => (target, None),
        None => (Target::from_static("*"), Some(Rejection::Target)),
    };
    let authority = parts.uri.authority();
    let request = Request {
        target,
        authority: authority.map(|authority| Bytes::copy_from_slice(authority.as_str().as_bytes())),
        version: parts.version,
        fields: Fields::from(&parts.headers),
        method: parts.method,
    };
    (request, refused)
}

/// The target in origin form. The authority alone is for CONNECT (RFC 9112, section 3.2.3), which has no target that
/// matters; hyper parses it for every method, and would have `GET a.example` mean the root of that host.
fn target(method: &Method, uri: &Uri) -> Option<Target> {
    if uri.authority().is_some() && uri.scheme().is_none() {
        return (*method == Method::CONNECT).then(|| Target::from_static("*"));
    }
    let text = uri.path_and_query().map_or("/", |target| target.as_str());
    let text = match text.starts_with('?') {
        true => Bytes::from(format!("/{text}")),
        false => Bytes::copy_from_slice(text.as_bytes()),
    };
    Target::from_bytes(text).ok()
}

/// The answer as hyper wants it.
fn response(outgoing: Outgoing, switches: bool, http2: bool) -> Response<Body> {
    let mut headers = HeaderMap::from(&outgoing.fields);
    if switches {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    if outgoing.close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(length) = outgoing.length {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    let mut response = Response::new(Body {
        logged: outgoing.body,
        announced: outgoing.length.filter(|_| !http2),
        broken: None,
    });
    *response.status_mut() = outgoing.status;
    *response.headers_mut() = headers;
    response
}

/// The body of an answer.
pub(super) struct Body {
    logged: Logged,
    /// `Content-Length` of an answer that has no body: hyper keeps the field for a body of that length alone. It
    /// never asks for such a body in HTTP/1, and would in HTTP/2.
    announced: Option<u64>,
    /// Why it ended early, while the client has yet to get what came before.
    broken: Option<Broken>,
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        if let Some(broken) = this.broken.take() {
            return Poll::Ready(Some(Err(broken)));
        }
        match ready!(this.logged.poll_chunk(cx)) {
            Some(Err(broken)) => {
                // hyper drops what it has not written when it hears of the failure: a pause, and it writes.
                this.broken = Some(broken);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            chunk => Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.announced.is_none() && self.logged.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.announced.or_else(|| self.logged.remaining());
        length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// The body of a request.
struct Incoming(hyper::body::Incoming);

impl Streaming for Incoming {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(failure(error)))),
                None => return Poll::Ready(None),
            };
            // Trailers are dropped, as they must not become variables.
            if let Ok(data) = frame.into_data() {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }
}

impl upload::Incoming for Incoming {
    fn is_over(&self) -> bool {
        self.0.is_end_stream()
    }
}

/// Broken framing has its own kinds of I/O errors in hyper; everything else means that no more will come.
fn failure(error: hyper::Error) -> BodyError {
    if std::error::Error::source(&error).is_some_and(is_malformed) {
        BodyError::Malformed
    } else {
        BodyError::Incomplete
    }
}

fn is_malformed(cause: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput};
    let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    matches!(kind, Some(InvalidData | InvalidInput))
}
