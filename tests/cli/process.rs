//! Runs the program.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

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
    /// The last line that can be tried.
    pub(crate) last_command: String,
}

impl Demo {
    /// Starts it on a free port, and waits until it says where.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawn(arguments, Stdio::null())
    }

    /// The same, and the file that its errors go to.
    pub(crate) fn with_errors(arguments: &[&str]) -> (Self, NamedTempFile) {
        let errors = NamedTempFile::new().unwrap();
        let demo = Self::spawn(arguments, errors.reopen().unwrap().into());
        (demo, errors)
    }

    fn spawn(arguments: &[&str], errors: Stdio) -> Self {
        let mut child = bridgehead(&["demo"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut with = |words: &str| {
            let mut found = lines.by_ref().map(Result::unwrap);
            let line = found.find(|line| line.contains(words));
            line.unwrap_or_else(|| panic!("no line with {words:?}"))
        };
        let behind = |line: &str, words: &str| line.split_once(words).unwrap().1.to_owned();
        let address = behind(&with("Listening on http://"), "http://");
        let last_command = with(" call -v ").trim().to_owned();
        let socket = behind(&last_command, "unix:");
        let socket = PathBuf::from(socket.split("/fastcgi.sock").next().unwrap());
        Self {
            child,
            address,
            directory: socket,
            last_command,
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
        // One that a test chose is the test's.
        if self
            .directory
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"bridgehead-demo-"))
        {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}

/// The program as a server; killed when dropped.
pub(crate) struct Served(Child);

impl Served {
    /// Starts it in a directory and waits until it says on standard error that it listens.
    pub(crate) fn start(arguments: &[&str], directory: &Path) -> Self {
        Self::introduced(arguments, directory).0
    }

    /// The same, with the lines up to there.
    pub(crate) fn introduced(arguments: &[&str], directory: &Path) -> (Self, Vec<String>) {
        let mut command = bridgehead(arguments);
        let command = command.current_dir(directory).stdout(Stdio::null());
        let mut served = Self(command.stderr(Stdio::piped()).spawn().unwrap());
        let errors = BufReader::new(served.0.stderr.take().unwrap());
        let mut lines = Vec::new();
        for line in errors.lines().map(Result::unwrap) {
            lines.push(line);
            if lines.last().unwrap().contains(" listening address=") {
                return (served, lines);
            }
        }
        panic!("it ended:\n{}", lines.join("\n"));
    }

    /// A GET of a path, through a unix socket that it listens on.
    pub(crate) fn get_by_socket(&self, socket: &Path, path: &str) -> (String, String) {
        let mut stream = UnixStream::connect(socket).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
