//! Accepts connections, on listeners that come and go while it runs.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::task::JoinHandle;

use super::accept_failures::AcceptFailures;
use super::config::{self, ProxyProtocol};
use super::connection_limit::ConnectionLimit;
use super::current::Current;
use super::edge::{self, ConnectionContext, Prologue, Securing};
use super::handshake_limit::HandshakeLimit;
use super::listener_id::ListenerId;
use super::service::Service;
use crate::transport::tls::TlsAcceptor;
use crate::transport::{Accepted, Latch, Listener};

/// Pause after an accept that failed for lack of descriptors or memory: trying at once only burns the CPU.
const EXHAUSTED: Duration = Duration::from_millis(100);

/// The listening of a gateway, and what stands behind them.
pub struct Server {
    current: Arc<Current>,
    limit: Arc<ConnectionLimit>,
    handshakes: Arc<HandshakeLimit>,
    failures: Arc<AcceptFailures>,
    listening: Vec<Listening>,
    /// The tasks of listening that are being closed.
    closing: Vec<JoinHandle<()>>,
}

/// One listener with the task that accepts.
pub struct Listening {
    config: config::Listener,
    /// The socket.
    pub listener: Arc<Listener>,
    leave: Arc<Latch>,
    announced: Arc<ArcSwapOption<ProxyProtocol>>,
    securing: Arc<ArcSwapOption<Securing>>,
    task: JoinHandle<()>,
}

impl Listening {
    /// What the configuration says of it.
    pub fn config(&self) -> &config::Listener {
        &self.config
    }

    /// Connections from now on are as another configuration says.
    pub fn configure(&mut self, config: config::Listener) {
        self.announced.store(announced(&config));
        self.config = config;
    }
}

/// Whose connections are announced; `None`: none is, and nothing is asked of a connection.
fn announced(config: &config::Listener) -> Option<Arc<ProxyProtocol>> {
    let proxy_protocol = &config.proxy_protocol;
    (!proxy_protocol.from.is_empty()).then(|| Arc::new(proxy_protocol.clone()))
}

impl Server {
    /// Without a listening: nothing is accepted yet. `limit` limits the client connections, `handshakes` those of them that
    /// are in a handshake.
    pub fn new(service: Arc<Service>, limit: usize, handshakes: usize) -> Self {
        let counters = service.context.counters.clone();
        Self {
            current: Arc::new(Current::new(service)),
            limit: Arc::new(ConnectionLimit::new(limit, counters.clone())),
            handshakes: Arc::new(HandshakeLimit::new(handshakes)),
            failures: Arc::new(AcceptFailures::new(counters)),
            listening: Vec::new(),
            closing: Vec::new(),
        }
    }

    /// Accepts from now on, with TLS if `acceptor` says how. To be called inside a tokio runtime.
    pub fn open(&mut self, config: config::Listener, listener: Listener, acceptor: Option<Arc<TlsAcceptor>>) {
        let listener = Arc::new(listener);
        let leave = Arc::new(Latch::default());
        let announced = Arc::new(ArcSwapOption::new(announced(&config)));
        let securing = Arc::new(ArcSwapOption::new(self.securing(acceptor)));
        let others = self.listening.iter().map(|listening| &listening.config.address);
        let id = ListenerId::behind(others, &config.address);
        let acceptor = Acceptor {
            listener: listener.clone(),
            limit: self.limit.clone(),
            failures: self.failures.clone(),
            context: ConnectionContext {
                current: self.current.clone(),
                leave: leave.clone(),
                listener: Some(Arc::new(id)),
            },
            announced: announced.clone(),
            securing: securing.clone(),
        };
        let task = tokio::spawn(acceptor.accept());
        self.listening.push(Listening {
            config,
            listener,
            leave,
            announced,
            securing,
            task,
        });
    }

    /// Connections from now on speak TLS as these say, one for each listening; `handshakes` limits those that are in a
    /// handshake.
    pub fn secure(&mut self, acceptors: Vec<Option<Arc<TlsAcceptor>>>, handshakes: usize) {
        if handshakes != self.handshakes.limit() {
            self.handshakes = Arc::new(HandshakeLimit::new(handshakes));
        }
        for (listening, acceptor) in self.listening.iter().zip(acceptors) {
            listening.securing.store(self.securing(acceptor));
        }
    }

    fn securing(&self, acceptor: Option<Arc<TlsAcceptor>>) -> Option<Arc<Securing>> {
        let limit = self.handshakes.clone();
        acceptor.map(|acceptor| Arc::new(Securing { acceptor, limit }))
    }

    /// The open listening.
    pub fn listening(&self) -> &[Listening] {
        &self.listening
    }

    /// The same, to note a change of their settings.
    pub fn listening_mut(&mut self) -> &mut [Listening] {
        &mut self.listening
    }

    /// Answers requests with another service, those on kept connections included.
    pub fn replace(&self, service: Arc<Service>, limit: usize) {
        self.current.replace(service);
        self.limit.limit(limit);
    }

    /// Closes the listeners that are not to `stay`. Clients that wait there in the kernel are still let in, unless another
    /// process listens on the same socket; and those that came through them leave without losing a request.
    pub fn close(&mut self, stay: impl FnMut(&Listening) -> bool) {
        let (stay, gone): (Vec<_>, Vec<_>) = self.listening.drain(..).partition(stay);
        self.listening = stay;
        self.closing.retain(|task| !task.is_finished());
        for Listening { leave, task, .. } in gone {
            leave.set();
            self.closing.push(task);
        }
    }

    /// Waits until all that are being closed are closed, and the last client has left.
    pub async fn empty(&mut self) {
        for task in &mut self.closing {
            if !task.is_finished() {
                let _ = task.await;
            }
        }
        self.limit.empty().await;
    }

    /// Client connections.
    pub fn connections(&self) -> usize {
        self.limit.taken()
    }
}

/// What accepts at one listening.
struct Acceptor {
    listener: Arc<Listener>,
    limit: Arc<ConnectionLimit>,
    failures: Arc<AcceptFailures>,
    context: ConnectionContext,
    /// In force for connections from now on.
    announced: Arc<ArcSwapOption<ProxyProtocol>>,
    /// The same.
    securing: Arc<ArcSwapOption<Securing>>,
}

impl Acceptor {
    async fn accept(self) {
        let leave = self.context.leave.clone();
        let mut closed = pin!(leave.wait());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut closed => break,
                accepted = self.next() => accepted,
            };
            match accepted {
                Ok(accepted) => self.admit(accepted),
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    self.failures.happened(&error, self.listener.address());
                    tokio::time::sleep(EXHAUSTED).await;
                }
            }
        }
        self.listener.retire();
        while let Some(accepted) = self.listener.waiting() {
            self.admit(accepted);
        }
    }

    async fn next(&self) -> io::Result<Accepted> {
        self.limit.ready().await;
        self.listener.accept().await
    }

    fn admit(&self, accepted: Accepted) {
        let (context, permit) = (self.context.clone(), self.limit.take());
        let prologue = Prologue {
            announced: self.is_announced(accepted.peer),
            securing: self.securing.load_full(),
        };
        match prologue.is_empty() {
            true => tokio::spawn(edge::serve(accepted, context, permit)),
            false => tokio::spawn(edge::serve_after(prologue, accepted, context, permit)),
        };
    }

    /// Whether a peer has to announce its connections.
    fn is_announced(&self, peer: Option<SocketAddr>) -> bool {
        let announced = self.announced.load();
        announced
            .as_ref()
            .is_some_and(|announced| announced.is_from(peer))
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
