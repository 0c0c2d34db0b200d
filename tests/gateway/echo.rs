//! A client of a tunnel that never falls silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testbed::{Client, Gateway, ScriptedConnection};

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

/// The client at work: one message after the other, each of which comes back.
pub(crate) struct Echo {
    stop: Arc<AtomicBool>,
    echoed: Arc<AtomicUsize>,
    client: JoinHandle<Result<usize>>,
}

impl Echo {
    /// Begins to talk.
    pub(crate) fn start(client: Client) -> Self {
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

fn talk(mut client: Client, stop: &AtomicBool, echoed: &AtomicUsize) -> Result<usize> {
    let mut bytes = 0;
    while !stop.load(Ordering::Relaxed) {
        let message = format!("message {}", echoed.load(Ordering::Relaxed));
        client.send(&message)?;
        let back = client.take(message.len())?;
        ensure!(back == message.as_bytes(), "{message} came back as {back:?}");
        bytes += message.len();
        echoed.fetch_add(1, Ordering::Relaxed);
        // The pace of a client.
        sleep(PACE);
    }
    client.shutdown_write().context("the end")?;
    let rest = client.rest()?;
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
