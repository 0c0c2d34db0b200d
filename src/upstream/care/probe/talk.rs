//! One question and its answer on a connection of its own.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::task::{Context, Poll};

use bytes::BytesMut;

use super::verdict::{Cause, Verdict};
use crate::transport::Stream;
use crate::upstream::model::config::EndpointConfig;
use crate::upstream::wire::announcement::Announcement;
use crate::upstream::wire::connection::Connection;
use crate::upstream::wire::dialer::Dialer;

/// What listens to an answer.
pub(super) trait Listen {
    /// What the answer comes to.
    type Heard;

    /// Takes what it understands off `received`. `Break` when it knows enough.
    fn hear(&mut self, received: &mut BytesMut) -> ControlFlow<Self::Heard>;

    /// What it means that there is no more, in good order.
    fn end(&mut self) -> Self::Heard;

    /// What it means that the connection broke, or that it talks too much.
    fn broken(&mut self, cause: Cause) -> Self::Heard;
}

/// A connection, or what it means that there is none. The caller limits the time.
pub(super) async fn open(dialer: &Dialer, endpoint: &EndpointConfig) -> Result<Stream, Verdict> {
    open_announced(dialer, endpoint, &Announcement::default()).await
}

/// The same, where the endpoint is told whose it is.
pub(super) async fn open_announced(
    dialer: &Dialer,
    endpoint: &EndpointConfig,
    announcement: &Announcement,
) -> Result<Stream, Verdict> {
    // A unix socket connects at once. Any timeout of ours is shorter than this.
    Ok(dialer.connect(endpoint, announcement, NEVER).await?)
}

/// Sends what is queued, and reads until `listener` knows enough. The caller limits the time.
pub(super) async fn talk<L: Listen>(connection: &mut Connection, listener: &mut L) -> L::Heard {
    let mut heard = 0;
    poll_fn(|cx| poll(connection, listener, &mut heard, cx)).await
}

fn poll<L: Listen>(
    connection: &mut Connection,
    listener: &mut L,
    heard: &mut usize,
    cx: &mut Context<'_>,
) -> Poll<L::Heard> {
    loop {
        send(connection, cx);
        match std::task::ready!(connection.poll_read(cx)) {
            Ok(0) => return Poll::Ready(listener.end()),
            Err(error) => return Poll::Ready(listener.broken(Cause::Broken(error))),
            Ok(count) => *heard += count,
        }
        if let ControlFlow::Break(answer) = listener.hear(&mut connection.received) {
            return Poll::Ready(answer);
        }
        if *heard > MAX_ANSWER {
            return Poll::Ready(listener.broken(Cause::TooMuch(MAX_ANSWER)));
        }
    }
}

/// Writes what can be written. A peer that reads no more may have answered all the same.
fn send(connection: &mut Connection, cx: &mut Context<'_>) {
    while !connection.queue.is_empty() {
        match connection.poll_write(cx) {
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(_)) => connection.queue.clear(),
            Poll::Pending => return,
        }
    }
    // The next read tells of a failure, too.
    let _ = connection.poll_drain(cx);
}

/// Bytes of an answer that are listened to: a page that checks an application is smaller.
pub(super) const MAX_ANSWER: usize = 64 * 1024;

const NEVER: std::time::Duration = std::time::Duration::from_secs(3_600);
