//! Which part of a file holds what: blocks of one size, used again when they were read.

use std::collections::VecDeque;

/// The blocks of a file.
#[derive(Debug)]
pub(super) struct Blocks {
    size: u64,
    /// Written and not yet read, in order.
    queue: VecDeque<Block>,
    /// Numbers of blocks that hold nothing.
    free: Vec<u32>,
    /// Blocks that the file has.
    count: u32,
}

/// Bytes at the start of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    number: u32,
    /// How many.
    pub(super) len: usize,
}

impl Blocks {
    /// A file without blocks of `size` bytes.
    pub(super) fn new(size: usize) -> Self {
        Self {
            size: size as u64,
            queue: VecDeque::new(),
            free: Vec::new(),
            count: 0,
        }
    }

    /// A block for `len` bytes, which are at most the size of one. The file only grows if `may_grow` to so many
    /// bytes.
    pub(super) fn take(&mut self, len: usize, may_grow: impl FnOnce(u64) -> bool) -> Option<Block> {
        debug_assert!(len as u64 <= self.size, "a block holds no more");
        if let Some(number) = self.free.pop() {
            return Some(Block { number, len });
        }
        let number = self.count;
        let count = number.checked_add(1)?;
        if !may_grow(u64::from(count) * self.size) {
            return None;
        }
        self.count = count;
        Some(Block { number, len })
    }

    /// A block that was written, behind all others.
    pub(super) fn push(&mut self, block: Block) {
        self.queue.push_back(block);
    }

    /// The block to read next.
    pub(super) fn first(&self) -> Option<Block> {
        self.queue.front().copied()
    }

    /// The first block was read.
    pub(super) fn pop(&mut self) {
        if let Some(block) = self.queue.pop_front() {
            self.release(block);
        }
    }

    /// A block is not needed any more.
    pub(super) fn release(&mut self, block: Block) {
        self.free.push(block.number);
    }

    /// Where a block begins.
    pub(super) fn offset(&self, block: Block) -> u64 {
        u64::from(block.number) * self.size
    }

    /// Whether there is nothing to read.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes that the file has, used or not.
    pub(super) fn file_len(&self) -> u64 {
        u64::from(self.count) * self.size
    }

    /// Bytes of one block.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The file is gone, with its blocks.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.free.clear();
        self.count = 0;
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self, writing: Option<Block>) {
        let used = self.queue.iter().chain(&writing).map(|block| block.number);
        let mut all: Vec<u32> = used.chain(self.free.iter().copied()).collect();
        all.sort_unstable();
        assert_eq!(
            all,
            (0..self.count).collect::<Vec<_>>(),
            "every block has one place"
        );
    }
}
