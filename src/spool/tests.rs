//! Spools as their users see them.

use std::fs::OpenOptions;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const TOTAL: u64 = 64 * 1024 * 1024;
const MIB: usize = 1024 * 1024;

fn spools(disk_total: u64) -> Spools {
    Spools::new(SpoolConfig {
        disk_total,
        ..SpoolConfig::default()
    })
}

/// Every write fails as on a full disk: `/dev/full` answers ENOSPC.
fn full_disk() -> Spools {
    Spools::with_open(SpoolConfig::default(), |_| {
        OpenOptions::new().read(true).write(true).open("/dev/full")
    })
}

/// A file that is opened here fails the test.
fn no_disk() -> Spools {
    Spools::with_open(SpoolConfig::default(), |_| {
        panic!("a spool in memory opened a file")
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

async fn write(writer: &mut Writer, bytes: &[u8], step: usize) -> Result<(), SpoolError> {
    for chunk in bytes.chunks(step) {
        writer.write(Bytes::copy_from_slice(chunk)).await?;
    }
    Ok(())
}

async fn read(spool: &mut Spool) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(chunk) = spool.chunk().await {
        let chunk = chunk.unwrap();
        assert!(!chunk.is_empty());
        all.extend_from_slice(&chunk);
    }
    assert_eq!(spool.remaining(), 0);
    all
}

#[test]
fn a_spool_in_memory_needs_neither_disk_nor_runtime() {
    let mut writer = no_disk().writer(Limits { memory: 10, disk: 0 });
    let chunk = Bytes::from(b"0123456789".to_vec());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let written = std::pin::pin!(writer.write(chunk.clone())).poll(&mut cx);
    assert!(matches!(written, std::task::Poll::Ready(Ok(()))));
    let std::task::Poll::Ready(Ok(mut spool)) = std::pin::pin!(writer.finish()).poll(&mut cx) else {
        panic!("finishing a spool in memory never waits");
    };
    let std::task::Poll::Ready(Some(Ok(piece))) = spool.poll_chunk(&mut cx) else {
        panic!("reading a spool in memory never waits");
    };
    assert_eq!(piece.as_ptr(), chunk.as_ptr());
    assert!(matches!(spool.poll_chunk(&mut cx), std::task::Poll::Ready(None)));
}

#[test]
fn what_the_memory_of_all_spools_does_not_hold_goes_to_disk() {
    runtime().block_on(async {
        let spools = Spools::new(SpoolConfig {
            memory_total: 100,
            ..SpoolConfig::default()
        });
        let limits = Limits {
            memory: MIB,
            disk: TOTAL,
        };
        let mut first = spools.writer(limits);
        write(&mut first, &pattern(200), 200).await.unwrap();
        assert_eq!((spools.bytes_in_memory(), spools.bytes_on_disk()), (200, 0));
        let mut second = spools.writer(limits);
        let bytes = pattern(MIB);
        write(&mut second, &bytes, 5000).await.unwrap();
        let left = spools.bytes_in_memory() - 200;
        assert!(left < LEAST_PIECE as u64, "less than a piece is gathered: {left}");
        let mut spool = second.finish().await.unwrap();
        assert_eq!(spools.bytes_in_memory(), 200);
        assert_eq!(spool.on_disk(), MIB as u64);
        assert!(read(&mut spool).await == bytes);
        let held = first.finish().await.unwrap();
        assert_eq!((held.on_disk(), spools.bytes_in_memory()), (0, 200));
        drop(held);
        assert_eq!(spools.bytes_in_memory(), 0);
    });
}

// Of thousands of unfinished uploads, each has less than a piece in memory.
#[test]
fn what_waits_for_the_disk_is_a_part_of_the_memory_of_all() {
    runtime().block_on(async {
        let spools = Spools::new(SpoolConfig {
            memory_total: 1000,
            ..SpoolConfig::default()
        });
        let limits = Limits {
            memory: 0,
            disk: TOTAL,
        };
        let mut writers = Vec::new();
        for number in 0..50 {
            let mut writer = spools.writer(limits);
            write(&mut writer, &pattern(3000), 100).await.unwrap();
            writers.push(writer);
            assert_eq!(spools.bytes_in_memory(), (number + 1) * 3000, "below a piece");
        }
        let mut rest = 0;
        for writer in writers {
            rest += writer.finish().await.unwrap().on_disk();
            assert_eq!(spools.bytes_in_memory() + rest, 50 * 3000);
        }
    });
}

#[test]
fn uploads_that_go_on_leave_memory_as_soon_as_it_is_used_up() {
    runtime().block_on(async {
        let total = 64 * 1024;
        let spools = Spools::new(SpoolConfig {
            memory_total: total,
            ..SpoolConfig::default()
        });
        let limits = Limits {
            memory: 64 * 1024,
            disk: TOTAL,
        };
        let mut writers: Vec<_> = (0..20).map(|_| spools.writer(limits)).collect();
        let mut most = 0;
        for _ in 0..200 {
            for writer in &mut writers {
                writer.write(Bytes::from(vec![0; 1000])).await.unwrap();
                most = most.max(spools.bytes_in_memory());
            }
        }
        assert!(most <= total + 20 * LEAST_PIECE as u64, "{most}");
    });
}

#[test]
fn a_spool_that_may_not_touch_the_disk_keeps_its_memory() {
    runtime().block_on(async {
        let spools = Spools::with_open(
            SpoolConfig {
                memory_total: 0,
                ..SpoolConfig::default()
            },
            |_| panic!("a spool in memory opened a file"),
        );
        let mut writer = spools.writer(Limits { memory: 100, disk: 0 });
        write(&mut writer, &pattern(100), 10).await.unwrap();
        assert_eq!(writer.finish().await.unwrap().on_disk(), 0);
    });
}

#[test]
fn what_exceeds_memory_continues_on_disk() {
    runtime().block_on(async {
        let spools = spools(TOTAL);
        let bytes = pattern(MIB + 17);
        let mut writer = spools.writer(Limits {
            memory: 1000,
            disk: TOTAL,
        });
        write(&mut writer, &bytes, 8000).await.unwrap();
        assert_eq!(writer.len(), bytes.len() as u64);
        let mut spool = writer.finish().await.unwrap();
        assert_eq!(spool.len(), bytes.len() as u64);
        assert_eq!(spool.on_disk(), bytes.len() as u64 - 1000);
        assert_eq!(spools.bytes_on_disk(), spool.on_disk());
        assert!(read(&mut spool).await == bytes);
    });
}

#[test]
fn rewinding_in_the_middle_of_a_read_starts_at_the_first_byte() {
    runtime().block_on(async {
        let bytes = pattern(5 * PIECE);
        let mut writer = spools(TOTAL).writer(Limits {
            memory: PIECE,
            disk: TOTAL,
        });
        write(&mut writer, &bytes, PIECE).await.unwrap();
        let mut spool = writer.finish().await.unwrap();
        for chunks in 0..7 {
            for _ in 0..chunks {
                spool.chunk().await;
            }
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            let _started = spool.poll_chunk(&mut cx);
            spool.rewind();
            assert_eq!(spool.remaining(), spool.len());
            assert!(read(&mut spool).await == bytes);
        }
    });
}

#[test]
fn a_full_disk_is_reported_and_the_spool_stays_broken() {
    let spools = full_disk();
    // The runtime ends with the statement, and with it every job.
    runtime().block_on(async {
        let mut writer = spools.writer(Limits {
            memory: 0,
            disk: TOTAL,
        });
        let error = write(&mut writer, &pattern(4 * PIECE), PIECE).await.unwrap_err();
        assert!(matches!(error, SpoolError::NoSpace(_)), "{error}");
        let error = writer.write(Bytes::from_static(b"more")).await.unwrap_err();
        assert!(matches!(error, SpoolError::Broken), "{error}");
        assert!(matches!(writer.finish().await, Err(SpoolError::Broken)));
    });
    assert_eq!(spools.bytes_on_disk(), 0);
}

#[test]
fn a_full_disk_is_reported_at_the_latest_by_finish() {
    runtime().block_on(async {
        let mut writer = full_disk().writer(Limits {
            memory: 0,
            disk: TOTAL,
        });
        writer.write(Bytes::from_static(b"little")).await.unwrap();
        assert!(matches!(writer.finish().await, Err(SpoolError::NoSpace(_))));
    });
}

#[test]
fn a_missing_directory_is_an_io_error() {
    runtime().block_on(async {
        let config = SpoolConfig {
            temp_dir: "/nonexistent/spool".into(),
            ..SpoolConfig::default()
        };
        let mut writer = Spools::new(config).writer(Limits {
            memory: 0,
            disk: TOTAL,
        });
        writer.write(Bytes::from_static(b"x")).await.unwrap();
        assert!(matches!(writer.finish().await, Err(SpoolError::Io(_))));
    });
}

#[test]
fn the_limit_of_one_spool_is_exact() {
    runtime().block_on(async {
        let limits = Limits { memory: 10, disk: 20 };
        let mut writer = spools(TOTAL).writer(limits);
        write(&mut writer, &[0; 30], 7).await.unwrap();
        let error = writer.write(Bytes::from_static(b"x")).await.unwrap_err();
        assert!(matches!(error, SpoolError::TooLarge { limit: 30 }), "{error}");

        let mut writer = no_disk().writer(Limits { memory: 10, disk: 0 });
        let error = write(&mut writer, &[0; 11], 11).await.unwrap_err();
        assert!(matches!(error, SpoolError::TooLarge { limit: 10 }), "{error}");
    });
}

#[test]
fn spools_share_the_quota_and_give_it_back() {
    runtime().block_on(async {
        let spools = spools(100);
        let limits = Limits {
            memory: 0,
            disk: TOTAL,
        };
        let (mut first, mut second) = (spools.writer(limits), spools.writer(limits));
        write(&mut first, &[0; 60], 60).await.unwrap();
        let error = write(&mut second, &[0; 41], 41).await.unwrap_err();
        assert!(matches!(error, SpoolError::Quota), "{error}");
        let first = first.finish().await.unwrap();
        assert_eq!(spools.bytes_on_disk(), 60);
        drop(first);
        assert_eq!(spools.bytes_on_disk(), 0);
        write(&mut spools.writer(limits), &[0; 100], 100).await.unwrap();
    });
}

#[test]
fn a_writer_dropped_amid_a_job_gives_back_its_share_when_the_job_is_done() {
    let spools = spools(TOTAL);
    // The runtime ends with the statement, and with it every job.
    runtime().block_on(async {
        let mut writer = spools.writer(Limits {
            memory: 0,
            disk: TOTAL,
        });
        write(&mut writer, &pattern(20 * PIECE), PIECE).await.unwrap();
        drop(writer);
    });
    assert_eq!(spools.bytes_on_disk(), 0);
}

#[test]
fn a_large_spool_is_closed_off_the_runtime_threads_and_its_share_returns() {
    let spools = spools(TOTAL);
    // The runtime ends with the statement, and with it every job.
    runtime().block_on(async {
        let mut writer = spools.writer(Limits {
            memory: 0,
            disk: TOTAL,
        });
        write(&mut writer, &pattern(2 * MIB), PIECE).await.unwrap();
        drop(writer.finish().await.unwrap());
    });
    assert_eq!(spools.bytes_on_disk(), 0);
}

#[test]
fn spools_may_move_between_threads_while_they_wait() {
    fn is_send(_: impl Send) {}
    let mut writer = no_disk().writer(Limits { memory: 1, disk: 0 });
    is_send(writer.write(Bytes::new()));
    is_send(writer.finish());
    is_send(Spool::default().chunk());
}

#[test]
fn bytes_that_are_at_hand_become_a_spool_without_a_copy() {
    runtime().block_on(async {
        let bytes = Bytes::from(b"abc".to_vec());
        let mut spool = Spool::from(bytes.clone());
        assert_eq!(spool.chunk().await.unwrap().unwrap().as_ptr(), bytes.as_ptr());
        assert!(Spool::from(Bytes::new()).chunk().await.is_none());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_chunking_gives_the_same_bytes(
        sizes in proptest::collection::vec(0_usize..40_000, 0..40),
        memory in 0_usize..300_000,
    ) {
        runtime().block_on(async {
            let bytes = pattern(sizes.iter().sum());
            let mut writer = spools(TOTAL).writer(Limits { memory, disk: TOTAL });
            let mut rest = Bytes::from(bytes.clone());
            for size in sizes {
                writer.write(rest.split_to(size)).await.unwrap();
            }
            let mut spool = writer.finish().await.unwrap();
            prop_assert_eq!(spool.on_disk(), bytes.len().saturating_sub(memory) as u64);
            prop_assert!(read(&mut spool).await == bytes);
            spool.rewind();
            prop_assert!(read(&mut spool).await == bytes);
            Ok(())
        })?;
    }
}
