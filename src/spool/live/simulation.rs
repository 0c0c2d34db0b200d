//! A live spool under every order of events that a seed can think of, with a disk that is slow, full and broken.

use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use fastrand::Rng;

use super::super::quota::{Quota, Share};
use super::super::{Limits, PIECE};
use super::LiveError;
use super::flow::{Flow, Popped, ReadJob, WriteJob};

/// Seeds that are tried.
const SEEDS: u64 = 1000;

/// Events of one run.
const STEPS: usize = 400;

struct World {
    rng: Rng,
    flow: Flow<u8>,
    limits: Limits,
    disk: Share,
    quotas: [Quota; 2],
    /// What other spools have of the quotas.
    others: [Share; 2],
    file: Vec<u8>,
    write: Option<WriteJob>,
    read: Option<ReadJob>,
    largest: usize,
    pushed: u64,
    popped: u64,
    ended: Option<Option<u8>>,
    told: bool,
    lost: bool,
}

/// `len` bytes of an endless pattern whose period is no multiple of a block.
fn bytes(at: u64, len: usize) -> Bytes {
    static PATTERN: OnceLock<Bytes> = OnceLock::new();
    let pattern = PATTERN.get_or_init(|| (0..=250).cycle().take(2 * PIECE + 251).collect());
    let start = (at % 251) as usize;
    pattern.slice(start..start + len)
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let limits = Limits {
            memory: [0, 1, 10_000, 64 * 1024, 300_000][rng.usize(..5)],
            disk: [0, 16 * 1024, 200_000, 1 << 40][rng.usize(..4)],
        };
        let quotas = [Quota::new(rng.u64(1..400_000)), Quota::new(rng.u64(..2_000_000))];
        let memory = quotas[0].share();
        Self {
            flow: Flow::new(limits, memory),
            limits,
            disk: quotas[1].share(),
            others: [quotas[0].share(), quotas[1].share()],
            quotas,
            rng,
            file: Vec::new(),
            write: None,
            read: None,
            largest: 0,
            pushed: 0,
            popped: 0,
            ended: None,
            told: false,
            lost: false,
        }
    }

    fn run(mut self) {
        let ends = self.rng.bool();
        for step in 0..STEPS {
            if ends && step > STEPS / 2 && self.ended.is_none() && self.rng.usize(..50) == 0 {
                self.end();
            }
            match self.rng.u8(..12) {
                0..4 => self.push(),
                4..7 => {
                    self.pop();
                }
                7..9 => self.finish_write(),
                9..11 => self.finish_read(),
                _ => self.crowd(),
            }
            self.start_write();
            self.flow.check_invariants(self.largest);
        }
        if self.rng.u8(..4) == 0 {
            self.flow.abandon();
            self.flow.check_invariants(0);
            assert!(self.flow.is_gone());
        } else {
            self.drain();
        }
        let Self {
            flow,
            disk,
            others,
            quotas,
            ..
        } = self;
        drop((flow, disk, others));
        assert!(
            quotas.iter().all(|quota| quota.used() == 0),
            "everything is given back"
        );
    }

    fn push(&mut self) {
        if !self.flow.is_ready() {
            return self.flow.press();
        }
        if self.ended.is_some() || self.flow.is_gone() {
            return;
        }
        let len = match self.rng.u8(..4) {
            0 => self.rng.usize(1..50),
            1 => self.rng.usize(1..PIECE),
            _ => self.rng.usize(1..16 * 1024),
        };
        self.flow.push(bytes(self.pushed, len));
        self.pushed += len as u64;
        self.largest = self.largest.max(len);
    }

    /// Gives whether there was something.
    fn pop(&mut self) -> bool {
        assert_eq!(
            self.flow.is_readable(),
            match self.flow.pop() {
                Popped::Chunk(chunk) => {
                    self.check(&chunk);
                    return true;
                }
                Popped::Read(job) => {
                    assert!(self.read.replace(job).is_none(), "one read at a time");
                    return true;
                }
                Popped::Wait => false,
                Popped::End(error) => {
                    self.over(error);
                    true
                }
            }
        );
        false
    }

    fn check(&mut self, chunk: &Bytes) {
        assert!(!chunk.is_empty() && !self.lost);
        assert!(*chunk == bytes(self.popped, chunk.len()), "at {}", self.popped);
        self.popped += chunk.len() as u64;
    }

    fn over(&mut self, error: Option<LiveError<u8>>) {
        match error {
            Some(LiveError::Disk(_)) => assert!(self.lost && !self.told),
            Some(LiveError::Source(error)) => assert_eq!(self.ended, Some(Some(error))),
            Some(LiveError::Abandoned) => unreachable!("the writer is always ended"),
            None => assert!(self.told || self.lost || self.ended == Some(None)),
        }
        if !self.lost {
            assert_eq!(self.popped, self.pushed, "an end before the last byte");
        }
        self.told = true;
    }

    fn start_write(&mut self) {
        if self.flow.drop_file() {
            self.file.clear();
            self.disk = self.quotas[1].share();
        }
        let before = self.write.is_some();
        if let Some(job) = self.flow.next_write(|more| self.disk.grow(more)) {
            assert!(!before, "one write at a time");
            self.write = Some(job);
        }
    }

    fn finish_write(&mut self) {
        let Some(WriteJob { offset, pieces }) = self.write.take() else {
            return;
        };
        let done = self.rng.u8(..8) != 0;
        if done {
            let (start, bytes) = (offset as usize, pieces.concat());
            let end = start + bytes.len();
            assert!(end as u64 <= self.limits.disk && end as u64 <= self.disk.bytes());
            if self.file.len() < end {
                self.file.resize(end, 0);
            }
            self.file[start..end].copy_from_slice(&bytes);
        }
        self.flow.written(done);
    }

    fn finish_read(&mut self) {
        let Some(ReadJob { offset, len }) = self.read.take() else {
            return;
        };
        if self.rng.u16(..2000) == 0 {
            self.lost = true;
            return self.flow.read(Err(std::io::ErrorKind::Other.into()));
        }
        let start = offset as usize;
        let bytes = BytesMut::from(&self.file[start..start + len]).freeze();
        self.flow.read(Ok(bytes));
    }

    /// Other spools take or leave room.
    fn crowd(&mut self) {
        let bytes = self.rng.u64(..500_000);
        self.others[self.rng.usize(..2)].set(bytes);
    }

    fn end(&mut self) {
        let error = self.rng.bool().then(|| self.rng.u8(..));
        self.ended = Some(error);
        self.flow.finish(error.map(LiveError::Source));
    }

    /// Whatever happened, a reader that goes on gets the rest.
    fn drain(&mut self) {
        if self.ended.is_none() {
            self.end();
        }
        while !self.told {
            if !self.pop() {
                assert!(self.told || self.write.is_some() || self.read.is_some(), "stuck");
            }
            self.finish_write();
            self.finish_read();
            self.start_write();
            self.flow.check_invariants(self.largest);
        }
        assert!(self.lost || self.popped == self.pushed);
    }
}

#[test]
fn every_byte_comes_out_in_order_whatever_happens() {
    for seed in 0..SEEDS {
        let outcome = std::panic::catch_unwind(|| World::new(seed).run());
        assert!(outcome.is_ok(), "seed {seed}");
    }
}
