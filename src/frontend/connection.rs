//! A client connection, as its requests see it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use http::StatusCode;
use tokio::time::Instant;

use super::connection_limit::Permit;
use super::forwarded::Connected;
use super::keep_alive::KeepAlive;
use super::listener_id::ListenerId;
use super::meter::Meters;
use super::private_fields::PRIVATE;
use super::requests::Requests;
use crate::protocol::fields::Fields;
use crate::protocol::http1;
use crate::telemetry::Reason;
use crate::transport::Latch;
use crate::upstream::Interim;

/// What the service knows about the connection that a request came on.
#[derive(Debug)]
pub struct Connection {
    /// Its two ends.
    pub connected: Connected,
    /// The listener that it came through.
    pub(super) listener: Option<Arc<ListenerId>>,
    /// When its first byte had come.
    pub(super) since: Instant,
    /// How many requests came on it.
    pub(super) requests: Requests,
    /// How fast its client takes the answers that have a least rate.
    pub(super) meters: Meters,
    /// Interim answers that wait for the connection to write them: HTTP/1.1 only. There as soon as it had one.
    interim: OnceLock<Box<Mutex<Vec<u8>>>>,
    /// It ends with a reset, whatever is on its way.
    cut: AtomicBool,
    /// Why it ends with all that is under way, if its client broke a rule of HTTP/2.
    violation: OnceLock<Reason>,
    /// Set when it is to end as soon as no request is hurt by it.
    pub(super) leave: Arc<Latch>,
    _permit: Permit,
}

impl Connection {
    /// A connection without requests.
    pub fn new(connected: Connected, leave: Arc<Latch>, permit: Permit) -> Self {
        Self {
            connected,
            listener: None,
            since: Instant::now(),
            requests: Requests::default(),
            meters: Meters::default(),
            interim: OnceLock::new(),
            cut: AtomicBool::new(false),
            violation: OnceLock::new(),
            leave,
            _permit: permit,
        }
    }

    /// The same, through a listener.
    pub fn through(self, listener: Option<Arc<ListenerId>>) -> Self {
        Self { listener, ..self }
    }

    /// Whether it has had its requests, or its time.
    pub(super) fn is_spent(&self, keep_alive: KeepAlive, now: Instant) -> bool {
        let age = || now.saturating_duration_since(self.since);
        keep_alive.is_spent(self.requests.begun(), age)
    }

    /// Appends the interim answers that are to be written now.
    pub(super) fn put_interim(&self, out: &mut Vec<u8>) {
        if let Some(waiting) = self.interim.get() {
            out.append(&mut lock(waiting));
        }
    }

    /// From now on it ends with a reset.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// It may end as others do.
    pub(super) fn spare(&self) {
        self.cut.store(false, Ordering::Relaxed);
    }

    /// Its client broke a rule: the answers that end with it say so.
    pub(super) fn violated(&self, reason: Reason) {
        let _ = self.violation.set(reason);
    }

    /// Why its client is gone.
    pub(super) fn gone(&self) -> Reason {
        *self.violation.get().unwrap_or(&Reason::ClientGone)
    }

    /// Whether it ends with a reset.
    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }
}

/// Interim answers go to the client at once (RFC 9110, section 15.2), as far as they are few.
impl Interim for Connection {
    fn interim(&self, status: StatusCode, fields: &Fields) {
        let mut waiting = lock(self.interim.get_or_init(Box::default));
        if waiting.len() >= INTERIM {
            return;
        }
        if fields.present().and(PRIVATE).is_empty() {
            http1::answer::put_interim(status, fields, &mut waiting);
        } else {
            // As in final answers.
            let mut fields = fields.clone();
            fields.remove_all(PRIVATE);
            http1::answer::put_interim(status, &fields, &mut waiting);
        }
    }
}

fn lock(interim: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    interim.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes of interim answers that wait for a client; above it, more of them are dropped.
const INTERIM: usize = 16 * 1024;
