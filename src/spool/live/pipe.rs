//! What both ends of a live spool share, and the jobs that move bytes to and from its file.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use tokio::task;

use super::super::disk::Disk;
use super::super::{Limits, Shared, SpoolError};
use super::LiveError;
use super::flow::{Flow, Popped, ReadJob, WriteJob};

/// The middle of a live spool.
#[derive(Debug)]
pub(super) struct Pipe<E> {
    shared: Arc<Shared>,
    state: Mutex<State<E>>,
}

#[derive(Debug)]
struct State<E> {
    flow: Flow<E>,
    /// Made when it is first needed.
    disk: Option<Arc<Disk>>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// What the writer waits for is room, and not only the end of the reader: it is woken for nothing else.
    wants_room: bool,
    /// The reader had taken everything when it last looked: it will do so again if it gets the chance.
    caught_up: bool,
}

/// Whom a change concerns. Woken when the lock is gone.
#[must_use]
struct Woken([Option<Waker>; 2]);

impl<E: Send + 'static> Pipe<E> {
    pub(super) fn new(shared: Arc<Shared>, limits: Limits) -> Self {
        let flow = Flow::new(limits, shared.memory.share());
        Self {
            shared,
            state: Mutex::new(State {
                flow,
                disk: None,
                reader: None,
                writer: None,
                wants_room: false,
                caught_up: true,
            }),
        }
    }

    /// Takes a chunk.
    pub(super) fn push(self: &Arc<Self>, chunk: Bytes) {
        self.change(|flow| flow.push(chunk));
    }

    /// No more comes.
    pub(super) fn finish(self: &Arc<Self>, error: Option<LiveError<E>>) {
        self.change(|flow| flow.finish(error));
    }

    /// The reader is gone.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.flow.abandon();
        // Closing the file may take the disk's time: not under the lock.
        let disk = state.disk.take();
        let woken = state.woken();
        drop(state);
        woken.wake();
        drop(disk);
    }

    /// The next bytes, an error once, or the end.
    pub(super) fn poll_pop(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, LiveError<E>>>> {
        let mut state = self.lock();
        let popped = match state.flow.pop() {
            Popped::Chunk(chunk) => Poll::Ready(Some(Ok(chunk))),
            Popped::End(error) => Poll::Ready(error.map(Err)),
            Popped::Wait => Poll::Pending,
            Popped::Read(job) => {
                self.start_read(&state, job);
                Poll::Pending
            }
        };
        if popped.is_pending() {
            state.caught_up = state.flow.is_ready();
            state.reader = Some(cx.waker().clone());
            return popped;
        }
        self.proceed(state);
        popped
    }

    /// Ready when another chunk may come: `true`; or when none is wanted: `false`.
    pub(super) fn poll_ready(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = self.lock();
        if state.flow.is_gone() {
            return Poll::Ready(false);
        }
        if state.flow.is_ready() {
            return Poll::Ready(true);
        }
        if std::mem::take(&mut state.caught_up) {
            // It was woken by the chunk that filled memory, and takes it before we come back.
            drop(state);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        state.writer = Some(cx.waker().clone());
        state.wants_room = true;
        state.flow.press();
        self.proceed(state);
        Poll::Pending
    }

    /// Whether another chunk may come.
    pub(super) fn is_ready(&self) -> bool {
        self.lock().flow.is_ready()
    }

    /// Ready when the reader is gone.
    pub(super) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.flow.is_gone() {
            return Poll::Ready(());
        }
        state.writer = Some(cx.waker().clone());
        state.wants_room = false;
        Poll::Pending
    }

    /// Whether the reader will get nothing but the end.
    pub(super) fn is_over(&self) -> bool {
        self.lock().flow.is_over()
    }

    fn change(self: &Arc<Self>, change: impl FnOnce(&mut Flow<E>)) {
        let mut state = self.lock();
        change(&mut state.flow);
        self.proceed(state);
    }

    /// Starts what a change has made possible, and wakes whom it concerns.
    fn proceed(self: &Arc<Self>, mut state: MutexGuard<'_, State<E>>) {
        let unused = state.flow.drop_file().then(|| state.disk.take());
        let job = state.next_write(&self.shared);
        let woken = state.woken();
        drop(state);
        drop(unused);
        woken.wake();
        if let Some((disk, job)) = job {
            let pipe = Arc::clone(self);
            task::spawn_blocking(move || pipe.write(disk, job));
        }
    }

    /// Writes block after block, as long as there are any.
    fn write(self: Arc<Self>, mut disk: Arc<Disk>, mut job: WriteJob) {
        loop {
            let done = disk.write_now(&job.pieces, job.offset);
            if let Err(error) = &done {
                self.shared.complain(error);
            }
            let mut state = self.lock();
            state.flow.written(done.is_ok());
            let next = state.next_write(&self.shared);
            let woken = state.woken();
            drop(state);
            woken.wake();
            match next {
                Some(next) => (disk, job) = next,
                None => return,
            }
        }
    }

    fn start_read(self: &Arc<Self>, state: &State<E>, job: ReadJob) {
        let (pipe, disk) = (Arc::clone(self), state.disk.clone());
        let piece = BytesMut::with_capacity(job.len);
        task::spawn_blocking(move || {
            let missing = || Err(std::io::ErrorKind::NotFound.into());
            let read = disk.map_or_else(missing, |disk| disk.read_now(job.offset, job.len, piece));
            pipe.change(|flow| flow.read(read));
        });
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> State<E> {
    fn next_write(&mut self, shared: &Arc<Shared>) -> Option<(Arc<Disk>, WriteJob)> {
        let Self { flow, disk, .. } = self;
        let open = || Arc::new(Disk::new(Arc::clone(shared)));
        let job = flow.next_write(|more| {
            let reserved = disk.get_or_insert_with(open).reserve(more);
            if !reserved {
                shared.complain(&SpoolError::Quota);
            }
            reserved
        })?;
        Some((disk.clone()?, job))
    }

    fn woken(&mut self) -> Woken {
        let reader = self.reader.take_if(|_| self.flow.is_readable());
        let due = self.flow.is_gone() || self.wants_room && self.flow.is_ready();
        let writer = self.writer.take_if(|_| due);
        Woken([reader, writer])
    }
}

impl Woken {
    fn wake(self) {
        self.0.into_iter().flatten().for_each(Waker::wake);
    }
}
