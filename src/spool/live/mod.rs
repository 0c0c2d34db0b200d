//! Spools that are read while they are written: the buffer of an answer under way.
//!
//! What a [`Writer`] is given comes out of its [`Reader`], in order. A reader that keeps up gets the chunks as they
//! came, out of memory. Behind one that does not, memory fills to [`Limits::memory`]; then half of it goes to an
//! anonymous file, block by block, and comes back block by block. The file's blocks are used again: it is as long
//! as the reader once was behind, however much goes through it. When the reader has caught up it is memory again.
//!
//! Nothing here is an error that the answer would not have had otherwise. Over the limits, of this spool or of all
//! of them together, and while the disk fails, the writer is not ready until the reader has made room. Only a
//! block that cannot be read back is lost, and the reader is told.
//!
//! `Flow` decides, and knows neither tasks nor files; `Pipe` does what it says.

mod blocks;
mod flow;
mod pipe;
mod reader;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod writer;

use std::io;
use std::sync::Arc;

pub use reader::Reader;
pub use writer::Writer;

use super::{Limits, PIECE, Spools};
use pipe::Pipe;

/// Smallest block on disk, in bytes. Also what the memory of a spool with a lower limit grows to while the disk works.
const LEAST_BLOCK: usize = 16 * 1024;

/// Bytes of the file that are kept for the next time when all of it was read: fewer are not worth opening another.
const KEPT_FILE: u64 = 1024 * 1024;

/// Why a reader gets no more.
#[derive(Debug, thiserror::Error)]
pub enum LiveError<E> {
    /// The writer ended with this.
    #[error(transparent)]
    Source(E),
    /// Bytes on disk cannot be read back.
    #[error("spool file: {0}")]
    Disk(#[source] io::Error),
    /// The writer was dropped before the end.
    #[error("the rest was given up")]
    Abandoned,
}

impl Spools {
    /// Both ends of an empty spool. `E` is what the writer may end with.
    pub fn live<E: Send + 'static>(&self, limits: Limits) -> (Writer<E>, Reader<E>) {
        let pipe = Arc::new(Pipe::new(Arc::clone(&self.shared), limits));
        (Writer::new(Arc::clone(&pipe)), Reader::new(pipe))
    }
}

/// Bytes of a block for a spool that may hold `memory` bytes: half of it is written while the reader has the other
/// half.
fn block_size(memory: usize) -> usize {
    (memory / 2).clamp(LEAST_BLOCK, PIECE)
}
