//! What listeners and upstreams with TLS need: the files that were read, and what outlives configurations.

use std::sync::Arc;

use anyhow::{Context, Result};

use crate::frontend::config::Listener;
use crate::transport::tls::{Material, TlsAcceptor, TlsConfig, TlsContext};
use crate::upstream::Upstream;

/// One for a gateway; a reload and a renewal of certificates change the files.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    pub(super) context: TlsContext,
    pub(super) material: Material,
}

impl Tls {
    /// The same with other files.
    pub(super) fn with(&self, material: Material) -> Self {
        Self {
            context: self.context.clone(),
            material,
        }
    }

    /// Prepares for the first handshake, if one may come, beside everything else.
    pub(super) fn seed(&self) {
        if !self.material.is_empty() {
            let material = self.material.clone();
            tokio::task::spawn_blocking(move || material.seed());
        }
    }

    /// Upstreams connect with what the files hold.
    pub(super) fn equip(&self, upstreams: &[Arc<Upstream>]) {
        for upstream in upstreams {
            let connector = upstream
                .config()
                .secure()
                .and_then(|tls| self.material.connector(tls));
            upstream.dialer().secure(connector);
        }
    }

    /// How a listener speaks TLS, if it does.
    pub(super) fn acceptor(
        &self,
        listener: &Listener,
        config: &TlsConfig,
    ) -> Result<Option<Arc<TlsAcceptor>>> {
        let Some(tls) = listener.tls.as_deref() else {
            return Ok(None);
        };
        let acceptor = TlsAcceptor::new(tls, config, &self.material, &self.context);
        let acceptor = acceptor.with_context(|| format!("cannot speak TLS on {}", listener.address))?;
        Ok(Some(Arc::new(acceptor)))
    }
}
