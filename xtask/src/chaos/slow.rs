//! Clients that take their time: uploads in small pieces, answers read in small pieces, until they may finish.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{PATIENCE, connect_narrow, finish};
use super::load::block_on;
use super::request::Request;
use super::sample::{Outcome, Sample};

/// As many slow uploaders as slow readers, on a thread of their own.
#[derive(Debug)]
pub(crate) struct Slow {
    thread: JoinHandle<Result<Vec<Sample>>>,
    may_finish: watch::Sender<bool>,
    under_way: Arc<AtomicUsize>,
    clients: usize,
}

/// What one of them looks at.
#[derive(Clone, Debug)]
struct Signals {
    may_finish: watch::Receiver<bool>,
    under_way: Arc<AtomicUsize>,
}

impl Slow {
    /// Begins with `each` uploaders and `each` readers, whose ids begin with `run`.
    pub(crate) fn start(addr: SocketAddr, run: String, each: usize) -> Self {
        let (may_finish, receiver) = watch::channel(false);
        let under_way = Arc::new(AtomicUsize::new(0));
        let signals = Signals {
            may_finish: receiver,
            under_way: under_way.clone(),
        };
        let thread = thread::spawn(move || block_on(clients(addr, run, each, signals)));
        Self {
            thread,
            may_finish,
            under_way,
            clients: 2 * each,
        }
    }

    /// Waits until every uploader has begun to send and every reader has got the first bytes of its answer. Gives up
    /// when none has for as long as `silence`; gives how many are missing then.
    pub(crate) fn wait_under_way(&self, silence: Duration) -> usize {
        let (mut known, mut since) = (0, Instant::now());
        while known < self.clients && since.elapsed() < silence {
            thread::sleep(Duration::from_millis(5));
            let now = self.under_way.load(Ordering::Relaxed);
            if now > known {
                (known, since) = (now, Instant::now());
            }
        }
        self.clients - known
    }

    /// Lets all of them finish at full speed and waits for that.
    ///
    /// # Errors
    ///
    /// When there was no runtime to send from.
    pub(crate) fn finish(self) -> Result<Vec<Sample>> {
        self.may_finish.send_replace(true);
        self.thread
            .join()
            .map_err(|_| anyhow!("the slow clients panicked"))?
    }
}

impl Signals {
    /// Waits a moment; true when it is time to finish.
    async fn pause(&mut self) -> bool {
        timeout(PAUSE, self.may_finish.wait_for(|may| *may)).await.is_ok()
    }

    fn begin(&self) {
        self.under_way.fetch_add(1, Ordering::Relaxed);
    }
}

async fn clients(addr: SocketAddr, run: String, each: usize, signals: Signals) -> Vec<Sample> {
    let run = Rc::new(run);
    let mut tasks = JoinSet::new();
    for number in 0..2 * each {
        let (run, mut signals) = (run.clone(), signals.clone());
        tasks.spawn_local(async move {
            let due = Instant::now();
            let request = request(&run, number);
            let outcome = match request.posts {
                true => upload(addr, &request, &mut signals).await,
                false => read(addr, &request, &mut signals).await,
            };
            Sample {
                id: request.id,
                posts: request.posts,
                due,
                latency: due.elapsed(),
                outcome: outcome.unwrap_or_else(|outcome| outcome),
            }
        });
        // One after the other: this is about their number, not about their arrival.
        tokio::task::yield_now().await;
    }
    tasks.join_all().await
}

/// Uploaders and readers in turn.
fn request(run: &str, number: usize) -> Request {
    let posts = number % 2 == 1;
    Request {
        id: format!("{run}-{number}"),
        posts,
        kept: false,
        multiplexed: false,
        chunked: false,
        body: if posts { UPLOAD } else { 0 },
        answer: if posts { 0 } else { DOWNLOAD },
        work: 1,
    }
}

async fn upload(addr: SocketAddr, request: &Request, signals: &mut Signals) -> Result<Outcome, Outcome> {
    let mut stream = connect_narrow(addr).await.map_err(lost)?;
    stream.write_all(request.head().as_bytes()).await.map_err(lost)?;
    signals.begin();
    let body = request.body();
    let mut pieces = body.chunks(PIECE);
    while !signals.pause().await
        && let Some(piece) = pieces.next()
    {
        stream.write_all(piece).await.map_err(lost)?;
    }
    for piece in pieces {
        stream.write_all(piece).await.map_err(lost)?;
    }
    end(&mut stream, request, Vec::new()).await
}

async fn read(addr: SocketAddr, request: &Request, signals: &mut Signals) -> Result<Outcome, Outcome> {
    let mut stream = connect_narrow(addr).await.map_err(lost)?;
    stream.write_all(request.head().as_bytes()).await.map_err(lost)?;
    let mut received = Vec::new();
    let mut piece = [0; PIECE];
    let first = timeout(PATIENCE, stream.read(&mut piece)).await;
    let first = first.map_err(|_| Outcome::Lost("no answer".to_owned()))?;
    received.extend_from_slice(&piece[..first.map_err(lost)?]);
    signals.begin();
    while !signals.pause().await && received.len() < DOWNLOAD - PIECE {
        let count = stream.read(&mut piece).await.map_err(lost)?;
        received.extend_from_slice(&piece[..count]);
    }
    end(&mut stream, request, received).await
}

async fn end(
    stream: &mut tokio::net::TcpStream,
    request: &Request,
    received: Vec<u8>,
) -> Result<Outcome, Outcome> {
    let answer = timeout(PATIENCE, finish(stream, received)).await;
    let answer = answer.map_err(|_| Outcome::Lost("no end of the answer".to_owned()))?;
    Ok(Outcome::of(request, answer?))
}

fn lost(error: std::io::Error) -> Outcome {
    Outcome::Lost(error.to_string())
}

const UPLOAD: usize = 96 * 1024; // bytes: more than what goes in pieces in a minute
const DOWNLOAD: usize = 256 * 1024; // bytes: several times what the kernels hold, see `connect_narrow`
const PIECE: usize = 1024; // bytes a pause
const PAUSE: Duration = Duration::from_secs(1);
