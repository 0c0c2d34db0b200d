//! The part of a spool that is on disk: an anonymous file that is opened when it is first written to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use tokio::runtime::Handle;
use tokio::task::{self, JoinHandle};

use super::quota::Share;
use super::{PIECE, Shared};

/// Freeing the blocks of a file above this size is left to the blocking pool: closing an unlinked file frees
/// them, and with many gigabytes that takes milliseconds.
const CLOSE_INLINE: u64 = 1024 * 1024;

/// A file without a name, and its share of the quota. Operations that wait for the disk are jobs on the blocking
/// pool; a job keeps the file and the share alive, even when no task waits for it any more. Its buffers are made and
/// freed by the task that asks for it: an allocator does not easily use again what another thread has freed.
#[derive(Debug)]
pub(super) struct Disk {
    shared: Arc<Shared>,
    contents: Option<Contents>,
}

/// In this order: the blocks are free before the quota says so.
#[derive(Debug)]
struct Contents {
    file: OnceLock<File>,
    share: Share,
}

/// What became of a write.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) result: io::Result<()>,
    /// What was to be written.
    pub(super) pieces: Vec<Bytes>,
}

impl Disk {
    /// Nothing is opened yet.
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let contents = Contents {
            file: OnceLock::new(),
            share: shared.quota.share(),
        };
        Self {
            shared,
            contents: Some(contents),
        }
    }

    /// Reserves `more` bytes of the quota; whether they were left.
    #[must_use]
    pub(super) fn reserve(&self, more: u64) -> bool {
        self.contents().share.grow(more)
    }

    /// Writes `pieces` at `offset`, and gives them back.
    pub(super) fn write(self: &Arc<Self>, pieces: Vec<Bytes>, offset: u64) -> JoinHandle<Written> {
        let disk = Arc::clone(self);
        task::spawn_blocking(move || {
            let result = disk.write_now(&pieces, offset);
            Written { result, pieces }
        })
    }

    /// Reads up to [`PIECE`] bytes at `offset` of a file of `len` bytes.
    pub(super) fn read(self: &Arc<Self>, offset: u64, len: u64) -> JoinHandle<io::Result<Bytes>> {
        let disk = Arc::clone(self);
        let size = (len - offset).min(PIECE as u64) as usize;
        let piece = BytesMut::with_capacity(size);
        task::spawn_blocking(move || disk.read_now(offset, size, piece))
    }

    /// Writes `pieces` at `offset`; waits for the disk.
    pub(super) fn write_now(&self, pieces: &[Bytes], mut offset: u64) -> io::Result<()> {
        let file = self.open()?;
        for piece in pieces {
            file.write_all_at(piece, offset)?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    /// Reads `size` bytes at `offset` into an empty `piece`; waits for the disk.
    pub(super) fn read_now(&self, offset: u64, size: usize, mut piece: BytesMut) -> io::Result<Bytes> {
        piece.resize(size, 0);
        self.open()?.read_exact_at(&mut piece, offset)?;
        Ok(piece.freeze())
    }

    /// The file, opened by the first job, which is a write: no other job runs before it has ended.
    fn open(&self) -> io::Result<&File> {
        let file = &self.contents().file;
        if let Some(file) = file.get() {
            return Ok(file);
        }
        let temp_dir = &self.shared.temp_dir;
        let opened = (self.shared.open)(temp_dir).map_err(|error| {
            let said = format!("{}: {error}", temp_dir.display());
            io::Error::new(error.kind(), said)
        })?;
        Ok(file.get_or_init(|| opened))
    }

    fn contents(&self) -> &Contents {
        self.contents.as_ref().expect("taken by drop only")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let Some(contents) = self.contents.take() else {
            return;
        };
        if contents.file.get().is_none() || contents.share.bytes() <= CLOSE_INLINE {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn_blocking(move || drop(contents));
        }
    }
}
