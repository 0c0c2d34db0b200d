//! The one rule about sending a request again.
//!
//! Before the response head only, and then:
//!
//! | what happened | again |
//! |---|---|
//! | no connection, or nothing of the request was written | yes |
//! | FastCGI says "not processed" (OVERLOADED, CANT_MPX_CONN) | yes, if the body is held |
//! | closed or broken before a usable head | if the method is idempotent and the body is held |
//! | timeouts | no: the work may be running |

use http::Method;

use super::error::Failure;
use crate::protocol::DecodeError;

/// What the rule looks at.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// Whether the body can be sent from the start again.
    pub body_held: bool,
    /// Whether any byte of the request went out.
    pub sent: bool,
}

/// Whether the request may be sent to another endpoint, or again on a fresh connection.
pub fn permitted(attempt: &Attempt<'_>, failure: &Failure) -> bool {
    match failure {
        Failure::Connect { .. } | Failure::BacklogFull { .. } => true,
        Failure::Decode(DecodeError::Overloaded | DecodeError::CantMultiplex) => attempt.body_held,
        Failure::Io(_) | Failure::Decode(_) | Failure::Http(_) => {
            attempt.body_held && (!attempt.sent || idempotent(attempt.method))
        }
        Failure::Admission(_)
        | Failure::Encode(_)
        | Failure::RequestBody(_)
        | Failure::SendTimeout
        | Failure::HeadTimeout
        | Failure::ReadTimeout
        | Failure::Spool(_) => false,
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
