//! Connections that switched protocols: bytes both ways, nothing looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::service::Connection;
use crate::transport::Notice;
use crate::upstream::Switched;

/// Bytes in each of the two buffers of a tunnel.
const BUFFER: usize = 16 * 1024;

/// A tunnel that the application has agreed to.
pub struct Tunnel {
    switched: Switched,
    over: Arc<Notice>,
}

impl Tunnel {
    /// The application's end. The tunnel is cut when it is `over`.
    pub fn new(switched: Switched, over: Arc<Notice>) -> Self {
        Self { switched, over }
    }

    /// Copies both ways until both ends have closed, or both are silent for too long. Ends quietly when a side never
    /// became a tunnel. Counts as its client's connection.
    pub async fn run(mut self, client: impl AsyncRead + AsyncWrite, _connection: Arc<Connection>) {
        let Some(backend) = self.switched.opened().await else {
            return;
        };
        let (client, to_client) = io::split(client);
        let (backend, to_backend) = io::split(backend);
        let moved = AtomicBool::new(false);
        let copied =
            async { tokio::try_join!(copy(client, to_backend, &moved), copy(backend, to_client, &moved)) };
        tokio::select! {
            // A reset is an ordinary end of a tunnel.
            _ = copied => {}
            () = silence(&moved, self.switched.silence) => {}
            () = self.over.given() => {}
        }
    }
}

/// Copies one way, the end included.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &AtomicBool,
) -> io::Result<()> {
    let mut bytes = vec![0; BUFFER];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        moved.store(true, Ordering::Relaxed);
        to.write_all(&bytes[..count]).await?;
    }
}

/// Ends when nothing has moved for a period: at the end of the next one at the latest.
async fn silence(moved: &AtomicBool, period: Duration) {
    loop {
        tokio::time::sleep(period).await;
        if !moved.swap(false, Ordering::Relaxed) {
            return;
        }
    }
}
