//! How long the requests of each route took.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::histogram::Histogram;
use super::observer::{Finished, Observer};
use super::timeline::Phase;

/// The times of one route. A route has one upstream at most, so these are the times of upstreams, too.
#[derive(Debug)]
pub struct RouteTimes {
    /// Its host and path in the configuration.
    pub name: Box<str>,
    /// The upstream that answers; empty when the gateway does.
    pub upstream: Box<str>,
    /// From the end of the request's head to the last byte of the answer.
    pub total: Histogram,
    /// In the queue, of the requests that had to wait.
    pub queue: Histogram,
    /// Connecting, of the requests that had to.
    pub connect: Histogram,
    /// From the connection to the head of the answer, of the requests that got one.
    pub head: Histogram,
}

/// The routes that some configuration in use has. Those that have gone are forgotten: the labels are as many as the
/// configuration says.
#[derive(Debug, Default)]
pub struct Routes(Mutex<Vec<Weak<RouteTimes>>>);

impl RouteTimes {
    fn new(name: &str, upstream: &str) -> Self {
        Self {
            name: name.into(),
            upstream: upstream.into(),
            total: Histogram::default(),
            queue: Histogram::default(),
            connect: Histogram::default(),
            head: Histogram::default(),
        }
    }
}

impl Observer for RouteTimes {
    fn finished(&self, request: &Finished<'_>) {
        let timeline = request.timeline;
        self.total.observe(timeline.total_nanos());
        let Some(upstream) = &request.upstream else {
            return;
        };
        let waits = [(Phase::Queue, &self.queue), (Phase::Connect, &self.connect)];
        for (phase, times) in waits {
            let nanos = timeline.nanos(phase);
            if nanos > 0 {
                times.observe(nanos);
            }
        }
        if upstream.status.is_some() {
            self.head.observe(timeline.nanos(Phase::Head));
        }
    }
}

impl Routes {
    /// The times of a route: those of before, if it has been there.
    pub fn times(&self, name: &str, upstream: &str) -> Arc<RouteTimes> {
        let mut routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        routes.retain(|route| route.strong_count() > 0);
        let mut known = routes.iter().filter_map(Weak::upgrade);
        if let Some(known) = known.find(|route| *route.name == *name && *route.upstream == *upstream) {
            return known;
        }
        let new = Arc::new(RouteTimes::new(name, upstream));
        routes.push(Arc::downgrade(&new));
        new
    }

    /// Those of all routes, in the order of their names.
    pub fn all(&self) -> Vec<Arc<RouteTimes>> {
        let routes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = routes.iter().filter_map(Weak::upgrade).collect();
        all.sort_by(|a, b| (&a.name, &a.upstream).cmp(&(&b.name, &b.upstream)));
        all
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::telemetry::observer::Upstream;
    use crate::telemetry::observer::samples::{Asked, finished};
    use crate::telemetry::timeline::Timeline;

    #[test]
    fn a_request_that_waited_for_nothing_is_a_total_and_a_head() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        for phase in [Phase::Queue, Phase::Connect, Phase::Head] {
            timeline.enter(phase, start);
        }
        timeline.enter(Phase::Response, start + Duration::from_millis(3));
        let times = RouteTimes::new("/", "php");
        let upstream = Some(Upstream {
            status: Some(200),
            ..Upstream::default()
        });
        times.finished(&Finished {
            upstream,
            ..finished(&Asked::default(), &timeline)
        });
        let counts = [&times.total, &times.queue, &times.connect, &times.head];
        assert_eq!(counts.map(|times| times.distribution().count()), [1, 0, 0, 1]);
        assert_eq!(times.head.distribution().sum, Duration::from_millis(3));
    }

    #[test]
    fn waits_are_counted_whether_an_answer_came_or_not() {
        let start = Instant::now();
        let mut timeline = Timeline::new(start);
        timeline.enter(Phase::Queue, start);
        timeline.pause(start + Duration::from_secs(1));
        let times = RouteTimes::new("/", "php");
        times.finished(&Finished {
            upstream: Some(Upstream::default()),
            ..finished(&Asked::default(), &timeline)
        });
        assert_eq!(times.queue.distribution().sum, Duration::from_secs(1));
        assert_eq!(times.head.distribution().count(), 0);
    }

    #[test]
    fn a_route_keeps_its_times_as_long_as_it_is_there() {
        let routes = Routes::default();
        let old = routes.times("/", "php");
        let other = routes.times("/", "app");
        assert!(Arc::ptr_eq(&old, &routes.times("/", "php")) && !Arc::ptr_eq(&old, &other));
        assert_eq!(routes.all().len(), 2);
        drop((old, other));
        assert!(routes.all().is_empty());
    }
}
