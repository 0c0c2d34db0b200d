//! What an application says on its error stream, as whole log lines.

use bytes::Bytes;

use crate::protocol::request::RequestId;

/// Longest line; a longer one is logged in pieces.
const LINE: usize = 8 * 1024;

/// What PHP-FPM says of a file that it cannot open, whatever its name and the reason.
const UNKNOWN_SCRIPT: &[u8] = b"Primary script unknown";

/// Bytes of one request that are logged: an application that floods its error stream fills no disk.
const TOTAL: usize = 64 * 1024;

/// Gathers pieces of any size into lines and logs each with the request's id.
#[derive(Debug)]
pub struct Stderr {
    id: RequestId,
    upstream: std::sync::Arc<str>,
    line: Vec<u8>,
    logged: usize,
    dropped: usize,
    unknown_script: bool,
}

impl Stderr {
    /// Nothing was said yet; allocates when something is.
    pub fn new(id: RequestId, upstream: std::sync::Arc<str>) -> Self {
        Self {
            id,
            upstream,
            line: Vec::new(),
            logged: 0,
            dropped: 0,
            unknown_script: false,
        }
    }

    /// Takes a piece.
    pub fn push(&mut self, piece: &Bytes) {
        let allowed = TOTAL.saturating_sub(self.logged).min(piece.len());
        let mut windows = piece[..allowed].windows(UNKNOWN_SCRIPT.len());
        self.unknown_script |= windows.any(|window| window == UNKNOWN_SCRIPT);
        self.dropped += piece.len() - allowed;
        self.logged += allowed;
        for part in piece[..allowed].split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() >= LINE {
                self.flush();
            }
        }
    }

    /// Whether PHP-FPM said that it does not find the script.
    pub fn script_is_unknown(&self) -> bool {
        self.unknown_script
    }

    fn flush(&mut self) {
        let text = String::from_utf8_lossy(&self.line);
        let text = text.trim_end_matches(['\n', '\r']);
        if !text.is_empty() {
            // `?` escapes control characters: a log reader must not be fooled by an application.
            tracing::warn!(request = %self.id, upstream = %self.upstream, stderr = ?text);
        }
        self.line.clear();
    }
}

impl Drop for Stderr {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.flush();
        }
        if self.dropped > 0 {
            tracing::warn!(request = %self.id, upstream = %self.upstream, dropped_bytes = self.dropped, "error stream over its limit");
        }
    }
}
