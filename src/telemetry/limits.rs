//! What became of requests at the limits that they count for.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::counter::{Counter, Gauge};

/// What became of a request. The words are nginx's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitStatus {
    /// It was within its limits.
    Passed,
    /// It would have waited.
    DelayedDryRun,
    /// It would have been refused.
    RejectedDryRun,
    /// It had to wait.
    Delayed,
    /// It was refused.
    Rejected,
}

/// What became of a request, by what is limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limited {
    /// Its rate, if one is.
    pub rate: Option<LimitStatus>,
    /// How many there are at a time, if that is.
    pub concurrent: Option<LimitStatus>,
}

/// What is counted of one limit.
#[derive(Debug, Default)]
pub struct LimitCounters {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// Requests that went on at once.
    pub passed: Counter,
    /// Requests that had to wait.
    pub delayed: Counter,
    /// Requests that were refused for their rate.
    pub rate: Counter,
    /// Requests that were refused for those that are under way.
    pub concurrent: Counter,
    /// Requests that would have been refused, or have had to wait.
    pub dry_run: Counter,
    /// Requests that wait now.
    pub waiting: Gauge,
    /// Keys that were forgotten though they counted: there are more than the limit has room for.
    pub keys_lost: Gauge,
}

/// The limits that some configuration in use has.
#[derive(Debug, Default)]
pub struct Limits(Mutex<Vec<Weak<LimitCounters>>>);

impl LimitStatus {
    /// The word in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::DelayedDryRun => "DELAYED_DRY_RUN",
            Self::RejectedDryRun => "REJECTED_DRY_RUN",
            Self::Delayed => "DELAYED",
            Self::Rejected => "REJECTED",
        }
    }
}

impl LimitCounters {
    /// What became of requests, by the words in metrics.
    pub fn outcomes(&self) -> [(&'static str, &Counter); 5] {
        [
            ("passed", &self.passed),
            ("delayed", &self.delayed),
            ("rate_limited", &self.rate),
            ("too_many", &self.concurrent),
            ("dry_run", &self.dry_run),
        ]
    }
}

impl Limits {
    /// The counters of a limit: those of before, if it has been there.
    pub fn counters(&self, name: &str) -> Arc<LimitCounters> {
        let mut limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        limits.retain(|limit| limit.strong_count() > 0);
        let mut known = limits.iter().filter_map(Weak::upgrade);
        if let Some(known) = known.find(|limit| *limit.name == *name) {
            return known;
        }
        let new = Arc::new(LimitCounters {
            name: name.into(),
            ..LimitCounters::default()
        });
        limits.push(Arc::downgrade(&new));
        new
    }

    /// Those of all limits, in the order of their names.
    pub fn all(&self) -> Vec<Arc<LimitCounters>> {
        let limits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = limits.iter().filter_map(Weak::upgrade).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_keeps_its_counters_as_long_as_it_is_there() {
        let limits = Limits::default();
        let old = limits.counters("login");
        old.passed.add(1);
        assert_eq!(limits.counters("login").passed.value(), 1);
        let other = limits.counters("api");
        let names: Vec<_> = limits.all().iter().map(|limit| limit.name.clone()).collect();
        assert_eq!(names, ["api".into(), "login".into()]);
        drop((old, other));
        assert!(limits.all().is_empty());
    }

    #[test]
    fn what_is_worse_is_more() {
        use LimitStatus::{Delayed, DelayedDryRun, Passed, Rejected, RejectedDryRun};
        assert!([Passed, DelayedDryRun, RejectedDryRun, Delayed, Rejected].is_sorted());
    }
}
