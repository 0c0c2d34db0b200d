//! A socket with workers behind it.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::pages;
use crate::framed::{Connection, Error};
use crate::protocol::fastcgi::{Capabilities, Role};
use crate::protocol::{Limits, fastcgi, scgi, uwsgi};
use crate::transport::{Address, ListenError, Listener, Stream};

/// Workers that answer on a unix socket. Dropped: they stop in the middle of whatever they do, soon.
#[derive(Debug)]
pub struct Pool {
    address: Address,
    workers: JoinSet<()>,
}

/// What a pool speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// FastCGI; connections are kept when the gateway asks for it.
    FastCgi,
    /// uwsgi; a connection per request, as with uWSGI.
    Uwsgi,
    /// SCGI; a connection per request.
    Scgi,
}

impl Pool {
    /// Listens at `path` and starts the workers. To be called inside a tokio runtime.
    pub fn start(protocol: Protocol, path: &Path, workers: NonZeroUsize) -> Result<Self, ListenError> {
        let address = Address::Unix(path.to_owned());
        let listener = Arc::new(Listener::bind(&address, BACKLOG)?);
        let mut running = JoinSet::new();
        for _ in 0..workers.get() {
            running.spawn(work(listener.clone(), protocol, workers));
        }
        Ok(Self {
            address,
            workers: running,
        })
    }

    /// Stops the workers in the middle of whatever they do; the socket is gone afterwards.
    pub async fn stop(mut self) {
        self.workers.shutdown().await;
    }

    /// Where the pool listens.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::FastCgi, Self::Uwsgi, Self::Scgi];

    /// The name in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FastCgi => "fastcgi",
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "scgi",
        }
    }

    fn connection(self, stream: Stream, workers: NonZeroUsize) -> Connection<Stream> {
        let limits = Limits {
            block: BLOCK,
            params: PARAMS,
            ..Limits::default()
        };
        match self {
            Self::FastCgi => {
                let workers = u32::try_from(workers.get()).ok();
                let capabilities = Capabilities {
                    max_conns: workers,
                    max_reqs: workers,
                    mpxs_conns: Some(false),
                };
                let application = fastcgi::Application::new(&[Role::Responder], capabilities, limits);
                Connection::new(stream, application)
            }
            Self::Uwsgi => Connection::new(stream, uwsgi::Application::new(0, false, limits)),
            Self::Scgi => Connection::new(stream, scgi::Application::new(limits)),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One worker: one connection after the other, as long as each lasts.
async fn work(listener: Arc<Listener>, protocol: Protocol, workers: NonZeroUsize) {
    loop {
        let stream = match listener.accept().await {
            Ok(accepted) => accepted.stream,
            Err(error) => {
                tracing::warn!(%protocol, %error, "demo worker cannot accept");
                tokio::time::sleep(EXHAUSTED).await;
                continue;
            }
        };
        let connection = protocol.connection(stream, workers).patience(PATIENCE);
        if let Err(error) = serve(connection, workers).await {
            tracing::debug!(%protocol, %error, "demo worker gave up a connection");
        }
    }
}

async fn serve(mut connection: Connection<Stream>, workers: NonZeroUsize) -> Result<(), Error> {
    while let Some(request) = connection.request().await? {
        match pages::answer(&request, &mut connection, workers).await {
            // Not the connection's end.
            Err(Error::Aborted) => {}
            answered => answered?,
        }
    }
    Ok(())
}

/// Connections that wait for a worker in the kernel: what PHP-FPM asks for unless configured.
const BACKLOG: u32 = 511;

/// Bytes of a request's variables: more than any front end sends, so that nothing is lost for their sake.
const BLOCK: usize = 1 << 20;

/// Variables of a request.
const PARAMS: usize = 10_000;

/// The longest wait for a gateway to go on: one that hangs must not hold a worker.
const PATIENCE: Duration = Duration::from_secs(6);

/// Pause after an accept that failed for lack of descriptors.
const EXHAUSTED: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const ONE: NonZeroUsize = NonZeroUsize::MIN;

    /// An SCGI request for `path`.
    fn scgi(path: &str) -> Vec<u8> {
        let block = format!("CONTENT_LENGTH\x000\0SCGI\x001\0REQUEST_METHOD\0GET\0PATH_INFO\0{path}\0");
        format!("{}:{block},", block.len()).into_bytes()
    }

    async fn connect(pool: &Pool) -> Stream {
        crate::transport::connect(pool.address(), Duration::from_secs(5))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn more_connections_than_workers_wait_their_turn() {
        let dir = tempfile::tempdir().unwrap();
        let pool = Pool::start(Protocol::Scgi, &dir.path().join("x.sock"), ONE).unwrap();
        let mut first = connect(&pool).await;
        let mut second = connect(&pool).await;
        second.write_all(&scgi("/head-test")).await.unwrap();
        let (mut answer, request) = (String::new(), scgi("/noread"));
        tokio::select! {
            biased;
            _ = second.read_to_string(&mut answer) => panic!("the only worker is taken by the first"),
            written = first.write_all(&request) => written.unwrap(),
        }
        first.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("\r\n\r\nignored\n"), "{answer}");
        second.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("\r\n\r\n0123456789"), "{answer}");
    }

    #[tokio::test]
    async fn the_socket_goes_with_the_pool() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sock");
        let pool = Pool::start(Protocol::FastCgi, &path, ONE).unwrap();
        let _idle = connect(&pool).await;
        pool.stop().await;
        assert!(!path.exists());
    }
}
