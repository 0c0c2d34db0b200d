//! Fields pass byte for byte: generated messages in both directions, with applications of every protocol and clients of
//! HTTP/1 and HTTP/2. nginx, before the same applications, gives the second opinion. Every difference from what was sent
//! is a bug, or has its reason in [`entries`].

mod application;
mod client;
mod difference;
mod entries;
mod front;
mod message;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use application::{Applications, Protocol};
use client::{Client, Version};
use difference::{Difference, differences};
use entries::ENTRIES;
use front::Front;
use message::Message;

/// How many messages there are; each goes through both front ends.
const MESSAGES: u64 = 5_000;

/// The differences that have no entry, and how often each entry was needed.
#[derive(Default)]
struct Found {
    unexplained: Mutex<Vec<String>>,
    used: [AtomicUsize; ENTRIES.len()],
}

impl Found {
    fn sort_in(&self, difference: Difference) {
        match ENTRIES.iter().position(|entry| entry.explains(&difference)) {
            Some(at) => drop(self.used[at].fetch_add(1, Ordering::Relaxed)),
            None => {
                let mut unexplained = self.unexplained.lock().unwrap_or_else(PoisonError::into_inner);
                unexplained.push(difference.to_string());
            }
        }
    }
}

#[test]
fn real_fields_pass_byte_for_byte_through_us_and_nginx_or_have_a_reason() {
    let found = Found::default();
    let applications =
        BTreeMap::from([Front::Bridgehead, Front::Nginx].map(|front| (front, Applications::start())));
    let running: Vec<_> = applications
        .iter()
        .map(|(front, behind)| front.start(behind))
        .collect();
    thread::scope(|threads| {
        for front in &running {
            for (at, version) in Version::ALL.into_iter().enumerate() {
                for (of, protocol) in Protocol::ALL.into_iter().enumerate() {
                    let lane = (at * Protocol::ALL.len() + of) as u64;
                    let (found, behind) = (&found, &applications[&front.front]);
                    threads.spawn(move || {
                        let mut client = Client::connect(version, front.address(version));
                        for number in (lane..MESSAGES).step_by(Version::ALL.len() * Protocol::ALL.len()) {
                            let message = Message::new(number, version);
                            let answer = client.ask(&message, protocol);
                            let asked = behind.asked(number);
                            differences(front.front, protocol, &message, &asked, &answer)
                                .into_iter()
                                .for_each(|difference| found.sort_in(difference));
                        }
                    });
                }
            }
        }
    });
    let mut unexplained = found.unexplained.into_inner().unwrap();
    unexplained.sort();
    let shown: Vec<_> = unexplained.iter().take(SHOWN).map(String::as_str).collect();
    assert!(
        unexplained.is_empty(),
        "{} differences:\n{}",
        unexplained.len(),
        shown.join("\n")
    );
    let used = ENTRIES.iter().zip(&found.used);
    let vain: Vec<_> = used
        .filter(|(_, count)| count.load(Ordering::Relaxed) == 0)
        .map(|(entry, _)| entry.reason)
        .collect();
    assert!(vain.is_empty(), "entries that nothing needs: {vain:#?}");
}

const SHOWN: usize = 20; // differences in a report
