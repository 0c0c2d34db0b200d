//! The stage of a connection that its peer has to announce: the header of the PROXY protocol.
//!
//! Nothing behind the header is read: whatever comes next begins with an untouched stream.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

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
    deadline: Instant,
) -> Option<Received> {
    let received = within_limits(stream, context, deadline).await;
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

async fn within_limits(
    stream: &mut Stream,
    context: &ConnectionContext,
    deadline: Instant,
) -> Result<Received, Failed> {
    let grace = context.current.service().edge_of(None).grace;
    tokio::select! {
        biased;
        received = read(stream) => received,
        () = tokio::time::sleep_until(deadline) => Err(Failed::Late),
        () = left(&context.leave, grace) => Err(Failed::Leaving),
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::UnixStream;

    use super::*;

    const LINE: &[u8] = b"PROXY TCP4 192.0.2.9 198.51.100.1 56324 443\r\n";

    /// With what is said of TLS.
    const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x1e\xc0\0\x02\x09\xc6\x33\x64\x01\xdc\x04\x01\xbb\
         \x20\0\x0f\x01\0\0\0\x01\x21\0\x07TLSv1.3";

    const FOLLOWS: &[u8] = b"\x16\x03\x01\x02\0\x01";

    #[tokio::test(start_paused = true)]
    async fn what_follows_a_header_is_left_wherever_that_is_split() {
        for header in [LINE, BINARY] {
            let whole = [header, FOLLOWS].concat();
            for at in 0..=whole.len() {
                let (mut peer, ours) = UnixStream::pair().unwrap();
                let mut stream = Stream::from(ours);
                let saying = async {
                    peer.write_all(&whole[..at]).await.unwrap();
                    // The first part is read as soon as nothing else is to be done.
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    peer.write_all(&whole[at..]).await.unwrap();
                };
                let (received, ()) = tokio::join!(read(&mut stream), saying);
                assert!(matches!(received, Ok(Received::Header(_))), "{at}");
                let mut follows = [0; FOLLOWS.len()];
                stream.read_exact(&mut follows).await.unwrap();
                assert_eq!(follows, FOLLOWS, "{at}");
            }
        }
    }
}
