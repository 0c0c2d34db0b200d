//! The first stage of a connection that its peer has to announce: the header of the PROXY protocol.
//!
//! Nothing behind the header is read: whatever comes next begins with an untouched stream.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;

use super::ConnectionContext;
use crate::frontend::forwarded::Connected;
use crate::protocol::peer::Peer;
use crate::protocol::proxy_protocol::{Header, HeaderError, MAX_HEADER, decode};
use crate::telemetry::Reason;
use crate::transport::{Latch, Stream};

/// What became of a connection that was to begin with a header.
pub(super) enum Received {
    /// It is complete, and nothing behind it was read.
    Header(Header),
    /// There is none; this was read instead.
    Wrong(HeaderError, BytesMut),
}

/// Reads the header; `None`: there is no connection any more.
pub(super) async fn receive(
    stream: &mut Stream,
    context: &ConnectionContext,
    connected: &Connected,
) -> Option<Received> {
    let received = within_limits(stream, context).await;
    received.map_err(|failed| tell(&failed, connected)).ok()
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the peer closed in front of the end of its header")]
    Closed,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the header of the PROXY protocol was not complete within `timeouts.handshake`")]
    Late,
    #[error("the listener is closed")]
    Leaving,
}

async fn within_limits(stream: &mut Stream, context: &ConnectionContext) -> Result<Received, Failed> {
    // Not the service: requests are for the one that is in force when they begin.
    let timeouts = context.current.service().edge.timeouts;
    tokio::select! {
        biased;
        received = read(stream) => received,
        () = tokio::time::sleep(timeouts.handshake) => Err(Failed::Late),
        () = left(&context.leave, timeouts.grace) => Err(Failed::Leaving),
    }
}

/// Ready when the listener was closed, and a client has had its time to send a request all the same.
async fn left(leave: &Latch, grace: Duration) {
    leave.wait().await;
    tokio::time::sleep(grace).await;
}

async fn read(stream: &mut Stream) -> Result<Received, Failed> {
    let mut bytes = BytesMut::new();
    loop {
        let held = bytes.len();
        bytes.resize(MAX_HEADER, 0);
        let count = stream.peek(&mut bytes[held..]).await?;
        bytes.truncate(held + count);
        if count == 0 {
            return Err(Failed::Closed);
        }
        let decoded = decode(&bytes);
        // All is the header's until that is complete; and all is looked at when it is none.
        let length = match &decoded {
            Ok(Some((_, length))) => *length,
            Ok(None) | Err(_) => bytes.len(),
        };
        stream.read_exact(&mut bytes[held..length]).await?;
        match decoded {
            Ok(Some((header, _))) => return Ok(Received::Header(header)),
            Ok(None) => {}
            Err(error) => return Ok(Received::Wrong(error, bytes)),
        }
    }
}

/// Health checks of load balancers connect and leave: none of it is worth a line where operators look.
fn tell(failed: &Failed, connected: &Connected) {
    let reason = match failed {
        Failed::Closed | Failed::Io(_) | Failed::Leaving => Reason::ClientGone,
        Failed::Late => Reason::HandshakeTimeout,
    };
    let peer = connected.remote().map_or("unix", Peer::ip_text);
    tracing::debug!(reason = reason.as_str(), peer, error = %failed, "no connection");
}
