//! One answer in one coding.

use std::io;
use std::sync::Arc;

use super::coding::Coding;
use super::contexts::Contexts;
use super::gzip::Gzip;
#[cfg(feature = "zstd")]
use super::zstd::Zstd;

/// Codes the bytes of one answer. Errors are those of the library: out of memory, and nothing that the bytes could cause.
pub struct Encoder {
    contexts: Arc<Contexts>,
    state: State,
}

enum State {
    Gzip(Gzip),
    #[cfg(feature = "zstd")]
    Zstd(Zstd),
}

impl Encoder {
    /// Nothing went in yet.
    pub fn new(coding: Coding, contexts: Arc<Contexts>) -> Self {
        let state = match coding {
            #[cfg(feature = "zstd")]
            Coding::Zstd => State::Zstd(Zstd::default()),
            Coding::Gzip => State::Gzip(Gzip::default()),
        };
        Self { contexts, state }
    }

    /// Codes some bytes; what is ready of the result is appended to `out`.
    pub fn write(&mut self, input: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.state {
            State::Gzip(gzip) => gzip.write(input, &self.contexts, out),
            #[cfg(feature = "zstd")]
            State::Zstd(zstd) => zstd.write(input, &self.contexts, out),
        }
    }

    /// Gives out everything that went in, so that a client can read it now.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.state {
            State::Gzip(gzip) => gzip.flush(&self.contexts, out),
            #[cfg(feature = "zstd")]
            State::Zstd(zstd) => zstd.flush(out),
        }
    }

    /// Gives the memory of the coding back until there are more bytes; everything was flushed.
    pub fn rest(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.state {
            State::Gzip(gzip) => {
                gzip.rest(&self.contexts);
                let _ = out; // a block needs no end
                Ok(())
            }
            #[cfg(feature = "zstd")]
            State::Zstd(zstd) => zstd.rest(&self.contexts, out),
        }
    }

    /// Whether the memory of the coding is to be [given back](Self::rest) at once when the application pauses: too many
    /// others have theirs.
    pub fn is_crowded(&self) -> bool {
        self.contexts.are_scarce()
    }

    /// Ends the coded answer. Nothing may follow.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.state {
            State::Gzip(gzip) => gzip.finish(&self.contexts, out),
            #[cfg(feature = "zstd")]
            State::Zstd(zstd) => zstd.finish(&self.contexts, out),
        }
    }
}

/// An answer may end anywhere: its client leaves.
impl Drop for Encoder {
    fn drop(&mut self) {
        match &mut self.state {
            State::Gzip(gzip) => gzip.rest(&self.contexts),
            #[cfg(feature = "zstd")]
            State::Zstd(zstd) => zstd.abandon(&self.contexts),
        }
    }
}
