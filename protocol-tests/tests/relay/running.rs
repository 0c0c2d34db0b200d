//! A relay that runs until it is told to end.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread::JoinHandle;

use bridgehead_conform::net::Address;
use bridgehead_conform::protocol::Protocol;
use bridgehead_conform::relay::{Listener, Recorder, Relay, Served};
use bridgehead_conform::trace::{Entry, Header, Reader};
use tempfile::TempDir;

/// A relay in a thread of the test.
pub(crate) struct Running {
    pub(crate) address: Address,
    trace: PathBuf,
    bell: UnixStream,
    thread: Option<JoinHandle<Served>>,
    _dir: TempDir,
}

impl Running {
    /// Listens on a unix socket.
    pub(crate) fn unix(target: &str, protocol: Protocol) -> Self {
        Self::start(None, target, protocol, false)
    }

    /// Listens on a free port.
    pub(crate) fn tcp(target: &str, protocol: Protocol) -> Self {
        Self::start(Some("127.0.0.1:0"), target, protocol, false)
    }

    /// Writes no secrets down.
    pub(crate) fn redacting(target: &str, protocol: Protocol) -> Self {
        Self::start(None, target, protocol, true)
    }

    fn start(listen: Option<&str>, target: &str, protocol: Protocol, redacted: bool) -> Self {
        let dir = testbed::scratch().unwrap();
        let listen = match listen {
            Some(text) => text.parse().unwrap(),
            None => Address::Unix(dir.path().join("relay")),
        };
        let listener = Listener::bind(&listen).unwrap();
        let address = listener.address().unwrap();
        let trace = dir.path().join("trace");
        let header = Header {
            protocol: Some(protocol),
            target: Some(target.to_owned()),
            redacted,
            ..Header::default()
        };
        let recorder = Recorder::begin(File::create(&trace).unwrap(), protocol, &header).unwrap();
        let (bell, until) = UnixStream::pair().unwrap();
        let relay = Relay::new(listener, target.parse().unwrap(), None);
        let thread = std::thread::spawn(move || {
            let served = relay.run(&recorder, &until).unwrap();
            recorder.finish().unwrap();
            served
        });
        Self {
            address,
            trace,
            bell,
            thread: Some(thread),
            _dir: dir,
        }
    }

    /// Ends it, and says what it has done.
    pub(crate) fn end(&mut self) -> Served {
        self.bell.write_all(&[0]).unwrap();
        self.thread.take().unwrap().join().unwrap()
    }

    /// What was written down so far.
    pub(crate) fn text(&self) -> String {
        fs::read_to_string(&self.trace).unwrap()
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let text = self.text();
        let mut reader = Reader::open(text.as_bytes()).unwrap();
        std::iter::from_fn(|| reader.entry().unwrap()).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.end();
        }
    }
}
