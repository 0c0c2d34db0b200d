//! One address of an upstream, with its counters.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::config::{EndpointConfig, Slots};
use super::latency::Latency;
use crate::upstream::model::Token;
use crate::upstream::model::Workers;
use crate::upstream::model::adaptive::Adaptive;
use crate::upstream::model::occupancy::{Claim, Occupancy, Tenancy};

/// One address of an upstream. What changes is written under the pool's lock and may be read by anyone.
#[derive(Debug)]
pub struct Endpoint {
    /// Its number: never used again within a process, so that it names this endpoint even when it is gone.
    pub id: Id,
    /// What the configuration or the resolver said.
    pub config: EndpointConfig,
    /// The address as it is logged.
    pub name: Arc<str>,
    /// What sessions that live here have in their cookies.
    pub token: Option<Token>,
    /// How long answers take; `None` when no balancer asks for it.
    pub latency: Option<Arc<Latency>>,
    circuit: AtomicU8,
    /// The weight now, in [`SHARE`]ths: less while a recovered endpoint warms up.
    share: AtomicU32,
    /// Nothing is wrong and nothing is to be learned from another success.
    steady: AtomicBool,
    /// It was said what may be wrong with it.
    suspected: AtomicBool,
    /// Slots, by configuration or by adaptation.
    limit: AtomicUsize,
    /// Slots while its backlog is known to be full.
    window: AtomicUsize,
    /// Of its address. A share that changes frees no slot.
    tenancy: Tenancy,
    served: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
    connected: Arc<AtomicU64>,
    failed: Arc<AtomicU64>,
    /// Finds the slots out, where they are to be found out.
    adaptive: Option<Arc<Mutex<Adaptive>>>,
}

/// Names an endpoint as long as the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u64);

/// How much may be asked of an endpoint, from everything to nothing: the state of its circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum CircuitState {
    /// As far as is known, it works.
    Closed,
    /// It failed of late: used while no better one is there.
    Ejected,
    /// It could not be reached, and is due to be tried again by one request, if no better one is there.
    HalfOpen,
    /// It could not be reached a moment ago, or is being tried right now.
    Open,
    /// Found dead by a health check, or not to be used by order of the operator.
    Unhealthy,
}

/// A weight of one, in units of [`Endpoint::share`].
pub const SHARE: u32 = 256;

impl CircuitState {
    /// From everything to nothing.
    pub const ALL: [Self; 5] = [
        Self::Closed,
        Self::Ejected,
        Self::HalfOpen,
        Self::Open,
        Self::Unhealthy,
    ];

    /// Whether requests go to the endpoint, be it for want of a better one.
    pub fn is_up(self) -> bool {
        matches!(self, Self::Closed | Self::Ejected)
    }

    /// The word in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Ejected => "ejected",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl Endpoint {
    /// An endpoint that is not used yet.
    pub fn new(config: EndpointConfig, limit: usize) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: Id(NEXT.fetch_add(1, Ordering::Relaxed)),
            name: config.place().into(),
            token: None,
            latency: None,
            circuit: AtomicU8::new(CircuitState::Closed as u8),
            share: AtomicU32::new(config.weight.saturating_mul(SHARE)),
            steady: AtomicBool::new(false),
            suspected: AtomicBool::new(false),
            limit: AtomicUsize::new(limit),
            window: AtomicUsize::new(usize::MAX),
            tenancy: Tenancy::default(),
            served: Arc::default(),
            answered: Arc::default(),
            connected: Arc::default(),
            failed: Arc::default(),
            adaptive: None,
            config,
        }
    }

    /// An endpoint that is not used yet, with slots as configured.
    pub fn with_slots(config: EndpointConfig, slots: &Slots) -> Self {
        let adaptive = match slots {
            Slots::Auto(auto) => Some(Arc::new(Mutex::new(Adaptive::new(auto)))),
            Slots::Fixed(_) | Slots::Unlimited => None,
        };
        Self {
            adaptive,
            ..Self::new(config, slots.first())
        }
    }

    /// An endpoint at an address that others may use, too.
    pub(in crate::upstream) fn at(self, occupancy: Arc<Occupancy>) -> Self {
        Self {
            tenancy: Tenancy::new(occupancy),
            ..self
        }
    }

    /// The same endpoint with other slots; what was found out about them is forgotten.
    pub(in crate::upstream) fn resized(self, slots: &Slots) -> Self {
        let Self { adaptive, limit, .. } = Self::with_slots(self.config.clone(), slots);
        Self {
            adaptive,
            limit,
            ..self
        }
    }

    /// The same endpoint with other settings: its exchanges go on, and its slots are still taken. Its idle connections
    /// are to be counted again.
    pub(in crate::upstream) fn renewed(&self, config: EndpointConfig) -> Self {
        Self {
            id: self.id,
            token: self.token,
            latency: self.latency.clone(),
            suspected: AtomicBool::new(self.suspected.load(Ordering::Relaxed)),
            tenancy: Tenancy::new(self.occupancy().clone()),
            served: self.served.clone(),
            answered: self.answered.clone(),
            connected: self.connected.clone(),
            failed: self.failed.clone(),
            adaptive: self.adaptive.clone(),
            ..Self::new(config, self.limit())
        }
    }

    /// How much may be asked of it now.
    pub fn circuit(&self) -> CircuitState {
        match self.circuit.load(Ordering::Relaxed) {
            0 => CircuitState::Closed,
            1 => CircuitState::Ejected,
            2 => CircuitState::HalfOpen,
            3 => CircuitState::Open,
            _ => CircuitState::Unhealthy,
        }
    }

    /// Its weight now, in [`SHARE`]ths, at least 1.
    pub fn share(&self) -> u32 {
        self.share.load(Ordering::Relaxed)
    }

    /// Slots, taken or free; `usize::MAX` when not limited.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Slots, taken or free; `None` when not limited.
    pub fn slots(&self) -> Option<usize> {
        Some(self.limit()).filter(|limit| *limit != usize::MAX)
    }

    /// Whether another exchange fits.
    pub fn has_room(&self, claim: Claim) -> bool {
        let limit = self.limit().min(self.window.load(Ordering::Relaxed));
        self.occupancy().has_room(limit, claim)
    }

    /// Exchanges under way.
    pub fn in_flight(&self) -> usize {
        self.occupancy().in_flight()
    }

    /// Idle connections kept.
    pub fn idle(&self) -> usize {
        self.tenancy.idle()
    }

    /// Exchanges begun since the start.
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    /// Answers since the start.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Connections opened since the start.
    pub fn connected(&self) -> u64 {
        self.connected.load(Ordering::Relaxed)
    }

    /// Failures of the endpoint since the start.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Whether it gave an answer since the start.
    pub fn has_answered(&self) -> bool {
        self.answered() > 0
    }

    /// Whether to say, for the first time, what may be wrong with it.
    pub(in crate::upstream) fn suspect(&self) -> bool {
        !self.suspected.swap(true, Ordering::Relaxed)
    }

    pub(in crate::upstream) fn is_steady(&self) -> bool {
        self.steady.load(Ordering::Relaxed)
    }

    pub(in crate::upstream) fn set_steady(&self, steady: bool) {
        self.steady.store(steady, Ordering::Relaxed);
    }

    pub(in crate::upstream) fn set_circuit(&self, circuit: CircuitState) {
        self.circuit.store(circuit as u8, Ordering::Relaxed);
    }

    /// `part` of the time since the recovery that it takes to warm up: 0 to 1.
    pub(in crate::upstream) fn set_warmth(&self, part: f64) {
        let full = f64::from(self.config.weight.saturating_mul(SHARE));
        self.share.store((full * part).max(1.0) as u32, Ordering::Relaxed);
    }

    pub(in crate::upstream) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    pub(in crate::upstream) fn set_window(&self, window: Option<usize>) {
        self.window.store(window.unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    pub(in crate::upstream) fn set_idle(&self, idle: usize) {
        self.tenancy.set_idle(idle);
    }

    /// Takes a slot, if another pool has not taken the last one in this moment.
    pub(in crate::upstream) fn take_slot(&self, claim: Claim) -> bool {
        let taken = self.occupancy().enter(self.limit(), claim);
        if taken {
            self.served.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    pub(in crate::upstream) fn slot_freed(&self) {
        self.occupancy().leave();
    }

    /// How much its address is used.
    pub fn occupancy(&self) -> &Arc<Occupancy> {
        self.tenancy.occupancy()
    }

    /// Idle connections of its pool for which there is room when `leaving` of the exchanges are over.
    pub(in crate::upstream) fn room_for_idle(&self, leaving: usize) -> usize {
        self.tenancy.room_for_idle(self.limit(), leaving)
    }

    pub(in crate::upstream) fn connection_opened(&self) {
        self.connected.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::upstream) fn failure_seen(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// An answer's head came after this time.
    pub(in crate::upstream) fn observe(&self, latency: Duration) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        if let Some(average) = &self.latency {
            average.observe(latency, Instant::now());
        }
    }

    /// Whether it is worth to know how long slots are held.
    pub(in crate::upstream) fn is_adaptive(&self) -> bool {
        self.adaptive.is_some()
    }

    /// An exchange ended well that held its slot for so long, and still does. Gives the slots from now on, if that
    /// makes a difference. A sample that meets another one at the lock is dropped.
    pub(in crate::upstream) fn held(&self, time: Duration) -> Option<usize> {
        let mut adaptive = self.adaptive.as_ref()?.try_lock().ok()?;
        adaptive.on_success(time, self.in_flight());
        self.unlike(adaptive.limit())
    }

    /// It has more than it can do. Gives the slots from now on, if that makes a difference.
    pub(in crate::upstream) fn refused(&self) -> Option<usize> {
        let mut adaptive = self.adaptive()?;
        adaptive.on_busy(self.in_flight());
        self.unlike(adaptive.limit())
    }

    /// It said how many workers it has. Gives the slots from now on, if that makes a difference.
    pub(in crate::upstream) fn count(&self, workers: Workers) -> Option<usize> {
        let mut adaptive = self.adaptive()?;
        adaptive.count(workers);
        self.unlike(adaptive.limit())
    }

    fn adaptive(&self) -> Option<MutexGuard<'_, Adaptive>> {
        let adaptive = self.adaptive.as_ref()?;
        Some(adaptive.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn unlike(&self, limit: usize) -> Option<usize> {
        (limit != self.limit()).then_some(limit)
    }
}
