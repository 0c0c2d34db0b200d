//! Runs the program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// The program with these arguments.
pub(crate) fn bridgehead(arguments: &[&str]) -> Command {
    let mut command = Command::new(testbed::built("bridgehead"));
    command.args(arguments);
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    bridgehead(arguments).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

pub(crate) fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// A running `bridgehead demo`; killed when dropped.
pub(crate) struct Demo {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
    /// Where its sockets are.
    pub(crate) directory: PathBuf,
}

impl Demo {
    /// Starts it on a free port, and waits until it says where.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = bridgehead(&["demo"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut behind = |words: &str| {
            let mut found = lines.by_ref().map(Result::unwrap).filter_map(|line| {
                let (_, rest) = line.split_once(words)?;
                Some(rest.split(' ').next()?.to_owned())
            });
            found.next().unwrap_or_else(|| panic!("no line with {words:?}"))
        };
        let address = behind("Listening on http://");
        let socket = PathBuf::from(behind("call -v unix:"));
        Self {
            child,
            address,
            directory: socket.parent().unwrap().to_owned(),
        }
    }

    /// On a free port.
    pub(crate) fn usual() -> Self {
        Self::start(&["--listen", "127.0.0.1:0"])
    }

    /// The socket of one of its pools, as an address.
    pub(crate) fn socket(&self, protocol: &str) -> String {
        format!(
            "unix:{}",
            self.directory.join(format!("{protocol}.sock")).display()
        )
    }

    /// Sends a request as it is; gives the head and the body of the answer.
    pub(crate) fn ask(&self, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        // A character for a byte, whatever the byte is.
        let answer: String = answer.into_iter().map(char::from).collect();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// A GET of a path.
    pub(crate) fn get(&self, path: &str) -> (String, String) {
        self.ask(&format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"))
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn end(mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
