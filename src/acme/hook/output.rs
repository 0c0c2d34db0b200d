//! What a program writes, the end of it.

use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

/// Bytes that are kept: what went wrong stands at the end.
const KEPT: usize = 4096;

/// Bytes of one read.
const READ: usize = 1024;

/// The end of what comes through a pipe. All of it is read, so that the program does not wait.
#[derive(Debug)]
pub(super) struct Output {
    pipe: Receiver,
    kept: Vec<u8>,
    ended: bool,
}

impl Output {
    pub(super) fn of(pipe: PipeReader) -> io::Result<Self> {
        Ok(Self {
            pipe: Receiver::from_owned_fd(OwnedFd::from(pipe))?,
            kept: Vec::new(),
            ended: false,
        })
    }

    /// Whether there is nothing more to come.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Waits for more.
    pub(super) async fn read(&mut self) {
        let mut bytes = [0; READ];
        let count = self.pipe.read(&mut bytes).await.unwrap_or(0);
        self.keep(&bytes[..count]);
    }

    /// What is there now: something that the program has started may keep the pipe for ever.
    pub(super) fn into_text(mut self) -> String {
        let mut bytes = [0; READ];
        // As much as a pipe holds.
        for _ in 0..64 {
            match self.pipe.try_read(&mut bytes) {
                Ok(count @ 1..) => self.keep(&bytes[..count]),
                _ => break,
            }
        }
        String::from_utf8_lossy(&self.kept).trim().to_owned()
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.ended = bytes.is_empty();
        self.kept.extend_from_slice(bytes);
        let more = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..more);
    }
}
