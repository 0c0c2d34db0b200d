//! The names of this module in a program without TLS: no certificate is got. No listener speaks TLS there, so that
//! none is ever wanted.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Notify;

use super::config::AcmeConfig;
use super::dns::DnsSockets;
use super::store::Store;
use crate::telemetry::Orders;
use crate::transport::tls::AlpnChallenges;

/// None can be found.
#[derive(Clone, Debug)]
pub struct Challenges(());

impl Challenges {
    /// Those of a store.
    pub fn of(_store: Store) -> Self {
        Self(())
    }

    /// There is none.
    pub fn http(&self, _token: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

impl AlpnChallenges for Challenges {
    fn certificate(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }
}

/// For which names there are to be certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Directories are asked for these.
    pub public: BTreeSet<String>,
    /// Our own authority is.
    pub local: BTreeSet<String>,
}

/// Keeps nothing.
#[derive(Debug)]
pub struct Keeper(Arc<Notify>);

impl Keeper {
    /// Does nothing.
    pub fn begin(
        _config: &AcmeConfig,
        _names: Names,
        _dns: Option<DnsSockets>,
        _orders: &Arc<Orders>,
        _encouraged: bool,
    ) -> Self {
        Self(Arc::default())
    }

    /// Any other would do the same.
    pub fn is_for(&self, _config: &AcmeConfig, _names: &Names) -> bool {
        true
    }

    /// Never told.
    pub fn changed(&self) -> Arc<Notify> {
        self.0.clone()
    }
}

/// No authority of our own.
pub mod local {
    use std::io;
    use std::path::{Path, PathBuf};
    use std::time::SystemTime;

    /// Where the certificate for a host would be.
    pub fn path(store: &Path, host: &str) -> PathBuf {
        store.join("local").join(host)
    }

    /// Makes none.
    ///
    /// # Errors
    ///
    /// Where one is wanted.
    pub fn provide<'a>(
        _store: &Path,
        hosts: impl IntoIterator<Item = &'a str>,
        _now: SystemTime,
    ) -> io::Result<usize> {
        match hosts.into_iter().next() {
            Some(_) => Err(io::ErrorKind::Unsupported.into()),
            None => Ok(0),
        }
    }

    /// Makes none.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn placeholder(_names: &[String], _now: SystemTime) -> io::Result<String> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
