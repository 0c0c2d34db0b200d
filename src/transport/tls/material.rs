//! What the files hold that TLS needs, as they were at one time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use super::authorities::Authorities;
use super::certificate::Certificate;
use super::config::{AuthorityFiles, BackendTls, CertificateFiles, ClientAuth, ListenerTls};
use super::connector::TlsConnector;
use super::error::TlsError;
use super::file::Stamp;
use crate::telemetry::CertificateValidity;

/// How often files that are being replaced are read until they fit together.
const ATTEMPTS: usize = 3;

/// Certificates and authorities, by the files that they are in. A certificate and its key are read together.
#[derive(Clone, Debug)]
pub struct Material {
    pub(super) provider: Arc<CryptoProvider>,
    certificates: BTreeMap<CertificateFiles, Loaded<Certificate>>,
    authorities: BTreeMap<AuthorityFiles, Loaded<Authorities>>,
    connectors: BTreeMap<BackendTls, Loaded<TlsConnector>>,
}

/// What another look at the files has shown.
#[derive(Debug)]
pub struct Refreshed {
    /// What they hold now; where that cannot be used, what they held before.
    pub material: Material,
    /// How much of it is new.
    pub renewed: usize,
    /// Why the rest is not.
    pub errors: Vec<TlsError>,
}

/// What some files held, and when.
#[derive(Debug)]
struct Loaded<T> {
    stamps: Vec<Option<Stamp>>,
    value: Arc<T>,
}

impl<T> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        Self {
            stamps: self.stamps.clone(),
            value: self.value.clone(),
        }
    }
}

impl Default for Material {
    fn default() -> Self {
        Self {
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            certificates: BTreeMap::new(),
            authorities: BTreeMap::new(),
            connectors: BTreeMap::new(),
        }
    }
}

impl Material {
    /// Reads what listeners and upstreams need. What `self` has of files that have not changed is taken from there: a key that only root
    /// may read is not readable any more when its privileges are given up. Not for a thread of the runtime.
    pub fn load<'a>(
        &self,
        listeners: impl Iterator<Item = &'a ListenerTls>,
        backends: impl Iterator<Item = &'a BackendTls>,
    ) -> Result<Self, TlsError> {
        let mut next = Self {
            provider: self.provider.clone(),
            ..Self::default()
        };
        for listener in listeners {
            for files in listener.files() {
                let load = || Certificate::load(files, &self.provider);
                let loaded = Loaded::load(self.certificates.get(files), files.paths(), load)?;
                next.certificates.insert(files.clone(), loaded);
            }
            let hosts = listener.hosts.iter().map(|host| &host.client);
            for client in hosts.chain(&listener.client) {
                next.load_authorities(self, client)?;
            }
        }
        for backend in backends {
            let load = || TlsConnector::load(backend, &self.provider);
            let loaded = Loaded::load(self.connectors.get(backend), backend.paths(), load)?;
            next.connectors.insert(backend.clone(), loaded);
        }
        Ok(next)
    }

    /// What connects to the endpoints of upstreams with these settings.
    pub fn connector(&self, tls: &BackendTls) -> Option<Arc<TlsConnector>> {
        self.connectors.get(tls).map(|loaded| loaded.value.clone())
    }

    fn load_authorities(&mut self, before: &Self, client: &ClientAuth) -> Result<(), TlsError> {
        let files = &client.files;
        let load = || Authorities::load(files);
        let loaded = Loaded::load(before.authorities.get(files), files.paths(), load)?;
        self.authorities.insert(files.clone(), loaded);
        Ok(())
    }

    /// Reads those again that have changed; `None`: none has. What cannot be used stays as it was, and is told once. Not
    /// for a thread of the runtime.
    pub fn refreshed(&self) -> Option<Refreshed> {
        let (mut renewed, mut errors) = (0, Vec::new());
        let mut material = self.clone();
        let mut note = |outcome| match outcome {
            Some(Ok(())) => renewed += 1,
            Some(Err(error)) => errors.push(error),
            None => {}
        };
        for (files, loaded) in &mut material.certificates {
            note(loaded.refresh(files.paths(), || Certificate::load(files, &self.provider)));
        }
        for (files, loaded) in &mut material.authorities {
            note(loaded.refresh(files.paths(), || Authorities::load(files)));
        }
        for (tls, loaded) in &mut material.connectors {
            note(loaded.refresh(tls.paths(), || TlsConnector::load(tls, &self.provider)));
        }
        (renewed > 0 || !errors.is_empty()).then_some(Refreshed {
            material,
            renewed,
            errors,
        })
    }

    /// How long each certificate is good that clients may get, or that endpoints do.
    pub fn certificates(&self) -> Vec<CertificateValidity> {
        let certificates = self.certificates.iter();
        let served = certificates.map(|(files, loaded)| loaded.value.facts.validity(&files.cert));
        let shown = self
            .connectors
            .values()
            .filter_map(|loaded| loaded.value.validity.clone());
        let mut all: Vec<CertificateValidity> = Vec::new();
        for validity in served.chain(shown) {
            // Several upstreams may show the same one.
            if !all.iter().any(|known| known.file == validity.file) {
                all.push(validity);
            }
        }
        all
    }

    /// Whether neither certificates nor backends are in it: no handshake comes.
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty() && self.connectors.is_empty()
    }

    /// Seeds the random numbers of the library, which measures jitter for that: once in a process, for a tenth of a second
    /// or more, and in the first handshake, unless this came before. Not for a thread of the runtime.
    pub fn seed(&self) {
        // An error: the handshake has it, too, and says so.
        let _ = self.provider.secure_random.fill(&mut [0]);
    }

    pub(super) fn certificate(&self, files: &CertificateFiles) -> Option<&Arc<Certificate>> {
        self.certificates.get(files).map(|loaded| &loaded.value)
    }

    pub(super) fn authorities(&self, files: &AuthorityFiles) -> Option<&Arc<Authorities>> {
        self.authorities.get(files).map(|loaded| &loaded.value)
    }
}

impl<T> Loaded<T> {
    /// What was loaded before, if the files are the same; else what they hold now.
    fn load<'a>(
        before: Option<&Self>,
        paths: impl Iterator<Item = &'a PathBuf> + Clone,
        load: impl Fn() -> Result<T, TlsError>,
    ) -> Result<Self, TlsError> {
        if let Some(before) = before.filter(|before| before.stamps == stamps(paths.clone())) {
            return Ok(before.clone());
        }
        Self::read(paths, load)
    }

    /// Reads the files until they fit together, or are not replaced while they are read.
    fn read<'a>(
        paths: impl Iterator<Item = &'a PathBuf> + Clone,
        load: impl Fn() -> Result<T, TlsError>,
    ) -> Result<Self, TlsError> {
        let mut attempt = 1;
        loop {
            let stamps = stamps(paths.clone());
            match load() {
                Ok(value) => {
                    return Ok(Self {
                        stamps,
                        value: Arc::new(value),
                    });
                }
                Err(_) if attempt < ATTEMPTS && stamps != self::stamps(paths.clone()) => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the files again if they have changed; `None`: they have not.
    fn refresh<'a>(
        &mut self,
        paths: impl Iterator<Item = &'a PathBuf> + Clone,
        load: impl Fn() -> Result<T, TlsError>,
    ) -> Option<Result<(), TlsError>> {
        let now = stamps(paths.clone());
        if now == self.stamps {
            return None;
        }
        Some(match Self::read(paths, load) {
            Ok(loaded) => {
                *self = loaded;
                Ok(())
            }
            Err(error) => {
                // Told once: the next look is for other files.
                self.stamps = now;
                Err(error)
            }
        })
    }
}

fn stamps<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Vec<Option<Stamp>> {
    paths.map(|path| Stamp::of(path)).collect()
}
