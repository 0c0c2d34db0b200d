//! What became of one request.

use std::time::{Duration, Instant};

use super::answer::Answer;
use super::request::Request;

/// One request and its end.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// The request's id.
    pub(crate) id: String,
    /// POST, which must not be executed twice.
    pub(crate) posts: bool,
    /// When it was to be sent.
    pub(crate) due: Instant,
    /// From then to its end: a load that falls behind counts against the gateway.
    pub(crate) latency: Duration,
    /// Its end.
    pub(crate) outcome: Outcome,
}

/// How a request ended, as its client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The right answer, to the last byte.
    Right,
    /// An answer that looks complete and is not the right one.
    Wrong(String),
    /// The gateway's own answer, with its reason word.
    Refused(String),
    /// The answer began and broke off, and its framing shows that.
    Cut,
    /// No answer: refused, closed, reset, or nothing for too long.
    Lost(String),
}

impl Outcome {
    /// Compares an answer with the one that is right.
    pub(crate) fn of(request: &Request, answer: Answer) -> Self {
        match answer {
            Answer {
                reason: Some(reason), ..
            } => Self::Refused(reason),
            Answer {
                status: 200, body, ..
            } if body == request.expected() => Self::Right,
            Answer {
                status: 200, body, ..
            } => {
                let wanted = request.expected();
                let same = body.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
                Self::Wrong(format!(
                    "{} bytes instead of {}, different from byte {same} on",
                    body.len(),
                    wanted.len()
                ))
            }
            Answer { status, .. } => Self::Wrong(format!("status {status}, not from the gateway")),
        }
    }
}
