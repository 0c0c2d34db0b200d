//! What happened so far, as named numbers.

use std::sync::{Arc, OnceLock};

use super::certificates::Certificates;
pub use super::counter::{Counter, Gauge, Open};
use super::limits::Limits;
use super::observer::{Finished, Observer};
use super::orders::Orders;
use super::reason::Reason;
use super::route::Routes;
use super::sink::Sink;

/// Counters of a process. Every field may be changed by any thread; they order nothing and are not a
/// consistent picture together.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections accepted.
    pub connections: Counter,
    /// Connections open now.
    pub connections_open: Gauge,
    /// Accepts that failed for lack of descriptors or memory.
    pub accept_failures: Counter,
    /// Requests whose head was complete.
    pub requests: Counter,
    /// Body bytes from clients.
    pub request_bytes: Counter,
    /// Body bytes to clients.
    pub response_bytes: Counter,
    /// Request fields that no variable block can carry, or that only an attacker sends.
    pub fields_dropped: Counter,
    /// Access log lines lost.
    pub access_lines_dropped: Gauge,
    /// Bytes that spools have on disk now.
    pub spool_bytes: Gauge,
    /// Bytes of bodies that are in memory now.
    pub spool_memory_bytes: Gauge,
    /// Answers that are taken off their workers ahead of their clients now.
    pub relays_open: Gauge,
    /// Responses by the first digit of their status, the last for what is none.
    responses: [Counter; CLASSES.len()],
    /// Counts its own lost lines.
    error_log: OnceLock<Sink>,
    /// Errors by their reason.
    errors: Errors,
    /// TLS handshakes by their outcome.
    handshakes: [Counter; HandshakeOutcome::ALL.len()],
    /// Times by route.
    pub routes: Routes,
    /// What became of requests, by limit.
    pub limits: Limits,
    /// Certificates that are ordered by ourselves.
    pub orders: Arc<Orders>,
    /// The certificates of TLS that clients get.
    pub certificates: Certificates,
}

/// As many as there are reasons that a request can fail for.
#[derive(Debug)]
struct Errors([Counter; Reason::OF_REQUESTS.len()]);

/// What became of a TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum HandshakeOutcome {
    /// A new session.
    Full,
    /// An earlier session goes on.
    Resumed,
    /// There was none: the client spoke clear text.
    Clear,
    /// The two sides did not agree, or the client left.
    Failed,
    /// It was given up for another one.
    GivenUp,
    /// It took too long.
    Timeout,
    /// It was a directory's, which was shown the answer to its challenge.
    Challenge,
}

/// One number and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What is counted; ends in `_total` when it only grows.
    pub name: &'static str,
    /// The same as a sentence.
    pub help: &'static str,
    /// Which part of it.
    pub label: Option<(&'static str, &'static str)>,
    /// The number.
    pub value: u64,
}

/// Values of the label `class`.
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"];

/// A counter or gauge without a label: its name, what it is, and how it is read.
type Plain = (&'static str, &'static str, fn(&Counters) -> u64);

/// Those that are there, in the order in which they are told.
const PLAIN: [Plain; 13] = [
    ("connections_total", "Connections accepted.", |all| {
        all.connections.value()
    }),
    ("connections_open", "Connections open now.", |all| {
        all.connections_open.value()
    }),
    (
        "accept_failures_total",
        "Accepts that failed for lack of descriptors or memory.",
        |all| all.accept_failures.value(),
    ),
    ("requests_total", "Requests whose head was complete.", |all| {
        all.requests.value()
    }),
    ("requests_open", "Requests being answered now.", |all| {
        all.requests_open()
    }),
    ("request_bytes_total", "Body bytes from clients.", |all| {
        all.request_bytes.value()
    }),
    ("response_bytes_total", "Body bytes to clients.", |all| {
        all.response_bytes.value()
    }),
    (
        "fields_dropped_total",
        "Request fields that no application may see.",
        |all| all.fields_dropped.value(),
    ),
    ("access_lines_dropped_total", "Access log lines lost.", |all| {
        all.access_lines_dropped.value()
    }),
    ("error_lines_dropped_total", "Error log lines lost.", |all| {
        all.error_log.get().map_or(0, Sink::dropped)
    }),
    ("spool_bytes", "Bytes that spools have on disk now.", |all| {
        all.spool_bytes.value()
    }),
    (
        "spool_memory_bytes",
        "Bytes of bodies that are in memory now, out of spool.memory.",
        |all| all.spool_memory_bytes.value(),
    ),
    (
        "relays_open",
        "Answers that are taken off their workers ahead of the clients now.",
        |all| all.relays_open.value(),
    ),
];

impl Counters {
    /// Where the error log goes: what it loses is told here. The first one stays.
    pub fn attach_error_log(&self, sink: &Sink) {
        self.error_log.get_or_init(|| sink.clone());
    }

    /// Counts a response by its status.
    fn response(&self, status: u16) {
        let class = usize::from(status / 100).wrapping_sub(1).min(CLASSES.len() - 1);
        self.responses[class].add(1);
    }

    /// Counts an error of the gateway by its reason. Those that no request fails for are not counted.
    pub fn error(&self, reason: Reason) {
        if let Some(counter) = self.errors.0.get(reason as usize) {
            counter.add(1);
        }
    }

    /// Counts a TLS handshake.
    pub fn handshake(&self, outcome: HandshakeOutcome) {
        self.handshakes[outcome as usize].add(1);
    }

    /// Requests being answered now: begun and not over. Asked for rarely, so that no request has to count twice.
    pub fn requests_open(&self) -> u64 {
        // In this order: what ends in between has begun.
        let over: u64 = self.responses.iter().map(Counter::value).sum();
        self.requests.value().saturating_sub(over)
    }

    /// Every number, in a fixed order.
    pub fn snapshot(&self) -> impl Iterator<Item = Sample> {
        let plain = PLAIN.iter().map(|(name, help, read)| Sample {
            name,
            help,
            label: None,
            value: read(self),
        });
        plain
            .chain(self.responses_by_class())
            .chain(self.errors_by_reason())
            .chain(self.handshakes_by_outcome())
    }

    fn responses_by_class(&self) -> impl Iterator<Item = Sample> {
        let classes = CLASSES.iter().zip(&self.responses);
        classes.map(|(class, counter)| Sample {
            name: "responses_total",
            help: "Responses by the first digit of their status.",
            label: Some(("class", class)),
            value: counter.value(),
        })
    }

    fn errors_by_reason(&self) -> impl Iterator<Item = Sample> {
        let errors = Reason::OF_REQUESTS.iter().zip(&self.errors.0);
        errors.map(|(reason, counter)| Sample {
            name: "errors_total",
            help: "Errors of the gateway by their reason word.",
            label: Some(("reason", reason.as_str())),
            value: counter.value(),
        })
    }

    fn handshakes_by_outcome(&self) -> impl Iterator<Item = Sample> {
        let handshakes = HandshakeOutcome::ALL.iter().zip(&self.handshakes);
        handshakes.map(|(outcome, counter)| Sample {
            name: "tls_handshakes_total",
            help: "TLS handshakes with clients by their outcome.",
            label: Some(("outcome", outcome.as_str())),
            value: counter.value(),
        })
    }
}

impl HandshakeOutcome {
    /// Every outcome, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Full,
        Self::Resumed,
        Self::Clear,
        Self::Failed,
        Self::GivenUp,
        Self::Timeout,
        Self::Challenge,
    ];

    /// The word in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Resumed => "resumed",
            Self::Clear => "clear",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
            Self::Timeout => "timeout",
            Self::Challenge => "challenge",
        }
    }
}

impl Observer for Counters {
    fn finished(&self, request: &Finished<'_>) {
        self.response(request.status);
        self.request_bytes.add(request.request_bytes);
        self.response_bytes.add(request.response_bytes);
    }
}

impl Default for Errors {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::telemetry::observer::samples::{Asked, finished};
    use crate::telemetry::timeline::Timeline;

    fn value(counters: &Counters, name: &str, label: Option<&str>) -> u64 {
        let is = |sample: &Sample| sample.name == name && sample.label.map(|(_, value)| value) == label;
        let found: Vec<_> = counters.snapshot().filter(is).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0].value
    }

    #[test]
    fn responses_are_counted_by_class() {
        let counters = Counters::default();
        for status in [0, 99, 100, 200, 204, 301, 404, 499, 503, 600, u16::MAX] {
            counters.response(status);
        }
        let counts = CLASSES.map(|class| value(&counters, "responses_total", Some(class)));
        assert_eq!(counts, [1, 2, 1, 2, 1, 4]);
    }

    #[test]
    fn errors_are_counted_by_reason() {
        let counters = Counters::default();
        let last = Reason::OF_REQUESTS[Reason::OF_REQUESTS.len() - 1];
        for reason in [Reason::QueueFull, Reason::QueueFull, last, Reason::TunnelTimeout] {
            counters.error(reason);
        }
        assert_eq!(value(&counters, "errors_total", Some("queue_full")), 2);
        assert_eq!(value(&counters, "errors_total", Some(last.as_str())), 1);
        let errors = counters.snapshot().filter(|sample| sample.name == "errors_total");
        assert_eq!(errors.map(|sample| sample.value).sum::<u64>(), 3);
    }

    #[test]
    fn a_request_is_open_until_it_is_counted_as_over() {
        let counters = Counters::default();
        counters.requests.add(2);
        assert_eq!(value(&counters, "requests_open", None), 2);
        let (asked, timeline) = (Asked::default(), Timeline::new(Instant::now()));
        counters.finished(&Finished {
            response_bytes: 7,
            ..finished(&asked, &timeline)
        });
        assert_eq!(value(&counters, "requests_open", None), 1);
        assert_eq!(value(&counters, "response_bytes_total", None), 7);
    }

    #[test]
    fn an_open_relay_counts_until_it_is_dropped() {
        let counters = Counters::default();
        let open = counters.relays_open.open();
        assert_eq!(value(&counters, "relays_open", None), 1);
        drop(open);
        assert_eq!(value(&counters, "relays_open", None), 0);
    }
}
