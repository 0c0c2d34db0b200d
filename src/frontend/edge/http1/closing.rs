//! What a connection reads and drops: the rest of a request that nothing wants, and what a client still sends when its
//! connection was ended.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Http1;
use crate::frontend::edge::state::ConnectionState;
use crate::protocol::http1::{BodyPart, Rest};
use crate::transport::Deadline;

/// How long nothing may come from a client that is lingered for: nginx's lingering_timeout.
const SILENCE: Duration = Duration::from_secs(5);

impl Http1 {
    /// Reads and drops the rest of a request, so that a client that takes its answer only when it has sent everything
    /// comes to that.
    pub(super) fn poll_drop_unread(&mut self, cx: &mut Context<'_>) {
        let mut all = u64::MAX;
        self.poll_drop(cx, &mut all);
    }

    /// Reads and drops as many bytes of the rest of a request; counts them off.
    pub(super) fn poll_drop(&mut self, cx: &mut Context<'_>, most: &mut u64) {
        let (Some(reader), Some(unread)) = (&mut self.reader, &mut self.unread) else {
            return;
        };
        let (body, rest @ Rest::Unread(_)) = &mut **unread else {
            return;
        };
        loop {
            match body.decode(&mut reader.bytes) {
                Ok(Some(BodyPart::Data(_))) => {}
                Ok(None) if *most == 0 => return,
                Ok(None) => match reader.poll_upload(cx, true) {
                    Poll::Ready(Ok(count @ 1..)) => *most = most.saturating_sub(count as u64),
                    Poll::Ready(_) => break,
                    Poll::Pending => return,
                },
                Ok(Some(BodyPart::End(_))) | Err(_) => break,
            }
        }
        *rest = if body.is_done() { Rest::Taken } else { Rest::Broken };
    }

    /// Reads and drops the rest of a body; its size is known and small. Whether the connection goes on.
    pub(super) async fn discard(&mut self) -> bool {
        let limit = self.settings.timeouts().body;
        let dropped = poll_fn(|cx| {
            self.poll_drop_unread(cx);
            match self.unread.as_ref().map(|unread| unread.1) {
                Some(Rest::Unread(_)) => Poll::Pending,
                Some(Rest::Taken) | None => Poll::Ready(true),
                Some(Rest::Broken) => Poll::Ready(false),
            }
        });
        let dropped = tokio::time::timeout(limit, dropped).await;
        self.unread = None;
        dropped == Ok(true)
    }

    /// Ends our direction, and reads and drops what the client still sends. A socket that is closed with unread bytes is
    /// reset, and the reset destroys the answer on its way (RFC 9112, section 9.6).
    pub(super) async fn linger(mut self: Box<Self>) {
        self.writer.shut();
        self.stage
            .enter(ConnectionState::Closing, self.settings.timeouts());
        let mut silence = Deadline::never();
        poll_fn(|cx| {
            loop {
                if self.stage.poll_late(cx).is_ready() {
                    return Poll::Ready(());
                }
                // The exchange may still have the reading side, or give it back only with its end.
                if let Some(home) = &self.home {
                    home.watch(cx);
                }
                self.reclaim();
                let Some(reader) = &mut self.reader else {
                    return Poll::Pending;
                };
                reader.bytes.clear();
                match reader.poll_fill(cx) {
                    Poll::Ready(Ok(1..)) => silence.clear(),
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => {
                        reader.park();
                        break;
                    }
                }
            }
            if !silence.is_set() {
                silence.set(SILENCE);
            }
            silence.poll(cx)
        })
        .await;
    }
}
