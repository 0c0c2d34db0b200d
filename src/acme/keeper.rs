//! Keeps certificates: gets those that are missing, renews them in time, and goes on when something fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::advice;
use super::attempt::{Surroundings, Way};
use super::challenges::Challenges;
use super::config::AcmeConfig;
use super::disk::on_disk;
use super::dns::{DnsConfig, DnsSockets, DomainName, Records, Responder, Zones};
use super::failure::{Cause, Failure};
use super::local;
use super::pem::Facts;
use super::schedule::{self, Validity};
use super::state::{Advice, State, Wanted};
use super::store::{Lock, Store};
use crate::telemetry::{OrderFailure, OrderState, Orders};

/// Keeps the certificates for some names. Dropped: orders under way stop where they are, and are gone on with by the next
/// one.
#[derive(Debug)]
pub struct Keeper {
    config: Arc<AcmeConfig>,
    names: Names,
    changed: Arc<Notify>,
    _tasks: JoinSet<()>,
}

/// For which names there are to be certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Directories are asked for these.
    pub public: BTreeSet<String>,
    /// Our own authority is.
    pub local: BTreeSet<String>,
}

/// Orders under way at a time.
const ORDERS: usize = 4;

/// Between two looks while another process works on the same.
const LOCKED: Duration = Duration::from_secs(5);

/// Between two looks at most: clocks are set, and other processes renew.
const LOOK: Duration = Duration::from_secs(3600);

impl Keeper {
    /// Begins to keep certificates for `names`; questions of the DNS come to `dns`. `encouraged`: what has failed is tried again at once. To be called inside a
    /// tokio runtime.
    pub fn begin(
        config: &AcmeConfig,
        names: Names,
        dns: Option<DnsSockets>,
        orders: &Arc<Orders>,
        encouraged: bool,
    ) -> Self {
        let config = Arc::new(config.clone());
        let store = Store::at(&config.store);
        let surroundings = Surroundings {
            config: config.clone(),
            challenges: Challenges::of(store.clone()),
            store,
        };
        let (changed, permits) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(ORDERS)));
        let wanted = names.public.iter().flat_map(|name| {
            let of = |&key| Wanted {
                name: name.clone(),
                key,
            };
            config.keys.iter().map(of)
        });
        let mut tasks = JoinSet::new();
        let wanted: Vec<Wanted> = wanted.collect();
        orders.retain(|label| wanted.iter().any(|wanted| wanted.label() == label));
        let mut turns: BTreeMap<String, Arc<Semaphore>> = BTreeMap::new();
        for wanted in wanted {
            let turn = turns.entry(wanted.name.clone());
            let care = Care {
                seed: seed(&wanted),
                turn: turn.or_insert_with(|| Arc::new(Semaphore::new(1))).clone(),
                wanted,
                surroundings: surroundings.clone(),
                orders: orders.clone(),
                permits: permits.clone(),
                changed: changed.clone(),
            };
            tasks.spawn(care.keep(encouraged));
        }
        if let (Some(sockets), Some(config)) = (dns, &config.dns) {
            tasks.spawn(answer_dns(sockets, config.clone(), &names, &surroundings.store));
        }
        if !names.local.is_empty() {
            let local = keep_local(surroundings.store, names.local.clone(), changed.clone());
            tasks.spawn(local);
        }
        Self {
            config,
            names,
            changed,
            _tasks: tasks,
        }
    }

    /// Whether it does what another one would do.
    pub fn is_for(&self, config: &AcmeConfig, names: &Names) -> bool {
        *self.config == *config && self.names == *names
    }

    /// Told when there is another certificate in the store.
    pub fn changed(&self) -> Arc<Notify> {
        self.changed.clone()
    }
}

/// Questions of directories for the records of challenges are answered.
fn answer_dns(
    sockets: DnsSockets,
    config: DnsConfig,
    names: &Names,
    store: &Store,
) -> impl Future<Output = ()> + use<> {
    let proven = names
        .public
        .iter()
        .map(|name| name.strip_prefix("*.").unwrap_or(name));
    let zones = Zones::new(config, proven.filter_map(DomainName::new));
    let responder = Responder::new(sockets, zones, Records::new(store.path()));
    async {
        if let Err(error) = responder.run().await {
            tracing::error!(%error, "questions for the records of challenges are not answered");
        }
    }
}

/// Certificates of our own authority are made anew in time.
async fn keep_local(store: Store, hosts: BTreeSet<String>, changed: Arc<Notify>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let (path, hosts) = (store.path().to_owned(), hosts.clone());
        let made = on_disk(move || {
            let made = local::provide(&path, hosts.iter().map(String::as_str), SystemTime::now());
            made.map_err(|error| Cause::Request(error.to_string()))
        });
        match made.await {
            Ok(0) => {}
            Ok(_) => changed.notify_one(),
            Err(error) => tracing::error!(%error, "cannot renew the certificates of the local authority"),
        }
    }
}

/// The care for one certificate.
struct Care {
    wanted: Wanted,
    surroundings: Surroundings,
    orders: Arc<Orders>,
    /// Certificates for the same name are ordered one after the other.
    turn: Arc<Semaphore>,
    permits: Arc<Semaphore>,
    changed: Arc<Notify>,
    seed: u64,
}

impl Care {
    async fn keep(self, mut encouraged: bool) {
        let mut failing = false;
        loop {
            let pause = match self.turn(std::mem::take(&mut encouraged)).await {
                Ok(pause) => {
                    failing = false;
                    pause
                }
                Err(cause) => {
                    // The same for every certificate, and as long as it lasts: told once.
                    if !std::mem::replace(&mut failing, true) {
                        let store = self.surroundings.store.path().display();
                        tracing::error!(name = self.wanted.name, %store, error = %cause, "cannot look after the certificate");
                    }
                    self.orders.fail(OrderFailure::Local);
                    Duration::from_secs(60)
                }
            };
            tokio::time::sleep(pause.min(LOOK)).await;
        }
    }

    /// Looks at the certificate, and does what is due; gives the time until the next look. Errors are those of the disk.
    async fn turn(&self, encouraged: bool) -> Result<Duration, Cause> {
        let (facts, state) = self.load().await?;
        let due = self.due(facts.as_ref(), &state, encouraged);
        self.tell(facts.as_ref(), &state, due, "");
        let wants_advice = self.wants_advice(facts.as_ref(), &state);
        let is_due = due.is_some_and(|due| due <= now());
        if !is_due && !wants_advice && state.order.is_none() {
            return Ok(until(due));
        }
        let (Ok(_turn), Ok(_permit)) = (self.turn.acquire().await, self.permits.acquire().await) else {
            return Ok(LOOK);
        };
        let Some(_lock) = self.lock().await? else {
            return Ok(LOCKED);
        };
        // Another process may have done it meanwhile.
        let (facts, mut state) = self.load().await?;
        if encouraged {
            state.failures.encourage();
        }
        if wants_advice && let Some(facts) = &facts {
            self.take_advice(facts, &mut state).await?;
        }
        let due = self.due(facts.as_ref(), &state, encouraged);
        match due.is_some_and(|due| due <= now()) {
            true => self.order(facts, state).await,
            false => {
                self.leave(facts.as_ref(), &mut state).await?;
                self.tell(facts.as_ref(), &state, due, "");
                Ok(until(due))
            }
        }
    }

    /// When it is to be ordered, in seconds since 1970; `None`: never, as it is.
    fn due(&self, facts: Option<&Facts>, state: &State, encouraged: bool) -> Option<i64> {
        let wanted = facts.map_or(0, |facts| {
            let validity = Validity {
                not_before: facts.not_before,
                not_after: facts.not_after,
            };
            let advice = state
                .advice
                .as_ref()
                .filter(|advice| Some(&advice.certificate) == facts.id.as_ref());
            let window = advice.and_then(|advice| advice.window);
            let before = self.surroundings.config.renew_before;
            schedule::renewal(
                validity,
                before,
                window,
                self.seed ^ facts.not_after.unsigned_abs(),
            )
        });
        match encouraged {
            true => Some(wanted),
            false if state.failures.is_over => None,
            false => Some(wanted.max(state.failures.next)),
        }
    }

    /// Orders the certificate; gives the time until the next look.
    async fn order(&self, facts: Option<Facts>, mut state: State) -> Result<Duration, Cause> {
        let Some(way) = self.surroundings.way(&self.wanted, &state, now()) else {
            return Ok(LOOK);
        };
        let name = &self.wanted.name;
        let (directory, challenge) = (&way.directory.url, way.challenge.as_str());
        tracing::info!(name, directory, challenge, "ordering a certificate");
        self.tell(facts.as_ref(), &state, None, "ordering");
        let replaces = facts.as_ref().and_then(|facts| facts.id.as_deref());
        match self
            .surroundings
            .attempt(&self.wanted, &mut state, way, replaces)
            .await
        {
            Ok(()) => {
                tracing::info!(name, directory, "a certificate was issued");
                self.orders.issue();
                self.changed.notify_one();
                Ok(Duration::ZERO)
            }
            Err(failure) => {
                let kept = self.failed(&failure, &mut state, way).await;
                let due = self.due(facts.as_ref(), &state, false);
                self.tell(facts.as_ref(), &state, due, "failed");
                // What the number is of is told already.
                self.orders.fail(failure.kind());
                kept.map(|()| until(due))
            }
        }
    }

    async fn failed(&self, failure: &Failure, state: &mut State, way: Way<'_>) -> Result<(), Cause> {
        if let Some(pause) = failure.retry_after {
            state.close(&way.directory.url, now(), pause);
        }
        let closed = self.surroundings.closed_for(state, now());
        state.failures.add(now(), closed, self.seed);
        state.error = Some(failure.to_string());
        let (name, directory, challenge) = (&self.wanted.name, &way.directory.url, way.challenge.as_str());
        let next = state.failures.next.saturating_sub(now());
        match state.failures.is_over {
            true => tracing::error!(
                name, directory, challenge, error = %failure,
                "no certificate for 30 days: given up until the configuration is loaded again"
            ),
            false => tracing::warn!(
                name, directory, challenge, error = %failure, again_in = %format!("{next}s"),
                "no certificate"
            ),
        }
        // An order whose directory does not answer may be gone on with.
        match matches!(failure.cause, Cause::Directory(_)) && state.order.is_some() {
            true => self.surroundings.save(&self.wanted, state).await,
            false => self.surroundings.clear(&self.wanted, state).await,
        }
    }

    /// Nothing is due: what a process left that was killed right behind the end of an order is no order any more.
    async fn leave(&self, facts: Option<&Facts>, state: &mut State) -> Result<(), Cause> {
        let Some(record) = &state.order else {
            return Ok(());
        };
        let Some(facts) = facts else { return Ok(()) };
        if facts.key == super::request::public_key(&record.key)? {
            state.issued_by = Some(record.directory.clone());
            self.surroundings.clear(&self.wanted, state).await?;
        }
        Ok(())
    }

    fn wants_advice(&self, facts: Option<&Facts>, state: &State) -> bool {
        let Some(id) = facts.and_then(|facts| facts.id.as_ref()) else {
            return false;
        };
        let known = state.advice.as_ref().filter(|advice| advice.certificate == *id);
        let is_old = known.is_none_or(|advice| advice.next <= now());
        is_old && self.surroundings.config.renew_before.is_none() && self.issuer(state).is_some()
    }

    fn issuer(&self, state: &State) -> Option<&super::config::DirectoryConfig> {
        let mut directories = self.surroundings.config.directories.iter();
        directories.find(|directory| state.issued_by.as_ref() == Some(&directory.url))
    }

    /// Asks the directory when the certificate is to be renewed. Without an answer, what it said before holds.
    async fn take_advice(&self, facts: &Facts, state: &mut State) -> Result<(), Cause> {
        let (Some(directory), Some(id)) = (self.issuer(state).cloned(), facts.id.clone()) else {
            return Ok(());
        };
        let known = state.advice.take().filter(|advice| advice.certificate == id);
        let (window, good_for) = match advice::ask(&directory, &id).await {
            Ok(asked) => asked,
            Err(cause) => {
                tracing::debug!(name = self.wanted.name, error = %cause, "the directory does not say when to renew");
                (known.and_then(|advice| advice.window), None)
            }
        };
        state.advice = Some(Advice {
            certificate: id,
            window,
            next: schedule::next_look(now(), good_for),
        });
        self.surroundings.save(&self.wanted, state).await
    }

    /// How the certificate stands, for operators.
    fn tell(&self, facts: Option<&Facts>, state: &State, due: Option<i64>, doing: &'static str) {
        let way = self.surroundings.way(&self.wanted, state, now());
        let word = match (doing, state.failures.is_over, state.failures.count, facts) {
            ("", true, _, _) => "given_up",
            ("", false, 0, Some(_)) => "valid",
            ("", false, 0, None) => "wanted",
            ("", false, _, _) => "failed",
            (doing, ..) => doing,
        };
        let state = OrderState {
            state: word,
            directory: way.map(|way| way.directory.url.clone()).unwrap_or_default(),
            challenge: way.map_or("", |way| way.challenge.as_str()),
            not_after: facts.map(|facts| facts.not_after),
            next: due,
            failures: state.failures.count,
            error: state.error.clone(),
        };
        self.orders.set(&self.wanted.label(), state);
    }

    async fn load(&self) -> Result<(Option<Facts>, State), Cause> {
        let (wanted, store) = (self.wanted.clone(), self.surroundings.store.clone());
        on_disk(move || wanted.load(&store)).await
    }

    async fn lock(&self) -> Result<Option<Lock>, Cause> {
        let (wanted, store) = (self.wanted.clone(), self.surroundings.store.clone());
        on_disk(move || wanted.lock(&store)).await
    }
}

/// The same for a name on every machine: the first one has the lock, and the others find it done.
fn seed(wanted: &Wanted) -> u64 {
    let mut seed = 0xcbf2_9ce4_8422_2325_u64;
    for byte in wanted.label().bytes() {
        seed = (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    seed
}

fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// The time until then.
fn until(due: Option<i64>) -> Duration {
    let left = due.map_or(i64::MAX, |due| due.saturating_sub(now()));
    Duration::from_secs(u64::try_from(left).unwrap_or(0)).max(Duration::from_millis(100))
}
