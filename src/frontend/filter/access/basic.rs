//! A name and a password, by the Basic scheme (RFC 7617).
//!
//! Comparing a password with its hash takes a processor for many milliseconds. It is done off the reactor, a few at a time, and
//! what was right is not compared again for a while.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use tokio::time::{Duration, Instant};

use super::hashing::{self, Busy};
use super::passed::Passed;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::{Flow, Pause};
use crate::frontend::rejection::Rejection;
use crate::passwords::{Digest, Digester, Users, UsersError};
use crate::variables::basic::credentials;

/// Who may ask, by a name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What browsers show with the question.
    pub realm: String,
    /// The file of names and hashes; it is looked at once a second, and read again when it is another.
    pub users_file: PathBuf,
}

/// Without a file yet.
impl Default for Settings {
    fn default() -> Self {
        Self {
            realm: "Restricted".to_owned(),
            users_file: PathBuf::new(),
        }
    }
}

impl Settings {
    /// Reads the file, to say early what is wrong with it.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a line is no user.
    pub fn check(&self) -> Result<(), UsersError> {
        Users::load(&self.users_file).map(|_| ())
    }
}

/// Asks clients for a name and a password.
pub(super) struct Basic(Arc<Checked>);

/// What is known of passwords.
struct Checked {
    users_file: PathBuf,
    /// The value of `WWW-Authenticate`.
    challenge: Bytes,
    digester: Digester,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What the file was like when it was looked at last.
    stamp: Option<Stamp>,
    looked: Option<Instant>,
    /// `None`: to be read.
    users: Option<Arc<Users>>,
    passed: Passed,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    changed: SystemTime,
    length: u64,
}

/// Why a login did not pass.
enum Failure {
    Wrong,
    Users(UsersError),
}

impl Basic {
    pub(super) fn new(settings: Settings) -> Self {
        Self(Arc::new(Checked {
            challenge: challenge(&settings.realm),
            users_file: settings.users_file,
            digester: Digester::with_own_key(),
            known: Mutex::default(),
        }))
    }

    /// Past, when the password is known to be right; else there is something to wait for, or a refusal.
    pub(super) fn before(&self, exchange: &mut Exchange) -> Result<Option<Flow<'_>>, Rejection> {
        let credentials = credentials(&exchange.request.head);
        let Some(credentials) = credentials.filter(|pair| pair.contains(&b':')) else {
            return Err(Rejection::Unauthorized(self.0.challenge.clone()));
        };
        let digest = self.0.digester.digest(&credentials);
        if self.0.has_passed(&digest) {
            let name = credentials.split(|byte| *byte == b':').next().unwrap_or_default();
            exchange.request.authenticated(name);
            return Ok(None);
        }
        Ok(Some(Flow::Wait(self.check(exchange, credentials, digest))))
    }

    fn check(&self, exchange: &mut Exchange, credentials: Vec<u8>, digest: Digest) -> Pause {
        let checked = self.0.clone();
        let client = exchange.client().remote.as_ref().map(|peer| peer.address.ip());
        let id = exchange.request.head.id;
        Box::pin(async move {
            let comparing = checked.clone();
            let compare = hashing::run(move || {
                let outcome = comparing.compare(&credentials, digest);
                (credentials, outcome)
            });
            let (credentials, outcome) = compare.await.map_err(|Busy| Rejection::LoginsBusy)?;
            match outcome {
                Ok(()) => Ok(()),
                Err(Failure::Users(error)) => {
                    let file = checked.users_file.display();
                    Err(Rejection::Users(format!("{file}:{error}")))
                }
                Err(Failure::Wrong) => {
                    if let Some(client) = client {
                        let name = credentials.split(|byte| *byte == b':').next().unwrap_or_default();
                        let user = String::from_utf8_lossy(name);
                        let user = user
                            .get(..user.floor_char_boundary(LONGEST_TOLD))
                            .unwrap_or_default();
                        tracing::warn!(client = %client, user, request = %id, "login failed");
                    }
                    Err(Rejection::Unauthorized(checked.challenge.clone()))
                }
            }
        })
    }
}

impl Checked {
    fn has_passed(&self, digest: &Digest) -> bool {
        let now = Instant::now();
        let mut known = self.known();
        self.look(&mut known, now);
        known.passed.has(digest, now)
    }

    /// Another file has other users: what is known of the one before is forgotten.
    fn look(&self, known: &mut Known, now: Instant) {
        if known.looked.is_some_and(|last| now.duration_since(last) < AGAIN) {
            return;
        }
        known.looked = Some(now);
        let entry = fs::metadata(&self.users_file).ok();
        let stamp = entry.and_then(|entry| {
            Some(Stamp {
                changed: entry.modified().ok()?,
                length: entry.len(),
            })
        });
        if stamp != known.stamp {
            *known = Known {
                stamp,
                looked: known.looked,
                ..Known::default()
            };
        }
    }

    /// Compares, for as long as that takes.
    fn compare(&self, credentials: &[u8], digest: Digest) -> Result<(), Failure> {
        let users = self.users().map_err(Failure::Users)?;
        let mut parts = credentials.splitn(2, |byte| *byte == b':');
        let (name, password) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        if !users.verify(name, password) {
            return Err(Failure::Wrong);
        }
        let mut known = self.known();
        // Another file may be there by now, in which the user is not.
        if known.users.as_ref().is_some_and(|now| Arc::ptr_eq(now, &users)) {
            known.passed.add(digest, Instant::now());
        }
        Ok(())
    }

    fn users(&self) -> Result<Arc<Users>, UsersError> {
        if let Some(users) = &self.known().users {
            return Ok(users.clone());
        }
        let users = Arc::new(Users::load(&self.users_file)?);
        Ok(self.known().users.insert(users).clone())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The question, as browsers get it (RFC 7617, section 2): names and passwords are UTF-8.
fn challenge(realm: &str) -> Bytes {
    let mut quoted = String::with_capacity(realm.len());
    for letter in realm.chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    format!("Basic realm=\"{quoted}\", charset=\"UTF-8\"").into()
}

/// How long the file is not looked at again.
const AGAIN: Duration = Duration::from_secs(1);

/// Bytes of a name in the log.
const LONGEST_TOLD: usize = 64;
