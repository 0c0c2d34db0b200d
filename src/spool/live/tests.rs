//! Live spools as their users see them: tasks, real files, full disks.

use std::fs::{File, OpenOptions};
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

use bytes::Bytes;

use super::super::{Limits, SpoolConfig, Spools};
use super::{LEAST_BLOCK, LiveError, Reader, Writer};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const LIMITS: Limits = Limits {
    memory: 64 * KIB,
    disk: 64 * MIB as u64,
};

fn spools() -> Spools {
    Spools::new(SpoolConfig::default())
}

fn full_disk() -> Spools {
    Spools::with_open(SpoolConfig::default(), |_| {
        OpenOptions::new().read(true).write(true).open("/dev/full")
    })
}

fn no_disk() -> Spools {
    Spools::with_open(SpoolConfig::default(), |_| panic!("a file was opened"))
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

/// Writes as far as the reader lets it.
async fn write(writer: &mut Writer<&'static str>, bytes: &[u8], step: usize) {
    for chunk in bytes.chunks(step) {
        assert!(poll_fn(|cx| writer.poll_ready(cx)).await);
        writer.push(Bytes::copy_from_slice(chunk));
    }
}

async fn read(reader: &mut Reader<&'static str>, len: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < len {
        all.extend(reader.chunk().await.expect("more").expect("no error"));
    }
    all
}

#[tokio::test]
async fn a_chunk_goes_through_uncopied_and_at_once() {
    let (mut writer, mut reader) = no_disk().live::<()>(LIMITS);
    for _ in 0..3 {
        let chunk = Bytes::from(b"event".to_vec());
        writer.push(chunk.clone());
        let got = reader.chunk().await.unwrap().unwrap();
        assert_eq!(got.as_ptr(), chunk.as_ptr());
    }
    assert!(!reader.is_over());
    writer.finish();
    assert!(reader.is_over() && reader.chunk().await.is_none());
}

#[tokio::test]
async fn a_reader_that_keeps_up_needs_no_disk() {
    let (mut writer, mut reader) = no_disk().live(LIMITS);
    let bytes = pattern(4 * MIB);
    let sent = bytes.clone();
    let task = tokio::spawn(async move {
        // Each chunk fills memory.
        write(&mut writer, &sent, 64 * KIB).await;
        writer.finish();
    });
    // A task as well: the main future of a runtime has its turn after all of them.
    let got = tokio::spawn(async move {
        let got = read(&mut reader, 4 * MIB).await;
        assert!(reader.chunk().await.is_none());
        got
    });
    task.await.unwrap();
    assert!(got.await.unwrap() == bytes);
}

#[tokio::test]
async fn a_writer_is_done_long_before_its_reader_has_begun() {
    let spools = spools();
    let (mut writer, mut reader) = spools.live(LIMITS);
    let bytes = pattern(5 * MIB + 17);
    write(&mut writer, &bytes, 16 * KIB).await;
    writer.finish();
    assert!(
        spools.bytes_in_memory() <= 112 * KIB as u64,
        "{}",
        spools.bytes_in_memory()
    );
    assert!(spools.bytes_on_disk() >= 4 * MIB as u64);
    assert_eq!(read(&mut reader, bytes.len()).await, bytes);
    assert!(reader.chunk().await.is_none());
    drop(reader);
    assert_eq!(spools.bytes_in_memory(), 0);
    // A long file is closed on the blocking pool.
    while spools.bytes_on_disk() > 0 {
        tokio::task::yield_now().await;
    }
}

/// The file of the test below: its length tells how many bytes it ever held.
static FILE: Mutex<Option<File>> = Mutex::new(None);

/// An endless answer whose reader is always a little behind.
#[tokio::test]
async fn the_file_does_not_grow_with_what_goes_through_it() {
    let spools = Spools::with_open(SpoolConfig::default(), |dir| {
        let file = tempfile::tempfile_in(dir)?;
        let before = FILE.lock().unwrap().replace(file.try_clone()?);
        assert!(before.is_none(), "one file is enough");
        Ok(file)
    });
    let (mut writer, mut reader) = spools.live(LIMITS);
    let (behind, step) = (400 * KIB, 40 * KIB);
    let bytes = pattern(251 * 400 * KIB / 8);
    write(&mut writer, &bytes[..behind], 8 * KIB).await;
    let mut got = Vec::new();
    for piece in bytes[behind..].chunks(step) {
        write(&mut writer, piece, 8 * KIB).await;
        got.extend(read(&mut reader, piece.len()).await);
    }
    writer.finish();
    while let Some(chunk) = reader.chunk().await {
        got.extend(chunk.unwrap());
    }
    assert!(got == bytes);
    let longest = FILE.lock().unwrap().take().unwrap().metadata().unwrap().len();
    assert!((1..=MIB as u64).contains(&longest), "{longest}");
}

#[tokio::test]
async fn over_its_limits_the_writer_waits_and_nothing_is_lost() {
    let limits = Limits {
        memory: 32 * KIB,
        disk: 4 * LEAST_BLOCK as u64,
    };
    for (spools, room) in [(spools(), 150 * KIB), (full_disk(), 60 * KIB)] {
        let (mut writer, mut reader) = spools.live(limits);
        let bytes = pattern(MIB);
        let sent = bytes.clone();
        let task = tokio::spawn(async move {
            write(&mut writer, &sent, 8 * KIB).await;
            writer.finish();
        });
        let mut got = read(&mut reader, 1).await;
        assert!(!task.is_finished());
        assert!(spools.bytes_on_disk() + spools.bytes_in_memory() <= room as u64);
        while let Some(chunk) = reader.chunk().await {
            got.extend(chunk.unwrap());
        }
        assert!(got == bytes);
        task.await.unwrap();
    }
}

/// A spool without memory or disk of its own still moves, a chunk at a time.
#[tokio::test]
async fn spent_quotas_stop_nobody() {
    let spools = Spools::new(SpoolConfig {
        memory_total: 0,
        disk_total: 0,
        ..SpoolConfig::default()
    });
    let bytes = pattern(MIB);
    let mut all = Vec::new();
    for _ in 0..4 {
        let (mut writer, mut reader) = spools.live(LIMITS);
        let sent = bytes.clone();
        tokio::spawn(async move {
            write(&mut writer, &sent, 16 * KIB).await;
            writer.finish();
        });
        // Those that were begun and stand still hold the others up as little.
        all.push((read(&mut reader, 16 * KIB).await, reader));
    }
    assert!(spools.bytes_in_memory() <= 4 * 32 * KIB as u64);
    for (mut got, mut reader) in all {
        while let Some(chunk) = reader.chunk().await {
            got.extend(chunk.unwrap());
        }
        assert!(got == bytes);
    }
    assert_eq!(spools.bytes_in_memory(), 0);
}

/// A reader that takes nothing holds up no writer as long as there is disk, though others hold all of the memory.
#[tokio::test]
async fn without_memory_an_answer_goes_to_disk() {
    let spools = Spools::new(SpoolConfig {
        memory_total: 1,
        ..SpoolConfig::default()
    });
    let others = spools.share();
    others.set(1);
    let (mut writer, mut reader) = spools.live(LIMITS);
    let bytes = pattern(MIB);
    write(&mut writer, &bytes, 16 * KIB).await;
    writer.finish();
    assert!(spools.bytes_in_memory() <= 3 * 16 * KIB as u64);
    assert_eq!(read(&mut reader, bytes.len()).await, bytes);
}

#[tokio::test]
async fn a_failure_comes_behind_the_bytes_before_it() {
    let spools = spools();
    let (mut writer, mut reader) = spools.live(LIMITS);
    let bytes = pattern(MIB);
    write(&mut writer, &bytes, 16 * KIB).await;
    writer.end("broken");
    assert_eq!(read(&mut reader, bytes.len()).await, bytes);
    assert!(!reader.is_over());
    assert!(matches!(
        reader.chunk().await,
        Some(Err(LiveError::Source("broken")))
    ));
    assert!(reader.chunk().await.is_none());

    let (mut writer, mut reader) = spools.live::<&str>(LIMITS);
    writer.push(Bytes::from_static(b"a"));
    drop(writer);
    assert_eq!(read(&mut reader, 1).await, b"a");
    assert!(matches!(reader.chunk().await, Some(Err(LiveError::Abandoned))));
}

#[tokio::test]
async fn a_block_that_cannot_be_read_ends_the_answer() {
    // What is written is there; what is read is not.
    let spools = Spools::with_open(SpoolConfig::default(), |_| {
        OpenOptions::new().read(true).write(true).open("/dev/null")
    });
    let (mut writer, mut reader) = spools.live(LIMITS);
    write(&mut writer, &pattern(MIB), 16 * KIB).await;
    let end = loop {
        match reader.chunk().await {
            Some(Ok(_)) => {}
            end => break end,
        }
    };
    assert!(matches!(end, Some(Err(LiveError::Disk(_)))), "{end:?}");
    assert!(!poll_fn(|cx| writer.poll_ready(cx)).await, "no more is wanted");
}

#[tokio::test]
async fn a_writer_learns_that_its_reader_left() {
    let spools = spools();
    let (mut writer, reader) = spools.live(Limits { memory: 10, disk: 0 });
    writer.push(Bytes::from_static(b"0123456789"));
    let waiting = tokio::spawn(async move {
        let wanted = poll_fn(|cx| writer.poll_ready(cx)).await;
        poll_fn(|cx| writer.poll_gone(cx)).await;
        (wanted, writer)
    });
    tokio::task::yield_now().await;
    drop(reader);
    let (wanted, mut writer) = waiting.await.unwrap();
    assert!(!wanted);
    writer.push(Bytes::from_static(b"in vain"));
    assert_eq!(spools.bytes_in_memory(), 0);
    let _: Writer<()> = writer;
}

/// A task that waits for its application is not to be woken by each piece that its client takes.
#[tokio::test]
async fn a_writer_that_wants_no_room_is_left_in_peace() {
    let (mut writer, mut reader) = no_disk().live::<()>(LIMITS);
    let woken = Arc::new(Count::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    for _ in 0..5 {
        writer.push(Bytes::from_static(b"piece"));
        assert!(writer.poll_gone(&mut cx).is_pending());
        assert!(reader.chunk().await.is_some());
    }
    assert_eq!(woken.0.load(Ordering::Relaxed), 0);
    drop(reader);
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
