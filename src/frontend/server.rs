//! Accepts connections, and ends with the last of them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::connection;
use super::service::Service;
use crate::transport::Listener;

/// Pause after an accept that failed for lack of descriptors or memory: trying at once only burns the CPU.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// Serves on all listeners until `stop` says so, then closes them and waits for open exchanges, at most for
/// the drain time. What is still open then is cut; the number of such connections is given, or of answers
/// without one.
pub async fn run(listeners: Vec<Listener>, service: Arc<Service>, mut stop: watch::Receiver<bool>) -> usize {
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| tokio::spawn(accept(listener, service.clone(), stop.clone(), alive.clone())))
        .collect();
    drop(alive);
    // An error means that nobody can ask for a stop any more: that is one.
    let _ = stop.wait_for(|stop| *stop).await;
    for task in accepting {
        let _ = task.await;
    }
    let drained = async {
        // Nothing is ever sent: the channel ends with the last connection.
        let _ = all_gone.recv().await;
        // Some applications finish without their clients.
        service.relays.finished().await;
    };
    let _ = tokio::time::timeout(service.config.timeouts.drain, drained).await;
    let connections = usize::try_from(service.counters.connections_open.value()).unwrap_or(usize::MAX);
    connections.max(service.relays.running())
}

async fn accept(
    listener: Listener,
    service: Arc<Service>,
    mut stop: watch::Receiver<bool>,
    alive: mpsc::Sender<()>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(stream) => {
                let (service, stop, alive) = (service.clone(), stop.clone(), alive.clone());
                tokio::spawn(async move {
                    connection::serve(stream, service, stop).await;
                    drop(alive);
                });
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::error!(listener = %listener.address(), %error, "cannot accept");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

/// Errors that only tell that the peer left early (accept(2)).
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NotConnected};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted | NotConnected
    )
}
