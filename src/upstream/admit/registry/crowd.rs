//! Pools at one address under requests from several threads, while pools come and go: what no order of steps on one thread
//! shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::{JoinSet, yield_now};

use super::*;
use crate::upstream::admit::Pool;
use crate::upstream::admit::pool::tests::config;
use crate::upstream::select::balance::Constraints;

/// Connections that the server takes.
const WORKERS: usize = 4;

/// Tasks that send requests, and requests of each.
const CLIENTS: usize = 8;
const REQUESTS: usize = 500;

/// A server that counts its connections.
#[derive(Debug, Default)]
struct Server {
    open: AtomicUsize,
    most: AtomicUsize,
}

struct Open(Arc<Server>);

impl Open {
    fn connect(server: &Arc<Server>) -> Self {
        let open = server.open.fetch_add(1, Ordering::SeqCst) + 1;
        server.most.fetch_max(open, Ordering::SeqCst);
        Self(server.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Closing takes a while, in which others run.
        std::thread::yield_now();
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a reload puts in place of the pool before.
struct Current {
    registry: Arc<Registry>,
    pool: Mutex<Arc<Pool<Open>>>,
}

impl Current {
    fn open(registry: &Arc<Registry>, kept: usize) -> Arc<Pool<Open>> {
        Pool::new(&config(1, WORKERS, kept, CLIENTS), registry)
    }

    fn pool(&self) -> Arc<Pool<Open>> {
        self.pool.lock().unwrap().clone()
    }

    /// A renamed upstream, or the same one with other settings.
    fn reload(&self, number: usize) {
        let kept = number % (WORKERS + 1);
        if number.is_multiple_of(2) {
            let config = config(1, WORKERS, kept, CLIENTS);
            return self.pool().reconfigure(&config);
        }
        let next = Self::open(&self.registry, kept);
        let before = std::mem::replace(&mut *self.pool.lock().unwrap(), next);
        before.retire();
    }
}

async fn request(current: &Current, server: &Arc<Server>, number: usize) {
    // Now there are more requests than slots, now fewer: then connections are idle.
    for _ in 0..number % 7 {
        yield_now().await;
    }
    let (pool, deadline) = (current.pool(), Instant::now() + Duration::from_secs(60));
    let any = Constraints::default();
    let granted = pool.acquire(&any, deadline, &mut None).await;
    let mut grant = granted.unwrap();
    let connection = grant.idle.take().unwrap_or_else(|| Open::connect(server));
    for _ in 0..number % 4 {
        yield_now().await;
    }
    match number % 5 {
        0 => {
            drop(connection);
            drop(grant);
        }
        _ => grant.slot.keep(connection),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_never_has_more_connections_than_slots() {
    let (registry, server) = (Arc::default(), Arc::new(Server::default()));
    let pool = Mutex::new(Current::open(&registry, WORKERS));
    let current = Arc::new(Current { registry, pool });
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (current, server) = (current.clone(), server.clone());
        clients.spawn(async move {
            for number in client..client + REQUESTS {
                request(&current, &server, number).await;
            }
        });
    }
    let mut reloads = 0;
    while !clients.is_empty() {
        tokio::select! {
            biased;
            ended = clients.join_next() => ended.unwrap().unwrap(),
            () = yield_now() => {
                reloads += 1;
                current.reload(reloads);
            }
        }
    }
    assert!(reloads > 0);
    assert_eq!(server.most.load(Ordering::SeqCst), WORKERS);
}
