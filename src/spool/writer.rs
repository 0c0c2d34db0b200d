//! The side of a spool that takes bytes.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::disk::{Disk, Written};
use super::quota::Share;
use super::segments::Segments;
use super::spooled::{Spool, Tail};
use super::{LEAST_PIECE, Limits, PIECE, Shared, SpoolError};

/// Takes bytes in order, then becomes a [`Spool`].
#[derive(Debug)]
pub struct Writer {
    shared: Arc<Shared>,
    limits: Limits,
    memory: Segments,
    /// What is in memory, what waits for the disk included, as all spools count it.
    held: Share,
    overflow: Option<Overflow>,
    broken: bool,
}

/// What did not fit into memory.
#[derive(Debug)]
struct Overflow {
    disk: Arc<Disk>,
    /// Waits until it is a piece.
    pending: Segments,
    /// Bytes handed to jobs.
    written: u64,
    /// The last job, unless its end was seen. Only one runs at a time: more would only fill memory.
    job: Option<JoinHandle<Written>>,
    /// Bytes that it has.
    writing: u64,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, limits: Limits) -> Self {
        Self {
            held: shared.memory.share(),
            shared,
            limits,
            memory: Segments::default(),
            overflow: None,
            broken: false,
        }
    }

    /// Appends a chunk; waits only when the disk is slower than the caller, or memory is used up.
    ///
    /// The first poll takes the chunk: a caller that gives up waiting must not write it again. After an error
    /// the spool is of no use: every later call fails.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), SpoolError> {
        if self.broken {
            return Err(SpoolError::Broken);
        }
        if self.overflow.is_none() && self.memory.len() + chunk.len() <= self.room() {
            self.keep(chunk);
            return Ok(());
        }
        let result = self.spill(chunk).await;
        self.broken |= result.is_err();
        result
    }

    /// Waits until everything is on its way to the reader.
    pub async fn finish(mut self) -> Result<Spool, SpoolError> {
        if self.broken {
            return Err(SpoolError::Broken);
        }
        let tail = match self.overflow.take() {
            Some(overflow) => Some(overflow.finish().await?),
            None => None,
        };
        self.held.set(self.memory.len() as u64);
        Ok(Spool::new(self.memory, Some(self.held), tail))
    }

    /// Bytes taken so far.
    pub fn len(&self) -> u64 {
        let overflow = self.overflow.as_ref().map_or(0, Overflow::len);
        self.memory.len() as u64 + overflow
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that may be in memory: no more than there are when all spools together hold too much, unless the disk is
    /// not to be touched.
    fn room(&self) -> usize {
        match self.held.is_spent() && self.limits.disk > 0 {
            true => 0,
            false => self.limits.memory,
        }
    }

    fn keep(&mut self, chunk: Bytes) {
        self.memory.push(chunk);
        self.count();
    }

    /// Tells all spools what is in memory here, on its way to the disk or not.
    fn count(&self) {
        let overflow = self.overflow.as_ref().map_or(0, Overflow::in_memory);
        self.held.set(self.memory.len() as u64 + overflow);
    }

    /// Fills memory to its limit, then goes on to the disk.
    async fn spill(&mut self, mut chunk: Bytes) -> Result<(), SpoolError> {
        if self.overflow.is_none() {
            let room = self.room().saturating_sub(self.memory.len());
            let first = chunk.split_to(room.min(chunk.len()));
            self.keep(first);
        }
        let limit = self.limits.disk.saturating_add(self.limits.memory as u64);
        if self.len() + chunk.len() as u64 > limit {
            return Err(SpoolError::TooLarge { limit });
        }
        let new = || Overflow::new(&self.shared);
        self.overflow.get_or_insert_with(new).push(chunk)?;
        self.count();
        let spent = self.held.is_spent();
        let piece = if spent { LEAST_PIECE } else { PIECE };
        if let Some(overflow) = &mut self.overflow {
            overflow.write(piece).await?;
            if spent {
                // Until its end is seen, a job keeps what it has written.
                overflow.join().await?;
            }
        }
        self.count();
        Ok(())
    }
}

impl Overflow {
    fn new(shared: &Arc<Shared>) -> Self {
        Self {
            disk: Arc::new(Disk::new(Arc::clone(shared))),
            pending: Segments::default(),
            written: 0,
            job: None,
            writing: 0,
        }
    }

    /// Takes a chunk.
    fn push(&mut self, chunk: Bytes) -> Result<(), SpoolError> {
        if !self.disk.reserve(chunk.len() as u64) {
            return Err(SpoolError::Quota);
        }
        self.pending.push(chunk);
        Ok(())
    }

    /// Writes what is pending, from `piece` bytes on.
    async fn write(&mut self, piece: usize) -> Result<(), SpoolError> {
        if self.pending.len() >= piece {
            self.join().await?;
            self.flush();
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Tail, SpoolError> {
        self.join().await?;
        self.flush();
        self.join().await?;
        Ok(Tail {
            disk: self.disk,
            len: self.written,
        })
    }

    /// Hands what is pending to a job. None may be running.
    fn flush(&mut self) {
        debug_assert!(self.job.is_none(), "jobs of one spool never overlap");
        let pending = std::mem::take(&mut self.pending);
        let len = pending.len() as u64;
        if len > 0 {
            self.job = Some(self.disk.write(pending.into_pieces(), self.written));
            self.written += len;
            self.writing = len;
        }
    }

    /// Waits for the running job. May be cancelled: the job is kept until its end was seen.
    async fn join(&mut self) -> Result<(), SpoolError> {
        let Some(job) = &mut self.job else {
            return Ok(());
        };
        let ended = job.await;
        self.job = None;
        self.writing = 0;
        // A job ends without a result only when the runtime shuts down.
        let Written { result, pieces } = ended.map_err(io::Error::other)?;
        drop(pieces);
        Ok(result?)
    }

    fn len(&self) -> u64 {
        self.written + self.pending.len() as u64
    }

    /// Bytes that are still in memory.
    fn in_memory(&self) -> u64 {
        self.writing + self.pending.len() as u64
    }
}
