//! The task that gets certificates and renews them, for as long as the process serves.

use std::future::pending;
use std::sync::Arc;

use super::App;
use crate::acme::{AcmeConfig, Challenges, Keeper, Names, Store};
use crate::transport::tls::TlsContext;

/// What keeps certificates now, if there are some to keep.
#[derive(Default)]
pub(super) struct Keeping(Option<Keeper>);

impl Keeping {
    /// Waits until there is another certificate in the store.
    pub(super) fn changed(&self) -> impl Future<Output = ()> + use<> {
        let changed = self.0.as_ref().map(Keeper::changed);
        async {
            match changed {
                Some(changed) => changed.notified().await,
                None => pending().await,
            }
        }
    }

    /// Orders under way stop where they are.
    pub(super) fn stop(&mut self) {
        self.0 = None;
    }
}

impl App {
    /// Keeps the certificates that the configuration in force wants. What has failed is tried again at once, if `encouraged`.
    pub(super) fn keep(&mut self, encouraged: bool) {
        let acme = &self.generation.config.acme;
        let names = Names {
            public: self.own.public.clone(),
            local: self.own.local.clone(),
        };
        if self
            .keeping
            .0
            .as_ref()
            .is_some_and(|keeper| keeper.is_for(acme, &names))
            && !encouraged
        {
            return;
        }
        // The one before first: an order is one process's, and one keeper's.
        self.keeping.stop();
        let dns = self.dns.duplicate().ok();
        let some = !names.public.is_empty() || !names.local.is_empty();
        self.keeping.0 = some.then(|| Keeper::begin(acme, names, dns, &self.counters.orders, encouraged));
    }
}

/// How handshakes are answered when directories look whether a name is ours.
pub(super) fn answering(context: &TlsContext, acme: &AcmeConfig) -> TlsContext {
    let challenges = acme.is_on().then(|| Challenges::of(Store::at(&acme.store)));
    context.with_challenges(challenges.map(|challenges| Arc::new(challenges) as _))
}
