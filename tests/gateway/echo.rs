//! A client of a tunnel that never falls silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use testbed::{Client, Gateway, ScriptedConnection};

use crate::http::frames::{
    ACK, CANCEL, DATA, END_STREAM, Http2, PING, RST_STREAM, WINDOW_UPDATE, frame, status_of, websocket,
};

const WEBSOCKET: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
];

/// Switches to the protocol that was asked for, and sends everything back until its peer ends.
pub(crate) fn echoing(connection: &mut ScriptedConnection) -> Result<()> {
    connection
        .write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")?;
    let mut bytes = [0; 4096];
    loop {
        match connection.read(&mut bytes)? {
            0 => return Ok(()),
            count => connection.write(&bytes[..count])?,
        }
    }
}

/// A tunnel to an application that echoes.
#[track_caller]
pub(crate) fn tunnel(gateway: &Gateway) -> Client {
    let mut client = Client::connect(gateway.addr()).unwrap();
    client.send_request("GET", "/socket", &WEBSOCKET, b"").unwrap();
    assert_eq!(client.read_response().unwrap().status, 101);
    client
}

/// The same over HTTP/2.
#[track_caller]
pub(crate) fn tunnel_http2(gateway: &Gateway) -> Tunnel {
    Tunnel::open(Client::connect(gateway.addr()).unwrap(), "/socket")
}

/// The client's end of a tunnel.
pub(crate) trait End: Send + 'static {
    /// Sends bytes.
    fn say(&mut self, bytes: &[u8]) -> Result<()>;
    /// Receives so many.
    fn hear(&mut self, count: usize) -> Result<Vec<u8>>;
    /// Ends this direction; gives what still comes in the other one.
    fn leave(self) -> Result<Vec<u8>>;
}

impl End for Client {
    fn say(&mut self, bytes: &[u8]) -> Result<()> {
        self.send(bytes)
    }

    fn hear(&mut self, count: usize) -> Result<Vec<u8>> {
        self.take(count)
    }

    fn leave(mut self) -> Result<Vec<u8>> {
        self.shutdown_write().context("the end")?;
        self.rest()
    }
}

/// A client of HTTP/2 whose first stream is a tunnel (RFC 8441).
pub(crate) struct Tunnel {
    http: Http2,
    /// Received, not heard.
    received: Vec<u8>,
    /// The other direction has ended.
    ended: bool,
}

impl Tunnel {
    /// Asks for a WebSocket; the application agrees.
    #[track_caller]
    pub(crate) fn open(client: Client, path: &str) -> Self {
        let mut http = Http2::begin(client);
        http.headers(1, &websocket(path), 0);
        assert_eq!(status_of(&http.head(1)), 200);
        Self {
            http,
            received: Vec::new(),
            ended: false,
        }
    }

    /// Receives a frame.
    fn receive(&mut self) -> Result<()> {
        let (kind, flags, stream, payload) = self.http.next().context("the connection has ended")?;
        match kind {
            PING if flags & ACK == 0 => self.http.frame(PING, ACK, 0, &payload),
            DATA if stream == 1 => {
                self.ended = flags & END_STREAM != 0;
                if !payload.is_empty() {
                    let taken = u32::try_from(payload.len())?.to_be_bytes();
                    self.http.frame(WINDOW_UPDATE, 0, 0, &taken);
                    self.http.frame(WINDOW_UPDATE, 0, 1, &taken);
                }
                self.received.extend(payload);
            }
            RST_STREAM if stream == 1 => bail!("the tunnel was reset: {payload:?}"),
            _ => {}
        }
        Ok(())
    }

    /// Breaks off.
    pub(crate) fn reset(&mut self) {
        self.http.frame(RST_STREAM, 0, 1, &[0, 0, 0, CANCEL]);
    }
}

impl End for Tunnel {
    fn say(&mut self, bytes: &[u8]) -> Result<()> {
        self.http.0.send(frame(DATA, 0, 1, bytes))
    }

    fn hear(&mut self, count: usize) -> Result<Vec<u8>> {
        while self.received.len() < count {
            ensure!(!self.ended, "the tunnel has ended");
            self.receive()?;
        }
        Ok(self.received.drain(..count).collect())
    }

    fn leave(mut self) -> Result<Vec<u8>> {
        self.http.frame(DATA, END_STREAM, 1, b"");
        while !self.ended {
            self.receive()?;
        }
        Ok(self.received)
    }
}

/// The client at work: one message after the other, each of which comes back.
pub(crate) struct Echo {
    stop: Arc<AtomicBool>,
    echoed: Arc<AtomicUsize>,
    client: JoinHandle<Result<usize>>,
}

impl Echo {
    /// Begins to talk.
    pub(crate) fn start(client: impl End) -> Self {
        let (stop, echoed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (until, count) = (stop.clone(), echoed.clone());
        Self {
            stop,
            echoed,
            client: spawn(move || talk(client, &until, &count)),
        }
    }

    /// Waits until some more messages have come back.
    #[track_caller]
    pub(crate) fn go_on(&self, more: usize) {
        let deadline = Instant::now() + LIMIT;
        let enough = self.echoed.load(Ordering::Relaxed) + more;
        while self.echoed.load(Ordering::Relaxed) < enough {
            assert!(!self.client.is_finished(), "the tunnel has ended");
            assert!(Instant::now() < deadline, "no echo");
            sleep(PACE);
        }
    }

    /// Ends the tunnel in good order; gives the bytes that went each way.
    ///
    /// # Errors
    ///
    /// When a message did not come back, or something came behind the last one.
    pub(crate) fn finish(self) -> Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        self.client.join().expect("a client")
    }
}

fn talk(mut client: impl End, stop: &AtomicBool, echoed: &AtomicUsize) -> Result<usize> {
    let mut bytes = 0;
    while !stop.load(Ordering::Relaxed) {
        let message = format!("message {}", echoed.load(Ordering::Relaxed));
        client.say(message.as_bytes())?;
        let back = client.hear(message.len())?;
        ensure!(back == message.as_bytes(), "{message} came back as {back:?}");
        bytes += message.len();
        echoed.fetch_add(1, Ordering::Relaxed);
        // The pace of a client.
        sleep(PACE);
    }
    let rest = client.leave()?;
    ensure!(rest.is_empty(), "{rest:?} came behind the last echo");
    Ok(bytes)
}

/// The line about a tunnel that ended for this reason, once it is there.
#[track_caller]
pub(crate) fn ended(gateway: &Gateway, reason: &str) -> Ended {
    let mark = format!("reason=\"{reason}\"");
    let errors = gateway.wait_errors(&mark).unwrap();
    let line = errors
        .lines()
        .find(|line| line.contains("tunnel ended") && line.contains(&mark));
    let line = line.unwrap_or_else(|| panic!("no tunnel ended with {reason}:\n{errors}"));
    let value = |name: &str| {
        let (_, rest) = line
            .split_once(name)
            .unwrap_or_else(|| panic!("no {name} in {line}"));
        rest.split_whitespace().next().unwrap_or_default().to_owned()
    };
    Ended {
        seconds: value(" seconds=").parse().unwrap(),
        from_client: value(" from_client=").parse().unwrap(),
        from_application: value(" from_application=").parse().unwrap(),
    }
}

/// What the log says about a tunnel.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) seconds: f64,
    pub(crate) from_client: usize,
    pub(crate) from_application: usize,
}

const LIMIT: Duration = Duration::from_secs(20);
const PACE: Duration = Duration::from_millis(1);
