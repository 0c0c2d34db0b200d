//! Connections of a front end, sorted by the case whose request came with them.
//!
//! A case puts a token into its request. The first request of a connection is searched for it, without regard to the
//! protocol: what is not understood must reach the case as well.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::net::{self, Address, SocketFile, Stream};

/// What waits for its case: a connection, and what was read from it.
type Arrival = (Stream, Vec<u8>);

/// Cases that are played, and the connections that belong to them.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    by_token: Mutex<HashMap<String, Waiting>>,
    /// The case to which all connections are denied.
    denied: Mutex<Option<String>>,
}

/// Of one case.
#[derive(Debug, Default)]
struct Waiting {
    arrivals: Vec<Arrival>,
    /// How many connections there were, those that were refused included.
    attempts: usize,
    /// Further ones are closed.
    refused: bool,
}

impl Arrivals {
    /// Listens; the threads end with the process, and a socket with its file.
    pub(super) fn listen(address: &Address) -> io::Result<(Arc<Self>, Option<SocketFile>)> {
        let arrivals = Arc::new(Self::default());
        let shared = arrivals.clone();
        let file = match address {
            Address::Unix(path) => {
                let (listener, file) = net::listen(path)?;
                file.open_to_all()?;
                shared.accept_unix(listener);
                Some(file)
            }
            Address::Abstract(name) => {
                shared.accept_unix(net::listen_abstract(name)?);
                None
            }
            Address::Tcp(text) => {
                let listener = TcpListener::bind(text.as_str())?;
                thread::spawn(move || {
                    listener
                        .incoming()
                        .flatten()
                        .for_each(|stream| shared.clone().tcp(stream))
                });
                None
            }
        };
        Ok((arrivals, file))
    }

    fn accept_unix(self: Arc<Self>, listener: UnixListener) {
        thread::spawn(move || {
            listener
                .incoming()
                .flatten()
                .for_each(|stream| self.clone().unix(stream))
        });
    }

    /// Announces a case.
    pub(super) fn expect(&self, token: &str) {
        self.lock().insert(token.to_owned(), Waiting::default());
    }

    /// Whether a connection waits for the case.
    pub(super) fn has(&self, token: &str) -> bool {
        self.lock()
            .get(token)
            .is_some_and(|waiting| !waiting.arrivals.is_empty())
    }

    /// How many connections have come for the case.
    pub(super) fn attempts(&self, token: &str) -> usize {
        self.lock().get(token).map_or(0, |waiting| waiting.attempts)
    }

    /// The first connection that waits for the case.
    pub(super) fn take(&self, token: &str) -> Option<Arrival> {
        let mut known = self.lock();
        let arrivals = &mut known.get_mut(token)?.arrivals;
        (!arrivals.is_empty()).then(|| arrivals.remove(0))
    }

    /// Closes what waits for the case, and whatever comes for it.
    pub(super) fn refuse(&self, token: &str) {
        if let Some(waiting) = self.lock().get_mut(token) {
            waiting.refused = true;
            waiting.arrivals.clear();
        }
    }

    /// Closes every connection at once, unread, until the case is over. They all count as the case's.
    pub(super) fn deny(&self, token: &str) {
        *self.lock_denied() = Some(token.to_owned());
    }

    /// The case is over; connections that come later are closed.
    pub(super) fn forget(&self, token: &str) {
        self.lock().remove(token);
        self.lock_denied().take_if(|denied| denied == token);
    }

    /// Whether a connection that has just come must be closed.
    fn denies(&self) -> bool {
        let denied = self.lock_denied();
        let Some(token) = denied.as_ref() else {
            return false;
        };
        if let Some(waiting) = self.lock().get_mut(token) {
            waiting.attempts += 1;
        }
        true
    }

    fn unix(self: Arc<Self>, mut stream: UnixStream) {
        if self.denies() {
            return;
        }
        thread::spawn(move || {
            let _ = stream.set_read_timeout(Some(PATIENCE));
            if let Some((token, received)) = self.recognise(&mut stream)
                && let Ok(stream) = Stream::unix(stream)
            {
                self.hand_over(&token, (stream, received));
            }
        });
    }

    fn tcp(self: Arc<Self>, mut stream: TcpStream) {
        if self.denies() {
            return;
        }
        thread::spawn(move || {
            let _ = stream.set_read_timeout(Some(PATIENCE));
            if let Some((token, received)) = self.recognise(&mut stream)
                && let Ok(stream) = Stream::tcp(stream)
            {
                self.hand_over(&token, (stream, received));
            }
        });
    }

    /// Reads until a token appears.
    fn recognise(&self, stream: &mut impl Read) -> Option<(String, Vec<u8>)> {
        let mut received = Vec::new();
        let mut buffer = [0; 16 << 10];
        let deadline = Instant::now() + PATIENCE;
        while received.len() < MAX_SEARCHED && Instant::now() < deadline {
            match stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
            if let Some(token) = self.token_in(&received) {
                return Some((token, received));
            }
        }
        None
    }

    /// The longest token in the bytes: one may be the beginning of another.
    fn token_in(&self, bytes: &[u8]) -> Option<String> {
        let known = self.lock();
        let found = known.keys().filter(|token| {
            bytes
                .windows(token.len())
                .any(|window| window == token.as_bytes())
        });
        found.max_by_key(|token| token.len()).cloned()
    }

    fn hand_over(&self, token: &str, arrival: Arrival) {
        let mut known = self.lock();
        // What nobody waits for is closed here.
        let Some(waiting) = known.get_mut(token) else {
            return;
        };
        waiting.attempts += 1;
        if !waiting.refused {
            waiting.arrivals.push(arrival);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Waiting>> {
        // A map is never left half changed.
        self.by_token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_denied(&self) -> MutexGuard<'_, Option<String>> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PATIENCE: Duration = Duration::from_secs(10); // for a connection to name its case
const MAX_SEARCHED: usize = 1 << 20; // bytes in which a token is looked for
