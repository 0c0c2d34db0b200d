//! The one task of a pool: does what is due at a time, and ends when nothing is.

use std::sync::{Arc, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Pool;

/// When the keeper wakes up.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    /// `None`: there is no keeper.
    due: Option<Instant>,
    changed: Arc<Notify>,
}

impl Alarm {
    /// Sees to it that the keeper wakes up at `due` or before.
    pub(super) fn set<C: Send + 'static>(&mut self, pool: &Arc<Pool<C>>, due: Instant) {
        match self.due {
            Some(earlier) if earlier <= due => {}
            Some(_) => {
                self.due = Some(due);
                self.changed.notify_one();
            }
            None => {
                self.due = Some(due);
                tokio::spawn(keep(Arc::downgrade(pool), self.changed.clone(), due));
            }
        }
    }

    /// What the keeper itself found to be next.
    pub(super) fn reset(&mut self, due: Option<Instant>) {
        self.due = due;
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }
}

async fn keep<C: Send + 'static>(pool: Weak<Pool<C>>, changed: Arc<Notify>, mut due: Instant) {
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(due) => {
                let Some(pool) = pool.upgrade() else { return };
                match pool.tend(Instant::now()) {
                    Some(next) => due = next,
                    None => return,
                }
            }
            () = changed.notified() => {
                let Some(pool) = pool.upgrade() else { return };
                match pool.due() {
                    Some(next) => due = next,
                    None => return,
                }
            }
        }
    }
}
