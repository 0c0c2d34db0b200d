//! What an operator can ask a running gateway for beyond signals: `bridgehead app restart NAME`.
//!
//! One line in, one line out, over a socket that is named after the process id in the abstract name space (unix(7)): it needs
//! no file and no setting. Such a socket has no mode either, so both sides look at whose process the other one is.

mod client;
mod request;

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::geteuid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub use client::ask;
pub use request::ControlRequest;

/// A request, and where its answer goes.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: ControlRequest,
    pub(super) answer: oneshot::Sender<Result<String, String>>,
}

/// Hears requests. Dropped: hears no more.
#[derive(Debug)]
pub(super) struct Control {
    asked: mpsc::Receiver<Asked>,
    task: JoinHandle<()>,
}

impl Control {
    /// Hears from now on. To be called inside a tokio runtime.
    pub(super) fn open() -> io::Result<Self> {
        let listener = StdListener::bind_addr(&address(std::process::id())?)?;
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener)?;
        let (sender, asked) = mpsc::channel(MOST);
        let task = tokio::spawn(listen(listener, sender));
        Ok(Self { asked, task })
    }

    /// The next request.
    pub(super) async fn next(&mut self) -> Asked {
        match self.asked.recv().await {
            Some(asked) => asked,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The name of the socket of a process.
fn address(pid: u32) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("bridgehead/control/{pid}"))
}

/// Whether a process of that user may ask, and may be asked.
fn is_trusted(user: u32) -> bool {
    user == 0 || user == geteuid().as_raw()
}

async fn listen(listener: UnixListener, sender: mpsc::Sender<Asked>) {
    let permits = Arc::new(Semaphore::new(MOST));
    while let Ok(permit) = permits.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let sender = sender.clone();
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, &sender).await {
                        tracing::debug!(%error, "a request of an operator");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "requests of operators cannot be heard");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn serve(mut stream: UnixStream, sender: &mpsc::Sender<Asked>) -> io::Result<()> {
    let user = stream.peer_cred()?.uid();
    if !is_trusted(user) {
        tracing::warn!(user, "a request of another user was refused");
        return Ok(());
    }
    let (read, mut write) = stream.split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(MAX_LINE));
    timeout(PATIENCE, read.read_line(&mut line)).await??;
    let outcome = match line.trim().parse::<ControlRequest>() {
        Ok(request) => {
            let (answer, outcome) = oneshot::channel();
            let sent = sender.send(Asked { request, answer }).await;
            let given_up = || Err("the gateway is ending".to_owned());
            match sent {
                Ok(()) => outcome.await.unwrap_or_else(|_| given_up()),
                Err(_) => given_up(),
            }
        }
        Err(error) => Err(error),
    };
    let (word, text) = match &outcome {
        Ok(text) => (FINE, text),
        Err(text) => (FAILED, text),
    };
    let answer = format!("{word} {}\n", text.replace('\n', " "));
    timeout(PATIENCE, write.write_all(answer.as_bytes())).await?
}

/// What an answer begins with.
const FINE: &str = "ok";
const FAILED: &str = "failed";

/// Requests at a time.
const MOST: usize = 8;

/// Bytes of a request.
const MAX_LINE: u64 = 256;

/// For a request to come, and for its answer to go.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_heard_and_answered() {
        let mut control = Control::open().unwrap();
        let asking = |text: &str| {
            let request = text.parse::<ControlRequest>().unwrap();
            tokio::task::spawn_blocking(move || ask(std::process::id(), &request))
        };
        for outcome in [Ok("it serves".to_owned()), Err("no\nsuch".to_owned())] {
            let asked = asking("restart shop");
            let Asked { request, answer } = control.next().await;
            assert_eq!(request, ControlRequest::Restart("shop".to_owned()));
            answer.send(outcome.clone()).unwrap();
            let heard = asked.await.unwrap().unwrap();
            assert_eq!(heard, outcome.map_err(|text| text.replace('\n', " ")));
        }
    }
}
