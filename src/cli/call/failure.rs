//! Why there is no answer, and what to do about it.

use std::io;
use std::time::Duration;

use super::args::{Args, Wire};
use crate::config::units::Period;
use crate::framed::Error;
use crate::protocol::{DecodeError, EncodeError};
use crate::transport::{Address, ConnectError, Obstacle};

/// Why there is no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// A unix socket cannot be reached.
    #[error("{0}")]
    Unreachable(Obstacle),
    #[error("cannot connect to {0}: {1}")]
    Connect(Address, ConnectError),
    #[error("cannot send this request: {0}")]
    Encode(#[from] EncodeError),
    /// Nothing came for so long; whether the head had come.
    #[error("no {} within {}", if *.1 { "more of the answer" } else { "answer" }, Period(*.0))]
    Silence(Duration, bool),
    /// Whether the head had come.
    #[error("{}: {error}", if *.begun { "the answer broke off" } else { "no answer" })]
    Broken { error: Error, begun: bool },
    #[error("cannot write the answer: {0}")]
    Output(#[from] io::Error),
    #[error("the application answered a question that was not asked: {0:?}")]
    Unasked(crate::protocol::fastcgi::Kind),
}

impl Failure {
    /// The connection or the protocol failed before there was any answer.
    pub(super) fn unanswered(error: impl Into<Error>) -> Self {
        Self::Broken {
            error: error.into(),
            begun: false,
        }
    }

    /// A failed connection; for unix sockets with the part of the path that is in the way.
    pub(super) fn connect(address: &Address, error: ConnectError) -> Self {
        match (address, error) {
            (_, ConnectError::Missing(obstacle) | ConnectError::Forbidden(obstacle)) => {
                Self::Unreachable(*obstacle)
            }
            (Address::Unix(path), ConnectError::Refused) => {
                Self::Unreachable(Obstacle::explain(path, &io::ErrorKind::ConnectionRefused.into()))
            }
            (_, error) => Self::Connect(address.clone(), error),
        }
    }

    /// What the reason may be.
    pub(super) fn hint(&self, args: &Args) -> Option<String> {
        let wire = args.wire();
        let other = || format!("does it speak {wire}? `--protocol` names another one");
        match self {
            Self::Connect(_, ConnectError::Full) => {
                Some("all workers are busy and as many connections as may wait are waiting".to_owned())
            }
            Self::Silence(_, false) if args.get_values => Some(
                "uWSGI and some others never answer this question; that says nothing about them".to_owned(),
            ),
            Self::Silence(_, false) => Some(format!(
                "all workers may be busy; `--timeout` waits longer. Or: {}",
                other()
            )),
            Self::Broken {
                error: Error::Decode(DecodeError::Version(b'H')),
                begun: false,
            } if wire == Wire::Fastcgi => Some(
                "this is HTTP: `--protocol http`; or uwsgi, which answers like it: `--protocol uwsgi`"
                    .to_owned(),
            ),
            Self::Broken { begun: false, error } => {
                Some(match closed(error).then_some((wire, &args.target.address)) {
                    Some((Wire::Fastcgi, Address::Tcp(_) | Address::Name(..))) => format!(
                        "PHP-FPM closes connections from addresses that are not in its listen.allowed_clients. Or: {}",
                        other()
                    ),
                    Some((Wire::Uwsgi | Wire::Scgi, _)) => format!(
                        "uWSGI closes the connection of a request whose variables are larger than its buffer-size (4096 unless \
                     set). Or: {}",
                        other()
                    ),
                    _ => other(),
                })
            }
            _ => None,
        }
    }
}

/// Whether the connection ended without a byte of an answer.
fn closed(error: &Error) -> bool {
    matches!(error, Error::Io(_) | Error::Decode(DecodeError::Empty))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_says_how_long_and_what_was_missing() {
        let silence = |begun| Failure::Silence(Duration::from_secs(10), begun).to_string();
        assert_eq!(silence(false), "no answer within 10s");
        assert_eq!(silence(true), "no more of the answer within 10s");
    }

    #[tokio::test]
    async fn a_missing_socket_is_explained() {
        let address: Address = "unix:/does/not/exist".parse().unwrap();
        let error = crate::transport::connect(&address, Duration::from_secs(1))
            .await
            .unwrap_err();
        let failure = Failure::connect(&address, error);
        assert_eq!(
            failure.to_string(),
            "cannot open /does/not/exist: there is no /does"
        );
    }
}
