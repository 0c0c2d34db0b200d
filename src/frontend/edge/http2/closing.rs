//! The end of a connection: what is left to say, and what the client still sends.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How a connection ends.
pub(super) struct Closing {
    /// What the client is sent last.
    pub(super) farewell: Option<Vec<u8>>,
    /// How long that, and what the client still sends, may take.
    pub(super) limit: Duration,
    /// How long nothing may come.
    pub(super) silence: Duration,
    /// Bytes that are read and dropped.
    pub(super) discard: u64,
}

/// Bytes of one read.
const PIECE: usize = 4 * 1024;

impl Closing {
    /// Ends our direction, and reads and drops what the client still sends. A socket that is closed with unread bytes is
    /// reset, and the reset destroys on its way what the client was told last.
    pub(super) async fn run(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let limit = self.limit;
        // Neither late nor broken makes a difference now.
        let _ = timeout(limit, async move {
            if let Some(frame) = self.farewell {
                stream.write_all(&frame).await?;
            }
            stream.shutdown().await?;
            let mut piece = vec![0; PIECE];
            let mut dropped = 0;
            while dropped < self.discard
                && let Ok(Ok(count @ 1..)) = timeout(self.silence, stream.read(&mut piece)).await
            {
                dropped += count as u64;
            }
            std::io::Result::Ok(())
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::time::Instant;

    use super::*;

    fn closing() -> Closing {
        Closing {
            farewell: Some(b"farewell".to_vec()),
            limit: Duration::from_secs(30),
            silence: Duration::from_secs(5),
            discard: 1000,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_client_is_told_and_what_it_sends_is_dropped() {
        let (mut client, ours) = duplex(64);
        let closed = tokio::spawn(closing().run(ours));
        let mut told = Vec::new();
        client.read_to_end(&mut told).await.unwrap();
        assert_eq!(told, b"farewell");
        client.write_all(&[0; 500]).await.unwrap();
        drop(client);
        closed.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_goes_on_is_read_up_to_a_limit() {
        let (mut client, ours) = duplex(64);
        tokio::spawn(closing().run(ours));
        let mut sent = 0;
        while client.write_all(&[0; 64]).await.is_ok() {
            sent += 64;
        }
        assert!((1000..2000).contains(&sent), "{sent}");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it_and_so_does_a_client_that_takes_nothing() {
        for (room, seconds) in [(64, 5), (4, 30)] {
            let (client, ours) = duplex(room);
            let start = Instant::now();
            closing().run(ours).await;
            assert_eq!(start.elapsed().as_secs(), seconds);
            drop(client);
        }
    }
}
