//! Watches under a clock that does not run by itself, of sockets in a directory of their own.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Mutex;

use tempfile::TempDir;

use super::*;
use crate::transport::Address;
use crate::upstream::model::config::health::{Probe, Silence};

const SECOND: Duration = Duration::from_secs(1);

/// An endpoint that is only looked at.
struct Patient {
    dir: TempDir,
    state: Mutex<PatientState>,
}

#[derive(Default)]
struct PatientState {
    gone: bool,
    looks: usize,
    /// Each look finds one more answer.
    answers: bool,
    answered: u64,
    in_flight: usize,
    judged: Vec<bool>,
}

impl Patient {
    fn new(state: PatientState) -> Arc<Self> {
        Arc::new(Self {
            dir: tempfile::tempdir().unwrap(),
            state: Mutex::new(state),
        })
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    fn listen(&self) -> UnixListener {
        let listener = UnixListener::bind(self.path()).unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    }

    fn change(&self, change: impl FnOnce(&mut PatientState)) {
        change(&mut self.state.lock().unwrap());
    }

    fn judged(&self) -> Vec<bool> {
        self.state.lock().unwrap().judged.clone()
    }

    /// Starts a watch that makes a check every second.
    fn watch(self: &Arc<Self>) -> tokio::task::JoinHandle<()> {
        let mut config = crate::upstream::admit::pool::tests::config(1, 2, 0, 1);
        config.health = Some(Health {
            probe: Probe::Connect,
            interval: SECOND,
            timeout: SECOND,
            rise: 2,
            fall: 3,
            silence: Silence::Dead,
        });
        let schedule = Schedule::new(&config, Arc::default()).unwrap();
        tokio::spawn(watch(self.clone(), schedule.into()))
    }
}

impl Target for Arc<Patient> {
    fn snapshot(&self) -> Option<TargetSnapshot> {
        let mut state = self.state.lock().unwrap();
        state.looks += 1;
        state.answered += u64::from(state.answers);
        (!state.gone).then(|| TargetSnapshot {
            endpoint: EndpointConfig::new(Address::Unix(self.path())),
            name: "patient".into(),
            answered: state.answered,
            in_flight: state.in_flight,
            limit: 2,
            healthy: state.judged.last().is_none_or(|alive| *alive),
        })
    }

    fn judge(&self, alive: bool) {
        self.change(|state| state.judged.push(alive));
    }

    fn count(&self, _: Workers) {}
}

/// Connections that were made.
fn accepted(listener: &UnixListener) -> usize {
    std::iter::from_fn(|| listener.accept().ok()).count()
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_goes_and_comes_is_noticed() {
    let patient = Patient::new(PatientState::default());
    let watching = patient.watch();
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(patient.judged(), [false]);
    let listener = patient.listen();
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(patient.judged(), [false, true]);
    drop(listener);
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(patient.judged(), [false, true, false]);
    watching.abort();
}

#[tokio::test(start_paused = true)]
async fn no_check_is_made_where_requests_are_answered_or_every_slot_is_in_use() {
    let patient = Patient::new(PatientState {
        answers: true,
        ..PatientState::default()
    });
    let listener = patient.listen();
    let watching = patient.watch();
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(accepted(&listener), 0);
    patient.change(|state| {
        state.answers = false;
        state.in_flight = 2;
    });
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(accepted(&listener), 0);
    patient.change(|state| state.in_flight = 1);
    tokio::time::sleep(10 * SECOND).await;
    assert!((9..=11).contains(&accepted(&listener)));
    watching.abort();
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_its_endpoint() {
    let patient = Patient::new(PatientState::default());
    let watching = patient.watch();
    tokio::time::sleep(3 * SECOND).await;
    assert!(!watching.is_finished());
    patient.change(|state| state.gone = true);
    tokio::time::timeout(2 * SECOND, watching).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_comes_later_is_watched_too() {
    let dir = tempfile::tempdir().unwrap();
    let missing = |name: &str| EndpointConfig::new(Address::Unix(dir.path().join(name)));
    let mut config = crate::upstream::admit::pool::tests::config(1, 2, 0, 1);
    config.endpoints = vec![missing("one")];
    config.health = Some(Health {
        probe: Probe::Connect,
        interval: SECOND,
        timeout: SECOND,
        rise: 1,
        fall: 2,
        silence: Silence::Dead,
    });
    let upstream = Arc::new(Upstream::new(config));
    let mut tasks = JoinSet::new();
    start(&upstream, &mut tasks);
    tokio::time::sleep(4 * SECOND).await;
    let one = upstream.endpoints()[0].clone();
    assert_eq!(one.circuit(), CircuitState::Unhealthy);
    upstream.set_endpoints(&[missing("one"), missing("two")]);
    tokio::time::sleep(4 * SECOND).await;
    let both = upstream.endpoints();
    assert!(
        both.iter()
            .all(|endpoint| endpoint.circuit() == CircuitState::Unhealthy)
    );
    assert!(Arc::ptr_eq(&both[0], &one));
    let target = EndpointTarget {
        upstream: Arc::downgrade(&upstream),
        endpoint: Arc::downgrade(&one),
    };
    assert!(target.snapshot().is_some());
    upstream.set_endpoints(&[missing("two")]);
    assert!(
        target.snapshot().is_none(),
        "it is still held, but is none of ours"
    );
}

/// An upstream whose one endpoint was found dead, and listens now; the directory has to stay.
async fn found_dead(tasks: &mut JoinSet<()>) -> (TempDir, UnixListener, Arc<Upstream>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let mut config = crate::upstream::admit::pool::tests::config(1, 2, 0, 1);
    config.endpoints = vec![EndpointConfig::new(Address::Unix(path.clone()))];
    config.health = Some(Health {
        probe: Probe::Connect,
        interval: SECOND,
        timeout: SECOND,
        rise: 1,
        fall: 2,
        silence: Silence::Dead,
    });
    let upstream = Arc::new(Upstream::new(config));
    start(&upstream, tasks);
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(upstream.endpoints()[0].circuit(), CircuitState::Unhealthy);
    let listener = UnixListener::bind(path).unwrap();
    (dir, listener, upstream)
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_was_dead_before_a_reload_comes_back_after_it() {
    let mut tasks = JoinSet::new();
    let (_dir, _listener, before) = found_dead(&mut tasks).await;
    tasks.abort_all();
    let config = UpstreamConfig {
        keep_alive: 1,
        ..before.config().clone()
    };
    let upstream = Arc::new(before.successor(config));
    upstream.take_over();
    start(&upstream, &mut tasks);
    assert_eq!(upstream.endpoints()[0].circuit(), CircuitState::Unhealthy);
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(upstream.endpoints()[0].circuit(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_dead_endpoint_whose_share_changes_comes_back() {
    let mut tasks = JoinSet::new();
    let (_dir, _listener, upstream) = found_dead(&mut tasks).await;
    let dead = upstream.endpoints()[0].config.clone();
    upstream.set_endpoints(&[EndpointConfig { weight: 7, ..dead }]);
    assert_eq!(upstream.endpoints()[0].circuit(), CircuitState::Unhealthy);
    tokio::time::sleep(4 * SECOND).await;
    assert_eq!(upstream.endpoints()[0].circuit(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_reload_that_ends_the_checks_ends_what_they_found() {
    let mut tasks = JoinSet::new();
    let (_dir, _listener, before) = found_dead(&mut tasks).await;
    let late = EndpointTarget {
        upstream: Arc::downgrade(&before),
        endpoint: Arc::downgrade(&before.endpoints()[0]),
    };
    let held = before.endpoints();
    let config = UpstreamConfig {
        health: None,
        ..before.config().clone()
    };
    let upstream = before.successor(config);
    upstream.take_over();
    assert_eq!(upstream.endpoints()[0].circuit(), CircuitState::Closed);
    late.judge(false);
    assert_eq!(upstream.endpoints()[0].circuit(), CircuitState::Closed);
    drop(held);
}
