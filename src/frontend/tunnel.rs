//! Connections that switched protocols: bytes both ways, nothing looked at.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWriteExt, copy_bidirectional_with_sizes};

use crate::upstream::Switched;

/// Bytes in each of the two buffers of a tunnel.
const BUFFER: usize = 16 * 1024;

/// Ends a connection that was not switched. hyper leaves the close of a connection to whoever could have got it,
/// and only a close in good order lets the client read its answer; a connection that goes on ends this at once.
pub async fn decline(client: OnUpgrade) {
    if let Ok(client) = client.await {
        // Gone already is as good.
        let _ = TokioIo::new(client).shutdown().await;
    }
}

/// Copies both ways until both ends have closed. Ends quietly when a side never became a tunnel.
pub async fn run(client: OnUpgrade, mut switched: Switched) {
    let (Ok(client), Ok(backend)) = (client.await, (&mut switched.upgraded).await) else {
        return;
    };
    let (mut client, mut backend) = (TokioIo::new(client), TokioIo::new(backend));
    // A reset is an ordinary end of a tunnel.
    let _ = copy_bidirectional_with_sizes(&mut client, &mut backend, BUFFER, BUFFER).await;
}
