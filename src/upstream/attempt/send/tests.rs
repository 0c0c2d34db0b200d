//! Requests to a backend that speaks HTTP and follows a script.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, StatusCode};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use super::*;
use crate::protocol::fields::Fields;
use crate::protocol::samples;
use crate::spool::{self, SpoolConfig, Spools};
use crate::telemetry::Reason;
use crate::upstream::admit::pool::tests::config;
use crate::upstream::answer::{Interim, Relays};
use crate::upstream::model::BodyError;
use crate::upstream::model::config::{EndpointConfig, ProtocolName, UpstreamConfig};
use crate::upstream::model::endpoint::CircuitState;
use crate::upstream::wire::Streaming;

/// An upstream with one endpoint, in a directory that has to stay.
fn backend() -> (TempDir, UnixListener, Upstream) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let address = format!("unix:{}", path.display()).parse().unwrap();
    let upstream = Upstream::new(UpstreamConfig {
        protocol: ProtocolName::Http,
        endpoints: vec![EndpointConfig::new(address)],
        ..config(0, 1, 1, 1)
    });
    (directory, listener, upstream)
}

/// Takes one connection, and answers one request on it.
fn answering(listener: UnixListener, answer: &'static str) -> JoinHandle<UnixStream> {
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.unwrap());
        }
        connection.write_all(answer.as_bytes()).await.unwrap();
        connection
    })
}

fn relays(directory: &TempDir) -> Relays {
    let spools = Spools::new(SpoolConfig {
        temp_dir: directory.path().to_owned(),
        disk_total: 1 << 20,
        memory_total: 1 << 20,
    });
    Relays::new(spools, Arc::default())
}

fn options(relays: &Relays) -> Options<'_> {
    Options {
        ignore_abort: false,
        buffered: true,
        limits: spool::Limits {
            memory: 1 << 16,
            disk: 1 << 20,
        },
        terms: None,
        interim: None,
        now: Instant::now(),
        relays,
    }
}

/// Notes what it hears.
#[derive(Default)]
struct Heard(Mutex<Vec<(u16, Fields)>>);

impl Interim for Heard {
    fn interim(&self, status: StatusCode, fields: &Fields) {
        self.0.lock().unwrap().push((status.as_u16(), fields.clone()));
    }
}

#[tokio::test]
async fn interim_answers_are_heard_before_the_final_one() {
    let (directory, listener, upstream) = backend();
    let backend = answering(
        listener,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    let (relays, heard) = (relays(&directory), Heard::default());
    let options = Options {
        interim: Some(&heard),
        ..options(&relays)
    };
    let head = samples::request(Method::GET);
    let answer = upstream
        .send(
            &head,
            RequestBody::Empty,
            &options,
            &mut Trace::new(Instant::now()),
        )
        .await
        .unwrap();
    assert!(answer.head.status == 200 && answer.body.remaining() == Some(2));
    let link: Fields = [("Link", "</a>")].into_iter().collect();
    assert_eq!(*heard.0.lock().unwrap(), [(100, Fields::new()), (103, link)]);
    backend.await.unwrap();
}

/// Nothing is read ahead of a client that takes what it is given; the slot is free when the application has finished,
/// whether the client is waited for or not.
#[tokio::test]
async fn an_answer_leaves_its_worker_when_the_client_is_waited_for() {
    let (directory, listener, upstream) = backend();
    let backend = answering(listener, "HTTP/1.1 200 OK\r\n\r\nfirst");
    let relays = relays(&directory);
    let head = samples::request(Method::GET);
    let mut trace = Trace::new(Instant::now());
    let options = options(&relays);
    let sent = upstream.send(&head, RequestBody::Empty, &options, &mut trace);
    let mut body = sent.await.unwrap().body;
    let mut connection = backend.await.unwrap();
    let mut taken = Vec::new();
    for piece in 0..20 {
        let chunk: Bytes = poll_fn(|cx| body.poll_chunk(cx)).await.unwrap().unwrap();
        taken.extend_from_slice(&chunk);
        assert_eq!(relays.running(), 0, "piece {piece}");
        connection.write_all(b" more").await.unwrap();
    }
    body.detach();
    assert_eq!(relays.running(), 1);
    drop(connection);
    relays.finished().await;
    assert_eq!(upstream.endpoints()[0].in_flight(), 0);
    while let Some(chunk) = poll_fn(|cx| body.poll_chunk(cx)).await {
        taken.extend_from_slice(&chunk.unwrap());
    }
    assert_eq!(taken, ["first", &" more".repeat(20)].concat().as_bytes());
}

#[tokio::test]
async fn a_switch_before_the_request_is_complete_is_none() {
    let (directory, listener, upstream) = backend();
    let backend = answering(
        listener,
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    let relays = relays(&directory);
    let mut head = samples::request(Method::GET);
    head.fields = [("Upgrade", "websocket")].into_iter().collect();
    (head.upgrade, head.content_length) = (true, Some(4 << 20));
    let body = RequestBody::full(vec![b'u'; 4 << 20].into());
    let mut trace = Trace::new(Instant::now());
    let options = options(&relays);
    let sent = upstream.send(&head, body, &options, &mut trace);
    let failure = sent.await.err().unwrap();
    assert_eq!(failure.reason(), Reason::BadResponse);
    backend.await.unwrap();
}

/// An upstream with two endpoints that answer with these heads, and `retry.on` with 503.
async fn second_opinion(method: Method, answers: [&'static str; 2]) -> (u16, Trace) {
    let directory = tempfile::tempdir().unwrap();
    let mut endpoints = Vec::new();
    for (at, answer) in answers.into_iter().enumerate() {
        let path = directory.path().join(at.to_string());
        let listener = UnixListener::bind(&path).unwrap();
        endpoints.push(EndpointConfig::new(
            format!("unix:{}", path.display()).parse().unwrap(),
        ));
        tokio::spawn(async move {
            let _connection = answering(listener, answer).await;
        });
    }
    let mut config = UpstreamConfig {
        protocol: ProtocolName::Http,
        endpoints,
        ..config(0, 1, 1, 1)
    };
    config.retry.on.statuses = vec![503];
    let upstream = Upstream::new(config);
    let relays = relays(&directory);
    let mut trace = Trace::new(Instant::now());
    let head = samples::request(method);
    let answer = upstream
        .send(&head, RequestBody::Empty, &options(&relays), &mut trace)
        .await;
    (answer.unwrap().head.status.as_u16(), trace)
}

const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
const FINE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn a_status_that_is_not_wanted_has_the_next_endpoint_asked() {
    let (status, trace) = second_opinion(Method::GET, [BUSY, FINE]).await;
    assert_eq!((status, trace.attempts), (200, 2));
    // The last one's answer is the client's.
    let (status, trace) = second_opinion(Method::GET, [BUSY, BUSY]).await;
    assert_eq!((status, trace.attempts), (503, 2));
    let (status, trace) = second_opinion(Method::POST, [BUSY, FINE]).await;
    assert_eq!((status, trace.attempts), (503, 1));
}

/// An upload that breaks off when it is told to.
struct BrokenUpload(Arc<Mutex<bool>>);

impl Streaming for BrokenUpload {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match *self.0.lock().unwrap() {
            true => Poll::Ready(Some(Err(BodyError::Incomplete))),
            false => Poll::Pending,
        }
    }
}

/// A POST whose body breaks off when the flag is set.
fn upload(broken: bool) -> (RequestHead, RequestBody, Arc<Mutex<bool>>) {
    let mut head = samples::request(Method::POST);
    head.content_length = Some(100);
    let broken = Arc::new(Mutex::new(broken));
    let body = RequestBody::Stream(Box::new(BrokenUpload(broken.clone())));
    (head, body, broken)
}

#[tokio::test]
async fn an_upload_that_breaks_off_behind_the_answers_head_is_not_the_endpoints_fault() {
    let (directory, listener, upstream) = backend();
    let backend = answering(listener, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nearly");
    let relays = relays(&directory);
    let (head, body, broken) = upload(false);
    let mut trace = Trace::new(Instant::now());
    let options = options(&relays);
    let mut body = upstream
        .send(&head, body, &options, &mut trace)
        .await
        .unwrap()
        .body;
    let _connection = backend.await.unwrap();
    *broken.lock().unwrap() = true;
    let mut failed = None;
    while let Some(chunk) = poll_fn(|cx| body.poll_chunk(cx)).await {
        failed = chunk.err();
    }
    assert_eq!(failed.map(|failure| failure.reason()), Some(Reason::ClientGone));
    let endpoint = &upstream.endpoints()[0];
    assert_eq!(
        (endpoint.failed(), endpoint.circuit(), endpoint.in_flight()),
        (0, CircuitState::Closed, 0)
    );
}

#[tokio::test]
async fn an_application_that_breaks_off_behind_its_head_has_failed() {
    let (directory, listener, upstream) = backend();
    let backend = answering(listener, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nearly");
    let relays = relays(&directory);
    let head = samples::request(Method::GET);
    let mut trace = Trace::new(Instant::now());
    let options = options(&relays);
    let sent = upstream.send(&head, RequestBody::Empty, &options, &mut trace);
    let mut body = sent.await.unwrap().body;
    drop(backend.await.unwrap());
    while let Some(chunk) = poll_fn(|cx| body.poll_chunk(cx)).await {
        drop(chunk);
    }
    let endpoint = &upstream.endpoints()[0];
    assert_eq!(
        (endpoint.failed(), endpoint.circuit()),
        (1, CircuitState::Ejected)
    );
}

#[tokio::test]
async fn a_second_application_begins_its_own_trace() {
    let (directory, listener, first) = backend();
    let backend = answering(listener, FINE);
    let relays = relays(&directory);
    let head = samples::request(Method::GET);
    let mut trace = Trace::new(Instant::now());
    let options = options(&relays);
    let sent = first.send(&head, RequestBody::Empty, &options, &mut trace);
    drop(sent.await.unwrap());
    backend.await.unwrap();
    assert_eq!((trace.attempts, trace.status), (1, Some(200)));
    let second = Upstream::new(UpstreamConfig {
        name: "second".into(),
        ..config(0, 1, 1, 1)
    });
    let sent = second.send(&head, RequestBody::Empty, &options, &mut trace);
    assert_eq!(sent.await.err().unwrap().reason(), Reason::NoEndpoint);
    assert_eq!(trace.upstream.as_deref(), Some("second"));
    assert_eq!(
        (trace.attempts, trace.status, trace.endpoint_name()),
        (0, None, None)
    );
    assert_eq!(second.tally().failures.value(), 1);
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_not_counted_as_a_failure_of_the_upstream() {
    let (directory, _listener, upstream) = backend();
    let relays = relays(&directory);
    let (head, body, _broken) = upload(true);
    let mut trace = Trace::new(Instant::now());
    let options = options(&relays);
    let sent = upstream.send(&head, body, &options, &mut trace).await;
    assert_eq!(sent.err().unwrap().reason(), Reason::ClientGone);
    assert_eq!(upstream.tally().failures.value(), 0);
}
