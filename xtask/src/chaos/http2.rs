//! Requests over HTTP/2. One is repeated only when the gateway said that it has not begun it.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use http::{Method, Response, Version};

use super::answer::Answer;
use super::goaway::{LastStream, Watched};
use super::link::{Protocol, Target};
use super::request::Request;
use super::sample::Outcome;

/// The connection of requests that keep theirs. The others have one each.
#[derive(Debug, Default)]
pub(crate) struct Http2 {
    shared: RefCell<Option<Sender>>,
}

/// Sends requests on a connection. Each that is under way has a clone.
#[derive(Clone, Debug)]
struct Sender {
    requests: SendRequest<Bytes>,
    last: LastStream,
    clones: Rc<()>,
}

/// How a request ended without an answer.
#[derive(Debug)]
enum Failure {
    /// The gateway has not begun it, and said so (RFC 9113, section 6.8).
    Unprocessed,
    Lost(anyhow::Error),
}

impl Http2 {
    /// Sends one request and waits for its end. A request that waits in the library while the gateway takes its leave goes
    /// to another connection, as browsers do.
    pub(crate) async fn exchange(&self, target: &Target, request: &Request) -> Outcome {
        loop {
            let sender = match self.sender(target, request.kept).await {
                Ok(sender) => sender,
                Err(error) => return Outcome::Lost(format!("cannot connect: {error}")),
            };
            let response = match respond(&sender, request).await {
                Ok(response) => response,
                Err(Failure::Unprocessed) => continue,
                Err(Failure::Lost(error)) => return Outcome::Lost(format!("HTTP/2: {error:#}")),
            };
            return match answer(response).await {
                Ok(answer) => Outcome::of(request, answer),
                Err(_) => Outcome::Cut,
            };
        }
    }

    /// A connection on which the gateway has not said that it takes no more.
    async fn sender(&self, target: &Target, kept: bool) -> io::Result<Sender> {
        let shared = self.shared.borrow().clone();
        if kept
            && let Some(sender) = shared
            && sender.has_room()
            && sender.requests.clone().ready().await.is_ok()
        {
            return Ok(sender);
        }
        let link = Watched::new(target.connect(Protocol::Http2).await?);
        let last = link.last();
        let (requests, connection) = h2::client::handshake(link).await.map_err(io::Error::other)?;
        // It ends when nothing is left to be sent or received; what goes wrong is told to the requests.
        tokio::task::spawn_local(connection);
        let sender = Sender {
            requests,
            last,
            clones: Rc::default(),
        };
        if kept {
            *self.shared.borrow_mut() = Some(sender.clone());
        }
        Ok(sender)
    }
}

impl Failure {
    /// Of a request that has no stream yet.
    fn unsent(error: h2::Error) -> Self {
        if error.is_go_away() {
            Self::Unprocessed
        } else {
            Self::lost(error)
        }
    }

    fn lost(error: impl Into<anyhow::Error>) -> Self {
        Self::Lost(error.into())
    }
}

impl Sender {
    /// Whether the gateway takes another request at once.
    fn has_room(&self) -> bool {
        Rc::strong_count(&self.clones) <= STREAMS
    }
}

/// Sends a request, and gives the beginning of the answer.
async fn respond(sender: &Sender, request: &Request) -> Result<Response<RecvStream>, Failure> {
    let mut head = http::Request::builder()
        .method(if request.posts { Method::POST } else { Method::GET })
        .version(Version::HTTP_2)
        .uri(format!("https://{HOST}{}", request.target()));
    if request.posts && !request.chunked {
        head = head.header("content-length", request.body);
    }
    let head = head.body(()).map_err(Failure::lost)?;
    let mut requests = sender.requests.clone().ready().await.map_err(Failure::unsent)?;
    let (response, mut body) = requests
        .send_request(head, !request.posts)
        .map_err(Failure::lost)?;
    let stream = response.stream_id().as_u32();
    if request.posts {
        // A gateway that refuses early may reset this; its answer is there all the same.
        let _ = body.send_data(request.upload().into(), true);
    }
    response.await.map_err(|error| match error {
        error if error.is_go_away() && sender.last.excludes(stream) => Failure::Unprocessed,
        error => Failure::lost(error),
    })
}

/// The rest of the answer.
async fn answer(response: Response<RecvStream>) -> Result<Answer> {
    let (head, mut rest) = response.into_parts();
    let mut body = Vec::new();
    while let Some(bytes) = rest.data().await {
        let bytes = bytes?;
        rest.flow_control().release_capacity(bytes.len())?;
        body.extend_from_slice(&bytes);
    }
    if let Some(length) = head.headers.get("content-length")
        && length.as_bytes() != body.len().to_string().as_bytes()
    {
        return Err(anyhow!("another length than announced"));
    }
    let reason = head.headers.get("bridgehead-error");
    Ok(Answer {
        status: head.status.as_u16(),
        reason: reason.map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned()),
        closes: false,
        body,
    })
}

const STREAMS: usize = 100; // below what the gateway takes of one connection

/// The host of every request.
pub(crate) const HOST: &str = "chaos.example";
