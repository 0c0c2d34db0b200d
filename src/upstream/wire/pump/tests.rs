//! Exchanges over a socket pair with small buffers and a peer that follows a script, under a clock that stands still
//! unless all wait.

use std::convert::Infallible;
use std::future::poll_fn;

use bytes::Bytes;
use http::Method;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::*;
use crate::protocol::Limits;
use crate::protocol::fastcgi::FastCgi;
use crate::protocol::params::StyleKind;
use crate::protocol::samples;
use crate::protocol::uwsgi::Uwsgi;
use crate::transport::Stream;
use crate::upstream::{BodyError, Streaming};

const SECOND: Duration = Duration::from_secs(1);
const MEGABYTE: usize = 1024 * 1024;

/// Both ends of a connection with small buffers.
fn pair() -> (Box<Connection>, UnixStream) {
    let (ours, peer) = UnixStream::pair().unwrap();
    for end in [SockRef::from(&ours), SockRef::from(&peer)] {
        end.set_send_buffer_size(4096).unwrap();
    }
    (Connection::boxed(Stream::from(ours)), peer)
}

fn terms() -> Arc<Terms> {
    let timeouts = Timeouts {
        send: 2 * SECOND,
        head: 3 * SECOND,
        read: SECOND,
        ..Timeouts::default()
    };
    Arc::new(Terms {
        upstream: "test".into(),
        timeouts,
        timers: Timers::default(),
    })
}

/// uwsgi: nothing around the bytes.
fn raw(body: RequestBody, length: usize) -> (Pump, UnixStream) {
    let uwsgi = Uwsgi {
        modifier1: 0,
        modifier2: 0,
        reuse: true,
        style: samples::style(StyleKind::Uwsgi),
        limits: Limits::default(),
    };
    pump(&uwsgi, body, length)
}

fn records(body: RequestBody, length: usize) -> (Pump, UnixStream) {
    let fastcgi = FastCgi {
        keep_conn: true,
        style: samples::style(StyleKind::FastCgi),
        limits: Limits::default(),
    };
    pump(&fastcgi, body, length)
}

fn pump(protocol: &dyn Protocol, body: RequestBody, length: usize) -> (Pump, UnixStream) {
    let mut head = samples::request(Method::POST);
    head.content_length = Some(length as u64);
    let prepared = PreparedRequest::new(protocol, &head).unwrap();
    let (connection, peer) = pair();
    (
        Pump::new(prepared, body, connection, terms(), Instant::now()),
        peer,
    )
}

fn full(length: usize) -> RequestBody {
    RequestBody::full(vec![b'u'; length].into())
}

async fn next(pump: &mut Pump) -> Result<Event, Failure> {
    poll_fn(|cx| pump.poll_event(cx)).await
}

/// The rest of an answer: its body, and how it ended.
async fn rest(pump: &mut Pump) -> (usize, Result<bool, Failure>) {
    let mut length = 0;
    loop {
        match next(pump).await {
            Ok(Event::End { reusable }) => return (length, Ok(reusable)),
            Ok(Event::Body(piece)) => length += piece.len(),
            Ok(_) => {}
            Err(failure) => return (length, Err(failure)),
        }
    }
}

/// Reads until `length` bytes of the request's body were read: they are all `u`, nothing else is.
async fn take_body(peer: &mut UnixStream, length: usize) {
    let mut bytes = vec![0; 64 * 1024];
    let mut left = length;
    while left > 0 {
        let count = peer.read(&mut bytes).await.unwrap();
        assert_ne!(count, 0, "{left} bytes are missing");
        left -= bytes[..count].iter().filter(|byte| **byte == b'u').count();
    }
}

fn answer(length: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), &vec![b'd'; length]].concat()
}

/// A body that its client sends piece by piece.
struct Client(mpsc::UnboundedReceiver<Result<Bytes, BodyError>>);

impl Streaming for Client {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.0.poll_recv(cx)
    }
}

fn client() -> (mpsc::UnboundedSender<Result<Bytes, BodyError>>, RequestBody) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, RequestBody::Stream(Box::new(Client(receiver))))
}

#[tokio::test(start_paused = true)]
async fn both_sides_may_write_a_megabyte_before_they_read() {
    let (mut pump, mut peer) = raw(full(MEGABYTE), MEGABYTE);
    let scripted = tokio::spawn(async move {
        peer.write_all(&answer(MEGABYTE)).await.unwrap();
        take_body(&mut peer, MEGABYTE).await;
    });
    assert!(matches!(next(&mut pump).await, Ok(Event::Head(_))));
    let (length, end) = rest(&mut pump).await;
    assert_eq!((length, end.unwrap()), (MEGABYTE, true));
    assert!(pump.into_connection().is_none(), "the request is not sent yet");
    assert!(scripted.await.is_err(), "the peer sees the connection close");
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_when_both_sides_are_done() {
    let (mut pump, mut peer) = raw(full(MEGABYTE), MEGABYTE);
    let scripted = tokio::spawn(async move {
        take_body(&mut peer, MEGABYTE).await;
        peer.write_all(&answer(MEGABYTE)).await.unwrap();
        peer
    });
    assert!(matches!(next(&mut pump).await, Ok(Event::Head(_))));
    assert!(rest(&mut pump).await.1.unwrap());
    assert!(pump.into_connection().is_some());
    drop(scripted.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_early_answer_outlives_the_failed_write() {
    for length in [5, 3_000] {
        let (mut pump, mut peer) = raw(full(MEGABYTE), MEGABYTE);
        peer.write_all(&answer(length)).await.unwrap();
        drop(peer);
        assert!(matches!(next(&mut pump).await, Ok(Event::Head(_))));
        let (read, end) = rest(&mut pump).await;
        assert_eq!(read, length);
        end.unwrap();
        assert!(pump.into_connection().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_gone_before_it_answers_has_closed() {
    let (mut pump, peer) = raw(full(MEGABYTE), MEGABYTE);
    drop(peer);
    let failure = next(&mut pump).await.unwrap_err();
    assert_eq!(failure.reason().as_str(), "backend_closed");
}

#[tokio::test(start_paused = true)]
async fn the_head_deadline_is_total() {
    let (mut pump, mut peer) = raw(full(5), 5);
    let start = Instant::now();
    let scripted = tokio::spawn(async move {
        take_body(&mut peer, 5).await;
        while peer.write_all(b"H").await.is_ok() {
            sleep(SECOND / 4).await;
        }
    });
    assert!(matches!(next(&mut pump).await, Err(Failure::HeadTimeout)));
    assert_eq!(start.elapsed().as_secs(), 3);
    drop(pump);
    scripted.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_read_deadline_starts_again_with_each_read() {
    let (mut pump, mut peer) = raw(full(5), 5);
    tokio::spawn(async move {
        take_body(&mut peer, 5).await;
        peer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        for _ in 0..5 {
            sleep(SECOND * 9 / 10).await;
            peer.write_all(b"x").await.unwrap();
        }
        std::future::pending::<Infallible>().await;
    });
    assert!(matches!(next(&mut pump).await, Ok(Event::Head(_))));
    let start = Instant::now();
    let (length, end) = rest(&mut pump).await;
    assert_eq!(length, 5);
    assert!(matches!(end, Err(Failure::ReadTimeout)));
    assert_eq!(start.elapsed().as_millis(), 5_500);
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_uses_up_no_deadline() {
    let (mut pump, mut peer) = raw(full(5), 5);
    tokio::spawn(async move {
        take_body(&mut peer, 5).await;
        peer.write_all(&answer(20_000)).await.unwrap();
        std::future::pending::<Infallible>().await;
    });
    assert!(matches!(next(&mut pump).await, Ok(Event::Head(_))));
    let mut left = 20_000;
    while left > 0 {
        // As long as no more is asked for.
        sleep(100 * SECOND).await;
        let Ok(Event::Body(piece)) = next(&mut pump).await else {
            panic!("{left} bytes are missing");
        };
        left -= piece.len();
    }
    assert!(matches!(next(&mut pump).await, Ok(Event::End { reusable: true })));
}

#[tokio::test(start_paused = true)]
async fn the_send_deadline_starts_again_with_each_write() {
    let (mut pump, mut peer) = raw(full(MEGABYTE), MEGABYTE);
    let start = Instant::now();
    tokio::spawn(async move {
        let mut bytes = vec![0; 64 * 1024];
        for _ in 0..5 {
            sleep(SECOND * 19 / 10).await;
            peer.read_exact(&mut bytes).await.unwrap();
        }
        std::future::pending::<Infallible>().await;
    });
    assert!(matches!(next(&mut pump).await, Err(Failure::SendTimeout)));
    assert_eq!(start.elapsed().as_millis(), 11_500);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_client_has_no_deadline() {
    let (sender, body) = client();
    let (mut pump, mut peer) = raw(body, 10);
    let start = Instant::now();
    tokio::spawn(async move {
        for _ in 0..10 {
            sleep(100 * SECOND).await;
            sender.send(Ok(Bytes::from_static(b"u"))).unwrap();
        }
    });
    let scripted = tokio::spawn(async move {
        take_body(&mut peer, 10).await;
        let complete = Instant::now();
        while peer.write_all(b"H").await.is_ok() {
            sleep(SECOND / 4).await;
        }
        complete
    });
    assert!(matches!(next(&mut pump).await, Err(Failure::HeadTimeout)));
    // The head deadline starts with the end of the request.
    assert_eq!(start.elapsed().as_secs(), 1_003);
    drop(pump);
    assert_eq!((scripted.await.unwrap() - start).as_secs(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_come_while_the_client_still_sends() {
    let (sender, body) = client();
    let (mut pump, mut peer) = raw(body, 10);
    peer.write_all(&answer(5)).await.unwrap();
    assert!(matches!(next(&mut pump).await, Ok(Event::Head(_))));
    let (length, end) = rest(&mut pump).await;
    assert_eq!((length, end.is_ok()), (5, true));
    assert!(pump.into_connection().is_none(), "half a request is on it");
    drop(sender);
}

/// The application would take half a body for all of it.
#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_not_ended() {
    for give_up in [true, false] {
        let (sender, body) = client();
        let (mut pump, mut peer) = records(body, 10);
        sender.send(Ok(Bytes::from_static(b"uuu"))).unwrap();
        if give_up {
            sender.send(Err(BodyError::Incomplete)).unwrap();
        } else {
            tokio::spawn(async move {
                sleep(SECOND).await;
                sender.send(Err(BodyError::Timeout)).unwrap();
            });
        }
        let failure = next(&mut pump).await.unwrap_err();
        assert!(matches!(failure, Failure::RequestBody(_)), "{failure}");
        drop(pump);
        let mut wire = Vec::new();
        peer.read_to_end(&mut wire).await.unwrap();
        assert!(!wire.ends_with(b"\x01\x05\0\x01\0\0\0\0"), "the end of STDIN");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_said_on_the_error_stream_does_not_move_the_deadline() {
    let (mut pump, mut peer) = records(full(5), 5);
    let start = Instant::now();
    let scripted = tokio::spawn(async move {
        take_body(&mut peer, 5).await;
        while peer.write_all(b"\x01\x07\0\x01\0\x02\0\0e\n").await.is_ok() {
            sleep(SECOND / 4).await;
        }
    });
    assert!(matches!(next(&mut pump).await, Err(Failure::HeadTimeout)));
    assert_eq!(start.elapsed().as_secs(), 3);
    drop(pump);
    scripted.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_end_inside_the_answer_is_told() {
    let (mut pump, mut peer) = records(full(5), 5);
    peer.write_all(b"\x01\x06\0\x01\0\x10\0\0Status: 200\r\n\r\nh")
        .await
        .unwrap();
    tokio::spawn(async move {
        take_body(&mut peer, 5).await;
    });
    assert!(matches!(next(&mut pump).await, Ok(Event::Head(_))));
    let (length, end) = rest(&mut pump).await;
    assert!(matches!(end, Err(Failure::Decode(DecodeError::Truncated))));
    assert_eq!(length, 1);
}

/// What a worker that is killed inside its answer leaves, where nothing but the end of the stream ends it.
#[tokio::test(start_paused = true)]
async fn a_reset_ends_no_answer_unless_a_body_was_left_unread() {
    for (body, whole) in [(RequestBody::Empty, false), (full(5), true)] {
        let length = if whole { 5 } else { 0 };
        let (mut pump, mut peer) = raw(body, length);
        tokio::spawn(async move {
            peer.readable().await.unwrap();
            peer.write_all(b"HTTP/1.1 200 OK\r\n\r\nhel").await.unwrap();
            // Unread bytes make the close a reset.
        });
        assert!(matches!(next(&mut pump).await, Ok(Event::Head(_))));
        let (length, end) = rest(&mut pump).await;
        assert_eq!((length, end.is_ok()), (3, whole));
    }
}
