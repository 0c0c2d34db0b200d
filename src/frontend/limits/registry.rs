//! All limits of a configuration.

use std::sync::Arc;

use super::asked::Asked;
use super::rate::RateLimit;
use super::settings::Limit;
use crate::telemetry::limits::Limits as Counters;

/// The limits of a configuration, ready to be asked.
#[derive(Default)]
pub struct Limits {
    rates: Vec<Arc<RateLimit>>,
}

impl Limits {
    /// Those of the settings, with what `before` remembers.
    pub fn new(settings: &[Limit], before: Option<&Self>, counters: &Counters) -> Self {
        let rates = settings.iter().enumerate().filter_map(|(number, limit)| {
            let before = before.and_then(|before| before.rate(&limit.name));
            let counters = counters.counters(&limit.name);
            let rate = RateLimit::new(limit, limit.rate?, number, before.map(|rate| &**rate), counters);
            Some(Arc::new(rate))
        });
        Self {
            rates: rates.collect(),
        }
    }

    /// Those that a route names; `None`: it names none.
    pub(in crate::frontend) fn of(&self, names: &[String]) -> Option<Asked> {
        let rates: Box<[_]> = names.iter().filter_map(|name| self.rate(name).cloned()).collect();
        (!rates.is_empty()).then(|| Asked::new(rates))
    }

    fn rate(&self, name: &str) -> Option<&Arc<RateLimit>> {
        self.rates.iter().find(|rate| rate.settings.name == name)
    }
}
