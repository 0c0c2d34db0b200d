//! Where the bytes of a live spool are, and where they go next. Knows no tasks, no files and no clock.

use std::io;

use bytes::Bytes;

use super::super::Limits;
use super::super::quota::Share;
use super::super::segments::Segments;
use super::blocks::{Block, Blocks};
use super::{LiveError, block_size};

/// The state of a live spool. Its bytes in the order in which the reader gets them: `front`, the blocks of the
/// file, `writing`, `back`.
#[derive(Debug)]
pub(super) struct Flow<E> {
    limits: Limits,
    /// What is held in memory, as all spools count it.
    memory: Share,
    front: Segments,
    blocks: Blocks,
    /// The first block is being read.
    reading: bool,
    writing: Option<Writing>,
    back: Segments,
    /// The disk refused a block. It is asked again when the reader has caught up.
    refused: bool,
    /// The writer waits, though the reader had its chance.
    pressed: bool,
    end: End<E>,
    /// The reader is gone, or could not read.
    gone: bool,
}

/// A block that is being written. Its bytes are kept: should that fail, nothing was lost.
#[derive(Debug)]
struct Writing {
    block: Block,
    pieces: Vec<Bytes>,
}

/// How it ends.
#[derive(Debug)]
enum End<E> {
    /// Not yet.
    Open,
    /// The writer has given everything; or this was why not.
    Ended(Option<LiveError<E>>),
}

/// Bytes to be written to the file.
#[derive(Debug)]
pub(super) struct WriteJob {
    pub(super) offset: u64,
    pub(super) pieces: Vec<Bytes>,
}

/// Bytes to be read from the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ReadJob {
    pub(super) offset: u64,
    pub(super) len: usize,
}

/// What a reader gets.
#[derive(Debug)]
pub(super) enum Popped<E> {
    /// The next bytes, not empty.
    Chunk(Bytes),
    /// First these have to be read.
    Read(ReadJob),
    /// Nothing yet.
    Wait,
    /// The end.
    End(Option<LiveError<E>>),
}

impl<E> Flow<E> {
    /// An empty one.
    pub(super) fn new(limits: Limits, memory: Share) -> Self {
        Self {
            blocks: Blocks::new(block_size(limits.memory)),
            limits,
            memory,
            front: Segments::default(),
            reading: false,
            writing: None,
            back: Segments::default(),
            refused: false,
            pressed: false,
            end: End::Open,
            gone: false,
        }
    }

    /// Takes a chunk. The writer asks [`is_ready`](Self::is_ready) before it makes one.
    pub(super) fn push(&mut self, chunk: Bytes) {
        if self.gone || !matches!(self.end, End::Open) || chunk.is_empty() {
            return;
        }
        self.pressed = false;
        if self.is_spilling() {
            self.back.push(chunk);
        } else {
            self.front.push(chunk);
        }
        self.settle();
    }

    /// The next block to write. `may_grow` says whether the file may get so many bytes more than it has.
    pub(super) fn next_write(&mut self, may_grow: impl FnOnce(u64) -> bool) -> Option<WriteJob> {
        if self.writing.is_some() || self.refused || self.limits.disk == 0 || self.gone {
            return None;
        }
        let full = self.pressed && self.is_full();
        if full && !self.is_spilling() {
            self.split();
        }
        let size = self.blocks.size();
        if self.back.is_empty() || (!full && (self.back.len() as u64) < size) {
            return None;
        }
        let len = self.back.len().min(usize::try_from(size).unwrap_or(usize::MAX));
        let limit = self.limits.disk;
        let block = self.blocks.take(len, |file| file <= limit && may_grow(size))?;
        let pieces = self.back.split_to(len);
        self.writing = Some(Writing {
            block,
            pieces: pieces.clone(),
        });
        Some(WriteJob {
            offset: self.blocks.offset(block),
            pieces,
        })
    }

    /// The block of the last write job was written, or not.
    pub(super) fn written(&mut self, done: bool) {
        let Some(Writing { block, pieces }) = self.writing.take() else {
            return;
        };
        if !done {
            self.blocks.release(block);
            self.refused = true;
            let back = std::mem::take(&mut self.back);
            let pieces = pieces.into_iter().chain(back.into_pieces());
            pieces.for_each(|piece| self.back.push(piece));
        } else if self.front.is_empty() && self.blocks.is_empty() && self.held() + block.len <= self.room() {
            // The reader has come this far in the meantime. Without room it may also be that nothing was left to it in
            // front: taken back, the block would be written again, and again.
            self.blocks.release(block);
            pieces.into_iter().for_each(|piece| self.front.push(piece));
        } else {
            self.blocks.push(block);
        }
        self.settle();
    }

    /// The next bytes.
    pub(super) fn pop(&mut self) -> Popped<E> {
        if let Some(chunk) = self.front.pop() {
            self.settle();
            return Popped::Chunk(chunk);
        }
        if self.reading {
            return Popped::Wait;
        }
        if let Some(block) = self.blocks.first() {
            self.reading = true;
            self.settle();
            return Popped::Read(ReadJob {
                offset: self.blocks.offset(block),
                len: block.len,
            });
        }
        if self.writing.is_some() {
            return Popped::Wait;
        }
        self.refused = false;
        self.front = std::mem::take(&mut self.back);
        if let Some(chunk) = self.front.pop() {
            self.settle();
            return Popped::Chunk(chunk);
        }
        match &mut self.end {
            End::Ended(error) => Popped::End(error.take()),
            End::Open => Popped::Wait,
        }
    }

    /// The first block was read. It cannot be: all that comes behind it is useless.
    pub(super) fn read(&mut self, result: io::Result<Bytes>) {
        if !std::mem::take(&mut self.reading) {
            return;
        }
        match result {
            Ok(bytes) => {
                self.blocks.pop();
                self.front.push(bytes);
                self.settle();
            }
            Err(error) => {
                self.abandon();
                self.end = End::Ended(Some(LiveError::Disk(error)));
            }
        }
    }

    /// No more comes.
    pub(super) fn finish(&mut self, error: Option<LiveError<E>>) {
        if matches!(self.end, End::Open) {
            self.end = End::Ended(error);
        }
    }

    /// The reader is gone.
    pub(super) fn abandon(&mut self) {
        self.front = Segments::default();
        self.back = Segments::default();
        // Jobs that are under way end in vain.
        self.reading = false;
        self.writing = None;
        self.blocks.clear();
        self.gone = true;
        self.settle();
    }

    /// The writer waits, though the reader had its chance: what memory cannot hold goes to the disk.
    pub(super) fn press(&mut self) {
        self.pressed = true;
    }

    /// The file can be given up: all of it was read, and it is long.
    pub(super) fn drop_file(&mut self) -> bool {
        let unused = self.blocks.is_empty() && self.writing.is_none() && !self.reading;
        let due = unused && self.blocks.file_len() > super::KEPT_FILE;
        if due {
            self.blocks.clear();
        }
        due
    }

    /// Whether another chunk may come. One always may when nothing is held: no spool waits for others.
    pub(super) fn is_ready(&self) -> bool {
        self.held() == 0 || !self.is_full()
    }

    /// Whether [`pop`](Self::pop) would do anything.
    pub(super) fn is_readable(&self) -> bool {
        if !self.front.is_empty() {
            return true;
        }
        let idle = !self.reading && (!self.blocks.is_empty() || self.writing.is_none());
        let more = !self.blocks.is_empty() || !self.back.is_empty() || matches!(self.end, End::Ended(_));
        idle && more
    }

    /// Whether the reader will get nothing but the end, and no error.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.end, End::Ended(None)) && self.front.is_empty() && !self.is_spilling()
    }

    /// Whether the writer may stop: the reader is gone, or could not read.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Bytes in memory.
    fn held(&self) -> usize {
        let writing = self.writing.as_ref().map_or(0, |writing| writing.block.len);
        let reading = self.blocks.first().filter(|_| self.reading);
        self.front.len() + writing + self.back.len() + reading.map_or(0, |block| block.len)
    }

    /// Bytes that may be held: none of its own when all spools together hold too much.
    fn room(&self) -> usize {
        match self.memory.is_spent() {
            true => 0,
            false => self.limits.memory,
        }
    }

    fn is_full(&self) -> bool {
        self.held() >= self.room()
    }

    /// Whether what comes next must wait behind something that is not in front.
    fn is_spilling(&self) -> bool {
        !self.blocks.is_empty() || self.writing.is_some() || !self.back.is_empty()
    }

    /// Memory is full: the reader keeps half of it, the rest may go.
    fn split(&mut self) {
        let mut kept = Segments::default();
        let half = self.front.split_to(self.room() / 2);
        half.into_iter().for_each(|piece| kept.push(piece));
        self.back = std::mem::replace(&mut self.front, kept);
    }

    fn settle(&self) {
        self.memory.set(self.held() as u64);
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self, largest_chunk: usize) {
        assert_eq!(self.memory.bytes(), self.held() as u64, "memory is accounted for");
        let block = block_size(self.limits.memory);
        assert!(
            self.held() <= self.limits.memory + largest_chunk + block,
            "memory is bounded"
        );
        assert!(self.blocks.file_len() <= self.limits.disk, "the file is bounded");
        self.blocks
            .check_invariants(self.writing.as_ref().map(|writing| writing.block));
        let at_work = self.reading || self.writing.is_some();
        assert!(
            self.is_ready() || at_work || self.is_readable(),
            "a writer that waits has something to wait for"
        );
        assert!(!self.gone || self.held() == 0, "nothing is held for nobody");
        assert!(
            !self.is_spilling() || at_work || self.is_readable(),
            "spilled bytes are on their way to the reader"
        );
    }
}
