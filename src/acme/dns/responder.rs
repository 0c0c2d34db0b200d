//! What comes to the sockets of the responder.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::answer::{Answer, Way, answer};
use super::query::HEADER;
use super::rates::Rates;
use super::records::Records;
use super::sockets::DnsSockets;
use super::zones::Zones;

/// Bytes of a message that are read over UDP; questions with all that may stand behind them are shorter.
const PACKET: usize = 1232;

/// Bytes of a message over TCP, at most.
const MESSAGE: usize = 4096;

/// Connections at a time; others wait in the kernel.
const CONNECTIONS: usize = 32;

/// Questions of one connection, at most.
const QUESTIONS: usize = 32;

/// Until a message has come, or has gone (RFC 7766, section 6.2.3, leaves it to the server).
const PATIENCE: Duration = Duration::from_secs(5);

/// Until the next attempt, when the system has no descriptors or no memory.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers, as long as it runs.
#[derive(Debug)]
pub struct Responder {
    sockets: DnsSockets,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    zones: Zones,
    records: Records,
    connections: Arc<Semaphore>,
}

impl Responder {
    /// One that answers for `zones` with what `records` has at the time.
    pub fn new(sockets: DnsSockets, zones: Zones, records: Records) -> Self {
        let shared = Shared {
            zones,
            records,
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
        };
        Self {
            sockets,
            shared: Arc::new(shared),
        }
    }

    /// Answers until it is dropped. To be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the runtime cannot watch the sockets.
    pub async fn run(self) -> io::Result<()> {
        let mut tasks = JoinSet::new();
        for socket in self.sockets {
            let (udp, tcp) = (
                UdpSocket::from_std(socket.packets)?,
                TcpListener::from_std(socket.connections)?,
            );
            tasks.spawn(packets(udp, self.shared.clone()));
            tasks.spawn(connections(tcp, self.shared.clone()));
        }
        while tasks.join_next().await.is_some() {}
        Ok(())
    }
}

impl Shared {
    /// `None`: nothing is to be said, or the disk does not tell.
    async fn answer(&self, message: &[u8], way: Way) -> Option<Vec<u8>> {
        match answer(message, way, &self.zones) {
            Answer::None => None,
            Answer::Whole(answer) => Some(answer),
            Answer::Of(domain, pending) => match self.records.of(domain).await {
                Ok(texts) => Some(pending.with(&texts)),
                Err(error) => {
                    tracing::warn!(%error, "the DNS responder cannot read the records of challenges");
                    None
                }
            },
        }
    }
}

/// Answers what comes in packets, one after the other. An answer that the socket does not take at once is dropped: the asker asks again.
async fn packets(socket: UdpSocket, shared: Arc<Shared>) {
    let (mut rates, start) = (Rates::new(), Instant::now());
    let mut packet = [0; PACKET];
    loop {
        let (length, from) = match socket.recv_from(&mut packet).await {
            Ok(received) => received,
            Err(error) => {
                tracing::debug!(%error, "the DNS responder cannot read");
                sleep(PAUSE).await;
                continue;
            }
        };
        let Some(way) = rates.admit(from.ip(), start.elapsed()) else {
            continue;
        };
        if let Some(answer) = shared.answer(&packet[..length], way).await {
            let _ = socket.try_send_to(&answer, from);
        }
    }
}

/// Lets connections in, so many at a time.
async fn connections(listener: TcpListener, shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    loop {
        // Closed by none.
        let Ok(permit) = shared.connections.clone().acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = shared.clone();
                tasks.spawn(async move {
                    // What fails there is over, and not ours to mend.
                    let _ = connection(stream, &shared).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "the DNS responder cannot accept");
                sleep(PAUSE).await;
            }
        }
        while tasks.try_join_next().is_some() {}
    }
}

/// Answers what comes over one connection, one message after the other (RFC 1035, section 4.2.2).
async fn connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    for _ in 0..QUESTIONS {
        let message = timeout(PATIENCE, message(&mut stream)).await??;
        let Some(answer) = shared.answer(&message, Way::Tcp).await else {
            return Ok(());
        };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        let framed = [&length.to_be_bytes(), &answer[..]].concat();
        timeout(PATIENCE, stream.write_all(&framed)).await??;
    }
    Ok(())
}

async fn message(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let length = usize::from(stream.read_u16().await?);
    if !(HEADER..=MESSAGE).contains(&length) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::path::Path;

    use hickory_resolver::TokioResolver;
    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use hickory_resolver::proto::rr::{RData, RecordType};

    use super::*;
    use crate::acme::dns::{DnsConfig, DomainName};

    /// A responder that runs, and where.
    fn start(store: &Path) -> (SocketAddr, tokio::task::JoinHandle<io::Result<()>>) {
        let any = ["127.0.0.1:0".parse().unwrap()];
        let sockets = DnsSockets::open(&any, DnsSockets::default()).unwrap();
        let both = sockets.duplicate().unwrap().into_iter().next().unwrap();
        let address = both.packets.local_addr().unwrap();
        let zones = Zones::new(DnsConfig::default(), DomainName::new("shop.example"));
        (
            address,
            tokio::spawn(Responder::new(sockets, zones, Records::new(store)).run()),
        )
    }

    /// What a resolver that is not ours finds.
    async fn resolved(server: SocketAddr, over: fn() -> ConnectionConfig) -> Vec<String> {
        let mut connection = over();
        connection.port = server.port();
        let config = NameServerConfig::new(server.ip(), true, vec![connection]);
        let mut options = ResolverOpts::default();
        options.case_randomization = true;
        let config = ResolverConfig::from_name_servers(vec![config]);
        let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let resolver = resolver.with_options(options).build().unwrap();
        let found = resolver
            .lookup("_acme-challenge.shop.example.", RecordType::TXT)
            .await;
        let mut texts: Vec<_> = found
            .iter()
            .flat_map(|found| found.answers())
            .filter_map(|record| match &record.data {
                RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
                _ => None,
            })
            .collect();
        texts.sort();
        texts
    }

    #[tokio::test]
    async fn a_resolver_finds_a_challenge_by_packets_and_by_connections() {
        let store = tempfile::tempdir().unwrap();
        let (server, _running) = start(store.path());
        assert!(resolved(server, ConnectionConfig::udp).await.is_empty());
        let records = Records::new(store.path());
        records.publish("shop.example", "one").unwrap();
        records.publish("shop.example", "two").unwrap();
        assert_eq!(resolved(server, ConnectionConfig::udp).await, ["one", "two"]);
        assert_eq!(resolved(server, ConnectionConfig::tcp).await, ["one", "two"]);
    }

    #[tokio::test]
    async fn a_connection_that_speaks_something_else_is_closed() {
        let (server, _running) = start(Path::new("/nonexistent"));
        for said in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0, 3, 1, 2, 3]] {
            let mut stream = TcpStream::connect(server).await.unwrap();
            stream.write_all(said).await.unwrap();
            let mut read = Vec::new();
            // A reset is an end, too.
            let _ = stream.read_to_end(&mut read).await;
            assert!(read.is_empty());
        }
    }

    #[tokio::test]
    async fn one_that_no_longer_runs_answers_nothing() {
        let (server, running) = start(Path::new("/nonexistent"));
        TcpStream::connect(server).await.unwrap();
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        let closed = timeout(PATIENCE, async {
            while TcpStream::connect(server).await.is_ok() {
                // Its tasks end when the runtime comes to them.
                tokio::task::yield_now().await;
            }
        });
        closed.await.unwrap();
    }
}
