//! A site that is closed for a while: as long as a file is there.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use ipnet::IpNet;

use super::Filter;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::Flow;
use crate::frontend::rejection::Rejection;

/// When a site is closed, and what its clients are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The site is closed while this file is there; what is in it is the page.
    pub file: PathBuf,
    /// When clients are to come back.
    pub retry_after: Duration,
    /// Networks whose clients see the site all the same.
    pub allow: Vec<IpNet>,
}

/// Without a file yet.
impl Default for Settings {
    fn default() -> Self {
        Self {
            file: PathBuf::new(),
            retry_after: Duration::from_secs(300),
            allow: Vec::new(),
        }
    }
}

/// Answers while the file is there, which is looked for once a second.
pub(super) struct Maintained {
    settings: Settings,
    opened: Instant,
    /// Seconds after `opened` of the last look, from 1 on; 0: none yet.
    looked: AtomicU64,
    /// The page, while the site is closed.
    page: ArcSwapOption<Bytes>,
}

impl Maintained {
    /// Nothing without a file.
    pub(super) fn new(settings: Option<&Settings>) -> Option<Self> {
        Some(Self {
            settings: settings?.clone(),
            opened: Instant::now(),
            looked: AtomicU64::new(0),
            page: ArcSwapOption::empty(),
        })
    }

    /// The page, if the site is closed.
    fn page(&self) -> Option<Arc<Bytes>> {
        let now = self.opened.elapsed().as_secs() + 1;
        let last = self.looked.load(Ordering::Acquire);
        // One of the callers of this second looks; the others go on with what there was.
        let due = now > last;
        if due
            && self
                .looked
                .compare_exchange(last, now, Ordering::AcqRel, Ordering::Acquire)
                .is_ok()
        {
            self.page.store(self.read().map(Arc::new));
        }
        self.page.load_full()
    }

    /// What is in the file, if it is there. A file that cannot be read closes the site, too.
    fn read(&self) -> Option<Bytes> {
        let path = &self.settings.file;
        if !fs::symlink_metadata(path).is_ok_and(|entry| !entry.is_dir()) {
            return None;
        }
        let mut page = Vec::new();
        // Neither a FIFO nor a device: those may never end.
        if fs::metadata(path).is_ok_and(|entry| entry.is_file())
            && let Ok(file) = File::open(path)
            && file.take(LONGEST).read_to_end(&mut page).is_err()
        {
            page.clear();
        }
        Some(page.into())
    }

    fn lets(&self, exchange: &mut Exchange) -> bool {
        if self.settings.allow.is_empty() {
            return false;
        }
        let client = exchange.client().remote.as_ref();
        let client = client.map(|peer| peer.address.ip().to_canonical());
        client.is_some_and(|ip| self.settings.allow.iter().any(|network| network.contains(&ip)))
    }
}

impl Filter for Maintained {
    fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        let Some(page) = self.page().filter(|_| !self.lets(exchange)) else {
            return Ok(None);
        };
        let seconds = self.settings.retry_after.as_secs();
        Err(Rejection::Maintenance(seconds, (*page).clone()))
    }
}

/// Bytes of a page.
const LONGEST: u64 = 256 * 1024;
