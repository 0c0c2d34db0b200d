//! Clients that never stop asking, and that know what was done with each of their requests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use testbed::Client;

/// Clients at work.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Seen>>,
}

/// What the clients have seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Answers that were wrong, and GET requests that have none.
    pub(super) wrong: Vec<String>,
    /// POST requests that were answered as they should be.
    pub(super) fine: Vec<String>,
    /// POST requests that were refused: the gateway does not know whether they were done.
    pub(super) refused: Vec<String>,
}

impl Load {
    /// So many clients, each with a GET and a POST in turn, or with GET alone.
    pub(super) fn start(address: SocketAddr, clients: usize, posts: bool) -> Self {
        let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let client = |number| {
            let (stop, answered) = (stop.clone(), answered.clone());
            spawn(move || ask(address, number, posts, &stop, &answered))
        };
        Self {
            clients: (0..clients).map(client).collect(),
            stop,
            answered,
        }
    }

    /// Waits for some more answers.
    #[track_caller]
    pub(super) fn go_on(&self, more: usize) {
        let enough = self.answered.load(Ordering::Relaxed) + more;
        let deadline = Instant::now() + LIMIT;
        while self.answered.load(Ordering::Relaxed) < enough {
            assert!(Instant::now() < deadline, "no answers");
            sleep(Duration::from_millis(1));
        }
    }

    pub(super) fn finish(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Seen::default();
        for client in self.clients {
            let seen = client.join().expect("a client");
            all.wrong.extend(seen.wrong);
            all.fine.extend(seen.fine);
            all.refused.extend(seen.refused);
        }
        all
    }
}

impl Seen {
    /// Nothing is wrong; of the POST requests, those that were answered were done once, and the others once at most.
    /// `got` are those that applications have got.
    #[track_caller]
    pub(super) fn check(&self, got: &[String]) {
        assert_eq!(self.wrong, Vec::<String>::new());
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for target in got {
            *times.entry(target).or_default() += 1;
        }
        let doubled: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(doubled.is_empty(), "done twice: {doubled:?}");
        let lost: Vec<_> = self
            .fine
            .iter()
            .filter(|target| !times.contains_key(target.as_str()))
            .collect();
        assert!(lost.is_empty(), "answered and not done: {lost:?}");
    }
}

fn ask(address: SocketAddr, client: usize, posts: bool, stop: &AtomicBool, answered: &AtomicUsize) -> Seen {
    let mut seen = Seen::default();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) && seen.wrong.len() < 10 {
        number += 1;
        let target = format!("/{client}/{number}");
        let (method, body): (_, &[u8]) = match posts && number % 2 == 0 {
            true => ("POST", b"some bytes"),
            false => ("GET", b""),
        };
        match exchange(address, method, &target, body) {
            Ok(200) if method == "POST" => seen.fine.push(target),
            Ok(200) => {}
            Ok(_) if method == "POST" => seen.refused.push(target),
            Ok(status) => seen.wrong.push(format!("{method} {target}: status {status}")),
            Err(error) => seen.wrong.push(format!("{method} {target}: {error:#}")),
        }
        answered.fetch_add(1, Ordering::Relaxed);
        // The pace of a client.
        sleep(Duration::from_millis(5));
    }
    seen
}

/// The status; an answer to another request is an error.
fn exchange(address: SocketAddr, method: &str, target: &str, body: &[u8]) -> Result<u16> {
    let mut client = Client::connect(address)?;
    let answer = client.request(method, target, &[], body)?;
    let wanted = format!("{target} {}", body.len());
    ensure!(
        answer.status != 200 || answer.text() == wanted,
        "wrong body {:?}",
        answer.text()
    );
    Ok(answer.status)
}

const LIMIT: Duration = Duration::from_secs(60);
