//! Where the time of requests goes, counters, the access log, the slow log, the error log.
//!
//! A request notes what it waits for on its [`Timeline`], once. When it is over, every [`Observer`] sees the same
//! [`Finished`]: the [`AccessLog`], the [`SlowLog`], the [`Counters`], and the times of its route ([`RouteTimes`]). Why
//! something went wrong is one [`Reason`] for all of them.
//!
//! Both logs go through a [`Sink`]: a bounded buffer and a thread that writes it out, so that a slow disk or a
//! stuck pipe never holds up a request. What does not fit is dropped and counted.

pub mod access;
pub mod certificates;
pub mod clock;
pub mod config;
pub mod counter;
pub mod counters;
pub mod escape;
pub mod exposition;
pub mod histogram;
pub mod limits;
pub mod line;
pub mod log;
pub mod number;
pub mod observer;
pub mod orders;
pub mod reason;
pub mod redaction;
pub mod reminder;
pub mod route;
pub mod sink;
pub mod slow;
pub mod syslog;
mod template;
pub mod timeline;
pub mod variable;

pub use access::AccessLog;
pub use certificates::CertificateValidity;
pub use config::LogConfig;
pub use counters::{Counters, HandshakeOutcome};
pub use exposition::Exposition;
pub use histogram::Histogram;
pub use observer::{Finished, Observer};
pub use orders::{OrderFailure, OrderState, Orders};
pub use reason::Reason;
pub use redaction::Redaction;
pub use reminder::Reminder;
pub use route::RouteTimes;
pub use sink::{Guard, Opened, Sink};
pub use slow::SlowLog;
pub use syslog::{Syslog, SyslogSocket};
pub use timeline::{Phase, Timeline};
