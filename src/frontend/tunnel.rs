//! Connections that switched protocols: bytes both ways, nothing looked at.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::connection::Connection;
use super::limits::Held;
use crate::protocol::request::RequestId;
use crate::telemetry::Reason;
use crate::transport::Deadline;
use crate::upstream::{Switched, Upstream};

/// Bytes that are taken at once. They are held only as long as the other end does not take them.
const PIECE: usize = 16 * 1024;

/// A tunnel that the application has agreed to.
pub struct Tunnel {
    switched: Switched,
    /// Lives as long as its last tunnel, so that it can be told when it has left the configuration.
    upstream: Arc<Upstream>,
    silence: Duration,
    id: RequestId,
    /// Where its request counts as long as it is under way.
    held: Vec<Held>,
}

/// What a tunnel has done when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Account {
    end: End,
    from_client: u64,
    from_application: u64,
}

/// Why a tunnel ended; the side is the one that ended first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Both sides have closed in good order.
    Closed(Side),
    /// One side is gone without a word.
    Reset(Side),
    /// Nothing has moved for too long.
    Silent,
    /// The upstream has left the configuration, and the time of what was under way is over.
    Retired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Application,
}

impl Tunnel {
    /// The application's end. The tunnel is cut when its upstream is retired, and when nothing has moved in either direction
    /// for the time of `silence`. `id` names the request that asked for it.
    pub fn new(switched: Switched, upstream: Arc<Upstream>, silence: Duration, id: RequestId) -> Self {
        Self {
            switched,
            upstream,
            silence,
            id,
            held: Vec::new(),
        }
    }

    /// Its request goes on to count until it ends.
    pub(super) fn hold(&mut self, held: Vec<Held>) {
        self.held = held;
    }

    /// Copies both ways until both ends have closed, one of them is gone, or the tunnel is cut. Counts as its client's
    /// connection.
    pub async fn run(self, client: impl AsyncRead + AsyncWrite, _connection: Arc<Connection>) {
        let Self {
            switched,
            upstream,
            silence,
            id,
            held: _held,
        } = self;
        let started = Instant::now();
        let account = tunnel(client, switched, silence, upstream.retired().wait()).await;
        tracing::info!(
            request = %id,
            reason = account.end.reason().as_str(),
            seconds = started.elapsed().as_secs_f64(),
            from_client = account.from_client,
            from_application = account.from_application,
            "tunnel ended"
        );
    }
}

impl End {
    /// The word in the log.
    fn reason(self) -> Reason {
        match self {
            Self::Closed(Side::Client) => Reason::ClientClosed,
            Self::Closed(Side::Application) => Reason::BackendClosed,
            Self::Reset(Side::Client) => Reason::ClientGone,
            Self::Reset(Side::Application) => Reason::BackendGone,
            Self::Silent => Reason::TunnelTimeout,
            Self::Retired => Reason::Retired,
        }
    }
}

async fn tunnel(
    client: impl AsyncRead + AsyncWrite,
    application: impl AsyncRead + AsyncWrite,
    silence: Duration,
    retired: impl Future<Output = ()>,
) -> Account {
    let (client, application) = (pin!(client), pin!(application));
    let mut both = Both::new(client, application, silence);
    let end = tokio::select! {
        end = poll_fn(|cx| both.poll(cx)) => end,
        () = retired => End::Retired,
    };
    Account {
        end,
        from_client: both.up.moved,
        from_application: both.down.moved,
    }
}

/// The two directions and what they have in common.
struct Both<'a, C, A> {
    client: Pin<&'a mut C>,
    application: Pin<&'a mut A>,
    up: Way,
    down: Way,
    silence: Duration,
    deadline: Deadline,
    /// The side that closed first.
    first: Option<Side>,
}

/// One direction.
#[derive(Default)]
struct Way {
    /// Read, and not yet taken by the other end.
    held: BytesMut,
    /// Written, perhaps not yet on its way.
    unflushed: bool,
    state: TunnelState,
    /// Bytes so far.
    moved: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum TunnelState {
    #[default]
    Open,
    /// There is no more to read; the other end is to be told.
    Ended,
    /// The other end was told.
    Over,
    /// The other end takes no more.
    Refused,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Client => Self::Application,
            Self::Application => Self::Client,
        }
    }
}

impl<'a, C: AsyncRead + AsyncWrite, A: AsyncRead + AsyncWrite> Both<'a, C, A> {
    fn new(client: Pin<&'a mut C>, application: Pin<&'a mut A>, silence: Duration) -> Self {
        let mut deadline = Deadline::never();
        deadline.set(silence);
        Self {
            client,
            application,
            up: Way::default(),
            down: Way::default(),
            silence,
            deadline,
            first: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let before = (self.up.moved, self.down.moved, self.held());
        for side in [Side::Client, Side::Application] {
            let polled = match side {
                Side::Client => self.up.poll(self.client.as_mut(), self.application.as_mut(), cx),
                Side::Application => self
                    .down
                    .poll(self.application.as_mut(), self.client.as_mut(), cx),
            };
            match polled {
                Poll::Ready(Err(_)) => return Poll::Ready(End::Reset(side)),
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
            if let Some(closed) = self.way(side).closed(side) {
                self.first.get_or_insert(closed);
            }
        }
        if let Some(side) = self.first.filter(|_| self.up.is_over() && self.down.is_over()) {
            return Poll::Ready(End::Closed(side));
        }
        if before != (self.up.moved, self.down.moved, self.held()) {
            self.deadline.set(self.silence);
        }
        self.deadline.poll(cx).map(|()| End::Silent)
    }

    fn way(&self, from: Side) -> &Way {
        match from {
            Side::Client => &self.up,
            Side::Application => &self.down,
        }
    }

    fn held(&self) -> (usize, usize) {
        (self.up.held.len(), self.down.held.len())
    }
}

impl Way {
    fn is_over(&self) -> bool {
        matches!(self.state, TunnelState::Over | TunnelState::Refused)
    }

    /// The side that closed, in the direction that comes from this one.
    fn closed(&self, from: Side) -> Option<Side> {
        match self.state {
            TunnelState::Open => None,
            TunnelState::Ended | TunnelState::Over => Some(from),
            TunnelState::Refused => Some(from.other()),
        }
    }

    /// Copies what can be copied, the end included. An error means that there is nothing more to read from a side that
    /// has not closed.
    fn poll(
        &mut self,
        mut from: Pin<&mut impl AsyncRead>,
        mut to: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_over() {
            if ready!(self.poll_settled(to.as_mut(), cx)).is_err() {
                self.give_up();
                break;
            }
            if self.state == TunnelState::Ended {
                // Gone already is as good.
                let _ = ready!(to.as_mut().poll_shutdown(cx));
                self.state = TunnelState::Over;
                break;
            }
            let mut space = [MaybeUninit::uninit(); PIECE];
            let mut piece = ReadBuf::uninit(&mut space);
            ready!(from.as_mut().poll_read(cx, &mut piece))?;
            match piece.filled() {
                [] => self.state = TunnelState::Ended,
                bytes => self.pass_on(bytes, to.as_mut(), cx),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes at once; holds what is not taken.
    fn pass_on(&mut self, mut bytes: &[u8], mut to: Pin<&mut impl AsyncWrite>, cx: &mut Context<'_>) {
        self.moved += bytes.len() as u64;
        self.unflushed = true;
        while !bytes.is_empty() {
            match to.as_mut().poll_write(cx, bytes) {
                Poll::Ready(Ok(count)) if count > 0 => bytes = &bytes[count..],
                Poll::Ready(_) => return self.give_up(),
                Poll::Pending => return self.held.extend_from_slice(bytes),
            }
        }
    }

    /// Ready when nothing that was read is still here.
    fn poll_settled(
        &mut self,
        mut to: Pin<&mut impl AsyncWrite>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            match ready!(to.as_mut().poll_write(cx, &self.held))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.held.advance(count),
            }
            if self.held.is_empty() {
                // Tunnels are many, and mostly silent.
                self.held = BytesMut::new();
            }
        }
        if self.unflushed {
            ready!(to.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// The other end takes no more. What it has said until then is still on its way: the other direction goes on, and
    /// finds out by itself whether it has an end.
    fn give_up(&mut self) {
        self.held = BytesMut::new();
        self.unflushed = false;
        self.state = TunnelState::Refused;
    }
}

#[cfg(test)]
mod tests;
