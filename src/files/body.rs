//! The body of a plain answer.

use std::fs;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use rustix::io::{ReadWriteFlags, preadv2};
use tokio::task::{self, JoinHandle};

/// Up to this size a part is read at once by the calling thread, and so many bytes of a longer one that are in the page
/// cache: that takes ten microseconds, as long as a hop to the blocking pool alone.
const INLINE: u64 = 64 * 1024;

/// Bytes read in one hop to the blocking pool, unless its reader wants less; also what one answer holds in memory.
const PIECE: u64 = 256 * 1024;

/// Up to this size a file is read before its head is sent: then nothing can go wrong behind it.
const WHOLE: u64 = 16 * 1024;

/// Bytes of a file that the kernel copies at a time.
const COPY: usize = 512 * 1024;

/// Bytes of a file, read while they are sent.
#[derive(Debug, Default)]
pub struct Body {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Done,
    /// All there is.
    Bytes(Bytes),
    File(Reading),
}

#[derive(Debug)]
struct Reading {
    file: Arc<fs::File>,
    left: Range<u64>,
    /// Bytes of one read, at most.
    piece: u64,
    /// Short enough to be read by the calling thread.
    short: bool,
    /// The read that was started.
    job: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Body {
    /// Without content.
    pub(super) fn empty() -> Self {
        Self::default()
    }

    /// These bytes of a file.
    pub(super) fn part(file: fs::File, part: Range<u64>) -> io::Result<Self> {
        let state = match part.end - part.start {
            0 => State::Done,
            1..=WHOLE => State::Bytes(read(&file, &part)?),
            length => State::File(Reading {
                file: Arc::new(file),
                left: part,
                piece: PIECE,
                short: length <= INLINE,
                job: None,
            }),
        };
        Ok(Self { state })
    }

    /// From now on `piece` bytes are read at a time, at most: what they are read for may wait long for its client.
    pub fn in_pieces(&mut self, piece: usize) {
        if let State::File(reading) = &mut self.state {
            reading.piece = (piece as u64).clamp(1, PIECE);
        }
    }

    /// The next bytes.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let next = match &mut self.state {
            State::Done => None,
            State::Bytes(bytes) => Some(Ok(std::mem::take(bytes))),
            State::File(reading) => Some(ready!(reading.poll(cx))),
        };
        // After an error too: what follows it would be at the wrong place.
        if self.remaining() == 0 || !matches!(next, Some(Ok(_))) {
            self.state = State::Done;
        }
        Poll::Ready(next)
    }

    /// Whether the kernel may copy it from the file to a socket.
    pub fn is_file(&self) -> bool {
        matches!(&self.state, State::File(reading) if reading.job.is_none() && !reading.short)
    }

    /// Has `copy` send some of the file, from an offset and so many bytes at most; gives the bytes that it sent. To be
    /// called where [`is_file`](Self::is_file) says so.
    pub fn poll_copy(
        &mut self,
        copy: impl FnOnce(&fs::File, u64, usize) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let State::File(Reading { file, left, .. }) = &mut self.state else {
            return Poll::Ready(Ok(0));
        };
        let most = usize::try_from(left.end - left.start).unwrap_or(usize::MAX);
        let sent = ready!(copy(file, left.start, most.min(COPY)));
        match sent {
            Ok(count @ 1..) => left.start += count as u64,
            // A file that became shorter is an error: the length was promised.
            Ok(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Err(_) => {}
        }
        if left.is_empty() {
            self.state = State::Done;
        }
        Poll::Ready(sent)
    }

    /// Whether all of it was given out.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Bytes still to be given out.
    pub fn remaining(&self) -> u64 {
        match &self.state {
            State::Done => 0,
            State::Bytes(bytes) => bytes.len() as u64,
            State::File(reading) => reading.left.end - reading.left.start,
        }
    }
}

impl Reading {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let piece = self.left.start..self.left.end.min(self.left.start + self.piece);
        let bytes = match self.at_once(&piece)? {
            Some(bytes) => bytes,
            None => {
                let job = self.job.get_or_insert_with(|| {
                    let file = Arc::clone(&self.file);
                    task::spawn_blocking(move || read(&file, &piece))
                });
                let ended = ready!(Pin::new(job).poll(cx));
                self.job = None;
                ended.map_err(io::Error::other)??
            }
        };
        self.left.start += bytes.len() as u64;
        Poll::Ready(Ok(bytes))
    }

    /// What the calling thread reads of a piece, without waiting for a disk unless the part is short.
    fn at_once(&self, piece: &Range<u64>) -> io::Result<Option<Bytes>> {
        match &self.job {
            Some(_) => Ok(None),
            None if self.short => read(&self.file, piece).map(Some),
            None => Ok(cached(&self.file, piece)),
        }
    }
}

/// The beginning of a part, as far as it is in the page cache. Whatever else there is to say, an ordinary read says.
fn cached(file: &fs::File, part: &Range<u64>) -> Option<Bytes> {
    let mut bytes = BytesMut::zeroed((part.end - part.start).min(INLINE) as usize);
    let slices = &mut [IoSliceMut::new(&mut bytes)];
    let count = preadv2(file, slices, part.start, ReadWriteFlags::NOWAIT).ok()?;
    bytes.truncate(count);
    (count > 0).then(|| bytes.freeze())
}

/// A file that became shorter is an error: the length was promised.
fn read(file: &fs::File, part: &Range<u64>) -> io::Result<Bytes> {
    let mut bytes = BytesMut::zeroed((part.end - part.start) as usize);
    file.read_exact_at(&mut bytes, part.start)?;
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;

    use super::*;

    async fn next(body: &mut Body) -> Option<io::Result<Bytes>> {
        poll_fn(|cx| body.poll_chunk(cx)).await
    }

    async fn collect(mut body: Body) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(chunk) = next(&mut body).await {
            all.extend_from_slice(&chunk.unwrap());
        }
        all
    }

    fn file(len: usize) -> (fs::File, Vec<u8>) {
        let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        (file, bytes)
    }

    #[tokio::test]
    async fn every_size_arrives_complete() {
        let (inline, piece) = (INLINE as usize, PIECE as usize);
        for len in [0, 1, inline, inline + 1, piece, piece + 1, 3 * piece + 5] {
            let (file, bytes) = file(len);
            let body = Body::part(file, 0..len as u64).unwrap();
            assert_eq!(body.remaining(), len as u64);
            assert_eq!(body.is_over(), len == 0);
            assert!(collect(body).await == bytes);
        }
    }

    #[tokio::test]
    async fn what_is_in_the_page_cache_is_read_without_another_thread() {
        let (file, bytes) = file(3 * PIECE as usize);
        // Not every file system can tell.
        if cached(&file, &(0..1)).is_some() {
            let mut body = Body::part(file, 0..3 * PIECE).unwrap();
            let mut cx = Context::from_waker(std::task::Waker::noop());
            let Poll::Ready(Some(Ok(first))) = body.poll_chunk(&mut cx) else {
                panic!("it waits");
            };
            assert_eq!(first, bytes[..first.len()]);
        }
    }

    #[tokio::test]
    async fn a_part_is_just_that_part() {
        let (file, bytes) = file(3 * PIECE as usize);
        let body = Body::part(file, 7..2 * PIECE).unwrap();
        assert!(collect(body).await == bytes[7..2 * PIECE as usize]);
    }

    #[tokio::test]
    async fn a_reader_that_wants_less_gets_less() {
        for len in [INLINE, INLINE + 1, 2 * PIECE] {
            let (file, bytes) = file(len as usize);
            let mut body = Body::part(file, 0..len).unwrap();
            body.in_pieces(5000);
            assert_eq!(next(&mut body).await.unwrap().unwrap(), bytes[..5000]);
            body.in_pieces(usize::MAX);
            let more = next(&mut body).await.unwrap().unwrap();
            assert!(more.len() > 5000 && more.len() as u64 <= PIECE);
            assert_eq!(more, bytes[5000..5000 + more.len()]);
        }
    }

    #[tokio::test]
    async fn the_end_is_known_with_the_last_piece() {
        let (file, bytes) = file(PIECE as usize + 1);
        let mut body = Body::part(file, 0..PIECE + 1).unwrap();
        let mut given = 0;
        while given < bytes.len() {
            assert!(!body.is_over());
            given += next(&mut body).await.unwrap().unwrap().len();
        }
        assert!(body.is_over());
        assert!(next(&mut body).await.is_none());
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_is_an_error() {
        let (small, _) = file(10);
        assert!(Body::part(small, 0..11).is_err());
        let (large, _) = file(2 * PIECE as usize);
        let shortened = large.try_clone().unwrap();
        let mut body = Body::part(large, 0..2 * PIECE).unwrap();
        let mut given = next(&mut body).await.unwrap().unwrap().len() as u64;
        shortened.set_len(PIECE + 1).unwrap();
        let error = loop {
            match next(&mut body).await.unwrap() {
                Ok(bytes) => given += bytes.len() as u64,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(given <= PIECE + 1);
        assert!(next(&mut body).await.is_none());
    }
}
