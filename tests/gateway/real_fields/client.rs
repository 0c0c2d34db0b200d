//! The clients: of HTTP/1, whose bytes are written as they are, and of HTTP/2.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderName, HeaderValue, Request};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use super::application::Protocol;
use super::message::{Field, Message};

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http1,
    Http2,
}

impl Version {
    pub(super) const ALL: [Self; 2] = [Self::Http1, Self::Http2];
}

/// What has come of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// HTTP/2: those of one name together, in the order of the first of each.
    pub(super) fields: Vec<Field>,
    pub(super) body: Vec<u8>,
}

/// A kept connection.
pub(super) enum Client {
    Http1(testbed::Client),
    Http2(Runtime, SendRequest<Bytes>),
}

impl Client {
    pub(super) fn connect(version: Version, address: SocketAddr) -> Self {
        match version {
            Version::Http1 => Self::Http1(testbed::Client::connect(address).expect("it listens")),
            Version::Http2 => {
                let runtime = Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                let sender = runtime.block_on(async {
                    let stream = TcpStream::connect(address).await.expect("it listens");
                    let (sender, connection) = h2::client::handshake(stream).await.expect("it speaks HTTP/2");
                    tokio::spawn(connection);
                    sender
                });
                Self::Http2(runtime, sender)
            }
        }
    }

    /// Sends the request of a message and waits for its answer.
    pub(super) fn ask(&mut self, message: &Message, protocol: Protocol) -> Answer {
        let target = format!("/{}/{}", protocol.name(), message.number);
        match self {
            Self::Http1(client) => {
                let line = format!("GET {target} HTTP/1.1\r\nHost: fields.example\r\n");
                let fields = message.lines(&message.request);
                client
                    .send([line.as_bytes(), &fields, b"\r\n"].concat())
                    .expect("it is open");
                let answer = client.read_final().expect("an answer");
                Answer {
                    status: answer.status,
                    fields: answer.fields,
                    body: answer.body,
                }
            }
            Self::Http2(runtime, sender) => runtime.block_on(ask(sender, &target, message)),
        }
    }
}

async fn ask(sender: &mut SendRequest<Bytes>, target: &str, message: &Message) -> Answer {
    let mut request = Request::new(());
    *request.uri_mut() = format!("http://fields.example{target}")
        .parse()
        .expect("a target");
    for (name, value) in &message.request {
        let name = HeaderName::from_bytes(name).expect("a token");
        let value = HeaderValue::from_bytes(value).expect("octets of a value");
        request.headers_mut().append(name, value);
    }
    let (answer, _) = sender.send_request(request, true).expect("it is open");
    let (head, mut content) = answer.await.expect("an answer").into_parts();
    let mut body = Vec::new();
    while let Some(piece) = content.data().await {
        let piece = piece.expect("content");
        content
            .flow_control()
            .release_capacity(piece.len())
            .expect("as much as came");
        body.extend(piece);
    }
    let field = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec())
    };
    Answer {
        status: head.status.as_u16(),
        fields: head.headers.iter().map(field).collect(),
        body,
    }
}
