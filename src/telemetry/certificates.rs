//! How long the certificates are good that clients get.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// A certificate and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateValidity {
    /// Where it is.
    pub file: String,
    /// The hosts that it is for.
    pub names: Vec<String>,
    /// Seconds since 1970 until which it is good.
    pub not_after: i64,
}

/// Those of a process: replaced when others are in force.
#[derive(Debug, Default)]
pub struct Certificates(ArcSwap<Vec<CertificateValidity>>);

impl Certificates {
    /// These are in force now.
    pub fn set(&self, all: Vec<CertificateValidity>) {
        self.0.store(Arc::new(all));
    }

    /// Those that are in force now.
    pub fn all(&self) -> Arc<Vec<CertificateValidity>> {
        self.0.load_full()
    }
}
