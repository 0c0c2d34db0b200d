//! Two pools at one address, step by step.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::tests::{config, get, poll};
use super::*;
use crate::upstream::model::config::Timeouts;

#[tokio::test(start_paused = true)]
async fn a_slot_at_a_shared_address_goes_to_the_request_that_waits_longest() {
    let (config, registry) = (config(1, 1, 0, 4), Arc::default());
    let pools = [(); 2].map(|()| Pool::<u32>::new(&config, &registry));
    let held = get(&pools[0]).await.unwrap();
    let mut first = Box::pin(get(&pools[1]));
    assert!(poll(&mut first).is_none());
    tokio::time::advance(Duration::from_millis(1)).await;
    let mut second = Box::pin(get(&pools[0]));
    assert!(poll(&mut second).is_none());
    drop(held);
    assert!(poll(&mut second).is_none());
    drop(poll(&mut first).unwrap().unwrap());
    assert!(poll(&mut second).unwrap().is_ok());
}

/// A connection that notes how its pool closes it.
struct Kept(Arc<Pool<Kept>>, Arc<AtomicUsize>);

impl Drop for Kept {
    fn drop(&mut self) {
        // Or another pool could connect before it is closed.
        assert!(
            self.0.state.try_lock().is_err(),
            "closed when it is in no account any more"
        );
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_before_its_room_is_free() {
    let (closed, registry) = (Arc::new(AtomicUsize::new(0)), Arc::default());
    let closes = |count| assert_eq!(closed.swap(0, Ordering::Relaxed), count);
    let pools = [(); 2].map(|()| Pool::<Kept>::new(&config(1, 2, 2, 0), &registry));
    let keep = async || {
        let grant = get(&pools[0]).await.unwrap();
        let connection = grant
            .idle
            .unwrap_or_else(|| Kept(pools[0].clone(), closed.clone()));
        grant.slot.keep(connection);
    };
    keep().await;
    let held = [get(&pools[1]).await.unwrap(), get(&pools[1]).await.unwrap()];
    closes(1);
    drop(held);
    // One as old as may be, in front of the keeper: what finds it closes it.
    keep().await;
    tokio::time::advance(Timeouts::default().idle).await;
    drop(
        pools[0]
            .take_free(&Constraints::default(), Instant::now())
            .unwrap(),
    );
    closes(1);
    keep().await;
    pools[0].set_endpoints(&[]);
    closes(1);
    pools[0].set_endpoints(&config(1, 2, 2, 0).endpoints);
    keep().await;
    pools[0].retire();
    closes(1);
}
