//! The account, step by step.

use std::sync::Weak;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::transport::tls::BackendTls;
use crate::upstream::model::Workers;
use crate::upstream::model::config::slots::{Ask, Auto};
use crate::upstream::model::config::{
    Balance, EndpointConfig, EndpointSource, ProtocolName, Queue as Waiting, Retry, Slots, Timeouts,
};
use crate::upstream::model::profile::Profile;

pub(in crate::upstream) fn config(
    endpoints: usize,
    slots: usize,
    kept: usize,
    waiting: usize,
) -> UpstreamConfig {
    let endpoint = |port| EndpointConfig::new(format!("127.0.0.1:{port}").parse().unwrap());
    UpstreamConfig {
        name: "test".into(),
        protocol: ProtocolName::FastCgi,
        quirks: Profile::Generic.quirks(),
        host: None,
        proxy_protocol: None,
        normalize: false,
        endpoints: (1..=endpoints).map(endpoint).collect(),
        sources: Vec::new(),
        tls: BackendTls::default(),
        balance: Balance::RoundRobin,
        sticky: None,
        max_connections: Slots::Fixed(slots),
        health: None,
        keep_alive: kept,
        queue: Waiting {
            size: waiting,
            timeout: Duration::from_secs(1),
        },
        hold: Duration::ZERO,
        fair: None,
        warn_unreachable: true,
        retry: Retry::default(),
        timeouts: Timeouts::default(),
        head_size: UpstreamConfig::HEAD_SIZE,
        head_fields: UpstreamConfig::HEAD_FIELDS,
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

/// A slot for a request that takes any.
pub(super) async fn get<C: Send + 'static>(pool: &Arc<Pool<C>>) -> Result<Grant<C>, AdmissionError> {
    get_beside(pool, &[]).await
}

/// A slot for a request that tried the endpoints at these indices.
async fn get_beside<C: Send + 'static>(
    pool: &Arc<Pool<C>>,
    tried: &[usize],
) -> Result<Grant<C>, AdmissionError> {
    let endpoints = pool.endpoints();
    let constraints = Constraints {
        tried: tried.iter().map(|at| endpoints[*at].id).collect(),
        ..Constraints::default()
    };
    pool.acquire(&constraints, soon(), &mut None).await
}

fn idle<C: Send + 'static>(pool: &Arc<Pool<C>>) -> usize {
    pool.endpoints().iter().map(|endpoint| endpoint.idle()).sum()
}

/// The index of the endpoint that a slot belongs to.
fn at<C: Send + 'static>(pool: &Arc<Pool<C>>, grant: &Grant<C>) -> usize {
    let id = grant.slot.endpoint().id;
    pool.endpoints()
        .iter()
        .position(|endpoint| endpoint.id == id)
        .unwrap()
}

/// Waits until `count` requests wait in the queue.
async fn queued(pool: &Pool<u32>, count: usize) {
    while pool.snapshot().waiting != count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn slots_are_exact_and_the_queue_is_first_come_first_served() {
    let pool = Pool::<u32>::new(&config(1, 1, 0, 2), &Arc::default());
    let first = get(&pool).await.unwrap();
    let all = pool.clone();
    let (order, mut served) = tokio::sync::mpsc::unbounded_channel();
    for name in [1, 2] {
        let (pool, order) = (pool.clone(), order.clone());
        tokio::spawn(async move {
            let granted = get(&pool).await.map(drop);
            order.send((name, granted)).unwrap();
        });
        queued(&all, name).await;
    }
    assert_eq!(get(&pool).await.err(), Some(AdmissionError::QueueFull));
    drop(first);
    assert_eq!(served.recv().await, Some((1, Ok(()))));
    assert_eq!(served.recv().await, Some((2, Ok(()))));
    assert_eq!(pool.endpoints()[0].in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_so_and_leaves_no_trace() {
    let pool = Pool::<u32>::new(&config(1, 1, 0, 1), &Arc::default());
    let _first = get(&pool).await.unwrap();
    assert_eq!(get(&pool).await.err(), Some(AdmissionError::QueueTimeout));
    assert_eq!(pool.snapshot().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_gives_the_place_up() {
    let pool = Pool::<u32>::new(&config(1, 1, 0, 1), &Arc::default());
    let first = get(&pool).await.unwrap();
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { get(&pool).await.map(drop) }
    });
    queued(&pool, 1).await;
    waiting.abort();
    queued(&pool, 0).await;
    drop(first);
    assert_eq!(pool.endpoints()[0].in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_lent_and_counts_as_a_slot() {
    let pool = Pool::new(&config(1, 2, 2, 1), &Arc::default());
    let one = get(&pool).await.unwrap();
    let two = get(&pool).await.unwrap();
    one.slot.keep(1);
    assert_eq!((idle(&pool), pool.endpoints()[0].in_flight()), (1, 1));
    let three = get(&pool).await.unwrap();
    assert_eq!(three.idle, Some(1));
    two.slot.keep(2);
    three.slot.keep(3);
    assert_eq!((idle(&pool), pool.endpoints()[0].in_flight()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_lent_the_connection_at_once() {
    let pool = Pool::new(&config(1, 1, 1, 1), &Arc::default());
    let one = get(&pool).await.unwrap();
    let waiting = tokio::spawn({
        let pool = pool.clone();
        async move { get(&pool).await.map(|grant| grant.idle) }
    });
    queued(&pool, 1).await;
    one.slot.keep(7);
    assert_eq!(waiting.await.unwrap(), Ok(Some(7)));
}

/// Notes at its end whether a slot was still taken.
struct Watching(Weak<Pool<Watching>>, Arc<AtomicUsize>);

impl Drop for Watching {
    fn drop(&mut self) {
        let taken = self.0.upgrade().map_or(0, |pool| pool.endpoints()[0].in_flight());
        self.1.store(taken, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_before_its_slot_is_free() {
    let pool = Pool::new(&config(1, 1, 1, 1), &Arc::default());
    let taken = Arc::new(AtomicUsize::new(0));
    let watching = Watching(Arc::downgrade(&pool), taken.clone());
    get(&pool).await.unwrap().slot.keep(watching);
    drop(get(&pool).await.unwrap());
    assert_eq!(taken.load(Ordering::Relaxed), 1);
    assert_eq!((idle(&pool), pool.endpoints()[0].in_flight()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_in_time() {
    let config = config(1, 4, 4, 1);
    let pool = Pool::new(&config, &Arc::default());
    let (one, two) = (get(&pool).await.unwrap(), get(&pool).await.unwrap());
    one.slot.keep(1);
    tokio::time::sleep(config.timeouts.idle / 2).await;
    two.slot.keep(2);
    tokio::time::sleep(config.timeouts.idle / 2 + Duration::from_millis(10)).await;
    assert_eq!(idle(&pool), 1);
    tokio::time::sleep(config.timeouts.idle).await;
    assert_eq!(idle(&pool), 0);
}

#[tokio::test(start_paused = true)]
async fn a_backup_is_used_when_the_others_were_tried() {
    let mut config = config(2, 1, 0, 1);
    config.endpoints[1].backup = true;
    let pool = Pool::<u32>::new(&config, &Arc::default());
    let second = get_beside(&pool, &[0]).await.unwrap();
    assert_eq!(at(&pool, &second), 1);
    assert_eq!(
        get_beside(&pool, &[0]).await.err(),
        Some(AdmissionError::QueueTimeout)
    );
    let first = get(&pool).await.unwrap();
    assert_eq!(at(&pool, &first), 0);
    assert_eq!(
        get_beside(&pool, &[0, 1]).await.err(),
        Some(AdmissionError::NoEndpoint)
    );
}

/// A pool that holds requests while its endpoints are down, and whose endpoints answered once.
fn holding(endpoints: usize, slots: usize) -> Arc<Pool<u32>> {
    let mut config = config(endpoints, slots, 0, 8);
    config.hold = Duration::from_millis(500);
    let pool = Pool::new(&config, &Arc::default());
    for endpoint in pool.endpoints() {
        pool.answered(&endpoint, Duration::ZERO);
    }
    pool
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_an_endpoint_that_was_alive_and_one_of_them_tries() {
    let pool = holding(1, 4);
    get(&pool).await.unwrap().slot.unreachable();
    let (first, second) = tokio::join!(
        async {
            let mut grant = get(&pool).await.unwrap();
            assert!(grant.slot.trial);
            assert_eq!(pool.endpoints()[0].in_flight(), 1, "another one tries");
            grant.slot.reached();
            grant
        },
        get(&pool)
    );
    assert!(!first.slot.trial && !second.unwrap().slot.trial);
}

#[tokio::test(start_paused = true)]
async fn holding_ends_and_then_each_request_finds_out_alone() {
    let pool = holding(1, 4);
    let began = Instant::now();
    get(&pool).await.unwrap().slot.unreachable();
    let trial = get(&pool).await.unwrap();
    assert!(trial.slot.trial);
    let other = get(&pool).await.unwrap();
    assert_eq!(began.elapsed().as_millis(), 500);
    let endpoint = other.slot.endpoint().id;
    let constraints = Constraints {
        tried: vec![endpoint],
        ..Constraints::default()
    };
    assert_eq!(
        pool.take_free(&constraints, Instant::now()).err(),
        Some(AdmissionError::NoEndpoint)
    );
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_was_alive_is_not_waited_for() {
    let mut config = config(1, 1, 0, 8);
    config.hold = Duration::from_secs(10);
    let pool = Pool::<u32>::new(&config, &Arc::default());
    get(&pool).await.unwrap().slot.unreachable();
    // Asked again at once: nothing else is known.
    assert!(
        pool.take_free(&Constraints::default(), Instant::now())
            .unwrap()
            .is_some()
    );
    assert_eq!(
        get_beside(&pool, &[0]).await.err(),
        Some(AdmissionError::NoEndpoint)
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_backlog_keeps_requests_waiting_in_turn() {
    let pool = holding(1, usize::MAX);
    let mut held: Vec<_> = Vec::new();
    for _ in 0..3 {
        held.push(get(&pool).await.unwrap());
    }
    held.pop().unwrap().slot.full();
    assert!(
        pool.take_free(&Constraints::default(), Instant::now())
            .unwrap()
            .is_none(),
        "two fit, and two are there"
    );
    held.pop();
    assert!(
        pool.take_free(&Constraints::default(), Instant::now())
            .unwrap()
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_back_keeps_its_place() {
    let pool = holding(1, 1);
    let first = get(&pool).await.unwrap();
    let mut ticket = None;
    let constraints = Constraints::default();
    let mut early = Box::pin(pool.acquire(&constraints, soon(), &mut ticket));
    assert!(poll(&mut early).is_none());
    drop(early);
    assert!(ticket.is_some());
    let mut late = Box::pin(get(&pool));
    assert!(poll(&mut late).is_none());
    let mut again = Box::pin(pool.acquire(&constraints, soon(), &mut ticket));
    assert!(poll(&mut again).is_none());
    drop(first);
    assert!(poll(&mut late).is_none());
    assert!(poll(&mut again).unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_stay_keep_what_is_known_of_them() {
    let pool = Pool::<u32>::new(&config(1, 2, 2, 1), &Arc::default());
    let (one, two) = (get(&pool).await.unwrap(), get(&pool).await.unwrap());
    one.slot.keep(1);
    let stays = pool.endpoints()[0].config.clone();
    let comes = EndpointConfig::new("127.0.0.1:2".parse().unwrap());
    pool.set_endpoints(&[comes.clone(), stays]);
    assert_eq!(idle(&pool), 1);
    assert_eq!(pool.endpoints()[1].in_flight(), 1);
    pool.set_endpoints(&[comes]);
    assert_eq!(idle(&pool), 0);
    // It has no endpoint any more.
    two.slot.keep(2);
    assert_eq!(idle(&pool), 0);
}

#[tokio::test(start_paused = true)]
async fn another_share_changes_nothing_else() {
    let pool = Pool::<u32>::new(&config(1, 2, 2, 1), &Arc::default());
    let (one, _two) = (get(&pool).await.unwrap(), get(&pool).await.unwrap());
    one.slot.keep(1);
    let endpoint = EndpointConfig {
        weight: 7,
        backup: true,
        ..pool.endpoints()[0].config.clone()
    };
    pool.set_endpoints(&[endpoint]);
    assert_eq!((idle(&pool), pool.endpoints()[0].in_flight()), (1, 1));
    let three = get(&pool).await.unwrap();
    assert_eq!(three.idle, Some(1));
    assert_eq!(
        get(&pool).await.err(),
        Some(AdmissionError::QueueTimeout),
        "all slots are taken"
    );
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_comes_back_has_the_slots_that_it_left_taken() {
    let pool = Pool::<u32>::new(&config(1, 1, 0, 1), &Arc::default());
    let endpoint = pool.endpoints()[0].config.clone();
    let first = get(&pool).await.unwrap();
    pool.set_endpoints(&[]);
    pool.set_endpoints(&[endpoint]);
    assert_eq!(get(&pool).await.err(), Some(AdmissionError::QueueTimeout));
    drop(first);
    assert!(get(&pool).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_the_first_endpoint_to_be_found() {
    let pool = looking();
    let mut waiting = Box::pin(get(&pool));
    assert!(poll(&mut waiting).is_none());
    pool.set_endpoints(&config(1, 1, 0, 1).endpoints);
    assert!(poll(&mut waiting).unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_for_endpoints_that_are_not_found() {
    let pool = looking();
    let began = Instant::now();
    assert_eq!(get(&pool).await.err(), Some(AdmissionError::NoEndpoint));
    assert_eq!(began.elapsed().as_millis(), 500);
    assert_eq!(get(&pool).await.err(), Some(AdmissionError::NoEndpoint));
    assert_eq!(began.elapsed().as_millis(), 500);
    // What was found and is gone again is waited for again.
    pool.set_endpoints(&config(1, 1, 0, 1).endpoints);
    pool.set_endpoints(&[]);
    assert_eq!(get(&pool).await.err(), Some(AdmissionError::NoEndpoint));
    assert_eq!(began.elapsed().as_millis(), 1000);
}

/// A pool whose endpoints are still to be found.
fn looking() -> Arc<Pool<u32>> {
    let mut config = config(0, 1, 0, 8);
    config.sources = vec![EndpointConfig::new(EndpointSource::Dns(
        "dns:app:9000".parse().unwrap(),
    ))];
    config.hold = Duration::from_millis(500);
    Pool::new(&config, &Arc::default())
}

#[tokio::test(start_paused = true)]
async fn a_new_endpoint_takes_those_who_wait() {
    let pool = Pool::<u32>::new(&config(1, 1, 0, 1), &Arc::default());
    let _first = get(&pool).await.unwrap();
    let mut waiting = Box::pin(get(&pool));
    assert!(poll(&mut waiting).is_none());
    let mut endpoints = vec![pool.endpoints()[0].config.clone()];
    endpoints.push(EndpointConfig::new("127.0.0.1:2".parse().unwrap()));
    pool.set_endpoints(&endpoints);
    assert_eq!(at(&pool, &waiting.await.unwrap()), 1);
}

pub(super) fn poll<F: Future>(future: &mut std::pin::Pin<Box<F>>) -> Option<F::Output> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

/// A pool whose slots are to be found out.
fn growing(kept: usize) -> Arc<Pool<u32>> {
    let mut config = config(1, 1, kept, 1_000);
    config.max_connections = Slots::Auto(Auto {
        ask: Ask::Nothing,
        least: 1,
        most: 64,
        interval: Auto::INTERVAL,
    });
    Pool::new(&config, &Arc::default())
}

/// So many slots at once.
async fn several(pool: &Arc<Pool<u32>>, count: usize) -> Vec<Grant<u32>> {
    let mut grants = Vec::new();
    for _ in 0..count {
        grants.push(get(pool).await.unwrap());
    }
    grants
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_names_more_workers_serves_those_who_wait() {
    let pool = growing(0);
    let endpoint = pool.endpoints()[0].clone();
    let first = several(&pool, endpoint.limit()).await;
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { get(&pool).await.is_ok() })
        })
        .collect();
    queued(&pool, 2).await;
    let more = first.len() + 2;
    assert_eq!(pool.count(&endpoint, Workers::Exactly(more)), Some(more));
    for waiter in waiting {
        assert!(waiter.await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_too_many_for_fewer_workers_are_closed() {
    let pool = growing(8);
    let endpoint = pool.endpoints()[0].clone();
    for grant in several(&pool, 4).await {
        grant.slot.keep(1);
    }
    assert_eq!(idle(&pool), 4);
    assert_eq!(pool.count(&endpoint, Workers::Exactly(2)), Some(2));
    assert_eq!((idle(&pool), endpoint.limit()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn slots_follow_what_answers_and_refusals_tell() {
    let pool = growing(0);
    let endpoint = pool.endpoints()[0].clone();
    let crowd: Vec<_> = (0..48)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for _ in 0..100 {
                    let mut grant = get(&pool).await.unwrap();
                    grant.slot.answered();
                    // There is a worker for each.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            })
        })
        .collect();
    for requests in crowd {
        requests.await.unwrap();
    }
    let grown = endpoint.limit();
    assert!(grown > 16, "{grown}");
    let mut grants = several(&pool, 10).await;
    grants[0].slot.full();
    assert!(endpoint.limit() < 10, "{}", endpoint.limit());
}

/// Two endpoints with one slot each; the second one as `with` makes it.
fn pair(with: impl FnOnce(&mut EndpointConfig)) -> Arc<Pool<u32>> {
    let mut config = config(2, 1, 0, 4);
    with(&mut config.endpoints[1]);
    Pool::new(&config, &Arc::default())
}

#[tokio::test]
async fn a_backup_takes_over_when_the_others_are_full() {
    let pool = pair(|second| second.backup = true);
    let first = get(&pool).await.unwrap();
    let second = get(&pool).await.unwrap();
    assert_eq!((at(&pool, &first), at(&pool, &second)), (0, 1));
    drop(first);
    let again = get(&pool).await.unwrap();
    assert_eq!(at(&pool, &again), 0);
}

#[tokio::test]
async fn an_endpoint_that_is_down_by_order_gets_nothing() {
    let pool = pair(|second| second.down = true);
    let _first = get(&pool).await.unwrap();
    assert!(matches!(
        get_beside(&pool, &[0]).await,
        Err(AdmissionError::NoEndpoint)
    ));
    // It keeps its history when it comes back.
    let second = pool.endpoints()[1].id;
    let mut configs: Vec<_> = pool
        .endpoints()
        .iter()
        .map(|endpoint| endpoint.config.clone())
        .collect();
    configs[1].down = false;
    pool.set_endpoints(&configs);
    let grant = get(&pool).await.unwrap();
    assert_eq!(grant.slot.endpoint().id, second);
}

#[tokio::test]
async fn an_endpoint_may_have_slots_of_its_own() {
    let pool = pair(|second| second.max_connections = Some(2));
    let granted = [
        get(&pool).await.unwrap(),
        get(&pool).await.unwrap(),
        get(&pool).await.unwrap(),
    ];
    let at = granted.each_ref().map(|grant| at(&pool, grant));
    assert_eq!(at.iter().filter(|at| **at == 1).count(), 2);
    let any = Constraints::default();
    assert!(pool.take_free(&any, Instant::now()).unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_fixed_endpoint_that_leaves_the_settings_goes_although_the_dns_is_silent() {
    let addresses = |pool: &Arc<Pool<u32>>| -> Vec<_> {
        let endpoints = pool.endpoints();
        endpoints.iter().map(|endpoint| endpoint.config.clone()).collect()
    };
    let all = config(3, 1, 0, 1).endpoints;
    let mut config = config(2, 1, 0, 1);
    config.sources = vec![EndpointConfig::new(EndpointSource::Dns(
        "dns:app:9000".parse().unwrap(),
    ))];
    let pool = Pool::<u32>::new(&config, &Arc::default());
    pool.set_endpoints(&all);
    config.endpoints.remove(0);
    pool.reconfigure(&config);
    assert_eq!(addresses(&pool), all[1..]);
    config.endpoints.clear();
    pool.reconfigure(&config);
    assert_eq!(addresses(&pool), all[2..], "what was found stays");
}

/// The long answer of a request that has proved an endpoint to work says nothing about those that come after it.
#[tokio::test(start_paused = true)]
async fn an_answered_request_does_not_end_the_trial_of_another_one() {
    let pool = holding(1, 4);
    let endpoint = pool.endpoints()[0].clone();
    let pause = endpoint.config.fail_timeout;
    get(&pool).await.unwrap().slot.broken();
    tokio::time::advance(pause).await;
    let mut long = get(&pool).await.unwrap();
    assert!(long.slot.trial);
    long.slot.answered();
    pool.answered(&endpoint, Duration::ZERO);
    get(&pool).await.unwrap().slot.broken();
    tokio::time::advance(pause).await;
    let trial = get(&pool).await.unwrap();
    assert!(trial.slot.trial);
    drop(long);
    assert!(!get(&pool).await.unwrap().slot.trial, "one request at a time");
}
