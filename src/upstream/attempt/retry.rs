//! The one rule about sending a request again.
//!
//! Before the response head only, and then:
//!
//! | what happened | again |
//! |---|---|
//! | the backlog is full | yes: full is not dead |
//! | no connection | yes, unless `retry.on` lacks `connect` |
//! | FastCGI says "not processed" (OVERLOADED, CANT_MPX_CONN) | yes, if the body is held |
//! | closed or error before a usable head | the same, if nothing was written; else if the method is idempotent, or the operator agreed; unless `retry.on` lacks `closed` |
//! | the same after [`LONG_WORK`] | no: a watchdog ended it, and would again |
//! | no head in time | no: the work may be running. If `retry.on` has `timeout`, as above |
//! | a status in `retry.on` | as above, while another endpoint is left: the last one's answer is the client's |
//!
//! In all, a request is sent [`Retry::tries`] times at most, and not after [`Retry::time`]. Another endpoint comes first;
//! the same one is asked again only if it [`passes`].

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
    /// How long ago it came.
    pub age: Duration,
    /// What the operator permits.
    pub rules: &'a Retry,
}

/// Whether the request may be sent to another endpoint, or again on a fresh connection.
pub fn permitted(attempt: &Attempt<'_>, failure: &Failure) -> bool {
    let rules = attempt.rules;
    let in_time = rules.time.is_none_or(|time| attempt.age < time);
    let left = in_time && attempt.sent_before < rules.tries;
    let again = left && attempt.body_held;
    let repeatable = rules.non_idempotent || idempotent(attempt.method);
    match failure {
        Failure::BacklogFull { .. } => true,
        Failure::Connect { cause, .. } => !cause.is_ours() && in_time && rules.on.connect,
        Failure::Decode(DecodeError::Overloaded | DecodeError::CantMultiplex) => again,
        Failure::Io(_) | Failure::Decode(_) | Failure::Head { .. } => {
            again && rules.on.closed && (!attempt.sent || repeatable)
        }
        Failure::HeadTimeout => again && rules.on.timeout && repeatable,
        Failure::Status(status) => again && rules.on.statuses.contains(status) && repeatable,
        Failure::Admission(_)
        | Failure::Encode(_)
        | Failure::RequestBody(_)
        | Failure::Killed { .. }
        | Failure::SendTimeout
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
    use crate::upstream::model::config::RetryOn;

    fn allowed(method: Method, body_held: bool, sent: bool, failure: Failure) -> bool {
        permitted(
            &Attempt {
                method: &method,
                body_held,
                sent,
                sent_before: u32::from(sent),
                age: Duration::ZERO,
                rules: &Retry::default(),
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
                age: Duration::ZERO,
                rules: &Retry {
                    non_idempotent,
                    ..Retry::default()
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
    fn a_timeout_is_not_repeated_unless_the_operator_says_so() {
        assert!(!allowed(Method::GET, true, true, Failure::HeadTimeout));
        let rules = Retry {
            on: RetryOn {
                timeout: true,
                ..RetryOn::default()
            },
            ..Retry::default()
        };
        let by = |method| permitted(&sent(method, &rules), &Failure::HeadTimeout);
        assert!(by(&Method::GET) && !by(&Method::POST));
    }

    /// A request that was sent once, with its body held.
    fn sent<'a>(method: &'a Method, rules: &'a Retry) -> Attempt<'a> {
        Attempt {
            method,
            body_held: true,
            sent: true,
            sent_before: 1,
            age: Duration::ZERO,
            rules,
        }
    }

    #[test]
    fn only_what_is_listed_is_repeated() {
        let rules = Retry {
            on: RetryOn {
                connect: false,
                closed: false,
                timeout: false,
                statuses: vec![503],
            },
            ..Retry::default()
        };
        let refused = Failure::Connect {
            endpoint: "x".into(),
            cause: ConnectError::Refused,
        };
        let get = sent(&Method::GET, &rules);
        assert!(!permitted(&get, &refused));
        assert!(!permitted(&get, &Failure::Decode(DecodeError::Empty)));
        assert!(permitted(&get, &Failure::Status(503)));
        assert!(!permitted(&get, &Failure::Status(502)));
        assert!(!permitted(&sent(&Method::POST, &rules), &Failure::Status(503)));
    }

    #[test]
    fn after_its_time_a_request_is_not_sent_again() {
        let rules = Retry {
            time: Some(Duration::from_secs(5)),
            ..Retry::default()
        };
        let aged = |age| Attempt {
            age,
            ..sent(&Method::GET, &rules)
        };
        let closed = Failure::Decode(DecodeError::Empty);
        assert!(permitted(&aged(Duration::from_secs(4)), &closed));
        assert!(!permitted(&aged(Duration::from_secs(5)), &closed));
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
