//! Sessions and their endpoints.

use super::tests::config;
use super::*;
use crate::upstream::model::config::Sticky;

/// Two endpoints with one slot each.
fn pool(drain: bool) -> Arc<Pool<u32>> {
    let mut config = config(2, 1, 0, 10);
    config.sticky = Some(Sticky::default());
    config.endpoints[1].address = "127.0.0.1:2".parse().unwrap();
    config.endpoints[1].drain = drain;
    Pool::new(&config, &Arc::default())
}

/// What requests of a session on the second endpoint want.
fn second(pool: &Arc<Pool<u32>>, wait: bool) -> Constraints {
    Constraints {
        sticky: pool.endpoints()[1].token,
        wait,
        ..Constraints::default()
    }
}

async fn get(pool: &Arc<Pool<u32>>, constraints: &Constraints) -> Result<Grant<u32>, AdmissionError> {
    let deadline = Instant::now() + Duration::from_secs(1);
    pool.acquire(constraints, deadline, &mut None).await
}

/// The address of the endpoint that a slot belongs to.
fn name(grant: &Grant<u32>) -> &str {
    &grant.slot.endpoint().name
}

#[tokio::test(start_paused = true)]
async fn a_session_has_one_endpoint_whichever_has_the_turn() {
    for drain in [false, true] {
        let pool = pool(drain);
        let constraints = second(&pool, false);
        for _ in 0..3 {
            assert_eq!(name(&get(&pool, &constraints).await.unwrap()), "127.0.0.1:2");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_moves_when_its_endpoint_is_full() {
    let pool = pool(false);
    let constraints = second(&pool, false);
    let _first = get(&pool, &constraints).await.unwrap();
    assert_eq!(name(&get(&pool, &constraints).await.unwrap()), "127.0.0.1:1");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_waits_does_not_hold_up_the_others() {
    let pool = pool(false);
    let constraints = second(&pool, true);
    let first = get(&pool, &constraints).await.unwrap();
    let waiting = tokio::spawn({
        let (pool, constraints) = (pool.clone(), constraints.clone());
        async move {
            get(&pool, &constraints)
                .await
                .map(|grant| name(&grant).to_owned())
        }
    });
    while pool.snapshot().waiting == 0 {
        tokio::task::yield_now().await;
    }
    let other = get(&pool, &Constraints::default()).await.unwrap();
    assert_eq!(name(&other), "127.0.0.1:1");
    drop(other);
    drop(first);
    assert_eq!(waiting.await.unwrap(), Ok("127.0.0.1:2".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_session_moves_when_its_endpoint_is_down_and_not_when_it_is_ejected() {
    let pool = pool(false);
    let (constraints, endpoint) = (second(&pool, true), pool.endpoints()[1].clone());
    pool.broken(&endpoint);
    assert_eq!(name(&get(&pool, &constraints).await.unwrap()), "127.0.0.1:2");
    pool.unreachable(&endpoint);
    assert_eq!(name(&get(&pool, &constraints).await.unwrap()), "127.0.0.1:1");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_waits_outlasts_a_full_backlog() {
    let pool = pool(false);
    let (constraints, endpoint) = (second(&pool, true), pool.endpoints()[1].clone());
    pool.full(&endpoint);
    assert_eq!(name(&get(&pool, &constraints).await.unwrap()), "127.0.0.1:2");
    pool.full(&endpoint);
    let moves = second(&pool, false);
    assert_eq!(name(&get(&pool, &moves).await.unwrap()), "127.0.0.1:1");
}
