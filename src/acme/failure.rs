//! Why there is no certificate.

use std::time::Duration;

use super::client::ClientError;
use super::message::Problem;
use crate::telemetry::OrderFailure;

/// Why an order did not come to a certificate.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub(super) struct Failure {
    /// What went wrong.
    pub(super) cause: Cause,
    /// How long the directory wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    /// The directory does not answer, or not with what it should.
    #[error("{0}")]
    Directory(Box<ClientError>),
    /// It answers, and says no.
    #[error("the directory refuses {asked}: {problem}")]
    Refused {
        /// What was asked for.
        asked: &'static str,
        /// Why.
        problem: Box<Problem>,
    },
    /// It has looked for the answer to its challenge, and did not find it.
    #[error("the directory did not find the answer to {challenge} for `{name}`: {problem}")]
    Challenge {
        /// Of which kind.
        challenge: &'static str,
        /// For which name.
        name: String,
        /// What it found instead.
        problem: Box<Problem>,
    },
    /// It wants to be shown control in another way.
    #[error("the directory offers no {challenge} for `{name}`, but {offered}")]
    NotOffered {
        /// What is wanted.
        challenge: &'static str,
        /// For which name.
        name: String,
        /// What there is.
        offered: String,
    },
    /// An answer is not what it should be.
    #[error("the directory says what makes no sense: {0}")]
    Senseless(String),
    /// It takes longer than it may.
    #[error("the directory was not done with {0} in time")]
    Late(&'static str),
    /// What is to answer a challenge cannot be put where it is looked for.
    #[error("cannot answer the challenge: {0}")]
    Answer(String),
    /// The disk.
    #[error("the store: {0}")]
    Store(#[from] std::io::Error),
    /// The request for the certificate cannot be made.
    #[error("cannot make a key and a request for a certificate: {0}")]
    Request(String),
}

impl Failure {
    /// What kind it is.
    pub(super) fn kind(&self) -> OrderFailure {
        match &self.cause {
            Cause::Directory(_) | Cause::Senseless(_) => OrderFailure::Directory,
            Cause::Refused { problem, .. } if problem.word() == "rateLimited" => OrderFailure::RateLimited,
            Cause::Refused { .. } => OrderFailure::Refused,
            Cause::Challenge { .. } | Cause::NotOffered { .. } => OrderFailure::Challenge,
            Cause::Late(_) => OrderFailure::Late,
            Cause::Answer(_) | Cause::Store(_) | Cause::Request(_) => OrderFailure::Local,
        }
    }

    /// Whether the directory knows nothing of our account any more.
    pub(super) fn is_account_gone(&self) -> bool {
        let Cause::Refused { problem, .. } = &self.cause else {
            return false;
        };
        problem.word() == "accountDoesNotExist"
    }
}

impl<C: Into<Cause>> From<C> for Failure {
    fn from(cause: C) -> Self {
        Self {
            cause: cause.into(),
            retry_after: None,
        }
    }
}

impl From<ClientError> for Cause {
    fn from(error: ClientError) -> Self {
        Self::Directory(Box::new(error))
    }
}
