//! Pools whose keys take turns.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::super::tests::{config, poll};
use super::super::{Grant, Pool};
use super::{Cursor, Fair, RESTING};
use crate::upstream::model::config::UpstreamConfig;
use crate::upstream::model::error::AdmissionError;
use crate::upstream::model::fair::{Fair as Settings, Share};
use crate::upstream::select::balance::Constraints;

fn settings(slots: usize, waiting: usize, share: u32) -> UpstreamConfig {
    UpstreamConfig {
        fair: Some(Settings {
            share: Share(share),
            ..Settings::default()
        }),
        ..config(1, slots, 0, waiting)
    }
}

fn pool(slots: usize, waiting: usize, share: u32) -> Arc<Pool<u32>> {
    Pool::new(&settings(slots, waiting, share), &Arc::default())
}

async fn get(pool: Arc<Pool<u32>>, client: u64) -> Result<Grant<u32>, AdmissionError> {
    let constraints = Constraints {
        client,
        ..Constraints::default()
    };
    let deadline = Instant::now() + Duration::from_secs(600);
    pool.acquire(&constraints, deadline, &mut None).await
}

/// Requests that wait, by their clients.
macro_rules! waiting {
    ($pool:expr, $($client:expr),*) => {
        [$({
            let mut waiting = Box::pin(get($pool.clone(), $client));
            assert!(poll(&mut waiting).is_none(), "nothing is free");
            waiting
        }),*]
    };
}

/// A client sends its requests on so many connections, each as soon as the one before is answered.
fn client(pool: &Arc<Pool<u32>>, key: u64, connections: usize, script: u64, until: Instant) -> Crowd {
    let crowd = (0..connections).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut waits = Vec::new();
            let measured = Instant::now() + BEGINNING;
            while Instant::now() < until {
                let asked = Instant::now();
                let Ok(grant) = get(pool.clone(), key).await else {
                    continue;
                };
                tokio::time::sleep(Duration::from_millis(script)).await;
                drop(grant);
                waits.extend((asked >= measured).then(|| asked.elapsed()));
            }
            waits
        })
    });
    crowd.collect()
}

/// The exchanges that a client began while no other was there go on for that long.
const BEGINNING: Duration = Duration::from_secs(2);

type Crowd = Vec<tokio::task::JoinHandle<Vec<Duration>>>;

/// What a client of so many saw, sorted.
async fn seen(crowds: Vec<Crowd>) -> Vec<Duration> {
    let mut seen = Vec::new();
    for request in crowds.into_iter().flatten() {
        seen.extend(request.await.unwrap());
    }
    seen.sort();
    seen
}

fn p99(times: &[Duration]) -> f64 {
    times[times.len() * 99 / 100].as_secs_f64()
}

/// The 99th percentile of fifty clients with one connection each, without a greedy one and beside it.
async fn fifty(script: u64, pause_for: Option<u64>) -> (f64, f64) {
    let mut both = Vec::new();
    for greedy in [0, 200] {
        let pool = pool(10, 1024, 50);
        // It was there before the others.
        let until = Instant::now() + Duration::from_secs(30);
        let greedy = client(&pool, 1000, greedy, 1_000, until);
        tokio::time::sleep(Duration::from_secs(5)).await;
        let fifty = (0..50).map(|key| match pause_for {
            None => client(&pool, key, 1, script, until),
            Some(pause) => calm(&pool, key, script, pause, until),
        });
        both.push(p99(&seen(fifty.collect()).await));
        drop(seen(vec![greedy]).await);
        assert_eq!(pool.endpoints()[0].in_flight(), 0);
    }
    (both[0], both[1])
}

/// A client that pauses between its requests.
fn calm(pool: &Arc<Pool<u32>>, key: u64, script: u64, pause: u64, until: Instant) -> Crowd {
    let pool = pool.clone();
    vec![tokio::spawn(async move {
        let mut waits = Vec::new();
        // The clients do not come together.
        tokio::time::sleep(Duration::from_millis(key * pause / 50)).await;
        while Instant::now() < until {
            let asked = Instant::now();
            let grant = get(pool.clone(), key).await.unwrap();
            tokio::time::sleep(Duration::from_millis(script)).await;
            drop(grant);
            waits.push(asked.elapsed());
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        waits
    })]
}

#[tokio::test(start_paused = true)]
async fn a_client_with_many_connections_does_not_slow_the_others_down() {
    for (script, pause) in [(1_000, None), (50, None), (100, Some(1_000)), (20, Some(500))] {
        let (alone, beside) = fifty(script, pause).await;
        assert!(
            beside <= 1.5 * alone,
            "scripts of {script} ms, pauses of {pause:?}: {alone:.3} s alone, {beside:.3} s beside it"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_is_served_however_many_come() {
    let pool = pool(2, 1024, 100);
    let until = Instant::now() + Duration::from_secs(60);
    let began = Instant::now();
    // It had much more than its part.
    let debt: Vec<_> = [get(pool.clone(), 1).await, get(pool.clone(), 1).await].into();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let mut late = Box::pin(get(pool.clone(), 1));
    assert!(poll(&mut late).is_none());
    // A new client every moment.
    let strangers = tokio::spawn({
        let pool = pool.clone();
        async move {
            for key in 1_000.. {
                if Instant::now() > until {
                    return;
                }
                drop(client(
                    &pool,
                    key,
                    1,
                    100,
                    Instant::now() + Duration::from_millis(1),
                ));
                tokio::time::sleep(Duration::from_millis(45)).await;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(debt);
    let grant = tokio::time::timeout(Duration::from_secs(60), late).await;
    assert!(grant.is_ok(), "still waits after {:?}", began.elapsed());
    drop(grant);
    strangers.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn keys_have_their_turns_and_each_is_served_in_order() {
    let pool = pool(1, 10, 100);
    let first = get(pool.clone(), 1).await.unwrap();
    let mut all = waiting!(pool, 1, 1, 1, 2, 2, 3);
    let mut order = Vec::new();
    let mut held = Some(first);
    while order.len() < 6 {
        tokio::time::advance(Duration::from_millis(100)).await;
        drop(held.take());
        for (at, waiting) in all
            .iter_mut()
            .enumerate()
            .filter(|(at, _)| !order.contains(at))
            .collect::<Vec<_>>()
        {
            if let Some(grant) = poll(waiting) {
                order.push(at);
                held = Some(grant.unwrap());
            }
        }
    }
    assert_eq!(order, [3, 5, 0, 4, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn one_key_is_served_as_without_keys() {
    let pool = pool(1, 10, 100);
    let mut held = Some(get(pool.clone(), 1).await.unwrap());
    let mut all = waiting!(pool, 1, 1, 1);
    for waiting in &mut all {
        drop(held.take());
        held = Some(poll(waiting).expect("its turn").unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_has_no_more_than_its_share_although_slots_are_free() {
    let pool = pool(4, 10, 50);
    let mut held = vec![
        get(pool.clone(), 1).await.unwrap(),
        get(pool.clone(), 1).await.unwrap(),
    ];
    let [mut third] = waiting!(pool, 1);
    let other = get(pool.clone(), 2).await.unwrap();
    assert!(poll(&mut third).is_none());
    drop(other);
    assert!(poll(&mut third).is_none());
    assert_eq!((pool.snapshot().clients, pool.snapshot().capped), (1, 1));
    held.pop();
    assert!(poll(&mut third).unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_larger_share_is_used_at_once() {
    let pool = pool(4, 10, 50);
    let _held = [
        get(pool.clone(), 1).await.unwrap(),
        get(pool.clone(), 1).await.unwrap(),
    ];
    let [mut third, mut fourth] = waiting!(pool, 1, 1);
    pool.reconfigure(&settings(4, 10, 75));
    let _third = poll(&mut third).unwrap().unwrap();
    assert!(poll(&mut fourth).is_none());
    // Without turns there are no shares.
    pool.reconfigure(&config(1, 4, 0, 10));
    assert!(poll(&mut fourth).unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_has_room_for_keys_that_have_less_of_it() {
    let pool = pool(1, 3, 100);
    let _held = get(pool.clone(), 1).await.unwrap();
    let [mut first, mut second, mut third] = waiting!(pool, 1, 1, 1);
    let full = |key| {
        let mut asked = Box::pin(get(pool.clone(), key));
        matches!(poll(&mut asked), Some(Err(AdmissionError::QueueFull)))
    };
    assert!(full(1), "its own requests do not give way");
    let _others = waiting!(pool, 2, 3);
    for gone in [&mut third, &mut second] {
        assert!(matches!(poll(gone), Some(Err(AdmissionError::QueueFull))));
    }
    assert!(poll(&mut first).is_none());
    assert!(full(4), "each has one place");
    let snapshot = pool.snapshot();
    assert_eq!((snapshot.clients, snapshot.capped, snapshot.displaced), (3, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_begins_to_take_turns_knows_who_waits() {
    let pool = Pool::new(&config(1, 1, 0, 10), &Arc::default());
    let held = get(pool.clone(), 1).await.unwrap();
    let [mut first, mut second, mut other] = waiting!(pool, 1, 1, 2);
    pool.reconfigure(&settings(1, 10, 100));
    drop(held);
    let held = poll(&mut first).unwrap().unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    drop(held);
    let held = poll(&mut other).unwrap().unwrap();
    assert!(poll(&mut second).is_none());
    // The account is another one when it begins anew.
    pool.reconfigure(&config(1, 1, 0, 10));
    pool.reconfigure(&settings(1, 10, 100));
    drop(held);
    assert!(poll(&mut second).unwrap().is_ok());
}

#[test]
fn what_takes_long_counts_before_it_is_over() {
    let now = Instant::now();
    let after = |millis| now + Duration::from_millis(millis);
    let mut fair = Fair::new(1, now);
    let long = fair.begin(1, now);
    fair.wait(1, 1, now);
    fair.wait(2, 2, after(10));
    let next = |fair: &mut Fair, millis| fair.next(&mut Cursor::default(), after(millis));
    assert_eq!(next(&mut fair, 20), Some(2));
    fair.stop(2, 2, after(20));
    fair.end(long, after(1_000));
    assert_eq!(next(&mut fair, 1_000), Some(1));
    // The next one is expected to take as long.
    let again = fair.begin(1, after(1_000));
    fair.wait(3, 3, after(1_000));
    assert_eq!(next(&mut fair, 1_001), Some(3));
    fair.undo(again, after(1_001));
}

#[test]
fn keys_that_had_too_much_are_remembered_as_long_as_it_matters_and_within_bounds() {
    let now = Instant::now();
    let mut fair = Fair::new(1, now);
    // Whatever takes long here, others want the workers, too.
    fair.wait(0, 1, now);
    let charges: Vec<_> = (1..=2 * RESTING as u64).map(|key| fair.begin(key, now)).collect();
    let later = now + Duration::from_secs(1);
    for charge in charges {
        fair.end(charge, later);
    }
    let ids: BTreeMap<_, _> = fair
        .accounts
        .iter()
        .map(|(key, account)| (*key, account.is_active()))
        .collect();
    assert!(ids.len() <= RESTING + 1, "{}", ids.len());
    assert!(ids[&0]);
    fair.stop(0, 1, later);
    // Time forgives.
    let next = fair.begin(1_000_000, later + Duration::from_secs(20));
    fair.end(next, later + Duration::from_secs(20));
    assert!(fair.accounts.len() <= 1, "{}", fair.accounts.len());
    fair.check_invariants(Default::default());
}
