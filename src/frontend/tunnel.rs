//! Connections that switched protocols: bytes both ways, nothing looked at.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional_with_sizes;

/// Bytes in each of the two buffers of a tunnel.
const BUFFER: usize = 16 * 1024;

/// Copies both ways until both ends have closed. Ends quietly when a side never became a tunnel.
pub async fn run(client: OnUpgrade, backend: OnUpgrade) {
    let (Ok(client), Ok(backend)) = (client.await, backend.await) else {
        return;
    };
    let (mut client, mut backend) = (TokioIo::new(client), TokioIo::new(backend));
    // A reset is an ordinary end of a tunnel.
    let _ = copy_bidirectional_with_sizes(&mut client, &mut backend, BUFFER, BUFFER).await;
}
