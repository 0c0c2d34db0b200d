//! All limits of a configuration.

use std::sync::Arc;

use super::asked::Asked;
use super::concurrent::ConcurrentLimit;
use super::rate::RateLimit;
use super::settings::Limit;
use crate::telemetry::limits::Limits as Counters;

/// The limits of a configuration, ready to be asked.
#[derive(Default)]
pub struct Limits {
    rates: Vec<Arc<RateLimit>>,
    concurrent: Vec<Arc<ConcurrentLimit>>,
}

impl Limits {
    /// Those of the settings, with what `before` remembers.
    pub fn new(settings: &[Limit], before: Option<&Self>, counters: &Counters) -> Self {
        let mut limits = Self::default();
        for (number, limit) in settings.iter().enumerate() {
            let counters = counters.counters(&limit.name);
            if let Some(rate) = limit.rate {
                let before = before.and_then(|before| before.rate(&limit.name));
                let before = before.map(|rate| &**rate);
                let rate = RateLimit::new(limit, rate, number, before, counters.clone());
                limits.rates.push(Arc::new(rate));
            }
            if let Some(most) = limit.requests {
                let before = before.and_then(|before| before.concurrent(&limit.name));
                let before = before.map(|limit| &**limit);
                let concurrent = ConcurrentLimit::new(limit, most, number, before, counters);
                limits.concurrent.push(Arc::new(concurrent));
            }
        }
        limits
    }

    /// Those that a route names; `None`: it names none.
    pub(in crate::frontend) fn of(&self, names: &[String]) -> Option<Asked> {
        let rates = names.iter().filter_map(|name| self.rate(name).cloned());
        let concurrent = names.iter().filter_map(|name| self.concurrent(name).cloned());
        let asked = Asked::new(rates.collect(), concurrent.collect());
        (!asked.is_empty()).then_some(asked)
    }

    fn rate(&self, name: &str) -> Option<&Arc<RateLimit>> {
        self.rates.iter().find(|limit| limit.settings.name == name)
    }

    fn concurrent(&self, name: &str) -> Option<&Arc<ConcurrentLimit>> {
        self.concurrent.iter().find(|limit| limit.settings.name == name)
    }
}
