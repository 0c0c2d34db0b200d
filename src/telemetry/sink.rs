//! Lines to a file that can be exchanged for another one, without ever making the caller wait.
//!
//! Lines are appended to one buffer; a thread swaps it for an empty one and writes it out in one system call.
//! That takes no allocation and no task switch per line, bounds memory in bytes, and counts what was lost, write
//! errors included, which is why this is not `tracing_appender::non_blocking`.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::reminder::Reminder;
use super::syslog::SyslogSocket;

/// Where what is written is not kept.
const NULL: &str = "/dev/null";

/// Bytes that wait to be written: some 30,000 lines. Lines beyond are dropped.
const PENDING: usize = 8 * 1024 * 1024;

/// With this many bytes waiting, writing starts at once.
const BATCH: usize = 64 * 1024;

/// How long fewer bytes wait for company: a wake-up per request would cost as much as its log line.
const LINGER: Duration = Duration::from_millis(10);

/// How long to wait before trying again to write to a full non-blocking pipe.
const RETRY: Duration = Duration::from_millis(5);

/// How often lost lines are told of.
const TOLD: Duration = Duration::from_secs(60);

/// How long the end of the process waits for lines to be written; a pipe that is not read must not hold it up.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where lines go. Clones share the buffer.
#[derive(Clone, Debug)]
pub struct Sink {
    shared: Arc<Shared>,
}

/// Writes out what waits when it is dropped; to be held until the process ends. Later lines are dropped.
#[derive(Debug)]
#[must_use = "dropping the guard closes the sink"]
pub struct Guard {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something to write, or to stop.
    wake: Condvar,
    /// The thread has ended.
    ended: Condvar,
    dropped: AtomicU64,
    /// Of lost lines; none for the log that would be told in.
    losses: Option<Reminder>,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<u8>,
    thread: Thread,
    /// What to go on with, and how many of the pending bytes still go to the old one.
    fresh: Option<(usize, Opened)>,
    stop: bool,
    ended: bool,
}

/// What the thread does: a wake-up is a system call, and one is enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Thread {
    /// Writes, or has been woken to do so.
    #[default]
    Busy,
    /// Waits for a first line.
    Idle,
    /// Waits for a full batch, or a moment.
    Lingering,
}

/// A target that is open; nothing is written to it yet.
#[derive(Debug)]
pub struct Opened {
    place: Place,
    /// For messages.
    name: String,
}

#[derive(Debug)]
enum Place {
    File(File),
    Syslog(SyslogSocket),
}

impl Opened {
    /// A file that is open for appending, a pipe, a device.
    pub fn new(file: File, name: impl Into<String>) -> Self {
        Self {
            place: Place::File(file),
            name: name.into(),
        }
    }

    /// The system's logger.
    pub fn syslog(socket: SyslogSocket, name: impl Into<String>) -> Self {
        Self {
            place: Place::Syslog(socket),
            name: name.into(),
        }
    }

    /// Standard output.
    pub fn stdout() -> io::Result<Self> {
        let file = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self::new(file.into(), "stdout"))
    }

    /// Standard error.
    pub fn stderr() -> io::Result<Self> {
        let file = io::stderr().as_fd().try_clone_to_owned()?;
        Ok(Self::new(file.into(), "stderr"))
    }

    /// Takes everything and keeps nothing: for a log that is off and may be switched on.
    pub fn null() -> io::Result<Self> {
        Ok(Self::new(OpenOptions::new().write(true).open(NULL)?, NULL))
    }
}

impl Sink {
    /// Writes lines to what was opened. Those that are lost are counted, and nothing more: for the error log.
    pub fn start(opened: Opened) -> io::Result<(Self, Guard)> {
        Self::begin(opened, None)
    }

    /// The same for the access log: the error log tells of lost lines, once a minute at most.
    pub fn start_watched(opened: Opened) -> io::Result<(Self, Guard)> {
        Self::begin(opened, Some(Reminder::every(TOLD)))
    }

    fn begin(opened: Opened, losses: Option<Reminder>) -> io::Result<(Self, Guard)> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            ended: Condvar::new(),
            dropped: AtomicU64::new(0),
            losses,
        });
        let thread = Arc::clone(&shared);
        let name = thread::Builder::new().name("bridgehead-log".into());
        name.spawn(move || thread.write_out(opened))?;
        let guard = Guard {
            shared: Arc::clone(&shared),
        };
        Ok((Self { shared }, guard))
    }

    /// Appends a line, its line feed included; never waits for the file. A line for which there is no room is
    /// dropped and counted.
    pub fn push(&self, line: &[u8]) {
        let mut state = self.shared.lock();
        let before = state.pending.len();
        let after = before + line.len();
        if state.stop {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if after > PENDING {
            drop(state);
            return self.shared.lose(1, &"what it goes to does not keep up");
        }
        state.pending.extend_from_slice(line);
        let wakes = state.wakes();
        drop(state);
        if wakes {
            self.shared.wake.notify_one();
        }
    }

    /// Writes lines from now on to another target, or to the same one opened again. It is open before the old one is
    /// closed: for log rotation.
    pub fn switch(&self, to: Opened) {
        let mut state = self.shared.lock();
        state.fresh = Some((state.pending.len(), to));
        drop(state);
        self.shared.wake.notify_one();
    }

    /// Whether both write to the same place.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Lines lost so far.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Write for Sink {
    /// Takes whole lines: one call is one line, or none of it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stop = true;
        self.shared.wake.notify_one();
        let ended = self
            .shared
            .ended
            .wait_timeout_while(state, FAREWELL, |state| !state.ended);
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }
}

impl State {
    /// Whether the thread is to be woken for the lines that wait now. The answer is carried out: it is given once.
    fn wakes(&mut self) -> bool {
        let wakes = match self.thread {
            Thread::Busy => false,
            Thread::Idle => !self.pending.is_empty(),
            Thread::Lingering => self.pending.len() >= BATCH,
        };
        if wakes {
            self.thread = Thread::Busy;
        }
        wakes
    }
}

impl Shared {
    /// The thread: until the guard is dropped.
    fn write_out(&self, mut target: Opened) {
        let mut batch = Vec::new();
        loop {
            let (fresh, stop) = self.next_batch(&mut batch);
            match fresh {
                Some((old, fresh)) => {
                    let (old, new) = batch.split_at(old.min(batch.len()));
                    self.write_lines(&mut target, old);
                    target = fresh;
                    self.write_lines(&mut target, new);
                }
                None => self.write_lines(&mut target, &batch),
            }
            batch.clear();
            // What a burst needed is not kept for ever; a full batch is always a little more than one.
            batch.shrink_to(2 * BATCH);
            if stop {
                break;
            }
        }
        self.lock().ended = true;
        self.ended.notify_all();
    }

    /// Waits for lines and takes them in exchange for an empty buffer.
    fn next_batch(&self, batch: &mut Vec<u8>) -> (Option<(usize, Opened)>, bool) {
        let idle = |state: &mut State| state.pending.is_empty() && state.fresh.is_none() && !state.stop;
        let mut state = self.lock();
        state.thread = Thread::Idle;
        let state = self.wake.wait_while(state, idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.thread = Thread::Lingering;
        let few = |state: &mut State| state.pending.len() < BATCH && state.fresh.is_none() && !state.stop;
        let waited = self.wake.wait_timeout_while(state, LINGER, few);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.thread = Thread::Busy;
        std::mem::swap(&mut state.pending, batch);
        (state.fresh.take(), state.stop)
    }

    /// Writes lines out, or counts them as lost.
    fn write_lines(&self, target: &mut Opened, lines: &[u8]) {
        let lost = match &mut target.place {
            Place::File(file) => self.write_all(file, lines).err().map(|error| {
                let lost = memchr::memchr_iter(b'\n', lines).count();
                (lost as u64, error)
            }),
            Place::Syslog(socket) => socket.send(lines),
        };
        if let Some((lost, error)) = lost {
            self.lose(lost, &format_args!("{}: {error}", target.name));
        }
    }

    /// Counts lines as lost, and tells of it where that is wanted.
    #[cold]
    fn lose(&self, lines: u64, why: &dyn Display) {
        self.dropped.fetch_add(lines, Ordering::Relaxed);
        let losses = self.losses.as_ref();
        if let Some(lines) = losses.and_then(|losses| losses.happened(lines, Instant::now())) {
            tracing::error!(lines, error = %why, "lines of the access log are lost");
        }
    }

    /// Standard output may be a pipe that another process made non-blocking.
    fn write_all(&self, mut file: &File, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A panic while the lock was held left nothing half-done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use super::*;

    fn opened(path: &Path) -> Opened {
        let file = File::options().append(true).create(true).open(path).unwrap();
        Opened::new(file, path.display().to_string())
    }

    fn sink(path: &Path) -> (Sink, Guard) {
        Sink::start(opened(path)).unwrap()
    }

    #[test]
    fn the_guard_writes_out_everything_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "before\n").unwrap();
        let (sink, guard) = sink(&path);
        let mut expected = "before\n".to_owned();
        for number in 0..20_000 {
            let line = format!("line {number}\n");
            sink.push(line.as_bytes());
            expected.push_str(&line);
        }
        drop(guard);
        assert!(fs::read_to_string(&path).unwrap() == expected);
        assert_eq!(sink.dropped(), 0);
    }

    #[test]
    fn lines_after_the_guard_are_dropped_and_counted() {
        let dir = tempfile::tempdir().unwrap();
        let (sink, guard) = sink(&dir.path().join("log"));
        drop(guard);
        sink.push(b"late\n");
        assert_eq!(sink.dropped(), 1);
    }

    #[test]
    fn after_a_rotation_lines_go_to_the_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let (path, rotated) = (dir.path().join("log"), dir.path().join("log.1"));
        let (sink, guard) = sink(&path);
        sink.push(b"one\n");
        fs::rename(&path, &rotated).unwrap();
        sink.switch(opened(&path));
        assert!(
            path.exists(),
            "the new file is there before the old one is closed"
        );
        sink.push(b"two\n");
        drop(guard);
        assert_eq!(fs::read_to_string(&rotated).unwrap(), "one\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");

        let (sink, guard) = self::sink(&path);
        sink.switch(opened(&path));
        while sink.shared.lock().fresh.is_some() {
            thread::yield_now();
        }
        fs::rename(&path, dir.path().join("log.2")).unwrap();
        sink.push(b"three\n");
        drop(guard);
        let moved = fs::read_to_string(dir.path().join("log.2")).unwrap();
        assert_eq!(moved, "two\nthree\n");
    }

    #[test]
    fn lines_after_a_switch_go_to_the_other_target() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        let (sink, guard) = sink(&first);
        sink.push(b"one\n");
        sink.switch(opened(&second));
        sink.push(b"two\n");
        drop(guard);
        assert_eq!(fs::read_to_string(&first).unwrap(), "one\n");
        assert_eq!(fs::read_to_string(&second).unwrap(), "two\n");
    }

    #[test]
    fn a_stuck_reader_costs_lines_but_no_time_and_no_memory() {
        let (mut reader, writer) = io::pipe().unwrap();
        let file = File::from(OwnedFd::from(writer));
        let (sink, guard) = Sink::start(Opened::new(file, "a pipe")).unwrap();
        let line = [b"x".repeat(BATCH - 1), b"\n".to_vec()].concat();
        let lines = 3 * PENDING / line.len();
        for _ in 0..lines {
            sink.push(&line);
        }
        let dropped = sink.dropped();
        assert!(dropped > 0);
        assert!(sink.shared.lock().pending.len() <= PENDING);
        let reader = thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            all.len()
        });
        drop(guard);
        drop(sink);
        let expected = (lines - dropped as usize) * line.len();
        assert_eq!(reader.join().unwrap(), expected);
    }

    #[test]
    fn the_thread_is_woken_once_for_a_first_line_and_once_for_a_full_batch() {
        let mut state = State {
            thread: Thread::Idle,
            ..State::default()
        };
        assert!(!state.wakes(), "there is nothing to write");
        state.pending.push(b'\n');
        assert_eq!([state.wakes(), state.wakes()], [true, false]);
        state.thread = Thread::Lingering;
        assert!(!state.wakes(), "the batch is not full");
        state.pending.resize(BATCH, b'\n');
        assert_eq!([state.wakes(), state.wakes()], [true, false]);
        state.thread = Thread::Busy;
        assert!(!state.wakes(), "it will look before it waits");
    }

    #[test]
    fn lines_of_several_threads_with_pauses_are_all_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let (sink, guard) = sink(&path);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for number in 0..500 {
                        sink.push(b"line\n");
                        // Whatever the thread is doing at that moment.
                        if number % 100 == 0 {
                            while !sink.shared.lock().pending.is_empty() {
                                thread::yield_now();
                            }
                        }
                    }
                });
            }
        });
        sink.push(b"");
        drop(guard);
        assert_eq!(fs::read_to_string(&path).unwrap(), "line\n".repeat(2_000));
    }

    #[test]
    fn lost_lines_are_told_of_with_their_number_and_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("error.log");
        let (errors, written) = sink(&path);
        let subscriber = crate::telemetry::log::subscriber(errors, tracing::Level::ERROR, false);
        let losses = |losses| Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            ended: Condvar::new(),
            dropped: AtomicU64::new(0),
            losses,
        };
        let (watched, silent) = (losses(Some(Reminder::every(TOLD))), losses(None));
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..2 {
                watched.write_lines(&mut opened(Path::new("/dev/full")), b"one\ntwo\n");
                silent.write_lines(&mut opened(Path::new("/dev/full")), b"one\ntwo\n");
            }
        });
        drop(written);
        let text = fs::read_to_string(path).unwrap();
        let told = "ERROR lines of the access log are lost lines=2 error=/dev/full: No space left on device";
        assert!(text.contains(told) && text.lines().count() == 1, "{text}");
        assert_eq!(
            [watched, silent].map(|shared| shared.dropped.into_inner()),
            [4, 4]
        );
    }

    #[test]
    fn lines_that_could_not_be_written_are_counted() {
        let (sink, guard) = sink(Path::new("/dev/full"));
        sink.push(b"one\n");
        sink.push(b"two\n");
        drop(guard);
        assert_eq!(sink.dropped(), 2);
    }
}
