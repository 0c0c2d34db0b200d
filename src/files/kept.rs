//! A small file in memory.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::told::Told;
use super::version::Version;

/// How long a file is believed to be as it was.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Memory that a file takes beside its contents, at most: the fields that are told of it, and its places in a map and in a
/// queue.
const OVERHEAD: usize = 1024;

/// A small file in memory; or that there is none.
#[derive(Debug)]
pub(super) struct Kept {
    bytes: Bytes,
    /// `None`: nothing is there.
    version: Option<Version>,
    /// Its times tell of every change.
    settled: bool,
    /// What is told about it, once it has been; as itself, and as a coding of another one.
    told: [OnceLock<Told>; 2],
    /// When it was looked at, in milliseconds of its directory.
    checked: AtomicU64,
    /// Asked for since room was made.
    used: AtomicBool,
}

impl Kept {
    /// A file that was read when it was so old, at `now` of its directory's time.
    pub(super) fn new(bytes: Bytes, version: Version, settled: bool, now: Duration) -> Self {
        Self {
            bytes,
            version: Some(version),
            settled,
            told: Default::default(),
            checked: AtomicU64::new(milliseconds(now)),
            used: AtomicBool::new(false),
        }
    }

    /// That nothing is there.
    pub(super) fn nothing(now: Duration) -> Self {
        Self {
            bytes: Bytes::new(),
            version: None,
            settled: false,
            told: Default::default(),
            checked: AtomicU64::new(milliseconds(now)),
            used: AtomicBool::new(false),
        }
    }

    /// The contents.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What it was when it was read; `None`: nothing is there.
    pub(super) fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Whether it is what is on the disk, as far as times can tell.
    pub(super) fn is(&self, version: &Version) -> bool {
        self.settled && self.version.as_ref() == Some(version)
    }

    /// What is told about it, if that does not depend on the time; `coded`: as a coding of another one.
    pub(super) fn told(&self, coded: bool, make: impl FnOnce() -> Told) -> Option<&Told> {
        self.settled
            .then(|| self.told[usize::from(coded)].get_or_init(make))
    }

    /// Whether it is to be looked at again: of several requests at the same time one is told so.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        let (now, last) = (milliseconds(now), self.checked.load(Ordering::Relaxed));
        let relaxed = Ordering::Relaxed;
        now >= last + milliseconds(CHECK_EVERY)
            && self.checked.compare_exchange(last, now, relaxed, relaxed).is_ok()
    }

    /// It was asked for.
    pub(super) fn mark(&self) {
        // Written once: others that ask have it in their caches.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was asked for since this was last called.
    pub(super) fn take_mark(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    /// Bytes of memory that it takes, without its name.
    pub(super) fn cost(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
