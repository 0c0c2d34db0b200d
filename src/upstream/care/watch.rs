//! Watches one endpoint: checks it and asks for the number of its workers, one after the other, until it is gone.
//!
//! The schedule has some chance in it, so that many gateways, or many endpoints, do not ask in step.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::checkup::{Change, Checkup, Facts};
use super::probe::{Prober, Verdict};
use crate::upstream::attempt::Upstream;
use crate::upstream::model::Workers;
use crate::upstream::model::config::slots::{Ask, Auto, Slots};
use crate::upstream::model::config::{EndpointConfig, Health, UpstreamConfig};
use crate::upstream::model::endpoint::{CircuitState, Endpoint};
use crate::upstream::wire::Dialer;

/// Watches every endpoint of the upstream, those that come later, too.
pub(super) fn start(upstream: &Arc<Upstream>, tasks: &mut JoinSet<()>) {
    if let Some(schedule) = Schedule::new(upstream.config(), upstream.dialer().clone()) {
        let changed = upstream.changes();
        tasks.spawn(supervise(Arc::downgrade(upstream), schedule.into(), changed));
    }
}

/// Starts a watch for each new endpoint, until the upstream is gone.
async fn supervise(upstream: Weak<Upstream>, schedule: Arc<Schedule>, mut changed: watch::Receiver<()>) {
    // By identity: an endpoint whose share changes is another one with the same number.
    let mut known: Vec<Weak<Endpoint>> = Vec::new();
    let mut watches = JoinSet::new();
    loop {
        let Some(endpoints) = upstream.upgrade().map(|upstream| upstream.endpoints()) else {
            return;
        };
        for endpoint in &endpoints {
            if known.iter().any(|known| known.as_ptr() == Arc::as_ptr(endpoint)) {
                continue;
            }
            let target = EndpointTarget {
                upstream: upstream.clone(),
                endpoint: Arc::downgrade(endpoint),
            };
            watches.spawn(watch(target, schedule.clone()));
        }
        known = endpoints.iter().map(Arc::downgrade).collect();
        drop(endpoints);
        while watches.try_join_next().is_some() {}
        if changed.changed().await.is_err() {
            return;
        }
    }
}

/// An endpoint of an upstream.
struct EndpointTarget {
    upstream: Weak<Upstream>,
    endpoint: Weak<Endpoint>,
}

impl Target for EndpointTarget {
    fn snapshot(&self) -> Option<TargetSnapshot> {
        // Exchanges outlive the membership of their endpoint, and that of their upstream. What has other settings is
        // watched by another watch.
        let (upstream, endpoint) = (self.upstream.upgrade()?, self.endpoint.upgrade()?);
        let ours = upstream.endpoints();
        ours.iter().find(|ours| Arc::ptr_eq(ours, &endpoint))?;
        Some(TargetSnapshot {
            endpoint: endpoint.config.clone(),
            name: endpoint.name.clone(),
            answered: endpoint.answered(),
            in_flight: endpoint.in_flight(),
            limit: endpoint.limit(),
            healthy: endpoint.circuit() != CircuitState::Unhealthy,
        })
    }

    fn judge(&self, alive: bool) {
        if let (Some(upstream), Some(endpoint)) = (self.upstream.upgrade(), self.endpoint.upgrade()) {
            upstream.judge(&endpoint, alive);
        }
    }

    fn count(&self, workers: Workers) {
        let (Some(upstream), Some(endpoint)) = (self.upstream.upgrade(), self.endpoint.upgrade()) else {
            return;
        };
        if let Some(slots) = upstream.count(&endpoint, workers) {
            let (upstream, endpoint) = (&**upstream.name(), &*endpoint.name);
            tracing::info!(upstream, endpoint, slots, said = ?workers, "workers counted");
        }
    }
}

/// An endpoint as its watch sees it.
pub(super) trait Target: Send {
    /// What can be seen without asking; `None` when it is gone.
    fn snapshot(&self) -> Option<TargetSnapshot>;

    /// Takes it out of use, or back.
    fn judge(&self, alive: bool);

    /// It said how many workers it has.
    fn count(&self, workers: Workers);
}

/// What can be seen of an endpoint without asking it.
#[derive(Clone, Debug)]
pub(super) struct TargetSnapshot {
    /// Where it is.
    pub(super) endpoint: EndpointConfig,
    /// As it is logged.
    pub(super) name: Arc<str>,
    /// Requests that it answered since the start.
    pub(super) answered: u64,
    /// Exchanges under way.
    pub(super) in_flight: usize,
    /// Slots.
    pub(super) limit: usize,
    /// No check has found it dead, as its pool knows.
    pub(super) healthy: bool,
}

/// What the watches of one upstream share.
pub(super) struct Schedule {
    upstream: Arc<str>,
    prober: Prober,
    health: Option<Health>,
    auto: Option<Auto>,
}

struct Watch<W> {
    target: W,
    schedule: Arc<Schedule>,
    checkup: Option<Checkup>,
    /// Answers at the last look.
    answered: u64,
    check: Option<Instant>,
    ask: Option<Instant>,
    /// The pause after a question that was not answered.
    pause: Duration,
}

/// Watches until the endpoint is gone.
pub(super) async fn watch<W: Target>(target: W, schedule: Arc<Schedule>) {
    let mut watch = Watch::new(target, schedule);
    while let Some(due) = watch.due() {
        sleep_until(due).await;
        if watch.tick(Instant::now()).await.is_none() {
            return;
        }
    }
}

impl Schedule {
    /// `None` when there is nothing to ask.
    pub(super) fn new(config: &UpstreamConfig, dialer: Arc<Dialer>) -> Option<Self> {
        let auto = match &config.max_connections {
            Slots::Auto(auto) if auto.ask != Ask::Nothing => Some(auto.clone()),
            Slots::Auto(_) | Slots::Fixed(_) | Slots::Unlimited => None,
        };
        (config.health.is_some() || auto.is_some()).then(|| Self {
            upstream: config.name.as_str().into(),
            prober: Prober::new(config, dialer),
            health: config.health.clone(),
            auto,
        })
    }
}

impl<W: Target> Watch<W> {
    fn new(target: W, schedule: Arc<Schedule>) -> Self {
        let now = Instant::now();
        // The first check tells an operator soon that something is wrong.
        let check = schedule
            .health
            .as_ref()
            .map(|health| now + up_to(health.interval.min(SOON)));
        Self {
            checkup: schedule.health.as_ref().map(Checkup::new),
            ask: schedule.auto.is_some().then_some(now),
            check,
            answered: 0,
            pause: FIRST_PAUSE,
            target,
            schedule,
        }
    }

    /// `None` when nothing will ever be.
    fn due(&self) -> Option<Instant> {
        [self.check, self.ask].into_iter().flatten().min()
    }

    /// Does what is due. `None` when the endpoint is gone.
    async fn tick(&mut self, now: Instant) -> Option<()> {
        if self.ask.is_some_and(|due| due <= now) {
            let pause = self.ask().await?;
            self.ask = Some(Instant::now() + jitter(pause));
        }
        if self.check.is_some_and(|due| due <= now) {
            let pause = self.check().await?;
            self.check = Some(Instant::now() + jitter(pause));
        }
        Some(())
    }

    /// Checks the endpoint if that tells something new; gives the time until the next time.
    async fn check(&mut self) -> Option<Duration> {
        let schedule = self.schedule.clone();
        let (Some(health), Some(checkup)) = (&schedule.health, &mut self.checkup) else {
            return Some(FOR_EVER);
        };
        let before = self.target.snapshot()?;
        checkup.align(before.healthy);
        let facts = before.facts(self.answered);
        self.answered = before.answered;
        if !checkup.is_due(&facts) {
            return Some(health.interval);
        }
        let verdict = schedule
            .prober
            .probe(&before.endpoint, &health.probe, health.timeout)
            .await;
        tracing::debug!(
            upstream = &*schedule.upstream,
            endpoint = &*before.name,
            ?verdict,
            "endpoint checked"
        );
        let after = self.target.snapshot()?;
        let change = checkup.note(verdict, &after.facts(before.answered));
        if let Some(change) = change {
            schedule.tell(&after.name, &change);
            self.target.judge(matches!(change, Change::Up));
            if matches!(change, Change::Up) {
                // What came back may not be what went.
                self.ask = self.ask.map(|_| Instant::now());
            }
        }
        Some(checkup.pause(health.interval))
    }

    /// Asks for the number of workers; gives the time until the next time.
    async fn ask(&mut self) -> Option<Duration> {
        let schedule = self.schedule.clone();
        let Some(auto) = &schedule.auto else {
            return Some(FOR_EVER);
        };
        let seen = self.target.snapshot()?;
        let limit = schedule
            .health
            .as_ref()
            .map_or(Health::TIMEOUT, |health| health.timeout);
        let said = schedule.prober.workers(&seen.endpoint, &auto.ask, limit).await;
        tracing::debug!(
            upstream = &*schedule.upstream,
            endpoint = &*seen.name,
            ?said,
            "endpoint asked"
        );
        let pause = self.pause.min(auto.interval);
        self.pause = match said {
            Ok(_) => FIRST_PAUSE,
            Err(_) => pause * 2,
        };
        match said {
            Ok(Workers::Unknown) => Some(auto.interval * RARELY),
            Ok(workers) => {
                self.target.count(workers);
                Some(auto.interval)
            }
            // Busy, or not yet there.
            Err(Verdict::Alive | Verdict::Busy(_) | Verdict::Silent | Verdict::Dead(_)) => Some(pause),
        }
    }
}

impl Schedule {
    fn tell(&self, endpoint: &str, change: &Change) {
        let upstream = &*self.upstream;
        match change {
            Change::Up => tracing::info!(upstream, endpoint, "endpoint is up"),
            Change::Down(why) => {
                let asked = self.health.as_ref().map(|health| health.probe.to_string());
                tracing::warn!(upstream, endpoint, reason = why.reason().as_str(), error = %why, asked, "endpoint is down");
            }
        }
    }
}

impl TargetSnapshot {
    /// What is known, when `answered` requests had been answered at the last look.
    fn facts(&self, answered: u64) -> Facts {
        Facts {
            answered: self.answered != answered,
            working: self.in_flight > 0,
            full: self.in_flight >= self.limit,
        }
    }
}

/// A time within a tenth of `pause`.
fn jitter(pause: Duration) -> Duration {
    pause.mul_f64(0.9 + 0.2 * fastrand::f64())
}

/// A time between nothing and `most`.
fn up_to(most: Duration) -> Duration {
    most.mul_f64(fastrand::f64())
}

/// Until the first check at most.
const SOON: Duration = Duration::from_secs(1);

/// The pause after the first question that was not answered: the application may be starting. Doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Intervals between two questions to an endpoint that has nothing to say.
const RARELY: u32 = 10;

const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[cfg(test)]
mod tests;
