//! What codings work with, kept for the next answer.

#[cfg(feature = "zstd")]
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use flate2::{Compress, Compression};

#[cfg(feature = "zstd")]
use zstd::stream::raw::{CParameter, Encoder, Operation};

/// What a frame of zstd is made with.
#[cfg(feature = "zstd")]
pub(super) type ZstdContext = Encoder<'static>;

/// 128 KiB: what is larger costs memory on both sides and saves little; browsers refuse more than 8 MiB (RFC 9659).
#[cfg(feature = "zstd")]
const WINDOW_LOG: u32 = 17;

/// Contexts of each coding that are kept: as many as threads are likely to need at the same time.
const KEPT: usize = 8;

/// Contexts that answers may hold while their applications pause: 17 MiB of gzip, 64 MiB of zstd. With more of them, an
/// answer gives its own back each time, at the cost of a few bytes.
const HELD: usize = 64;

/// How hard codings try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// From 1 to 9.
    pub gzip: u32,
    /// From 1 to 9: what is above takes more time than an answer has.
    pub zstd: u32,
}

/// Contexts, lent to encoders and taken back. A gzip one has 270 KiB, a zstd one about 1 MiB.
pub struct Contexts {
    levels: Levels,
    /// That encoders work with.
    lent: AtomicUsize,
    gzip: Mutex<Vec<Compress>>,
    #[cfg(feature = "zstd")]
    zstd: Mutex<Vec<ZstdContext>>,
}

impl Contexts {
    /// None yet.
    pub fn new(levels: Levels) -> Self {
        Self {
            levels,
            lent: AtomicUsize::new(0),
            gzip: Mutex::default(),
            #[cfg(feature = "zstd")]
            zstd: Mutex::default(),
        }
    }

    /// Whether encoders hold so many that none is to be held through a pause.
    pub(super) fn are_scarce(&self) -> bool {
        self.lent.load(Ordering::Relaxed) > HELD
    }

    /// One for gzip, as new.
    pub(super) fn gzip(&self) -> Compress {
        self.lent.fetch_add(1, Ordering::Relaxed);
        let kept = pop(&self.gzip);
        kept.unwrap_or_else(|| Compress::new(Compression::new(self.levels.gzip), false))
    }

    /// Takes one back.
    pub(super) fn keep_gzip(&self, mut context: Compress) {
        self.lent.fetch_sub(1, Ordering::Relaxed);
        context.reset();
        push(&self.gzip, context);
    }

    /// One for zstd, as new.
    #[cfg(feature = "zstd")]
    pub(super) fn zstd(&self) -> io::Result<ZstdContext> {
        let context = match pop(&self.zstd) {
            Some(kept) => kept,
            None => {
                let mut context = Encoder::new(self.levels.zstd as i32)?;
                context.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
                context
            }
        };
        self.lent.fetch_add(1, Ordering::Relaxed);
        Ok(context)
    }

    /// Takes one back.
    #[cfg(feature = "zstd")]
    pub(super) fn keep_zstd(&self, mut context: ZstdContext) -> io::Result<()> {
        self.lent.fetch_sub(1, Ordering::Relaxed);
        context.reinit()?;
        push(&self.zstd, context);
        Ok(())
    }
}

fn pop<T>(kept: &Mutex<Vec<T>>) -> Option<T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn push<T>(kept: &Mutex<Vec<T>>, context: T) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() < KEPT {
        kept.push(context);
    }
}
