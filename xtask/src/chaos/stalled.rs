//! HTTP/2 clients that ask for answers and take nothing: no window at all, or drops of one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::load::block_on;
use crate::http2::{
    ACK, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, HTTP, PING, PREFACE, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, get, put,
};

/// What these clients ask for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Where ids begin.
    pub(crate) run: String,
    /// Path of the application.
    pub(crate) path: &'static str,
    /// Connections, each with [`STREAMS`] streams. Every other one gives its streams a little window, again and again.
    pub(crate) clients: usize,
    /// How long a stream may stay after its answer began.
    pub(crate) limit: Duration,
}

/// Clients on a thread of their own.
#[derive(Debug)]
pub(crate) struct Stalled {
    thread: JoinHandle<Result<Vec<String>>>,
}

/// One connection.
struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    drips: bool,
    limit: Duration,
    /// The streams that have not ended, with the time of their answers' heads.
    open: BTreeMap<u32, Option<Instant>>,
}

impl Stalled {
    /// Begins to ask.
    pub(crate) fn start(addr: SocketAddr, plan: Plan) -> Self {
        let thread = thread::spawn(move || block_on(clients(addr, plan)));
        Self { thread }
    }

    /// Waits until every stream was reset, or should have been. Gives what was not as it should be.
    ///
    /// # Errors
    ///
    /// When there was no runtime to send from.
    pub(crate) fn finish(self) -> Result<Vec<String>> {
        self.thread
            .join()
            .map_err(|_| anyhow!("the stalled clients panicked"))?
    }
}

async fn clients(addr: SocketAddr, plan: Plan) -> Vec<String> {
    let mut tasks = JoinSet::new();
    for number in 0..plan.clients {
        let plan = plan.clone();
        tasks.spawn_local(async move {
            let ended = match Client::ask(addr, &plan, number).await {
                Ok(client) => client.wait().await,
                Err(error) => Err(error),
            };
            ended
                .err()
                .map(|error| format!("{} {number}: {error:#}", plan.run))
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

impl Client {
    async fn ask(addr: SocketAddr, plan: &Plan, number: usize) -> Result<Self> {
        let mut stream = TcpStream::connect(addr).await.context("cannot connect")?;
        let mut wire = PREFACE.to_vec();
        put(SETTINGS, 0, 0, &NO_WINDOW, &mut wire);
        let ids = (1..).step_by(2).take(STREAMS);
        for id in ids.clone() {
            let Plan { run, path, .. } = plan;
            let target = format!("{path}?id={run}-{number}-{id}&bytes={ANSWER}&ms=1");
            let fields = get(HTTP, &target, "chaos.example");
            put(HEADERS, END_STREAM | END_HEADERS, id, &fields, &mut wire);
        }
        stream.write_all(&wire).await.context("cannot send")?;
        Ok(Self {
            stream,
            received: Vec::new(),
            drips: number % 2 == 1,
            limit: plan.limit,
            open: ids.map(|id| (id, None)).collect(),
        })
    }

    /// Until every stream was reset.
    async fn wait(mut self) -> Result<()> {
        let start = Instant::now();
        for pause in 1.. {
            let pause_ends = start + PAUSE * pause;
            while let Ok(read) = timeout_at(pause_ends.into(), self.stream.read_buf(&mut self.received)).await
            {
                if read.context("cannot read")? == 0 {
                    bail!("the connection was closed, with {:?} open", self.open);
                }
                self.hear().await?;
                if self.open.is_empty() {
                    return Ok(());
                }
            }
            self.complain(start)?;
            self.stir().await?;
        }
        Ok(())
    }

    async fn hear(&mut self) -> Result<()> {
        while let Some(frame) = Frame::take(&mut self.received)? {
            let Frame {
                kind,
                flags,
                stream,
                payload,
            } = frame;
            match kind {
                SETTINGS | PING if flags & ACK == 0 => {
                    let payload = if kind == PING { payload } else { Vec::new() };
                    self.send(kind, ACK, 0, &payload).await?;
                }
                HEADERS if flags & END_STREAM == 0 => {
                    self.open.insert(stream, Some(Instant::now()));
                }
                HEADERS => bail!("stream {stream} was answered without a body"),
                DATA if flags & END_STREAM != 0 => bail!("stream {stream} has ended without a window"),
                RST_STREAM => {
                    let begun = self.open.remove(&stream).flatten();
                    begun.with_context(|| format!("stream {stream} was reset before its answer"))?;
                }
                GOAWAY => bail!("GOAWAY: {payload:?}"),
                _ => {}
            }
        }
        Ok(())
    }

    /// What a client may do that takes nothing.
    async fn stir(&mut self) -> Result<()> {
        self.send(PING, 0, 0, b"stalling").await?;
        if self.drips {
            for stream in self.open.keys().copied().collect::<Vec<_>>() {
                self.send(WINDOW_UPDATE, 0, stream, &DROP).await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Result<()> {
        let mut wire = Vec::new();
        put(kind, flags, stream, payload, &mut wire);
        self.stream.write_all(&wire).await.context("cannot send")
    }

    /// An error when a stream is there for too long.
    fn complain(&self, start: Instant) -> Result<()> {
        for (stream, begun) in &self.open {
            match begun {
                Some(begun) if begun.elapsed() > self.limit => {
                    bail!(
                        "stream {stream} was not reset {:?} after its answer began",
                        self.limit
                    )
                }
                None if start.elapsed() > PATIENCE => {
                    bail!("stream {stream} has no answer after {PATIENCE:?}")
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Streams of one connection.
pub(crate) const STREAMS: usize = 3;

const ANSWER: usize = 1024 * 1024; // bytes: what the gateway and the kernel take of it leaves some
const NO_WINDOW: [u8; 6] = [0, 4, 0, 0, 0, 0]; // SETTINGS_INITIAL_WINDOW_SIZE = 0
const DROP: [u8; 4] = [0, 0, 0, 100]; // bytes each PAUSE: not enough for one more piece of an answer in its time
const PAUSE: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(60); // as long as requests may wait for a slot
