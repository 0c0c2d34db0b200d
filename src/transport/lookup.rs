//! Names of hosts to addresses, as the system has them: `/etc/hosts`, the DNS, whatever `nsswitch.conf` says.
//!
//! The system offers no other way than a thread that waits, and a name server that is silent holds the thread for long
//! after the request has given up. The disk needs such threads, too. So a name is looked up once for all requests that
//! want it meanwhile, and few names at a time.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, watch};

/// Threads that names may hold: a quarter of those that there are for all that waits.
const LOOKUPS: usize = 8;

/// The lookups under way. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lookups(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    running: Mutex<HashMap<Name, Running>>,
    threads: Semaphore,
}

/// A host and a port.
type Name = (String, u16);

/// Asks the system.
type Look = Box<dyn FnOnce(&Name) -> io::Result<Vec<SocketAddr>> + Send>;

/// Where one lookup will tell what it found.
type Running = watch::Receiver<Option<Found>>;

/// What all requests are told that wait for one lookup.
type Found = Result<Arc<[SocketAddr]>, Arc<io::Error>>;

impl Default for Lookups {
    fn default() -> Self {
        Self(Arc::new(Shared {
            running: Mutex::default(),
            threads: Semaphore::new(LOOKUPS),
        }))
    }
}

impl Lookups {
    /// The addresses of a host, with the port. Dropped: the lookup goes on, and serves those that want it before it
    /// ends. To be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the system knows none.
    pub async fn find(&self, host: &str, port: u16) -> io::Result<Arc<[SocketAddr]>> {
        let name = (host.to_owned(), port);
        self.share(name, Box::new(ask)).await
    }

    async fn share(&self, name: Name, look: Look) -> io::Result<Arc<[SocketAddr]>> {
        let mut running = self.running(name, look);
        let found = match running.wait_for(Option::is_some).await {
            Ok(found) => found.clone(),
            // The runtime ends.
            Err(_) => None,
        };
        match found {
            Some(Ok(addresses)) => Ok(addresses),
            Some(Err(error)) => Err(io::Error::new(error.kind(), error)),
            None => Err(io::ErrorKind::Interrupted.into()),
        }
    }

    /// The lookup of a name that is under way, or else one that begins now.
    fn running(&self, name: Name, look: Look) -> Running {
        let mut all = self.0.lock();
        if let Some(running) = all.get(&name) {
            return running.clone();
        }
        let (sender, running) = watch::channel(None);
        all.insert(name.clone(), running.clone());
        tokio::spawn(self.0.clone().run(name, look, sender));
        running
    }
}

fn ask((host, port): &Name) -> io::Result<Vec<SocketAddr>> {
    Ok((host.as_str(), *port).to_socket_addrs()?.collect())
}

impl Shared {
    async fn run(self: Arc<Self>, name: Name, look: Look, sender: watch::Sender<Option<Found>>) {
        let _thread = self.threads.acquire().await;
        let asked = name.clone();
        let looked = tokio::task::spawn_blocking(move || look(&asked)).await;
        let found = looked.unwrap_or_else(|gone| Err(io::Error::other(gone)));
        self.lock().remove(&name);
        sender.send_replace(Some(found.map(Arc::from).map_err(Arc::new)));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn name(number: usize) -> Name {
        (format!("host{number}"), 80)
    }

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// A lookup that ends with the sender.
    fn silent() -> (mpsc::Sender<()>, Look) {
        let (sender, receiver) = mpsc::channel();
        let look = move |_: &Name| match receiver.recv() {
            Ok(()) => Ok(vec![address(1)]),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        (sender, Box::new(look))
    }

    #[test]
    fn names_that_are_not_answered_leave_threads_to_the_disk() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(LOOKUPS + 1)
            .build()
            .unwrap();
        let (lookups, mut held) = (Lookups::default(), Vec::new());
        runtime.block_on(async {
            for number in 0..3 * LOOKUPS {
                let (sender, look) = silent();
                held.push(sender);
                // The request gives up; its lookup does not.
                drop(lookups.running(name(number), look));
            }
            while lookups.0.threads.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(tokio::task::spawn_blocking(|| "read").await.unwrap(), "read");
        });
    }

    #[tokio::test]
    async fn requests_that_want_a_name_at_the_same_time_share_one_lookup() {
        let (lookups, asked) = (Lookups::default(), Arc::new(AtomicUsize::new(0)));
        let (sender, look) = silent();
        let first = lookups.running(name(1), look);
        let again = |_: usize| {
            let asked = asked.clone();
            let look: Look = Box::new(move |_| {
                asked.fetch_add(1, Ordering::Relaxed);
                Ok(Vec::new())
            });
            lookups.running(name(1), look)
        };
        let others: Vec<_> = (0..10).map(again).collect();
        sender.send(()).unwrap();
        for mut running in others.into_iter().chain([first]) {
            let found = running.wait_for(Option::is_some).await.unwrap().clone();
            assert_eq!(*found.unwrap().unwrap(), [address(1)]);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_name_is_asked_for_again_after_an_answer() {
        let lookups = Lookups::default();
        let (sender, look) = silent();
        drop(sender);
        let failed = lookups.share(name(1), look).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        let found = lookups.share(name(1), Box::new(|_| Ok(vec![address(2)])));
        assert_eq!(*found.await.unwrap(), [address(2)]);
        assert!(lookups.0.lock().is_empty());
    }
}
