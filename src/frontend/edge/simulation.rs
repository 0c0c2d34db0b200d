//! Many clients of many kinds, an application that takes its time, and a listener that closes at any moment: no client is
//! hung up on that was about to be answered, each is told in time, and every connection ends.

mod application;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::frontend::connection_limit::ConnectionLimit;
use crate::frontend::context::ExchangeContext;
use crate::frontend::limits::Limits;
use crate::frontend::route::Route;
use crate::frontend::service::Service;
use crate::frontend::trust::Trust;
use crate::spool::Spools;
use crate::telemetry::{AccessLog, Counters, LogConfig, SlowLog};
use crate::upstream::{Relays, Upstream};

const SEEDS: u64 = 1500;
const GRACE: Duration = Duration::from_secs(1);

/// `timeouts.head` and `timeouts.idle` below.
const HEAD: Duration = Duration::from_secs(6);
const IDLE: Duration = Duration::from_secs(10);

/// A timer's own precision.
const TICK: Duration = Duration::from_millis(2);

const CONFIG: &str = r#"
[server]
temp_dir = "{dir}"
timeouts = { idle = "10s", head = "6s", body = "4s", send = "5s", linger = "8s", grace = "1s" }

[[listen]]
address = "127.0.0.1:0"

[upstream.app]
protocol = "scgi"
endpoints = ["unix:{dir}/app"]

[[route]]
proxy = { upstream = "app" }

[[route]]
path = "/streamed"
buffering = { request = false, response = false }
proxy = { upstream = "app" }

[[route]]
path = "/fixed"
respond = { body = "fixed" }
"#;

/// What the connections of all seeds have in common.
pub(super) struct Gateway {
    pub(super) current: Arc<Current>,
    pub(super) limit: Arc<ConnectionLimit>,
    _dir: tempfile::TempDir,
}

impl Gateway {
    pub(super) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("app")).unwrap();
        tokio::task::spawn_local(application::run(listener));
        let text = CONFIG.replace("{dir}", &dir.path().display().to_string());
        let parsed = crate::config::parse("simulation", &text, &|_| None);
        let (config, _) = parsed.map_err(|failure| failure.render(false)).unwrap();
        let upstreams: Vec<_> = config.upstreams.into_iter().map(Upstream::new).collect();
        let upstreams: Vec<_> = upstreams.into_iter().map(Arc::new).collect();
        let routes = config.frontend.routes.iter();
        let routes = routes.map(|route| Route::new(route.clone(), None, &upstreams, &Limits::default()));
        let counters = Arc::new(Counters::default());
        let context = ExchangeContext {
            trust: Trust::default(),
            relays: Relays::new(Spools::new(config.server.spool), counters.clone()),
            log: Arc::new(AccessLog::new(None, &LogConfig::default())),
            slow: SlowLog::default(),
            counters: counters.clone(),
            routes: Box::default(),
            listeners: Box::default(),
            route_logs: Box::default(),
        };
        let service = Service::new(&config.frontend, routes.collect(), context);
        Self {
            current: Arc::new(Current::new(Arc::new(service))),
            limit: Arc::new(ConnectionLimit::new(usize::MAX, counters)),
            _dir: dir,
        }
    }
}

/// What is known of one connection.
#[derive(Default)]
struct World {
    leave: Arc<Latch>,
    left: Cell<Option<Instant>>,
    /// The gateway's side is gone.
    ended: Cell<Option<Instant>>,
}

/// A client's side.
struct Client {
    world: Rc<World>,
    rng: Rng,
    stream: UnixStream,
    /// Read, and not used yet.
    bytes: Vec<u8>,
    /// The end of the last answer, or the beginning.
    active: Instant,
    /// Nothing more comes from it, and the gateway knows.
    half_closed: bool,
}

struct Request {
    head: String,
    body: Vec<u8>,
    /// The body is sent when it is asked for.
    waits: bool,
    /// What the answer has to be.
    expected: String,
    bodiless: bool,
}

#[derive(Debug)]
struct Answer {
    status: u16,
    closes: bool,
    body: String,
}

/// The gateway has closed: nothing more is to be had.
struct Gone;

impl Request {
    /// One of the kinds after which a connection goes on.
    fn any(rng: &mut Rng) -> Self {
        let method = ["GET", "HEAD", "POST", "PUT"][rng.usize(0..4)];
        let wait = rng.u32(0..4000);
        let target = match rng.u8(0..4) {
            0 => "/fixed".to_owned(),
            1 => format!("/streamed?wait={wait}"),
            _ => format!("/app?wait={wait}"),
        };
        let fixed = target == "/fixed";
        let bodiless = method == "HEAD";
        let length = match method {
            "POST" | "PUT" => [0, 1, 100, 9_000, 70_000][rng.usize(0..5)],
            _ => 0,
        };
        let mut body = vec![b'b'; length];
        let waits = length > 0 && !fixed && rng.bool();
        let chunked = length > 0 && !fixed && rng.bool();
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n");
        if chunked {
            body = [
                format!("{length:x};a=b\r\n").as_bytes(),
                &body,
                b"\r\n0\r\nT: 1\r\n\r\n",
            ]
            .concat();
            head.push_str("Transfer-Encoding: chunked\r\n");
        } else if length > 0 {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        if waits {
            head.push_str("Expect: 100-continue\r\n");
        }
        head.push_str("\r\n");
        let expected = match (bodiless, fixed) {
            (true, _) => String::new(),
            (_, true) => "fixed".to_owned(),
            _ => format!("{method} {target} {length}"),
        };
        Self {
            head,
            body,
            waits,
            expected,
            bodiless,
        }
    }
}

impl Client {
    /// Some time; often none, now and then just about the grace.
    async fn pause(&mut self, most: f64) {
        let time = match self.rng.u8(0..4) {
            0 => Duration::ZERO,
            1 => GRACE,
            _ => GRACE.mul_f64(most * self.rng.f64()),
        };
        sleep(time.min(GRACE.mul_f64(most))).await;
    }

    /// Bytes in up to three pieces.
    async fn send(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        let mut rest = bytes;
        for _ in 0..self.rng.usize(0..3) {
            if rest.len() < 2 {
                break;
            }
            let (piece, after) = rest.split_at(self.rng.usize(1..rest.len()));
            self.write(piece).await?;
            self.pause(1.0).await;
            rest = after;
        }
        self.write(rest).await
    }

    /// Reads meanwhile: an early answer must not hold up either side.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Gone> {
        let (mut read, mut write) = self.stream.split();
        let mut writing = std::pin::pin!(write.write_all(bytes));
        loop {
            tokio::select! {
                biased;
                written = &mut writing => return written.map_err(|_| Gone),
                count = read.read_buf(&mut self.bytes) => if count.map_err(|_| Gone)? == 0 {
                    return Err(Gone);
                },
            }
        }
    }

    async fn fill(&mut self) -> Result<(), Gone> {
        match self.stream.read_buf(&mut self.bytes).await {
            Ok(1..) => Ok(()),
            Ok(0) | Err(_) => Err(Gone),
        }
    }

    async fn line(&mut self) -> Result<String, Gone> {
        loop {
            if let Some(end) = self.bytes.windows(2).position(|bytes| bytes == b"\r\n") {
                let line: Vec<_> = self.bytes.drain(..end + 2).collect();
                return Ok(String::from_utf8(line[..end].to_vec()).unwrap());
            }
            self.fill().await?;
        }
    }

    async fn take(&mut self, length: usize) -> Result<String, Gone> {
        while self.bytes.len() < length {
            self.fill().await?;
        }
        Ok(String::from_utf8(self.bytes.drain(..length).collect()).unwrap())
    }

    async fn read(&mut self, bodiless: bool) -> Result<Answer, Gone> {
        let status_line = self.line().await?;
        let mut answer = Answer {
            status: status_line.split(' ').nth(1).unwrap().parse().unwrap(),
            closes: false,
            body: String::new(),
        };
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line().await?;
            match line.split_once(": ") {
                None => break,
                Some(("Content-Length", value)) => length = value.parse().unwrap(),
                Some(("Transfer-Encoding", _)) => chunked = true,
                Some(("Connection", "close")) => answer.closes = true,
                Some(_) => {}
            }
        }
        if bodiless || answer.status < 200 {
            return Ok(answer);
        }
        while chunked {
            length = usize::from_str_radix(&self.line().await?, 16).unwrap();
            answer.body += &self.take(length).await?;
            self.take(2).await?;
            chunked = length > 0;
            length = 0;
        }
        answer.body += &self.take(length).await?;
        Ok(answer)
    }

    /// One request and its answer. Whether the client may go on.
    async fn ask(&mut self) -> bool {
        let request = Request::any(&mut self.rng);
        let began = Instant::now();
        match self.try_ask(&request).await {
            Ok(answer) if request.expected == "fixed" => self.check(&answer, &request, began),
            Ok(answer) => self.check(&answer, &request, Instant::now()),
            Err(Gone) => {
                self.check_hung_up(began).await;
                false
            }
        }
    }

    async fn try_ask(&mut self, request: &Request) -> Result<Answer, Gone> {
        self.send(request.head.as_bytes()).await?;
        if request.waits {
            let answer = self.read(false).await?;
            assert_eq!(answer.status, 100, "{}", request.head);
        }
        self.send(&request.body).await?;
        self.read(request.bodiless).await
    }

    /// `since`: the answer is not older. Whether the client may go on.
    fn check(&mut self, answer: &Answer, request: &Request, since: Instant) -> bool {
        assert_eq!(
            (answer.status, &answer.body),
            (200, &request.expected),
            "{}",
            request.head
        );
        self.active = Instant::now();
        let left = self.world.left.get();
        assert!(!answer.closes || left.is_some(), "told without need");
        assert!(
            answer.closes || left.is_none_or(|left| left + TICK >= since),
            "not told"
        );
        !answer.closes
    }

    /// A request that began at this time was not answered: it crossed the close.
    async fn check_hung_up(&self, began: Instant) {
        // The other task may have to end yet.
        sleep(TICK).await;
        let ended = self.world.ended.get().expect("hung up on within a request");
        assert!(ended <= began + TICK, "hung up on a client that had begun");
    }

    /// Asks until it is told not to, or has had enough.
    async fn one_by_one(&mut self) {
        for _ in 0..self.rng.usize(0..8) {
            self.pause(3.0).await;
            if !self.ask().await {
                return self.after_the_last().await;
            }
        }
        self.be_silent().await;
    }

    /// Asks for several things at once, and may close its side behind them.
    async fn pipelined(&mut self) {
        self.pause(3.0).await;
        let mut requests: Vec<_> = (0..self.rng.usize(2..6))
            .map(|_| Request::any(&mut self.rng))
            .collect();
        requests.retain(|request| !request.waits);
        let wire = requests
            .iter()
            .flat_map(|request| [request.head.as_bytes(), &request.body]);
        let wire = wire.collect::<Vec<_>>().concat();
        let began = Instant::now();
        if self.write(&wire).await.is_err() {
            return self.check_hung_up(began).await;
        }
        if self.rng.bool() {
            self.half_closed = self.stream.shutdown().await.is_ok();
        }
        for (permit, request) in requests.iter().enumerate() {
            let Ok(answer) = self.read(request.bodiless).await else {
                assert_eq!(permit, 0, "an answer is missing");
                return self.check_hung_up(began).await;
            };
            if !self.check(&answer, request, Instant::now()) {
                return self.after_the_last().await;
            }
        }
        if !requests.is_empty() {
            self.be_silent().await;
        }
    }

    /// Begins a head that never ends.
    async fn stalled(&mut self) {
        self.pause(3.0).await;
        let began = Instant::now();
        if self.write(b"GET /fixed HTTP/1.1\r\nHo").await.is_err() {
            return self.check_hung_up(began).await;
        }
        let Ok(answer) = self.read(false).await else {
            return self.check_hung_up(began).await;
        };
        assert_eq!((answer.status, answer.closes), (408, true));
        let took = began.elapsed();
        assert!(took >= HEAD && took <= HEAD + TICK, "{took:?}");
        self.after_the_last().await;
    }

    /// Leaves at any moment.
    async fn impatient(&mut self) {
        let patience = GRACE.mul_f64(8.0 * self.rng.f64());
        let _ = timeout(patience, self.one_by_one()).await;
    }

    /// Nothing comes behind an answer that was the last one; the gateway closes, or waits for the client to do so.
    async fn after_the_last(&mut self) {
        if self.rng.bool() {
            let _ = self.write(b"GET /fixed HTTP/1.1\r\nHost: a\r\n\r\n").await;
            while self.fill().await.is_ok() {}
            assert_eq!(self.bytes, b"", "answered behind the last answer");
        }
    }

    /// Says nothing more, until the gateway hangs up.
    async fn be_silent(&mut self) {
        while self.fill().await.is_ok() {}
        assert_eq!(self.bytes, b"", "answered without a request");
        let quiet = self.active.elapsed();
        if self.half_closed {
            return assert!(quiet <= TICK, "kept for {quiet:?}");
        }
        match self.world.left.get().map(|left| self.active.max(left).elapsed()) {
            Some(waited) if waited + TICK >= GRACE => {
                assert!(waited <= GRACE + TICK, "kept for {waited:?}");
            }
            _ => assert!(quiet + TICK >= IDLE, "hung up without need after {quiet:?}"),
        }
    }
}

/// One connection to its end.
async fn run(gateway: Rc<Gateway>, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let (ours, theirs) = UnixStream::pair().unwrap();
    let world = Rc::new(World::default());
    let context = ConnectionContext {
        current: gateway.current.clone(),
        leave: world.leave.clone(),
        listener: None,
    };
    let (seen, permit) = (world.clone(), gateway.limit.take());
    let serving = tokio::task::spawn_local(async move {
        let (stream, peer) = (Stream::from(theirs), None);
        let accepted = Accepted { stream, peer };
        serve(accepted, context, permit).await;
        seen.ended.set(Some(Instant::now()));
    });
    let (closing, moment) = (world.clone(), GRACE.mul_f64(25.0 * rng.f64()));
    let listener = tokio::task::spawn_local(async move {
        sleep(moment).await;
        closing.left.set(Some(Instant::now()));
        closing.leave.set();
    });
    let kind = rng.u8(0..8);
    let mut client = Client {
        world: world.clone(),
        rng,
        stream: ours,
        bytes: Vec::new(),
        active: Instant::now(),
        half_closed: false,
    };
    match kind {
        0 => client.be_silent().await,
        1 => client.stalled().await,
        2 => client.impatient().await,
        3 | 4 => client.pipelined().await,
        _ => client.one_by_one().await,
    }
    drop(client);
    let ended = timeout(6 * IDLE, serving).await;
    ended.expect("every connection ends").expect("without a panic");
    listener.abort();
}

#[tokio::test(start_paused = true)]
async fn no_client_is_hung_up_on_and_every_connection_ends() {
    let local = LocalSet::new();
    local
        .run_until(async {
            let gateway = Rc::new(Gateway::start());
            let mut failed = Vec::new();
            for seed in 0..SEEDS {
                let run = tokio::task::spawn_local(run(gateway.clone(), seed));
                if run.await.is_err() {
                    eprintln!("seed {seed}");
                    failed.push(seed);
                }
            }
            assert_eq!(failed, [0; 0], "seeds that failed");
        })
        .await;
}
