//! The one rule about sending a request again.
//!
//! Before the response head only, and then:
//!
//! | what happened | again |
//! |---|---|
//! | no connection, or nothing of the request was written | yes |
//! | FastCGI says "not processed" (OVERLOADED, CANT_MPX_CONN) | yes, if the body is held |
//! | closed or error before a usable head | if the method is idempotent, or the operator agreed, and the body is held |
//! | the same after [`LONG_WORK`] | no: a watchdog ended it, and would again |
//! | timeouts | no: the work may be running |
//!
//! In all, a request is sent [`Retry::tries`] times at most. Another endpoint comes first; the same one is asked
//! again only if it [`passes`].

use std::time::Duration;

use http::Method;

use crate::protocol::DecodeError;
use crate::telemetry::Reason;
use crate::upstream::model::config::Retry;
use crate::upstream::model::error::Failure;

/// An exchange that broke after this time was ended by a watchdog: harakiri of uWSGI,
/// request_terminate_timeout of PHP-FPM, the worker timeout of Gunicorn (reference, features 56).
pub const LONG_WORK: Duration = Duration::from_secs(20);

/// What the rule looks at.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// Whether the body can be sent from the start again.
    pub body_held: bool,
    /// Whether any byte of the request went out.
    pub sent: bool,
    /// How often any byte of it went out, this time counted.
    pub sent_before: u32,
    /// What the operator permits.
    pub rules: Retry,
}

/// What is to blame for a failed exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client or the request, or nothing.
    Other,
    /// The endpoint has more to do than it can.
    Busy,
    /// The endpoint.
    Endpoint,
}

/// Whether the request may be sent to another endpoint, or again on a fresh connection.
pub fn permitted(attempt: &Attempt<'_>, failure: &Failure) -> bool {
    let left = attempt.sent_before < attempt.rules.tries;
    let repeatable = attempt.rules.non_idempotent || idempotent(attempt.method);
    match failure {
        Failure::Connect { .. } | Failure::BacklogFull { .. } => true,
        Failure::Decode(DecodeError::Overloaded | DecodeError::CantMultiplex) => left && attempt.body_held,
        Failure::Io(_) | Failure::Decode(_) => left && attempt.body_held && (!attempt.sent || repeatable),
        Failure::Admission(_)
        | Failure::Encode(_)
        | Failure::RequestBody(_)
        | Failure::Killed { .. }
        | Failure::SendTimeout
        | Failure::HeadTimeout
        | Failure::ReadTimeout
        | Failure::Spool(_) => false,
    }
}

/// Whether the same endpoint may do better the next time: a worker that died is replaced, but an endpoint that
/// answered nonsense would answer it again.
pub fn passes(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Io(_)
            | Failure::Connect { .. }
            | Failure::BacklogFull { .. }
            | Failure::Decode(
                DecodeError::Empty
                    | DecodeError::EofInHead
                    | DecodeError::Overloaded
                    | DecodeError::CantMultiplex,
            )
    )
}

/// What is to blame.
pub fn blame(failure: &Failure) -> Blame {
    match failure {
        Failure::Admission(_) | Failure::Encode(_) | Failure::RequestBody(_) => Blame::Other,
        Failure::BacklogFull { .. }
        | Failure::Decode(DecodeError::Overloaded | DecodeError::CantMultiplex) => Blame::Busy,
        // A watchdog that does its work is no sign of an endpoint that does not.
        Failure::Killed { .. } => Blame::Other,
        _ => Blame::Endpoint,
    }
}

/// The failure by its true name, now that it is known how long the exchange took.
pub fn named(failure: Failure, after: Duration) -> Failure {
    match after >= LONG_WORK && failure.reason() == Reason::BackendClosed {
        true => Failure::Killed { after },
        false => failure,
    }
}

/// RFC 9110, section 9.2.2.
fn idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS | Method::TRACE
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::ConnectError;

    fn allowed(method: Method, body_held: bool, sent: bool, failure: Failure) -> bool {
        permitted(
            &Attempt {
                method: &method,
                body_held,
                sent,
                sent_before: u32::from(sent),
                rules: Retry::default(),
            },
            &failure,
        )
    }

    #[test]
    fn nothing_sent_is_always_repeatable() {
        let refused = || Failure::Connect {
            endpoint: "x".into(),
            cause: ConnectError::Refused,
        };
        assert!(allowed(Method::POST, false, false, refused()));
        assert!(allowed(
            Method::POST,
            true,
            false,
            Failure::Decode(DecodeError::Empty)
        ));
    }

    #[test]
    fn a_sent_post_is_repeated_only_when_it_was_not_processed() {
        assert!(!allowed(
            Method::POST,
            true,
            true,
            Failure::Decode(DecodeError::Empty)
        ));
        assert!(allowed(
            Method::POST,
            true,
            true,
            Failure::Decode(DecodeError::Overloaded)
        ));
        assert!(!allowed(
            Method::POST,
            false,
            true,
            Failure::Decode(DecodeError::Overloaded)
        ));
    }

    #[test]
    fn tries_are_counted_and_the_operator_may_agree_to_more() {
        let attempt = |method, sent_before, non_idempotent| {
            let attempt = Attempt {
                method,
                body_held: true,
                sent: true,
                sent_before,
                rules: Retry {
                    tries: 3,
                    non_idempotent,
                },
            };
            permitted(&attempt, &Failure::Decode(DecodeError::Empty))
        };
        assert!(attempt(&Method::GET, 2, false));
        assert!(!attempt(&Method::GET, 3, false));
        assert!(!attempt(&Method::POST, 1, false));
        assert!(attempt(&Method::POST, 1, true));
    }

    #[test]
    fn work_that_a_watchdog_ended_is_not_begun_again() {
        let killed = named(Failure::Decode(DecodeError::Empty), LONG_WORK);
        assert_eq!(killed.reason(), Reason::WorkerKilled);
        assert!(!allowed(Method::GET, true, true, killed));
        let early = named(Failure::Decode(DecodeError::Empty), LONG_WORK / 2);
        assert!(allowed(Method::GET, true, true, early));
    }

    #[test]
    fn a_timeout_is_never_repeated() {
        assert!(!allowed(Method::GET, true, true, Failure::HeadTimeout));
    }

    #[test]
    fn an_idempotent_request_is_repeated_while_its_body_is_held() {
        assert!(allowed(
            Method::PUT,
            true,
            true,
            Failure::Decode(DecodeError::Empty)
        ));
        assert!(!allowed(
            Method::PUT,
            false,
            true,
            Failure::Decode(DecodeError::Empty)
        ));
    }
}
