//! The body of a plain answer.

use std::fs;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use rustix::io::{ReadWriteFlags, preadv2};
use tokio::task::{self, JoinHandle};

use super::file::{Content, read};

/// Up to this size a part is read at once by the calling thread, and so many bytes of a longer one that are in the page
/// cache: that takes ten microseconds, as long as a hop to the blocking pool alone.
const INLINE: u64 = 64 * 1024;

/// Bytes read in one hop to the blocking pool, unless its reader wants less; also what one answer holds in memory.
const PIECE: u32 = 256 * 1024;

/// Up to this size a file is read before its head is sent: then nothing can go wrong behind it.
const WHOLE: u64 = 16 * 1024;

/// Bytes of a file that the kernel copies at a time.
const COPY: usize = 512 * 1024;

/// Bytes of a file, read while they are sent.
#[derive(Debug)]
pub struct Body {
    now: Piece,
    /// What follows, the last first.
    rest: Option<Box<Rest>>,
    /// Bytes of one read, at most.
    most: u32,
    /// All of it was given out.
    over: bool,
}

/// One run of bytes.
#[derive(Debug)]
enum Piece {
    /// All there is.
    Bytes(Bytes),
    /// Boxed: a body is in every exchange.
    Source(Box<Source>),
}

/// Where a run of bytes comes from.
#[derive(Debug)]
enum Source {
    File(Reading),
    /// It is being made.
    Job(JoinHandle<io::Result<Bytes>>),
}

#[derive(Debug)]
struct Rest {
    pieces: Vec<Piece>,
    /// Bytes of all of them.
    length: u64,
}

#[derive(Debug)]
struct Reading {
    file: Arc<fs::File>,
    left: Range<u64>,
    /// Short enough to be read by the calling thread.
    short: bool,
    /// The read that was started.
    job: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Default for Body {
    fn default() -> Self {
        Self {
            now: Piece::Bytes(Bytes::new()),
            rest: None,
            most: PIECE,
            over: true,
        }
    }
}

impl Body {
    /// Without content.
    pub(super) fn empty() -> Self {
        Self::default()
    }

    /// These bytes of a file.
    pub(super) fn part(content: &Content, part: Range<u64>) -> io::Result<Self> {
        Ok(Self::of(Piece::of(content, part)?, None))
    }

    /// These bytes of a file, each behind a text, and another text behind all.
    pub(super) fn parts(
        content: &Content,
        parts: impl DoubleEndedIterator<Item = (Bytes, Range<u64>)>,
        end: Bytes,
    ) -> io::Result<Self> {
        let mut pieces = vec![Piece::Bytes(end)];
        for (text, part) in parts.rev() {
            pieces.push(Piece::of(content, part)?);
            pieces.push(Piece::Bytes(text));
        }
        let length = pieces.iter().filter_map(Piece::remaining).sum();
        let rest = Box::new(Rest { pieces, length });
        Ok(Self::of(Piece::Bytes(Bytes::new()), Some(rest)))
    }

    /// What comes of a job.
    pub(super) fn made(job: JoinHandle<io::Result<Bytes>>) -> Self {
        Self::of(Piece::Source(Box::new(Source::Job(job))), None)
    }

    fn of(now: Piece, rest: Option<Box<Rest>>) -> Self {
        let mut body = Self {
            now,
            rest,
            most: PIECE,
            over: false,
        };
        body.go_on();
        body
    }

    /// From now on `piece` bytes are read at a time, at most: what they are read for may wait long for its client.
    pub fn in_pieces(&mut self, piece: usize) {
        self.most = u32::try_from(piece).unwrap_or(PIECE).clamp(1, PIECE);
    }

    /// The next bytes.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let most = self.most as usize;
        let next = match &mut self.now {
            Piece::Bytes(bytes) => Ok(bytes.split_to(bytes.len().min(most))),
            Piece::Source(source) => match &mut **source {
                Source::File(reading) => ready!(reading.poll(most, cx)),
                Source::Job(job) => {
                    let made = ready!(Pin::new(job).poll(cx)).map_err(io::Error::other);
                    self.now = Piece::Bytes(Bytes::new());
                    made.and_then(|made| made)
                }
            },
        };
        match &next {
            Ok(_) => self.go_on(),
            // What follows would be at the wrong place.
            Err(_) => *self = Self::empty(),
        }
        Poll::Ready(Some(next))
    }

    /// Whether the kernel may copy it from the file to a socket.
    pub fn is_file(&self) -> bool {
        let Piece::Source(source) = &self.now else {
            return false;
        };
        matches!(&**source, Source::File(reading) if reading.job.is_none() && !reading.short)
    }

    /// Has `copy` send some of the file, from an offset and so many bytes at most; gives the bytes that it sent. To be
    /// called where [`is_file`](Self::is_file) says so.
    pub fn poll_copy(
        &mut self,
        copy: impl FnOnce(&fs::File, u64, usize) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Piece::Source(source) = &mut self.now else {
            return Poll::Ready(Ok(0));
        };
        let Source::File(Reading { file, left, .. }) = &mut **source else {
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
        self.go_on();
        Poll::Ready(sent)
    }

    /// Whether all of it was given out.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Bytes still to be given out, if their number is known.
    pub fn remaining(&self) -> Option<u64> {
        let rest = self.rest.as_ref().map_or(0, |rest| rest.length);
        Some(self.now.remaining()? + rest)
    }

    /// To the next piece that has something, when this one has no more.
    fn go_on(&mut self) {
        while self.now.remaining() == Some(0) {
            let next = self.rest.as_mut().and_then(|rest| {
                let next = rest.pieces.pop()?;
                rest.length -= next.remaining().unwrap_or(0);
                Some(next)
            });
            let Some(next) = next else {
                *self = Self::empty();
                return;
            };
            self.now = next;
        }
    }
}

impl Piece {
    /// These bytes of a file. A few are read at once.
    fn of(content: &Content, part: Range<u64>) -> io::Result<Self> {
        let length = part.end - part.start;
        Ok(match content {
            Content::Open(file) if length > WHOLE => Self::Source(Box::new(Source::File(Reading {
                file: file.clone(),
                left: part,
                short: length <= INLINE,
                job: None,
            }))),
            _ if length == 0 => Self::Bytes(Bytes::new()),
            _ => Self::Bytes(content.read(part.start, length as usize)?),
        })
    }

    /// Bytes that it has still, if their number is known.
    fn remaining(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Source(source) => match &**source {
                Source::File(reading) => Some(reading.left.end - reading.left.start),
                Source::Job(_) => None,
            },
        }
    }
}

impl Reading {
    fn poll(&mut self, most: usize, cx: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let (start, left) = (self.left.start, self.left.end - self.left.start);
        let length = left.min(most as u64) as usize;
        let bytes = match self.at_once(start, length)? {
            Some(bytes) => bytes,
            None => {
                let job = self.job.get_or_insert_with(|| {
                    let file = Arc::clone(&self.file);
                    task::spawn_blocking(move || read(&file, start, length))
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
    fn at_once(&self, start: u64, length: usize) -> io::Result<Option<Bytes>> {
        match &self.job {
            Some(_) => Ok(None),
            None if self.short => read(&self.file, start, length).map(Some),
            None => Ok(cached(&self.file, start, length)),
        }
    }
}

/// The beginning of a part, as far as it is in the page cache. Whatever else there is to say, an ordinary read says.
fn cached(file: &fs::File, start: u64, length: usize) -> Option<Bytes> {
    let mut bytes = BytesMut::zeroed(length.min(INLINE as usize));
    let slices = &mut [IoSliceMut::new(&mut bytes)];
    let count = preadv2(file, slices, start, ReadWriteFlags::NOWAIT).ok()?;
    bytes.truncate(count);
    (count > 0).then(|| bytes.freeze())
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;

    use super::*;

    const PIECE: u64 = super::PIECE as u64;

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

    fn part(file: &fs::File, part: Range<u64>) -> io::Result<Body> {
        Body::part(&Content::Open(Arc::new(file.try_clone().unwrap())), part)
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
            let body = part(&file, 0..len as u64).unwrap();
            assert_eq!(body.remaining(), Some(len as u64));
            assert_eq!(body.is_over(), len == 0);
            assert!(collect(body).await == bytes);
        }
    }

    #[tokio::test]
    async fn what_is_in_the_page_cache_is_read_without_another_thread() {
        let (file, bytes) = file(3 * PIECE as usize);
        // Not every file system can tell.
        if cached(&file, 0, 1).is_some() {
            let mut body = part(&file, 0..3 * PIECE).unwrap();
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
        let body = part(&file, 7..2 * PIECE).unwrap();
        assert!(collect(body).await == bytes[7..2 * PIECE as usize]);
    }

    #[tokio::test]
    async fn parts_come_behind_their_texts() {
        let (file, bytes) = file(3 * PIECE as usize);
        let content = Content::Open(Arc::new(file));
        let ranges = [5..9, PIECE..2 * PIECE + 1, 0..WHOLE, 7..7];
        let texts = ["one:", "", "three:", "none:"];
        let parts = texts.into_iter().zip(ranges.clone());
        let parts: Vec<_> = parts
            .map(|(text, range)| (Bytes::from_static(text.as_bytes()), range))
            .collect();
        let body = Body::parts(&content, parts.into_iter(), Bytes::from_static(b"end")).unwrap();
        let mut expected = Vec::new();
        for (text, range) in texts.iter().zip(ranges) {
            expected.extend_from_slice(text.as_bytes());
            expected.extend_from_slice(&bytes[range.start as usize..range.end as usize]);
        }
        expected.extend_from_slice(b"end");
        assert_eq!(body.remaining(), Some(expected.len() as u64));
        assert!(!body.is_over());
        assert!(collect(body).await == expected);
    }

    #[test]
    fn what_was_copied_to_its_end_is_no_file_any_more() {
        let (file, _) = file(3 * INLINE as usize);
        let content = Content::Open(Arc::new(file));
        let texts = [
            (Bytes::from_static(b"text"), 0..INLINE + 1),
            (Bytes::new(), 0..INLINE + 1),
        ];
        let mut body = Body::parts(&content, texts.into_iter(), Bytes::new()).unwrap();
        assert!(!body.is_file());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(body.poll_chunk(&mut cx).is_ready());
        let mut copied = 0;
        while body.is_file() {
            let sent = body.poll_copy(|_, _, most| Poll::Ready(Ok(most.min(1000))));
            let Poll::Ready(Ok(count)) = sent else {
                panic!("{sent:?}");
            };
            copied += count;
        }
        assert!(body.is_over());
        assert_eq!(copied, 2 * (INLINE as usize + 1));
    }

    #[tokio::test]
    async fn what_is_made_comes_when_it_is_there_and_its_failure_is_one() {
        let body = Body::made(task::spawn_blocking(|| Ok(Bytes::from_static(b"made"))));
        assert_eq!((body.remaining(), body.is_over()), (None, false));
        assert_eq!(collect(body).await, b"made");
        let failed = task::spawn_blocking(|| Err(io::ErrorKind::NotFound.into()));
        let mut body = Body::made(failed);
        assert!(next(&mut body).await.unwrap().is_err());
        assert!(next(&mut body).await.is_none());
        let nothing = Body::made(task::spawn_blocking(|| Ok(Bytes::new())));
        assert_eq!(collect(nothing).await, b"");
    }

    #[tokio::test]
    async fn a_reader_that_wants_less_gets_less() {
        for len in [INLINE, INLINE + 1, 2 * PIECE] {
            let (file, bytes) = file(len as usize);
            let mut body = part(&file, 0..len).unwrap();
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
        let mut body = part(&file, 0..PIECE + 1).unwrap();
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
        assert!(part(&small, 0..11).is_err());
        let (large, _) = file(2 * PIECE as usize);
        let shortened = large.try_clone().unwrap();
        let mut body = part(&large, 0..2 * PIECE).unwrap();
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
