//! What is kept of a certificate beside itself: the order under way, what has failed, what the directory says.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::config::KeyKind;
use super::order::Record;
use super::pem::{self, Facts};
use super::schedule::{Failures, LONGEST_WISH, Window};
use super::store::{CERTIFICATES, Lock, ORDERS, Store, label};

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// The order under way, or the intent to make one.
    pub(super) order: Option<Record>,
    pub(super) failures: Failures,
    /// The last failure, in words.
    pub(super) error: Option<String>,
    /// The URL of the directory that has issued the certificate.
    pub(super) issued_by: Option<String>,
    /// When that wants it to be renewed.
    pub(super) advice: Option<Advice>,
    /// Directories that want to be left alone, by their URLs: until when, in seconds since 1970.
    pub(super) closed: BTreeMap<String, i64>,
}

impl State {
    /// A directory wants to be left alone for so long.
    pub(super) fn close(&mut self, directory: &str, now: i64, pause: Duration) {
        self.closed.retain(|_, until| *until > now);
        let pause = i64::try_from(pause.as_secs()).unwrap_or(LONGEST_WISH);
        let until = now.saturating_add(pause.min(LONGEST_WISH));
        self.closed.insert(directory.to_owned(), until);
    }

    /// How long a directory still wants that.
    pub(super) fn closed_for(&self, directory: &str, now: i64) -> Duration {
        let until = self.closed.get(directory).copied().unwrap_or(now);
        Duration::from_secs(u64::try_from(until.saturating_sub(now)).unwrap_or(0))
    }
}

/// What a directory says of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Advice {
    /// Which one.
    pub(super) certificate: String,
    pub(super) window: Option<Window>,
    /// When it is to be asked again, in seconds since 1970.
    pub(super) next: i64,
}

/// A certificate, and where everything about it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) key: KeyKind,
}

impl Wanted {
    /// What its files are called.
    pub(super) fn label(&self) -> String {
        label(&self.name, self.key)
    }

    /// What is locked while it is ordered: one order for a name at a time, as a handshake can show one answer only.
    pub(super) fn lock(&self, store: &Store) -> io::Result<Option<Lock>> {
        store.lock(&label(&self.name, KeyKind::EcdsaP256))
    }

    /// The certificate that there is, and what is known of it. One that is its own issuer is a placeholder.
    pub(super) fn load(&self, store: &Store) -> io::Result<(Option<Facts>, State)> {
        let label = self.label();
        let pem = store.read(CERTIFICATES, &format!("{label}.pem"))?;
        let facts = pem.and_then(|pem| pem::facts(&String::from_utf8_lossy(&pem)));
        let facts = facts.filter(|facts| !facts.is_self_signed);
        let state = store.read_json(ORDERS, &format!("{label}.json"))?;
        Ok((facts, state.unwrap_or_default()))
    }

    /// Keeps what is known.
    pub(super) fn save(&self, store: &Store, state: &State) -> io::Result<()> {
        store.write_json(ORDERS, &format!("{}.json", self.label()), state)
    }

    /// Puts a certificate, with its key, in the place of the one before.
    pub(super) fn replace(&self, store: &Store, key: &str, chain: &str) -> io::Result<()> {
        store.write(
            CERTIFICATES,
            &format!("{}.pem", self.label()),
            (key.to_owned() + chain).as_bytes(),
        )
    }
}
