//! A name and a password, by the Basic scheme (RFC 7617).
//!
//! Comparing a password with its hash takes a processor for many milliseconds. It is done off the reactor, a few at a time, and
//! what was right is not compared again for a while.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::time::{Duration, Instant};

use super::hashing::{self, Busy};
use super::passed::Passed;
use crate::frontend::exchange::Exchange;
use crate::frontend::flow::{Flow, Pause};
use crate::frontend::rejection::Rejection;
use crate::passwords::{Digest, Digester, Users, UsersError};
use crate::variables::basic::credentials;

/// The clients that may ask, by a name and a password.
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
    inode: u64,
    /// Of its content or its inode: unlike the time of the content alone, no program sets it back.
    changed: (i64, i64),
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
        let client = exchange.client().remote.as_ref();
        let client = client.map(|peer| peer.address.ip().to_canonical());
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
        let stamp = entry.map(|entry| Stamp {
            inode: entry.ino(),
            changed: (entry.ctime(), entry.ctime_nsec()),
            length: entry.len(),
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
        let stamp = {
            let known = self.known();
            if let Some(users) = &known.users {
                return Ok(users.clone());
            }
            known.stamp
        };
        let users = Arc::new(Users::load(&self.users_file)?);
        self.keep(stamp, &users);
        Ok(users)
    }

    /// Keeps users, unless another file was seen while they were read: they may be those of the one before.
    fn keep(&self, stamp: Option<Stamp>, users: &Arc<Users>) {
        let mut known = self.known();
        if known.stamp == stamp {
            known.users = Some(users.clone());
        }
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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use super::*;

    /// Both have the password `geheim`, and are as long.
    const ANNA: &str = "anna:$apr1$k9ffr7FQ$joR0kSYV3w3k53z0SwPri0\n";
    const OTTO: &str = "otto:$apr1$k9ffr7FQ$joR0kSYV3w3k53z0SwPri0\n";

    fn basic(users_file: &Path) -> Basic {
        Basic::new(Settings {
            users_file: users_file.to_owned(),
            ..Settings::default()
        })
    }

    fn look(checked: &Checked, now: Instant) -> Option<Stamp> {
        let mut known = checked.known();
        checked.look(&mut known, now);
        known.stamp
    }

    /// Puts another file there, as old and as long as the one before.
    fn replace(file: &Path, text: &str) {
        let next = file.with_extension("next");
        let changed = fs::metadata(file).unwrap().modified().unwrap();
        fs::write(&next, text).unwrap();
        File::options()
            .write(true)
            .open(&next)
            .unwrap()
            .set_modified(changed)
            .unwrap();
        fs::rename(next, file).unwrap();
    }

    #[test]
    fn another_file_is_noticed_though_it_is_as_old_and_as_long() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users");
        fs::write(&file, ANNA).unwrap();
        let Basic(checked) = basic(&file);
        let start = Instant::now();
        look(&checked, start);
        assert!(checked.compare(b"anna:geheim", [0; 32]).is_ok());
        replace(&file, OTTO);
        look(&checked, start + AGAIN);
        assert!(checked.compare(b"anna:geheim", [0; 32]).is_err());
        assert!(checked.compare(b"otto:geheim", [1; 32]).is_ok());
    }

    #[test]
    fn users_are_not_kept_when_another_file_was_seen_while_they_were_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users");
        fs::write(&file, ANNA).unwrap();
        let Basic(checked) = basic(&file);
        let start = Instant::now();
        let stamp = look(&checked, start);
        let users = Arc::new(Users::load(&file).unwrap());
        replace(&file, OTTO);
        look(&checked, start + AGAIN);
        checked.keep(stamp, &users);
        assert!(checked.known().users.is_none());
        assert!(checked.compare(b"anna:geheim", [0; 32]).is_err());
    }
}
