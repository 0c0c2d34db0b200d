//! Lines to the system's logger, by its socket: a datagram each, in the form of RFC 3164 without a host, which the loggers
//! of one machine speak among each other.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Zoned;

/// Where lines go, and what they say of themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syslog {
    /// The socket, `/dev/log` mostly.
    pub socket: PathBuf,
    /// What part of the system speaks (RFC 3164, section 4.1.1): 23 is `local7`.
    pub facility: u8,
    /// The program, as the logger shows it.
    pub tag: String,
}

/// A connection to the logger.
#[derive(Debug)]
pub struct SyslogSocket {
    to: Syslog,
    socket: UnixDatagram,
    pid: u32,
    /// Where datagrams are made.
    datagram: Vec<u8>,
}

/// All lines are of this severity: informational.
const SEVERITY: u8 = 6;

/// Bytes of a datagram, at most; what a line has beyond is cut off. Loggers take 8 KiB at least, and sockets 200.
const LONGEST: usize = 64 * 1024;

/// How long a logger that takes nothing is waited for, for all lines that wait together.
const PATIENCE: Duration = Duration::from_secs(1);

/// ENOBUFS of Linux.
const NO_BUFFERS: i32 = 105;

/// How long between two attempts.
const RETRY: Duration = Duration::from_millis(5);

impl SyslogSocket {
    /// Connects to the logger.
    pub fn open(to: &Syslog) -> io::Result<Self> {
        Ok(Self {
            socket: connect(to)?,
            to: to.clone(),
            pid: std::process::id(),
            datagram: Vec::new(),
        })
    }

    /// Sends lines; gives how many of them are lost, and why.
    pub(super) fn send(&mut self, lines: &[u8]) -> Option<(u64, io::Error)> {
        let mut lost = None;
        let deadline = Instant::now() + PATIENCE;
        let time = Zoned::now().strftime("%b %e %H:%M:%S").to_string();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.write(&time, line);
            if let Err(error) = self.send_one(deadline) {
                let (count, _) = lost.unwrap_or((0, io::ErrorKind::Other.into()));
                lost = Some((count + 1, error));
            }
        }
        lost
    }

    fn write(&mut self, time: &str, line: &[u8]) {
        let priority = self.to.facility * 8 + SEVERITY;
        let head = format!("<{priority}>{time} {}[{}]: ", self.to.tag, self.pid);
        self.datagram.clear();
        self.datagram.extend_from_slice(head.as_bytes());
        self.datagram.extend_from_slice(line);
        self.datagram.truncate(LONGEST);
    }

    /// Sends the datagram. A logger that was started again has another socket.
    fn send_one(&mut self, deadline: Instant) -> io::Result<()> {
        let mut is_new = false;
        loop {
            match self.socket.send(&self.datagram) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_full(&error) && Instant::now() < deadline => thread::sleep(RETRY),
                Err(error) if is_full(&error) || is_new => return Err(error),
                Err(_) => {
                    self.socket = connect(&self.to)?;
                    is_new = true;
                }
            }
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(NO_BUFFERS)
}

fn connect(to: &Syslog) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(&to.socket)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(dir: &tempfile::TempDir) -> Syslog {
        Syslog {
            socket: dir.path().join("log"),
            facility: 23,
            tag: "shop".to_owned(),
        }
    }

    fn received(logger: &UnixDatagram) -> String {
        let mut datagram = vec![0; 2 * LONGEST];
        let length = logger.recv(&mut datagram).unwrap();
        String::from_utf8(datagram[..length].to_vec()).unwrap()
    }

    #[test]
    fn each_line_is_a_datagram_with_a_head() {
        let dir = tempfile::tempdir().unwrap();
        let to = to(&dir);
        let logger = UnixDatagram::bind(&to.socket).unwrap();
        let mut socket = SyslogSocket::open(&to).unwrap();
        assert!(socket.send(b"one\ntwo\n").is_none());
        for line in ["one", "two"] {
            let said = received(&logger);
            let (head, text) = said.split_once(": ").unwrap();
            assert_eq!(text, line);
            assert!(head.starts_with("<190>"), "{head}");
            assert!(
                head.ends_with(&format!(" shop[{}]", std::process::id())),
                "{head}"
            );
            // Mmm dd hh:mm:ss
            assert_eq!(
                head.len(),
                "<190>Oct 11 22:14:15 shop[]".len() + std::process::id().to_string().len()
            );
        }
    }

    #[test]
    fn a_logger_that_is_started_again_is_found_and_one_that_is_gone_costs_lines() {
        let dir = tempfile::tempdir().unwrap();
        let to = to(&dir);
        let logger = UnixDatagram::bind(&to.socket).unwrap();
        let mut socket = SyslogSocket::open(&to).unwrap();
        drop(logger);
        std::fs::remove_file(&to.socket).unwrap();
        let (lost, _) = socket.send(b"one\ntwo\n").unwrap();
        assert_eq!(lost, 2);
        let logger = UnixDatagram::bind(&to.socket).unwrap();
        assert!(socket.send(b"three\n").is_none());
        assert!(received(&logger).ends_with(": three"));
    }

    #[test]
    fn a_line_that_is_too_long_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let to = to(&dir);
        let logger = UnixDatagram::bind(&to.socket).unwrap();
        let mut socket = SyslogSocket::open(&to).unwrap();
        let long = [b"x".repeat(2 * LONGEST), b"\n".to_vec()].concat();
        assert!(socket.send(&long).is_none());
        assert_eq!(received(&logger).len(), LONGEST);
    }

    #[test]
    fn a_logger_that_reads_nothing_is_not_waited_for_for_long() {
        let dir = tempfile::tempdir().unwrap();
        let to = to(&dir);
        let _logger = UnixDatagram::bind(&to.socket).unwrap();
        let mut socket = SyslogSocket::open(&to).unwrap();
        let lines = b"x\n".repeat(10_000);
        let (lost, error) = socket.send(&lines).unwrap();
        assert!(lost > 0 && lost < 10_000 && is_full(&error), "{lost} {error}");
    }
}
